// Package signal finds what is unusual: in a place (CUSUM, EARS), in a stretch of space and time (scan statistic), and
// where high values lie together (Getis and Ord). Whatever looks at many places at once controls how many of its signals
// are false (Benjamini and Hochberg). No I/O.
package signal

import (
	"math"

	"onepicture/layers/risk/model"
)

// Rise is the change that the CUSUM is tuned to find soonest: twice what is expected.
const Rise = 2

// CUSUM sums up day by day how much more likely a count is under a rise than without one, never below 0: a cumulative
// sum of log-likelihood ratios of negative binomials (Höhle and Paul, Computational Statistics & Data Analysis 52, 2008).
type CUSUM struct{ S float64 }

// Add a day: how many came, and the distribution that was expected.
func (c *CUSUM) Add(y int, expected model.NegBin) {
	if expected.Mean <= 0 {
		return
	}
	risen := model.NegBin{Mean: Rise * expected.Mean, Size: expected.Size}
	c.S = max(0, c.S+risen.LogProb(y)-expected.LogProb(y))
}

// P bounds the probability that the sum stands so high or higher while nothing has changed: its steps X satisfy
// E[exp X] = 1, so Lundberg's inequality gives exp(−S).
func (c *CUSUM) P() float64 { return math.Exp(-c.S) }

// Discoveries marks the p-values that Benjamini and Hochberg (JRSS B 57, 1995) accept, so that of those marked the
// expected share of false ones is at most rate.
func Discoveries(p []float64, rate float64) []bool {
	order := ascending(p)
	last := -1
	for k, i := range order {
		if p[i] <= rate*float64(k+1)/float64(len(p)) {
			last = k
		}
	}
	out := make([]bool, len(p))
	for k := range last + 1 {
		out[order[k]] = true
	}
	return out
}
