package index

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
)

// The city of the benchmarks: 60 km wide, 40 dense centres, 3,600 places as squares of a grid. Choose a size with
// -bench 1M or -bench 10M.
const (
	benchWest, benchSouth = 113.5, 22.7
	benchSide             = 0.6
)

var benchSizes = []struct {
	name string
	n    int
}{{"1M", 1_000_000}, {"10M", 10_000_000}}

func benchTree() *layers.Tree {
	places := []layers.Place{{ID: 1, Code: "0", Level: 1}}
	for v := range 600 {
		village := layers.PlaceID(2 + v*6)
		places = append(places, layers.Place{ID: village, Code: fmt.Sprintf("0%04d", v), Level: 3, Parent: 1})
		for g := range 5 {
			places = append(places, layers.Place{ID: village + layers.PlaceID(1+g), Code: fmt.Sprintf("0%04d%d", v, g), Level: 4, Parent: village})
		}
	}
	return layers.NewTree(places)
}

func benchBits() Bits {
	var list []LayerBit
	for i := range 20 {
		list = append(list, LayerBit{uint8(i), func(r *layers.Record) bool { return int(r.Class) == i || r.Flags>>i&1 == 1 }})
	}
	return Bits{layers.KindPerson: list, layers.KindEvent: list}
}

func benchRecord(r *rand.Rand, id int64) layers.Record {
	x, y := r.Float64(), r.Float64()
	if r.IntN(10) > 0 {
		c := r.IntN(40)
		cx, cy := float64(c*7%40)/40, float64(c*13%40)/40
		x = min(max(cx+r.NormFloat64()*0.02, 0), 0.9999)
		y = min(max(cy+r.NormFloat64()*0.02, 0), 0.9999)
	}
	x, y = math.Floor(x*6000)/6000, math.Floor(y*6000)/6000 // addresses
	grid := int(y*60)*60 + int(x*60)
	return layers.Record{
		ID: id, Key: geo.KeyOf(benchWest+x*benchSide, benchSouth+y*benchSide),
		Place: layers.PlaceID(3 + grid%3600), Class: uint16(r.IntN(6)), Status: uint8(1 + r.IntN(2)),
		Flags: r.Uint32() & r.Uint32() & r.Uint32() & 0xfffff, Time: int32(r.IntN(33000) - 14000),
	}
}

func benchBuild(b testing.TB, n int) *Index {
	builder := NewBuilder(benchBits())
	var all sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			puts := make([]Put, 0, 5000)
			for i := w * (n / workers); i < (w+1)*(n/workers); i++ {
				puts = append(puts, Put{Record: benchRecord(r, int64(i+1)), Position: 5})
				if len(puts) == cap(puts) {
					builder.Add(layers.KindPerson, puts)
					puts = puts[:0]
				}
			}
			builder.Add(layers.KindPerson, puts)
		})
	}
	all.Wait()
	x := New()
	if err := x.Load(builder, benchTree(), 10, 1, testTime); err != nil {
		b.Fatal(err)
	}
	return x
}

var benchCities = map[int]*Index{}

func benchCity(b *testing.B, n int) *Index {
	if benchCities[n] == nil {
		benchCities = map[int]*Index{n: benchBuild(b, n)}
		runtime.GC()
	}
	return benchCities[n]
}

func BenchmarkLoad(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(size.name, func(b *testing.B) {
			for b.Loop() {
				s := benchBuild(b, size.n).Snapshot()
				b.ReportMetric(float64(s.Bytes())/float64(size.n), "B/feature")
			}
		})
	}
}

// townScope sees every place but one in ten.
func townScope() layers.Scope {
	var most layers.Reach
	for id := range layers.PlaceID(3700) {
		if id%10 != 0 {
			most.Places.Add(id)
		}
	}
	return layers.Scope{Person: layers.Sight{Counts: most}}
}

