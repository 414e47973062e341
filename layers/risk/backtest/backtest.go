// Package backtest holds models against what came: rolling from week to week over days that the frozen model has not
// seen, each forecast made from what was known by then, and measured beside the baselines. No I/O.
//
// Measures: hit rate and prediction accuracy index, Chainey, Tompson and Uhlig, Security Journal 21 (2008); prediction
// efficiency index, Hunt (2016); logarithmic score, Good (1952); intervals by circular blocks, Politis and Romano (1992).
package backtest

import (
	"context"
	"fmt"

	"onepicture/layers/risk/model"
)

// Problem is one category on one division of the city.
type Problem struct {
	Category string
	Areas    *model.Areas
	Names    []string // of the places above the leaves, by index − Leaves; may be shorter
	// Panels are the events by the way they are found: each is modelled apart, the forecasts are added.
	Panels   []model.Panel
	TrainEnd int32 // first day that the frozen models have not seen
	TestEnd  int32 // first day after the test
	Horizon  int   // days of a forecast, and the step from one to the next
	// Truth is the rate that events were drawn from, where it is known: of a leaf over the days from lo to before hi.
	Truth func(leaf int, lo, hi int32) float64
}

// Shares of the area for which hits are counted.
var Shares = [4]float64{0.01, 0.05, 0.10, 0.20}

const share5 = 1

// weekly is what one model did in each step.
type weekly struct {
	spec     model.Spec
	params   []*model.Params
	log      []float64 // logarithm of the probability of all that came
	cover    []float64 // mean cover of the middle 90 %, by step
	shown    []float64 // share of leaves inside the interval as it would be shown, in whole numbers
	hits     [4][]float64
	overlap  []float64 // with the step before: flagged in both over flagged in either
	flags    []float64 // by place above the leaves: leaves flagged, summed over the steps
	forecast []float64 // by step: sum of the means
	truth    truth
}

// course is what came, the same for all models.
type course struct {
	origins []int32
	y       [][]int32
	events  []float64
	best    [4][]float64 // hits that were possible
}

func (p *Problem) course() *course {
	c := &course{}
	order := make([]float64, p.Areas.Leaves)
	for o := p.TrainEnd; o+int32(p.Horizon) <= p.TestEnd; o += int32(p.Horizon) {
		y := make([]int32, p.Areas.Leaves)
		n := 0
		for i := range p.Panels {
			for u, days := range p.Panels[i].Days {
				k := countDays(days, o, o+int32(p.Horizon))
				y[u] += int32(k)
				n += k
			}
		}
		for u := range order {
			order[u] = float64(y[u]) / p.Areas.AreaM2[u]
		}
		c.origins, c.y, c.events = append(c.origins, o), append(c.y, y), append(c.events, float64(n))
		hits := hitsAt(order, p.Areas.AreaM2, y)
		for s := range Shares {
			c.best[s] = append(c.best[s], hits[s])
		}
	}
	return c
}

// run fits and rolls one model.
func (p *Problem) run(ctx context.Context, spec model.Spec, c *course) (*weekly, error) {
	w := &weekly{spec: spec, flags: make([]float64, len(p.Areas.Parent)-p.Areas.Leaves)}
	var states []*model.State
	var kernels []*model.Kernel
	for i := range p.Panels {
		m, err := model.Fit(ctx, p.Areas, &p.Panels[i], p.TrainEnd, p.Horizon, spec)
		if err != nil {
			return nil, fmt.Errorf("fit %s: %w", spec.Name(), err)
		}
		w.params = append(w.params, m)
		states = append(states, model.NewState(&p.Panels[i], m))
		kernels = append(kernels, m.Kernel(p.Areas))
	}
	var before []bool
	for at, o := range c.origins {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		mix := model.NewMix(p.Areas.Leaves)
		for i, m := range w.params {
			states[i].Advance(o)
			mix.Add(m.Rates(p.Areas, kernels[i], states[i]), m, o, p.Horizon)
		}
		w.measure(p, c, at, mix)
		flagged := p.flag(mix.Mean)
		w.overlap = append(w.overlap, overlap(before, flagged))
		before = flagged
	}
	return w, nil
}

// measure one step.
func (w *weekly) measure(p *Problem, c *course, at int, mix *model.Mix) {
	order := make([]float64, p.Areas.Leaves)
	var log, cover, shown, sum float64
	for u := range order {
		y := int(c.y[at][u])
		d := mix.At(u)
		log += d.LogProb(y)
		cover += d.Cover(y, 0.9)
		if lo, hi := d.Interval(0.9); lo <= y && y <= hi {
			shown++
		}
		sum += d.Mean
		order[u] = d.Mean / p.Areas.AreaM2[u]
	}
	n := float64(p.Areas.Leaves)
	w.log, w.cover, w.shown = append(w.log, log), append(w.cover, cover/n), append(w.shown, shown/n)
	w.forecast = append(w.forecast, sum)
	hits := hitsAt(order, p.Areas.AreaM2, c.y[at])
	for s := range Shares {
		w.hits[s] = append(w.hits[s], hits[s])
	}
	for u, on := range p.flag(mix.Mean) {
		if up := p.Areas.Parent[u]; on && up >= 0 {
			w.flags[int(up)-p.Areas.Leaves]++
		}
	}
	if p.Truth != nil {
		w.truth.add(p, c.origins[at], mix)
	}
}

func countDays(days []int32, lo, hi int32) int {
	n := 0
	for i := search(days, lo); i < len(days) && days[i] < hi; i++ {
		n++
	}
	return n
}

func search(days []int32, day int32) int {
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
