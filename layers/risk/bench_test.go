package risk

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/index"
	"onepicture/layers/risk/model"
)

// benchWorker holds the city for measurements: 3,000 grids in 600 villages in 33 towns, six categories, and so many
// events of three years; every term is on.
func benchWorker(b *testing.B, events int) (*worker, *index.Snapshot) {
	b.Helper()
	const grids, wide = 3000, 60
	places := []layers.Place{{ID: 1, Code: "990100000000", Level: 1}}
	add := func(p layers.Place) layers.PlaceID {
		p.ID = layers.PlaceID(len(places) + 1)
		places = append(places, p)
		return p.ID
	}
	var town, village layers.PlaceID
	for i := range grids {
		if i%90 == 0 {
			town = add(layers.Place{Code: code(1, i), Level: 2, Parent: 1})
		}
		if i%5 == 0 {
			village = add(layers.Place{Code: code(2, i), Level: 3, Parent: town})
		}
		at := orb.Point{113 + 0.009*float64(i%wide), 23 + 0.009*float64(i/wide)}
		add(layers.Place{Code: code(3, i), Level: 4, Parent: village, Label: at, HasShape: true, AreaM2: 800_000, Bound: orb.Bound{Min: at, Max: at}})
	}
	tree := layers.NewTree(places)
	x := index.New()
	build := index.NewBuilder(index.Bits{})
	r := rand.New(rand.NewPCG(1, 1))
	now := time.Date(2026, 3, 10, 4, 0, 0, 0, time.UTC)
	puts := make([]index.Put, events)
	var leaves []*layers.Place
	for o := range int32(tree.Len()) {
		if p := tree.At(o); p.Level == 4 {
			leaves = append(leaves, p)
		}
	}
	for i := range puts {
		p := leaves[r.IntN(grids)]
		puts[i] = index.Put{Kind: layers.KindEvent, Record: layers.Record{
			ID: int64(i + 1), Key: geo.KeyOf(p.Label[0]+0.008*r.Float64(), p.Label[1]+0.008*r.Float64()), Place: p.ID, Class: uint16(r.IntN(6)), Status: layers.StatusClose,
			Flags: uint32(1 + r.IntN(2)), Time: layers.Minutes(now) - int32(r.IntN(3*365*1440)),
		}}
	}
	build.Add(layers.KindEvent, puts)
	if err := x.Load(build, tree, 1, 1, now); err != nil {
		b.Fatal(err)
	}
	l := NewLive(nil, nil, City{}, nil, func() time.Time { return now })
	w := &worker{l: l, tree: tree, world: &World{Tree: tree, Zone: time.UTC}, touched: map[uint16]bool{}, d: ByPlace(tree, true, nil), position: 1}
	w.gather(x.Snapshot())
	w.model = &Fitted{ID: 1, Start: w.panels[0][0].Start}
	exposure := make([]float64, w.d.Areas.Leaves)
	for i := range exposure {
		exposure[i] = 1
	}
	for class := range uint16(6) {
		c := Category{Class: class, Code: string(rune('a' + class)), Spec: everyTerm, Complete: 1, Shared: 100, Reference: [5]float64{1, 1, 1, 1, 1}}
		for g := range c.Params {
			c.Params[g] = &model.Params{
				Spec: everyTerm, Shape: []float64{0, 5, 5, 5}, HalfLife: 730, Tau: 14, Bandwidth: 1800, Theta: [4]float64{0.6, 0.1, 0.2, 0.1}, Size: 10, Exposure: exposure,
			}
		}
		w.model.Categories = append(w.model.Categories, c)
	}
	w.kernels = kernelsOf(w.d, w.model)
	w.input = &Input{ID: 1, Day: w.days.of(layers.Minutes(now)) + 1}
	return w, x.Snapshot()
}

func code(kind, i int) string {
	s := []byte("990100000000")
	n := i + kind*100_000
	for k := 11; n > 0; k-- {
		s[k] = byte('0' + n%10)
		n /= 10
	}
	if kind == 3 {
		return string(s) + "001"
	}
	return string(s)
}

// All places anew, from the index: 3,000 grids, six categories, both horizons, five million events.
func BenchmarkAllPlaces(b *testing.B) {
	w, snap := benchWorker(b, 5_000_000)
	for b.Loop() {
		w.gather(snap)
		w.paint(nil)
	}
}

// What an event changes: its category in all places, both horizons.
func BenchmarkAfterOneEvent(b *testing.B) {
	w, snap := benchWorker(b, 5_000_000)
	old := w.paint(nil)
	row := index.Row{Record: layers.Record{Place: w.d.Nodes[7], Class: 2, Status: layers.StatusReport, Flags: 2, Time: layers.Minutes(snap.At())}}
	for b.Loop() {
		w.apply(Update{Effects: []index.Effect{{Kind: layers.KindEvent, New: &row}}})
		old = w.paint(old)
	}
}
