package tile

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/geojson"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/index"
	"onepicture/sql"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

var today = time.Date(2026, 5, 6, 0, 0, 0, 0, time.UTC)

// catalogue has one layer of everything for each kind, and one of sites of the second class.
func testCatalogue() *layers.Catalogue {
	return layers.NewCatalogue(layers.Catalogue{
		Layers: []layers.Layer{
			{Code: "people", Kind: layers.KindPerson, Bit: 0, Name: "人口"},
			{Code: "sites", Kind: layers.KindSite, Bit: 0},
			{Code: "schools", Kind: layers.KindSite, Bit: 1},
			{Code: "events", Kind: layers.KindEvent, Bit: 0},
		},
		Classes: []layers.Class{
			{Kind: layers.KindPerson, ID: 1, Code: "resident"},
			{Kind: layers.KindPerson, ID: 2, Code: "visitor"},
			{Kind: layers.KindSite, ID: 1, Code: "park"},
			{Kind: layers.KindSite, ID: 2, Code: "school"},
			{Kind: layers.KindEvent, ID: 1, Code: "traffic"},
			{Kind: layers.KindEvent, ID: 2, Code: "fire"},
		},
		Items: []layers.Item{{ID: 4, Code: "E04", Class: 2}},
	})
}

func testBits() index.Bits {
	return index.Bits{
		layers.KindPerson: {{Bit: 0}},
		layers.KindSite:   {{Bit: 0}, {Bit: 1, Match: func(r *layers.Record) bool { return r.Class == 2 }}},
		layers.KindEvent:  {{Bit: 0}},
	}
}

// source is what the database would tell.
type source struct {
	features     map[int64]layers.Feature
	shapes       map[int64]orb.Geometry // WGS 84, of lines and areas
	pool         *pgxpool.Pool          // cuts them
	base, places []byte
	asked        int
	err          error
}

func (s *source) Features(ctx context.Context, scope layers.Scope, k layers.Kind, ids []int64, t geo.Tile, buffer int) (map[int64]layers.Feature, error) {
	s.asked += len(ids)
	if scope.Detail(k) < layers.DetailRecords {
		return nil, fmt.Errorf("asked for single %ss", k)
	}
	if len(s.shapes) == 0 || k != layers.KindSite || s.err != nil {
		return s.features, s.err
	}
	out := maps.Clone(s.features)
	for _, id := range ids {
		g, ok := s.shapes[id]
		if !ok {
			continue
		}
		f := out[id]
		var err error
		if f.Geom, err = cutShape(ctx, s.pool, g, t, buffer); err != nil {
			return nil, err
		}
		out[id] = f
	}
	return out, nil
}

// siteSQL is the store's own way of cutting, of a site that is not in a table.
var siteSQL = strings.NewReplacer("from site", "from (select 1::int8 as id, 1 as place_id, '' as name, $6::geometry as geom) site").
	Replace(sql.Text("store/site_features.sql"))

func cutShape(ctx context.Context, pool *pgxpool.Pool, g orb.Geometry, t geo.Tile, buffer int) (out orb.Geometry, err error) {
	var id, place, department int64
	var name string
	err = pool.QueryRow(ctx, siteSQL, []int64{1}, t.Z, t.X, t.Y, buffer, g).Scan(&id, &place, &department, &name, &out)
	return out, err
}

func (s *source) Base(context.Context, geo.Tile) ([]byte, error)   { return s.base, s.err }
func (s *source) Places(context.Context, geo.Tile) ([]byte, error) { return s.places, s.err }

// fixture is a city, its source and its builder.
type fixture struct {
	catalogue *layers.Catalogue
	source    *source
	builder   *Builder
	snap      *index.Snapshot
}

