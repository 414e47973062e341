package risk

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"onepicture/layers/risk/backtest"
)

// Markdown writes the tables of a back-test.
func (t *Backtest) Markdown(w io.Writer) error {
	p := &printer{w: w}
	p.line("## Back-test %d", t.ID)
	p.line("")
	p.line("Measured %s, state %s. Forecasts of %d days; intervals are the middle 95 %% of 1,000 block bootstraps.", t.MadeAt.UTC().Format("2006-01-02 15:04"), t.State, t.Spec.Horizon)
	for i := range t.Parts {
		p.part(&t.Parts[i])
	}
	return p.err
}

type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) part(part *Part) {
	r := &part.Result
	division := part.Division
	if division != "places" {
		division += " m squares"
	}
	p.line("\n### %s, %s", r.Category, division)
	p.line("\n%d events trained on; %d events in %d steps and %d places. Best baseline: %s by log score, %s by hits. **Ships: %s.**\n",
		r.Trained, r.Events, r.Steps, r.Leaves, r.BestLog, r.BestHit, r.Ships.Name())
	p.line("| model | log score an event | hit 1 %% | hit 5 %% | hit 10 %% | hit 20 %% | PAI 5 %% | PEI 5 %% | cover of 90 %% | stable | forecast / came | Δ log | Δ hit 5 %% |")
	p.line("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for i := range r.Scores {
		s := &r.Scores[i]
		name := s.Model
		if name == r.Ships.Name() {
			name = "**" + name + "**"
		}
		p.line("| %s | %s | %s | %s | %s | %s | %.2f | %.2f | %.1f %% (shown %.1f %%) | %.2f | %.2f | %s | %s |", name, span(s.Log, 1, 4),
			percent(s.Hit[0]), percent(s.Hit[1]), percent(s.Hit[2]), percent(s.Hit[3]), s.PAI[1], s.PEI[1],
			100*s.Cover.Value, 100*s.Shown, s.Stable, s.Bias, span(s.LogBeats, 1, 4), span(s.HitBeats, 100, 2))
	}
	p.line("")
	for _, d := range r.Why {
		state := "off"
		if d.On {
			state = "on"
		}
		p.line("- %s (%s): %s. Over the best baseline: log %s, hit 5 %% %s points; over the model without it: log %s.", d.Term, d.Model, state,
			span(d.LogBeats, 1, 4), span(d.HitBeats, 100, 2), span(d.LogGains, 1, 4))
	}
	for i := range r.Scores {
		if s := &r.Scores[i]; s.Recovered != nil && s.Model == r.Ships.Name() {
			p.line("- Of the true rates: correlation %.3f, slope of the truth on the forecast %.3f, total %.3f, mean distance over mean rate %.3f.",
				s.Recovered.Correlation, s.Recovered.Slope, s.Recovered.Total, s.Recovered.Missed)
		}
	}
	p.flags(r)
}

// flags tells where the flagged 5 % lie, the most over-flagged parts first, at most eight.
func (p *printer) flags(r *backtest.Result) {
	for i := range r.Scores {
		s := &r.Scores[i]
		if s.Model != r.Ships.Name() || len(s.Flags) < 2 {
			continue
		}
		p.line("\n| part of the city | of the area | of the events | of the flags |\n|---|---|---|---|")
		for k, f := range topFlags(s.Flags) {
			if k == 8 {
				break
			}
			p.line("| %s | %.1f %% | %.1f %% | %.1f %% |", f.Place, 100*f.Area, 100*f.Events, 100*f.Flags)
		}
	}
}

func span(i backtest.Interval, times float64, digits int) string {
	return fmt.Sprintf("%.*f [%.*f, %.*f]", digits, times*i.Value, digits, times*i.Lo, digits, times*i.Hi)
}

func percent(i backtest.Interval) string {
	return fmt.Sprintf("%.1f [%.1f, %.1f]", 100*i.Value, 100*i.Lo, 100*i.Hi)
}

// topFlags are those with the most flags.
func topFlags(list []backtest.Flagged) []backtest.Flagged {
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b backtest.Flagged) int { return cmp.Compare(b.Flags, a.Flags) })
	return out
}
