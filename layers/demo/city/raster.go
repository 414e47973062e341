package city

import (
	"math"
	"slices"

	"github.com/paulmach/orb"
)

// The plane: a rectangle of kilometres, divided into square pixels. North is up: row 0 is the north edge.
const (
	widthKm  = 96.0
	heightKm = 80.0
	pixelKm  = 0.0625
	columns  = int(widthKm / pixelKm)
	rows     = int(heightKm / pixelKm)
	westLon  = 113.02
	northLat = 23.06
)

// kmPerLat is a degree of latitude in kilometres on the mean sphere (6,371.009 km, IUGG).
const kmPerLat = 111.195

var kmPerLon = kmPerLat * math.Cos((northLat-heightKm/kmPerLat/2)*math.Pi/180)

// lonLat converts kilometres east and south of the north-west corner to degrees, rounded to 1e-7 (1 cm).
func lonLat(x, y float64) orb.Point {
	round := func(v float64) float64 { return math.Round(v*1e7) / 1e7 }
	return orb.Point{round(westLon + x/kmPerLon), round(northLat - y/kmPerLat)}
}

// raster is a label for each pixel; negative labels are outside.
type raster []int32

func newRaster() raster {
	r := make(raster, columns*rows)
	for i := range r {
		r[i] = -1
	}
	return r
}

func (r raster) at(c, w int) int32 {
	if c < 0 || w < 0 || c >= columns || w >= rows {
		return -1
	}
	return r[w*columns+c]
}

// middle is the middle of a pixel in kilometres.
func middle(i int) (x, y float64) {
	return (float64(i%columns) + 0.5) * pixelKm, (float64(i/columns) + 0.5) * pixelKm
}

func pixelAt(x, y float64) (int, bool) {
	c, w := int(x/pixelKm), int(y/pixelKm)
	return w*columns + c, x >= 0 && y >= 0 && c < columns && w < rows
}

// clean gives patches of fewer than least pixels to the neighbour with which they share most, within the labels for
// which same holds if there is one, so that no border is a speck.
func (r raster) clean(least int, kin func(a, b int32) bool) {
	seen := make([]bool, len(r))
	var patch []int
	for i := range r {
		if seen[i] {
			continue
		}
		patch = patch[:0]
		label := r[i]
		patch = append(patch, i)
		seen[i] = true
		shared := map[int32]int{}
		for k := 0; k < len(patch); k++ {
			c, w := patch[k]%columns, patch[k]/columns
			for _, d := range [4][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
				nc, nw := c+d[0], w+d[1]
				if nc < 0 || nw < 0 || nc >= columns || nw >= rows {
					continue
				}
				j := nw*columns + nc
				if r[j] != label {
					shared[r[j]]++
				} else if !seen[j] {
					seen[j] = true
					patch = append(patch, j)
				}
			}
		}
		if len(patch) >= least || len(shared) == 0 {
			continue
		}
		best, score := label, -1
		for other, n := range shared {
			if label >= 0 && other >= 0 && kin(label, other) {
				n += 1 << 20
			}
			if n > score || n == score && other < best {
				best, score = other, n
			}
		}
		for _, p := range patch {
			r[p] = best
		}
	}
}

// corner is a point of the pixel lattice.
type corner struct{ c, w int32 }

// arc is a border between two labels from one junction to another, or around.
type arc struct {
	left, right int32
	points      []orb.Point // smoothed, in degrees; shared by both sides
	closed      bool
}

// arcs traces the borders of all labels. Each border between two labels is traced once and smoothed once, so that
// neighbours share it to the last digit: there is no gap and no overlap, at whatever level labels are put together.
func (r raster) arcs() []arc {
	// An edge leaves a corner in direction 0 east, 1 south, 2 west, 3 north, with label left and right of it.
	side := func(p corner, d int) (left, right int32) {
		c, w := int(p.c), int(p.w)
		nw, ne, sw, se := r.at(c-1, w-1), r.at(c, w-1), r.at(c-1, w), r.at(c, w)
		switch d {
		case 0:
			return ne, se
		case 1:
			return se, sw
		case 2:
			return sw, nw
		}
		return nw, ne
	}
	step := [4]corner{{1, 0}, {0, 1}, {-1, 0}, {0, -1}}
	degree := func(p corner) (n int) {
		for d := range 4 {
			if l, rt := side(p, d); l != rt {
				n++
			}
		}
		return n
	}
	used := make([]uint8, (columns+1)*(rows+1))
	index := func(p corner) int { return int(p.w)*(columns+1) + int(p.c) }
	var out []arc
	walk := func(p corner, d int) {
		start := p
		left, right := side(p, d)
		path := []corner{p}
		for {
			used[index(p)] |= 1 << d
			p = corner{p.c + step[d].c, p.w + step[d].w}
			used[index(p)] |= 1 << ((d + 2) % 4)
			path = append(path, p)
			if p == start || degree(p) != 2 {
				break
			}
			for _, turn := range []int{0, 1, 3} {
				n := (d + turn) % 4
				if l, rt := side(p, n); l != rt {
					d = n
					break
				}
			}
		}
		closed := p == start && degree(p) == 2
		out = append(out, arc{left, right, smoothed(path, closed), closed})
	}
	each := func(junctions bool) {
		for w := int32(0); w <= int32(rows); w++ {
			for c := int32(0); c <= int32(columns); c++ {
				p := corner{c, w}
				if n := degree(p); n == 0 || (n != 2) != junctions {
					continue
				}
				for d := range 4 {
					if l, rt := side(p, d); l != rt && used[index(p)]&(1<<d) == 0 {
						walk(p, d)
					}
				}
			}
		}
	}
	each(true)
	each(false)
	return out
}

