package geo

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"
	"pgregory.net/rapid"
)

func box(w, s, e, n float64) orb.MultiPolygon {
	return orb.MultiPolygon{{{{w, s}, {e, s}, {e, n}, {w, n}, {w, s}}}}
}

// spikes is a polygon of n edges each of which goes through its whole height.
func spikes(n int) orb.MultiPolygon {
	ring := orb.Ring{}
	for i := range n {
		ring = append(ring, orb.Point{113 + float64(i)/float64(n), 22.5 + float64(i%2)})
	}
	return orb.MultiPolygon{{append(ring, orb.Point{114, 22}, orb.Point{113, 22}, ring[0])}}
}

// orb's own test is another implementation; points drawn at random do not lie on edges, where the two differ.
func TestContainsEqualsOrb(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 4))
		mp := randomAreas(r, 1)[0].Shape
		prepared := Prepare(mp)
		for range 200 {
			lon, lat := 112.9+1.5*r.Float64(), 22.4+1.3*r.Float64()
			want := planar.MultiPolygonContains(mp, orb.Point{lon, lat})
			if Contains(mp, lon, lat) != want || prepared.Contains(lon, lat) != want {
				t.Fatalf("%v %v: want %v", lon, lat, want)
			}
		}
	})
}

// At the latitude of vertices the ray goes through corners: there the strips must agree with the test of all edges.
func TestPreparedEqualsContainsAtVertices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 5))
		mp := randomAreas(r, 1)[0].Shape
		if rapid.Bool().Draw(t, "spikes") {
			mp = spikes(3 + r.IntN(200))
		}
		prepared := Prepare(mp)
		for _, v := range mp[0][0] {
			for _, lon := range []float64{v[0], v[0] - 0.01, v[0] + 0.01, math.Nextafter(v[0], 0)} {
				if got, want := prepared.Contains(lon, v[1]), Contains(mp, lon, v[1]); got != want {
					t.Fatalf("%v %v: prepared says %v", lon, v[1], got)
				}
			}
		}
	})
}

func TestContains(t *testing.T) {
	ring := box(113, 22, 114, 23)[0][0]
	hole := orb.Ring{{113.4, 22.4}, {113.6, 22.4}, {113.6, 22.6}, {113.4, 22.6}, {113.4, 22.4}}
	backwards := slices.Clone(ring)
	slices.Reverse(backwards)
	for _, c := range []struct {
		name     string
		shape    orb.MultiPolygon
		lon, lat float64
		want     bool
	}{
		{"inside", orb.MultiPolygon{{ring}}, 113.5, 22.5, true},
		{"wound the other way", orb.MultiPolygon{{backwards}}, 113.5, 22.5, true},
		{"a ring not closed", orb.MultiPolygon{{ring[:4]}}, 113.01, 22.5, true},
		{"in a hole", orb.MultiPolygon{{ring, hole}}, 113.5, 22.5, false},
		{"in the hole's island", orb.MultiPolygon{{ring, hole}, box(113.45, 22.45, 113.55, 22.55)[0]}, 113.5, 22.5, true},
		{"between hole and border", orb.MultiPolygon{{ring, hole}}, 113.2, 22.5, true},
		{"west", orb.MultiPolygon{{ring}}, 112.9, 22.5, false},
		{"north", orb.MultiPolygon{{ring}}, 113.5, 23.1, false},
		{"the south-west corner belongs", orb.MultiPolygon{{ring}}, 113, 22, true},
		{"the east border belongs to the neighbour", orb.MultiPolygon{{ring}}, 114, 22.5, false},
		{"NaN", orb.MultiPolygon{{ring}}, math.NaN(), 22.5, false},
		{"an exclave", append(box(113, 22, 114, 23), box(120, 30, 121, 31)...), 120.5, 30.5, true},
		{"nothing", nil, 113, 22, false},
		{"an empty polygon", orb.MultiPolygon{{}}, 113, 22, false},
		{"an empty polygon before one", orb.MultiPolygon{{}, {ring}}, 0, 0, false},
		{"an empty ring", orb.MultiPolygon{{{}}}, 113, 22, false},
		{"a point", orb.MultiPolygon{{{{113, 22}}}}, 113, 22, false},
		{"a line", orb.MultiPolygon{{{{113, 22}, {114, 22}}}}, 113.5, 22, false},
		{"NaN in the ring", orb.MultiPolygon{{{{113, 22}, {math.NaN(), 22}, {114, math.Inf(1)}}}}, 113.5, 22, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Contains(c.shape, c.lon, c.lat); got != c.want {
				t.Errorf("Contains says %v", got)
			}
			if got := Prepare(c.shape).Contains(c.lon, c.lat); got != c.want {
				t.Errorf("prepared, it says %v", got)
			}
		})
	}
}

