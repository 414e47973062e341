package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/filter"
	"onepicture/layers/index"
)

// Whatever is written, in whatever order it becomes complete: at one position the index and SQL count the same, by
// place, by tile and cell, and in polygons, for every scope, layer and filter.
func TestTheIndexCountsWhatSQLCounts(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("city ", seed), func(t *testing.T) {
			c := newCity(t, seed)
			for range 4 {
				c.run(4, 30, false)
				c.atOnePosition(c.compare)
				c.atOnePosition(c.compareReleased)
			}
			// Another server that loads now holds the same.
			c.Store = served(t, c.pool)
			c.atOnePosition(c.compare)
		})
	}
}

// atOnePosition calls do with a picture and a transaction of the same position. The server's own releases write too,
// so it may take more than one try.
func (c *city) atOnePosition(do func(*index.Snapshot, pgx.Tx)) {
	c.t.Helper()
	ctx, stop := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer stop()
	for !c.tryAtOnePosition(ctx, do) {
		if ctx.Err() != nil {
			c.t.Fatal("the database is never quiet")
		}
	}
}

func (c *city) tryAtOnePosition(ctx context.Context, do func(*index.Snapshot, pgx.Tx)) bool {
	c.t.Helper()
	tx, err := c.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // also when do gives up
	var at time.Time
	var lo, hi int64
	if err := tx.QueryRow(ctx, horizonSQL).Scan(&at, &lo, &hi); err != nil {
		c.t.Fatal(err)
	}
	if err := c.Wait(ctx, layers.Position(lo-1)); err != nil {
		c.t.Fatal(err)
	}
	snap := c.Index().Snapshot()
	if lo != hi || snap.Position() != layers.Position(lo-1) {
		return false
	}
	do(snap, tx)
	return true
}

// question is a query of the index and the same in SQL's words.
type question struct {
	index.Query
	where string
	args  []any
	words string // for people
}

var anchorOf = map[layers.Kind]string{layers.KindPerson: "geom", layers.KindSite: "anchor", layers.KindEvent: "geom"}

// ask draws one.
func (c *city) ask(r *rand.Rand) question {
	kind := pickOf(r, layers.Kinds)
	q := question{Query: index.Query{Kind: kind, Scope: layers.Internal("test")}}
	var parts []string
	arg := func(v any) string {
		q.args = append(q.args, v)
		return fmt.Sprintf("$%d", len(q.args))
	}
	if r.IntN(2) == 0 {
		q.Scope = c.scope(r)
		var seen []int32
		for id := range layers.PlaceID(c.places + 1) {
			if q.Scope.Counts(kind, id) {
				seen = append(seen, int32(id))
			}
		}
		parts = append(parts, "coalesce(place_id, 0) = any("+arg(seen)+"::int4[])")
	}
	w := c.World()
	add := func(text string) *filter.Filter {
		f, err := filter.Parse(kind, text, w.Catalogue, w.Deployment.Zone)
		if err != nil {
			c.t.Fatal(err)
		}
		parts = append(parts, "("+f.SQL(&q.args, c.Today())+")")
		q.words += " " + text
		return f
	}
	if r.IntN(3) > 0 {
		l := w.Catalogue.Layer(fmt.Sprint(kind, r.IntN(4)))
		q.Layers = 1 << l.Bit
		add(l.Filter)
	}
	if r.IntN(3) == 0 {
		f := add(pickOf(r, cityFilters[kind]))
		if parts := f.Parts(c.Today()); r.IntN(2) == 0 {
			q.Filter = &parts
		} else {
			q.Match = f.Predicate(c.Today())
		}
	}
	if kind == layers.KindEvent && r.IntN(3) == 0 {
		from := time.Date(2026, 1, 1+r.IntN(15), r.IntN(24), 0, 0, 0, time.UTC)
		to := from.Add(time.Duration(1+r.IntN(300)) * time.Hour)
		q.From, q.To = layers.Minutes(from), layers.Minutes(to)
		parts = append(parts, "reported_at >= "+arg(from)+" and reported_at < "+arg(to))
	}
	q.where = strings.Join(append(parts, "true"), " and ")
	return q
}

// scope sees records in some places and exact counts in some.
func (c *city) scope(r *rand.Rand) layers.Scope {
	reach := func() (out layers.Reach) {
		for range r.IntN(c.places) {
			out.Places.Add(layers.PlaceID(r.IntN(c.places + 1)))
		}
		return out
	}
	sight := layers.Sight{Counts: reach(), Records: reach()}
	return layers.Scope{Person: sight, Site: sight, Event: sight}
}

