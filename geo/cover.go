package geo

import (
	"math"
	"math/bits"

	"github.com/paulmach/orb"
)

// Range is an inclusive range of keys of a cover.
type Range struct {
	Lo, Hi Key
	Inside bool // every point of it is in the polygon; otherwise each must be tested
}

// Cover covers a multipolygon by sorted, disjoint key ranges: squares down to a depth below which a border square is
// left to the exact test. Every point of the polygon between the latitudes ±MaxLat falls in one of the ranges. levels
// counts the divisions below the square that just holds the polygon; 7 gives some 500–2,000 ranges of which the border
// is 1–2 % of the area, and 4^(levels+1) ranges are the most for any shape. Cost O(edges × levels).
func Cover(mp orb.MultiPolygon, levels uint8) []Range {
	edges := segments(mp)
	if len(edges) == 0 {
		return nil
	}
	prepared := prepare(edges)
	b := prepared.bound
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
			lo, hi := t.Range()
			r := Range{Lo: lo, Hi: hi, Inside: len(pieces[0].edges) == 0}
			if n := len(out); n > 0 && out[n-1].Hi+1 == r.Lo && out[n-1].Inside == r.Inside {
				out[n-1].Hi = r.Hi
				return
			}
			out = append(out, r)
		},
	}
	d.divide(holding(b, depth), []piece{{edges: edges}})
	return out
}

// piece is what an area has in a square: the edges that touch it, or none when the square is wholly inside.
type piece struct {
	area  int32
	edges []segment
}

// divider divides a square in Morton order until emit may take the parts.
type divider struct {
	deepest  uint8 // 0: the package's, and a square with few edges is not divided
	contains func(area int32, lon, lat float64) bool
	emit     func(t Tile, pieces []piece)

	// Stacks that the pieces of the squares under division lie on.
	pieces []piece
	edges  []segment
}

func (d *divider) divide(t Tile, pieces []piece) {
	if d.done(t, pieces) {
		d.emit(t, pieces)
		return
	}
	somePieces, someEdges := len(d.pieces), len(d.edges)
	for _, child := range t.Children() {
		box := frame(child)
		for _, p := range pieces {
			if len(p.edges) == 0 {
				d.pieces = append(d.pieces, p)
				continue
			}
			from := len(d.edges)
			for i := range p.edges {
				if p.edges[i].touches(&box) {
					d.edges = append(d.edges, p.edges[i])
				}
			}
			touching := d.edges[from:len(d.edges):len(d.edges)]
			c := box.Center()
			if len(touching) > 0 || d.contains(p.area, c[0], c[1]) {
				d.pieces = append(d.pieces, piece{p.area, touching})
			}
		}
		d.divide(child, d.pieces[somePieces:len(d.pieces):len(d.pieces)])
		d.pieces, d.edges = d.pieces[:somePieces], d.edges[:someEdges]
	}
}

func (d *divider) done(t Tile, pieces []piece) bool {
	edges, borders := 0, 0
	for _, p := range pieces {
		edges += len(p.edges)
		if len(p.edges) > 0 {
			borders++
		}
	}
	if d.deepest > 0 {
		return edges == 0 || t.Z >= d.deepest
	}
	return edges <= fewEdges || t.Z >= deepest || t.Z >= fine && edges <= 4*borders
}

// holding is the smallest tile, no deeper than z, that holds the frame and a little around it.
func holding(b orb.Bound, z uint8) Tile {
	x0, y0 := KeyOf(b.Min[0]-slack, b.Max[1]+slack).XY()
	x1, y1 := KeyOf(b.Max[0]+slack, b.Min[1]-slack).XY()
	common := uint8(bits.LeadingZeros32((x0 ^ x1) | (y0 ^ y1)))
	return TileOf(FromXY(x0, y0), min(common, z))
}

// slack is added around squares, in degrees (0.1 mm), so that rounding never lets an edge slip between two of them.
const slack = 1e-9

func frame(t Tile) orb.Bound {
	b := t.Bound()
	return orb.Bound{
		Min: orb.Point{b.Min[0] - slack, b.Min[1] - slack},
		Max: orb.Point{b.Max[0] + slack, b.Max[1] + slack},
	}
}

// touches tells whether the segment meets the box.
func (s *segment) touches(b *orb.Bound) bool {
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
