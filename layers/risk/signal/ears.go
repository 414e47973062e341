package signal

import (
	"cmp"
	"math"
	"slices"

	"onepicture/layers/risk/model"
)

// EARS are the statistics C1, C2 and C3 of the Early Aberration Reporting System (Hutwagner et al., Journal of Urban
// Health 80, 2003) for the last day of a series: how many standard deviations it lies above the mean of seven days, those
// right before (C1) or two days earlier (C2), and what C2 has risen above 1 over three days (C3).
type EARS struct{ C1, C2, C3 float64 }

// Usual thresholds.
const (
	C1Limit = 3
	C2Limit = 3
	C3Limit = 2
)

// leastSD keeps a quiet week from making every event an alarm.
const leastSD = 0.5

// EARSDays is how many days the statistics look back, the last included.
const EARSDays = 12

// NewEARS needs at least EARSDays days, oldest first; with fewer everything is 0.
func NewEARS(days []int) (e EARS) {
	n := len(days)
	if n < EARSDays {
		return e
	}
	e.C1 = above(days[n-1], days[n-8:n-1])
	for back := range 3 {
		c2 := above(days[n-1-back], days[n-10-back:n-3-back])
		if back == 0 {
			e.C2 = c2
		}
		e.C3 += max(0, c2-1)
	}
	return e
}

func above(y int, week []int) float64 {
	mean, sq := 0.0, 0.0
	for _, v := range week {
		mean += float64(v) / 7
	}
	for _, v := range week {
		sq += (float64(v) - mean) * (float64(v) - mean) / 6
	}
	return (float64(y) - mean) / max(math.Sqrt(sq), leastSD)
}

// unknownSize is the spread that days are taken to have while nothing is known of it: that of a negative binomial of
// size 3. Days that are less spread raise fewer signals than they might; more spread is rare.
const unknownSize = 3

// C2P is the probability of so many on the last day or more, when the week of C2 is all that is known: the forecast of a
// rate from seven days is a negative binomial (with Jeffreys' prior), here with the spread of the days added to it. It
// serves until history suffices.
func C2P(days []int) float64 {
	n := len(days)
	if n < EARSDays {
		return 1
	}
	sum := 0.5
	for _, v := range days[n-10 : n-3] {
		sum += float64(v)
	}
	size := 1 / (1/sum + (1+1.0/7)/unknownSize)
	return 1 - model.NegBin{Mean: sum / 7, Size: size}.CDF(days[n-1]-1)
}

func ascending(p []float64) []int {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	return order
}
