package geo

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

func TestCoverHoldsEveryPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		mp := randomAreas(r, 1)[0].Shape
		cover := Cover(mp, 6)
		for i := 1; i < len(cover); i++ {
			if cover[i].Lo <= cover[i-1].Hi {
				t.Fatal("ranges overlap or are not sorted")
			}
		}
		for range 300 {
			lon, lat := 112.9+1.5*r.Float64(), 22.4+1.3*r.Float64()
			in, k := Contains(mp, lon, lat), KeyOf(lon, lat)
			var hit *Range
			for i := range cover {
				if cover[i].Lo <= k && k <= cover[i].Hi {
					hit = &cover[i]
				}
			}
			if in && hit == nil {
				t.Fatalf("%v %v is inside, but in no range", lon, lat)
			}
			if !in && hit != nil && hit.Inside {
				t.Fatalf("%v %v is outside, but in an inside range", lon, lat)
			}
		}
	})
}

// holds finds the range of a cover that holds a key.
func holds(cover []Range, k Key) (r Range, ok bool) {
	for _, r := range cover {
		if r.Lo <= k && k <= r.Hi {
			return r, true
		}
	}
	return Range{}, false
}

func TestCoverIsMostlyInside(t *testing.T) {
	shape := country(1, 8)[0].Shape
	last := 0.0
	for _, levels := range []uint8{3, 5, 7, 9} {
		var inside, all float64
		for _, r := range Cover(shape, levels) {
			all += float64(r.Hi - r.Lo)
			if r.Inside {
				inside += float64(r.Hi - r.Lo)
			}
		}
		if part := inside / all; part <= last {
			t.Errorf("at %d levels %.3f is inside, no more than before", levels, part)
		} else {
			last = part
		}
	}
	if last < 0.98 {
		t.Errorf("only %.3f is wholly inside at 9 levels", last)
	}
}

func TestCoverOfOddShapes(t *testing.T) {
	for _, c := range []struct {
		name     string
		shape    orb.MultiPolygon
		in, out  []orb.Point
		mostlyIn bool // a range without test holds the first point in
	}{
		{"across the corner of four tiles", box(-1, -1, 1, 1), []orb.Point{{0.5, 0.5}, {-0.5, 0.5}, {0.5, -0.5}, {-0.9, -0.9}, {0, 0}},
			[]orb.Point{{2, 0}, {0, 2}, {-179, 0}}, true},
		{"a tile exactly", orb.MultiPolygon{Tile{8, 208, 111}.Bound().ToPolygon()}, []orb.Point{{113, 22.8}}, []orb.Point{{112.4, 22.8}, {113, 24}}, true},
		{"the world", box(-180, -90, 180, 90), []orb.Point{{0, 0}, {-180, 0}, {179.99, 85}, {-179, -85}}, nil, true},
		{"two far apart", append(box(-123.2, 49.2, -123, 49.3), box(113, 22, 114, 23)...), []orb.Point{{113.5, 22.5}, {-123.1, 49.25}},
			[]orb.Point{{0, 35}}, false},
		{"a millimetre", box(113, 22, 113.00000001, 22.00000001), []orb.Point{{113.000000005, 22.000000005}}, []orb.Point{{113.001, 22}}, false},
		{"a line", orb.MultiPolygon{{{{113, 22}, {114, 22}}}}, nil, []orb.Point{{113.5, 21}}, false},
		{"no number", orb.MultiPolygon{{{{113, 22}, {math.NaN(), 22}, {114, math.Inf(1)}}}}, nil, []orb.Point{{113.5, 22}}, false},
		{"nothing", nil, nil, []orb.Point{{0, 0}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			cover := Cover(c.shape, 7)
			for i, p := range c.in {
				r, ok := holds(cover, KeyOf(p[0], p[1]))
				if !ok {
					t.Errorf("%v is in no range", p)
				}
				if i == 0 && c.mostlyIn && !r.Inside {
					t.Errorf("%v is in a border range", p)
				}
			}
			for _, p := range c.out {
				if _, ok := holds(cover, KeyOf(p[0], p[1])); ok {
					t.Errorf("%v is in a range", p)
				}
			}
		})
	}
}

func TestCoverOfSpikesIsBounded(t *testing.T) {
	for _, levels := range []uint8{0, 3, 7} {
		if n, most := len(Cover(spikes(5000), levels)), 1<<(2*levels+2); n == 0 || n > most {
			t.Errorf("%d ranges at %d levels, at most %d", n, levels, most)
		}
	}
}

func TestHoldingHoldsTheFrame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := uint8(rapid.IntRange(3, 16).Draw(t, "z"))
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 6))
		inner := TileOf(KeyOf(-170+340*r.Float64(), -80+160*r.Float64()), z).Bound()
		wider := rapid.SampledFrom([]float64{0, 1e-8, 1e-6, 1e-3}).Draw(t, "wider") // over the tile's border
		b := orb.Bound{
			Min: orb.Point{max(inner.Min[0]-wider, -179.99), max(inner.Min[1]-wider, -85)},
			Max: orb.Point{min(inner.Max[0]+wider, 179.99), min(inner.Max[1]+wider, 85)},
		}
		if b.IsEmpty() {
			return
		}
		got := holding(b, deepest)
		if f := frame(got); !f.Contains(b.Min) || !f.Contains(b.Max) {
			t.Fatalf("%v does not hold %v", got, b)
		}
	})
}
