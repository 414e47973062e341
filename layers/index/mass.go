package index

import (
	"math/bits"

	"onepicture/geo"
)

// mass is a number of rows and the sum of their locations in key units: their mean is the centre of the mass. Whole
// numbers, so that it is the same however the rows are divided: exact for 2^31 rows.
type mass struct {
	n    int
	x, y uint64
}

func (m *mass) add(o mass) {
	m.n += o.n
	m.x += o.x
	m.y += o.y
}

// weights are the masses of some rows in each layer, by bit, and of all.
type weights struct {
	by  [64]mass
	all mass
}

// add counts one row that comes (1) or goes (-1).
func (w *weights) add(key geo.Key, layers uint64, n int) {
	x, y := key.XY()
	one := mass{n, uint64(n) * uint64(x), uint64(n) * uint64(y)} // what goes wraps around, and the sum is right again
	w.all.add(one)
	for ; layers != 0; layers &= layers - 1 {
		w.by[bits.TrailingZeros64(layers)].add(one)
	}
}

func weightsOf(rows []Row) *weights {
	var w weights
	for i := range rows {
		w.add(rows[i].Key, rows[i].Layers, 1)
	}
	return &w
}

// weights are those of the chunk's rows.
func (c *chunk) weights() *weights {
	w := weights{all: c.masses[len(c.masses)-1]}
	for i, left := 0, c.any; left != 0; i, left = i+1, left&(left-1) {
		w.by[bits.TrailingZeros64(left)] = c.masses[i]
	}
	return &w
}

// weigh keeps the masses of the layers that some row is in.
func (c *chunk) weigh(w *weights) {
	c.any, c.all = 0, 0
	for bit := range w.by {
		if n := w.by[bit].n; n > 0 {
			c.any |= 1 << bit
			if n == w.all.n {
				c.all |= 1 << bit
			}
		}
	}
	c.masses = make([]mass, 0, bits.OnesCount64(c.any)+1)
	for left := c.any; left != 0; left &= left - 1 {
		c.masses = append(c.masses, w.by[bits.TrailingZeros64(left)])
	}
	c.masses = append(c.masses, w.all)
}

// inLayer is the mass of the rows of one layer; bit is one that is set in any.
func (c *chunk) inLayer(bit uint64) mass {
	return c.masses[bits.OnesCount64(c.any&(bit-1))]
}

// massOf is the mass of the rows that the plan chooses, when the chunk's summary tells it.
func (p *plan) massOf(c *chunk) (m mass, ok bool) {
	if p.nothing || p.Statuses != 0 || p.OpenAt != 0 || p.classes != nil || p.Match != nil || p.places(c) != every || p.times(c) != every {
		return mass{}, false
	}
	if p.layers(c) == every {
		return c.masses[len(c.masses)-1], true
	}
	switch chosen := p.Layers & c.any; bits.OnesCount64(chosen) {
	case 0:
		return mass{}, true
	case 1:
		return c.inLayer(chosen), true
	}
	return mass{}, false // who is in two of the layers must not be counted twice
}

// within tells whether all rows lie in one cell of 2^-shift of the keys.
func (c *chunk) within(shift uint) (cell geo.Key, ok bool) {
	cell = c.key[0] >> shift
	return cell, cell == c.key[len(c.key)-1]>>shift
}
