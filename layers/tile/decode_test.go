package tile

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/index"
	"onepicture/layers/tile/tiletest"
	"onepicture/sql/sqltest"
)

// drawn is a random city as the tiles should tell it.
type drawn struct {
	*fixture
	rows   map[layers.Kind][]layers.Record
	bounds map[int64]orb.Bound // of sites that are lines or areas
}

var strangeNames = []string{
	"", "一小", "O'Neill \"quoted\", with commas; and a ü", "007", "1e5", "true", " spaces ", "两\n行", "🚒 消防站", "<b>&amp;</b>", "null",
}

// shapeAt draws what a site may be: points mostly, lines, stars with holes and exclaves, spikes, slivers, giants.
func shapeAt(r *rand.Rand, lon, lat float64) orb.Geometry {
	size := []float64{1e-5, 1e-3, 0.01, 0.1, 1}[r.IntN(5)]
	switch r.IntN(12) {
	case 0:
		line := orb.LineString{{lon, lat}}
		for range 1 + r.IntN(30) {
			lon, lat = lon+size*(r.Float64()-0.5), lat+size*(r.Float64()-0.5)
			line = append(line, orb.Point{lon, lat})
		}
		return line
	case 1:
		return orb.MultiLineString{{{lon, lat}, {lon + size, lat}}, {{lon, lat + size}, {lon + size, lat + 2*size}, {lon, lat + 3*size}}}
	case 2:
		return orb.Polygon{star(r, lon, lat, size)}
	case 3:
		return orb.Polygon{star(r, lon, lat, size), reversed(star(r, lon, lat, size*0.4))}
	case 4:
		return orb.MultiPolygon{{star(r, lon, lat, size)}, {star(r, lon+3*size, lat, size/2), star(r, lon+3*size, lat, size*0.2)}}
	case 5: // a comb of spikes, which clipping and rounding like to tangle
		ring := orb.Ring{{lon, lat}}
		for i := range 15 {
			x := lon + size*float64(i)/15
			ring = append(ring, orb.Point{x, lat + size*(0.5+r.Float64())}, orb.Point{x + size/40, lat + size*0.01*r.Float64()})
		}
		ring = append(ring, orb.Point{lon + size, lat - size/10})
		return orb.Polygon{append(ring, ring[0])}
	case 6: // thinner than a pixel
		return orb.Polygon{{{lon, lat}, {lon + size, lat + size/1e3}, {lon + size, lat + size/900}, {lon, lat}}}
	}
	return orb.Point{lon, lat}
}

func reversed(r orb.Ring) orb.Ring {
	out := r.Clone()
	out.Reverse()
	return out
}

func newDrawn(t *testing.T, r *rand.Rand, sites, events, persons int) *drawn {
	d := &drawn{rows: map[layers.Kind][]layers.Record{}, bounds: map[int64]orb.Bound{}}
	var puts []index.Put
	features, shapes := map[int64]layers.Feature{}, map[int64]orb.Geometry{}
	spread := []float64{0.02, 0.3}[r.IntN(2)]
	for _, kind := range layers.Kinds { // in order: the same seed draws the same
		for i := range map[layers.Kind]int{layers.KindSite: sites, layers.KindEvent: events, layers.KindPerson: persons}[kind] {
			lon, lat := 113.5+spread*r.Float64(), 23+spread*r.Float64()
			p := index.Put{Kind: kind, Position: 7, Record: layers.Record{
				ID: int64(i + 1), Key: geo.KeyOf(lon, lat), Place: layers.PlaceID(r.IntN(3)), Class: uint16(r.IntN(4)),
				Status: uint8(r.IntN(4)), Level: uint8(1 + r.IntN(4)), Item: []uint16{0, 4}[r.IntN(2)], Time: int32(1 + r.IntN(1e6)),
				Due: []int32{0, 500}[r.IntN(2)],
			}}
			if kind == layers.KindSite {
				p.Record.Level, p.Record.Item, p.Record.Due = 0, 0, 0
				f := layers.Feature{ID: p.Record.ID, Name: strangeNames[r.IntN(len(strangeNames))]}
				features[f.ID] = f
				if g := shapeAt(r, lon, lat); g.Dimensions() > 0 {
					b := g.Bound()
					p.Bound, d.bounds[f.ID], shapes[f.ID] = &b, b, g
				}
			}
			d.rows[kind] = append(d.rows[kind], p.Record)
			puts = append(puts, p)
		}
	}
	d.fixture = newFixture(t, puts...)
	d.source.features, d.source.shapes, d.source.pool = features, shapes, sqltest.DB(t)
	return d
}

// Whatever is drawn, others read what was meant: the same layers, features, ids, attributes and valid shapes.
func TestOthersReadWhatWasMeant(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("city ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			d := newDrawn(t, r, []int{60, 400, 2500, 700}[seed], []int{2500, 100, 900, 300}[seed], 1000)
			raw, requests := map[geo.Tile][]byte{}, map[geo.Tile]Request{}
			for len(requests) < 20 {
				at := d.rows[layers.KindSite][r.IntN(len(d.rows[layers.KindSite]))].Key
				tile := geo.TileOf(at, uint8(5+r.IntN(15)))
				if r.IntN(3) == 0 {
					tile.X++ // where what is drawn may reach over from
				}
				scope := []layers.Scope{layers.Internal("test"), layers.Loopback()}[r.IntN(2)]
				req := d.request(tile, scope, "sites", "schools", "events", "people")
				packed, err := d.builder.Build(t.Context(), d.snap, req)
				if err != nil {
					t.Fatal(err)
				}
				requests[tile] = req
				if len(packed) > 0 {
					raw[tile] = unpack(t, packed)
				}
			}
			got := tiletest.Decode(t, raw)
			kinds := map[string]int{}
			for tile, req := range requests {
				d.compare(t, req, got[tile])
				for _, list := range got[tile] {
					for _, f := range list {
						kinds[f.Kind]++
					}
				}
			}
			if kinds["point"] == 0 || kinds["line"] == 0 || kinds["polygon"] == 0 {
				t.Errorf("too little was drawn: %v", kinds)
			}
		})
	}
}

