package dispatch

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

// flatland is a city of one place east of 113.5 degrees.
type flatland struct{ catalogue *layers.Catalogue }

func (f flatland) Catalogue() *layers.Catalogue { return f.catalogue }

func (flatland) PlaceAt(lon, _ float64) layers.PlaceID {
	if lon >= 113.5 {
		return 1
	}
	return 0
}

func (flatland) Tree() *layers.Tree {
	return layers.NewTree([]layers.Place{{ID: 1, Code: "998800000000", Level: 1}})
}

func (flatland) LayersOf(_ layers.Kind, r *layers.Record) uint64 { return 1 << r.Class }

var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func desk(t *testing.T) (*Desk, *ledger.Ledger, *pgxpool.Pool) {
	t.Helper()
	pool := sqltest.DB(t)
	if _, err := pool.Exec(t.Context(), `
		insert into source (id, code, name, kind) values (100, 'feed', 'feed', 'event');
		insert into class (kind, id, code, name) values ('event', 1, 'fire', 'f'), ('event', 2, 'flood', 'w');
		insert into item (id, code, class, name, deadline_hours, level) values (7, 'F-1', 1, 'lane', 12, 2);
		insert into place (id, code, level, name, source_id) values (1, '998800000000', 1, 'c', 100)`); err != nil {
		t.Fatal(err)
	}
	c := layers.NewCatalogue(layers.Catalogue{
		Classes: []layers.Class{{Kind: layers.KindEvent, ID: 1, Code: "fire"}, {Kind: layers.KindEvent, ID: 2, Code: "flood"}},
		Items:   []layers.Item{{ID: 7, Code: "F-1", Class: 1, Level: 2, DeadlineHours: 12, RoundClock: true}},
	})
	l := ledger.New(pool)
	requests := sqltest.Requests(t, pool)
	return New(requests, ledger.New(requests), flatland{c}, func() time.Time { return now }), l, pool
}

func good() Report {
	return Report{Title: " 消防通道堵塞 ", Item: "F-1", Channel: "patrol", Lon: 113.6, Lat: 22.9, Datum: "WGS84"}
}

func TestReportIsFiled(t *testing.T) {
	d, l, pool := desk(t)
	r, err := d.Report(t.Context(), layers.Loopback(), good())
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := l.Since(t.Context(), r.Position-1, 10)
	if err != nil || len(b.Changes) != 1 {
		t.Fatalf("%d changes, %v", len(b.Changes), err)
	}
	c := b.Changes[0]
	if c.Actor != "loopback" || c.Record == nil || c.Record.ID != r.FeatureID || c.Record.Status != layers.StatusReport ||
		c.Record.Level != 2 || c.Record.Flags != 1 || c.New == nil || c.New.Place != 1 || c.New.Layers != 2 || c.Old != nil {
		t.Errorf("change %+v, record %+v", c, c.Record)
	}
	var title string
	var due time.Time
	var place *int
	if err := pool.QueryRow(t.Context(), `select title, due_at, place_id from event where id = $1`, r.FeatureID).Scan(&title, &due, &place); err != nil {
		t.Fatal(err)
	}
	if title != "消防通道堵塞" || !due.Equal(now.Add(12*time.Hour)) || place == nil || *place != 1 {
		t.Errorf("stored %q, due %v, place %v", title, due, place)
	}
}

func TestDatumIsConvertedAndKept(t *testing.T) {
	d, _, pool := desk(t)
	report := good()
	g := geo.WGS84{Lon: 113.6, Lat: 22.9}.GCJ02()
	report.Datum, report.Lon, report.Lat = "GCJ-02", g.Lon, g.Lat
	r, err := d.Report(t.Context(), layers.Loopback(), report)
	if err != nil {
		t.Fatal(err)
	}
	var lon, lat, x, y float64
	var datum string
	if err := pool.QueryRow(t.Context(), `select st_x(geom), st_y(geom), orig_datum, orig_x, orig_y from event where id = $1`, r.FeatureID).
		Scan(&lon, &lat, &datum, &x, &y); err != nil {
		t.Fatal(err)
	}
	if math.Abs(lon-113.6) > 1e-9 || math.Abs(lat-22.9) > 1e-9 || datum != "GCJ02" || x != g.Lon || y != g.Lat {
		t.Errorf("stored %v %v, originally %s %v %v", lon, lat, datum, x, y)
	}
}

