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

// massesOf are the masses of the rows in each of the layers that any of them is in, by bit, and last that of all.
func massesOf(rows []Row, any uint64) []mass {
	var by [64]mass
	var all mass
	for i := range rows {
		x, y := rows[i].Key.XY()
		one := mass{1, uint64(x), uint64(y)}
		all.add(one)
		for w := rows[i].Layers; w != 0; w &= w - 1 {
			by[bits.TrailingZeros64(w)].add(one)
		}
	}
	out := make([]mass, 0, bits.OnesCount64(any)+1)
	for w := any; w != 0; w &= w - 1 {
		out = append(out, by[bits.TrailingZeros64(w)])
	}
	return append(out, all)
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
