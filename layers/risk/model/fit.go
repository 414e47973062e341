package model

import (
	"context"
	"math"
)

// Fit freezes a model on the events before end. What cannot be told from the counts alone (weights, fading, bandwidth)
// is chosen by the Poisson likelihood of forecasts made from week to week through the last year before end, each from
// what was known by then. horizon is in days. About a second for 3,000 leaves.
func Fit(ctx context.Context, a *Areas, p *Panel, end int32, horizon int, spec Spec) (*Params, error) {
	f := &fitter{ctx: ctx, areas: a, panel: p, end: end, horizon: horizon, kernels: map[float64]*Kernel{}}
	m := &Params{Spec: spec, Theta: [features]float64{1}, Calendar: fitCalendar(p, end, spec.Terms.Season, spec.Terms.Week)}
	m.Exposure = fitExposure(a, p, end)
	f.weeks()
	if spec.Base == KDE {
		f.chooseBandwidth(m, []float64{0.5, 0.75, 1, 1.5, 2, 3, 4, 6}, func(*Params) {})
	}
	if spec.Base == Shrunk {
		f.chooseShapes(m)
		f.chooseWeights(m)
	}
	f.chooseSize(m)
	return m, ctx.Err()
}

type fitter struct {
	ctx     context.Context
	areas   *Areas
	panel   *Panel
	end     int32
	horizon int
	origins []int32
	seen    [][]float64 // by origin and leaf: what came
	kernels map[float64]*Kernel
}

// weeks lays the origins: every second week of the last year, or of the second half when there is less.
func (f *fitter) weeks() {
	first := max(f.end-365, (f.panel.Start+f.end)/2)
	for o := f.end - int32(f.horizon); o >= first && o > f.panel.Start; o -= 14 {
		f.origins = append([]int32{o}, f.origins...)
	}
	for _, o := range f.origins {
		y := make([]float64, f.areas.Leaves)
		for i, days := range f.panel.Days {
			y[i] = float64(countIn(days, o, o+int32(f.horizon)))
		}
		f.seen = append(f.seen, y)
	}
}

func (f *fitter) kernel(bandwidth float64) *Kernel {
	if f.kernels[bandwidth] == nil {
		f.kernels[bandwidth] = NewKernel(f.areas, bandwidth)
	}
	return f.kernels[bandwidth]
}

// forecasts gives the rates at each origin, with what the calendar makes of the horizon.
func (f *fitter) forecasts(m *Params, each func(i int, r *Rates, factor float64)) {
	var k *Kernel
	if m.looksAround() {
		k = f.kernel(m.Bandwidth)
	}
	s := NewState(f.panel, m)
	for i, o := range f.origins {
		if f.ctx.Err() != nil {
			return
		}
		s.Advance(o)
		each(i, m.Rates(f.areas, k, s), sum(m.Calendar.factors(o, o+int32(f.horizon))))
	}
}

func (m *Params) looksAround() bool {
	return m.Spec.Base == KDE || m.Spec.Terms.Spill || m.Spec.Terms.Recent
}

// likelihood of all that came.
func (f *fitter) likelihood(m *Params) float64 {
	total := 0.0
	f.forecasts(m, func(i int, r *Rates, factor float64) {
		for u, y := range f.seen[i] {
			total += y*math.Log(factor*r.Total(u)+1e-12) - factor*r.Total(u)
		}
	})
	return total
}

// best tries values and keeps the best one set.
func (f *fitter) best(m *Params, values []float64, set func(float64)) {
	chosen, most := values[0], math.Inf(-1)
	for _, v := range values {
		set(v)
		if l := f.likelihood(m); l > most {
			chosen, most = v, l
		}
	}
	set(chosen)
}

func (f *fitter) chooseBandwidth(m *Params, times []float64, refit func(*Params)) {
	spacing := f.areas.Spacing()
	values := make([]float64, len(times))
	for i, t := range times {
		values[i] = t * spacing
	}
	f.best(m, values, func(v float64) {
		m.Bandwidth = v
		refit(m)
	})
	for v := range f.kernels {
		if v != m.Bandwidth {
			delete(f.kernels, v)
		}
	}
}

// chooseShapes finds how fast history fades and how alike places under one roof are.
func (f *fitter) chooseShapes(m *Params) {
	on := m.Spec.Terms
	m.Spec.Terms.Spill, m.Spec.Terms.Recent = false, false
	f.best(m, []float64{0, 1095, 730, 365, 180, 90}, func(v float64) {
		m.HalfLife = v
		f.shapes(m)
	})
	m.Spec.Terms = on
}

// shapes by marginal likelihood (negative binomial) on each level, from the top down.
func (f *fitter) shapes(m *Params) {
	s := NewState(f.panel, m)
	s.Advance(f.end)
	depth := f.areas.depths()
	deepest := 0
	for _, d := range depth {
		deepest = max(deepest, d)
	}
	m.Shape = make([]float64, deepest+1)
	for level := 1; level <= deepest; level++ {
		t := m.roll(f.areas, &s.faded)
		m.Shape[level] = maximise(0.05, 500, func(shape float64) float64 {
			total := 0.0
			for i, d := range depth {
				if d == level {
					// The fading counts are no whole numbers: the density is the same function of them.
					total += NegBin{Mean: t.above(f.areas, i) * t.x[i], Size: shape}.LogDensity(t.n[i])
				}
			}
			return total - 0.5*math.Log(1+shape) // a weak prior that keeps it finite
		})
	}
}

