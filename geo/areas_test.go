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
				if !Contains(a.Shape, lon, lat) {
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

func TestFind(t *testing.T) {
	ring := box(113, 22, 114, 23)[0][0]
	hole := box(113.4, 22.4, 113.6, 22.6)[0][0]
	locator := NewAreas([]Area{
		{ID: 1, Rank: 1, AreaM2: 100, Code: "44", Shape: orb.MultiPolygon{{ring}}},
		{ID: 2, Rank: 2, AreaM2: 10, Code: "4402", Shape: orb.MultiPolygon{{box(113, 22, 113.8, 23)[0][0], hole}}},
		{ID: 3, Rank: 2, AreaM2: 5, Code: "4403", Shape: box(113.7, 22, 113.9, 23)},
		{ID: 4, Rank: 2, AreaM2: 5, Code: "4401", Shape: box(113.7, 22, 113.9, 22.5)},
		{ID: 5, Rank: 9, Code: "nowhere"},
		{ID: 6, Rank: 1, AreaM2: 100, Code: "81", Shape: box(120, 30, 121, 31)},
	})
	for _, c := range []struct {
		name     string
		lon, lat float64
		id       int32
		overlaps int
		ok       bool
	}{
		{"the deeper level", 113.2, 22.5, 2, 0, true},
		{"a hole of the deeper level", 113.5, 22.5, 1, 0, true},
		{"a gap of the deeper level", 113.95, 22.5, 1, 0, true},
		{"two overlap: the smaller", 113.75, 22.7, 3, 1, true},
		{"three overlap, two alike: the lower code", 113.75, 22.2, 4, 2, true},
		{"far away from the rest", 120.5, 30.5, 6, 0, true},
		{"the gap between", 117, 26, 0, 0, false},
		{"the other side of the world", -60, -30, 0, 0, false},
		{"the pole", 113.5, 90, 0, 0, false},
		{"NaN", math.NaN(), math.NaN(), 0, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			id, overlaps, ok := locator.Find(c.lon, c.lat)
			if id != c.id || overlaps != c.overlaps || ok != c.ok {
				t.Errorf("got %d %d %v, want %d %d %v", id, overlaps, ok, c.id, c.overlaps, c.ok)
			}
		})
	}
	if locator.Len() != 6 {
		t.Errorf("%d areas", locator.Len())
	}
}

// The keys end at MaxLat: what lies beyond must not be taken for what lies there.
func TestFindBeyondTheKeys(t *testing.T) {
	areas := make([]Area, 30) // so many that squares are divided until they are wholly inside
	for i := range areas {
		areas[i] = Area{ID: int32(i), Shape: box(0, 80, 40, 85.5)}
	}
	locator := NewAreas(areas)
	if _, overlaps, ok := locator.Find(20, 85); !ok || overlaps != 29 {
		t.Errorf("at 85°: %v, overlaps %d", ok, overlaps)
	}
	if id, _, ok := locator.Find(20, 88); ok {
		t.Errorf("at 88° area %d was found, which ends at 85.5°", id)
	}
}

func TestFindAmongNeighboursHasOneWinner(t *testing.T) {
	areas := country(5, 4)
	locator := NewAreas(areas)
	at := func(lon, lat float64) {
		want, n := int32(0), 0
		for i := range areas {
			if Contains(areas[i].Shape, lon, lat) {
				want, n = areas[i].ID, n+1
			}
		}
		if n > 1 {
			t.Fatalf("%v %v is in %d of the neighbours", lon, lat, n)
		}
		if id, overlaps, ok := locator.Find(lon, lat); ok != (n == 1) || overlaps != 0 || id != want {
			t.Fatalf("%v %v: got %d %d %v, want %d of %d", lon, lat, id, overlaps, ok, want, n)
		}
	}
	for i := range areas {
		for _, v := range areas[i].Shape[0][0] { // on vertices, and as near to them as can be
			at(v[0], v[1])
			at(math.Nextafter(v[0], 0), math.Nextafter(v[1], 90))
		}
	}
	for _, l := range locator.leaves { // on the corners of squares
		tile := TileOf(l.lo, deepest)
		b := tile.Bound()
		at(b.Min[0], b.Max[1])
		at(l.lo.LonLat())
	}
}

func TestAreasKeepNothingOfTheirInput(t *testing.T) {
	areas := []Area{{ID: 7, Shape: box(113, 22, 114, 23)}}
	locator := NewAreas(areas)
	for i := range areas[0].Shape[0][0] {
		areas[0].Shape[0][0][i] = orb.Point{}
	}
	areas[0].ID = 8
	if id, _, ok := locator.Find(113.5, 22.5); !ok || id != 7 {
		t.Errorf("got %d, %v", id, ok)
	}
}

// The same boundary many times over (levels that coincide, a file imported again) must not be divided to the end.
func TestManyEqualAreasStaySmall(t *testing.T) {
	shape := country(1, 6)[0].Shape
	leaves := func(n int) int {
		areas := make([]Area, n)
		for i := range areas {
			areas[i] = Area{ID: int32(i), Code: fmt.Sprintf("%03d", i), Shape: shape}
		}
		locator := NewAreas(areas)
		if id, overlaps, ok := locator.Find(113.5, 23); !ok || id != 0 || overlaps != n-1 {
			t.Errorf("among %d: got %d %d %v", n, id, overlaps, ok)
		}
		return len(locator.leaves)
	}
	if n := leaves(60); n > 10_000 { // some 500,000 when divided to the end
		t.Errorf("%d leaves", n)
	}
}
