package model

import "math"

// Silence is a source that has delivered nothing since a day: of what happens in a leaf, the share is not known from
// then on. It takes exposure away, so that silence never looks like peace.
type Silence struct {
	From  int32
	Share []float64 // by leaf, 0 … 1
}

// column is a sum over a leaf's events by weight, with the days of exposure it was summed over by the same weight.
type column struct {
	n    []float64
	days float64
	lost []float64 // by leaf: days in which nothing could be known; nil: none
}

// exposure of a leaf in days, never nothing.
func (c *column) exposure(i int) float64 {
	if c.lost == nil {
		return c.days
	}
	return max(c.days-c.lost[i], c.days*0.02, 1e-6)
}

// State is what is known before a day: counts of all time, of a year, fading and recent ones.
type State struct {
	Day                      int32
	all, year, faded, recent column
	panel                    *Panel
	params                   *Params
}

// NewState knows nothing yet; Advance takes it to a day.
func NewState(p *Panel, params *Params) *State {
	s := &State{Day: p.Start, panel: p, params: params}
	for _, c := range []*column{&s.all, &s.year, &s.faded, &s.recent} {
		c.n = make([]float64, len(p.Days))
	}
	return s
}

// fade is the weight of what is some days old, for a half-life; 0: it does not fade.
func fade(age, halfLife float64) float64 {
	if halfLife == 0 {
		return 1
	}
	return math.Exp2(-age / halfLife)
}

// Advance learns the events of the days before to. One pass over the events since the last day.
func (s *State) Advance(to int32) {
	from := s.Day
	n := int(to - from)
	if n <= 0 {
		return
	}
	half, tau := s.params.HalfLife, s.params.tau()
	f := s.params.Calendar.factors(from, to)
	slow, quick := make([]float64, n), make([]float64, n)
	oldSlow, oldQuick := fade(float64(n), half), math.Exp(-float64(n)/tau)
	s.faded.days *= oldSlow
	s.recent.days *= oldQuick
	for i := range n {
		age := float64(n - i)
		slow[i], quick[i] = fade(age, half), math.Exp(-age/tau)
		s.all.days += f[i]
		s.faded.days += f[i] * slow[i]
		s.recent.days += f[i] * quick[i]
	}
	for u, days := range s.panel.Days {
		s.faded.n[u] *= oldSlow
		s.recent.n[u] *= oldQuick
		at := lowerBound(days, from)
		for ; at < len(days) && days[at] < to; at++ {
			i := days[at] - from
			s.all.n[u]++
			s.faded.n[u] += slow[i]
			s.recent.n[u] += quick[i]
		}
		s.year.n[u] = float64(countIn(days, to-365, to))
	}
	s.year.days = sum(s.params.Calendar.factors(max(s.panel.Start, to-365), to))
	s.Day = to
}

// Without takes away the exposure of the leaves whose sources are silent.
func (s *State) Without(silences []Silence) {
	tau := s.params.tau()
	for _, c := range []*column{&s.all, &s.year, &s.faded, &s.recent} {
		c.lost = nil
	}
	for _, q := range silences {
		from := max(q.From, s.panel.Start)
		f := s.params.Calendar.factors(from, s.Day)
		var all, year, faded, recent float64
		for i, w := range f {
			age := float64(int(s.Day-from) - i)
			all += w
			year += w * indicator(age <= 365)
			faded += w * fade(age, s.params.HalfLife)
			recent += w * math.Exp(-age/tau)
		}
		s.all.lose(q.Share, all)
		s.year.lose(q.Share, year)
		s.faded.lose(q.Share, faded)
		s.recent.lose(q.Share, recent)
	}
}

func (c *column) lose(share []float64, days float64) {
	if c.lost == nil {
		c.lost = make([]float64, len(c.n))
	}
	for i, s := range share {
		c.lost[i] += s * days
	}
}

// tau is never nothing.
func (p *Params) tau() float64 {
	if p.Tau == 0 {
		return 14
	}
	return p.Tau
}
