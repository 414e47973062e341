package signal

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"onepicture/layers/risk/model"
)

// Trial simulates years of many units to tell what the detectors are worth: how often they cry without a cause, and how
// soon they see one.
type Trial struct {
	Units  int     // looked at together
	Mean   float64 // events a day of the median unit; units differ as a log-normal of spread 0.7
	Size   float64 // of the negative binomial that days are drawn from; 0: a Poisson
	Years  int     // quiet years, and outbreaks of each size
	Rate   float64 // stated rate of false discoveries
	Seed   uint64
	Spread int // days that an outbreak lasts
}

// Quiet is what a detector flagged in years without a cause.
type Quiet struct {
	Detector string
	Flags    float64 // share of all unit-days that were flagged
	Days     float64 // share of days with a flag anywhere: all of them false
}

// Found is what a detector made of planted outbreaks.
type Found struct {
	Detector string
	Times    float64 // size of the outbreak: times what is usual
	Share    float64 // found before it was over
	Delay    float64 // median days until it was, of those found; NaN: none
}

// Detectors, in the order of the tables.
var Detectors = []string{"CUSUM with false-discovery control", "C2 window with false-discovery control", "EARS C1", "EARS C2", "EARS C3"}

const (
	warmup = 365 // days of history before anything is flagged
	year   = 365
)

// city is one simulated run: a year of history, then a year that is watched.
type cityRun struct {
	t     *Trial
	r     *rand.Rand
	mean  []float64
	days  [][]int // by unit
	cusum []CUSUM
	known []float64 // events so far, by unit
}

func (t *Trial) start(run int, seed uint64) *cityRun {
	c := &cityRun{t: t, r: rand.New(rand.NewPCG(t.Seed+seed, uint64(run)))}
	for range t.Units {
		c.mean = append(c.mean, t.Mean*math.Exp(0.7*c.r.NormFloat64()))
	}
	c.days, c.cusum, c.known = make([][]int, t.Units), make([]CUSUM, t.Units), make([]float64, t.Units)
	return c
}

// draw a day's count.
func (c *cityRun) draw(mean float64) int {
	if c.t.Size > 0 {
		mean *= gamma(c.r, c.t.Size) / c.t.Size
	}
	n := 0
	for p := c.r.ExpFloat64(); p < mean; p += c.r.ExpFloat64() {
		n++
	}
	return n
}

