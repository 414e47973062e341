package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Row is one measurement beside its baseline of the same run.
type Row struct {
	ID       string // the number of the target
	What     string
	P50, P99 time.Duration // ours; zero: the row has no time
	Ours     string        // what else is ours: bytes, rates
	Baseline string        // what the other way took
	Ratio    string
	Target   string
	Met      Verdict
}

// Verdict tells whether a target is met.
type Verdict string

// Verdicts. A row is open when this run cannot decide it.
const (
	Met    Verdict = "yes"
	Missed Verdict = "no"
	Open   Verdict = "not measured here"
)

func verdict(met bool) Verdict {
	if met {
		return Met
	}
	return Missed
}

var columns = []string{"#", "what", "ours p50 / p99", "more", "baseline", "ratio", "target", "met"}

func (r Row) cells() []string {
	took := "–"
	if r.P50 > 0 {
		took = short(r.P50) + " / " + short(r.P99)
	}
	return []string{r.ID, r.What, took, r.Ours, r.Baseline, r.Ratio, r.Target, string(r.Met)}
}

// Markdown writes the rows as a table.
func Markdown(w io.Writer, rows []Row) error {
	lines := [][]string{columns, slices.Repeat([]string{"---"}, len(columns))}
	for _, r := range rows {
		lines = append(lines, r.cells())
	}
	for _, line := range lines {
		if _, err := fmt.Fprintf(w, "| %s |\n", strings.Join(line, " | ")); err != nil {
			return fmt.Errorf("write table: %w", err)
		}
	}
	return nil
}

// short is a duration to three digits.
func short(d time.Duration) string {
	unit := time.Nanosecond
	for unit*1000 <= d {
		unit *= 10
	}
	return d.Round(unit).String()
}

// percentile is the smallest of the sorted durations that is not below a part of them; part is in 0…1.
func percentile(sorted []time.Duration, part float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := int(part*float64(len(sorted))+0.999999) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// repeat times do until it was done most times or the time is over, at least once; sorted.
func repeat(most int, within time.Duration, do func() error) ([]time.Duration, error) {
	var out []time.Duration
	for began := time.Now(); len(out) < most && (len(out) == 0 || time.Since(began) < within); {
		start := time.Now()
		if err := do(); err != nil {
			return nil, err
		}
		out = append(out, time.Since(start))
	}
	slices.Sort(out)
	return out, nil
}

func times(base, ours time.Duration) string {
	return fmt.Sprintf("%.3g× faster", float64(base)/float64(max(ours, 1)))
}
