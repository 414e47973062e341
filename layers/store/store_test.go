package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/paulmach/orb/encoding/mvt"
	"go.uber.org/goleak"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/dispatch"
	"onepicture/layers/index"
	"onepicture/layers/ledger"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

// town is a city of one town with two villages side by side, and something of everything in them.
const town = `
insert into department (id, code, name) values (1, 'd', '部门');
insert into source (id, code, name, kind, cadence, last_at) values
	(1, 's', '源', 'mixed', interval '1 hour', now()), (2, 'late', '迟', 'event', interval '1 hour', now() - interval '2 hours');
insert into class (kind, id, code, name) values ('person', 0, 'registered', '户籍'), ('site', 1, 'school', '学校'), ('event', 1, 'fire', '火');
insert into care_need (bit, code, name) values (0, 'living_alone', '独居');
insert into item (id, code, class, name, deadline_hours, level) values (1, 'F-1', 1, '堵塞', 24, 2);
insert into layer (code, kind, bit, "group", name, filter) values
	('people', 'person', 0, 'g', 'n', ''), ('old', 'person', 1, 'g', 'n', 'age >= 80'), ('schools', 'site', 0, 'g', 'n', 'class = ''school'''),
	('events_open', 'event', 0, 'g', 'n', 'status = ''open''');
insert into place (id, code, level, parent_id, name, geom, label, area_m2, source_id) values
	(1, '998800000000', 1, null, '城', st_multi(st_makeenvelope(113, 22, 114, 23, 4326)), st_point(113.5, 22.5, 4326), 1e10, 1),
	(2, '998800101000', 2, 1, '镇', st_multi(st_makeenvelope(113, 22, 114, 23, 4326)), st_point(113.5, 22.5, 4326), 1e10, 1),
	(3, '998800101001', 3, 2, '东村', st_multi(st_makeenvelope(113.5, 22, 114, 23, 4326)), st_point(113.7, 22.5, 4326), 5e9, 1),
	(4, '998800101002', 3, 2, '西村', st_multi(st_makeenvelope(113, 22, 113.5, 23, 4326)), st_point(113.2, 22.5, 4326), 5e9, 1),
	(5, '998800101003', 3, 2, '无界村', null, null, null, 1);
insert into person (source_id, key, class, gender, birth, care, geom, place_id, hash)
	select 1, i::text, 0, 1, case when i <= 30 then date '1930-01-01' else date '1990-01-01' end, i % 2, st_point(113.2 + i * 0.001, 22.5, 4326), 4, '' from generate_series(1, 100) i;
insert into site (source_id, key, name, class, geom, anchor, place_id, hash) values
	(1, 'a', '一小', 1, st_makeenvelope(113.6, 22.4, 113.7, 22.5, 4326), st_point(113.65, 22.45, 4326), 3, ''),
	(1, 'b', '二小', 1, st_point(113.3, 22.5, 4326), st_point(113.3, 22.5, 4326), 4, '');
insert into event (source_id, key, class, item_id, status, title, reported_at, due_at, closed_at, geom, place_id, hash)
	select 1, i::text, 1, 1, case when i % 2 = 0 then 7 else 2 end, '事' || i, timestamptz '2026-01-01' + i * interval '1 hour',
		timestamptz '2026-01-02', case when i % 2 = 0 then timestamptz '2026-01-03' end, st_point(113.6, 22.5, 4326), 3, '' from generate_series(1, 20) i;
insert into base_feature (class, name, geom) values ('road_trunk', '路', st_setsrid(st_makeline(st_point(113, 22.5), st_point(114, 22.5)), 4326)),
	('land', '', st_makeenvelope(113, 22, 114, 23, 4326));
select setval(pg_get_serial_sequence('place', 'id'), 5), setval(pg_get_serial_sequence('source', 'id'), 2);
`

// served is a store that has loaded and follows.
func served(t *testing.T, pool *pgxpool.Pool) *Store {
	t.Helper()
	s := New(pool, ledger.New(pool), index.New())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	changed := s.Index().Changed()
	go func() { ended <- s.Run(ctx, func(Applied) {}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the feed ended with %v", err)
		}
	})
	select {
	case <-changed:
	case err := <-ended:
		ended <- err
		t.Fatalf("load: %v", err)
	}
	return s
}

func fixture(t *testing.T) (*pgxpool.Pool, *Store) {
	t.Helper()
	pool := sqltest.DB(t)
	if _, err := pool.Exec(t.Context(), town); err != nil {
		t.Fatal(err)
	}
	return pool, served(t, pool)
}