// compare holds a tile against the city itself.
func (d *drawn) compare(t *testing.T, req Request, got map[string][]tiletest.Feature) {
	t.Helper()
	for _, l := range req.Layers {
		if l.Kind == layers.KindPerson && (req.Scope.Rounds(l.Kind) || req.Tile.Z > finestCounts) {
			continue // those numbers have tests of their own
		}
		rows := map[int64]layers.Record{}
		inside := 0
		for _, row := range d.rows[l.Kind] {
			if l.Code == "schools" && row.Class != 2 {
				continue
			}
			rows[row.ID] = row
			if geo.TileOf(row.Key, req.Tile.Z) == req.Tile {
				inside++
			}
		}
		list := got[l.Code]
		told, single := 0, 0
		for i := range list {
			if list[i].ID == 0 {
				n, err := strconv.Atoi(list[i].Properties["n"])
				if err != nil || n < 1 || list[i].Kind != "point" {
					t.Errorf("%v %s: a cell %+v", req.Tile, l.Code, list[i])
				}
				told += n
				continue
			}
			single++
			row, known := rows[list[i].ID]
			if !known {
				t.Errorf("%v %s: feature %d should not be there", req.Tile, l.Code, list[i].ID)
				continue
			}
			delete(rows, list[i].ID) // so that it is not there twice
			d.compareFeature(t, req.Tile, l.Kind, row, list[i])
			if geo.TileOf(row.Key, req.Tile.Z) == req.Tile {
				told++
			}
		}
		if told != inside || single > 0 && single != len(list) {
			t.Errorf("%v %s: %d told of %d, %d of them single", req.Tile, l.Code, told, inside, single)
		}
		if single > 0 {
			d.compareMissing(t, req.Tile, l.Code, rows)
		}
	}
}

func (d *drawn) compareFeature(t *testing.T, tile geo.Tile, kind layers.Kind, row layers.Record, f tiletest.Feature) {
	t.Helper()
	want := map[string]string{}
	set := func(key, value string) {
		if value != "" {
			want[key] = value
		}
	}
	class := ""
	if k := d.catalogue.Class(kind, row.Class); k != nil {
		class = k.Code
	}
	switch kind {
	case layers.KindSite:
		set("name", d.source.features[row.ID].Name)
		set("class", class)
		set("status", layers.SiteStatuses[row.Status])
	case layers.KindEvent:
		set("name", d.source.features[row.ID].Name) // of the site with that id: the source does not know kinds
		set("category", class)
		set("status", layers.Statuses[row.Status])
		set("level", fmt.Sprint(row.Level))
		set("item", map[uint16]string{4: "E04"}[row.Item])
		set("at", fmt.Sprint(60*int(row.Time)))
		if row.Due != 0 {
			set("due", fmt.Sprint(60*int(row.Due)))
		}
	}
	got := maps.Clone(f.Properties)
	maps.DeleteFunc(got, func(_, v string) bool { return v == "" })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%v, %s %d: %s", tile, kind, row.ID, diff)
	}
	if geo.TileOf(row.Key, tile.Z) != tile && !d.reaches(tile, row.ID, buffer+1) {
		t.Errorf("%v, %s %d: it is not here", tile, kind, row.ID)
	}
	for _, part := range f.Parts {
		for _, ring := range part {
			for _, p := range ring {
				if min(p[0], p[1]) < -buffer || max(p[0], p[1]) > geo.Extent+buffer {
					t.Errorf("%v, %s %d: drawn at %v", tile, kind, row.ID, p)
				}
			}
		}
	}
}

// reaches tells whether the frame of a line or area comes within so many units of the tile.
func (d *drawn) reaches(tile geo.Tile, id int64, units float64) bool {
	b, ok := d.bounds[id]
	x0, y0 := tile.ProjectLonLat(b.Min[0], b.Max[1])
	x1, y1 := tile.ProjectLonLat(b.Max[0], b.Min[1])
	return ok && x0 <= geo.Extent+units && y0 <= geo.Extent+units && x1 >= -units && y1 >= -units
}

// compareMissing: of what is left none has its location here, nor a visible part.
func (d *drawn) compareMissing(t *testing.T, tile geo.Tile, code string, rows map[int64]layers.Record) {
	t.Helper()
	for id, row := range rows {
		if geo.TileOf(row.Key, tile.Z) == tile {
			t.Errorf("%v %s: feature %d is missing", tile, code, id)
		}
		line, ok := d.source.shapes[id].(orb.LineString)
		if !ok || code == "events" { // those are points
			continue
		}
		for i := range line[1:] { // a corner well within the tile, with a side that is seen
			x, y := tile.ProjectLonLat(line[i][0], line[i][1])
			x1, y1 := tile.ProjectLonLat(line[i+1][0], line[i+1][1])
			if min(x, y) > 10 && max(x, y) < geo.Extent-10 && max(x-x1, x1-x, y-y1, y1-y) > 10 {
				t.Errorf("%v %s: line %d is missing", tile, code, id)
			}
		}
	}
}