// chooseWeights finds bandwidth, memory and the weights of the features.
func (f *fitter) chooseWeights(m *Params) {
	if !m.Spec.Terms.Spill && !m.Spec.Terms.Recent {
		return
	}
	m.Tau = 28
	f.chooseBandwidth(m, []float64{0.75, 1.25, 2, 3}, f.weigh)
	if m.Spec.Terms.Recent {
		f.best(m, []float64{7, 14, 28, 56, 112}, func(v float64) {
			m.Tau = v
			f.weigh(m)
		})
	}
}

// weigh fits the weights by expectation and maximisation: each step multiplies a weight by what came over what it would
// have led to expect. They stay positive, and the likelihood never falls.
func (f *fitter) weigh(m *Params) {
	m.Theta = [features]float64{fBase: 1, fSpill: indicator(m.Spec.Terms.Spill)}
	if m.Spec.Terms.Recent {
		m.Theta[fRecent], m.Theta[fNear] = 1, 1
	}
	var x [features][]float64
	var y []float64
	f.forecasts(m, func(i int, r *Rates, factor float64) {
		for u, n := range f.seen[i] {
			y = append(y, n)
			x[fBase] = append(x[fBase], factor*(r.Part[Surroundings][u]+r.Part[Own][u]))
			x[fSpill] = append(x[fSpill], factor*r.Part[Spilled][u])
			x[fRecent] = append(x[fRecent], factor*r.Part[Lately][u])
			x[fNear] = append(x[fNear], factor*r.Part[Nearby][u])
		}
	})
	copy(m.Theta[:], nonNegative(x[:], y))
}

// nonNegative are the weights of columns whose weighted sum is the mean of Poisson counts.
func nonNegative(x [][]float64, y []float64) []float64 {
	theta, totals := make([]float64, len(x)), make([]float64, len(x))
	columns := 0.0
	for j := range x {
		if totals[j] = sum(x[j]); totals[j] > 0 {
			columns++
		}
	}
	for j := range theta {
		if totals[j] > 0 {
			theta[j] = sum(y) / totals[j] / columns
		}
	}
	gain := make([]float64, len(x))
	for range 60 {
		clear(gain)
		for i, n := range y {
			if n == 0 {
				continue
			}
			mu := 1e-12
			for j := range x {
				mu += theta[j] * x[j][i]
			}
			for j := range x {
				gain[j] += n * x[j][i] / mu
			}
		}
		moved := 0.0
		for j := range theta {
			if totals[j] > 0 {
				next := theta[j] * gain[j] / totals[j]
				moved = max(moved, math.Abs(next-theta[j]))
				theta[j] = next
			}
		}
		if moved < 1e-4 {
			break
		}
	}
	return theta
}

// chooseSize fits the spread that is left around the forecasts.
func (f *fitter) chooseSize(m *Params) {
	type seen struct {
		mean, shape float64
		y           int
	}
	var all []seen
	f.forecasts(m, func(i int, r *Rates, factor float64) {
		for u, y := range f.seen[i] {
			all = append(all, seen{factor * r.Total(u), r.Shape[u], int(y)})
		}
	})
	if len(all) == 0 {
		m.Size = 1e6
		return
	}
	m.Size = maximise(0.05, 1e6, func(size float64) float64 {
		total := 0.0
		for i := range all {
			total += Spread(all[i].mean, size, all[i].shape).LogProb(all[i].y)
		}
		return total
	})
}

// Spread is the forecast of a mean with the spread of the category and, where the base tells it, of the rate itself.
func Spread(mean, size, shape float64) NegBin {
	inverse := 1 / size
	if shape > 0 {
		inverse += 1 / shape
	}
	return NegBin{Mean: mean, Size: 1 / inverse}
}

// fitExposure weighs an even part, the area and the given columns by what they explain of the counts, mean 1.
func fitExposure(a *Areas, p *Panel, end int32) []float64 {
	columns := [][]float64{make([]float64, a.Leaves)}
	for i := range columns[0] {
		columns[0][i] = 1
	}
	for _, c := range append([][]float64{a.AreaM2}, a.Exposure...) {
		if m := mean(c); m > 0 {
			scaled := make([]float64, len(c))
			for i := range c {
				scaled[i] = c[i] / m
			}
			columns = append(columns, scaled)
		}
	}
	y := make([]float64, a.Leaves)
	for i, days := range p.Days {
		y[i] = float64(countIn(days, p.Start, end))
	}
	theta := nonNegative(columns, y)
	out := make([]float64, a.Leaves)
	for i := range out {
		for j := range columns {
			out[i] += theta[j] * columns[j][i]
		}
	}
	m := mean(out)
	for i := range out {
		if m <= 0 {
			out[i] = 1
			continue
		}
		out[i] = max(out[i]/m, 0.01)
	}
	return out
}
