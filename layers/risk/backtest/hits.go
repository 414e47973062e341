package backtest

import (
	"cmp"
	"slices"
)

// hitsAt counts what fell into the first shares of the area when leaves are taken in falling order of a value. Leaves of
// equal value are taken at once, each by the same part, as an arbitrary order would on the average; the last leaf counts
// by the part of it that fits.
func hitsAt(value, area []float64, y []int32) (hits [4]float64) {
	order := make([]int32, len(value))
	whole := 0.0
	for i := range order {
		order[i] = int32(i)
		whole += area[i]
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(value[b], value[a]) })
	var taken, found float64
	for at := 0; at < len(order); {
		end := at
		var m2, n float64
		for ; end < len(order) && value[order[end]] == value[order[at]]; end++ {
			m2 += area[order[end]]
			n += float64(y[order[end]])
		}
		for s, share := range Shares {
			if budget := share * whole; taken+m2 >= budget && taken < budget {
				hits[s] = found + n*(budget-taken)/m2
			}
		}
		taken, found = taken+m2, found+n
		at = end
	}
	return hits
}

// flag marks the leaves that make up the first 5 % of the area, as far as they fit whole, at least one.
func (p *Problem) flag(mean []float64) []bool {
	order := make([]int32, len(mean))
	whole := 0.0
	for i := range order {
		order[i] = int32(i)
		whole += p.Areas.AreaM2[i]
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(mean[b]/p.Areas.AreaM2[b], mean[a]/p.Areas.AreaM2[a]), cmp.Compare(a, b))
	})
	out := make([]bool, len(mean))
	taken := 0.0
	for at, i := range order {
		if taken += p.Areas.AreaM2[i]; at > 0 && taken > Shares[share5]*whole {
			break
		}
		out[i] = true
	}
	return out
}

// overlap is how many are in both of those that are in either; 1 for the first step.
func overlap(a, b []bool) float64 {
	if a == nil {
		return 1
	}
	both, either := 0.0, 0.0
	for i := range a {
		if a[i] && b[i] {
			both++
		}
		if a[i] || b[i] {
			either++
		}
	}
	if either == 0 {
		return 1
	}
	return both / either
}
