package tile

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/mvt"
	"pgregory.net/rapid"

	"onepicture/geo"
	"onepicture/sql/sqltest"
)

// The examples of the specification, section 4.3.5.
func TestCommandsOfTheSpecification(t *testing.T) {
	var two, line, ring pen
	two.commands = []uint32{moveTo | 2<<3}
	two.to([2]int32{5, 7})
	two.to([2]int32{3, 2})
	line.path([][2]int32{{2, 2}, {2, 10}, {10, 10}}, false)
	ring.path([][2]int32{{3, 6}, {8, 12}, {20, 34}}, true)
	for _, c := range []struct {
		name      string
		got, want []uint32
	}{
		{"point", pointCommands(25, 17), []uint32{9, 50, 34}},
		{"two points", two.commands, []uint32{17, 10, 14, 3, 9}},
		{"line", line.commands, []uint32{9, 4, 4, 18, 0, 16, 16, 0}},
		{"polygon", ring.commands, []uint32{9, 6, 12, 18, 10, 12, 24, 44, 15}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
}

func area(ring orb.Ring) float64 {
	sum := 0.0
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		sum += a[0]*b[1] - b[0]*a[1]
	}
	return sum / 2
}

func star(r *rand.Rand, lon, lat, radius float64) orb.Ring {
	var ring orb.Ring
	for i := range 40 {
		a := 2 * math.Pi * float64(i) / 40
		d := radius * (0.5 + r.Float64()/2)
		ring = append(ring, orb.Point{lon + d*math.Cos(a), lat + d*math.Sin(a)})
	}
	return append(ring, ring[0])
}

// Whatever its size and place, an area is written with outer rings clockwise on the screen, holes the other way, all
// within the buffer, and covers what it covered before.
func TestAreasAreWrittenAsTheSpecificationAsks(t *testing.T) {
	pool := sqltest.DB(t)
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		radius := math.Pow(10, rapid.Float64Range(-6, 0).Draw(t, "size"))
		outer := star(r, 113.5, 23, radius)
		hole := star(r, 113.5, 23, radius*0.3)
		polygon := orb.Polygon{outer, hole}
		if rapid.Bool().Draw(t, "reversed") {
			outer.Reverse()
		}
		z := uint8(rapid.IntRange(0, 20).Draw(t, "zoom"))
		tile := geo.TileOf(geo.KeyOf(113.5+radius*(r.Float64()-0.5), 23+radius*(r.Float64()-0.5)), z)
		cut, err := cutShape(ctx, pool, polygon, tile, buffer)
		if err != nil {
			t.Fatal(err)
		}
		kind, commands, ok := shapeCommands(cut)
		if !ok {
			return
		}
		l := newLayer("x")
		l.add(1, kind, commands)
		list, err := mvt.Unmarshal(l.appendTo(nil))
		if err != nil {
			t.Fatal(err)
		}
		var parts orb.MultiPolygon
		switch g := list[0].Features[0].Geometry.(type) {
		case orb.Polygon:
			parts = orb.MultiPolygon{g}
		case orb.MultiPolygon:
			parts = g
		default:
			t.Fatalf("%T", g)
		}
		for _, part := range parts {
			for i, ring := range part {
				if a := area(ring); (i == 0) != (a > 0) || a == 0 {
					t.Fatalf("ring %d has area %v", i, a)
				}
				b := ring.Bound()
				if b.Min[0] < -buffer || b.Min[1] < -buffer || b.Max[0] > geo.Extent+buffer || b.Max[1] > geo.Extent+buffer {
					t.Fatalf("beyond the buffer: %v", b)
				}
			}
		}
	})
}

func TestShapes(t *testing.T) {
	tile := geo.TileOf(geo.KeyOf(113.5, 23), 14)
	b := tile.Bound()
	c := b.Center()
	w := b.Max[0] - b.Min[0]
	far := orb.Point{c[0] + 5*w, c[1]}
	pool := sqltest.DB(t)
	for _, k := range []struct {
		name  string
		g     orb.Geometry
		kind  uint8
		drawn bool
	}{
		{"a line across", orb.LineString{{b.Min[0] - w, c[1]}, {b.Max[0] + w, c[1]}}, typeLine, true},
		{"two lines", orb.MultiLineString{{c, b.Max}, {c, b.Min}}, typeLine, true},
		{"a line far away", orb.LineString{far, {far[0] + w, far[1]}}, 0, false},
		{"a line of no length", orb.LineString{c, c}, typeLine, false},
		{"an area around", orb.Bound{Min: orb.Point{b.Min[0] - w, b.Min[1] - w}, Max: orb.Point{b.Max[0] + w, b.Max[1] + w}}.ToPolygon(), typePolygon, true},
		{"a speck", orb.Polygon{star(rand.New(rand.NewPCG(1, 1)), c[0], c[1], w/1e6)}, typePolygon, false},
		{"an area far away", orb.Polygon{star(rand.New(rand.NewPCG(1, 1)), far[0], far[1], w)}, 0, false},
		{"a line and nothing of use", orb.MultiPolygon{}, typePolygon, false},
	} {
		cut, err := cutShape(t.Context(), pool, k.g, tile, buffer)
		if err != nil {
			t.Fatal(err)
		}
		kind, commands, drawn := shapeCommands(cut)
		if drawn != k.drawn || drawn && kind != k.kind || drawn != (len(commands) > 0) {
			t.Errorf("%s: kind %d, drawn %v", k.name, kind, drawn)
		}
	}
}