func TestLoadedIndexCountsLikeSQL(t *testing.T) {
	_, s := fixture(t)
	snap, all := s.Index().Snapshot(), layers.Internal("test")
	old := uint64(1) << s.Catalogue().Layer("old").Bit
	for _, c := range []struct {
		name      string
		got, want int
	}{
		{"people", snap.Figures(layers.KindPerson, all, 0).N, 100},
		{"people of the town", snap.Figures(layers.KindPerson, all, 2).N, 100},
		{"people of the west", snap.Figures(layers.KindPerson, all, 4).N, 100},
		{"people of the east", snap.Figures(layers.KindPerson, all, 3).N, 0},
		{"old people", snap.Count(index.Query{Kind: layers.KindPerson, Scope: all, Layers: old}), 30},
		{"open events", snap.Figures(layers.KindEvent, all, 3).Open, 10},
		{"sites", snap.Len(layers.KindSite), 2},
		{"people for nobody", snap.Figures(layers.KindPerson, layers.Scope{}, 0).N, 0},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.name, c.got, c.want)
		}
	}
	late := snap.Count(index.Query{Kind: layers.KindEvent, Scope: all, Match: func(r *layers.Record) bool { return r.Flags&layers.FlagLate != 0 }})
	if late != 10 {
		t.Errorf("%d events were closed late, want 10", late)
	}
}

func TestScopeDecidesWhatIsRead(t *testing.T) {
	_, s := fixture(t)
	ctx := t.Context()
	var west layers.Reach
	west.Places.Add(4)
	there, counted := layers.Sight{Counts: west, Records: west}, layers.Sight{Counts: layers.Everywhere()}
	records := layers.Scope{Site: there, Event: there, Person: there}
	counts := layers.Scope{Site: counted, Event: counted, Person: counted}
	for _, c := range []struct {
		name         string
		scope        layers.Scope
		event, site  bool // of the east
		westSite     bool
		listed       int
		featureSites int
	}{
		{"nobody", layers.Scope{}, false, false, false, 0, 0},
		{"counts only", counts, false, false, false, 0, 0},
		{"the west", records, false, false, true, 0, 1},
		{"the page", layers.Loopback(), true, true, true, 20, 2},
	} {
		if _, err := s.Event(ctx, c.scope, 1); (err == nil) != c.event {
			t.Errorf("%s: event: %v", c.name, err)
		} else if err != nil && layers.CodeOf(err) != layers.CodeNotFound {
			t.Errorf("%s: what is outside the scope must not be told from what does not exist: %v", c.name, err)
		}
		if _, err := s.Site(ctx, c.scope, 1); (err == nil) != c.site {
			t.Errorf("%s: site of the east: %v", c.name, err)
		}
		if _, err := s.Site(ctx, c.scope, 2); (err == nil) != c.westSite {
			t.Errorf("%s: site of the west: %v", c.name, err)
		}
		list, _, err := s.Events(ctx, c.scope, EventQuery{Limit: 50})
		if err != nil || len(list) != c.listed {
			t.Errorf("%s: %d events listed, %v", c.name, len(list), err)
		}
		f, err := s.Features(ctx, c.scope, layers.KindSite, []int64{1, 2, 99}, geo.Tile{}, 64)
		if err != nil || len(f) != c.featureSites {
			t.Errorf("%s: %d site features, %v", c.name, len(f), err)
		}
		if f, err := s.Features(ctx, c.scope, layers.KindPerson, []int64{1, 2}, geo.Tile{}, 64); err != nil || len(f) != 0 {
			t.Errorf("%s: persons came as features", c.name)
		}
	}
}

