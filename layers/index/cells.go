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
	PX, PY  float64      // mean position in units of geo.Extent, exact but for the keys' own rounding
	Classes []ClassCount // those present, by class; they sum to N. None if Query.Unsorted
}

// ClassCount is a class and how many there are of it.
type ClassCount struct {
	Class uint16
	N     int
}

// Cells divides a tile into 2^depth × 2^depth cells (depth ≤ CellDepth) and counts in each; empty cells are left out.
// They come in Morton order, and their counts sum to CountTile; rounded numbers stand at their place's anchor. One pass
// over the tile's rows, 3 ns a row and processor; chunks that lie in one cell and need no look at each row are summed
// from their summaries. Below a cell's key bits nothing is lost: cells of all zooms share their borders.
func (s *Snapshot) Cells(q Query, tile geo.Tile, depth uint8) []Cell {
	t, p := s.plan(q)
	depth = min(depth, CellDepth)
	lo, hi := tile.Range()
	g := grid{tile: tile, shift: 64 - 2*uint(tile.Z) - 2*uint(depth), depth: depth}
	parts := scanMasses(&p, t.spans(nil, lo, hi, false), func(w *cellWriter, c *chunk, m mass) bool {
		cell, one := c.within(g.shift)
		if !one || !q.Unsorted {
			return false
		}
		w.open(cell).add(m)
		return true
	}, func(w *cellWriter, sp span, picked []uint16, whole bool) {
		if whole {
			picked = w.all.identity(sp.lo, sp.hi)
		}
		if w.counts == nil && !q.Unsorted {
			w.counts = make([]int, t.classes)
		}
		w.add(sp.chunk, picked, g.shift)
	})
	sums := joined(parts)
	out := slices.Grow([]Cell(nil), len(sums))
	for i := range sums {
		out = append(out, g.cell(&sums[i]))
	}
	if q.Scope.Rounds(q.Kind) {
		out = s.roundedCells(out, q, g)
	}
	return out
}

// roundedCells adds the released numbers of the places that stand in the tile.
func (s *Snapshot) roundedCells(out []Cell, q Query, g grid) []Cell {
	lo, hi := g.tile.Range()
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
	tile  geo.Tile
	shift uint // of a key: what is left is its cell
	depth uint8
}

// cell draws a sum at the mean of its locations.
func (g grid) cell(sum *cellSum) Cell {
	x, y := (sum.cell & (1<<(2*g.depth) - 1)).XY()
	x0, y0 := uint64(g.tile.X)<<(32-g.tile.Z), uint64(g.tile.Y)<<(32-g.tile.Z)
	unit := geo.Extent / float64(uint64(1)<<(32-g.tile.Z))
	n := uint64(sum.n)
	return Cell{
		X: x, Y: y, N: sum.n, Classes: sum.classes,
		PX: float64(sum.x-n*x0) / float64(n) * unit,
		PY: float64(sum.y-n*y0) / float64(n) * unit,
	}
}

// cellSum is what has been found in one cell.
type cellSum struct {
	mass
	cell    geo.Key
	classes []ClassCount
}

// cellWriter sums one cell at a time: rows come in the order of keys, so a cell is one run of them.
type cellWriter struct {
	cells  []cellSum // the last one is open
	counts []int     // by class, of the open cell
	seen   []uint16  // classes counted in it
	arena  []ClassCount
	all    scratch // for chunks of which every row is picked
}

// open gives the cell, closing the one before.
func (w *cellWriter) open(cell geo.Key) *cellSum {
	if n := len(w.cells); n == 0 || w.cells[n-1].cell != cell {
		w.close()
		w.cells = append(w.cells, cellSum{cell: cell})
	}
	return &w.cells[len(w.cells)-1]
}

func (w *cellWriter) add(c *chunk, picked []uint16, shift uint) {
	for len(picked) > 0 {
		cell := c.key[picked[0]] >> shift
		var sum mass
		for _, r := range picked {
			k := c.key[r]
			if k>>shift != cell {
				break
			}
			x, y := k.XY()
			sum.n++
			sum.x += uint64(x)
			sum.y += uint64(y)
		}
		w.open(cell).add(sum)
		if w.counts != nil {
			w.count(c, picked[:sum.n])
		}
		picked = picked[sum.n:]
	}
}

// count counts rows of the open cell by class.
func (w *cellWriter) count(c *chunk, picked []uint16) {
	for _, r := range picked {
		class := at(c.class, int(r))
		if w.counts[class] == 0 {
			w.seen = append(w.seen, class)
		}
		w.counts[class]++
	}
}

// close lists the classes of the open cell.
func (w *cellWriter) close() {
	if len(w.seen) == 0 {
		return
	}
	start := len(w.arena)
	for _, class := range w.seen {
		w.arena = append(w.arena, ClassCount{class, w.counts[class]})
		w.counts[class] = 0
	}
	w.seen = w.seen[:0]
	list := w.arena[start:len(w.arena):len(w.arena)]
	sortClasses(list)
	w.cells[len(w.cells)-1].classes = list
}

// joined puts the goroutines' parts together; a cell may have been cut by the division of the work.
func joined(parts []cellWriter) (out []cellSum) {
	for i := range parts {
		parts[i].close()
		list := parts[i].cells
		if n := len(out); n > 0 && len(list) > 0 && out[n-1].cell == list[0].cell {
			out[n-1].add(list[0].mass)
			out[n-1].classes = joinClasses(out[n-1].classes, list[0].classes)
			list = list[1:]
		}
		if out == nil {
			out = list
		} else {
			out = append(out, list...)
		}
	}
	return out
}

func joinClasses(a, b []ClassCount) []ClassCount {
	out := append([]ClassCount(nil), a...)
	for _, k := range b {
		out = addClass(out, k)
	}
	sortClasses(out)
	return out
}

func addClass(list []ClassCount, c ClassCount) []ClassCount {
	for i := range list {
		if list[i].Class == c.Class {
			list[i].N += c.N
			return list
		}
	}
	return append(list, c)
}

// join adds released numbers of one cell.
func (c *Cell) join(o Cell) {
	a, b := float64(c.N), float64(o.N)
	c.PX, c.PY = (c.PX*a+o.PX*b)/(a+b), (c.PY*a+o.PY*b)/(a+b)
	c.N += o.N
}

func sortClasses(list []ClassCount) {
	slices.SortFunc(list, func(a, b ClassCount) int { return cmp.Compare(a.Class, b.Class) })
}
