package risk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/index"
	"onepicture/layers/ledger"
	"onepicture/layers/risk/backtest"
	"onepicture/layers/risk/model"
	"onepicture/layers/store"
)

// living is a running estimate over a real index and ledger.
type living struct {
	*Live
	pool   *pgxpool.Pool
	ledger *ledger.Ledger
	store  *store.Store
	now    time.Time
}

var everyTerm = model.Spec{Base: model.Shrunk, Terms: model.Terms{Spill: true, Recent: true, Season: true, Week: true}}

// proven makes a finished back-test that has switched models on.
func proven(t testing.TB, pool *pgxpool.Pool, spec model.Spec) {
	t.Helper()
	var id int
	if err := pool.QueryRow(t.Context(), `insert into risk_backtest (spec, state, actor) values ('{}', 'done', 'test') returning id`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	for _, category := range []string{"fire", "flood"} {
		b, err := json.Marshal(backtest.Result{Category: category, Ships: spec})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pool.Exec(t.Context(), `insert into risk_backtest_part values ($1, 'places', $2, $3)`, id, category, b); err != nil {
			t.Fatal(err)
		}
	}
}

func start(t testing.TB, pool *pgxpool.Pool) *living {
	t.Helper()
	lg := ledger.New(pool)
	st := store.New(pool, lg, index.New())
	w := &living{pool: pool, ledger: lg, store: st, now: testNow}
	city := City{
		World: func() *World {
			s := st.World()
			if s == nil {
				return nil
			}
			return &World{Tree: s.Tree, Areas: s.Areas, Catalogue: s.Catalogue, Zone: s.Deployment.Zone}
		},
		Snapshot: st.Index().Snapshot, Changed: st.Index().Changed,
	}
	tests := NewBacktests(pool, func() (*World, error) { return city.World(), nil })
	w.Live = NewLive(pool, lg, city, tests, func() time.Time { return w.now })
	w.tick = 5 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	fed, done := make(chan error, 1), make(chan struct{})
	go func() {
		fed <- st.Run(ctx, func(a store.Applied) {
			w.Publish(Update{Through: a.Batch.Through, At: a.Batch.At, Effects: a.Effects})
		})
	}()
	go func() {
		defer close(done)
		w.Run(ctx, func(err error) { t.Errorf("the estimate failed: %v", err) })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-fed; !errors.Is(err, context.Canceled) {
			t.Errorf("the store ended with %v", err)
		}
		<-done
	})
	w.reach(t, 1)
	return w
}

func (w *living) reach(t testing.TB, p layers.Position) *Picture {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := w.Wait(ctx, p); err != nil {
		t.Fatal(err)
	}
	return w.Picture()
}

