package geo

import (
	"math"

	"github.com/paulmach/orb"
)

// Range is an inclusive range of keys of a cover.
type Range struct {
	Lo, Hi Key
	Inside bool // every point of it is in the polygon; otherwise each must be tested
}

// Cover covers a multipolygon by sorted, disjoint key ranges: squares down to a depth below which a border square is
// left to the exact test. levels counts the divisions below the square that just holds the polygon; 7 gives some
// 500–2,000 ranges of which the border is 1–2 % of the area. Cost O(edges × levels).
func Cover(mp orb.MultiPolygon, levels uint8) []Range {
	edges := segments(mp)
	if len(edges) == 0 {
		return nil
	}
	prepared := Prepare(mp)
	b := mp.Bound()
	span := max(b.Max[0]-b.Min[0], b.Max[1]-b.Min[1], 1e-9) / 360
	depth := min(uint8(max(0, -math.Log2(span)))+levels, deepest)
	var out []Range
	d := divider{
		deepest:  depth,
		contains: func(_ int32, lon, lat float64) bool { return prepared.Contains(lon, lat) },
		emit: func(t Tile, pieces []piece) {
			if len(pieces) == 0 {
				return
			}
			lo := tileLo(t)
			r := Range{Lo: lo, Hi: lo | (1<<(64-2*uint(t.Z)) - 1), Inside: len(pieces[0].edges) == 0}
			if n := len(out); n > 0 && out[n-1].Hi+1 == r.Lo && out[n-1].Inside == r.Inside {
				out[n-1].Hi = r.Hi
				return
			}
			out = append(out, r)
		},
	}
	d.divide(Tile{}, []piece{{edges: edges}})
	return out
}

// piece is what an area has in a square: the edges that touch it, or none when the square is wholly inside.
type piece struct {
	area  int32
	edges []segment
}

// divider divides the world into squares in Morton order until emit may take them.
type divider struct {
	deepest  uint8 // 0: the package's, and a square with few edges is not divided
	contains func(area int32, lon, lat float64) bool
	emit     func(t Tile, pieces []piece)
}

func (d *divider) divide(t Tile, pieces []piece) {
	if d.done(t, pieces) {
		d.emit(t, pieces)
		return
	}
	for _, child := range t.Children() {
		box := frame(child)
		var kept []piece
		for _, p := range pieces {
			if len(p.edges) == 0 {
				kept = append(kept, p)
				continue
			}
			var touching []segment
			for _, s := range p.edges {
				if s.touches(box) {
					touching = append(touching, s)
				}
			}
			c := box.Center()
			if len(touching) > 0 || d.contains(p.area, c[0], c[1]) {
				kept = append(kept, piece{p.area, touching})
			}
		}
		d.divide(child, kept)
	}
}

func (d *divider) done(t Tile, pieces []piece) bool {
	edges := 0
	for _, p := range pieces {
		edges += len(p.edges)
	}
	if d.deepest > 0 {
		return edges == 0 || t.Z >= d.deepest
	}
	return edges <= fewEdges || t.Z >= deepest
}

// tileLo is the first key of a tile, also of one below MaxZoom.
func tileLo(t Tile) Key {
	if t.Z == 0 {
		return 0
	}
	return FromXY(t.X, t.Y) << (64 - 2*uint(t.Z))
}

// frame is the tile's bound, wider by 1e-9 degree, so that rounding never lets an edge slip between two squares.
func frame(t Tile) orb.Bound {
	b := t.Bound()
	const slack = 1e-9
	return orb.Bound{
		Min: orb.Point{b.Min[0] - slack, b.Min[1] - slack},
		Max: orb.Point{b.Max[0] + slack, b.Max[1] + slack},
	}
}

// touches tells whether the segment meets the box.
func (s segment) touches(b orb.Bound) bool {
	if s.y1 < b.Min[1] || s.y0 > b.Max[1] || max(s.x0, s.x1) < b.Min[0] || min(s.x0, s.x1) > b.Max[0] {
		return false
	}
	// All four corners on one side of the segment's line: no.
	dx, dy := s.x1-s.x0, s.y1-s.y0
	side := func(x, y float64) float64 { return dx*(y-s.y0) - dy*(x-s.x0) }
	a, c := side(b.Min[0], b.Min[1]), side(b.Max[0], b.Min[1])
	e, f := side(b.Min[0], b.Max[1]), side(b.Max[0], b.Max[1])
	return !(a > 0 && c > 0 && e > 0 && f > 0) && !(a < 0 && c < 0 && e < 0 && f < 0)
}