// counted runs a query of a key as text and a count.
func (c *city) counted(tx pgx.Tx, text string, args ...any) map[string]int {
	c.t.Helper()
	rows, err := tx.Query(c.t.Context(), text, args...)
	if err != nil {
		c.t.Fatalf("%v in %s", err, text)
	}
	out := map[string]int{}
	var key string
	var n int
	if _, err = pgx.ForEachRow(rows, []any{&key, &n}, func() error {
		out[key] += n
		return nil
	}); err != nil {
		c.t.Fatalf("%v in %s", err, text)
	}
	return out
}

func (c *city) same(snap *index.Snapshot, q question, what string, want, got map[string]int) {
	c.t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		c.t.Errorf("at %d, %s of %ss%s (layers %b): (- SQL, + index)\n%s", snap.Position(), what, q.Kind, q.words, q.Layers, d)
	}
}

// compare asks many random questions at one position.
func (c *city) compare(snap *index.Snapshot, tx pgx.Tx) {
	c.t.Helper()
	for range 20 {
		q := c.ask(c.r)
		c.compareCells(snap, tx, q)
		c.comparePlaces(snap, tx, q)
		c.comparePolygon(snap, tx, q)
	}
	for _, kind := range layers.Kinds {
		c.compareFigures(snap, tx, kind)
	}
	if c.t.Failed() {
		c.t.FailNow()
	}
}

// compareCells: PostGIS projects, this test divides.
func (c *city) compareCells(snap *index.Snapshot, tx pgx.Tx, q question) {
	c.t.Helper()
	lon, lat := c.somewhere(c.r)
	tile := geo.TileOf(geo.KeyOf(lon, lat), uint8(c.r.IntN(20)))
	depth := uint8(c.r.IntN(index.CellDepth + 1))
	n := len(q.args)
	text := fmt.Sprintf(`
		select format('%%s %%s %%s', floor((x - $%[1]d) * $%[3]d), floor((y - $%[2]d) * $%[3]d), class), count(*)
		from (
			select class, (st_x(p) / 40075016.685578488 + 0.5) * $%[4]d x, (0.5 - st_y(p) / 40075016.685578488) * $%[4]d y
			from (select class, st_transform(%[5]s, 3857) p from %[6]s where %[7]s) a
		) b
		where x >= $%[1]d and x < $%[1]d + 1 and y >= $%[2]d and y < $%[2]d + 1
		group by 1`, n+1, n+2, n+3, n+4, anchorOf[q.Kind], q.Kind, q.where)
	args := append(slices.Clone(q.args), float64(tile.X), float64(tile.Y), float64(int(1)<<depth), float64(int(1)<<tile.Z))
	want := c.counted(tx, text, args...)
	got, total := map[string]int{}, 0
	for _, cell := range snap.Cells(q.Query, tile, depth) {
		sum := 0
		for _, k := range cell.Classes {
			got[fmt.Sprint(cell.X, " ", cell.Y, " ", k.Class)] += k.N
			sum += k.N
		}
		if sum != cell.N {
			c.t.Errorf("a cell of %d has classes of %d", cell.N, sum)
		}
		total += cell.N
	}
	c.same(snap, q, fmt.Sprint("cells of tile ", tile, " in ", depth), want, got)
	children := 0
	for _, child := range tile.Children() {
		children += snap.CountTile(q.Query, child)
	}
	if n := snap.CountTile(q.Query, tile); n != total || n != children {
		c.t.Errorf("tile %v counts %d, its cells %d, its children %d", tile, n, total, children)
	}
}

func (c *city) comparePlaces(snap *index.Snapshot, tx pgx.Tx, q question) {
	c.t.Helper()
	want := c.counted(tx, `
		with recursive up as (
			select id, id as above from place
			union all
			select up.id, p.parent_id from up join place p on p.id = up.above where p.parent_id is not null
		)
		select above::text, count(*) from `+string(q.Kind)+` f join up on up.id = f.place_id where `+q.where+` group by 1`, q.args...)
	got := map[string]int{}
	for o, n := range snap.ByPlace(q.Query) {
		if n > 0 {
			got[fmt.Sprint(snap.Tree().At(int32(o)).ID)] = n
		}
	}
	c.same(snap, q, "places", want, got)
	all := c.counted(tx, `select '', count(*) from `+string(q.Kind)+` where `+q.where, q.args...)
	if n := snap.Count(q.Query); n != all[""] {
		c.t.Errorf("%ss%s: %d, want %d", q.Kind, q.words, n, all[""])
	}
}

