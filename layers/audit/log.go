package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/sql"
)

var (
	headSQL      = sql.Text("audit/head.sql")
	moveHeadSQL  = sql.Text("audit/move_head.sql")
	atSeqSQL     = sql.Text("audit/at_seq.sql")
	partitionSQL = sql.Text("audit/partition.sql")
)

// Bounds of the writer.
const (
	queued    = 1024            // deeds that wait for the writer
	together  = 1000            // deeds of one transaction
	writeTime = 3 * time.Second // for one transaction; who waits longer is told that the audit cannot be written

	// gather is the least time between two transactions: one that comes alone is written at once, and of many a second
	// several share a flush of the disk and the lock of the head, for which other servers wait.
	gather = 50 * time.Millisecond
)

// Log writes the audit of one server. Its methods are safe for concurrent use. Nothing is written until Run runs.
type Log struct {
	pool    *pgxpool.Pool
	anchors *Anchors
	jobs    chan *job
	meter   meter

	// Of the one goroutine that writes.
	last   Head            // the last row that this server wrote
	months map[string]bool // partitions that are known to be there

	between func(stage string) error // tests cut there
}

// job is what one caller waits for.
type job struct {
	entries []Entry
	done    chan error // takes one
}

// New is a log over that pool; anchors may be nil.
func New(pool *pgxpool.Pool, anchors *Anchors) *Log {
	return &Log{
		pool: pool, anchors: anchors, jobs: make(chan *job, queued), meter: newMeter(), months: map[string]bool{},
	}
}

// Record writes deeds into the chain. When it gives nil they are durable; show what is personal only then. Otherwise
// the error is one for the user, and the deeds may or may not be recorded.
func (l *Log) Record(ctx context.Context, entries ...Entry) error {
	j := &job{entries: make([]Entry, len(entries)), done: make(chan error, 1)}
	for i, e := range entries {
		j.entries[i] = e.bounded()
	}
	waiting, cancel := context.WithTimeout(ctx, 2*writeTime)
	defer cancel()
	var err error
	select {
	case l.jobs <- j:
	case <-waiting.Done():
		return unwritten(fmt.Errorf("queue for the audit: %w", waiting.Err()))
	}
	select {
	case err = <-j.done:
	case <-waiting.Done():
		err = waiting.Err()
	}
	if err != nil {
		return unwritten(err)
	}
	return nil
}

func unwritten(cause error) error {
	return layers.Unavailable(2*time.Second, "the audit cannot be written now, so nothing personal is shown; try again", cause)
}

// Run writes what is recorded, one transaction at a time for all who wait, and once a minute what is metered. It ends
// with ctx, after what was metered has been written.
func (l *Log) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	defer l.refuse()
	var wrote time.Time
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
			defer cancel()
			l.flush(last)
			l.anchors.put(l.last, true)
			return nil
		case <-tick.C:
			l.flush(ctx)
		case j := <-l.jobs:
			time.Sleep(gather - time.Since(wrote))
			l.serve(ctx, j)
			wrote = time.Now()
		}
		l.anchors.put(l.last, false)
	}
}

// serve writes a job together with all that wait behind it.
func (l *Log) serve(ctx context.Context, first *job) {
	jobs, n := []*job{first}, len(first.entries)
	for more := true; more && n < together; {
		select {
		case j := <-l.jobs:
			jobs, n = append(jobs, j), n+len(j.entries)
		default:
			more = false
		}
	}
	entries := make([]Entry, 0, n)
	for _, j := range jobs {
		entries = append(entries, j.entries...)
	}
	// Whoever asks now waits for this; a server that stops still answers them.
	writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	err := l.append(writing, entries)
	if err != nil {
		slog.Error("the audit cannot be written", "deeds", len(entries), "error", err)
	}
	for _, j := range jobs {
		j.done <- err
	}
}

// refuse answers those who still wait when the log has ended.
func (l *Log) refuse() {
	for {
		select {
		case j := <-l.jobs:
			j.done <- errors.New("the server stops")
		default:
			return
		}
	}
}

// append adds rows behind the head, whose lock makes all servers' chains one.
func (l *Log) append(ctx context.Context, entries []Entry) error {
	var head Head
	var hash []byte
	var first, last pgx.Batch
	first.Queue(headSQL).QueryRow(func(r pgx.Row) error { return r.Scan(&head.Seq, &head.At, &hash) })
	tx, err := sql.Begin(ctx, l.pool, &first)
	if err != nil {
		return fmt.Errorf("read the head: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after the end it does nothing
	if err := l.cut("begun"); err != nil {
		return err
	}
	copy(head.Hash[:], hash)
	l.compare(ctx, tx, head)
	if month := head.At.UTC().Format("200601"); !l.months[month] {
		if _, err := tx.Exec(ctx, partitionSQL, head.At); err != nil {
			return fmt.Errorf("make the month's partition: %w", err)
		}
		defer func() { l.months[month] = err == nil }()
	}
	rows := make([]Row, len(entries))
	for i, e := range entries {
		rows[i] = head.follow(e, head.At)
		head = rows[i].head()
	}
	if err = copyRows(ctx, tx, rows); err != nil {
		return err
	}
	if err = l.cut("written"); err != nil {
		return err
	}
	last.Queue(moveHeadSQL, head.Seq, head.At, head.Hash[:])
	if err = tx.End(ctx, &last); err != nil {
		return fmt.Errorf("move the head and commit: %w", err)
	}
	l.last = head
	return l.cut("committed")
}

// columns in the order of the values below.
var columns = []string{
	"seq", "at", "actor", "what", "subject", "subject_id", "purpose", "reason", "filter", "rows", "position", "took_us",
	"request", "alert", "previous", "hash",
}

func copyRows(ctx context.Context, tx pgx.Tx, rows []Row) error {
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"audit"}, columns, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		r := &rows[i]
		return []any{
			r.Seq, r.At, r.Actor, string(r.What), r.Subject, r.ID, r.Purpose, r.Reason, r.Filter, r.Rows, int64(r.Position),
			r.Took.Microseconds(), r.Request, r.Alert, r.Previous[:], r.Hash[:],
		}, nil
	}))
	if err != nil {
		return fmt.Errorf("add rows: %w", err)
	}
	return nil
}

// compare looks whether the last row of this server still stands as it was written. If not, somebody changed the audit
// behind the server's back: that is told at once, and "audit verify" tells what.
func (l *Log) compare(ctx context.Context, tx pgx.Tx, head Head) {
	if l.last.Seq == 0 || head.Seq == l.last.Seq && head.Hash == l.last.Hash {
		return
	}
	var hash []byte
	err := tx.QueryRow(ctx, atSeqSQL, l.last.Seq, l.last.At).Scan(&hash)
	if err == nil && [32]byte(hash) == l.last.Hash && head.Seq >= l.last.Seq {
		return
	}
	if err == nil || errors.Is(err, pgx.ErrNoRows) {
		slog.Error("the audit was changed by somebody else: run onepicture audit verify", "row", l.last.Seq)
	}
}

func (l *Log) cut(stage string) error {
	if l.between == nil {
		return nil
	}
	return l.between(stage)
}
