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
	layers      []uint32 // by bit
	classes     []uint32 // by class
}

// add counts a row n times: 1 or -1.
func (y *tally) add(r *Row, n int32) {
	d := uint32(n)
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

// PlaceCounts are the exact numbers of one kind in a place with all below it.
type PlaceCounts struct {
	N     int
	Open  int     // events that somebody must still handle; 0 for other kinds
	Layer [64]int // by the layer's bit
	Class []int   // by class number; may be shorter than the largest class
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

// tallies are the counts of a kind's places that the scope may see at all.
func (s *Snapshot) tallies(k layers.Kind, scope layers.Scope) []*tally {
	n := slot(k)
	if n < 0 || scope.Detail(k) == layers.DetailNone {
		return nil
	}
	return s.tables[n].tallies
}

// Figures are the counts of a kind in a place and below it, within the scope; place 0: everywhere, also in no place.
// No scan: some 100 ns a place below it. Whether a number may be told is for Scope.Told.
func (s *Snapshot) Figures(k layers.Kind, scope layers.Scope, place layers.PlaceID) PlaceCounts {
	var sum tally
	tallies := s.tallies(k, scope)
	if place == 0 {
		for id, y := range tallies {
			if scope.Sees(layers.PlaceID(id)) {
				sum.sum(y)
			}
		}
		return sum.counts(k)
	}
	lo, hi := s.tree.Range(place)
	for o := lo; o < hi; o++ {
		if id := s.tree.At(o).ID; int(id) < len(tallies) && scope.Sees(id) {
			sum.sum(tallies[id])
		}
	}
	return sum.counts(k)
}

// FiguresByPlace are the Figures of every place, by ordinal of the snapshot's tree: all layers of 600 villages in a
// few milliseconds, whatever the number of features.
func (s *Snapshot) FiguresByPlace(k layers.Kind, scope layers.Scope) []PlaceCounts {
	sums := make([]tally, s.tree.Len())
	out := make([]PlaceCounts, len(sums))
	tallies := s.tallies(k, scope)
	for o := len(sums) - 1; o >= 0; o-- { // pre-order: children come after their parent
		place := s.tree.At(int32(o))
		if int(place.ID) < len(tallies) && scope.Sees(place.ID) {
			sums[o].sum(tallies[place.ID])
		}
		out[o] = sums[o].counts(k)
		if parent := s.tree.Ordinal(place.Parent); parent >= 0 && int(parent) != o {
			sums[parent].sum(&sums[o])
		}
	}
	return out
}
