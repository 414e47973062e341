package backtest

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Interval is a figure with the middle 95 % of its bootstrap.
type Interval struct {
	Value float64 `json:"value"`
	Lo    float64 `json:"lo"`
	Hi    float64 `json:"hi"`
}

// Above tells that the whole interval is above 0.
func (i Interval) Above() bool { return i.Lo > 0 }

const (
	draws     = 1000
	blockLen  = 4 // steps: what happens in one week resembles the next
	drawsSeed = 20230101
)

// resample draws weights of the steps: circular blocks until there are as many as steps. The same draws serve all
// models, so that differences are paired.
func resample(steps int) [][]float64 {
	r := rand.New(rand.NewPCG(drawsSeed, 1))
	out := make([][]float64, draws)
	for d := range out {
		out[d] = make([]float64, steps)
		for n := 0; n < steps; {
			at := r.IntN(steps)
			for b := 0; b < blockLen && n < steps; b++ {
				out[d][(at+b)%steps]++
				n++
			}
		}
	}
	return out
}

// ratio is the interval of sum(a)/sum(b) over the steps.
func ratio(a, b []float64, weights [][]float64) Interval {
	value := quotient(a, b, nil)
	all := make([]float64, len(weights))
	for i, w := range weights {
		all[i] = quotient(a, b, w)
	}
	slices.Sort(all)
	at := func(q float64) float64 { return all[min(len(all)-1, int(math.Round(q*float64(len(all)-1))))] }
	return Interval{value, at(0.025), at(0.975)}
}

func quotient(a, b, w []float64) float64 {
	x, y := 0.0, 0.0
	for i := range a {
		k := 1.0
		if w != nil {
			k = w[i]
		}
		x += k * a[i]
		y += k * b[i]
	}
	if y == 0 {
		return 0
	}
	return x / y
}

// minus subtracts step by step.
func minus(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] - b[i]
	}
	return out
}

func ones(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = 1
	}
	return out
}
