package main

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/api"
	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	importRunsSQL  = sql.Text("store/import_runs.sql")
	runKnownSQL    = sql.Text("store/import_run_known.sql")
	rejectedRowSQL = sql.Text("store/rejected_rows.sql")
)

// imports tells the API of import runs.
type imports struct{ pool *pgxpool.Pool }

// Runs are the latest, newest first.
func (i imports) Runs(ctx context.Context, limit int) ([]api.ImportRun, error) {
	rows, err := i.pool.Query(ctx, importRunsSQL, limit)
	if err != nil {
		return nil, ledger.Problem("import runs", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[api.ImportRun])
	return list, ledger.Problem("import runs", err)
}

// Rejected are rows that a run set aside, after a row.
func (i imports) Rejected(ctx context.Context, run, after int64, limit int) ([]api.RejectedRow, error) {
	var known bool
	if err := i.pool.QueryRow(ctx, runKnownSQL, run).Scan(&known); err != nil {
		return nil, ledger.Problem("import run", err)
	}
	if !known {
		return nil, layers.NotFound("import run")
	}
	rows, err := i.pool.Query(ctx, rejectedRowSQL, run, after, limit)
	if err != nil {
		return nil, ledger.Problem("rejected rows", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[api.RejectedRow])
	return list, ledger.Problem("rejected rows", err)
}
