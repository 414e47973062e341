package index

import (
	"onepicture/geo"
	"onepicture/layers"
)

// Count is the number of features that the query chooses: exact, but of persons beyond the records rounded (then
// Scope.Rounds, and Scope.Told decides whether it may be told).
func (s *Snapshot) Count(q Query) int {
	return s.counted(q, func(t *table) []span { return t.whole() }, nil, func(layers.PlaceID) bool { return true }).n
}

// Unsure is a feature so near to an area's border that its key, which is rounded to 9 mm, may be on the other side.
type Unsure struct {
	ID     int64
	Inside bool // by its key, and so counted
}

// CountIn counts within an area: the ranges are a cover of it (geo.Cover); exact tests the rows of those ranges that
// are not wholly inside. The unsure are those of which only their locations in the database can tell; mostly there are
// none. Rounded numbers count where the place's anchor is inside.
func (s *Snapshot) CountIn(q Query, ranges []geo.Range, exact *geo.Prepared) (n int, unsure []Unsure) {
	c := s.counted(q, func(t *table) (spans []span) {
		for _, r := range ranges {
			spans = t.spans(spans, r.Lo, r.Hi, !r.Inside)
		}
		return spans
	}, exact, func(id layers.PlaceID) bool {
		key, ok := s.anchor(id)
		return ok && exact.Contains(key.LonLat())
	})
	return c.n, c.unsure
}

// CountTile counts within a tile.
func (s *Snapshot) CountTile(q Query, tile geo.Tile) int {
	lo, hi := tile.Range()
	return s.counted(q, func(t *table) []span { return t.spans(nil, lo, hi, false) }, nil, func(id layers.PlaceID) bool {
		key, ok := s.anchor(id)
		return ok && key >= lo && key <= hi
	}).n
}

// counts are what is counted, and of whom that is not sure.
type counts struct {
	n      int
	unsure []Unsure
}

// counted adds the exact part, from the spans, and the rounded part, of the places that are inside.
func (s *Snapshot) counted(q Query, spans func(*table) []span, exact *geo.Prepared, inside func(layers.PlaceID) bool) counts {
	n := 0
	if q.Scope.Rounds(q.Kind) {
		s.roundedPart(q, func(id layers.PlaceID, m uint32) {
			if inside(id) {
				n += int(m)
			}
		})
		q.exactOnly()
	}
	t, p := s.plan(q)
	c := p.count(spans(t), exact)
	c.n += n
	return c
}

func (p *plan) count(spans []span, exact *geo.Prepared) (sum counts) {
	for _, part := range scanMasses(p, spans, func(part *counts, _ *chunk, m mass) bool {
		part.n += m.n
		return true
	}, func(part *counts, sp span, picked []uint16, whole bool) {
		switch {
		case !sp.exact && whole:
			part.n += sp.hi - sp.lo
		case !sp.exact:
			part.n += len(picked)
		default:
			sp.each(picked, whole, func(i int) { part.test(sp.chunk, i, exact) })
		}
	}) {
		sum.n += part.n
		sum.unsure = append(sum.unsure, part.unsure...)
	}
	return sum
}

// test counts a row that lies inside.
func (c *counts) test(rows *chunk, i int, exact *geo.Prepared) {
	lon, lat := rows.key[i].LonLat()
	inside := exact.Contains(lon, lat)
	if inside {
		c.n++
	}
	if exact.Near(lon, lat, geo.Blur) {
		c.unsure = append(c.unsure, Unsure{rows.id[i], inside})
	}
}

// each calls do for the picked rows, or for all of the span.
func (sp span) each(picked []uint16, whole bool, do func(i int)) {
	if whole {
		for i := sp.lo; i < sp.hi; i++ {
			do(i)
		}
		return
	}
	for _, i := range picked {
		do(int(i))
	}
}

// Histogram counts by time in n steps of equal length in the kind's unit, from a start on. (Days of a zone with summer
// time are not of equal length: count hours and add them up.) Of persons only those whose records the scope sees.
func (s *Snapshot) Histogram(q Query, from, step int32, n int) []int {
	out := make([]int, max(n, 0))
	if n <= 0 || step <= 0 {
		return out
	}
	t, p := s.plan(q)
	p.during(from, int64(from)+int64(step)*int64(n))
	for _, part := range scan(&p, t.whole(), func(part *[]int, sp span, picked []uint16, whole bool) {
		if *part == nil {
			*part = make([]int, n)
		}
		sp.each(picked, whole, func(i int) { (*part)[(at(sp.chunk.time, i)-from)/step]++ })
	}) {
		for i, k := range part {
			out[i] += k
		}
	}
	return out
}

// ByPlace counts by place in one pass: by ordinal of the snapshot's tree, each place with all below it. Of persons only
// those whose records the scope sees; Figures and FiguresByPlace hold the rounded numbers.
func (s *Snapshot) ByPlace(q Query) []int {
	t, p := s.plan(q)
	byID := make([]int, len(t.tallies))
	for _, part := range scan(&p, t.whole(), func(part *[]int, sp span, picked []uint16, whole bool) {
		if *part == nil {
			*part = make([]int, len(t.tallies))
		}
		if whole && len(sp.chunk.places) == 1 {
			(*part)[sp.chunk.places[0]] += sp.hi - sp.lo
			return
		}
		sp.each(picked, whole, func(i int) { (*part)[at(sp.chunk.place, i)]++ })
	}) {
		for i, k := range part {
			byID[i] += k
		}
	}
	out := make([]int, s.tree.Len())
	for o := len(out) - 1; o >= 0; o-- { // pre-order: children come after their parent
		place := s.tree.At(int32(o))
		if int(place.ID) < len(byID) {
			out[o] += byID[place.ID]
		}
		if parent := s.tree.Ordinal(place.Parent); parent >= 0 && int(parent) != o {
			out[parent] += out[o]
		}
	}
	return out
}