func newFixture(t testing.TB, puts ...index.Put) *fixture {
	t.Helper()
	f := &fixture{catalogue: testCatalogue(), source: &source{features: map[int64]layers.Feature{}}}
	f.builder = NewBuilder(f.source, func() *layers.Catalogue { return f.catalogue })
	b := index.NewBuilder(testBits())
	for _, p := range puts {
		b.Add(p.Kind, []index.Put{p})
	}
	x := index.New()
	tree := layers.NewTree([]layers.Place{
		{ID: 1, Code: "1", Level: 1, HasShape: true, Label: orb.Point{113.5105, 23.0105}},
		{ID: 2, Code: "11", Level: 2, Parent: 1, HasShape: true, Label: orb.Point{113.5005, 23.0005}},
	})
	b.Release([]byte("secret"), nil, 0)
	if err := x.Load(b, tree, 7, 3, today); err != nil {
		t.Fatal(err)
	}
	x.Apply(index.Update{Through: 8, At: today, Numbers: x.Snapshot().Due(), NumbersAt: 8})
	f.snap = x.Snapshot()
	return f
}

func (f *fixture) request(t geo.Tile, scope layers.Scope, codes ...string) Request {
	r := Request{Tile: t, Scope: scope, Today: today}
	for _, code := range codes {
		r.Layers = append(r.Layers, f.catalogue.Layer(code))
	}
	return r
}

// build decodes what the builder made, layer by layer.
func (f *fixture) build(t testing.TB, r Request) map[string][]*geojson.Feature {
	t.Helper()
	packed, err := f.builder.Build(t.Context(), f.snap, r)
	if err != nil {
		t.Fatal(err)
	}
	if len(packed) > MaxBytes {
		t.Errorf("%v has %d bytes", r.Tile, len(packed))
	}
	if len(packed) == 0 {
		return map[string][]*geojson.Feature{}
	}
	return f.decode(t, unpack(t, packed))
}

func (f *fixture) decode(t testing.TB, plain []byte) map[string][]*geojson.Feature {
	t.Helper()
	out := map[string][]*geojson.Feature{}
	list, err := mvt.Unmarshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range list {
		if l.Version != 2 || l.Extent != geo.Extent || len(l.Features) == 0 || out[l.Name] != nil {
			t.Errorf("layer %s: version %d, extent %d, %d features", l.Name, l.Version, l.Extent, len(l.Features))
		}
		out[l.Name] = l.Features
	}
	return out
}

func unpack(t testing.TB, packed []byte) []byte {
	t.Helper()
	raw, err := Unpack(Zstd, packed)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func number(f *geojson.Feature, key string) int { return int(f.Properties.MustFloat64(key, 0)) }

// told is how many features a layer shows, in cells and one by one.
func told(list []*geojson.Feature) (n int) {
	for _, f := range list {
		if f.ID != nil {
			n++
		}
		n += number(f, "n")
	}
	return n
}

func total(list []*geojson.Feature, key string) (n int) {
	for _, f := range list {
		n += number(f, key)
	}
	return n
}

// many puts n features of a kind into a square of that many degrees, north-east of 113.5, 23.
func many(k layers.Kind, n int, side float64) []index.Put {
	r := rand.New(rand.NewPCG(1, 2))
	puts := make([]index.Put, n)
	for i := range puts {
		puts[i] = index.Put{Kind: k, Record: layers.Record{
			ID: int64(i + 1), Key: geo.KeyOf(113.5+r.Float64()*side, 23+r.Float64()*side),
			Place: layers.PlaceID(i % 3), Class: uint16(1 + r.IntN(2)), Status: 1, Level: 2, Time: int32(i),
		}}
	}
	return puts
}

// people are persons, with positions at which they were put.
func people(n int, side float64) []index.Put {
	puts := many(layers.KindPerson, n, side)
	for i := range puts {
		puts[i].Position = 7
	}
	return puts
}

func tileAt(lon, lat float64, z uint8) geo.Tile { return geo.TileOf(geo.KeyOf(lon, lat), z) }

func point(t testing.TB, f *geojson.Feature) orb.Point {
	t.Helper()
	p, ok := f.Geometry.(orb.Point)
	if !ok {
		t.Fatalf("%T is no point", f.Geometry)
	}
	return p
}