// smoothed rounds the stairs off: three passes of the running mean, the ends fixed, then every third point. A point
// moves by less than a pixel, so borders that do not touch do not come to cross.
func smoothed(path []corner, closed bool) []orb.Point {
	pts := make([][2]float64, len(path))
	for i, p := range path {
		pts[i] = [2]float64{float64(p.c), float64(p.w)}
	}
	n := len(pts)
	if closed {
		n-- // the last repeats the first
	}
	for range 3 {
		prev := slices.Clone(pts)
		for i := range n {
			a, b := i-1, i+1
			if closed {
				a, b = (a+n)%n, b%n
			} else if i == 0 || i == n-1 {
				continue
			}
			for k := range 2 {
				pts[i][k] = (prev[a][k] + 2*prev[i][k] + prev[b][k]) / 4
			}
		}
		if closed {
			pts[n] = pts[0]
		}
	}
	keep := 3
	if n < 24 {
		keep = 2
	}
	var out []orb.Point
	for i := range pts {
		if i == 0 || i == len(pts)-1 || i%keep == 0 && len(pts)-1-i >= keep {
			out = append(out, lonLat(pts[i][0]*pixelKm, pts[i][1]*pixelKm))
		}
	}
	return out
}

// assemble puts the polygons of the groups together from the arcs: group gives each label its number, negative for
// none. A border inside a group is left out.
func assemble(list []arc, group func(label int32) int32, n int) []orb.MultiPolygon {
	type piece struct {
		points []orb.Point
		used   bool
	}
	pieces := make([][]*piece, n)
	add := func(g int32, pts []orb.Point, reverse bool) {
		if g < 0 {
			return
		}
		if reverse {
			pts = slices.Clone(pts)
			slices.Reverse(pts)
		}
		pieces[g] = append(pieces[g], &piece{points: pts})
	}
	for i := range list {
		a := &list[i]
		gl, gr := group(a.left), group(a.right)
		if gl == gr {
			continue
		}
		add(gr, a.points, true) // walked so that the group lies to the left
		add(gl, a.points, false)
	}
	out := make([]orb.MultiPolygon, n)
	for g := range pieces {
		starts := map[orb.Point][]*piece{}
		for _, p := range pieces[g] {
			starts[p.points[0]] = append(starts[p.points[0]], p)
		}
		var rings []orb.Ring
		for _, p := range pieces[g] {
			if p.used {
				continue
			}
			var ring orb.Ring
			for q := p; q != nil; {
				q.used = true
				if len(ring) > 0 {
					ring = ring[:len(ring)-1]
				}
				ring = append(ring, q.points...)
				end := q.points[len(q.points)-1]
				if end == ring[0] {
					break
				}
				q = nextPiece(ring, starts[end], func(x *piece) (bool, []orb.Point) { return x.used, x.points })
			}
			if len(ring) >= 4 && ring[0] == ring[len(ring)-1] {
				rings = append(rings, ring)
			}
		}
		out[g] = nest(rings)
	}
	return out
}

// nextPiece goes on from the end of the ring: at a corner where two patches of one group meet only by a point it takes
// the sharpest turn to the left, so that a ring never crosses itself.
func nextPiece[P any](ring orb.Ring, from []*P, look func(*P) (used bool, pts []orb.Point)) *P {
	var best *P
	sharpest := -math.MaxFloat64
	a, b := ring[len(ring)-2], ring[len(ring)-1]
	for _, p := range from {
		used, pts := look(p)
		if used || len(pts) < 2 {
			continue
		}
		in := math.Atan2(b[1]-a[1], b[0]-a[0])
		turn := math.Remainder(math.Atan2(pts[1][1]-b[1], pts[1][0]-b[0])-in, 2*math.Pi)
		if turn > sharpest {
			sharpest, best = turn, p
		}
	}
	return best
}

// nest sorts rings into outer ones and their holes.
func nest(rings []orb.Ring) orb.MultiPolygon {
	var outer, holes []orb.Ring
	for _, r := range rings {
		if r.Orientation() == orb.CCW {
			outer = append(outer, r)
		} else {
			holes = append(holes, r)
		}
	}
	out := make(orb.MultiPolygon, len(outer))
	for i, r := range outer {
		out[i] = orb.Polygon{r}
	}
	for _, h := range holes {
		best := -1
		for i, r := range outer {
			if inRing(r, h) && (best < 0 || size(r) < size(outer[best])) {
				best = i
			}
		}
		if best >= 0 {
			out[best] = append(out[best], h)
		}
	}
	return out
}

func size(r orb.Ring) float64 { b := r.Bound(); return (b.Max[0] - b.Min[0]) * (b.Max[1] - b.Min[1]) }

// inRing tells whether most of the hole's corners lie in the ring: the two may touch.
func inRing(r, hole orb.Ring) bool {
	n := 0
	for _, p := range hole {
		in := false
		for i := range r {
			a, b := r[i], r[(i+1)%len(r)]
			if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < a[0]+(p[1]-a[1])/(b[1]-a[1])*(b[0]-a[0]) {
				in = !in
			}
		}
		if in {
			n++
		}
	}
	return 2*n > len(hole)
}
