package tile

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/filter"
	"onepicture/layers/index"
)

// benchCity has people in 40 centres of a city 60 km wide, and 1 in 20 as sites. Choose a size with -bench 1M or 10M.
func benchCity(b *testing.B, n int) *fixture {
	f := newFixture(b)
	builder := index.NewBuilder(testBits())
	r := rand.New(rand.NewPCG(1, 1))
	puts := map[layers.Kind][]index.Put{}
	for i := range n {
		c := r.IntN(40)
		rec := layers.Record{
			ID: int64(i + 1), Place: layers.PlaceID(r.IntN(3)), Class: uint16(1 + r.IntN(2)), Status: 1,
			Time: int32(r.IntN(33000) - 14000),
			Key: geo.KeyOf(113.5+0.6*(float64(c*7%40)/40+r.NormFloat64()*0.03),
				22.7+0.6*(float64(c*13%40)/40+r.NormFloat64()*0.03)),
		}
		kinds := []layers.Kind{layers.KindPerson, layers.KindSite}[:1+min(1, max(0, 1-i%20))]
		for _, k := range kinds {
			puts[k] = append(puts[k], index.Put{Kind: k, Record: rec})
			if len(puts[k]) == 10_000 {
				builder.Add(k, puts[k])
				puts[k] = puts[k][:0]
			}
		}
	}
	for k, rest := range puts {
		builder.Add(k, rest)
	}
	x := index.New()
	if err := x.Load(builder, f.snap.Tree(), 9, 1, today); err != nil {
		b.Fatal(err)
	}
	f.snap = x.Snapshot()
	runtime.GC()
	return f
}

func BenchmarkBuild(b *testing.B) {
	var two layers.Reach
	two.Places.Add(1)
	two.Places.Add(2)
	sight := layers.Sight{Counts: two, Records: two}
	scope := layers.Scope{Person: sight, Site: sight, Event: sight}
	for _, size := range []struct {
		name string
		n    int
	}{{"1M", 1_000_000}, {"10M", 10_000_000}} {
		b.Run(size.name, func(b *testing.B) {
			f := benchCity(b, size.n)
			old, err := filter.Parse(layers.KindPerson, "age >= 60", f.catalogue, time.UTC)
			if err != nil {
				b.Fatal(err)
			}
			for _, c := range []struct {
				name, layer string
				z           uint8
				filter      *filter.Filter
			}{
				{"PeopleCity8", "people", 8, nil}, {"OldPeopleCity8", "people", 8, old},
				{"OldPeople14", "people", 14, old}, {"People14", "people", 14, nil}, {"Sites16", "sites", 16, nil},
			} {
				b.Run(c.name, func(b *testing.B) {
					r := f.request(tileAt(113.605, 22.895, c.z), scope, c.layer)
					r.Filter = c.filter
					var packed []byte
					for b.Loop() {
						if packed, err = f.builder.Build(b.Context(), f.snap, r); err != nil {
							b.Fatal(err)
						}
					}
					q := r.query(0)
					b.ReportMetric(float64(len(packed)), "bytes")
					b.ReportMetric(float64(f.snap.CountTile(q, r.Tile)), "counted")
				})
			}
		})
	}
}

func BenchmarkKey(b *testing.B) {
	f := newFixture(b)
	r := f.request(geo.Tile{Z: 8, X: 3, Y: 4}, layers.Loopback(), "people", "sites")
	for b.Loop() {
		ETag(r.Key(r.Version(f.snap), Gzip))
	}
}
