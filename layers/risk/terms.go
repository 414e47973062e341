package risk

import (
	"math"

	"onepicture/layers/risk/model"
)

// TermKey names a term of a score.
type TermKey struct {
	Code    string // surroundings, own, neighbours, lately, nearby, season, week
	Channel string // reported, patrol; "" where both count
}

// Terms are those that a score may have, in the order in which they add up.
var Terms = func() (out []TermKey) {
	for _, channel := range []string{Reported: "reported", Patrolled: "patrol"} {
		for _, code := range []string{"surroundings", "own", "neighbours", "lately", "nearby"} {
			out = append(out, TermKey{code, channel})
		}
	}
	return append(out, TermKey{"season", ""}, TermKey{"week", ""})
}()

const (
	termSeason = channels * model.Parts
	termWeek   = termSeason + 1
	termCount  = termWeek + 1
)

// Millionths of an event: scores and terms are whole numbers of them, so that sums are exact.
const Millionths = 1_000_000

func millionths(x float64) int64 { return int64(math.Round(x * Millionths)) }

// field is one category's estimate over one horizon, by node: leaves, then the places above them, which are their sums.
type field struct {
	terms [termCount][]int64
	total []int64
	extra []float64 // variance beyond the Poisson's
	// What the grade is made of, by node: events that the surroundings would have led to expect in the time observed, and
	// the share of them whose source is silent; and how many events there ever were.
	volume, silent, seen []float64
	hushed               []float64 // standard deviation of what silent sources leave open: it moves together, so it adds up
}

// estimate of a category from what was known before a day.
type estimate struct {
	d        *Division
	c        *Category
	day      int32
	rates    [channels]*model.Rates
	silences []Silence
}

// Silence is a source that has been silent since a day, with its share of what each leaf usually has.
type Silence struct {
	Source int32                        `json:"source"`
	From   int32                        `json:"from"`
	Shares map[uint16][channels][]uint8 `json:"shares"` // by class, channel and leaf, of 255
}

func (s *Silence) model(class uint16, channel int, leaves int) model.Silence {
	out := model.Silence{From: s.From, Share: make([]float64, leaves)}
	for i, v := range s.Shares[class][channel] {
		if i < leaves {
			out.Share[i] = float64(v) / 255
		}
	}
	return out
}

// newEstimate computes the rates from the events of the days before; with underway the last of them is not over yet. A
// pass over the category's events.
func newEstimate(d *Division, c *Category, panels *[channels]model.Panel, kernels *[channels]*model.Kernel, day int32, underway bool, silences []Silence) *estimate {
	e := &estimate{d: d, c: c, day: day, silences: silences}
	for g := range channels {
		m := c.Params[g]
		if m == nil {
			continue
		}
		s := model.NewState(&panels[g], m)
		s.Advance(day)
		if underway {
			s.Underway()
		}
		var gone []model.Silence
		for i := range silences {
			if silences[i].From < day {
				gone = append(gone, silences[i].model(c.Class, g, d.Areas.Leaves))
			}
		}
		if len(gone) > 0 {
			s.Without(gone)
		}
		e.rates[g] = m.Rates(d.Areas, kernels[g], s)
	}
	return e
}

// over makes the field of a horizon.
func (e *estimate) over(horizon int) *field {
	n := len(e.d.Areas.Parent)
	f := &field{total: make([]int64, n), extra: make([]float64, n), volume: make([]float64, n), silent: make([]float64, n), seen: make([]float64, n), hushed: make([]float64, n)}
	for t := range f.terms {
		f.terms[t] = make([]int64, n)
	}
	means := make([]float64, n)
	for g, r := range e.rates {
		if r == nil {
			continue
		}
		m := e.c.Params[g]
		span := m.Horizon(e.day, horizon)
		for u := range e.d.Areas.Leaves {
			for p := range model.Parts {
				f.terms[g*model.Parts+p][u] = millionths(r.Part[p][u] * span.Days)
			}
			rate := r.Total(u)
			f.terms[termSeason][u] += millionths(rate * (span.Season - span.Days))
			f.terms[termWeek][u] += millionths(rate * (span.All - span.Season))
			mean := rate * span.All
			means[u] += mean
			f.extra[u] += mean * mean / model.Spread(mean, m.Size, r.Shape[u]).Size
			f.volume[u] += r.Expected[u]
			f.seen[u] += r.Counted[u]
		}
		e.hush(g, span.All, f)
	}
	e.roll(f, means)
	return f
}

// hush widens where sources are silent: after four weeks of silence the standard deviation of what they told of is as
// large as its mean.
func (e *estimate) hush(g int, factor float64, f *field) {
	for i := range e.silences {
		q := &e.silences[i]
		days := float64(e.day - q.From)
		if days <= 0 {
			continue
		}
		wide := min(1, days/28)
		for u, v := range q.Shares[e.c.Class][g] {
			if u < e.d.Areas.Leaves {
				share := float64(v) / 255
				mean := e.rates[g].Total(u) * factor * share
				f.hushed[u] += mean * math.Sqrt(wide)
				f.silent[u] += share * e.rates[g].Expected[u]
			}
		}
	}
}

// roll sums leaves up. The places move together to some part: the variance of a sum is at least that of the whole city's,
// for its mean.
func (e *estimate) roll(f *field, means []float64) {
	for u := range f.total {
		if u >= e.d.Areas.Leaves && e.c.Shared > 0 {
			f.extra[u] = max(f.extra[u], means[u]*means[u]/e.c.Shared)
		}
		for t := range f.terms {
			f.total[u] += f.terms[t][u]
		}
		up := e.d.Areas.Parent[u]
		if up < 0 {
			continue
		}
		for t := range f.terms {
			f.terms[t][up] += f.terms[t][u]
		}
		means[up] += means[u]
		f.extra[up] += f.extra[u]
		f.volume[up] += f.volume[u]
		f.silent[up] += f.silent[u]
		f.seen[up] += f.seen[u]
		f.hushed[up] += f.hushed[u]
	}
	for u := range f.silent {
		f.extra[u] += f.hushed[u] * f.hushed[u]
		if f.volume[u] > 0 {
			f.silent[u] /= f.volume[u]
		}
	}
}

// forecast of a node.
func (f *field) forecast(node int32) model.NegBin {
	d := model.NegBin{Mean: float64(f.total[node]) / Millionths, Size: math.Inf(1)}
	if f.extra[node] > 0 && d.Mean > 0 {
		d.Size = d.Mean * d.Mean / f.extra[node]
	}
	return d
}