func (c *city) comparePolygon(snap *index.Snapshot, tx pgx.Tx, q question) {
	c.t.Helper()
	lon, lat := c.somewhere(c.r)
	size := []float64{0.001, 0.05, 0.3}[c.r.IntN(3)]
	shape := orb.MultiPolygon{{ragged(c.r, lon, lat, size), ragged(c.r, lon, lat, size*0.3)}, {ragged(c.r, lon+3*size, lat, size)}}
	if c.r.IntN(3) == 0 { // its corner within millimetres of an address that many share
		n := float64(c.r.IntN(6))
		west, south := 113.0123+n*0.07131+1e-7*(c.r.Float64()-0.5), 23.0234+n*0.03177+1e-7*(c.r.Float64()-0.5)
		shape = orb.MultiPolygon{orb.Bound{Min: orb.Point{west, south}, Max: orb.Point{west + size, south + size}}.ToPolygon()}
	}
	want := c.counted(tx, fmt.Sprintf(`select '', count(*) from %s where %s and st_contains($%d, %s)`, q.Kind, q.where, len(q.args)+1, anchorOf[q.Kind]),
		append(slices.Clone(q.args), orb.Geometry(shape))...)
	got := map[string]int{"": c.CountIn(c.t.Context(), snap, q.Query, geo.Cover(shape, 7), geo.Prepare(shape))}
	c.same(snap, q, "a polygon", want, got)
}

// compareFigures holds the sums by place, layer and class that are kept, not counted.
func (c *city) compareFigures(snap *index.Snapshot, tx pgx.Tx, kind layers.Kind) {
	c.t.Helper()
	var list, args = []string{"'n'", "'c' || class"}, []any{}
	if kind == layers.KindEvent {
		list = append(list, "case when status not in (7, 8) then 'open' end")
	}
	w := c.World()
	for i := range w.Catalogue.Layers {
		l := &w.Catalogue.Layers[i]
		if l.Kind != kind {
			continue
		}
		f, err := filter.Parse(kind, l.Filter, w.Catalogue, w.Deployment.Zone)
		if err != nil {
			c.t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("case when %s then 'l%d' end", f.SQL(&args, c.Today()), l.Bit))
	}
	want := c.counted(tx, `
		select coalesce(place_id, 0) || ' ' || what, count(*)
		from `+string(kind)+`, unnest(array[`+strings.Join(list, ", ")+`]) what
		where what is not null
		group by 1`, args...)
	got := map[string]int{}
	note := func(id layers.PlaceID, f index.PlaceCounts, times int) {
		add := func(what string, n int) { got[fmt.Sprint(id, " ", what)] += n * times }
		add("n", f.N)
		add("open", f.Open)
		for i, n := range f.Class {
			add(fmt.Sprint("c", i), n)
		}
		for i, n := range f.Layer {
			add(fmt.Sprint("l", i), n)
		}
	}
	all := layers.Internal("test")
	note(0, snap.Figures(kind, all, 0), 1)
	for o := range int32(snap.Tree().Len()) { // what is below is taken off again
		p := snap.Tree().At(o)
		f := snap.Figures(kind, all, p.ID)
		note(p.ID, f, 1)
		note(p.Parent, f, -1)
	}
	for key, n := range got {
		if n == 0 {
			delete(got, key)
		}
	}
	c.same(snap, question{Query: index.Query{Kind: kind}}, "figures", want, got)
}

// compareReleased: whoever may not see persons' records is told sums of the released table, whatever is asked.
func (c *city) compareReleased(snap *index.Snapshot, tx pgx.Tx) {
	c.t.Helper()
	scope := c.scope(c.r)
	scope.Threshold = index.Step
	for o := range int32(snap.Tree().Len()) {
		top := snap.Tree().At(o).ID
		lo, hi := snap.Tree().Range(top)
		var exact, rounded []int32
		for i := lo; i < hi; i++ {
			switch id := snap.Tree().At(i).ID; {
			case scope.Records(layers.KindPerson, id, 0):
				exact = append(exact, int32(id))
			case scope.Counts(layers.KindPerson, id):
				rounded = append(rounded, int32(id))
			}
		}
		want := c.counted(tx, `
			select '', count(*) from person where place_id = any($1)
			union all
			select '', coalesce(sum(total), 0) from release where place_id = any($2)`, exact, rounded)
		got := snap.Figures(layers.KindPerson, scope, top)
		if got.N != want[""] || got.Rounded && len(rounded) == 0 {
			c.t.Errorf("place %d: %d told (rounded %v), want %d", top, got.N, got.Rounded, want[""])
		}
	}
}
