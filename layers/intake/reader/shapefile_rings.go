package reader

import (
	"slices"

	"github.com/paulmach/orb"
)

// ringOf is a ring of a shapefile's polygon, with what decides its place.
type ringOf struct {
	ring   orb.Ring
	bound  orb.Bound
	area   float64 // twice, positive
	hole   bool    // by its winding: counter-clockwise in a shapefile
	parent int     // the smallest ring around it, or -1
	depth  int     // how many rings are around it
}

// maxNestingWork bounds the comparisons of one polygon: about a second.
const maxNestingWork = 1 << 28

// polygons groups rings by winding and containment. A ring within an even number of others is an outer one, whatever
// its winding (turning it is a repair); one within an odd number must wind as a hole does, since two outer rings, one
// in the other, have no certain meaning.
func polygons(parts [][]orb.Point, m *mend) (orb.Geometry, *fault) {
	rings := make([]ringOf, len(parts))
	for i, p := range parts {
		r, f := m.close(p)
		if f != nil {
			return nil, f
		}
		a := area(r)
		rings[i] = ringOf{ring: r, bound: r.Bound(), area: max(a, -a), hole: a > 0, parent: -1}
	}
	if len(rings) > 1 {
		if f := nest(rings); f != nil {
			return nil, f
		}
	}
	return assemble(rings, m)
}

// nest finds the rings around each ring by sweeping over their bounds from west to east.
func nest(rings []ringOf) *fault {
	order := make([]int, len(rings))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch x, y := rings[a].bound.Min[0], rings[b].bound.Min[0]; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return a - b
	})
	var open []int
	work := 0
	for k := 0; k < len(order); {
		west := rings[order[k]].bound.Min[0]
		same := k
		for same < len(order) && rings[order[same]].bound.Min[0] == west {
			same++ // rings that begin together may be around one another either way
		}
		open = slices.DeleteFunc(open, func(i int) bool { return rings[i].bound.Max[0] < west })
		open = append(open, order[k:same]...)
		for _, i := range order[k:same] {
			for _, j := range open {
				work++
				if around(rings, j, i) {
					work += len(rings[j].ring)
					if inside(rings[i].ring, rings[j].ring, &work) {
						r := &rings[i]
						r.depth++
						if r.parent < 0 || rings[j].area < rings[r.parent].area {
							r.parent = j
						}
					}
				}
				if work > maxNestingWork {
					return fail(ClassSize, "the polygon has too many rings in one another")
				}
			}
		}
		k = same
	}
	return nil
}

// around tells by bounds and areas whether ring j can be around ring i.
func around(rings []ringOf, j, i int) bool {
	a, b := rings[j].bound, rings[i].bound
	if i == j || a.Min[0] > b.Min[0] || a.Min[1] > b.Min[1] || a.Max[0] < b.Max[0] || a.Max[1] < b.Max[1] {
		return false
	}
	return rings[j].area > rings[i].area || (rings[j].area == rings[i].area && j < i)
}

// inside tells by the first position of r that is not on the other's edge; rings that only touch there are told apart
// by the middles of r's edges.
func inside(r, outer orb.Ring, work *int) bool {
	for _, middle := range []bool{false, true} {
		for k := 0; k+1 < len(r); k++ {
			p := r[k]
			if middle {
				p = orb.Point{(r[k][0] + r[k+1][0]) / 2, (r[k][1] + r[k+1][1]) / 2}
			}
			*work += len(outer)
			if *work > maxNestingWork {
				return false
			}
			if side := sideOf(outer, p); side != 0 {
				return side > 0
			}
		}
	}
	return true // the same ring again
}

// sideOf is 1 inside, -1 outside, 0 on an edge.
func sideOf(r orb.Ring, p orb.Point) int {
	in := -1
	for k := 0; k+1 < len(r); k++ {
		a, b := r[k], r[k+1]
		cross := (b[0]-a[0])*(p[1]-a[1]) - (p[0]-a[0])*(b[1]-a[1])
		if cross == 0 && min(a[0], b[0]) <= p[0] && p[0] <= max(a[0], b[0]) && min(a[1], b[1]) <= p[1] && p[1] <= max(a[1], b[1]) {
			return 0
		}
		if (a[1] > p[1]) != (b[1] > p[1]) && (cross > 0) == (b[1] > a[1]) {
			in = -in
		}
	}
	return in
}

// assemble makes polygons out of nested rings, in the order of their outer rings in the file.
func assemble(rings []ringOf, m *mend) (orb.Geometry, *fault) {
	at := make([]int, len(rings))
	var out orb.MultiPolygon
	for i, r := range rings {
		if r.depth%2 == 0 {
			m.turned = m.turned || r.hole
			at[i] = len(out)
			out = append(out, orb.Polygon{turn(r.ring, true)})
		}
	}
	for _, r := range rings {
		if r.depth%2 == 0 {
			continue
		}
		if !r.hole {
			return nil, fail(ClassGeometry, "an outer ring lies within another outer ring")
		}
		out[at[r.parent]] = append(out[at[r.parent]], turn(r.ring, false))
	}
	if len(out) == 1 {
		return out[0], nil
	}
	return out, nil
}

// turn makes a ring counter-clockwise or clockwise.
func turn(r orb.Ring, counter bool) orb.Ring {
	if a := area(r); (a < 0 && counter) || (a > 0 && !counter) {
		slices.Reverse(r)
	}
	return r
}
