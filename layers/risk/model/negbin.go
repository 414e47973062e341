package model

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// NegBin is a negative binomial of mean Mean and variance Mean + Mean²/Size; an infinite Size makes it a Poisson.
type NegBin struct{ Mean, Size float64 }

// LogProb is the logarithm of the probability of y.
func (d NegBin) LogProb(y int) float64 { return d.LogDensity(float64(y)) }

// LogDensity is LogProb's function of any number that is not negative, as fading counts are.
func (d NegBin) LogDensity(n float64) float64 {
	if d.Mean <= 0 {
		return math.Log(indicator(n == 0))
	}
	if d.poisson() {
		return n*math.Log(d.Mean) - d.Mean - lg(n+1)
	}
	p := math.Log1p(d.Mean / d.Size)
	if n == 0 {
		return -d.Size * p
	}
	return lg(n+d.Size) - lg(d.Size) - lg(n+1) - d.Size*p + n*(math.Log(d.Mean)-math.Log(d.Size+d.Mean))
}

func lg(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// poisson tells that the size makes no difference any more.
func (d NegBin) poisson() bool { return d.Size > 1e7 || math.IsInf(d.Size, 1) }

// CDF is the probability of y or fewer.
func (d NegBin) CDF(y int) float64 {
	switch {
	case y < 0:
		return 0
	case d.Mean <= 0:
		return 1
	case y < 12: // a sum is exact and quick
		p := math.Exp(d.LogProb(0))
		sum := p
		for i := 1; i <= y; i++ {
			p *= d.ratio(i)
			sum += p
		}
		return min(sum, 1)
	case d.poisson():
		return distuv.Poisson{Lambda: d.Mean}.CDF(float64(y))
	}
	return mathext.RegIncBeta(d.Size, float64(y)+1, d.Size/(d.Size+d.Mean))
}

// ratio is the probability of y over that of y-1.
func (d NegBin) ratio(y int) float64 {
	if d.poisson() {
		return d.Mean / float64(y)
	}
	return (float64(y-1) + d.Size) / float64(y) * d.Mean / (d.Size + d.Mean)
}

// Quantile is the least y whose CDF reaches q, 0 < q < 1.
func (d NegBin) Quantile(q float64) int {
	if d.CDF(0) >= q {
		return 0
	}
	lo, hi := 0, 1
	for d.CDF(hi) < q {
		lo, hi = hi, 2*hi
	}
	for hi-lo > 1 {
		if m := (lo + hi) / 2; d.CDF(m) >= q {
			hi = m
		} else {
			lo = m
		}
	}
	return hi
}

// Interval holds at least the share of the probability, equal parts left out at both ends.
func (d NegBin) Interval(share float64) (lo, hi int) {
	return d.Quantile((1 - share) / 2), d.Quantile(1 - (1-share)/2)
}

// Cover is how much of y's probability transform, spread evenly between CDF(y-1) and CDF(y), lies in the middle share:
// for counts the honest measure of an interval, whose mean is the share itself when the distribution is right (Czado,
// Gneiting and Held, Biometrics 65, 2009).
func (d NegBin) Cover(y int, share float64) float64 {
	lo, hi := d.CDF(y-1), d.CDF(y)
	a, b := (1-share)/2, 1-(1-share)/2
	if hi <= lo {
		return indicator(lo >= a && lo <= b)
	}
	return max(0, min(hi, b)-max(lo, a)) / (hi - lo)
}

// maximise finds the greatest value of a function with one peak on lo … hi, by golden section in the logarithm of x.
func maximise(lo, hi float64, f func(x float64) float64) float64 {
	const g = 0.6180339887498949
	a, b := math.Log(lo), math.Log(hi)
	c, d := b-g*(b-a), a+g*(b-a)
	fc, fd := f(math.Exp(c)), f(math.Exp(d))
	for b-a > 0.02 {
		if fc > fd {
			b, d, fd = d, c, fc
			c = b - g*(b-a)
			fc = f(math.Exp(c))
		} else {
			a, c, fc = c, d, fd
			d = a + g*(b-a)
			fd = f(math.Exp(d))
		}
	}
	return math.Exp((a + b) / 2)
}
