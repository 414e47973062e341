package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// district has four parents of nine leaves under one top, squares 500 m wide, and so many events a day in each leaf.
func district(r *rand.Rand, days int32, rate func(leaf int, day int32) float64) (*Areas, *Panel) {
	const leaves = 36
	a := &Areas{Leaves: leaves}
	p := &Panel{Start: 100, Days: make([][]int32, leaves)}
	for i := range leaves {
		a.X, a.Y, a.AreaM2 = append(a.X, 500*float64(i%6)), append(a.Y, 500*float64(i/6)), append(a.AreaM2, 250_000)
		a.Parent = append(a.Parent, int32(leaves+i/9))
		for d := range days {
			for t := r.ExpFloat64(); t < rate(i, d); t += r.ExpFloat64() {
				p.Days[i] = append(p.Days[i], 100+d)
			}
		}
	}
	a.Parent = append(a.Parent, leaves+4, leaves+4, leaves+4, leaves+4, -1)
	return a, p
}

func flat(mean float64) func(int, int32) float64 { return func(int, int32) float64 { return mean } }

var everySpec = []Spec{
	{Base: Random},
	{Base: Year},
	{Base: History},
	{Base: KDE},
	{Base: Shrunk},
	{Base: Shrunk, Terms: Terms{Spill: true, Recent: true, Season: true, Week: true}},
}

// params are plausible ones, not fitted.
func params(a *Areas, s Spec) *Params {
	m := &Params{Spec: s, Shape: []float64{0, 4, 4}, HalfLife: 730, Tau: 14, Bandwidth: 700, Theta: [features]float64{0.7, 0.1, 0.2, 0.1}, Size: 10}
	if s.Terms == (Terms{}) {
		m.Theta = [features]float64{fBase: 1}
	}
	for range a.Leaves {
		m.Exposure = append(m.Exposure, 1)
	}
	return m
}

func ratesAt(a *Areas, p *Panel, m *Params, day int32) *Rates {
	s := NewState(p, m)
	s.Advance(day)
	return m.Rates(a, m.Kernel(a), s)
}

// Whatever happened: no part of a rate is negative or not a number, the parts are all that there is, and nothing counts as
// impossible. In parts that are whole numbers of a unit the sum is exact: what the score is made of.
func TestPartsAreTheRate(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		busy := rapid.Float64Range(0, 2).Draw(rt, "rate")
		a, p := district(r, 60, func(leaf int, _ int32) float64 { return busy * float64(leaf%5) / 4 })
		for _, spec := range everySpec {
			rates := ratesAt(a, p, params(a, spec), 160)
			for u := range a.Leaves {
				sum, whole := 0.0, int64(0)
				for part := range rates.Part {
					v := rates.Part[part][u]
					if math.IsNaN(v) || v < 0 || math.IsInf(v, 0) {
						rt.Fatalf("%s: part %d of leaf %d is %v", spec.Name(), part, u, v)
					}
					sum += v
					whole += int64(math.Round(v * 1e6))
				}
				if sum != rates.Total(u) || sum <= 0 {
					rt.Fatalf("%s: the parts of leaf %d sum to %v, the rate is %v", spec.Name(), u, sum, rates.Total(u))
				}
				if math.Abs(float64(whole)-1e6*sum) > Parts {
					rt.Fatalf("%s: in millionths leaf %d is %d, the rate %v", spec.Name(), u, whole, sum)
				}
			}
		}
	})
}

// The shrunk rate lies between the place's own and that of the place above, nearer to its own the more is known of it.
func TestShrinkageLiesBetweenOwnAndAbove(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 2))
		days := rapid.Int32Range(20, 400).Draw(rt, "days")
		a, p := district(r, days, func(leaf int, _ int32) float64 { return 0.05 + 0.5*float64(leaf%9)/8 })
		m := params(a, Spec{Base: Shrunk})
		m.HalfLife = 0
		s := NewState(p, m)
		s.Advance(100 + days)
		rates, tree := m.Rates(a, nil, s), m.roll(a, &s.faded)
		for u := range a.Leaves {
			own, above := tree.n[u]/tree.x[u], tree.above(a, u)
			if got := rates.Total(u); got < min(own, above)-1e-12 || got > max(own, above)+1e-12 {
				rt.Fatalf("leaf %d: %v is not between its own %v and %v above", u, got, own, above)
			}
		}
	})
	a, p := district(rand.New(rand.NewPCG(1, 2)), 400, flat(0.2))
	p.Days[7] = nil
	far := func(shape float64) float64 {
		m := params(a, Spec{Base: Shrunk})
		m.Shape = []float64{0, shape, shape}
		return ratesAt(a, p, m, 500).Total(7)
	}
	if !(far(0.1) < far(4) && far(4) < far(400)) {
		t.Errorf("a quiet leaf among busy ones: %v, %v, %v; the more alike places are, the more the others count", far(0.1), far(4), far(400))
	}
}

