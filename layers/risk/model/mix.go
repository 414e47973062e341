package model

import "math"

// Mix is the sum of forecasts that were modelled apart, by leaf.
type Mix struct {
	Mean, extra []float64 // extra: variance beyond the Poisson's
}

// NewMix is a sum of nothing.
func NewMix(leaves int) *Mix { return &Mix{make([]float64, leaves), make([]float64, leaves)} }

// Add a panel's forecast of the days from origin on.
func (x *Mix) Add(r *Rates, m *Params, origin int32, horizon int) {
	factor := m.Horizon(origin, horizon).All
	for u := range x.Mean {
		mean := factor * r.Total(u)
		x.Mean[u] += mean
		x.extra[u] += mean * mean / Spread(mean, m.Size, r.Shape[u]).Size
	}
}

// At is the forecast of a leaf: a negative binomial of the mean and the variance.
func (x *Mix) At(u int) NegBin {
	d := NegBin{Mean: x.Mean[u], Size: math.Inf(1)}
	if x.extra[u] > 0 {
		d.Size = d.Mean * d.Mean / x.extra[u]
	}
	return d
}

// Span is what the calendar makes of the days of a horizon: their number, with the season, and with the week too.
type Span struct{ Days, Season, All float64 }

// Horizon sums the calendar over the days from origin on.
func (p *Params) Horizon(origin int32, horizon int) Span {
	s := Span{Days: float64(horizon)}
	for d := origin; d < origin+int32(horizon); d++ {
		s.Season += p.Calendar.Season(d)
		s.All += p.Calendar.Factor(d)
	}
	return s
}

// Kernel is that of the model's bandwidth; nil when it looks at no neighbours.
func (p *Params) Kernel(a *Areas) *Kernel {
	if !p.looksAround() || p.Bandwidth <= 0 {
		return nil
	}
	return NewKernel(a, p.Bandwidth)
}
