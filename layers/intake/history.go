package intake

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	runsSQL      = sql.Text("intake/runs.sql")
	rejectedSQL  = sql.Text("intake/rejected.sql")
	runExistsSQL = sql.Text("intake/run_exists.sql")
)

// Most is how many runs or rejected rows one call gives at most.
const Most = 1000

// Record is one import run as the database knows it. A run that was killed stays "running" until the next import of
// its source begins, which marks it failed.
type Record struct {
	ID                           int64
	Kind                         layers.Kind
	Source, File, State, Message string
	Read, Put, Unchanged         int64
	Rejected                     int64
	Outside, Overlapping         int64
	Repaired                     int64
	StartedAt                    time.Time
	EndedAt                      *time.Time
}

// Runs gives the latest runs, newest first; limit is between 1 and Most.
func Runs(ctx context.Context, pool *pgxpool.Pool, limit int) ([]Record, error) {
	rows, err := pool.Query(ctx, runsSQL, min(max(limit, 1), Most))
	if err != nil {
		return nil, ledger.Problem("import runs", err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Record, err error) {
		err = row.Scan(&r.ID, &r.Kind, &r.Source, &r.File, &r.State, &r.Message, &r.Read, &r.Put, &r.Unchanged, &r.Rejected,
			&r.Outside, &r.Overlapping, &r.Repaired, &r.StartedAt, &r.EndedAt)
		return r, err
	})
	return out, ledger.Problem("import runs", err)
}

// RejectedRow is a row that was set aside: where, and why; never what it held.
type RejectedRow struct {
	Row                   int64
	Column, Class, Reason string
}

// Rejected gives the rows that a run set aside, by row, those after the given one; limit is between 1 and Most. A run
// that does not exist is not found.
func Rejected(ctx context.Context, pool *pgxpool.Pool, runID, after int64, limit int) ([]RejectedRow, error) {
	rows, err := pool.Query(ctx, rejectedSQL, runID, after, min(max(limit, 1), Most))
	if err != nil {
		return nil, ledger.Problem("import run", err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r RejectedRow, err error) {
		err = row.Scan(&r.Row, &r.Column, &r.Class, &r.Reason)
		return r, err
	})
	if err != nil || len(out) > 0 {
		return out, ledger.Problem("import run", err)
	}
	var known bool
	if err := pool.QueryRow(ctx, runExistsSQL, runID).Scan(&known); err != nil {
		return nil, ledger.Problem("import run", err)
	}
	if !known {
		return nil, layers.NotFound("import run")
	}
	return out, nil
}