// One more event never makes its own place, or any other, less likely to have some; where the model looks around or
// above, it makes those more likely.
func TestOneMoreNeverMeansLess(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 3))
		a, p := district(r, 90, flat(0.2))
		leaf := rapid.IntRange(0, a.Leaves-1).Draw(rt, "leaf")
		more := &Panel{Start: p.Start, Days: append([][]int32(nil), p.Days...)}
		more.Days[leaf] = append(append([]int32(nil), p.Days[leaf]...), 189)
		for _, spec := range everySpec {
			m := params(a, spec)
			before, after := ratesAt(a, p, m, 190), ratesAt(a, more, m, 190)
			for u := range a.Leaves {
				// The kernel's rate relative to the exposure around falls nowhere either: exposure does not move.
				if after.Total(u) < before.Total(u)-1e-12 {
					rt.Fatalf("%s: an event in leaf %d lowers leaf %d from %v to %v", spec.Name(), leaf, u, before.Total(u), after.Total(u))
				}
			}
			if after.Total(leaf) <= before.Total(leaf) {
				rt.Fatalf("%s: an event in leaf %d changes nothing there", spec.Name(), leaf)
			}
		}
	})
}

// A state that learns week by week knows what one knows that learns all at once.
func TestStateInSteps(t *testing.T) {
	a, p := district(rand.New(rand.NewPCG(4, 4)), 200, flat(0.3))
	m := params(a, everySpec[5])
	m.Calendar = Calendar{Harmonics: [4]float64{0.2, -0.1}, Week: [7]float64{0.1, -0.1}}
	whole, steps := NewState(p, m), NewState(p, m)
	whole.Advance(300)
	for day := int32(107); day < 300; day += 7 {
		steps.Advance(day)
	}
	steps.Advance(300)
	for _, c := range []struct {
		name string
		a, b *column
	}{{"all", &whole.all, &steps.all}, {"year", &whole.year, &steps.year}, {"faded", &whole.faded, &steps.faded}, {"recent", &whole.recent, &steps.recent}} {
		if math.Abs(c.a.days-c.b.days) > 1e-9*c.a.days {
			t.Errorf("%s: %v days at once, %v in steps", c.name, c.a.days, c.b.days)
		}
		for u := range c.a.n {
			if math.Abs(c.a.n[u]-c.b.n[u]) > 1e-9*(1+c.a.n[u]) {
				t.Errorf("%s of leaf %d: %v at once, %v in steps", c.name, u, c.a.n[u], c.b.n[u])
			}
		}
	}
}

// Without silence nothing is taken away; with all sources silent the rate stays what it was, instead of falling.
func TestSilenceIsNotPeace(t *testing.T) {
	a, p := district(rand.New(rand.NewPCG(5, 5)), 300, func(_ int, day int32) float64 {
		if day >= 270 {
			return 0 // nothing is heard in the last month
		}
		return 0.5
	})
	m := params(a, Spec{Base: History})
	s := NewState(p, m)
	s.Advance(400)
	heard := m.Rates(a, nil, s)
	all := make([]float64, a.Leaves)
	for i := range all {
		all[i] = 1
	}
	s.Without([]Silence{{From: 370, Share: all}})
	silent := m.Rates(a, nil, s)
	s.Without(nil)
	again := m.Rates(a, nil, s)
	for u := range a.Leaves {
		if want := float64(len(p.Days[u])) / 270; math.Abs(silent.Total(u)-want) > 0.01 {
			t.Errorf("leaf %d: %v with the source silent, want %v", u, silent.Total(u), want)
		}
		if heard.Total(u) >= silent.Total(u) || again.Total(u) != heard.Total(u) {
			t.Errorf("leaf %d: %v heard, %v silent, %v again", u, heard.Total(u), silent.Total(u), again.Total(u))
		}
	}
}
