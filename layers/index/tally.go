package index

import (
	"math/bits"
	"unsafe"

	"onepicture/layers"
)

// tally counts the features of one kind whose place is exactly this one. It is kept with every change, so that a
// panel of all layers for all places costs no scan. Immutable but for the writer that made it.
type tally struct {
	total, open uint32
	sides       uint32   // rows come and rows gone since the last release
	layers      []uint32 // by bit
	classes     []uint32 // by class
}

// add counts a row n times: 1 or -1.
func (y *tally) add(r *Row, n int32) {
	d := uint32(n)
	y.sides++
	y.total += d
	if r.Status != layers.StatusClose && r.Status != layers.StatusVoid {
		y.open += d
	}
	y.classes = grown(y.classes, int(r.Class))
	y.classes[r.Class] += d
	for w := r.Layers; w != 0; w &= w - 1 {
		b := bits.TrailingZeros64(w)
		y.layers = grown(y.layers, b)
		y.layers[b] += d
	}
}

func (y *tally) sum(o *tally) {
	if o == nil {
		return
	}
	y.total += o.total
	y.open += o.open
	y.sides += o.sides
	y.classes = grown(y.classes, len(o.classes)-1)
	for i, n := range o.classes {
		y.classes[i] += n
	}
	y.layers = grown(y.layers, len(o.layers)-1)
	for i, n := range o.layers {
		y.layers[i] += n
	}
}

func (y *tally) copy() *tally {
	c := *y
	c.layers = append([]uint32(nil), y.layers...)
	c.classes = append([]uint32(nil), y.classes...)
	return &c
}

func (y *tally) bytes() int {
	if y == nil {
		return 8
	}
	return 8 + int(unsafe.Sizeof(*y)) + 4*cap(y.layers) + 4*cap(y.classes)
}

// grown makes i a valid index.
func grown(list []uint32, i int) []uint32 {
	if i < len(list) {
		return list
	}
	return append(list, make([]uint32, i+1-len(list))...)
}

// distance is how many rows must have changed at least to come from one tally to the other.
func (y *tally) distance(o *tally) (n uint32) {
	if o == nil {
		o = &tally{}
	}
	all := max(len(y.layers), len(o.layers))
	a, b := grown(y.layers, all), grown(o.layers, all)
	for i := range all {
		n += max(a[i], b[i]) - min(a[i], b[i])
	}
	return n
}

// PlaceCounts are the numbers of one kind in a place with all below it.
type PlaceCounts struct {
	Rounded bool // some of them are rounded, for a scope that does not see the records: Scope.Told decides
	N       int
	Open    int     // events that somebody must still handle; 0 for other kinds
	Layer   [64]int // by the layer's bit
	Class   []int   // by class number; may be shorter than the largest class
}

func (y *tally) counts(k layers.Kind) PlaceCounts {
	f := PlaceCounts{N: int(y.total), Class: make([]int, len(y.classes))}
	if k == layers.KindEvent {
		f.Open = int(y.open)
	}
	for i, n := range y.layers {
		f.Layer[i] = int(n)
	}
	for i, n := range y.classes {
		f.Class[i] = int(n)
	}
	return f
}

// source chooses by place between exact and released tallies.
type source struct {
	sight           layers.Sight
	exact, released []*tally
	rounds          bool
}

func (s *Snapshot) source(k layers.Kind, scope layers.Scope) source {
	n := slot(k)
	if n < 0 {
		return source{}
	}
	out := source{sight: scope.Sight(k), exact: s.tables[n].tallies, rounds: scope.Rounds(k)}
	if out.rounds {
		out.released = s.released.tallies(scope.Threshold)
	}
	return out
}

// of is a place's own tally as the scope may know it; nil for none.
func (s *source) of(id layers.PlaceID) (y *tally, rounded bool) {
	list := s.exact
	switch {
	case s.sight.Records.Has(id):
	case !s.sight.Counts.Has(id):
		return nil, false
	case s.rounds:
		list, rounded = s.released, true
	}
	if int(id) < len(list) {
		y = list[id]
	}
	return y, rounded
}

// figures adds up.
type figures struct {
	tally
	rounded bool
}

func (f *figures) add(y *tally, rounded bool) {
	f.sum(y)
	f.rounded = f.rounded || rounded
}

func (f *figures) counts(k layers.Kind) PlaceCounts {
	c := f.tally.counts(k)
	c.Rounded = f.rounded
	return c
}

// Figures are the counts of a kind in a place and below it, within the scope; place 0: everywhere, also in no place.
// No scan: some 100 ns a place below it. Whether a number may be told is for Scope.Told.
func (s *Snapshot) Figures(k layers.Kind, scope layers.Scope, place layers.PlaceID) PlaceCounts {
	var sum figures
	from := s.source(k, scope)
	if place == 0 {
		for id := range max(len(from.exact), len(from.released)) {
			sum.add(from.of(layers.PlaceID(id)))
		}
		return sum.counts(k)
	}
	lo, hi := s.tree.Range(place)
	for o := lo; o < hi; o++ {
		sum.add(from.of(s.tree.At(o).ID))
	}
	return sum.counts(k)
}

// FiguresByPlace are the Figures of every place, by ordinal of the snapshot's tree: all layers of 600 villages in a
// few milliseconds, whatever the number of features.
func (s *Snapshot) FiguresByPlace(k layers.Kind, scope layers.Scope) []PlaceCounts {
	sums := make([]figures, s.tree.Len())
	out := make([]PlaceCounts, len(sums))
	from := s.source(k, scope)
	for o := len(sums) - 1; o >= 0; o-- { // pre-order: children come after their parent
		place := s.tree.At(int32(o))
		sums[o].add(from.of(place.ID))
		out[o] = sums[o].counts(k)
		if parent := s.tree.Ordinal(place.Parent); parent >= 0 && int(parent) != o {
			sums[parent].add(&sums[o].tally, sums[o].rounded)
		}
	}
	return out
}