// gamma of a shape (Marsaglia and Tsang 2000).
func gamma(r *rand.Rand, shape float64) float64 {
	if shape < 1 {
		return gamma(r, shape+1) * math.Pow(r.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	for {
		x := r.NormFloat64()
		v := math.Pow(1+x/math.Sqrt(9*d), 3)
		if v > 0 && math.Log(r.Float64()) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// expected is what the estimate would say for a day: the rate so far, as uncertain as it is.
func (c *cityRun) expected(u, day int) model.NegBin {
	n := c.known[u] + 0.5
	size := math.Inf(1)
	if c.t.Size > 0 {
		size = c.t.Size
	}
	return model.Spread(n/float64(day), size, n)
}

// step draws and watches one day; it returns the flags by detector and unit, nil during the history.
func (c *cityRun) step(day int, factor func(u int) float64) [][]bool {
	for u := range c.days {
		y := c.draw(c.mean[u] * factor(u))
		if day >= warmup {
			c.cusum[u].Add(y, c.expected(u, day))
		}
		c.known[u] += float64(y)
		c.days[u] = append(c.days[u], y)
	}
	if day < warmup {
		return nil
	}
	p, p2 := make([]float64, len(c.days)), make([]float64, len(c.days))
	flags := make([][]bool, len(Detectors))
	for i := range flags {
		flags[i] = make([]bool, len(c.days))
	}
	for u, days := range c.days {
		last := days[len(days)-EARSDays:]
		p[u], p2[u] = c.cusum[u].P(), C2P(last)
		e := NewEARS(last)
		flags[2][u], flags[3][u], flags[4][u] = e.C1 > C1Limit, e.C2 > C2Limit, e.C3 > C3Limit
	}
	flags[0], flags[1] = Discoveries(p, c.t.Rate), Discoveries(p2, c.t.Rate)
	return flags
}

func usual(int) float64 { return 1 }

// Quiet simulates the quiet years.
func (t *Trial) Quiet(ctx context.Context) ([]Quiet, error) {
	flagged, days := make([]float64, len(Detectors)), make([]float64, len(Detectors))
	var mu sync.Mutex
	err := t.each(ctx, func(run int) {
		c := t.start(run, 0)
		f, d := make([]float64, len(Detectors)), make([]float64, len(Detectors))
		for day := range warmup + year {
			for i, flags := range c.step(day, usual) {
				n := count(flags)
				f[i] += float64(n)
				d[i] += float64(min(n, 1))
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for i := range f {
			flagged[i] += f[i]
			days[i] += d[i]
		}
	})
	out := make([]Quiet, len(Detectors))
	total := float64(t.Years * year)
	for i, name := range Detectors {
		out[i] = Quiet{name, flagged[i] / total / float64(t.Units), days[i] / total}
	}
	return out, err
}

// Outbreaks plants one in each year, of a size and in the unit of the median rate, and waits for it.
func (t *Trial) Outbreaks(ctx context.Context, times float64) ([]Found, error) {
	delays := make([][]float64, len(Detectors))
	var mu sync.Mutex
	err := t.each(ctx, func(run int) {
		c := t.start(run, 1<<32)
		c.mean[0] = t.Mean
		begin := warmup + 30 + c.r.IntN(60)
		seen := make([]float64, len(Detectors))
		for day := range begin + t.Spread {
			factor := usual
			if day >= begin {
				factor = func(u int) float64 {
					if u == 0 {
						return times
					}
					return 1
				}
			}
			for i, flags := range c.step(day, factor) {
				if day >= begin && flags[0] && seen[i] == 0 {
					seen[i] = float64(day - begin + 1)
				}
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for i, s := range seen {
			if s > 0 {
				delays[i] = append(delays[i], s)
			}
		}
	})
	out := make([]Found, len(Detectors))
	for i, name := range Detectors {
		out[i] = Found{name, times, float64(len(delays[i])) / float64(t.Years), math.NaN()}
		if slices.Sort(delays[i]); len(delays[i]) > 0 {
			out[i].Delay = delays[i][len(delays[i])/2]
		}
	}
	return out, err
}

// each runs the years on all processors.
func (t *Trial) each(ctx context.Context, run func(int)) error {
	var all sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for k := range workers {
		all.Go(func() {
			for i := k; i < t.Years && ctx.Err() == nil; i += workers {
				run(i)
			}
		})
	}
	all.Wait()
	return ctx.Err()
}

func count(flags []bool) int {
	n := 0
	for _, f := range flags {
		if f {
			n++
		}
	}
	return n
}

// Markdown measures and writes the table.
func (t *Trial) Markdown(ctx context.Context, w io.Writer) error {
	quiet, err := t.Quiet(ctx)
	if err != nil {
		return err
	}
	sizes := []float64{1.5, 2, 3}
	found := make([][]Found, len(sizes))
	for i, s := range sizes {
		if found[i], err = t.Outbreaks(ctx, s); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(w, "%d units of %.2g events a day, %d quiet years and %d outbreaks of each size, of %d days; stated rate of false discoveries %.3g.\n\n"+
		"| detector | unit-days flagged in quiet years | days with any flag | 1.5×: found, median delay | 2× | 3× |\n|---|---|---|---|---|---|\n",
		t.Units, t.Mean, t.Years, t.Years, t.Spread, t.Rate)
	for i := range Detectors {
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "| %s | %.4f %% | %.2f %% | %s | %s | %s |\n", Detectors[i], 100*quiet[i].Flags, 100*quiet[i].Days,
			found[0][i].words(), found[1][i].words(), found[2][i].words())
	}
	return err
}

func (f Found) words() string {
	if math.IsNaN(f.Delay) {
		return "0 %"
	}
	return fmt.Sprintf("%.0f %%, %.0f days", 100*f.Share, f.Delay)
}
