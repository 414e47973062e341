package geo

import (
	"math"

	"github.com/paulmach/orb"
	orbgeo "github.com/paulmach/orb/geo"
)

// Prepared is a multipolygon made ready for many point tests: its edges in horizontal strips. It is immutable.
//
// A point on an edge belongs to the polygon by the half-open rule of ray casting: of two polygons that share the edge
// exactly one contains it. Holes and several outer rings are told apart by the even-odd rule; winding is of no matter.
type Prepared struct {
	bound  orb.Bound
	height float64 // of a strip, in degrees
	start  []int32 // by strip: first of its edges
	strips []segment
	level  []segment // horizontal edges, which no ray crosses
}

// segment is an edge from the lower to the upper end in latitude.
type segment struct{ x0, y0, x1, y1 float64 }

// crossed tells whether a ray from the point to the east crosses the segment.
func (s segment) crossed(lon, lat float64) bool {
	return s.y0 <= lat && lat < s.y1 && lon < s.x0+(lat-s.y0)/(s.y1-s.y0)*(s.x1-s.x0)
}

// Contains tests one point in degrees against all edges; for more than one point Prepare first. The same rules hold
// as for Prepared. Cost O(edges).
func Contains(mp orb.MultiPolygon, lon, lat float64) bool {
	in := false
	for _, s := range segments(mp) {
		if s.crossed(lon, lat) {
			in = !in
		}
	}
	return in
}

// Prepare costs O(edges) in time and memory: 32 B an edge and strip that it crosses, one or two strips an edge for real
// boundaries. A polygon of long spikes gets fewer strips, so that no shape takes more than 9 entries an edge.
func Prepare(mp orb.MultiPolygon) *Prepared {
	p := prepare(segments(mp))
	return &p
}

func prepare(edges []segment) Prepared {
	p := Prepared{bound: boundOf(edges)}
	if len(edges) == 0 {
		return p
	}
	n := stripsFor(p.bound.Max[1]-p.bound.Min[1], edges)
	for _, s := range edges {
		if s.y0 == s.y1 {
			p.level = append(p.level, s)
		}
	}
	p.height = max((p.bound.Max[1]-p.bound.Min[1])/float64(n), 1e-12)
	count := make([]int32, n+1)
	each := func(do func(strip int, s segment)) {
		for _, s := range edges {
			if s.y0 == s.y1 {
				continue // a horizontal edge never crosses the ray
			}
			for i, last := p.strip(s.y0, n), p.strip(s.y1, n); i <= last; i++ {
				do(i, s)
			}
		}
	}
	each(func(i int, _ segment) { count[i+1]++ })
	for i := 1; i <= n; i++ {
		count[i] += count[i-1]
	}
	p.start = append([]int32(nil), count...)
	p.strips = make([]segment, count[n])
	each(func(i int, s segment) { p.strips[count[i]] = s; count[i]++ })
	return p
}

// stripsFor is a strip for four edges, but so few that the edges cross no more than eight borders of strips each, in
// the mean.
func stripsFor(height float64, edges []segment) int {
	rise := 0.0
	for _, s := range edges {
		rise += s.y1 - s.y0
	}
	n := len(edges) / 4
	if most := 8 * float64(len(edges)) * height; rise*float64(n) > most {
		n = int(most / rise)
	}
	return max(1, n)
}

func (p *Prepared) strip(y float64, n int) int {
	return min(max(int((y-p.bound.Min[1])/p.height), 0), n-1)
}

// Contains tests one point in degrees; 15–50 ns for real boundaries of 100–5,000 vertices, O(edges) for one of spikes.
func (p *Prepared) Contains(lon, lat float64) bool {
	if len(p.strips) == 0 || !p.bound.Contains(orb.Point{lon, lat}) {
		return false
	}
	i := p.strip(lat, len(p.start)-1)
	in := false
	for _, s := range p.strips[p.start[i]:p.start[i+1]] {
		if s.crossed(lon, lat) {
			in = !in
		}
	}
	return in
}

// Blur is how far a key's middle is from a location that the key stands for, at most, in degrees: half the diagonal of
// its unit square, 6 mm.
const Blur = 6.5e-8

// Near tells whether an edge comes within so many degrees of the point. Such a point's key may be on the other side.
func (p *Prepared) Near(lon, lat, degrees float64) bool {
	if len(p.strips) == 0 || !p.bound.Pad(degrees).Contains(orb.Point{lon, lat}) {
		return false
	}
	n := len(p.start) - 1
	for i, last := p.strip(lat-degrees, n), p.strip(lat+degrees, n); i <= last; i++ {
		for _, s := range p.strips[p.start[i]:p.start[i+1]] {
			if s.near(lon, lat, degrees) {
				return true
			}
		}
	}
	for _, s := range p.level {
		if s.near(lon, lat, degrees) {
			return true
		}
	}
	return false
}

func (s *segment) near(lon, lat, degrees float64) bool {
	if lat < s.y0-degrees || lat > s.y1+degrees || lon < min(s.x0, s.x1)-degrees || lon > max(s.x0, s.x1)+degrees {
		return false
	}
	dx, dy := s.x1-s.x0, s.y1-s.y0
	along := min(max(((lon-s.x0)*dx+(lat-s.y0)*dy)/(dx*dx+dy*dy), 0), 1)
	return math.Hypot(s.x0+along*dx-lon, s.y0+along*dy-lat) <= degrees
}

// segments are the edges of all rings, closed where they are not, without those of no length or not finite.
func segments(mp orb.MultiPolygon) []segment {
	var out []segment
	for _, polygon := range mp {
		for _, ring := range polygon {
			for i := range ring {
				a, b := ring[i], ring[(i+1)%len(ring)]
				if a[1] > b[1] {
					a, b = b, a
				}
				if sum := a[0] + a[1] + b[0] + b[1]; a != b && sum-sum == 0 {
					out = append(out, segment{a[0], a[1], b[0], b[1]})
				}
			}
		}
	}
	return out
}

// boundOf is the frame of the edges, those of holes and exclaves too.
func boundOf(edges []segment) orb.Bound {
	if len(edges) == 0 {
		return orb.MultiPolygon{}.Bound()
	}
	b := orb.Bound{Min: orb.Point{edges[0].x0, edges[0].y0}, Max: orb.Point{edges[0].x0, edges[0].y0}}
	for _, s := range edges {
		b.Min = orb.Point{min(b.Min[0], s.x0, s.x1), min(b.Min[1], s.y0)}
		b.Max = orb.Point{max(b.Max[0], s.x0, s.x1), max(b.Max[1], s.y1)}
	}
	return b
}

// AreaM2 is the area in square metres on the sphere of WGS 84's equatorial radius (6,378,137 m), holes taken off,
// whatever the winding of the rings; within 0.7 % of the area on the ellipsoid. Source: Chamberlain and Duquette, "Some
// Algorithms for Polygons on a Sphere", JPL 07-03 (2007).
func AreaM2(mp orb.MultiPolygon) float64 { return orbgeo.Area(mp) }
