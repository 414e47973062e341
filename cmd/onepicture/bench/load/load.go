// Package load puts servers of this program under load as people make it, and tells what the clients saw, what the
// servers used, and whether everything that was acknowledged is there afterwards.
package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

// Options of a run.
type Options struct {
	Program               string // the program that serves; it is started once for each server
	DatabaseURL, RedisURL string
	Data                  string // folder of the private services, for faults; empty when they are not private
	Logs                  string // folder for the servers' logs
	Cookie                string // sent with each request; empty: none
	Pool                  *pgxpool.Pool
	Progress              io.Writer // a line every ten seconds

	Servers int
	Span    time.Duration
	Seed    uint64

	Clients int           // of the mixed load
	Think   time.Duration // mean pause of a client between two steps; a step is a view of tiles, a question or a report
	Faults  []Fault

	Steps   []Step // of the measurement of streams
	Writers int    // connections that send reports there
	Phones  int    // streams beside, that lose their network in the middle of each step and come back
}

// environment names the services to a server, whatever the environment of this process says.
func (o *Options) environment() []string {
	ours := []string{"DATABASE_URL=" + o.DatabaseURL, "REDIS_URL=" + o.RedisURL}
	return append(slices.DeleteFunc(os.Environ(), func(e string) bool {
		return strings.HasPrefix(e, "DATABASE_URL") || strings.HasPrefix(e, "REDIS_URL")
	}), ours...)
}

// Minute is what the clients saw in one minute.
type Minute struct {
	Rate   float64 // good answers a second
	Class  [classes]Figure
	Errors int64
}

// Figure sums up a histogram.
type Figure struct {
	N                  int64
	P50, P95, P99, Max time.Duration
}

func figureOf(h *Histogram) Figure {
	return Figure{h.N(), h.Quantile(0.5), h.Quantile(0.95), h.Quantile(0.99), h.Max()}
}

// Report is the outcome of a mixed load.
type Report struct {
	Began                   time.Time
	Clients                 int
	Think, Span             time.Duration
	Loaded                  []time.Duration // by server: start to a complete index
	Classes                 [classes]Figure
	Kinds                   []Named
	Zooms                   []int64 // tiles asked for, by zoom
	Bytes                   int64   // of bodies on the wire
	Failures                []Failure
	Gaps                    [classes]Gap
	Faults                  []Fault
	Minutes                 []Minute
	Samples                 [][]Sample // by server
	Servers, Generator, All time.Duration
	Proof                   Proof
}

// Named is a figure with its name.
type Named struct {
	Name string
	Figure
}

// samplePause is how often the servers' state is read.
const samplePause = 2 * time.Second

// drain is how long clients may take at the end to hear of their last report.
const drain = time.Minute

// run is one measurement: the servers, and what the clients saw.
type run struct {
	*Options
	servers []*server
	loaded  []time.Duration
	atlas   *atlas
	tally   *tally
	outbox  *outbox
}

// open starts the servers and looks at the city.
func open(ctx context.Context, o *Options) (r *run, err error) {
	r = &run{Options: o, outbox: newOutbox("load " + strconv.FormatInt(time.Now().Unix(), 36))}
	for i := range o.Servers {
		s, took, err := startServer(ctx, o, fmt.Sprintf("server-%d", i+1))
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
		r.servers, r.loaded = append(r.servers, s), append(r.loaded, took)
		fmt.Fprintf(o.Progress, "server %d serves on %s, index loaded in %s\n", i+1, s.address, took.Round(10*time.Millisecond))
	}
	c := newConn(r.servers[0].address, o.Cookie)
	defer c.close()
	if r.atlas, err = survey(ctx, c); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *run) close() (err error) {
	for _, s := range r.servers {
		err = errors.Join(err, s.stop())
	}
	r.servers = nil
	return err
}

