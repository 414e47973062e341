package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"onepicture/sql"
)

// Step is one measurement of streams: so many reports a second while so many streams are open.
type Step struct{ Rate, Streams int }

// ParseStep reads RATExSTREAMS.
func ParseStep(text string) (s Step, err error) {
	if n, err := fmt.Sscanf(text, "%dx%d", &s.Rate, &s.Streams); err != nil || n != 2 || s.Rate < 1 || s.Streams < 1 || text != s.String() {
		return Step{}, fmt.Errorf("%q is not RATExSTREAMS, such as 100x1000", text)
	}
	return s, nil
}

func (s Step) String() string { return fmt.Sprintf("%dx%d", s.Rate, s.Streams) }

// StepReport is the outcome of a step.
type StepReport struct {
	Step
	Span              time.Duration
	Sent              int    // reports acknowledged
	Write             Figure // due → acknowledged: a report that had to wait for its turn counts from when it was due
	Same, Other       Figure // committed → told by a stream of the server that wrote it, and of another one
	Tile              Figure // acknowledged → in the other server's tile
	TileSent          Figure // sent → in the other server's tile: an upper bound of committed → in the tile
	Stale             int    // tiles that had reached the position, but not changed
	Failures          []Failure
	Ended             int   // streams that ended by themselves
	Events            int   // changes of the step's events in the ledger
	Unacknowledged    int   // of these, events without a receipt
	Exact             int   // streams that were told of each of these exactly as often as the ledger holds it
	Resets            int64 // streams that were told to load everything again
	Phones            int
	Back              Figure // a phone that comes back: first packet → has all that had been acknowledged by then
	EachStream        int64  // bytes that each open stream adds to its server
	Told              float64
	Bytes             float64 // of streams, per second
	Servers, Gen, All float64 // processors busy
	RSS               []int64 // by server, at the end
}

// StreamReport is the outcome of all steps.
type StreamReport struct {
	Servers int
	Loaded  []time.Duration
	Steps   []StepReport
	Proof   Proof
}

// probes is how many streams of each server note the time of each message. A server tells its streams in no order, so
// that they are a fair sample.
const probes = 20

// settle is how long streams may take to be told of the last report.
const settle = 30 * time.Second

var (
	lastEventSQL = sql.Text("load/last_event.sql")
	toldSQL      = sql.Text("load/told.sql")
)

