package backtest

import (
	"context"
	"slices"

	"onepicture/layers/risk/model"
)

// Score is how one model did.
type Score struct {
	Model     string      `json:"model"`
	Spec      model.Spec  `json:"spec"`
	Baseline  bool        `json:"baseline"`
	Log       Interval    `json:"log"` // mean logarithm of the probability of what came, per event
	Hit       [4]Interval `json:"hit"` // share of the events in 1, 5, 10 and 20 % of the area
	PAI       [4]float64  `json:"pai"` // hit over share of the area
	PEI       [4]float64  `json:"pei"` // hits over those that were possible
	Cover     Interval    `json:"cover"`
	Shown     float64     `json:"shown"`  // leaves inside the interval of whole numbers
	Stable    float64     `json:"stable"` // mean overlap of the flagged 5 % with the week before
	Bias      float64     `json:"bias"`   // forecast over what came
	LogBeats  Interval    `json:"logBeats"`
	HitBeats  Interval    `json:"hitBeats"` // in 5 %, against the baseline that is best there
	Recovered *Recovered  `json:"recovered,omitempty"`
	Flags     []Flagged   `json:"flags,omitempty"`
}

// Beats tells that both intervals exclude 0.
func (s *Score) Beats() bool { return s.LogBeats.Above() && s.HitBeats.Above() }

// Flagged is how often one part of the city is among the flagged 5 %, beside its share of area and events.
type Flagged struct {
	Place  string  `json:"place"`
	Area   float64 `json:"area"`
	Events float64 `json:"events"`
	Flags  float64 `json:"flags"`
}

// Result is a category's table with what ships.
type Result struct {
	Category string         `json:"category"`
	Events   int            `json:"events"` // in the test
	Trained  int            `json:"trained"`
	Leaves   int            `json:"leaves"`
	Steps    int            `json:"steps"`
	Scores   []Score        `json:"scores"`
	BestLog  string         `json:"bestLog"` // baseline
	BestHit  string         `json:"bestHit"` // baseline
	Ships    model.Spec     `json:"ships"`
	Why      []Decision     `json:"why"`
	Params   []model.Params `json:"-"`
}

// Decision says why a model or a term is on or off.
type Decision struct {
	Term     string   `json:"term"`  // "shrunk", "spill" …
	Model    string   `json:"model"` // that was tried with it
	On       bool     `json:"on"`
	LogBeats Interval `json:"logBeats"` // over the best baseline
	HitBeats Interval `json:"hitBeats"`
	LogGains Interval `json:"logGains"` // over the same model without the term
}

// Run measures the baselines and the models of a problem and decides what ships. tell is called before each model.
func Run(ctx context.Context, p *Problem, tell func(modelName string)) (*Result, error) {
	p.Panels = slices.DeleteFunc(slices.Clone(p.Panels), func(q model.Panel) bool { return q.Total(q.Start, p.TrainEnd) == 0 })
	c := p.course()
	l := &ladder{ctx: ctx, p: p, c: c, tell: tell, weights: resample(len(c.origins)), done: map[string]*weekly{}}
	if err := l.climb(); err != nil {
		return nil, err
	}
	return l.result(), nil
}

// ladder tries models from the simple to the rich.
type ladder struct {
	ctx     context.Context
	p       *Problem
	c       *course
	tell    func(string)
	weights [][]float64
	order   []*weekly
	done    map[string]*weekly
	bestLog *weekly
	bestHit *weekly
	ships   model.Spec
	why     []Decision
}

func (l *ladder) try(spec model.Spec) (*weekly, error) {
	if w := l.done[spec.Name()]; w != nil {
		return w, nil
	}
	if l.tell != nil {
		l.tell(spec.Name())
	}
	w, err := l.p.run(l.ctx, spec, l.c)
	if err != nil {
		return nil, err
	}
	l.order, l.done[spec.Name()] = append(l.order, w), w
	return w, nil
}

func (l *ladder) climb() error {
	for _, b := range []model.Base{model.Random, model.Year, model.History, model.KDE} {
		w, err := l.try(model.Spec{Base: b})
		if err != nil {
			return err
		}
		if l.bestLog == nil || total(w.log) > total(l.bestLog.log) {
			l.bestLog = w
		}
		if l.bestHit == nil || total(w.hits[share5]) > total(l.bestHit.hits[share5]) {
			l.bestHit = w
		}
	}
	l.ships = l.bestLog.spec
	now, err := l.try(model.Spec{Base: model.Shrunk})
	if err != nil {
		return err
	}
	if l.decide("shrunk", now, nil) {
		l.ships = now.spec
	}
	for left := []string{"spill", "recent", "season", "week"}; len(left) > 0; {
		var best *weekly
		var term string
		for _, t := range left {
			w, err := l.try(with(now.spec, t))
			if err != nil {
				return err
			}
			if l.decide(t, w, now) && (best == nil || total(w.log) > total(best.log)) {
				best, term = w, t
			}
		}
		if best == nil {
			// A term may need another one beside it before the whole beats a baseline: try all of them once.
			return l.whole()
		}
		now, l.ships = best, best.spec
		left = slices.DeleteFunc(left, func(t string) bool { return t == term })
	}
	return nil
}

