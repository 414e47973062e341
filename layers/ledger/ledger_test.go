package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/sql"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

func put(id int64) layers.Change {
	return layers.Change{
		Kind: layers.KindEvent, Op: layers.OpPut, FeatureID: id,
		New:    &layers.Location{Geom: orb.Point{113.5, 22.9}, Place: 7, Layers: 1<<63 | 5},
		Record: &layers.Record{ID: id, Key: geo.KeyOf(113.5, 22.9), Place: 7, Class: 2, Time: 100},
		Fields: []string{"status"},
	}
}

// heard collects what a follower delivers until it has reached a position.
type heard struct {
	mu      sync.Mutex
	seqs    []int64
	ids     []int64
	through layers.Position
	reached chan struct{}
	until   layers.Position
}

func (h *heard) apply(_ context.Context, b layers.Batch) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range b.Changes {
		h.seqs, h.ids = append(h.seqs, c.Seq), append(h.ids, c.FeatureID)
	}
	if b.Through < h.through {
		return fmt.Errorf("went back from %d to %d", h.through, b.Through)
	}
	h.through = b.Through
	h.check()
	return nil
}

func (h *heard) check() {
	if h.until != 0 && h.through >= h.until && h.reached != nil {
		close(h.reached)
		h.reached = nil
	}
}

// wait blocks until everything through p was delivered.
func (h *heard) wait(t *testing.T, p layers.Position) {
	t.Helper()
	h.mu.Lock()
	done := make(chan struct{})
	h.until, h.reached = p, done
	h.check()
	h.mu.Unlock()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("position %d was not reached; at %d", p, h.through)
	}
}

func follow(t *testing.T, l *Ledger) *heard {
	t.Helper()
	h := &heard{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Follow(ctx, 0, h.apply) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("follower ended with %v", err)
		}
	})
	return h
}

