package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func TestNegBin(t *testing.T) {
	for _, c := range []struct {
		name    string
		d       NegBin
		y       int
		p, upTo float64 // of y, and of y or fewer
	}{
		{"a Poisson of 2 at 0", NegBin{2, math.Inf(1)}, 0, math.Exp(-2), math.Exp(-2)},
		{"a Poisson of 2 at 3", NegBin{2, math.Inf(1)}, 3, 8 * math.Exp(-2) / 6, math.Exp(-2) * (1 + 2 + 2 + 8.0/6)},
		{"size 1 is geometric", NegBin{1, 1}, 2, 0.125, 0.875},
		{"size 1 of mean 3", NegBin{3, 1}, 1, 0.1875, 0.4375},
		{"nothing is expected, nothing comes", NegBin{0, 1}, 0, 1, 1},
		{"nothing is expected, one comes", NegBin{0, 1}, 1, 0, 1},
		{"below nothing", NegBin{3, 1}, -1, math.NaN(), 0},
	} {
		if got := math.Exp(c.d.LogProb(c.y)); !math.IsNaN(c.p) && math.Abs(got-c.p) > 1e-12 {
			t.Errorf("%s: probability %v, want %v", c.name, got, c.p)
		}
		if got := c.d.CDF(c.y); math.Abs(got-c.upTo) > 1e-12 {
			t.Errorf("%s: up to it %v, want %v", c.name, got, c.upTo)
		}
	}
}

// The probabilities sum to the distribution, whichever way it is computed, and the quantile is its inverse.
func TestDistributionsAreWhole(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := NegBin{math.Exp(rapid.Float64Range(-4, 4).Draw(rt, "mean")), math.Exp(rapid.Float64Range(-2, 18).Draw(rt, "size"))}
		sum, before := 0.0, 0.0
		for y := range 400 {
			sum += math.Exp(d.LogProb(y))
			got := d.CDF(y)
			if math.Abs(got-sum) > 1e-7 || got < before-1e-12 {
				rt.Fatalf("%+v: up to %d it is %v, the sum %v, before %v", d, y, got, sum, before)
			}
			before = got
		}
		q := rapid.Float64Range(0.001, 0.999).Draw(rt, "q")
		if y := d.Quantile(q); d.CDF(y) < q || y > 0 && d.CDF(y-1) >= q {
			rt.Fatalf("%+v: the quantile of %v is said to be %d", d, q, y)
		}
		lo, hi := d.Interval(0.9)
		if held := d.CDF(hi) - d.CDF(lo-1); held < 0.9-1e-9 {
			rt.Fatalf("%+v: the interval %d … %d holds %v", d, lo, hi, held)
		}
		total := 0.0
		for y := range 3000 {
			total += math.Exp(d.LogProb(y)) * d.Cover(y, 0.9)
		}
		if d.Mean < 20 && d.Size > 1 && math.Abs(total-0.9) > 1e-6 {
			rt.Fatalf("%+v: the cover is %v on the average", d, total)
		}
	})
}

// Forecasts by fitted models hold what comes nine times in ten, and forecast its number, where the model is true.
func TestFittedIntervalsCover(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	spread := make([]float64, 36)
	for i := range spread {
		spread[i] = 0.1 * math.Exp(0.6*r.NormFloat64())
	}
	a, p := district(r, 800, func(leaf int, _ int32) float64 { return spread[leaf] })
	for _, spec := range everySpec[1:] {
		m, err := Fit(t.Context(), a, p, 100+500, 7, spec)
		if err != nil {
			t.Fatal(err)
		}
		s, k := NewState(p, m), m.Kernel(a)
		cover, forecast, came, n := 0.0, 0.0, 0.0, 0.0
		for day := int32(600); day+7 <= 900; day += 7 {
			s.Advance(day)
			mix := NewMix(a.Leaves)
			mix.Add(m.Rates(a, k, s), m, day, 7)
			for u := range a.Leaves {
				y := countIn(p.Days[u], day, day+7)
				cover += mix.At(u).Cover(y, 0.9)
				forecast += mix.At(u).Mean
				came += float64(y)
				n++
			}
		}
		if c := cover / n; c < 0.87 || c > 0.93 {
			t.Errorf("%s: the 90 %% intervals cover %.3f", spec.Name(), c)
		}
		if b := forecast / came; b < 0.9 || b > 1.1 {
			t.Errorf("%s: %.3f of what came was forecast", spec.Name(), b)
		}
	}
}