func BenchmarkQueries(b *testing.B) {
	all := Query{Kind: layers.KindPerson, Scope: layers.Internal("bench")}
	old := Query{Kind: layers.KindPerson, Scope: townScope(), Layers: 0xfff, Match: func(r *layers.Record) bool { return r.Time < -3650 }}
	aged := Query{Kind: layers.KindPerson, Scope: townScope(), From: math.MinInt32 + 1, To: -3650}
	centre := geo.KeyOf(benchWest+benchSide*0.175, benchSouth+benchSide*0.325)
	shape := orb.MultiPolygon{circle(benchWest+benchSide*0.2, benchSouth+benchSide*0.3, 0.03, 1000)}
	cover, prepared := geo.Cover(shape, 7), geo.Prepare(shape)
	city := geo.TileOf(centre, 8)
	for _, size := range benchSizes {
		for _, c := range []struct {
			name string
			do   func(s *Snapshot) int
		}{
			{"CityAll", func(s *Snapshot) int { return sum(s.Cells(all, city, 6)) }},
			{"CityFilterScope", func(s *Snapshot) int { return sum(s.Cells(old, city, 6)) }},
			{"CityAgeScope", func(s *Snapshot) int { return sum(s.Cells(aged, city, 6)) }},
			{"CityOneLayer", func(s *Snapshot) int { q := all; q.Layers = 2; return sum(s.Cells(q, city, 6)) }},
			{"Tile14", func(s *Snapshot) int { return sum(s.Cells(old, geo.TileOf(centre, 14), 6)) }},
			{"Count", func(s *Snapshot) int { return s.Count(old) }},
			{"CountPolygon", func(s *Snapshot) int { n, _ := s.CountIn(old, cover, prepared); return n }},
			{"ByPlace", func(s *Snapshot) int { return s.ByPlace(aged)[0] }},
			{"FiguresByPlace", func(s *Snapshot) int { return s.FiguresByPlace(layers.KindPerson, old.Scope)[0].N }},
			{"Histogram", func(s *Snapshot) int { return s.Histogram(all, 0, 365, 30)[0] }},
		} {
			b.Run(c.name+"/"+size.name, func(b *testing.B) {
				s := benchCity(b, size.n).Snapshot()
				n := 0
				for b.Loop() {
					n = c.do(s)
				}
				b.ReportMetric(float64(n), "found")
			})
		}
	}
}

func circle(lon, lat, radius float64, n int) orb.Polygon {
	var ring orb.Ring
	for i := range n {
		a := 2 * math.Pi * float64(i) / float64(n)
		ring = append(ring, orb.Point{lon + radius*math.Cos(a), lat + radius*math.Sin(a)})
	}
	return orb.Polygon{append(ring, ring[0])}
}

func sum(cells []Cell) int {
	n := 0
	for _, c := range cells {
		n += c.N
	}
	return n
}

func BenchmarkApply(b *testing.B) {
	for _, size := range benchSizes {
		for _, batch := range []int{1, 100} {
			b.Run(fmt.Sprintf("%d/%s", batch, size.name), func(b *testing.B) {
				x := benchCity(b, size.n)
				r := rand.New(rand.NewPCG(9, 9))
				at := x.Snapshot().Position()
				for b.Loop() {
					at++
					u := Update{Through: at, At: testTime}
					for range batch {
						u.Puts = append(u.Puts, Put{Kind: layers.KindPerson, Record: benchRecord(r, int64(1+r.IntN(size.n)))})
					}
					x.Apply(u)
				}
				delete(benchCities, size.n) // no longer the city of the other benchmarks
			})
		}
	}
}

// An import of a million rows arrives in one update.
func BenchmarkApplyImport(b *testing.B) {
	const n = 1_000_000
	r := rand.New(rand.NewPCG(5, 5))
	u := Update{Through: 60, At: testTime, Puts: make([]Put, n)}
	for i := range u.Puts {
		u.Puts[i] = Put{Kind: layers.KindPerson, Record: benchRecord(r, int64(i+1)), Position: 60}
	}
	for b.Loop() {
		b.StopTimer()
		x := load(b, benchBits(), false)
		b.StartTimer()
		if len(x.Apply(u)) != n {
			b.Fatal("effects are missing")
		}
	}
}
