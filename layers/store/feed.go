package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"
	"golang.org/x/sync/errgroup"

	"onepicture/layers"
	"onepicture/layers/filter"
	"onepicture/layers/index"
	"onepicture/sql"
)

var (
	exportSQL     = sql.Text("store/snapshot.sql")
	horizonSQL    = sql.Text("ledger/horizon.sql")
	departedSQL   = sql.Text("store/departed.sql")
	configuredSQL = sql.Text("store/configured.sql")
	pagesSQL      = sql.Text("store/pages.sql")
)

// Applied is one batch of the ledger with what it did to the index.
type Applied struct {
	Batch   layers.Batch
	Effects []index.Effect
}

// feedState is the progress of loading, for health and for those who must wait.
type feedState struct {
	loaded, expected atomic.Int64
	bits             index.Bits
	order            order // the follower's alone
	day              time.Time
}

// pagesPerRead is how many pages of a table one read of the load covers: 32 MiB, 100,000 persons.
const pagesPerRead = 4096

// Run loads the index from one snapshot of the database and then follows the ledger until ctx ends. After each batch
// it tells the sink, which must not block.
func (s *Store) Run(ctx context.Context, sink func(Applied)) error {
	after, err := s.load(ctx)
	if err != nil {
		return fmt.Errorf("load the index: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	var releasing sync.WaitGroup
	releasing.Go(func() { s.keepReleasing(ctx) })
	defer releasing.Wait()
	defer stop()
	return s.ledger.Follow(ctx, after, func(ctx context.Context, b layers.Batch) error {
		effects, err := s.applyRetrying(ctx, b)
		if err == nil {
			sink(Applied{b, effects})
		}
		return err
	})
}

// applyRetrying reads what a batch needs from the database for as long as it takes: the follower must neither skip a
// batch nor end because PostgreSQL restarts.
func (s *Store) applyRetrying(ctx context.Context, b layers.Batch) ([]index.Effect, error) {
	pause := 50 * time.Millisecond
	for {
		effects, err := s.apply(ctx, b)
		if err == nil || ctx.Err() != nil {
			return effects, errors.Join(err, ctx.Err())
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil, ctx.Err()
		case <-t.C:
		}
		pause = min(2*pause, 2*time.Second)
	}
}

func (s *Store) load(ctx context.Context) (layers.Position, error) {
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	var at time.Time
	var lo, hi, configured int64
	if err := tx.QueryRow(ctx, horizonSQL).Scan(&at, &lo, &hi); err != nil {
		return 0, err
	}
	if err := tx.QueryRow(ctx, configuredSQL).Scan(&configured); err != nil {
		return 0, err
	}
	w, err := ReadWorld(ctx, tx, true)
	if err != nil {
		return 0, err
	}
	if err := s.decide(w); err != nil { // before others see it: from then on it is immutable
		return 0, err
	}
	s.world.Store(w)
	b := index.NewBuilder(s.feed.bits)
	if err := readFloors(ctx, tx, b); err != nil {
		return 0, err
	}
	var secret []byte
	if err := tx.QueryRow(ctx, releaseSecretSQL).Scan(&secret); err != nil {
		return 0, err
	}
	numbers, last, err := readReleased(ctx, tx, everyPlace)
	if err != nil {
		return 0, err
	}
	b.Release(secret, numbers, last)
	if err := s.loadRows(ctx, tx, b); err != nil {
		return 0, err
	}
	position := layers.Position(lo - 1)
	return position, s.index.Load(b, w.Tree, position, layers.Position(configured), at)
}

func readFloors(ctx context.Context, q queryer, b *index.Builder) error {
	for _, k := range layers.Kinds {
		b.Floor(k, 0) // nothing of the kind has ever left its place
	}
	rows, err := q.Query(ctx, departedSQL)
	if err != nil {
		return err
	}
	var kind layers.Kind
	var p int64
	_, err = pgx.ForEachRow(rows, []any{&kind, &p}, func() error {
		if slices.Contains(layers.Kinds, kind) {
			b.Floor(kind, layers.Position(p))
		}
		return nil
	})
	return err
}

// span is a range of pages of a kind's table to read.
type span struct {
	kind     layers.Kind
	first, n int64
}

func (s *Store) loadRows(ctx context.Context, tx pgx.Tx, b *index.Builder) error {
	var snapshot string
	if err := tx.QueryRow(ctx, exportSQL).Scan(&snapshot); err != nil {
		return err
	}
	var spans []span
	for _, k := range layers.Kinds {
		var n int64
		if err := tx.QueryRow(ctx, pagesSQL, string(k)).Scan(&n); err != nil {
			return err
		}
		for first := int64(0); first < n; first += pagesPerRead {
			spans = append(spans, span{k, first, min(pagesPerRead, n-first)})
		}
		s.feed.expected.Add(n)
	}
	var mu sync.Mutex
	take := func() (span, bool) {
		mu.Lock()
		defer mu.Unlock()
		if len(spans) == 0 {
			return span{}, false
		}
		next := spans[0]
		spans = spans[1:]
		return next, true
	}
	g, ctx := errgroup.WithContext(ctx)
	for range 3 { // two for PostgreSQL's side, one to overlap
		g.Go(func() error { return s.loadSpans(ctx, snapshot, take, b) })
	}
	return g.Wait()
}

func (s *Store) loadSpans(ctx context.Context, snapshot string, take func() (span, bool), b *index.Builder) error {
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	// The statement takes no parameters; the name is PostgreSQL's own.
	if _, err := tx.Exec(ctx, "set transaction snapshot '"+snapshot+"'"); err != nil {
		return err
	}
	var puts []index.Put
	for {
		sp, ok := take()
		if !ok {
			return nil
		}
		if puts, err = readRows(ctx, tx.Conn(), sp.kind, pages(sp.first, sp.n), puts[:0]); err != nil {
			return err
		}
		b.Add(sp.kind, puts)
		s.feed.loaded.Add(sp.n)
	}
}

// apply turns a batch into an update of the index.
func (s *Store) apply(ctx context.Context, b layers.Batch) ([]index.Effect, error) {
	u := index.Update{Through: b.Through, At: b.At}
	changes := slices.Clone(b.Changes)
	// Of two changes of one feature the one with the greater number is the later (layers.Batch).
	slices.SortFunc(changes, func(a, c layers.Change) int { return int(a.Seq - c.Seq) })
	configured, places := false, false
	for i := range changes {
		c := &changes[i]
		switch {
		case c.Kind == layers.KindPlace || c.Kind == layers.KindLayer || c.Kind == layers.KindCatalogue:
			configured, places = true, places || c.Kind == layers.KindPlace
		case c.Kind == layers.KindRelease:
			numbers, _, err := readReleased(ctx, s.pool, multirange(c.IDs))
			if err != nil {
				return nil, err
			}
			u.Numbers, u.NumbersAt = append(u.Numbers, numbers...), max(u.NumbersAt, c.Position)
		case !slices.Contains(layers.Kinds, c.Kind) || s.feed.order.late(c): // not the index's, or no longer so
		case c.Op == layers.OpDelete:
			u.Deletes = append(u.Deletes, index.Delete{Kind: c.Kind, ID: c.FeatureID, Position: c.Position})
		case c.Op == layers.OpPut && c.Record != nil:
			p := index.Put{Kind: c.Kind, Record: *c.Record, Position: c.Position}
			if c.New != nil {
				if bound, ok := c.New.Geom.(orb.Bound); ok {
					p.Bound = &bound
				}
			}
			u.Puts = append(u.Puts, p)
		case c.Op == layers.OpBatch:
			puts, err := s.readBatch(ctx, c)
			if err != nil {
				return nil, err
			}
			u.Puts = append(u.Puts, puts...)
		}
	}
	if err := s.reconfigure(ctx, &u, configured, places); err != nil {
		return nil, err
	}
	s.feed.order.applied(b)
	return s.index.Apply(u), nil
}

// readBatch reads the rows that a batch put, as they are now.
func (s *Store) readBatch(ctx context.Context, c *layers.Change) ([]index.Put, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	var puts []index.Put
	for _, r := range c.IDs {
		if puts, err = readRows(ctx, conn.Conn(), c.Kind, ids(r.First, r.Last), puts); err != nil {
			return nil, err
		}
	}
	return puts, nil
}

// reconfigure reads the world again when configuration or places changed, and decides ages anew when the day has.
func (s *Store) reconfigure(ctx context.Context, u *index.Update, configured, places bool) error {
	old := s.world.Load()
	newDay := !old.Deployment.Today(time.Now()).Equal(s.feed.day)
	if !configured && !newDay {
		return nil
	}
	w, err := ReadWorld(ctx, s.pool, places || newDay)
	if err != nil {
		return err
	}
	if w.Areas == nil {
		w.Areas = old.Areas
	}
	if err := s.decide(w); err != nil {
		return err
	}
	s.world.Store(w)
	u.Tree, u.Bits = w.Tree, s.feed.bits
	return nil
}

// decide compiles the layers' filters for the present day.
func (s *Store) decide(w *World) error {
	today := w.Deployment.Today(time.Now())
	bits := index.Bits{}
	for i := range w.Catalogue.Layers {
		l := &w.Catalogue.Layers[i]
		if !slices.Contains(layers.Kinds, l.Kind) {
			continue
		}
		f, err := filter.Parse(l.Kind, l.Filter, w.Catalogue, w.Deployment.Zone)
		if err != nil {
			return fmt.Errorf("layer %s: %w", l.Code, err)
		}
		bits[l.Kind] = append(bits[l.Kind], index.LayerBit{Bit: l.Bit, Match: f.Predicate(today)})
	}
	s.feed.bits, s.feed.day = bits, today
	w.Bits = bits
	return nil
}
