package geo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

// star is a star-shaped ring: never self-crossing, as ragged as real boundaries.
func star(r *rand.Rand, lon, lat, radius float64, n int) orb.Ring {
	ring := make(orb.Ring, 0, n+1)
	for i := range n {
		a := 2 * math.Pi * float64(i) / float64(n)
		d := radius * (0.4 + 0.6*r.Float64())
		ring = append(ring, orb.Point{lon + d*math.Cos(a), lat + d*math.Sin(a)})
	}
	return append(ring, ring[0])
}

func randomAreas(r *rand.Rand, n int) []Area {
	areas := make([]Area, n)
	for i := range areas {
		lon, lat, radius := 113+r.Float64(), 22.5+r.Float64(), 0.02+0.2*r.Float64()
		shape := orb.MultiPolygon{{star(r, lon, lat, radius, 5+r.IntN(60))}}
		if r.IntN(3) == 0 { // a hole
			shape[0] = append(shape[0], star(r, lon, lat, radius*0.3, 7))
		}
		if r.IntN(4) == 0 { // an exclave
			shape = append(shape, orb.Polygon{star(r, lon+radius*3, lat, radius*0.5, 9)})
		}
		areas[i] = Area{ID: int32(i + 1), Rank: r.IntN(4), AreaM2: AreaM2(shape), Code: fmt.Sprint(i), Shape: shape}
	}
	return areas
}

// evenOdd is the slow, plain test over all edges.
func evenOdd(mp orb.MultiPolygon, lon, lat float64) bool {
	in := false
	for _, s := range segments(mp) {
		if s.y0 <= lat && lat < s.y1 && lon < s.x0+(lat-s.y0)/(s.y1-s.y0)*(s.x1-s.x0) {
			in = !in
		}
	}
	return in
}

func TestFindEqualsTryingAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		areas := randomAreas(r, 1+r.IntN(20))
		locator := NewAreas(areas)
		for range 300 {
			lon, lat := 112.9+1.5*r.Float64(), 22.4+1.3*r.Float64()
			var want *Area
			same := 0
			for i := range areas {
				a := &areas[i]
				if !evenOdd(a.Shape, lon, lat) {
					continue
				}
				switch {
				case want == nil || a.Rank > want.Rank:
					want, same = a, 0
				case a.Rank == want.Rank:
					same++
					if a.AreaM2 < want.AreaM2 || a.AreaM2 == want.AreaM2 && a.Code < want.Code {
						want = a
					}
				}
			}
			id, overlaps, ok := locator.Find(lon, lat)
			if ok != (want != nil) || ok && (id != want.ID || overlaps != same) {
				t.Fatalf("at %v %v: got %v %v %v, want %v", lon, lat, id, overlaps, ok, want)
			}
		}
	})
}

func TestFindOnSharedBordersHasOneWinner(t *testing.T) {
	box := func(w, s, e, n float64) orb.MultiPolygon {
		return orb.MultiPolygon{{{{w, s}, {e, s}, {e, n}, {w, n}, {w, s}}}}
	}
	locator := NewAreas([]Area{
		{ID: 1, Code: "1", Shape: box(113, 22, 113.5, 23)},
		{ID: 2, Code: "2", Shape: box(113.5, 22, 114, 23)},
	})
	for _, lat := range []float64{22.1, 22.5, 22.9} {
		if _, overlaps, ok := locator.Find(113.5, lat); !ok || overlaps != 0 {
			t.Errorf("a point on the shared border at %v: found %v, overlaps %d", lat, ok, overlaps)
		}
	}
	if _, _, ok := locator.Find(112.99, 22.5); ok {
		t.Error("a point outside was found")
	}
	if _, _, ok := NewAreas(nil).Find(0, 0); ok {
		t.Error("nothing holds nothing")
	}
}

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
			in, k := evenOdd(mp, lon, lat), KeyOf(lon, lat)
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

func TestLabelPointLiesInside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		mp := randomAreas(r, 1)[0].Shape
		p, ok := LabelPoint(mp)
		if !ok || !evenOdd(mp, p[0], p[1]) {
			t.Fatalf("label at %v, ok %v", p, ok)
		}
		if again, _ := LabelPoint(mp); again != p {
			t.Fatal("not the same twice")
		}
	})
	if _, ok := LabelPoint(nil); ok {
		t.Error("an empty shape has no label point")
	}
}
