package layers

import (
	"sort"

	"github.com/paulmach/orb"
)

// Levels of places. No county is assumed: towns hang directly under the city.
const (
	LevelCity    uint8 = 1
	LevelTown    uint8 = 2
	LevelVillage uint8 = 3
	LevelGrid    uint8 = 4
)

// Levels are the codes of the levels that command, by number.
var Levels = [...]string{"", "city", "town", "village"}

// Place is a unit of the tree city → town → village → grid, without its boundary.
type Place struct {
	ID           PlaceID
	Code         string
	Level        uint8
	Parent       PlaceID // 0: a root
	Name, NameEn string
	Label        orb.Point // inner point; meaningful only when HasShape
	Bound        orb.Bound // of the boundary
	AreaM2       float64
	HasShape     bool
}

// Tree is the immutable tree of the places valid now. Places are numbered in pre-order, so the descendants of a
// place, itself included, are one contiguous range of ordinals: rolling counts up the tree is adding a range.
type Tree struct {
	places []Place // by ordinal
	end    []int32 // by ordinal: one past the last descendant
	ord    []int32 // by PlaceID: ordinal, -1 if unknown
	code   map[string]PlaceID
	roots  []PlaceID
}

// NewTree orders places by code below each parent. A place whose parent is not among them becomes a root.
func NewTree(places []Place) *Tree {
	sorted := append([]Place(nil), places...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].Code < sorted[j].Code })
	var maxID PlaceID
	known := make(map[PlaceID]bool, len(sorted))
	for _, p := range sorted {
		known[p.ID] = true
		maxID = max(maxID, p.ID)
	}
	children := make(map[PlaceID][]int)
	for i, p := range sorted {
		parent := p.Parent
		if !known[parent] || parent == p.ID {
			parent = 0
		}
		children[parent] = append(children[parent], i)
	}
	t := &Tree{ord: make([]int32, maxID+1), code: make(map[string]PlaceID, len(sorted))}
	for i := range t.ord {
		t.ord[i] = -1
	}
	var walk func(i int)
	walk = func(i int) {
		p := sorted[i]
		at := int32(len(t.places))
		t.ord[p.ID] = at
		t.places = append(t.places, p)
		t.end = append(t.end, 0)
		t.code[p.Code] = p.ID
		for _, c := range children[p.ID] {
			walk(c)
		}
		t.end[at] = int32(len(t.places))
	}
	for _, i := range children[0] {
		t.roots = append(t.roots, sorted[i].ID)
		walk(i)
	}
	return t
}

// Len is the number of places.
func (t *Tree) Len() int { return len(t.places) }

// Roots are the places without a parent, by code.
func (t *Tree) Roots() []PlaceID { return t.roots }

// Ordinal is the pre-order number of a place, -1 when it is not in the tree (also for 0, "in no place").
func (t *Tree) Ordinal(id PlaceID) int32 {
	if id <= 0 || int(id) >= len(t.ord) {
		return -1
	}
	return t.ord[id]
}

// At is the place with that ordinal, 0 ≤ ordinal < Len.
func (t *Tree) At(ordinal int32) *Place { return &t.places[ordinal] }

// Range is the half-open range of ordinals of a place and its descendants; empty when unknown.
func (t *Tree) Range(id PlaceID) (lo, hi int32) {
	o := t.Ordinal(id)
	if o < 0 {
		return 0, 0
	}
	return o, t.end[o]
}

// Place finds a place by id; nil when it is not in the tree.
func (t *Tree) Place(id PlaceID) *Place {
	o := t.Ordinal(id)
	if o < 0 {
		return nil
	}
	return &t.places[o]
}

// ByCode finds a place by code; nil when it is not in the tree.
func (t *Tree) ByCode(code string) *Place {
	id, ok := t.code[code]
	if !ok {
		return nil
	}
	return t.Place(id)
}

// Children are the direct children of a place, by code; those of 0, everywhere, are the roots.
func (t *Tree) Children(id PlaceID) []*Place {
	var out []*Place
	if id == 0 {
		for _, r := range t.roots {
			out = append(out, t.Place(r))
		}
		return out
	}
	lo, hi := t.Range(id)
	for o := lo + 1; o < hi; o = t.end[o] {
		out = append(out, &t.places[o])
	}
	return out
}

// Path is the way from the root down to the place, itself included; empty when unknown.
func (t *Tree) Path(id PlaceID) []*Place {
	var out []*Place
	for p := t.Place(id); p != nil; p = t.Place(p.Parent) {
		out = append(out, p)
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}
