package geo

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/paulmach/orb"
)

// country is n × n neighbours that share ragged borders without gap or overlap, each of about 4 × 2^detail vertices,
// around Dongguan's latitude: what a set of real boundaries looks like.
func country(n, detail int) []Area {
	const west, south, span = 113.0, 22.5, 1.0
	step := span / float64(n)
	node := func(i, j int) orb.Point {
		r := rand.New(rand.NewPCG(uint64(i), uint64(j)))
		return orb.Point{west + (float64(i)+0.3*r.Float64())*step, south + (float64(j)+0.3*r.Float64())*step}
	}
	border := func(i, j, dir int) []orb.Point { // from a node to the one east (0) or north (1) of it
		r := rand.New(rand.NewPCG(uint64(i)<<20|uint64(j), uint64(dir)))
		line := []orb.Point{node(i, j), node(i+1-dir, j+dir)}
		for amplitude := 0.15 * step; len(line) < 1<<detail; amplitude /= 1.8 {
			finer := line[:1:1]
			for k, b := range line[1:] {
				a := line[k]
				finer = append(finer, orb.Point{
					(a[0]+b[0])/2 + amplitude*(r.Float64()-0.5), (a[1]+b[1])/2 + amplitude*(r.Float64()-0.5),
				}, b)
			}
			line = finer
		}
		return line
	}
	areas := make([]Area, 0, n*n)
	for i := range n {
		for j := range n {
			ring := append(orb.Ring{}, border(i, j, 0)...)
			ring = append(ring, border(i+1, j, 1)[1:]...)
			for _, back := range [][]orb.Point{border(i, j+1, 0), border(i, j, 1)} {
				for k := len(back) - 2; k >= 0; k-- {
					ring = append(ring, back[k])
				}
			}
			shape := orb.MultiPolygon{{ring}}
			areas = append(areas, Area{ID: int32(len(areas)), AreaM2: AreaM2(shape), Code: fmt.Sprint(len(areas)), Shape: shape})
		}
	}
	return areas
}

// BenchmarkFind is one point at random among neighbours, and among these within the levels above them.
func BenchmarkFind(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	points := make([]orb.Point, 1<<16)
	for i := range points {
		points[i] = orb.Point{113 + r.Float64(), 22.5 + r.Float64()}
	}
	levels := country(63, 4)
	for rank, n := range []int{25, 6, 1} {
		for _, a := range country(n, 8) {
			a.Rank = -1 - rank
			levels = append(levels, a)
		}
	}
	shared := country(63, 4) // six levels with one boundary
	for _, a := range shared[:len(shared):len(shared)] {
		for rank := range 5 {
			a.Rank = rank + 1
			shared = append(shared, a)
		}
	}
	for _, c := range []struct {
		name  string
		areas []Area
	}{
		{"4000×64", country(63, 4)},
		{"8000×128", country(89, 5)},
		{"4000×64 in 4 levels", levels},
		{"4000×64 six times", shared},
		{"400 overlapping", randomAreas(r, 400)},
	} {
		b.Run(c.name, func(b *testing.B) {
			locator := NewAreas(c.areas)
			for i := 0; b.Loop(); i++ {
				p := points[i&(1<<16-1)]
				locator.Find(p[0], p[1])
			}
		})
	}
}

// BenchmarkNewAreas is the build of 8,000 areas with 2 million vertices in all; it reports what the locator keeps.
func BenchmarkNewAreas(b *testing.B) {
	areas := country(89, 6)
	vertices := 0
	for _, a := range areas {
		vertices += len(a.Shape[0][0])
	}
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		locator := NewAreas(areas)
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(locator)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB-kept")
	b.ReportMetric(float64(vertices), "vertices")
}

// BenchmarkContains is one point at random in the frame of a ragged boundary of 5,000 vertices.
func BenchmarkContains(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	shape := country(1, 10)[0].Shape
	bound := shape.Bound()
	points := make([]orb.Point, 1<<12)
	for i := range points {
		points[i] = orb.Point{
			bound.Min[0] + r.Float64()*(bound.Max[0]-bound.Min[0]), bound.Min[1] + r.Float64()*(bound.Max[1]-bound.Min[1]),
		}
	}
	prepared := Prepare(shape)
	for i := 0; b.Loop(); i++ {
		p := points[i&(1<<12-1)]
		prepared.Contains(p[0], p[1])
	}
}

func BenchmarkCover(b *testing.B) {
	for _, detail := range []int{5, 8, 10} {
		shape := country(1, detail)[0].Shape
		b.Run(fmt.Sprint(len(shape[0][0]), " vertices"), func(b *testing.B) {
			var n int
			for b.Loop() {
				n = len(Cover(shape, 7))
			}
			b.ReportMetric(float64(n), "ranges")
		})
	}
}
