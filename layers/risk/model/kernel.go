package model

import (
	"math"
	"slices"
)

// Kernel holds the neighbours of each leaf within three bandwidths, itself not among them, with Gaussian weights. The
// weight of itself is 1.
type Kernel struct {
	start []int32
	to    []int32
	w     []float64
}

// NewKernel looks for neighbours in squares of three bandwidths. Leaves without a location have none.
func NewKernel(a *Areas, bandwidth float64) *Kernel {
	reach := 3 * bandwidth
	type square struct{ x, y int }
	at := func(i int) square {
		return square{int(math.Floor(a.X[i] / reach)), int(math.Floor(a.Y[i] / reach))}
	}
	squares := map[square][]int32{}
	for i := range a.Leaves {
		if !math.IsNaN(a.X[i]) {
			squares[at(i)] = append(squares[at(i)], int32(i))
		}
	}
	k := &Kernel{start: make([]int32, 1, a.Leaves+1)}
	for i := range a.Leaves {
		if !math.IsNaN(a.X[i]) {
			s := at(i)
			for dx := -1; dx <= 1; dx++ {
				for dy := -1; dy <= 1; dy++ {
					k.add(a, i, squares[square{s.x + dx, s.y + dy}], bandwidth)
				}
			}
		}
		k.start = append(k.start, int32(len(k.to)))
	}
	return k
}

func (k *Kernel) add(a *Areas, i int, others []int32, bandwidth float64) {
	for _, j := range others {
		d := math.Hypot(a.X[i]-a.X[j], a.Y[i]-a.Y[j]) / bandwidth
		if int(j) != i && d <= 3 {
			k.to = append(k.to, j)
			k.w = append(k.w, math.Exp(-d*d/2))
		}
	}
}

// Neighbours of a leaf with their weights.
func (k *Kernel) Neighbours(i int) (to []int32, w []float64) {
	return k.to[k.start[i]:k.start[i+1]], k.w[k.start[i]:k.start[i+1]]
}

// around sums a column over the neighbours by weight.
func (k *Kernel) around(column []float64) []float64 {
	out := make([]float64, len(k.start)-1)
	for i := range out {
		sum := 0.0
		for n := k.start[i]; n < k.start[i+1]; n++ {
			sum += k.w[n] * column[k.to[n]]
		}
		out[i] = sum
	}
	return out
}

func mean(v []float64) float64 { return sum(v) / float64(max(1, len(v))) }

func sum(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}
