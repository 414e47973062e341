package reader

import (
	"slices"

	"github.com/paulmach/orb"
)

// mend closes and turns rings, and remembers what it has done.
type mend struct {
	closed, turned bool
	vertices       int // of the geometry so far
	limit          int
}

func (m *mend) repairs(to []string) []string {
	if m.closed {
		to = append(to, RepairClosed)
	}
	if m.turned {
		to = append(to, RepairWinding)
	}
	return to
}

// count adds positions to the geometry.
func (m *mend) count(n int) *fault {
	if m.vertices += n; m.vertices > m.limit {
		return fail(ClassSize, "the geometry has more than %d vertices", m.limit)
	}
	return nil
}

// close makes the last position equal the first. What has fewer than three distinct positions is no ring; whether a
// ring crosses itself is not judged here.
func (m *mend) close(r orb.Ring) (orb.Ring, *fault) {
	if distinct(r) < 3 {
		return nil, fail(ClassGeometry, "a ring has fewer than 3 distinct positions")
	}
	if r[0] != r[len(r)-1] {
		m.closed = true
		r = append(r, r[0])
	}
	return r, nil
}

// distinct counts positions up to 3.
func distinct(r []orb.Point) int {
	if len(r) == 0 {
		return 0
	}
	second := -1
	for i, p := range r {
		switch {
		case p == r[0]:
		case second < 0:
			second = i
		case p != r[second]:
			return 3
		}
	}
	if second < 0 {
		return 1
	}
	return 2
}

// polygon closes the rings and turns the first counter-clockwise and the others clockwise; note says whether turning
// is a repair or only another convention.
func (m *mend) polygon(rings []orb.Ring, note bool) (orb.Polygon, *fault) {
	if len(rings) == 0 {
		return nil, fail(ClassGeometry, "a polygon has no ring")
	}
	for i, r := range rings {
		r, f := m.close(r)
		if f != nil {
			return nil, f
		}
		if a := area(r); (i == 0 && a < 0) || (i > 0 && a > 0) {
			slices.Reverse(r)
			m.turned = m.turned || note
		}
		rings[i] = r
	}
	return rings, nil
}

// area is twice the signed area, positive when counter-clockwise; by the shoelace formula about the first position,
// so that small rings far from the origin keep their sign.
func area(r orb.Ring) float64 {
	var sum float64
	for i := 1; i+1 < len(r); i++ {
		sum += (r[i][0]-r[0][0])*(r[i+1][1]-r[0][1]) - (r[i+1][0]-r[0][0])*(r[i][1]-r[0][1])
	}
	return sum
}

func line(points []orb.Point) (orb.LineString, *fault) {
	if len(points) < 2 {
		return nil, fail(ClassGeometry, "a line has fewer than 2 positions")
	}
	return points, nil
}
