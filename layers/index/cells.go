package index

import (
	"cmp"
	"slices"

	"onepicture/geo"
	"onepicture/layers"
)

// CellDepth divides a tile into 64 × 64 cells, the finest that is offered.
const CellDepth = 6

// Cell is a square of a tile with what the query chooses in it.
type Cell struct {
	X, Y    uint32       // from the north-west, below 2^depth
	Rounded bool         // N holds a rounded number, and there are no classes: Scope.Told decides
	N       int          // exact else
	PX, PY  float64      // mean position in units of geo.Extent, within 1/128 of the cell's side
	Classes []ClassCount // those present, by class; they sum to N
}

// ClassCount is a class and how many there are of it.
type ClassCount struct {
	Class uint16
	N     int
}

// within takes the 12 key bits below a cell apart into x and y of six bits each, y in the upper half, so that one
// addition sums both.
var within = func() (out [4096]uint64) {
	for i := range out {
		x, y := geo.Key(i).XY()
		out[i] = uint64(x) | uint64(y)<<32
	}
	return out
}()

// Cells divides a tile into 2^depth × 2^depth cells (depth ≤ CellDepth) and counts in each; empty cells are left out.
// They come in Morton order, and their counts sum to CountTile; rounded numbers stand at their place's anchor. One pass over the tile's rows: 3 ns a row and
// processor. Below a cell's key bits nothing is lost: cells of all zooms share their borders.
func (s *Snapshot) Cells(q Query, tile geo.Tile, depth uint8) []Cell {
	t, p := s.plan(q)
	depth = min(depth, CellDepth)
	lo, hi := tile.Range()
	g := grid{shift: 64 - 2*uint(tile.Z) - 2*uint(depth), depth: depth}
	spans := t.spans(nil, lo, hi, false)
	rows := 0
	for _, sp := range spans {
		rows += sp.hi - sp.lo
	}
	most := min(rows, 1<<(2*depth)) // cells
	parts := scan(&p, spans, func(w *cellWriter, sp span, picked []uint16, whole bool) {
		if w.counts == nil {
			w.grid, w.counts = g, make([]int, max(1, t.classes))
			w.cells, w.arena = make([]Cell, 0, most), make([]ClassCount, 0, 2*most)
		}
		if whole {
			picked = w.all.identity(sp.lo, sp.hi)
		}
		w.add(sp.chunk, picked)
	})
	var out []Cell
	for i := range parts {
		parts[i].flush()
		if i == 0 {
			out = parts[0].cells
			continue
		}
		for _, c := range parts[i].cells {
			if n := len(out); n > 0 && out[n-1].X == c.X && out[n-1].Y == c.Y {
				out[n-1].join(c) // cut by the division of the work
				continue
			}
			out = append(out, c)
		}
	}
	if q.Scope.Rounds(q.Kind) {
		out = s.roundedCells(out, q, tile, g)
	}
	return out
}

// roundedCells adds the released numbers of the places that stand in the tile.
func (s *Snapshot) roundedCells(out []Cell, q Query, tile geo.Tile, g grid) []Cell {
	lo, hi := tile.Range()
	at := map[geo.Key]int{}
	for i := range out {
		at[geo.FromXY(out[i].X, out[i].Y)] = i
	}
	side := geo.Extent / float64(uint(1)<<g.depth)
	s.roundedPart(q, func(id layers.PlaceID, n uint32) {
		key, ok := s.anchor(id)
		if !ok || key < lo || key > hi {
			return
		}
		cell := key >> g.shift & (1<<(2*g.depth) - 1)
		x, y := cell.XY()
		px, py := (key << (64 - g.shift)).XY() // the part below the cell, in the upper bits
		c := Cell{X: x, Y: y, N: int(n), PX: (float64(x) + fraction(px)) * side, PY: (float64(y) + fraction(py)) * side}
		i, there := at[cell]
		if !there {
			i = len(out)
			at[cell] = i
			out = append(out, c)
		} else {
			out[i].join(c)
		}
		out[i].Rounded, out[i].Classes = true, nil
	})
	slices.SortFunc(out, func(a, b Cell) int { return cmp.Compare(geo.FromXY(a.X, a.Y), geo.FromXY(b.X, b.Y)) })
	return out
}

// fraction reads 32 bits as a number from 0 to below 1.
func fraction(v uint32) float64 { return float64(v) / (1 << 32) }

type grid struct {
	shift uint
	depth uint8
}

// cellWriter gathers one cell at a time: rows come in the order of keys, so a cell is one run of them.
type cellWriter struct {
	grid
	cells  []Cell
	now    geo.Key // the open cell
	n      int
	sum    uint64
	counts []int    // by class, of the open cell
	seen   []uint16 // classes counted in it
	arena  []ClassCount
	all    scratch // for chunks of which every row is picked
}

func (w *cellWriter) add(c *chunk, picked []uint16) {
	now, n, sum := w.now, w.n, w.sum
	keys, shift := c.key, w.shift
	for _, r := range picked {
		k := keys[r]
		if cell := k >> shift; cell != now {
			w.n, w.sum = n, sum
			w.flush()
			now, n, sum = cell, 0, 0
			w.now = cell
		}
		n++
		if shift >= 12 {
			sum += within[k>>(shift-12)&4095]
		} else {
			sum += within[k<<(12-shift)&4095]
		}
		if c.class == nil {
			continue
		}
		class := c.class[r]
		if w.counts[class] == 0 {
			w.seen = append(w.seen, class)
		}
		w.counts[class]++
	}
	w.n, w.sum = n, sum
}

// flush closes the open cell. Rows of a chunk without a class column were not counted: they are of class 0.
func (w *cellWriter) flush() {
	if w.n == 0 {
		return
	}
	start, classed := len(w.arena), 0
	for _, class := range w.seen {
		w.arena = append(w.arena, ClassCount{class, w.counts[class]})
		classed += w.counts[class]
		w.counts[class] = 0
	}
	if rest := w.n - classed; rest > 0 {
		w.arena = addClass(w.arena, start, ClassCount{0, rest})
	}
	w.seen = w.seen[:0]
	sortClasses(w.arena[start:])
	x, y := (w.now & (1<<(2*w.depth) - 1)).XY()
	side := geo.Extent / float64(uint(1)<<w.depth)
	mean := func(sum uint64) float64 { return (float64(sum)/float64(w.n) + 0.5) / 64 * side }
	w.cells = append(w.cells, Cell{
		X: x, Y: y, N: w.n,
		PX:      float64(x)*side + mean(w.sum&0xffffffff),
		PY:      float64(y)*side + mean(w.sum>>32),
		Classes: w.arena[start:len(w.arena):len(w.arena)],
	})
	w.n, w.sum = 0, 0
}

func addClass(list []ClassCount, start int, c ClassCount) []ClassCount {
	for i := start; i < len(list); i++ {
		if list[i].Class == c.Class {
			list[i].N += c.N
			return list
		}
	}
	return append(list, c)
}

func (c *Cell) join(o Cell) {
	a, b := float64(c.N), float64(o.N)
	c.PX, c.PY = (c.PX*a+o.PX*b)/(a+b), (c.PY*a+o.PY*b)/(a+b)
	c.N += o.N
	c.Classes = append([]ClassCount(nil), c.Classes...)
	for _, k := range o.Classes {
		c.Classes = addClass(c.Classes, 0, k)
	}
	sortClasses(c.Classes)
}

func sortClasses(list []ClassCount) {
	slices.SortFunc(list, func(a, b ClassCount) int { return cmp.Compare(a.Class, b.Class) })
}
