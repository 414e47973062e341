package store

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql/sqltest"
)

// city is a small random city in a real database, with a store that follows it.
type city struct {
	t    *testing.T
	r    *rand.Rand
	pool *pgxpool.Pool
	l    *ledger.Ledger
	*Store
	places int             // ids 1…places
	ids    [3]atomic.Int64 // the last ones used, as layers.Kinds
}

const cityBase = `
insert into source (id, code, name, kind) values (1, 's', '源', 'mixed');
insert into class (kind, id, code, name, "group") select k, i, 'c' || i, '类' || i, 'g' || i % 2 from unnest(array['person', 'site', 'event']) k, generate_series(0, 3) i;
insert into care_need (bit, code, name) values (0, 'alone', '独居'), (1, 'ill', '病'), (2, 'poor', '困');
insert into item (id, code, class, name, deadline_hours) values (1, 'I-1', 1, '一', 24), (2, 'I-2', 2, '二', 48);
insert into layer (code, kind, bit, "group", name, filter) select k || i, k, i, 'g', '层', '' from unnest(array['person', 'site', 'event']) k, generate_series(0, 3) i;
insert into base_feature (class, name, geom) values ('road_trunk', '路', st_setsrid(st_makeline(st_point(113, 23), st_point(113.6, 23.2)), 4326)),
	('land', '', st_makeenvelope(112.9, 22.8, 113.7, 23.4, 4326)), ('water', '湖', st_buffer(st_point(113.3, 23.1, 4326), 0.03));
`

var cityFilters = map[layers.Kind][]string{
	layers.KindPerson: {
		"", "age >= 60", "gender = 'female'", "care = 'alone'", "care in ('ill', 'poor')", "class = 'c1' and age < 30", "age is null",
		"not (age between 10 and 50)", "class <> 'c0' or gender = 'male'", "age > 1000",
	},
	layers.KindSite: {"", "class = 'c1'", "status <> 'closed'", "group = 'g1'", "not (status in ('open', 'planned'))", "class = 'c2' and status = 'open'"},
	layers.KindEvent: {
		"", "status = 'open'", "level <= 2", "item is null", "item <> 'I-1'", "channel = 'resident'", "category = 'c1' or level = 1",
		"reported_at >= '2026-01-15'", "not (item = 'I-2' and status = 'open')", "reported_at between '2026-01-05' and '2026-01-10T08:00:00+08:00'",
	},
}

func newCity(t *testing.T, seed uint64) *city {
	t.Helper()
	c := &city{t: t, r: rand.New(rand.NewPCG(seed, 11)), pool: sqltest.DB(t)}
	c.l = ledger.New(c.pool)
	if _, err := c.pool.Exec(t.Context(), cityBase); err != nil {
		t.Fatal(err)
	}
	for _, kind := range layers.Kinds {
		for i := range 4 {
			c.exec(`update layer set filter = $2 where code = $1`, fmt.Sprint(kind, i), pickOf(c.r, cityFilters[kind]))
		}
	}
	c.plant()
	c.Store = served(t, c.pool)
	return c
}

func (c *city) exec(text string, args ...any) {
	c.t.Helper()
	if _, err := c.pool.Exec(c.t.Context(), text, args...); err != nil {
		c.t.Fatal(err)
	}
}

