// Package city invents a city: its coast, river, places, roads, people, sites and events. It does no I/O; the same
// seed gives the same city, whatever the number of people.
package city

import (
	"math"
	"math/rand/v2"
)

// source gives an independent stream of random numbers for a purpose and a number.
func source(seed uint64, purpose string, n uint64) *rand.Rand {
	h := uint64(14695981039346656037) // FNV-1a, 64 bit
	for _, c := range []byte(purpose) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(seed^h, n*0x9E3779B97F4A7C15+h))
}

// noise is smooth value noise with octaves, in −1…1, over a plane in kilometres.
type noise struct{ seed uint64 }

func (n noise) lattice(x, y int64) float64 {
	h := n.seed ^ uint64(x)*0x9E3779B97F4A7C15 ^ uint64(y)*0xC2B2AE3D27D4EB4F
	h ^= h >> 31
	h *= 0x7FB5D329728EA185
	h ^= h >> 27
	h *= 0x81DADEF4BC2DD44D
	h ^= h >> 33
	return float64(h>>11)/(1<<52) - 1
}

func smooth(t float64) float64 { return t * t * (3 - 2*t) }

func (n noise) at(x, y float64) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	ix, iy := int64(fx), int64(fy)
	tx, ty := smooth(x-fx), smooth(y-fy)
	top := n.lattice(ix, iy)*(1-tx) + n.lattice(ix+1, iy)*tx
	bottom := n.lattice(ix, iy+1)*(1-tx) + n.lattice(ix+1, iy+1)*tx
	return top*(1-ty) + bottom*ty
}

// fractal adds octaves, each of half the size and half the weight; size is the first one's wavelength.
func (n noise) fractal(x, y, size float64, octaves int) float64 {
	sum, weight, total := 0.0, 1.0, 0.0
	for o := range octaves {
		sum += weight * noise{n.seed + uint64(o)*7919}.at(x/size, y/size)
		total += weight
		weight /= 2
		size /= 2
	}
	return sum / total
}