// Mixed runs the mixed load: 80 % tiles, 15 % questions, 5 % reports, in a closed loop. An error says that it could
// not be measured or that what was acknowledged is not there; failed requests are in the report.
func Mixed(ctx context.Context, o Options) (rep *Report, err error) {
	if len(o.Faults) > 0 && o.Data == "" {
		return nil, errors.New("faults need private services: they are not done to servers of somebody else")
	}
	r, err := open(ctx, &o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	rep = &Report{Began: time.Now(), Clients: o.Clients, Think: o.Think, Span: o.Span, Loaded: r.loaded, Faults: o.Faults}
	if err := r.mix(ctx, rep); err != nil {
		return nil, err
	}
	r.sum(rep)
	if rep.Proof, err = r.prove(ctx); err != nil {
		return rep, err
	}
	return rep, ctx.Err()
}

// mix lets the clients live for the span.
func (r *run) mix(ctx context.Context, rep *Report) error {
	machine, err := busy()
	if err != nil {
		return err
	}
	self := ownCPU()
	r.tally = newTally(time.Now())
	stop, cancelStop := context.WithTimeout(ctx, r.Span)
	defer cancelStop()
	hard, cancelHard := context.WithTimeout(ctx, r.Span+drain)
	defer cancelHard()
	var people sync.WaitGroup
	for i := range r.Clients {
		c := &client{
			walker: newWalker(r.atlas, r.Seed+uint64(i)), conn: newConn(r.servers[i%len(r.servers)].address, r.Cookie),
			tally: r.tally, outbox: r.outbox, think: r.Think,
		}
		people.Go(func() { c.live(hard, stop) })
	}
	var g errgroup.Group
	g.Go(func() error { return r.watch(stop, rep) })
	g.Go(func() error { return strikeAll(stop, r.Faults, r.Data, r.tally.began) })
	err = g.Wait()
	if err != nil {
		cancelStop()
		cancelHard()
	}
	people.Wait()
	now, busyErr := busy()
	rep.All, rep.Generator = now-machine, ownCPU()-self
	rep.Span = time.Since(r.tally.began)
	return errors.Join(err, busyErr)
}

// watch reads the servers' state again and again, closes each minute and shows how it goes.
func (r *run) watch(ctx context.Context, rep *Report) error {
	rep.Samples = make([][]Sample, len(r.servers))
	conns := make([]*conn, len(r.servers))
	for i, s := range r.servers {
		conns[i] = newConn(s.address, r.Cookie)
		defer conns[i].close()
	}
	var errorsBefore int64
	minute, shown := r.tally.began, r.tally.began
	for pause(ctx, samplePause) {
		for i, s := range r.servers {
			if one, err := s.sample(ctx, conns[i], r.tally.began); err == nil {
				rep.Samples[i] = append(rep.Samples[i], one)
			} else if ctx.Err() == nil && len(s.ended) > 0 {
				return fmt.Errorf("server %d ended under load; see %s", i+1, s.log.Name())
			}
		}
		now := time.Now()
		if now.Sub(shown) >= 10*time.Second {
			shown = now
			r.show(rep, now.Sub(minute))
		}
		if now.Sub(minute) >= time.Minute {
			m := r.closeMinute(now.Sub(minute))
			n := r.tally.errors()
			m.Errors, errorsBefore = n-errorsBefore, n
			rep.Minutes = append(rep.Minutes, m)
			minute = now
		}
	}
	return nil
}

func (r *run) closeMinute(took time.Duration) (m Minute) {
	w := r.tally.window.Swap(new([classes]Histogram))
	for c := range classes {
		m.Class[c] = figureOf(&w[c])
		m.Rate += float64(m.Class[c].N) / took.Seconds()
	}
	return m
}

func (r *run) show(rep *Report, since time.Duration) {
	w := r.tally.window.Load()
	var n int64
	var text strings.Builder
	for c := range classes {
		n += w[c].N()
		fmt.Fprintf(&text, "  %s p50 %s p99 %s", c, short(w[c].Quantile(0.5)), short(w[c].Quantile(0.99)))
	}
	for i, list := range rep.Samples {
		if len(list) > 0 {
			last := list[len(list)-1]
			fmt.Fprintf(&text, "  server %d %d MiB", i+1, last.RSS>>20)
		}
	}
	fmt.Fprintf(r.Progress, "%6s  %.0f/s%s  errors %d\n", time.Since(r.tally.began).Round(time.Second), float64(n)/since.Seconds(), text.String(), r.tally.errors())
}

// sum fills the report from the tally.
func (r *run) sum(rep *Report) {
	for c := range classes {
		rep.Classes[c] = figureOf(r.tally.class(c))
	}
	for k := range kinds {
		if h := &r.tally.kinds[k]; h.N() > 0 {
			rep.Kinds = append(rep.Kinds, Named{kindNames[k], figureOf(h)})
		}
	}
	for z := range r.tally.zooms {
		rep.Zooms = append(rep.Zooms, r.tally.zooms[z].Load())
	}
	rep.Bytes, rep.Failures, rep.Gaps = r.tally.bytes.Load(), r.tally.failed(), r.tally.gap
	for _, list := range rep.Samples {
		if len(list) > 0 {
			rep.Servers += list[len(list)-1].CPU - list[0].CPU
		}
	}
}

// ownCPU is the processor time of this process.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0 // it fails for a bad argument only (getrusage(2))
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