func TestBadReportsWriteNothing(t *testing.T) {
	d, _, pool := desk(t)
	for _, c := range []struct {
		name, field string
		spoil       func(*Report)
	}{
		{"no title", "title", func(r *Report) { r.Title = "  " }},
		{"endless title", "title", func(r *Report) { r.Title = strings.Repeat("长", MaxTitle+1) }},
		{"broken text", "description", func(r *Report) { r.Description = "\xff" }},
		{"NUL", "address", func(r *Report) { r.Address = "a\x00b" }},
		{"no datum", "datum", func(r *Report) { r.Datum = "" }},
		{"unknown datum", "datum", func(r *Report) { r.Datum = "EPSG:4547" }},
		{"not a number", "lon", func(r *Report) { r.Lon = math.NaN() }},
		{"swapped", "lon", func(r *Report) { r.Lon, r.Lat = r.Lat, r.Lon }},
		{"unknown item", "item", func(r *Report) { r.Item = "X" }},
		{"unknown category", "category", func(r *Report) { r.Category = "politics" }},
		{"another category than the item's", "category", func(r *Report) { r.Category = "flood" }},
		{"neither", "category", func(r *Report) { r.Item = "" }},
		{"level 5", "level", func(r *Report) { r.Level = 5 }},
		{"unknown channel", "channel", func(r *Report) { r.Channel = "drone" }},
		{"tomorrow", "reportedAt", func(r *Report) { r.ReportedAt = now.Add(24 * time.Hour) }},
		{"long ago", "reportedAt", func(r *Report) { r.ReportedAt = time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC) }},
		{"unknown source", "source", func(r *Report) { r.Source = "nobody" }},
		{"endless key", "Idempotency-Key", func(r *Report) { r.ClientKey = strings.Repeat("k", MaxClientKey+1) }},
	} {
		report := good()
		c.spoil(&report)
		_, err := d.Report(t.Context(), layers.Loopback(), report)
		var e *layers.Error
		if !errors.As(err, &e) || e.Code != layers.CodeInvalid || e.Field != c.field {
			t.Errorf("%s: got %v, want it to name %s", c.name, err, c.field)
		}
	}
	var events, changes int
	if err := pool.QueryRow(t.Context(), `select (select count(*) from event), (select count(*) from change)`).Scan(&events, &changes); err != nil {
		t.Fatal(err)
	}
	if events != 0 || changes != 0 {
		t.Errorf("%d events and %d changes were written", events, changes)
	}
}

func TestScopeMayNotReportElsewhere(t *testing.T) {
	d, _, _ := desk(t)
	for name, scope := range map[string]layers.Scope{
		"nobody":      {},
		"counts only": {Event: layers.Sight{Counts: layers.Everywhere()}},
		"elsewhere":   {Event: layers.Sight{Counts: layers.Everywhere(), Records: layers.Reach{Places: layers.PlaceSet{1 << 9}}}},
	} {
		if _, err := d.Report(t.Context(), scope, good()); layers.CodeOf(err) != layers.CodeForbidden {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReplayGivesTheFirstReceipt(t *testing.T) {
	d, _, pool := desk(t)
	report := good()
	report.ClientKey = "phone-1-0001"
	receipts := make([]Filed, 16)
	var wg sync.WaitGroup
	for i := range receipts {
		wg.Go(func() {
			var err error
			if receipts[i], err = d.Report(t.Context(), layers.Loopback(), report); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, r := range receipts {
		if r.FeatureID != receipts[0].FeatureID || r.Position != receipts[0].Position {
			t.Errorf("receipts differ: %+v and %+v", r, receipts[0])
		}
	}
	other := layers.Loopback()
	other.Actor = "somebody else"
	if r, err := d.Report(t.Context(), other, report); err != nil || r.Replayed {
		t.Errorf("another actor's key was taken for the same: %+v, %v", r, err)
	}
	var n int
	if err := pool.QueryRow(t.Context(), `select count(*) from event`).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d events, %v; want 2", n, err)
	}
}