// put writes an event as dispatch does: a row and its change with the record after it.
func (w *living) put(t testing.TB, id int64, grid int, class uint16, status uint8, at time.Time) (int64, layers.Position) {
	t.Helper()
	place := layers.PlaceID(placeID(t, w.pool, gridCode(grid)))
	p := orb.Point{113.005 + 0.01*float64(grid%8), 23.005 + 0.01*float64(grid/8)}
	record := &layers.Record{Key: geo.KeyOf(p[0], p[1]), Place: place, Class: class, Status: status, Flags: 2, Time: layers.Minutes(at)}
	r, err := w.ledger.Write(t.Context(), ledger.Act{Actor: "test", Reason: "put"}, func(tx *ledger.Tx) error {
		c := layers.Change{Kind: layers.KindEvent, Op: layers.OpPut, Record: record, New: &layers.Location{Geom: p, Place: place}}
		if id == 0 {
			if err := tx.QueryRow(t.Context(), `insert into event (source_id, key, class, status, channel, title, reported_at, geom, place_id, hash)
				values (1, gen_random_uuid()::text, $1, $2, 2, 'x', $3, $4, $5, '') returning id`, int16(class), int16(status), at, p, int32(place)).Scan(&id); err != nil {
				return err
			}
		} else {
			var old layers.PlaceID
			var channel int16
			if err := tx.QueryRow(t.Context(), `select place_id, channel from event where id = $1 for update`, id).Scan(&old, &channel); err != nil {
				return err
			}
			record.Flags = uint32(channel)
			c.Old = &layers.Location{Geom: p, Place: old}
			if _, err := tx.Exec(t.Context(), `update event set class = $2, status = $3, reported_at = $4, closed_at = null, geom = $5, place_id = $6,
				position = pg_current_xact_id() where id = $1`, id, int16(class), int16(status), at, p, int32(place)); err != nil {
				return err
			}
		}
		record.ID, c.FeatureID = id, id
		tx.Record(c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return id, r.Position
}

// everyScore of a picture, with its terms.
func everyScore(t testing.TB, p *Picture, check func(place *layers.Place, category string, horizon int, x *Explanation)) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	for o := range int32(p.Tree.Len()) {
		place := p.Tree.At(o)
		for _, c := range p.Model.Categories {
			for _, h := range Horizons {
				x, err := p.Explain(layers.Internal("test"), place.ID, c.Code, h)
				if err != nil {
					t.Fatal(err)
				}
				if check != nil {
					check(place, c.Code, h, x)
				}
				out[fmt.Sprint(place.Code, c.Code, h)] = x.Expected
			}
		}
	}
	return out
}

func TestTermsSumToTheScoreOfEveryPlace(t *testing.T) {
	pool, _ := newCity(t)
	proven(t, pool, everyTerm)
	w := start(t, pool)
	p := w.Picture()
	n := 0
	everyScore(t, p, func(place *layers.Place, category string, horizon int, x *Explanation) {
		sum := int64(0)
		for _, term := range x.Terms {
			sum += term.Value
			if term.Rank < 1 || term.Rank > term.Of {
				t.Errorf("%s: rank %d of %d", place.Code, term.Rank, term.Of)
			}
		}
		if sum != x.Expected || x.Expected <= 0 {
			t.Fatalf("%s %s %d: the terms sum to %d, the score is %d", place.Code, category, horizon, sum, x.Expected)
		}
		if float64(x.Lo)*Millionths > float64(x.Expected) || float64(x.Hi+1)*Millionths < float64(x.Expected) {
			t.Errorf("%s: %d is outside %d … %d", place.Code, x.Expected, x.Lo, x.Hi)
		}
		below := int64(0)
		children := p.Tree.Children(place.ID)
		for _, c := range children {
			s, err := p.Score(layers.Internal("test"), c.ID, category, horizon)
			if err != nil {
				t.Fatal(err)
			}
			below += s.Expected
		}
		rest := int64(0)
		if leaf, ok := p.Division.LeafOf(place.ID); ok && len(children) > 0 {
			rest = p.fields[fieldKey{x.Category.Class, horizon}].total[leaf]
		}
		if len(children) > 0 && below+rest != x.Expected {
			t.Errorf("%s: what is below sums to %d and %d, the score is %d", place.Code, below, rest, x.Expected)
		}
		stored, err := w.Stored(t.Context(), p, p.Input.ID, x.Category, horizon, place.ID)
		if err != nil {
			t.Fatal(err)
		}
		for i := range stored {
			if stored[i].TermKey != x.Terms[i].TermKey || stored[i].Value != x.Terms[i].Value {
				t.Errorf("%s: stored is %+v, shown %+v", place.Code, stored[i], x.Terms[i])
			}
		}
		n++
	})
	if n != 39*2*2 {
		t.Errorf("%d scores were looked at", n)
	}
	// The grid with four times as many events comes first.
	list, err := p.Ranking(layers.Internal("test"), layers.PlaceID(placeID(t, pool, villageCode(0))), "fire", 7)
	if err != nil {
		t.Fatal(err)
	}
	if code := p.Tree.Place(list[0].Place).Code; code != gridCode(3) || list[0].Rank != 1 || list[0].Of != testGrids {
		t.Errorf("%s comes first, rank %d of %d", code, list[0].Rank, list[0].Of)
	}
}

func TestAnEventChangesWhatDependsOnIt(t *testing.T) {
	pool, _ := newCity(t)
	proven(t, pool, everyTerm)
	w := start(t, pool)
	before := w.Picture()
	_, position := w.put(t, 0, 9, 0, layers.StatusReport, testNow)
	after := w.reach(t, position)
	score := func(p *Picture, grid int, category string) int64 {
		s, err := p.Score(layers.Internal("test"), layers.PlaceID(placeID(t, pool, gridCode(grid))), category, 7)
		if err != nil {
			t.Fatal(err)
		}
		return s.Expected
	}
	for _, grid := range []int{9, 8, 10, 1, 17} { // itself and its neighbours
		if a, b := score(before, grid, "fire"), score(after, grid, "fire"); b <= a {
			t.Errorf("grid %d: %d, was %d", grid, b, a)
		}
	}
	if a, b := score(before, 9, "flood"), score(after, 9, "flood"); a != b {
		t.Errorf("another category moved from %d to %d", a, b)
	}
	if score(before, 9, "fire") == score(after, 9, "fire") {
		t.Error("the old picture has changed")
	}
	x, err := before.Explain(layers.Internal("test"), layers.PlaceID(placeID(t, pool, gridCode(9))), "fire", 7)
	if err != nil {
		t.Fatal(err)
	}
	if x.Changes[0].Code != "one_more" || x.Changes[0].Expected != score(after, 9, "fire") {
		t.Errorf("one more event was said to make it %+v; it is %d", x.Changes[0], score(after, 9, "fire"))
	}
}

func TestReplayGivesWhatWasShown(t *testing.T) {
	pool, _ := newCity(t)
	proven(t, pool, everyTerm)
	w := start(t, pool)
	r := rand.New(rand.NewPCG(1, 9))
	shown := map[layers.Position]map[string]int64{}
	var order []layers.Position
	var mine []int64
	for i := range 24 {
		id := int64(0)
		switch { // new ones, changes of those, and of the ones that a batch had put
		case i%3 == 1 && len(mine) > 0:
			id = mine[r.IntN(len(mine))]
		case i%3 == 2:
			id = 1 + int64(r.IntN(500))
		}
		status := layers.StatusReport
		if r.IntN(3) == 0 {
			status = layers.StatusVoid
		}
		class, at := uint16(r.IntN(2)), testNow.Add(-time.Duration(r.IntN(1000))*time.Hour)
		if id > 0 && i%3 == 2 { // a batch's event keeps its kind and time, as those that dispatch moves on do
			var c int16
			if err := pool.QueryRow(t.Context(), `select class, reported_at from event where id = $1`, id).Scan(&c, &at); err != nil {
				t.Fatal(err)
			}
			class = uint16(c)
		}
		id, position := w.put(t, id, r.IntN(testGrids), class, status, at)
		mine = append(mine, id)
		p := w.reach(t, position)
		shown[p.Position] = everyScore(t, p, nil)
		order = append(order, p.Position)
	}
	_, last := w.put(t, 0, 1, 0, layers.StatusReport, testNow)
	w.reach(t, last)
	for _, position := range order[:len(order)-1] {
		p, err := w.At(t.Context(), position)
		if err != nil {
			t.Fatal(err)
		}
		wrong := 0
		for key, v := range everyScore(t, p, nil) {
			if shown[position][key] != v {
				wrong++
			}
		}
		if wrong > 0 {
			t.Errorf("at position %d %d of %d scores are not what was shown", position, wrong, len(shown[position]))
		}
	}
	if _, err := w.At(t.Context(), 1<<60); layers.CodeOf(err) != layers.CodeInvalid {
		t.Errorf("the future was replayed: %v", err)
	}
}

func TestSilenceWidensAndNeverCalms(t *testing.T) {
	pool, _ := newCity(t)
	proven(t, pool, everyTerm)
	if _, err := pool.Exec(t.Context(), `delete from event where source_id = 2 and reported_at > $1`, testNow.AddDate(0, 0, -8)); err != nil {
		t.Fatal(err)
	}
	w := start(t, pool)
	place := layers.PlaceID(placeID(t, pool, "990101000000"))
	look := func() *Explanation {
		x, err := w.Picture().Explain(layers.Internal("test"), place, "fire", 7)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	before := look()
	if len(w.Alarms()) != 0 || before.Silent != 0 {
		t.Fatalf("alarms %v, silent %v", w.Alarms(), before.Silent)
	}
	input := w.Picture().Input.ID
	if _, err := pool.Exec(t.Context(), `update source set last_at = $1 where id = 2`, testNow.AddDate(0, 0, -8)); err != nil {
		t.Fatal(err)
	}
	for deadline := time.After(30 * time.Second); w.Picture().Input.ID == input; {
		select {
		case <-deadline:
			t.Fatal("the silence went unnoticed")
		case <-time.After(time.Millisecond):
		}
	}
	after := look()
	alarms := w.Alarms()
	if len(alarms) != 1 || alarms[0].Code != "b" || alarms[0].Days != 7 {
		t.Errorf("alarms: %+v", alarms)
	}
	if after.Expected < before.Expected {
		t.Errorf("with a source silent %d are expected, before %d: silence is not peace", after.Expected, before.Expected)
	}
	if after.Hi-after.Lo <= before.Hi-before.Lo {
		t.Errorf("the interval %d … %d is no wider than %d … %d", after.Lo, after.Hi, before.Lo, before.Hi)
	}
	if after.Silent < 0.3 || after.Silent > 0.7 {
		t.Errorf("half of the events come from it, and %.2f are said to be silent", after.Silent)
	}
	if after.Grade <= before.Grade {
		t.Errorf("the grade went from %s to %s", before.Grade, after.Grade)
	}
	if c := after.Changes[len(after.Changes)-1]; c.Code != "sources_back" {
		t.Errorf("what would change it: %+v", after.Changes)
	}
}

func TestTooLittleDataIsNotLow(t *testing.T) {
	pool, _ := newCity(t)
	if _, err := pool.Exec(t.Context(), `delete from event where class = 1 and id % 10 <> 0`); err != nil {
		t.Fatal(err)
	}
	w := start(t, pool)
	list, err := w.Picture().Ranking(layers.Internal("test"), layers.PlaceID(placeID(t, pool, villageCode(1))), "flood", 7)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.Grade != GradeD || s.Band != nil {
			t.Errorf("%s: grade %s, band %v, with %.1f events to be expected", w.Picture().Tree.Place(s.Place).Code, s.Grade, s.Band, s.Volume)
		}
	}
	for _, c := range []struct {
		volume, complete, silent float64
		want                     string
	}{
		{200, 1, 0, GradeA}, {200, 0.9, 0, GradeB}, {200, 1, 0.2, GradeB}, {50, 1, 0, GradeB}, {50, 1, 0.4, GradeC}, {10, 1, 0, GradeC},
		{4.9, 1, 0, GradeD}, {1000, 1, 0.7, GradeD}, {1000, 0.5, 0, GradeC},
	} {
		if got := grade(c.volume, 1, c.complete, c.silent); got != c.want {
			t.Errorf("volume %v, complete %v, silent %v: %s, want %s", c.volume, c.complete, c.silent, got, c.want)
		}
	}
	if got := grade(1000, 0, 1, 0); got != GradeD {
		t.Errorf("where nothing was ever reported the grade is %s", got)
	}
	for _, c := range []struct {
		times float64
		want  int
	}{{0, 0}, {0.1, 0}, {0.125, 1}, {0.9, 4}, {1, 5}, {7, 10}, {100, 10}} {
		if got := band(c.times, 1); got != c.want {
			t.Errorf("%v times the mean is band %d, want %d", c.times, got, c.want)
		}
	}
}

func TestScopesAndObjections(t *testing.T) {
	pool, _ := newCity(t)
	w := start(t, pool)
	village := layers.PlaceID(placeID(t, pool, villageCode(0)))
	grid := layers.PlaceID(placeID(t, pool, gridCode(3)))
	var set layers.PlaceSet
	lo, hi := w.Picture().Tree.Range(village)
	for o := lo; o < hi; o++ {
		set.Add(w.Picture().Tree.At(o).ID)
	}
	clerk := layers.Scope{Actor: "clerk", Event: layers.Sight{Counts: layers.Reach{Places: set}}, Rights: layers.RightReport}
	for _, c := range []struct {
		name  string
		scope layers.Scope
		code  string
		want  layers.Code
	}{
		{"nobody sees nothing", layers.Scope{}, villageCode(0), layers.CodeNotFound},
		{"the own village", clerk, villageCode(0), ""},
		{"a grid of it", clerk, gridCode(3), ""},
		{"the next village", clerk, villageCode(1), layers.CodeNotFound},
		{"the town above", clerk, "990101000000", layers.CodeNotFound},
	} {
		_, err := w.Picture().Explain(c.scope, layers.PlaceID(placeID(t, pool, c.code)), "fire", 7)
		if got := layers.CodeOf(err); err != nil && got != c.want || err == nil && c.want != "" {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	town, err := w.Picture().Ranking(clerk, layers.PlaceID(placeID(t, pool, "990101000000")), "fire", 7)
	if err != nil || len(town) != 1 || town[0].Place != village {
		t.Errorf("of the town the clerk sees %v, %v", town, err)
	}
	for _, c := range []struct {
		name, category, reason string
		scope                  layers.Scope
		place                  layers.PlaceID
		want                   layers.Code
	}{
		{"no right", "fire", "wrong", layers.Scope{Event: clerk.Event}, grid, layers.CodeForbidden},
		{"no reason", "fire", "  ", clerk, grid, layers.CodeInvalid},
		{"too long", "fire", strings.Repeat("长", MaxReason+1), clerk, grid, layers.CodeInvalid},
		{"no category", "persons", "wrong", clerk, grid, layers.CodeInvalid},
		{"elsewhere", "fire", "wrong", clerk, layers.PlaceID(placeID(t, pool, gridCode(20))), layers.CodeNotFound},
	} {
		if _, err := w.Object(t.Context(), c.scope, c.place, c.category, 7, c.reason); layers.CodeOf(err) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	r, err := w.Object(t.Context(), clerk, grid, "fire", 7, "上月消防演练被重复上报")
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.Picture().Score(clerk, grid, "fire", 7)
	if err != nil {
		t.Fatal(err)
	}
	list, err := w.Objections(t.Context(), grid, 0)
	if err != nil || len(list) != 1 || list[0].ID != r.FeatureID || list[0].Actor != "clerk" || list[0].Score != s.Expected {
		t.Errorf("objections: %+v, %v", list, err)
	}
}

// Nothing in the schema can hold an estimate of a person: no table of risk refers to persons, and persons have no such
// column.
func TestTheSchemaScoresNoPerson(t *testing.T) {
	pool, _ := newCity(t)
	for name, query := range map[string]string{
		"a table of risk refers to persons": `select count(*) from pg_constraint c join pg_class r on r.oid = c.conrelid join pg_class f on f.oid = c.confrelid
			where c.contype = 'f' and r.relname like 'risk%' and f.relname not in ('place', 'risk_backtest', 'risk_model', 'risk_input')`,
		"a column of risk names persons": `select count(*) from information_schema.columns where table_name like 'risk%' and column_name ~ 'person|name|phone|id_number|address|resident'`,
		"persons have a column of risk":  `select count(*) from information_schema.columns where table_name in ('person', 'address') and column_name ~ 'risk|score|rank|grade|band|danger|credit'`,
	} {
		var n int
		if err := pool.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n != 0 {
			t.Errorf("%s: %d", name, n)
		}
	}
	var places int
	if err := pool.QueryRow(t.Context(), `select count(*) from information_schema.tables where table_name like 'risk%'`).Scan(&places); err != nil || places < 5 {
		t.Errorf("only %d tables were looked at, %v", places, err)
	}
}

func TestSignalsOfAPlantedOutbreak(t *testing.T) {
	pool, _ := newCity(t)
	w := start(t, pool)
	quiet, err := Watch(t.Context(), w.Picture())
	if err != nil {
		t.Fatal(err)
	}
	var last layers.Position
	for d := range 5 {
		for range 4 {
			_, last = w.put(t, 0, 20, 0, layers.StatusReport, testNow.AddDate(0, 0, -1-d))
		}
	}
	found, err := Watch(t.Context(), w.reach(t, last))
	if err != nil {
		t.Fatal(err)
	}
	grid := layers.PlaceID(placeID(t, pool, gridCode(20)))
	kinds := map[string]bool{}
	for _, s := range found.List {
		if s.Category != "fire" {
			continue
		}
		for _, id := range s.Places {
			kinds[s.Kind] = kinds[s.Kind] || id == grid || s.Kind == Rise && w.Picture().Tree.Place(id).Code == villageCode(2)
		}
		if s.P > FalseRate || float64(s.Observed) <= s.Expected || len(s.Curve) != curveDays {
			t.Errorf("a signal without evidence: %+v", s)
		}
	}
	if !kinds[Rise] || !kinds[Cluster] {
		t.Errorf("20 events in five days in one grid were found as %v", kinds)
	}
	for _, s := range quiet.List {
		if s.Kind == Cluster && s.Category == "fire" && s.Places[0] == grid {
			t.Errorf("it was seen before it began: %+v", s)
		}
	}
	if n := len(found.SeenBy(layers.Scope{}, w.Picture().Tree, 0)); n != 0 {
		t.Errorf("who sees nothing saw %d signals", n)
	}
}