func TestPreparedTakesMemoryInProportion(t *testing.T) {
	for _, n := range []int{10, 1000, 20000} {
		p := Prepare(spikes(n))
		if most := 10 * (n + 3); len(p.strips) > most {
			t.Errorf("%d spikes take %d entries, more than %d", n, len(p.strips), most)
		}
	}
	ragged := country(1, 10)[0].Shape
	if p := Prepare(ragged); len(p.start) < len(ragged[0][0])/5 {
		t.Errorf("a real boundary has only %d strips", len(p.start))
	}
}

func TestAreaM2(t *testing.T) {
	// Between two parallels and two meridians the area on the sphere is R² Δλ (sin φ₂ − sin φ₁).
	patch := func(w, s, e, n float64) float64 {
		const r, rad = 6378137, math.Pi / 180
		return r * r * (e - w) * rad * (math.Sin(n*rad) - math.Sin(s*rad))
	}
	backwards := box(113, 22, 114, 23)
	slices.Reverse(backwards[0][0])
	for _, c := range []struct {
		name  string
		shape orb.MultiPolygon
		want  float64
	}{
		{"a degree at the equator", box(0, 0, 1, 1), patch(0, 0, 1, 1)},
		{"a degree in Guangdong", box(113, 22, 114, 23), patch(113, 22, 114, 23)},
		{"wound the other way", backwards, patch(113, 22, 114, 23)},
		{"with a hole", orb.MultiPolygon{{box(113, 22, 114, 23)[0][0], box(113.2, 22.2, 113.4, 22.4)[0][0]}},
			patch(113, 22, 114, 23) - patch(113.2, 22.2, 113.4, 22.4)},
		{"two", append(box(0, 0, 1, 1), box(113, 22, 114, 23)...), patch(0, 0, 1, 1) + patch(113, 22, 114, 23)},
		{"nothing", nil, 0},
		{"an empty polygon", orb.MultiPolygon{{}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := AreaM2(c.shape); math.Abs(got-c.want) > 1e-9*c.want {
				t.Errorf("%.0f m², want %.0f", got, c.want)
			}
		})
	}
}

func TestNear(t *testing.T) {
	p := Prepare(orb.MultiPolygon{{{{0, 0}, {1, 0}, {1, 1}, {0, 2}, {0, 0}}}})
	for _, c := range []struct {
		name     string
		lon, lat float64
		near     bool
	}{
		{"on a horizontal edge", 0.5, 0, true}, {"just below it", 0.5, -0.009, true}, {"too far below", 0.5, -0.02, false},
		{"just above it", 0.5, 0.009, true}, {"by an upright edge", 1.005, 0.5, true}, {"too far from it", 1.02, 0.5, false},
		{"by a slope", 0.5, 1.505, true}, {"off the slope", 0.5, 1.45, false}, {"by the top", 0, 2.009, true},
		{"beyond a corner, aslant", 1.008, -0.008, false}, {"in the middle", 0.5, 0.5, false}, {"far away", 9, 9, false},
	} {
		if got := p.Near(c.lon, c.lat, 0.01); got != c.near {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if Prepare(nil).Near(0, 0, 1) {
		t.Error("nothing is near to nothing")
	}
}

// Whatever the rounding of its key decides otherwise is near to an edge.
func TestBlurHoldsTheKeysRounding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 9))
		mp := randomAreas(r, 1)[0].Shape
		p := Prepare(mp)
		for _, ring := range mp[0] {
			for i := range ring[1:] { // on its edges, and some millimetres beside them
				f := r.Float64()
				lon := ring[i][0] + f*(ring[i+1][0]-ring[i][0]) + 1e-7*(r.Float64()-0.5)
				lat := ring[i][1] + f*(ring[i+1][1]-ring[i][1]) + 1e-7*(r.Float64()-0.5)
				x, y := KeyOf(lon, lat).LonLat()
				if p.Contains(lon, lat) != p.Contains(x, y) && !p.Near(x, y, Blur) {
					t.Fatalf("%v %v is decided otherwise by its key, and not near", lon, lat)
				}
			}
		}
	})
}
