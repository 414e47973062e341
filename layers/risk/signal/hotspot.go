package signal

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
)

// Hot is a unit of a Getis–Ord analysis.
type Hot struct {
	Z float64 // Gi*: standard deviations that the unit with its neighbours lies above the mean
	P float64 // from conditional permutations, one-sided: so high or higher
}

// HotSpots computes Gi* (Ord and Getis, Geographical Analysis 27, 1995) of a value with equal weights for each unit and
// the first around of its nearest, and p-values from permutations that hold the unit's own value (Anselin 1995). Units
// that look remarkable are permuted further, so that their p-values can stand the correction for many units.
func HotSpots(ctx context.Context, value []float64, near [][]int32, around, permutations int, seed uint64) ([]Hot, error) {
	n := float64(len(value))
	mean, sq := 0.0, 0.0
	for _, v := range value {
		mean += v / n
	}
	for _, v := range value {
		sq += (v - mean) * (v - mean) / n
	}
	sd := math.Sqrt(sq)
	out := make([]Hot, len(value))
	var all sync.WaitGroup
	workers := workers()
	for k := range workers {
		all.Go(func() {
			for i := k; i < len(value) && ctx.Err() == nil; i += workers {
				units := near[i][:min(around+1, len(near[i]))]
				w := float64(len(units))
				sum := 0.0
				for _, u := range units {
					sum += value[u]
				}
				out[i].P = 1
				if sd > 0 && w < n {
					out[i].Z = (sum - w*mean) / (sd * math.Sqrt(w*(n-w)/(n-1)))
					if out[i].Z > 0 {
						out[i].P = permuteHot(value, i, len(units)-1, sum-value[i], permutations, seed)
					}
				}
			}
		})
	}
	all.Wait()
	return out, ctx.Err()
}

// permuteHot is the share of draws of other units whose sum is as high.
func permuteHot(value []float64, i, others int, sum float64, permutations int, seed uint64) float64 {
	if others < 1 {
		return 1
	}
	r := rand.New(rand.NewPCG(seed, uint64(i)))
	high, done := 0, 0
	for limit := permutations; ; limit *= 10 {
		for ; done < limit; done++ {
			s := 0.0
			for range others { // with replacement: as good where units are many
				j := r.IntN(len(value) - 1)
				if j >= i {
					j++
				}
				s += value[j]
			}
			if s >= sum {
				high++
			}
		}
		if high > 10 || limit >= 100*permutations {
			return float64(high+1) / float64(done+1)
		}
	}
}
