package load

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// short is a duration to three digits.
func short(d time.Duration) string {
	unit := time.Nanosecond
	for unit*1000 <= d {
		unit *= 10
	}
	return d.Round(unit).String()
}

// page writes lines and keeps the first error.
type page struct {
	w   io.Writer
	err error
}

func (p *page) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *page) row(cells ...string) { p.line("| %s |", strings.Join(cells, " | ")) }

func (p *page) head(cells ...string) {
	p.line("")
	p.row(cells...)
	for i := range cells {
		cells[i] = "---"
	}
	p.row(cells...)
}

func (f Figure) cells() []string {
	return []string{fmt.Sprint(f.N), short(f.P50), short(f.P95), short(f.P99), short(f.Max)}
}

// Markdown writes the report.
func (r *Report) Markdown(w io.Writer) error {
	p := &page{w: w}
	var total int64
	for _, c := range r.Classes {
		total += c.N
	}
	seconds := r.Span.Seconds()
	p.line("%s, %d clients with a mean pause of %s in a closed loop, %d server(s): %d requests, %.0f a second, %.1f MB/s of bodies.",
		r.Span.Round(time.Second), r.Clients, r.Think, len(r.Samples), total, float64(total)/seconds, float64(r.Bytes)/1e6/seconds)
	p.head("class", "requests", "share", "p50", "p95", "p99", "longest", "failed")
	for c, f := range r.Classes {
		cells := f.cells()
		failed := int64(0)
		for _, e := range r.Failures {
			if e.Class == Class(c) {
				failed += e.N
			}
		}
		share := fmt.Sprintf("%.1f %%", 100*float64(f.N)/float64(max(total, 1)))
		p.row(append([]string{Class(c).String(), cells[0], share}, append(cells[1:], fmt.Sprint(failed))...)...)
	}
	p.head("what", "requests", "p50", "p95", "p99", "longest")
	for _, k := range r.Kinds {
		p.row(append([]string{k.Name}, k.cells()...)...)
	}
	r.troubles(p)
	r.use(p)
	r.minutes(p)
	p.line("")
	p.line("Tiles by zoom: %s.", zooms(r.Zooms))
	p.line("")
	p.line("%s", r.Proof)
	return p.err
}

// troubles tells of faults and of what failed.
func (r *Report) troubles(p *page) {
	p.line("")
	for _, f := range r.Faults {
		p.line("- at %s: %s", f.At, f.What)
	}
	if len(r.Failures) == 0 {
		p.line("No request failed.")
	}
	if len(r.Failures) > 0 {
		p.head("class", "failed as", "times", "first", "last")
		for _, f := range r.Failures {
			p.row(f.Class.String(), f.What, fmt.Sprint(f.N), short(f.First), short(f.Last))
		}
	}
	p.line("")
	p.line("Longest time without one good answer:%s.", r.gaps())
}

func (r *Report) gaps() string {
	var b strings.Builder
	for c, g := range r.Gaps {
		fmt.Fprintf(&b, " %s %s (at %s);", Class(c), short(g.To-g.From), short(g.From))
	}
	return strings.TrimSuffix(b.String(), ";")
}

// use tells what the servers and the machine used.
func (r *Report) use(p *page) {
	p.head("server", "minute", "RSS", "Go heap (least within 30 s)", "tiles in memory", "goroutines", "index behind by")
	for i, list := range r.Samples {
		for _, minute := range []int{1, 10, 30} {
			if s, ok := around(list, time.Duration(minute)*time.Minute); ok {
				p.row(usedAt(i, fmt.Sprint(minute), s)...)
			}
		}
		if len(list) > 0 {
			s, _ := around(list, list[len(list)-1].At)
			p.row(usedAt(i, "end", s)...)
		}
	}
	p.line("")
	s := r.Span.Seconds()
	p.line("Processors busy (of all cores together): servers %.2f, load generator %.2f, PostgreSQL, Redis and everything else %.2f.",
		r.Servers.Seconds()/s, r.Generator.Seconds()/s, (r.All-r.Servers-r.Generator).Seconds()/s)
}