func TestEventsPage(t *testing.T) {
	_, s := fixture(t)
	var seen []int64
	q := EventQuery{Limit: 7}
	for {
		list, _, err := s.Events(t.Context(), layers.Loopback(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		for _, e := range list {
			seen = append(seen, e.ID)
		}
		last := list[len(list)-1]
		q.BeforeAt, q.BeforeID = layers.Minutes(last.ReportedAt), last.ID
	}
	if len(seen) != 20 || !slices.IsSortedFunc(seen, func(a, b int64) int { return int(b - a) }) {
		t.Errorf("paging gave %v", seen)
	}
}

func TestChangesReachTheIndex(t *testing.T) {
	pool, s := fixture(t)
	ctx, l := t.Context(), ledger.New(pool)
	all := layers.Internal("test")
	wait := func(p layers.Position) *index.Snapshot {
		t.Helper()
		waiting, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if err := s.Wait(waiting, p); err != nil {
			t.Fatal(err)
		}
		return s.Index().Snapshot()
	}
	before := s.Index().Snapshot()
	tile := geo.TileOf(geo.KeyOf(113.2, 22.6), 10)
	open := uint64(1) << s.Catalogue().Layer("events_open").Bit
	version := before.Version(layers.KindEvent, open, tile)

	desk := dispatch.New(pool, l, s, time.Now)
	filed, err := desk.Report(ctx, layers.Loopback(), dispatch.Report{Title: "烟", Item: "F-1", Lon: 113.2, Lat: 22.6, Datum: "WGS84"})
	if err != nil {
		t.Fatal(err)
	}
	snap := wait(filed.Position)
	if n := snap.Figures(layers.KindEvent, all, 4).N; n != 1 {
		t.Errorf("the reported event: %d in the west, want 1", n)
	}
	if v := snap.Version(layers.KindEvent, open, tile); v <= version || v < filed.Position {
		t.Errorf("the tile's version went from %d to %d, the change is at %d", version, v, filed.Position)
	}
	if n := before.Figures(layers.KindEvent, all, 4).N; n != 0 {
		t.Errorf("an old snapshot changed: %d", n)
	}

	// A batch: followers read the rows again.
	r, err := l.Write(ctx, ledger.Act{Actor: "t", Reason: "t"}, func(tx *ledger.Tx) error {
		_, err := tx.Exec(ctx, `update person set place_id = 3, geom = st_point(113.9, 22.5, 4326) where id <= 40`)
		tx.Record(layers.Change{Kind: layers.KindPerson, Op: layers.OpBatch, IDs: []layers.IDRange{{First: 1, Last: 40}}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	snap = wait(r.Position)
	if east, west := snap.Figures(layers.KindPerson, all, 3).N, snap.Figures(layers.KindPerson, all, 4).N; east != 40 || west != 60 {
		t.Errorf("after the batch: %d in the east, %d in the west", east, west)
	}

	// A layer's filter is a change too.
	r, err = l.Write(ctx, ledger.Act{Actor: "t", Reason: "t"}, func(tx *ledger.Tx) error {
		_, err := tx.Exec(ctx, `update layer set filter = 'age < 80' where code = 'old'`)
		tx.Record(layers.Change{Kind: layers.KindLayer, Op: layers.OpPut})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	snap = wait(r.Position)
	old := uint64(1) << s.Catalogue().Layer("old").Bit
	if n := snap.Count(index.Query{Kind: layers.KindPerson, Scope: all, Layers: old}); n != 70 {
		t.Errorf("after the layer's change: %d, want 70", n)
	}
	// Who asks for a position that is not there is told to come back.
	soon, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := s.Wait(soon, r.Position+1_000_000); layers.CodeOf(err) != layers.CodeUnavailable {
		t.Errorf("waiting for the future: %v", err)
	}
}

func TestBuiltInTiles(t *testing.T) {
	_, s := fixture(t)
	at := geo.TileOf(geo.KeyOf(113.25, 22.49), 11)
	for name, want := range map[string][]string{"base": {"land", "road"}, "places": {"place"}} {
		read := map[string]func(context.Context, geo.Tile) ([]byte, error){"base": s.Base, "places": s.Places}[name]
		b, err := read(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := mvt.Unmarshal(b)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range decoded {
			got = append(got, l.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: layers %v, want %v", name, got, want)
		}
		if b, err := read(t.Context(), geo.Tile{Z: 11}); err != nil || len(b) != 0 {
			t.Errorf("%s: an empty tile has %d bytes, %v", name, len(b), err)
		}
	}
}

func TestPlaceAt(t *testing.T) {
	_, s := fixture(t)
	for _, c := range []struct {
		lon, lat float64
		want     layers.PlaceID
	}{{113.7, 22.5, 3}, {113.2, 22.5, 4}, {112.9, 22.5, 0}, {113.7, 23.5, 0}} {
		if got := s.PlaceAt(c.lon, c.lat); got != c.want {
			t.Errorf("%v %v: place %d, want %d", c.lon, c.lat, got, c.want)
		}
	}
	if p := s.World().Tree.ByCode("998800101003"); p == nil || p.HasShape {
		t.Error("a place without a boundary is in the tree, without a shape")
	}
	for _, src := range s.World().Sources {
		if late := src.Late(time.Now()); late != (src.Code == "late") {
			t.Errorf("source %s: late is %v", src.Code, late)
		}
	}
}

func TestFeedLeavesNothingRunning(t *testing.T) {
	pool := sqltest.DB(t)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s := New(pool, ledger.New(pool), index.New())
	ctx, cancel := context.WithCancel(t.Context())
	changed := s.Index().Changed()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, func(Applied) {}) }()
	<-changed
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}
