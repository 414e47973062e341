package model

import (
	"math"
	"time"

	"gonum.org/v1/gonum/mat"
)

// Calendar is the rhythm of a whole category: factors around 1. The zero value has none.
type Calendar struct {
	Harmonics [4]float64 `json:"harmonics"` // cos, sin of one and of two turns a year
	Week      [7]float64 `json:"week"`      // logarithms from Sunday on
}

const yearDays = 365.25

func harmonics(day int32) [4]float64 {
	y := 2 * math.Pi * float64(day) / yearDays
	return [4]float64{math.Cos(y), math.Sin(y), math.Cos(2 * y), math.Sin(2 * y)}
}

// Weekday of a day since 1970, which began on a Thursday.
func Weekday(day int32) time.Weekday { return time.Weekday(((int(day)+4)%7 + 7) % 7) }

// Season is the factor of the year's rhythm.
func (c *Calendar) Season(day int32) float64 {
	s := 0.0
	for i, h := range harmonics(day) {
		s += c.Harmonics[i] * h
	}
	return math.Exp(s)
}

// Factor is what the rhythm makes of a day.
func (c *Calendar) Factor(day int32) float64 {
	return c.Season(day) * math.Exp(c.Week[Weekday(day)])
}

// factors are those of the days from lo to before hi.
func (c *Calendar) factors(lo, hi int32) []float64 {
	out := make([]float64, max(0, hi-lo))
	for i := range out {
		out[i] = c.Factor(lo + int32(i))
	}
	return out
}

// fitCalendar fits daily totals by a log-linear Poisson regression on a level, a trend (left out of the calendar) and
// the rhythms that are wanted. A rhythm of the year needs about two years; a week eight weeks.
func fitCalendar(p *Panel, end int32, season, week bool) Calendar {
	var c Calendar
	n := int(end - p.Start)
	season, week = season && n >= 700, week && n >= 56
	if !season && !week || p.Total(p.Start, end) < 100 {
		return c
	}
	daily := make([]float64, n)
	for _, days := range p.Days {
		for _, d := range days[:lowerBound(days, end)] {
			if d >= p.Start {
				daily[d-p.Start]++
			}
		}
	}
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = append(rows[i], 1, float64(i)/float64(n)-0.5)
		day := p.Start + int32(i)
		if season {
			h := harmonics(day)
			rows[i] = append(rows[i], h[:]...)
		}
		if week {
			for d := time.Monday; d <= time.Saturday; d++ { // against Sunday
				rows[i] = append(rows[i], indicator(Weekday(day) == d))
			}
		}
	}
	beta := poissonRegression(rows, daily)
	at := 2
	if season {
		copy(c.Harmonics[:], beta[at:at+4])
		at += 4
	}
	if week {
		copy(c.Week[1:], beta[at:at+6])
	}
	c.centre()
	return c
}

// centre makes the mean factor over a year and over a week 1.
func (c *Calendar) centre() {
	sum := 0.0
	for _, w := range c.Week {
		sum += math.Exp(w)
	}
	for i := range c.Week {
		c.Week[i] -= math.Log(sum / 7)
	}
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// poissonRegression is iteratively reweighted least squares with a little ridge, so that it always ends.
func poissonRegression(x [][]float64, y []float64) []float64 {
	k := len(x[0])
	beta := make([]float64, k)
	beta[0] = math.Log(mean(y) + 1e-9)
	for range 25 {
		a, b := mat.NewSymDense(k, nil), mat.NewVecDense(k, nil)
		for i, row := range x {
			eta := 0.0
			for j, v := range row {
				eta += v * beta[j]
			}
			mu := math.Exp(min(eta, 30))
			z := eta + (y[i]-mu)/mu
			for j := range row {
				b.SetVec(j, b.AtVec(j)+mu*row[j]*z)
				for l := j; l < k; l++ {
					a.SetSym(j, l, a.At(j, l)+mu*row[j]*row[l])
				}
			}
		}
		for j := range k {
			a.SetSym(j, j, a.At(j, j)+1e-6)
		}
		var ch mat.Cholesky
		next := mat.NewVecDense(k, nil)
		if !ch.Factorize(a) || ch.SolveVecTo(next, b) != nil {
			return beta
		}
		moved := 0.0
		for j := range beta {
			moved = max(moved, math.Abs(next.AtVec(j)-beta[j]))
			beta[j] = next.AtVec(j)
		}
		if moved < 1e-8 {
			break
		}
	}
	return beta
}