func usedAt(server int, when string, s Sample) []string {
	mib := func(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
	return []string{fmt.Sprint(server + 1), when, mib(s.RSS), mib(s.Heap), mib(s.Cache), fmt.Sprint(s.Goroutines), short(s.Lag)}
}

// around is the state at a time: the largest memory and lag, and the least heap, which is what a collection left,
// within half a minute before it.
func around(list []Sample, at time.Duration) (Sample, bool) {
	var out Sample
	found := false
	for _, s := range list {
		if s.At > at || s.At < at-30*time.Second {
			continue
		}
		if !found {
			out, found = s, true
			continue
		}
		out.Heap, out.RSS, out.Lag = min(out.Heap, s.Heap), max(out.RSS, s.RSS), max(out.Lag, s.Lag)
		out.Goroutines, out.Cache = max(out.Goroutines, s.Goroutines), max(out.Cache, s.Cache)
	}
	return out, found && (len(list) == 0 || list[len(list)-1].At >= at-samplePause)
}

func (r *Report) minutes(p *page) {
	if len(r.Minutes) == 0 {
		return
	}
	p.head("minute", "requests/s", "tiles p50 / p99", "queries p50 / p99", "writes p50 / p99", "failed")
	for i, m := range r.Minutes {
		cells := []string{fmt.Sprint(i + 1), fmt.Sprintf("%.0f", m.Rate)}
		for _, f := range m.Class {
			cells = append(cells, short(f.P50)+" / "+short(f.P99))
		}
		p.row(append(cells, fmt.Sprint(m.Errors))...)
	}
}

func zooms(list []int64) string {
	var sum int64
	for _, n := range list {
		sum += n
	}
	var parts []string
	for z, n := range list {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("z%d %.1f %%", z, 100*float64(n)/float64(sum)))
		}
	}
	return strings.Join(parts, ", ")
}

// String is the proof in words.
func (p Proof) String() string {
	if !p.Looked {
		return fmt.Sprintf("%d reports were acknowledged; the run was ended before they were looked for.", p.Acknowledged)
	}
	return fmt.Sprintf("Of %d acknowledged reports %d are in the database; %d were never acknowledged; the run left %d events. "+
		"The database holds %d events, the servers' indexes %v. `onepicture check`: %s.",
		p.Acknowledged, p.Found, p.Unknown, p.Events, p.SQL, p.Index, p.Check)
}

// Markdown writes the report.
func (r *StreamReport) Markdown(w io.Writer) error {
	p := &page{w: w}
	p.line("%d servers on one database, reports and streams spread over them. Reports are sent on a schedule that does not wait "+
		"for answers; “told” is from the ledger's time of the change until a stream of the other server has it, noted by %d "+
		"streams of each server, while the others count.", r.Servers, probes)
	p.head("reports/s × streams", "reports/s reached", "acknowledged p50 / p99", "told by the other server p50 / p99 / longest", "by the same server p50 / p99",
		"in the other server's tile, after acknowledged p50 / p99", "after sent p50 / p99")
	pair := func(f Figure) string { return short(f.P50) + " / " + short(f.P99) }
	for i := range r.Steps {
		s := &r.Steps[i]
		p.row(fmt.Sprintf("%d × %d", s.Rate, s.Streams), fmt.Sprintf("%.0f", float64(s.Sent)/s.Span.Seconds()), pair(s.Write),
			pair(s.Other)+" / "+short(s.Other.Max), pair(s.Same), pair(s.Tile), pair(s.TileSent))
	}
	p.head("reports/s × streams", "messages/s", "MB/s of streams", "told to reload", "ended", "stale tiles", "failed", "busy: servers", "generator", "rest", "RSS of servers", "each stream")
	for i := range r.Steps {
		s := &r.Steps[i]
		var failed int64
		for _, f := range s.Failures {
			failed += f.N
		}
		var rss []string
		for _, n := range s.RSS {
			rss = append(rss, fmt.Sprintf("%d MiB", n>>20))
		}
		p.row(fmt.Sprintf("%d × %d", s.Rate, s.Streams), fmt.Sprintf("%.0f", s.Told), fmt.Sprintf("%.1f", s.Bytes/1e6), fmt.Sprint(s.Resets), fmt.Sprint(s.Ended),
			fmt.Sprint(s.Stale), fmt.Sprint(failed), fmt.Sprintf("%.2f", s.Servers), fmt.Sprintf("%.2f", s.Gen), fmt.Sprintf("%.2f", s.All-s.Servers-s.Gen), strings.Join(rss, ", "),
			fmt.Sprintf("%d KiB", s.EachStream>>10))
	}
	r.proofs(p)
	for i := range r.Steps {
		for _, f := range r.Steps[i].Failures {
			p.line("")
			p.line("- step %s: %s failed %d times: %s", r.Steps[i].Step, f.Class, f.N, f.What)
		}
	}
	p.line("")
	p.line("%s", r.Proof)
	return p.err
}

// proofs tell what the streams were told, and how phones came back.
func (r *StreamReport) proofs(p *page) {
	p.head("reports/s × streams", "changes in the ledger", "without a receipt", "streams told of each exactly once", "phones back", "had all p50 / p99 / longest")
	for i := range r.Steps {
		s := &r.Steps[i]
		p.row(fmt.Sprintf("%d × %d", s.Rate, s.Streams), fmt.Sprint(s.Events), fmt.Sprint(s.Unacknowledged), fmt.Sprintf("%d of %d", s.Exact, s.Streams+s.Phones),
			fmt.Sprintf("%d of %d", s.Back.N, s.Phones), short(s.Back.P50)+" / "+short(s.Back.P99)+" / "+short(s.Back.Max))
	}
}
