package index

import (
	"cmp"
	"slices"

	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
)

// Cell is a square of a tile with what lies in it.
type Cell struct {
	X, Y    uint32  // among the 2^depth × 2^depth squares of the tile
	N       int     // exact
	PX, PY  float64 // mean position, in units of the tile's extent
	Classes []ClassCount
}

// ClassCount is how many of a cell are of a class.
type ClassCount struct {
	Class uint16
	N     int
}

type cellSum struct {
	n       int
	x, y    uint64 // sums of positions relative to the tile's corner, in key units
	classes []ClassCount
}

// Cells divides a tile into 2^depth × 2^depth squares, depth ≤ 6, and counts what qualifies in each. Their sum is the
// exact count of the tile. Squares are aligned to the key: those of a zoom are halves of those of the zoom above.
func (s *Snapshot) Cells(q Query, t geo.Tile, depth uint8) []Cell {
	p := s.plan(q)
	if p == nil {
		return nil
	}
	lo, hi := t.Range()
	shift := 64 - 2*uint(t.Z) - 2*uint(depth)
	mask := geo.Key(1)<<(2*depth) - 1
	x0, y0 := lo.XY()
	parts := make([][]cellSum, scanWorkers())
	p.scan(lo, hi, len(parts), func(w int, sel selection) {
		if parts[w] == nil {
			parts[w] = make([]cellSum, int(mask)+1)
		}
		for _, i := range sel.rows {
			k := sel.c.key[i]
			x, y := k.XY()
			c := &parts[w][k>>shift&mask]
			c.n++
			c.x += uint64(x - x0)
			c.y += uint64(y - y0)
			c.class(sel.c.class[i], 1)
		}
	})
	scale := geo.Extent / float64(uint64(1)<<(32-t.Z))
	var out []Cell
	for i := range int(mask) + 1 {
		var sum cellSum
		for _, part := range parts {
			if part != nil && part[i].n > 0 {
				sum.plus(&part[i])
			}
		}
		if sum.n == 0 {
			continue
		}
		cx, cy := geo.Key(i).XY()
		slices.SortFunc(sum.classes, func(a, b ClassCount) int { return cmp.Compare(a.Class, b.Class) })
		n := float64(sum.n)
		out = append(out, Cell{X: cx, Y: cy, N: sum.n, PX: float64(sum.x) / n * scale, PY: float64(sum.y) / n * scale, Classes: sum.classes})
	}
	return out
}

func (c *cellSum) class(class uint16, n int) {
	for i := range c.classes {
		if c.classes[i].Class == class {
			c.classes[i].N += n
			return
		}
	}
	c.classes = append(c.classes, ClassCount{class, n})
}

func (c *cellSum) plus(o *cellSum) {
	c.n += o.n
	c.x += o.x
	c.y += o.y
	for _, k := range o.classes {
		c.class(k.Class, k.N)
	}
}

// CountTile is the exact number of qualifying features whose key lies in the tile.
func (s *Snapshot) CountTile(q Query, t geo.Tile) int {
	lo, hi := t.Range()
	return s.CountIn(q, []geo.Range{{Lo: lo, Hi: hi, Inside: true}}, nil)
}

// Scan gives the qualifying rows of a tile, and the lines and areas of neighbours that reach into it, unless there are
// more than limit; then ok is false.
func (s *Snapshot) Scan(q Query, t geo.Tile, limit int) (rows []Row, ok bool) {
	p := s.plan(q)
	if p == nil {
		return nil, true
	}
	lo, hi := t.Range()
	over := false
	p.scan(lo, hi, 1, func(_ int, sel selection) {
		if over = over || len(rows)+len(sel.rows) > limit; over {
			return
		}
		for _, i := range sel.rows {
			rows = append(rows, sel.c.row(int(i)))
		}
	})
	if over {
		return nil, false
	}
	frame := t.Bound()
	for i := range p.table.areas {
		a := &p.table.areas[i]
		if a.gone || !a.bound.Intersects(frame) {
			continue
		}
		r, found := p.table.find(a.id)
		if !found || r.Key >= lo && r.Key <= hi || !p.takes(&r) {
			continue
		}
		if len(rows) == limit {
			return nil, false
		}
		rows = append(rows, r)
	}
	return rows, true
}

// takes tests one row outside a scan.
func (p *plan) takes(r *Row) bool {
	return (p.Layers == 0 || r.Layers&p.Layers != 0) &&
		(!p.timed || r.Time >= p.From && (p.To == 0 || r.Time < p.To)) &&
		(p.all || p.places.Has(r.Place)) &&
		(p.Match == nil || p.Match(&r.Record))
}

// Version is the position of the last change of the kind inside the tile: features put there or gone from there,
// lines and areas that reach into it. Never too low; O(rows in the tile / 1024).
func (s *Snapshot) Version(kind layers.Kind, t geo.Tile) layers.Position {
	tb := s.tables[kind]
	if tb == nil {
		return 0
	}
	v := max(tb.floor, s.configured)
	lo, hi := t.Range()
	for _, c := range []*columns{tb.main, tb.delta} {
		i, j := c.span(lo, hi)
		for i < j {
			if i%blockRows == 0 && i+blockRows <= j {
				v = max(v, c.blocks[i/blockRows].newest)
				i += blockRows
				continue
			}
			v = max(v, c.pos[i])
			i++
		}
	}
	from, _ := slices.BinarySearchFunc(tb.gone, lo, func(d departure, k geo.Key) int { return cmp.Compare(d.key, k) })
	for _, d := range tb.gone[from:] {
		if d.key > hi {
			break
		}
		v = max(v, d.pos)
	}
	frame := wider(t.Bound())
	for i := range tb.areas {
		if tb.areas[i].pos > v && tb.areas[i].bound.Intersects(frame) {
			v = tb.areas[i].pos
		}
	}
	return v
}

// wider is the frame with the buffer that tiles draw around themselves: 1/64 of the side.
func wider(b orb.Bound) orb.Bound {
	w, h := (b.Max[0]-b.Min[0])/64, (b.Max[1]-b.Min[1])/64
	return orb.Bound{Min: orb.Point{b.Min[0] - w, b.Min[1] - h}, Max: orb.Point{b.Max[0] + w, b.Max[1] + h}}
}