func pickOf[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// plant makes places that overlap, leave gaps and have exclaves; some are known by code only.
func (c *city) plant() {
	add := func(code string, level uint8, parent int, shape orb.MultiPolygon) int {
		c.places++
		var at *int
		if parent > 0 {
			at = &parent
		}
		c.exec(`insert into place (id, code, level, parent_id, name, source_id) values ($1, $2, $3, $4, 'x', 1)`, c.places, code, level, at)
		c.shape(context.Background(), c.pool, c.places, shape)
		return c.places
	}
	root := add("990000000000", 1, 0, orb.MultiPolygon{orb.Bound{Min: orb.Point{112.9, 22.9}, Max: orb.Point{113.7, 23.3}}.ToPolygon()})
	for town := range 2 + c.r.IntN(2) {
		townID := add(fmt.Sprintf("99000000%d000", town+1), 2, root, c.boundary(0.15))
		for village := range 1 + c.r.IntN(3) {
			villageID := add(fmt.Sprintf("99000000%d00%d", town+1, village+1), 3, townID, c.boundary(0.08))
			for grid := range 1 + c.r.IntN(3) {
				add(fmt.Sprintf("99000000%d00%d00%d", town+1, village+1, grid+1), 4, villageID, c.boundary(0.04))
			}
		}
	}
	c.exec(`select setval(pg_get_serial_sequence('place', 'id'), $1)`, c.places)
}

type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// boundary is random; nil for a place known by code only.
func (c *city) boundary(size float64) orb.MultiPolygon {
	if c.r.IntN(8) == 0 {
		return nil
	}
	lon, lat := c.somewhere(c.r)
	shape := orb.MultiPolygon{{ragged(c.r, lon, lat, size)}}
	if c.r.IntN(3) == 0 { // an exclave
		shape = append(shape, orb.Polygon{ragged(c.r, lon+2.5*size, lat, size/2)})
	}
	if c.r.IntN(3) == 0 { // a gap
		shape[0] = append(shape[0], ragged(c.r, lon, lat, size*0.3))
	}
	return shape
}

func (c *city) shape(ctx context.Context, tx execer, id int, shape orb.MultiPolygon) {
	if shape == nil {
		return
	}
	label, _ := planar.CentroidArea(shape[0])
	if _, err := tx.Exec(ctx, `update place set geom = $2, label = $3, area_m2 = $4, position = pg_current_xact_id() where id = $1`,
		id, shape, label, geo.AreaM2(shape)); err != nil {
		c.t.Error(err)
	}
}

// somewhere is a location in the city or just beyond it; every fourth is one of a few addresses that many share.
func (c *city) somewhere(r *rand.Rand) (lon, lat float64) {
	if r.IntN(4) == 0 {
		n := float64(r.IntN(6))
		return 113.0123 + n*0.07131, 23.0234 + n*0.03177
	}
	return 112.88 + 0.85*r.Float64(), 22.88 + 0.45*r.Float64()
}

func ragged(r *rand.Rand, lon, lat, radius float64) orb.Ring {
	n := 5 + r.IntN(20)
	var ring orb.Ring
	for i := range n {
		a := 2 * math.Pi * float64(i) / float64(n)
		d := radius * (0.5 + 0.5*r.Float64())
		ring = append(ring, orb.Point{lon + d*math.Cos(a), lat + d*math.Sin(a)})
	}
	return append(ring, ring[0])
}

// thing is a person, site or event as a door writes it.
type thing struct {
	kind                       layers.Kind
	id                         int64
	point                      orb.Point
	geom                       orb.Geometry // of a site
	place                      layers.PlaceID
	class, status, level, item int16
	flags                      int32 // care needs, or the channel
	at                         time.Time
	birth, due, closed         *time.Time
}

// random draws everything but the id.
func (c *city) random(r *rand.Rand, kind layers.Kind) thing {
	x := thing{kind: kind, class: int16(r.IntN(4)), at: time.Date(2026, 1, 1+r.IntN(30), r.IntN(24), r.IntN(60), r.IntN(60), 0, time.UTC)}
	x.point[0], x.point[1] = c.somewhere(r)
	x.geom = x.point
	switch kind {
	case layers.KindPerson:
		x.status, x.flags = pickOf(r, []int16{0, 1, 2, 9}), int32(r.IntN(8))
		if r.IntN(10) > 0 {
			birth := time.Date(1920+r.IntN(106), time.Month(1+r.IntN(12)), 1+r.IntN(28), 0, 0, 0, 0, time.UTC)
			x.birth = &birth
		}
	case layers.KindSite:
		x.status = int16(r.IntN(4))
		switch size := pickOf(r, []float64{1e-4, 0.005, 0.05}); r.IntN(8) {
		case 0:
			x.geom = orb.Polygon{ragged(r, x.point[0], x.point[1], size)}
		case 1:
			x.geom = orb.LineString{x.point, {x.point[0] + size, x.point[1] + size/2}, {x.point[0] + 2*size, x.point[1]}}
		}
	case layers.KindEvent:
		x.status, x.level, x.item, x.flags = int16(r.IntN(9)), int16(1+r.IntN(4)), int16(r.IntN(3)), int32(r.IntN(4))
		if x.item > 0 {
			due := x.at.Add(24 * time.Hour)
			x.due = &due
		}
		if x.status == 7 {
			closed := x.at.Add(time.Duration(r.IntN(48)) * time.Hour)
			x.closed = &closed
		}
	}
	x.place = c.PlaceAt(x.point[0], x.point[1])
	return x
}

// record is what a door tells the ledger of it, made without asking the database.
func (x *thing) record() *layers.Record {
	r := &layers.Record{
		ID: x.id, Key: geo.KeyOf(x.point[0], x.point[1]), Place: x.place, Class: uint16(x.class), Item: uint16(x.item),
		Status: uint8(x.status), Level: uint8(x.level), Flags: uint32(x.flags), Time: layers.Minutes(x.at),
	}
	if x.kind == layers.KindPerson {
		r.Time = layers.NoTime
		if x.birth != nil {
			r.Time = layers.Days(*x.birth)
		}
	}
	if x.closed != nil {
		r.Closed = layers.Minutes(*x.closed)
	}
	if x.due != nil {
		r.Due = layers.Minutes(*x.due)
		if x.closed != nil && x.closed.After(*x.due) {
			r.Flags |= layers.FlagLate
		}
	}
	return r
}

var putThing = map[layers.Kind]string{
	layers.KindPerson: `insert into person (id, source_id, key, class, gender, care, birth, geom, place_id, hash)
		values ($1::int8, 1, $1::int8::text, $2, $3, $4, $5, $6, nullif($7::int4, 0), '')
		on conflict (source_id, key) do update set class = $2, gender = $3, care = $4, birth = $5, geom = $6,
		place_id = nullif($7::int4, 0), position = pg_current_xact_id()`,
	layers.KindSite: `insert into site (id, source_id, key, name, class, status, updated_at, geom, anchor, place_id, hash)
		values ($1::int8, 1, $1::int8::text, '点' || $1::int8, $2, $3, $4, $5, $6, nullif($7::int4, 0), '')
		on conflict (source_id, key) do update set class = $2, status = $3, updated_at = $4, geom = $5, anchor = $6,
		place_id = nullif($7::int4, 0), position = pg_current_xact_id()`,
	layers.KindEvent: `insert into event (id, source_id, key, title, class, status, channel, reported_at, geom, place_id, level, item_id, due_at, closed_at, hash)
		values ($1::int8, 1, $1::int8::text, '事' || $1::int8, $2, $3, $4, $5, $6, nullif($7::int4, 0), $8, nullif($9::int2, 0), $10, $11, '')
		on conflict (source_id, key) do update set class = $2, status = $3, channel = $4, reported_at = $5, geom = $6,
		place_id = nullif($7::int4, 0), level = $8, item_id = nullif($9::int2, 0), due_at = $10, closed_at = $11, position = pg_current_xact_id()`,
}

// put writes the row.
func (x *thing) put(ctx context.Context, tx pgx.Tx) error {
	args := map[layers.Kind][]any{
		layers.KindPerson: {x.id, x.class, x.status, x.flags, x.birth, x.point, x.place},
		layers.KindSite:   {x.id, x.class, x.status, x.at, x.geom, x.point, x.place},
		layers.KindEvent:  {x.id, x.class, x.status, x.flags, x.at, x.point, x.place, x.level, x.item, x.due, x.closed},
	}
	_, err := tx.Exec(ctx, putThing[x.kind], args[x.kind]...)
	return err
}
