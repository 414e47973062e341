package geo

import (
	"math"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

func ring(xy ...float64) orb.Ring {
	var r orb.Ring
	for i := 0; i < len(xy); i += 2 {
		r = append(r, orb.Point{xy[i], xy[i+1]})
	}
	return append(r, r[0])
}

func TestFirstCrossing(t *testing.T) {
	square := ring(0, 0, 4, 0, 4, 4, 0, 4)
	for _, c := range []struct {
		name  string
		shape orb.MultiPolygon
		at    *orb.Point
	}{
		{"a square", orb.MultiPolygon{{square}}, nil},
		{"with a hole", orb.MultiPolygon{{square, ring(1, 1, 2, 1, 2, 2, 1, 2)}}, nil},
		{"with a hole that touches the border", orb.MultiPolygon{{square, ring(0, 1, 2, 1, 2, 2)}}, nil},
		{"two that touch in a corner", orb.MultiPolygon{{square}, {ring(4, 4, 6, 4, 6, 6, 4, 6)}}, nil},
		{"two far apart", orb.MultiPolygon{{square}, {ring(10, 0, 12, 0, 11, 1)}}, nil},
		{"a vertex twice in a row", orb.MultiPolygon{{ring(0, 0, 4, 0, 4, 0, 4, 4)}}, nil},
		{"a vertex in the middle of a side", orb.MultiPolygon{{ring(0, 0, 2, 0, 4, 0, 4, 4, 0, 4)}}, nil},
		{"a bow tie", orb.MultiPolygon{{ring(0, 0, 4, 4, 4, 0, 0, 4)}}, &orb.Point{2, 2}},
		{"a hole that crosses the border", orb.MultiPolygon{{square, ring(3, 1, 5, 1, 5, 2, 3, 2)}}, &orb.Point{4, 1}},
		{"a spike", orb.MultiPolygon{{ring(0, 0, 4, 0, 4, 4, 4, 6, 4, 4, 0, 4)}}, &orb.Point{4, 4}},
		{"an eight through one point", orb.MultiPolygon{{ring(0, 0, 2, 2, 4, 0, 4, 4, 2, 2, 0, 4)}}, &orb.Point{2, 2}},
		{"a vertex on another side", orb.MultiPolygon{{ring(0, 0, 4, 0, 4, 4, 2, 0, 0, 4)}}, &orb.Point{2, 0}},
		{"neighbours with a side in common", orb.MultiPolygon{{square}, {ring(4, 0, 6, 0, 6, 4, 4, 4)}}, &orb.Point{4, 4}},
		{"the same twice", orb.MultiPolygon{{square}, {square}}, &orb.Point{4, 0}},
	} {
		got, bad := FirstCrossing(c.shape)
		if bad != (c.at != nil) {
			t.Errorf("%s: %+v, %v", c.name, got, bad)
		} else if bad && math.Hypot(got.At[0]-c.at[0], got.At[1]-c.at[1]) > 1e-9 && c.name != "the same twice" {
			t.Errorf("%s: at %v, want %v", c.name, got.At, *c.at)
		}
	}
	if got, _ := FirstCrossing(orb.MultiPolygon{{square}, {square, ring(3, 1, 5, 1, 5, 2, 3, 2)}}); got.One == got.Other {
		t.Errorf("one edge is named twice: %+v", got)
	}
	if got, bad := FirstCrossing(orb.MultiPolygon{{ring(0, 0, 4, 4, 4, 0, 0, 4)}}); !bad || got.One.Vertex+got.Other.Vertex != 2 {
		t.Errorf("the bow tie's edges: %+v", got)
	}
}

// It finds a crossing exactly where comparing every edge with every other finds one.
func TestFirstCrossingFindsWhatEachPairShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		coordinate := rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(0, 6).Draw(t, "c")) })
		var mp orb.MultiPolygon
		for range rapid.IntRange(1, 2).Draw(t, "polygons") {
			mp = append(mp, orb.Polygon{ring(rapid.SliceOfN(coordinate, 6, 6).Draw(t, "ring")...)})
		}
		edges, want := edgesOf(mp), false
		for i := range edges {
			for j := range i {
				_, bad := edges[i].conflict(&edges[j])
				want = want || bad
			}
		}
		if _, got := FirstCrossing(mp); got != want {
			t.Fatalf("%v: %v, want %v", mp, got, want)
		}
	})
}

// comb is one of the worst shapes: its teeth all overlap in longitude.
func comb(teeth int) orb.MultiPolygon {
	r := orb.Ring{{0, 0}}
	for i := range teeth {
		y := float64(i)
		r = append(r, orb.Point{100, y}, orb.Point{100, y + 0.4}, orb.Point{1, y + 0.5}, orb.Point{1, y + 0.9})
	}
	r = append(r, orb.Point{0, float64(teeth)})
	return orb.MultiPolygon{{append(r, r[0])}}
}

func BenchmarkFirstCrossing(b *testing.B) {
	for name, shape := range map[string]orb.MultiPolygon{"round": {{circle(10_000)}}, "comb": comb(2_500)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if c, bad := FirstCrossing(shape); bad {
					b.Fatalf("%+v", c)
				}
			}
		})
	}
}

func circle(n int) orb.Ring {
	var r orb.Ring
	for i := range n {
		s, c := math.Sincos(2 * math.Pi * float64(i) / float64(n))
		r = append(r, orb.Point{113 + c/10, 23 + s/10})
	}
	return append(r, r[0])
}