// whole tries the model with every term, which ships when nothing smaller did.
func (l *ladder) whole() error {
	w, err := l.try(model.Spec{Base: model.Shrunk, Terms: model.Terms{Spill: true, Recent: true, Season: true, Week: true}})
	if err != nil {
		return err
	}
	if l.decide("all", w, nil) && l.ships.Base != model.Shrunk {
		l.ships = w.spec
	}
	return nil
}

// leastGain keeps terms off that change nothing: a rhythm of the week, over whole weeks.
const leastGain = 1e-6

// decide notes what a model with a term is worth. It is on when the model beats the best baseline in both measures and
// is the better forecast than without the term.
func (l *ladder) decide(term string, w, without *weekly) bool {
	d := Decision{Term: term, Model: w.spec.Name(), LogBeats: l.logOver(w, l.bestLog), HitBeats: l.hitOver(w)}
	d.On = d.LogBeats.Above() && d.HitBeats.Above()
	if without != nil {
		d.LogGains = l.logOver(w, without)
		d.On = d.On && d.LogGains.Lo > leastGain
	}
	l.why = append(l.why, d)
	return d.On
}

func (l *ladder) logOver(a, b *weekly) Interval {
	return ratio(minus(a.log, b.log), l.c.events, l.weights)
}

func (l *ladder) hitOver(w *weekly) Interval {
	return ratio(minus(w.hits[share5], l.bestHit.hits[share5]), l.c.events, l.weights)
}

func with(s model.Spec, term string) model.Spec {
	switch term {
	case "spill":
		s.Terms.Spill = true
	case "recent":
		s.Terms.Recent = true
	case "season":
		s.Terms.Season = true
	case "week":
		s.Terms.Week = true
	}
	return s
}

func (l *ladder) result() *Result {
	p, c := l.p, l.c
	r := &Result{
		Category: p.Category, Events: int(total(c.events)), Leaves: p.Areas.Leaves, Steps: len(c.origins),
		BestLog: l.bestLog.spec.Name(), BestHit: l.bestHit.spec.Name(), Ships: l.ships, Why: l.why,
	}
	for i := range p.Panels {
		r.Trained += p.Panels[i].Total(p.Panels[i].Start, p.TrainEnd)
	}
	for _, w := range l.order {
		r.Scores = append(r.Scores, l.score(w))
	}
	for _, m := range l.done[l.ships.Name()].params {
		r.Params = append(r.Params, *m)
	}
	return r
}

func (l *ladder) score(w *weekly) Score {
	c := l.c
	s := Score{
		Model: w.spec.Name(), Spec: w.spec, Baseline: w.spec.Baseline(), Log: ratio(w.log, c.events, l.weights),
		Cover: ratio(w.cover, ones(len(w.cover)), l.weights), Shown: quotient(w.shown, ones(len(w.shown)), nil),
		Bias: quotient(w.forecast, c.events, nil), LogBeats: l.logOver(w, l.bestLog), HitBeats: l.hitOver(w),
		Recovered: w.truth.recovered(),
	}
	if len(w.overlap) > 1 {
		s.Stable = total(w.overlap[1:]) / float64(len(w.overlap)-1)
	}
	for i, share := range Shares {
		s.Hit[i] = ratio(w.hits[i], c.events, l.weights)
		s.PAI[i] = s.Hit[i].Value / share
		s.PEI[i] = quotient(w.hits[i], c.best[i], nil)
	}
	s.Flags = l.flags(w)
	return s
}

// flags by the places right above the leaves.
func (l *ladder) flags(w *weekly) []Flagged {
	p := l.p
	n := len(p.Areas.Parent) - p.Areas.Leaves
	area, events := make([]float64, n), make([]float64, n)
	for u := range p.Areas.Leaves {
		up := int(p.Areas.Parent[u]) - p.Areas.Leaves
		if up < 0 {
			continue
		}
		area[up] += p.Areas.AreaM2[u]
		for at := range l.c.y {
			events[up] += float64(l.c.y[at][u])
		}
	}
	var out []Flagged
	for i := range area {
		if area[i] > 0 && i < len(p.Names) {
			out = append(out, Flagged{
				p.Names[i], area[i] / total(area), events[i] / max(1, total(events)), w.flags[i] / max(1, total(w.flags)),
			})
		}
	}
	return out
}

func total(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s
}