func write(t *testing.T, l *Ledger, id int64) Receipt {
	t.Helper()
	r, err := l.Write(t.Context(), Act{Actor: "test", Reason: "test"}, func(tx *Tx) error {
		tx.Record(put(id))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestChangeTravelsWhole(t *testing.T) {
	l := New(sqltest.DB(t))
	want := put(42)
	want.Old = &layers.Location{Geom: orb.Bound{Min: orb.Point{1, 2}, Max: orb.Point{3, 4}}, Layers: 0}
	batch := layers.Change{Kind: layers.KindPerson, Op: layers.OpBatch, IDs: []layers.IDRange{{First: 1, Last: 9}, {First: 20, Last: 20}}}
	r, err := l.Write(t.Context(), Act{Actor: "a", Reason: "b", ClientKey: "k"}, func(tx *Tx) error {
		tx.Record(want)
		tx.Record(batch)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, more, err := l.Since(t.Context(), r.Position-1, 100)
	if err != nil || more || len(got.Changes) != 2 {
		t.Fatalf("got %d changes, more %v, %v", len(got.Changes), more, err)
	}
	for i, w := range []layers.Change{want, batch} {
		g := got.Changes[i]
		if g.Position != r.Position || g.Seq == 0 || g.At.IsZero() || g.Actor != "a" || g.Reason != "b" {
			t.Errorf("change %d has no proper head: %+v", i, g)
		}
		g.Seq, g.Position, g.At, g.Actor, g.Reason, g.ClientKey = 0, 0, time.Time{}, "", "", ""
		if w.Fields == nil {
			w.Fields = []string{}
		}
		if d := cmp.Diff(w, g); d != "" {
			t.Errorf("change %d (-want +got):\n%s", i, d)
		}
	}
}

func TestClientKeyMakesReplayHarmless(t *testing.T) {
	pool := sqltest.DB(t)
	l := New(pool)
	act := Act{Actor: "phone", Reason: "report", ClientKey: "same"}
	var wg sync.WaitGroup
	receipts := make([]Receipt, 20)
	for i := range receipts {
		wg.Go(func() {
			r, err := l.Write(t.Context(), act, func(tx *Tx) error { tx.Record(put(int64(i + 1))); return nil })
			if err != nil {
				t.Error(err)
			}
			receipts[i] = r
		})
	}
	wg.Wait()
	fresh := 0
	for _, r := range receipts {
		if !r.Replayed {
			fresh++
		}
		if r.Position != receipts[0].Position || r.FeatureID != receipts[0].FeatureID {
			t.Errorf("receipts differ: %+v and %+v", r, receipts[0])
		}
	}
	if n := count(t, pool); fresh != 1 || n != 1 {
		t.Errorf("%d writers wrote, the ledger holds %d; want 1 and 1", fresh, n)
	}
}

func TestFailedWriteLeavesNothing(t *testing.T) {
	pool := sqltest.DB(t)
	boom := errors.New("boom")
	_, err := New(pool).Write(t.Context(), Act{Actor: "a", Reason: "b"}, func(tx *Tx) error {
		tx.Record(put(1))
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	if n := count(t, pool); n != 0 {
		t.Errorf("%d changes were left behind", n)
	}
}

func count(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), `select count(*) from change`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// reversed commits two transactions in the reverse order of their start and looks in between with the given reader.
func reversed(t *testing.T, pool *pgxpool.Pool, look func()) {
	t.Helper()
	insert := `insert into change (actor, reason, kind, op, feature_id) values ('t', 't', 'event', 'put', $1)`
	first, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Exec(t.Context(), insert, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), insert, 2); err != nil {
		t.Fatal(err)
	}
	look()
	if err := first.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	look()
}

func TestReverseCommitOrderLosesNothing(t *testing.T) {
	pool := sqltest.DB(t)
	l := New(pool)
	var seen []int64
	var at layers.Position
	reversed(t, pool, func() {
		b, _, err := l.Since(t.Context(), at, 100)
		if err != nil {
			t.Fatal(err)
		}
		at = b.Through
		for _, c := range b.Changes {
			seen = append(seen, c.FeatureID)
		}
	})
	if d := cmp.Diff([]int64{1, 2}, seen); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// What the horizon protects from: the same scene read by `seq > last` loses the change that committed late. If this
// ever stops failing for the naive reader, the scene has stopped being a test.
func TestReadingBySequenceWouldLose(t *testing.T) {
	pool := sqltest.DB(t)
	var seen []int64
	var last int64
	reversed(t, pool, func() {
		rows, err := pool.Query(t.Context(), `select seq, feature_id from change where seq > $1 order by seq`, last)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var id int64
			if err := rows.Scan(&last, &id); err != nil {
				t.Fatal(err)
			}
			seen = append(seen, id)
		}
	})
	if cmp.Equal([]int64{1, 2}, seen) || cmp.Equal([]int64{2, 1}, seen) {
		t.Error("the naive reader lost nothing: the scene no longer shows the danger")
	}
}

// pace lets a writer hold its transaction open until another has committed and a reader has looked since: that is when
// whoever reads by the last that he saw passes over it.
type pace struct {
	held                   chan struct{} // one for each writer that may hold
	commits, looks, moving atomic.Int64
}

func (p *pace) hold(ctx context.Context, tx *Tx) error {
	select {
	case p.held <- struct{}{}:
	default:
		return nil
	}
	p.moving.Add(-1)
	defer func() { p.moving.Add(1); <-p.held }()
	commits := p.commits.Load()
	for p.commits.Load() == commits && p.moving.Load() > 0 {
		if _, err := tx.Exec(ctx, `select pg_sleep(0.001)`); err != nil {
			return err
		}
	}
	for looks := p.looks.Load(); p.looks.Load() < looks+2; {
		if _, err := tx.Exec(ctx, `select pg_sleep(0.001)`); err != nil {
			return err
		}
	}
	return nil
}

// Twenty writers hold their transactions open while others commit and a reader looks, a third roll back, and meanwhile
// the follower's connection is cut again and again: reader and follower see every committed change once and in order.
// With the horizon at pg_snapshot_xmax, which is reading by the last position seen, this fails.
func TestEachCommittedChangeIsSeenOnce(t *testing.T) {
	url := sqltest.URL(t)
	open := func(name string) *pgxpool.Pool {
		pool, err := sql.Open(t.Context(), url, sql.PoolOptions{Name: name, MaxConns: 21})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		return pool
	}
	pool := open("writers")
	l := New(pool)
	h := follow(t, New(open("follower")))
	const writers, rounds = 20, 25
	p := &pace{held: make(chan struct{}, writers/2)}
	p.moving.Store(writers)
	var mu sync.Mutex
	committed := map[int64]bool{}
	var last layers.Position
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			defer p.moving.Add(-1)
			r := rand.New(rand.NewPCG(uint64(w), 9))
			for i := range rounds {
				id := int64(w*rounds + i + 1)
				hold, rollback := r.IntN(3) == 0, r.IntN(3) == 0
				receipt, err := l.Write(t.Context(), Act{Actor: "w", Reason: "r"}, func(tx *Tx) error {
					if _, err := tx.Exec(t.Context(), `select pg_current_xact_id()`); err != nil {
						return err
					}
					if hold {
						if err := p.hold(t.Context(), tx); err != nil {
							return err
						}
					}
					tx.Record(put(id))
					if rollback {
						return errors.New("rolled back")
					}
					return nil
				})
				if (err != nil) != rollback {
					t.Errorf("write %d: %v", id, err)
				}
				if err == nil {
					p.commits.Add(1)
					mu.Lock()
					committed[id], last = true, max(last, receipt.Position)
					mu.Unlock()
				}
			}
		})
	}
	var written atomic.Bool
	read := make(chan *heard)
	reader := New(open("reader"))
	go func() {
		seen := &heard{}
		defer func() { read <- seen }()
		for {
			enough := written.Load()
			b, more, err := reader.Since(t.Context(), seen.through, 100)
			if err == nil {
				err = seen.apply(t.Context(), b)
			}
			p.looks.Add(1)
			if err != nil {
				t.Error(err)
				return
			}
			if enough && !more {
				return
			}
		}
	}()
	wg.Go(func() {
		for range 5 {
			if _, err := pool.Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
				where datname = current_database() and application_name = 'follower'`); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	written.Store(true)
	seen := <-read
	h.wait(t, last)
	rows, err := pool.Query(t.Context(), `select seq from change order by position, seq`)
	if err != nil {
		t.Fatal(err)
	}
	order, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Fatal(err)
	}
	seen.is(t, "reader", committed, order)
	h.is(t, "follower", committed, order)
}

// is compares what was heard with what was committed and with the ledger's order.
func (h *heard) is(t *testing.T, who string, committed map[int64]bool, order []int64) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	times := map[int64]int{}
	for _, id := range h.ids {
		times[id]++
		if !committed[id] {
			t.Errorf("%s: change %d was delivered, but rolled back", who, id)
		}
	}
	for id := range committed {
		if times[id] != 1 {
			t.Errorf("%s: change %d was delivered %d times", who, id, times[id])
		}
	}
	if d := cmp.Diff(order, h.seqs); d != "" {
		t.Errorf("%s: order of delivery (-ledger +heard):\n%s", who, d)
	}
}

func TestFollowerResumesAndPages(t *testing.T) {
	l := New(sqltest.DB(t))
	var last layers.Position
	var positions []layers.Position
	for i := range 30 {
		last = write(t, l, int64(i+1)).Position
		positions = append(positions, last)
	}
	var ids []int64
	at := layers.Position(0)
	for {
		b, more, err := l.Since(t.Context(), at, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range b.Changes {
			ids = append(ids, c.FeatureID)
		}
		at = b.Through
		if !more {
			break
		}
	}
	if len(ids) != 30 {
		t.Errorf("paging found %d of 30", len(ids))
	}
	b, _, err := l.Since(t.Context(), positions[9], 100)
	if err != nil || len(b.Changes) != 20 || b.Changes[0].FeatureID != 11 {
		t.Errorf("resuming after the tenth gave %d changes, %v", len(b.Changes), err)
	}
}

func TestAsOfNeverPromisesWhatIsHeldBack(t *testing.T) {
	pool := sqltest.DB(t)
	l := New(pool)
	f := &follower{pool: pool, apply: func(context.Context, layers.Batch) error { return nil }}
	if _, err := f.step(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	open, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open.Exec(t.Context(), `select pg_current_xact_id()`); err != nil {
		t.Fatal(err)
	}
	write(t, l, 1)
	if _, err := f.step(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	held := f.asOf
	write(t, l, 2)
	if _, err := f.step(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	if !f.asOf.Equal(held) {
		t.Error("the as-of time moved on while an older transaction was open")
	}
	if err := open.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.step(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	if !f.asOf.After(held) {
		t.Error("the as-of time did not move on after the transaction ended")
	}
}

func FuzzParseRanges(f *testing.F) {
	f.Add("{[1,10),[20,21)}")
	f.Add("{}")
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := parseRanges(s); err == nil {
			if again, err := parseRanges(canonical(r)); err != nil || !cmp.Equal(r, again) {
				t.Fatalf("%q: %v became %v, %v", s, r, again, err)
			}
		}
	})
}

func canonical(r []layers.IDRange) string {
	s := "{"
	for i, x := range r {
		if i > 0 {
			s += ","
		}
		s += fmt.Sprintf("[%d,%d)", x.First, x.Last+1)
	}
	return s + "}"
}
