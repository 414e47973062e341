package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/sql"
)

// How often a follower looks: by itself when idle; at most when changes come in or one that it was told of is not
// complete yet because an older transaction still runs. A change that comes alone is looked for at once.
const (
	idlePoll   = time.Second
	urgentPoll = 20 * time.Millisecond
	maxBackoff = 2 * time.Second
)

// ErrForeignPositions says that the ledger holds positions that this cluster has not reached: it was filled from a
// logical dump. Positions are transaction ids, so only physical copies keep them (docs/decisions).
var ErrForeignPositions = errors.New("the ledger holds positions that this PostgreSQL cluster has not reached yet: " +
	"it was restored from a logical dump; restore a physical backup (pg_basebackup) instead")

// Follow calls apply for every batch of changes that became complete after the given position, in order, until ctx
// ends (then it returns ctx's error) or apply fails. It also calls it with no changes about once a second, so that
// the as-of time moves on. Notices only wake it: what they miss, polling finds. A lost connection is made anew.
func (l *Ledger) Follow(ctx context.Context, after layers.Position, apply func(context.Context, layers.Batch) error) error {
	f := &follower{pool: l.pool, done: after, apply: apply}
	backoff := urgentPoll
	for {
		err := f.run(ctx)
		var failed *applyError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &failed):
			return failed.error
		case errors.Is(err, ErrForeignPositions):
			return err
		}
		slog.WarnContext(ctx, "follower lost the database, trying again", "error", err, "position", f.done)
		if f.progress {
			backoff, f.progress = urgentPoll, false
		}
		if err := wait(ctx, backoff); err != nil {
			return err
		}
		backoff = min(backoff*2, maxBackoff)
	}
}

// Since reads up to about limit changes after a position, all of them complete; more tells that there are others.
func (l *Ledger) Since(ctx context.Context, after layers.Position, limit int) (b layers.Batch, more bool, err error) {
	h, changes, through, err := news(ctx, l.pool, after, limit)
	return layers.Batch{Changes: changes, Through: through, Begun: h.max, At: h.at}, through < h.min-1, err
}

// Horizon is the position through which everything is complete at this moment, and the time of that.
func (l *Ledger) Horizon(ctx context.Context) (layers.Position, time.Time, error) {
	var h horizon
	if err := h.scan(l.pool.QueryRow(ctx, horizonSQL)); err != nil {
		return 0, time.Time{}, fmt.Errorf("read horizon: %w", err)
	}
	return h.min - 1, h.at, nil
}

type applyError struct{ error }

func (e *applyError) Unwrap() error { return e.error }

type follower struct {
	pool     *pgxpool.Pool
	done     layers.Position // through which everything was delivered
	last     layers.Position // of the last change up to there: it is on the disk, and so are all before it
	again    bool            // PostgreSQL may have lost numbers after last: look again from there
	told     layers.Position // the highest position that a notice named
	marks    []horizon       // past looks whose max is not yet complete
	asOf     time.Time
	apply    func(context.Context, layers.Batch) error
	progress bool // since the last lost connection
}

func (f *follower) run(ctx context.Context) error {
	raw, err := sql.Listen(ctx, f.pool, channel)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer sql.Hangup(ctx, raw)
	if err := f.refuseForeign(ctx, raw); err != nil {
		return err
	}
	if f.last == 0 {
		if err := f.findLast(ctx, raw); err != nil {
			return err
		}
	}
	f.again = true
	for {
		more, err := f.step(ctx, raw)
		if err != nil {
			return err
		}
		f.progress = true
		if more {
			continue
		}
		if err := f.rest(ctx, raw); err != nil {
			return err
		}
	}
}

// rest waits until there is a reason to look again.
func (f *follower) rest(ctx context.Context, raw *pgx.Conn) error {
	looked := time.Now()
	for {
		pause := idlePoll
		if f.told > f.done {
			pause = urgentPoll
		}
		waiting, cancel := context.WithDeadline(ctx, looked.Add(pause))
		n, err := raw.WaitForNotification(waiting)
		expired := waiting.Err() != nil
		cancel()
		switch {
		case err == nil:
			if p, perr := strconv.ParseUint(n.Payload, 10, 64); perr == nil {
				f.told = max(f.told, layers.Position(p))
			}
		case ctx.Err() != nil:
			return ctx.Err()
		case expired:
			return nil
		default:
			return fmt.Errorf("wait for a notice: %w", err)
		}
	}
}

// step delivers what is complete now.
func (f *follower) step(ctx context.Context, q queryer) (more bool, err error) {
	after := f.done
	if f.again {
		if err := f.overtake(ctx, q); err != nil {
			return false, err
		}
		after = f.last
	}
	h, changes, through, err := news(ctx, q, after, pageSize)
	if err != nil || through < f.done || through == f.done && len(changes) > 0 {
		return false, err // what has overtaken is not complete yet
	}
	last := f.last // as the ledger says, not as it is told
	for i := range changes {
		last = changes[i].Position
		changes[i].Position = max(last, f.done+1)
	}
	f.mark(h, through)
	if err := f.apply(ctx, layers.Batch{Changes: changes, Through: through, Begun: h.max, At: f.asOf}); err != nil {
		return false, &applyError{err}
	}
	f.done, f.last, f.again = through, last, false
	return through < h.min-1, nil
}

// overtake takes numbers until there are some beyond what was delivered. A crash of PostgreSQL takes back the numbers of
// transactions that left nothing on the disk, undone ones or readers; they are given again, and a change may then come
// at a position up to which everything was delivered. It is told at the next one, which must exist.
func (f *follower) overtake(ctx context.Context, q queryer) error {
	for {
		var next int64
		if err := q.QueryRow(ctx, takeSQL).Scan(&next); err != nil {
			return fmt.Errorf("take a number: %w", err)
		}
		if layers.Position(next) > f.done {
			return nil
		}
	}
}

// findLast finds the last change that the loaded picture holds.
func (f *follower) findLast(ctx context.Context, q queryer) error {
	var last int64
	if err := q.QueryRow(ctx, lastSQL, f.done.String()).Scan(&last); err != nil {
		return fmt.Errorf("find the last change: %w", err)
	}
	f.last = layers.Position(last)
	return nil
}

// mark moves the as-of time to the latest look of which everything that had begun by then is delivered now. While a
// long transaction holds the horizon back, the as-of time stands still: it never promises what is not there.
func (f *follower) mark(h horizon, through layers.Position) {
	const keep = 64
	if len(f.marks) == keep { // thin out rather than grow: every second look
		for i := 0; i < keep/2; i++ {
			f.marks[i] = f.marks[2*i]
		}
		f.marks = f.marks[:keep/2]
	}
	f.marks = append(f.marks, h)
	n := 0
	for n < len(f.marks) && f.marks[n].max <= through+1 {
		f.asOf = f.marks[n].at
		n++
	}
	f.marks = f.marks[n:]
}

func (f *follower) refuseForeign(ctx context.Context, q queryer) error {
	var foreign bool
	err := q.QueryRow(ctx, foreignSQL).Scan(&foreign)
	if err != nil {
		return fmt.Errorf("compare positions: %w", err)
	}
	if foreign {
		return ErrForeignPositions
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
