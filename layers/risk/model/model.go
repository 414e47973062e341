// Package model estimates how many events a place is likely to have: a long-run rate shrunk toward the places above it
// (Gamma–Poisson), what happens around it, what happened lately, and the rhythm of year and week. It is arithmetic over
// counts of events by place and day; persons do not occur. No I/O.
//
// Sources: Clayton and Kaldor, Biometrics 43 (1987), for the shrinkage of relative rates; Mohler et al., JASA 106 (2011),
// for a background with triggering; Bowers, Johnson and Pease, British Journal of Criminology 44 (2004), for nearness in
// space and time; Richardson (1972) and Lucy (1974) for the weights that cannot become negative.
package model

import "math"

// Areas are the places of one panel: leaves, which are estimated, and the places above them. Index 0 … Leaves-1 are the
// leaves; parents follow.
type Areas struct {
	Leaves int
	Parent []int32   // by index; -1: at the top. A parent's index is greater than its children's
	X, Y   []float64 // of leaves: metres in any plane that keeps distances over some kilometres
	AreaM2 []float64 // of leaves
	// Exposure are columns by leaf that may explain how much can happen there: residents, rentals, sites. Not negative.
	Exposure [][]float64
}

// Spacing is the side of a square of the median area: the natural unit of bandwidths.
func (a *Areas) Spacing() float64 { return math.Sqrt(median(a.AreaM2)) }

// Panel is what happened: the days of events by leaf, ascending, as days since 1970. Of days before Start nothing is
// known.
type Panel struct {
	Start int32
	Days  [][]int32
}

// Total is the number of events on days from lo to before hi.
func (p *Panel) Total(lo, hi int32) int {
	n := 0
	for _, days := range p.Days {
		n += countIn(days, lo, hi)
	}
	return n
}

// Base is what the estimate starts from.
type Base string

// The bases: three are the baselines that everything else is held against.
const (
	Random  Base = "random"  // the same rate per area everywhere
	Year    Base = "year"    // the place's own count of 365 days
	History Base = "history" // its own count of all days known
	KDE     Base = "kde"     // all counts, smoothed by a Gaussian kernel with a cross-validated bandwidth
	Shrunk  Base = "shrunk"  // its own rate, shrunk toward the places above it
)

// Terms are what may stand beside the base. Each is switched on only where it has won the back-test.
type Terms struct {
	Spill  bool `json:"spill"`  // long-run rate of the neighbours
	Recent bool `json:"recent"` // what happened lately, here and nearby, fading
	Season bool `json:"season"` // rhythm of the year
	Week   bool `json:"week"`   // rhythm of the week
}

// Spec says which model is meant.
type Spec struct {
	Base  Base  `json:"base"`
	Terms Terms `json:"terms"`
}

// Name is how tables call it: "shrunk+spill+recent".
func (s Spec) Name() string {
	name := string(s.Base)
	for _, t := range []struct {
		on   bool
		name string
	}{{s.Terms.Spill, "spill"}, {s.Terms.Recent, "recent"}, {s.Terms.Season, "season"}, {s.Terms.Week, "week"}} {
		if t.on {
			name += "+" + t.name
		}
	}
	return name
}

// Baseline tells that the model is one of those that others must beat.
func (s Spec) Baseline() bool { return s.Base != Shrunk && s.Terms == Terms{} }

// Features that are weighted.
const (
	fBase = iota
	fSpill
	fRecent
	fNear
	features
)

// Params are a fitted model, frozen: nothing in them moves with what happens later.
type Params struct {
	Spec      Spec              `json:"spec"`
	Shape     []float64         `json:"shape"` // by depth below the top, of relative rates
	HalfLife  float64           `json:"halfLife"`
	Tau       float64           `json:"tau"`       // days in which the recent fades to 1/e
	Bandwidth float64           `json:"bandwidth"` // metres
	Theta     [features]float64 `json:"theta"`
	Size      float64           `json:"size"` // of the negative binomial beside what the shrinkage leaves open
	Calendar  Calendar          `json:"calendar"`
	Exposure  []float64         `json:"exposure"` // by leaf, mean 1
}

// countIn counts the days of an ascending list from lo to before hi.
func countIn(days []int32, lo, hi int32) int { return lowerBound(days, hi) - lowerBound(days, lo) }

func lowerBound(days []int32, day int32) int {
	lo, hi := 0, len(days)
	for lo < hi {
		if m := (lo + hi) / 2; days[m] < day {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}
