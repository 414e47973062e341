package audit

import (
	"context"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var searchSQL = sql.Text("audit/search.sql")

// Most is how many rows one search gives at most.
const Most = 500

// Span is a time, its end not included; a zero end is open.
type Span struct{ From, To time.Time }

// Query chooses rows; empty fields choose all.
type Query struct {
	Span
	Actor   string
	What    What
	Subject string
	ID      int64
	Purpose string
	Alerts  bool  // only those that the auditor must look at
	Before  int64 // only rows before this number: the next page
	Limit   int   // 1 to Most
}

// Find gives the rows that the query chooses, newest first.
func Find(ctx context.Context, pool *pgxpool.Pool, q Query) ([]Row, error) {
	rows, err := pool.Query(ctx, searchSQL, q.Before, q.Actor, string(q.What), q.Subject, q.ID, q.Purpose, orNull(q.From),
		orNull(q.To), q.Alerts, min(max(q.Limit, 1), Most))
	if err != nil {
		return nil, ledger.Problem("audit", err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Row, err error) { return r, scan(row, &r) })
	return out, ledger.Problem("audit", err)
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

type queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// each reads rows in the order of the chain, one at a time.
func each(ctx context.Context, db queryer, s Span, fn func(*Row) error) error {
	rows, err := db.Query(ctx, allSQL, orNull(s.From), orNull(s.To))
	if err != nil {
		return ledger.Problem("audit", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r Row
		if err := scan(rows, &r); err != nil {
			return ledger.Problem("audit", err)
		}
		if err := fn(&r); err != nil {
			return err
		}
	}
	return ledger.Problem("audit", rows.Err())
}

func scan(row pgx.CollectableRow, r *Row) error {
	var took, position int64
	var previous, hash []byte
	err := row.Scan(&r.Seq, &r.At, &r.Actor, &r.What, &r.Subject, &r.ID, &r.Purpose, &r.Reason, &r.Filter, &r.Rows,
		&position, &took, &r.Request, &r.Alert, &previous, &hash)
	r.At, r.Position, r.Took = r.At.UTC(), layers.Position(position), time.Duration(took)*time.Microsecond
	copy(r.Previous[:], previous)
	copy(r.Hash[:], hash)
	return err
}

// WriteCSV writes the rows of a time as CSV with all that is needed to verify them elsewhere, and tells how many.
func WriteCSV(ctx context.Context, pool *pgxpool.Pool, s Span, to io.Writer) (n int64, err error) {
	w := csv.NewWriter(to)
	if err := w.Write(columns); err != nil {
		return 0, fmt.Errorf("write the audit: %w", err)
	}
	err = each(ctx, pool, s, func(r *Row) error {
		n++
		return w.Write(r.cells())
	})
	w.Flush()
	if err == nil {
		err = w.Error()
	}
	if err != nil {
		return n, fmt.Errorf("write the audit: %w", err)
	}
	return n, nil
}

// cells are the row's columns as text. A text that a spreadsheet would take for a formula gets an apostrophe before it.
func (r *Row) cells() []string {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	return []string{
		number(r.Seq), r.At.Format(time.RFC3339Nano), harmless(r.Actor), string(r.What), harmless(r.Subject), number(r.ID),
		harmless(r.Purpose), harmless(r.Reason), harmless(r.Filter), number(r.Rows), r.Position.String(),
		number(r.Took.Microseconds()), harmless(r.Request), strconv.FormatBool(r.Alert), hex.EncodeToString(r.Previous[:]),
		hex.EncodeToString(r.Hash[:]),
	}
}

func harmless(s string) string {
	if s != "" {
		switch s[0] {
		case '=', '+', '-', '@', '\t', '\r':
			return "'" + s
		}
	}
	return s
}