// Streamed measures each step on the same servers.
func Streamed(ctx context.Context, o Options) (rep *StreamReport, err error) {
	r, err := open(ctx, &o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	rep = &StreamReport{Servers: len(r.servers), Loaded: r.loaded}
	for _, step := range o.Steps {
		one, err := r.step(ctx, step)
		if err != nil {
			return rep, fmt.Errorf("step %s: %w", step, err)
		}
		rep.Steps = append(rep.Steps, *one)
		fmt.Fprintf(o.Progress, "step %s: %d reports, other server's stream p50 %s p99 %s, tile p50 %s p99 %s\n",
			step, one.Sent, short(one.Other.P50), short(one.Other.P99), short(one.Tile.P50), short(one.Tile.P99))
	}
	if rep.Proof, err = r.prove(ctx); err != nil {
		return rep, err
	}
	return rep, rep.complete()
}

// complete fails when a stream was told too little, too much, or something twice.
func (r *StreamReport) complete() error {
	for i := range r.Steps {
		s := &r.Steps[i]
		if all := s.Streams + s.Phones; s.Exact != all {
			return fmt.Errorf("step %s: of %d streams %d were told each of %d changes exactly once", s.Step, all, s.Exact, s.Events)
		}
	}
	return nil
}

// step is one measurement.
type step struct {
	*run
	Step
	streams []*stream
	parts   *parts
	readers sync.WaitGroup
	closing atomic.Bool
	lost    atomic.Int64
	base    int64 // the last event before

	mu       sync.Mutex
	through  map[int64]int // the server that wrote an event
	writing  Histogram
	tile     Histogram
	tileSent Histogram
	stale    int
	sent     atomic.Int64
	phones   Histogram
}

func (r *run) step(ctx context.Context, what Step) (*StepReport, error) {
	s := &step{run: r, Step: what, through: map[int64]int{}}
	r.tally = newTally(time.Now())
	defer s.close()
	out := &StepReport{Step: what, Phones: r.Phones}
	if err := r.Pool.QueryRow(ctx, lastEventSQL).Scan(&s.base); err != nil {
		return nil, fmt.Errorf("find the last event: %w", err)
	}
	before, err := r.memory()
	if err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	if out.RSS, err = r.memory(); err != nil {
		return nil, err
	}
	for i := range before {
		out.EachStream += (out.RSS[i] - before[i]) / int64(len(s.streams))
	}
	machine, err := busy()
	if err != nil {
		return nil, err
	}
	self, servers, began := ownCPU(), r.serversCPU(), time.Now()
	bytes := s.sum(func(t *stream) int64 { return t.bytes.Load() })
	stop, cancel := context.WithTimeout(ctx, r.Span)
	defer cancel()
	var work sync.WaitGroup
	s.write(ctx, stop, &work)
	work.Go(func() { s.flap(ctx) })
	for i := range r.servers {
		if other := (i + 1) % len(r.servers); other != i {
			work.Go(func() { s.watchTiles(ctx, stop, i, other) })
		}
	}
	work.Wait()
	took := time.Since(began)
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	out.Span = took
	now, err := busy()
	if err != nil {
		return nil, err
	}
	all := time.Since(began).Seconds()
	out.All, out.Gen, out.Servers = (now-machine).Seconds()/all, (ownCPU()-self).Seconds()/all, (r.serversCPU()-servers).Seconds()/all
	out.Bytes = float64(s.sum(func(t *stream) int64 { return t.bytes.Load() })-bytes) / all
	if out.RSS, err = r.memory(); err != nil {
		return nil, err
	}
	s.close()
	s.fill(out)
	if err := s.reconcile(ctx, out); err != nil {
		return nil, err
	}
	return out, ctx.Err()
}

// memory is what each server's process holds.
func (r *run) memory() (list []int64, err error) {
	for _, s := range r.servers {
		rss, _, err := usage(s.cmd.Process.Pid)
		if err != nil {
			return nil, err
		}
		list = append(list, rss)
	}
	return list, nil
}

func (r *run) serversCPU() (sum time.Duration) {
	for _, s := range r.servers {
		if _, cpu, err := usage(s.cmd.Process.Pid); err == nil {
			sum += cpu
		}
	}
	return sum
}

// open opens the streams and the phones, those of all servers alike; the first of each server are the probes.
func (s *step) open(ctx context.Context) error {
	s.streams, s.parts = make([]*stream, s.Streams+s.Phones), newParts(s.base)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(32)
	for i := range s.streams {
		g.Go(func() error {
			server := i % len(s.servers)
			t := &stream{server: server, parts: s.parts, probe: i/len(s.servers) < probes && i < s.Streams}
			if err := t.connect(gctx, s.servers[server].address, s.Cookie); err != nil {
				return fmt.Errorf("stream %d: %w", i+1, err)
			}
			s.streams[i] = t
			s.follow(t)
			return nil
		})
	}
	return g.Wait()
}

// follow reads a stream that is connected, until it ends.
func (s *step) follow(t *stream) {
	t.ended = make(chan struct{})
	s.readers.Go(func() {
		defer close(t.ended)
		if err := t.read(); err != nil && !errors.Is(err, net.ErrClosed) && !s.closing.Load() {
			s.lost.Add(1)
		}
	})
}

func (s *step) close() {
	s.closing.Store(true)
	for _, t := range s.streams {
		if t != nil {
			t.close()
		}
	}
	s.readers.Wait()
}

func (s *step) sum(of func(*stream) int64) (sum int64) {
	for _, t := range s.streams {
		sum += of(t)
	}
	return sum
}

// write sends reports at the rate, whatever the answers take (an open loop), until stop.
func (s *step) write(ctx, stop context.Context, work *sync.WaitGroup) {
	due := make(chan time.Time, s.Rate*int(max(s.Span/time.Second, 1)+1)) // the schedule never waits for the writers
	work.Go(func() {
		defer close(due)
		began := time.Now()
		for n := 0; ; n++ {
			at := began.Add(time.Duration(n) * time.Second / time.Duration(s.Rate))
			if !pause(stop, time.Until(at)) {
				return
			}
			due <- at
		}
	})
	for w := range s.Writers {
		work.Go(func() {
			server := w % len(s.servers)
			c := newConn(s.servers[server].address, s.Cookie)
			defer c.close()
			r := rand.New(rand.NewPCG(s.Seed, uint64(w)))
			for at := range due {
				if stop.Err() != nil {
					return // what is still due was not sent: the rate was not reached
				}
				s.send(ctx, c, server, s.outbox.next(s.atlas, r), at)
			}
		})
	}
}

// send sends one report and notes how long after its time it was acknowledged.
func (s *step) send(ctx context.Context, c *conn, server int, l letter, due time.Time) (answer, bool) {
	a, err := c.do(ctx, l.request)
	now := time.Now()
	switch {
	case err != nil:
		s.tally.bad(Writes, word(err), now)
		return a, false
	case a.status != http.StatusCreated:
		s.tally.bad(Writes, fmt.Sprintf("%d %s", a.status, problemCode(a.body)), now)
		return a, false
	}
	id, _, _, err := s.outbox.acknowledge(l, a)
	if err != nil {
		s.tally.bad(Writes, err.Error(), now)
		return a, false
	}
	s.writing.Add(now.Sub(due))
	s.sent.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.through[id] = server
	return a, true
}

// settle waits until every stream was told as many changes as the ledger holds: also those whose receipt was lost.
func (s *step) settle(ctx context.Context) error {
	waiting, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	for {
		ids, err := s.changed(ctx)
		if err != nil || s.told(len(ids)) || !pause(waiting, 200*time.Millisecond) {
			return err
		}
	}
}

func (s *step) told(n int) bool {
	return !slices.ContainsFunc(s.streams, func(t *stream) bool { return t.changes.Load() < int64(n) })
}

// changed are the events that the ledger tells of since the step began, each as often as it does.
func (s *step) changed(ctx context.Context) ([]int64, error) {
	rows, err := s.Pool.Query(ctx, toldSQL, s.base)
	if err != nil {
		return nil, fmt.Errorf("read the step's changes: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("read the step's changes: %w", err)
	}
	return ids, nil
}

// fill sums up; the streams are closed.
func (s *step) fill(out *StepReport) {
	var same, other Histogram
	for _, t := range s.streams {
		for _, one := range t.seen {
			server, ours := s.through[one.id]
			switch {
			case !ours:
			case server == t.server:
				same.Add(one.seen.Sub(one.at))
			default:
				other.Add(one.seen.Sub(one.at))
			}
		}
	}
	out.Sent, out.Ended, out.Back = int(s.sent.Load()), int(s.lost.Load()), figureOf(&s.phones)
	out.Resets = s.sum(func(t *stream) int64 { return t.resets.Load() })
	out.Told = float64(s.sum(func(t *stream) int64 { return t.changes.Load() })) / out.Span.Seconds()
	out.Write, out.Same, out.Other = figureOf(&s.writing), figureOf(&same), figureOf(&other)
	out.Tile, out.TileSent, out.Stale, out.Failures = figureOf(&s.tile), figureOf(&s.tileSent), s.stale, s.tally.failed()
}

// reconcile holds what each stream was told against the ledger, and the ledger against the receipts. The streams are
// closed.
func (s *step) reconcile(ctx context.Context, out *StepReport) error {
	ids, err := s.changed(ctx)
	if err != nil {
		return err
	}
	out.Events = len(ids)
	held := map[int64]bool{}
	for _, id := range ids {
		held[id] = true
	}
	for id := range s.through {
		if !held[id] {
			return fmt.Errorf("event %d was acknowledged and is not in the ledger", id)
		}
	}
	out.Unacknowledged = len(held) - len(s.through)
	want := digestOf(ids)
	for _, t := range s.streams {
		if t.told == want {
			out.Exact++
		}
	}
	return nil
}
