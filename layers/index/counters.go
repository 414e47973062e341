package index

import (
	"math/bits"
	"slices"

	"onepicture/layers"
)

// PlaceCounts are the exact numbers of one kind in one place, or in a place with all below it when summed up.
type PlaceCounts struct {
	N     int
	Open  int     // events that somebody must still handle
	Layer [64]int // by the layer's bit
	Class []int   // by class number
}

// counters hold the counts of each place's own rows; sums up the tree are made when asked. Copied where changed.
type counters struct {
	byPlace []*PlaceCounts // by place id; 0: in no place
	mine    map[layers.PlaceID]bool
}

// edit is a copy of which changed places are copied on first change.
func (c counters) edit() counters {
	return counters{byPlace: slices.Clone(c.byPlace), mine: map[layers.PlaceID]bool{}}
}

func (c *counters) add(r *Row, sign int) {
	if n := int(r.Place) + 1; n > len(c.byPlace) {
		c.byPlace = append(c.byPlace, make([]*PlaceCounts, n-len(c.byPlace))...)
	}
	p := c.byPlace[r.Place]
	switch {
	case p == nil:
		p = &PlaceCounts{}
		c.byPlace[r.Place], c.mine[r.Place] = p, true
	case !c.mine[r.Place]:
		copied := *p
		copied.Class = slices.Clone(p.Class)
		p = &copied
		c.byPlace[r.Place], c.mine[r.Place] = p, true
	}
	p.N += sign
	if r.Status != layers.StatusClose && r.Status != layers.StatusVoid {
		p.Open += sign
	}
	if n := int(r.Class) + 1; n > len(p.Class) {
		p.Class = append(p.Class, make([]int, n-len(p.Class))...)
	}
	p.Class[r.Class] += sign
	for b := r.Layers; b != 0; b &= b - 1 {
		p.Layer[bits.TrailingZeros64(b)] += sign
	}
}

func (p *PlaceCounts) plus(o *PlaceCounts) {
	if o == nil {
		return
	}
	p.N += o.N
	p.Open += o.Open
	for i, n := range o.Layer {
		p.Layer[i] += n
	}
	if len(o.Class) > len(p.Class) {
		p.Class = append(p.Class, make([]int, len(o.Class)-len(p.Class))...)
	}
	for i, n := range o.Class {
		p.Class[i] += n
	}
}

// Figures are the counts of a kind in a place and all below it, within the scope; place 0 is everywhere, features in
// no place included. O(places below).
func (s *Snapshot) Figures(kind layers.Kind, scope layers.Scope, place layers.PlaceID) PlaceCounts {
	var sum PlaceCounts
	t := s.tables[kind]
	if t == nil || scope.Detail(kind) == layers.DetailNone {
		return sum
	}
	if place == 0 {
		for id, own := range t.counts.byPlace {
			if scope.Sees(layers.PlaceID(id)) {
				sum.plus(own)
			}
		}
		return sum
	}
	lo, hi := s.tree.Range(place)
	for o := lo; o < hi; o++ {
		id := s.tree.At(o).ID
		if int(id) < len(t.counts.byPlace) && scope.Sees(id) {
			sum.plus(t.counts.byPlace[id])
		}
	}
	return sum
}
