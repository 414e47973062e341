package risk

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

// The city of the tests: two towns of two villages of eight grids, squares of 0.01 degrees, two categories, and events
// of 400 days that end on the day of now. Grid 3 has four times as many as the others.
const (
	testGrids = 32
	testDays  = 400
)

var testNow = time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)

func gridCode(i int) string    { return fmt.Sprintf("99010100%d000%03d", i/8+1, i+1) }
func villageCode(i int) string { return fmt.Sprintf("99010100%d000", i+1) }

func newCity(t testing.TB) (*pgxpool.Pool, *World) {
	t.Helper()
	pool := sqltest.DB(t)
	exec := func(text string, args ...any) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), text, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`insert into source (code, name, kind, cadence, last_at) values
		('a', '甲', 'event', interval '1 day', $1), ('b', '乙', 'event', interval '1 day', $1)`, testNow)
	exec(`insert into class (kind, id, code, name, name_en) values
		('event', 0, 'fire', '消防', 'Fire'), ('event', 1, 'flood', '水务', 'Flood')`)
	place := func(code string, level int, parent any, x0, y0, x1, y1 float64) {
		exec(`insert into place (code, level, parent_id, name, geom, label, area_m2, source_id)
			select $1, $2, (select id from place where code = $3), $1, st_multi(g), st_pointonsurface(g), st_area(g::geography), 1
			from st_makeenvelope($4, $5, $6, $7, 4326) g`, code, level, parent, x0, y0, x1, y1)
	}
	place("990100000000", 1, nil, 113, 23, 113.08, 23.04)
	place("990101000000", 2, "990100000000", 113, 23, 113.08, 23.02)
	place("990102000000", 2, "990100000000", 113, 23.02, 113.08, 23.04)
	for v := range 4 {
		town := "990101000000"
		if v > 1 {
			town = "990102000000"
		}
		place(villageCode(v), 3, town, 113, 23+0.01*float64(v), 113.08, 23.01+0.01*float64(v))
	}
	for i := range testGrids {
		x, y := 113+0.01*float64(i%8), 23+0.01*float64(i/8)
		place(gridCode(i), 4, villageCode(i/8), x, y, x+0.01, y+0.01)
	}
	fillEvents(t, pool)
	return pool, readWorld(t, pool)
}

func fillEvents(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	var rows [][]any
	for i := range testGrids {
		rate := 0.1
		if i == 3 {
			rate = 0.4
		}
		for d := range testDays {
			for class := range 2 {
				for range poisson(r, rate) {
					at := testNow.AddDate(0, 0, d+1-testDays).Add(-time.Duration(r.IntN(4*60)) * time.Minute)
					p := orb.Point{113 + 0.01*float64(i%8) + 0.01*r.Float64(), 23 + 0.01*float64(i/8) + 0.01*r.Float64()}
					rows = append(rows, []any{int32(1 + r.IntN(2)), fmt.Sprint(len(rows)), int16(class), int16(7), int16(1 + r.IntN(2)), "x", at, at, p, gridCode(i), []byte{0}})
				}
			}
		}
	}
	for _, row := range rows { // the place's id is known by its code
		row[9] = placeID(t, pool, row[9].(string))
	}
	_, err := pool.CopyFrom(t.Context(), pgx.Identifier{"event"}, []string{"source_id", "key", "class", "status", "channel", "title", "reported_at",
		"closed_at", "geom", "place_id", "hash"}, pgx.CopyFromRows(rows))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `insert into change (actor, reason, kind, op, ids)
		select 'test', 'fill', 'event', 'batch', int8multirange(int8range(min(id), max(id), '[]')) from event`); err != nil {
		t.Fatal(err)
	}
}

var placeIDs = map[string]int32{}

func placeID(t testing.TB, pool *pgxpool.Pool, code string) int32 {
	t.Helper()
	if id, ok := placeIDs[code]; ok { // the fixture numbers places always the same way
		return id
	}
	var id int32
	if err := pool.QueryRow(t.Context(), `select id from place where code = $1`, code).Scan(&id); err != nil {
		t.Fatal(err)
	}
	placeIDs[code] = id
	return id
}

func poisson(r *rand.Rand, mean float64) (n int) {
	for p := r.ExpFloat64(); p < mean; p += r.ExpFloat64() {
		n++
	}
	return n
}

func readWorld(t testing.TB, pool *pgxpool.Pool) *World {
	t.Helper()
	w, err := loadWorld(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func loadWorld(ctx context.Context, pool *pgxpool.Pool) (*World, error) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return nil, err
	}
	w := &World{Zone: zone}
	rows, err := pool.Query(ctx, `select id, code, level, coalesce(parent_id, 0), name, label, geom, area_m2 from place order by code`)
	if err != nil {
		return nil, err
	}
	var places []layers.Place
	var areas []geo.Area
	var p layers.Place
	var label, shape orb.Geometry
	_, err = pgx.ForEachRow(rows, []any{&p.ID, &p.Code, &p.Level, &p.Parent, &p.Name, &label, &shape, &p.AreaM2}, func() error {
		p.Label, p.Bound, p.HasShape = label.(orb.Point), shape.Bound(), true
		places = append(places, p)
		areas = append(areas, geo.Area{ID: int32(p.ID), Rank: int(p.Level), AreaM2: p.AreaM2, Code: p.Code, Shape: shape.(orb.MultiPolygon)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	w.Tree, w.Areas = layers.NewTree(places), geo.NewAreas(areas)
	w.Catalogue = layers.NewCatalogue(layers.Catalogue{Classes: []layers.Class{
		{Kind: layers.KindEvent, ID: 0, Code: "fire", Name: "消防", NameEn: "Fire"},
		{Kind: layers.KindEvent, ID: 1, Code: "flood", Name: "水务", NameEn: "Flood"},
	}})
	rows, err = pool.Query(ctx, `select id, code, name, name_en, extract(epoch from cadence)::int8, last_at from source order by id`)
	if err != nil {
		return nil, err
	}
	var s Source
	var seconds int64
	_, err = pgx.ForEachRow(rows, []any{&s.ID, &s.Code, &s.Name, &s.NameEn, &seconds, &s.LastAt}, func() error {
		s.Cadence = time.Duration(seconds) * time.Second
		w.Sources = append(w.Sources, s)
		return nil
	})
	return w, err
}
