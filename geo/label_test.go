package geo

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

// depth is how deep a point lies in a polygon, in degrees of latitude.
func depth(p orb.Polygon, at orb.Point) float64 { return newLabeller(p).inner(at[0], at[1]) }

func TestLabelPointLiesDeepInside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		polygon := randomAreas(r, 1)[0].Shape[0]
		p, ok := LabelPoint(orb.MultiPolygon{polygon})
		if !ok || !Contains(orb.MultiPolygon{polygon}, p[0], p[1]) {
			t.Fatalf("label at %v, ok %v", p, ok)
		}
		if again, _ := LabelPoint(orb.MultiPolygon{polygon}); again != p {
			t.Fatal("not the same twice")
		}
		b, deepest := polygon.Bound(), 0.0
		for range 500 {
			deepest = max(deepest, depth(polygon, orb.Point{
				b.Min[0] + r.Float64()*(b.Max[0]-b.Min[0]), b.Min[1] + r.Float64()*(b.Max[1]-b.Min[1]),
			}))
		}
		if d := depth(polygon, p); d < 0.97*deepest {
			t.Fatalf("%g deep, but there are points %g deep", d, deepest)
		}
	})
}

func TestLabelPoint(t *testing.T) {
	for _, c := range []struct {
		name  string
		shape orb.MultiPolygon
		ok    bool
		in    orb.Bound // where the point must lie, when ok
	}{
		{"a square's middle", box(0, 0, 1, 1), true, orb.Bound{Min: orb.Point{0.48, 0.48}, Max: orb.Point{0.52, 0.52}}},
		{"not in the bay of a C", orb.MultiPolygon{{{{0, 0}, {10, 0}, {10, 1}, {4, 1}, {4, 9}, {10, 9}, {10, 10}, {0, 10}, {0, 0}}}}, true,
			orb.Bound{Min: orb.Point{1, 1}, Max: orb.Point{3, 9}}},
		{"the larger of two", append(box(0, 0, 1, 1), box(10, 0, 13, 3)...), true,
			orb.Bound{Min: orb.Point{11, 1}, Max: orb.Point{12, 2}}},
		{"a sliver", box(0, 0, 1, 1e-7), true, orb.Bound{Min: orb.Point{0, 0}, Max: orb.Point{1, 1e-7}}},
		{"a slanting sliver", orb.MultiPolygon{{{{0, 0}, {10, 10}, {10, 10.00001}, {0, 0}}}}, true,
			orb.Bound{Max: orb.Point{10, 10.00001}}},
		{"a spike upon a square", orb.MultiPolygon{{{{0, 0}, {1, 0}, {1, 1}, {0.5, 1}, {0.5, 80}, {0.499999, 1}, {0, 1}, {0, 0}}}}, true,
			orb.Bound{Min: orb.Point{0, 0}, Max: orb.Point{1, 80}}},
		{"at the pole", box(-180, 89, 180, 90), true, orb.Bound{Min: orb.Point{-180, 89}, Max: orb.Point{180, 90}}},
		{"flat", box(0, 5, 100, 5), false, orb.Bound{}},
		{"upright and flat", box(5, 0, 5, 80), false, orb.Bound{}},
		{"nothing", nil, false, orb.Bound{}},
		{"an empty polygon", orb.MultiPolygon{{}}, false, orb.Bound{}},
		{"an empty ring", orb.MultiPolygon{{{}}}, false, orb.Bound{}},
		{"no number", orb.MultiPolygon{{{{0, 0}, {math.NaN(), 0}, {1, 1}, {0, 0}}}}, false, orb.Bound{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, ok := LabelPoint(c.shape)
			if ok != c.ok {
				t.Fatalf("ok is %v", ok)
			}
			if ok && (!Contains(c.shape, p[0], p[1]) || !c.in.Contains(p)) {
				t.Errorf("%v is not where it must be", p)
			}
		})
	}
}

func TestLabelPointBoundsItsWork(t *testing.T) {
	l := newLabeller(spikes(300_000)[0])
	if l.tests*len(l.edges) > 70_000_000 {
		t.Errorf("%d tests of %d edges", l.tests, len(l.edges))
	}
	if l := newLabeller(box(0, 0, 1, 1)[0]); l.tests != mostTests {
		t.Errorf("a square gets %d tests", l.tests)
	}
}

func BenchmarkLabelPoint(b *testing.B) {
	shape := country(1, 5)[0].Shape
	for b.Loop() {
		LabelPoint(shape)
	}
}
