package main

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/api"
	"onepicture/layers/intake"
)

// imports tells the API of import runs.
type imports struct{ pool *pgxpool.Pool }

// Runs are the latest, newest first.
func (i imports) Runs(ctx context.Context, limit int) ([]api.ImportRun, error) {
	list, err := intake.Runs(ctx, i.pool, limit)
	out := make([]api.ImportRun, len(list))
	for k, r := range list {
		out[k] = api.ImportRun{
			ID: r.ID, Kind: string(r.Kind), Source: r.Source, File: r.File, State: r.State, Message: r.Message, Read: r.Read, Put: r.Put,
			Unchanged: r.Unchanged, Rejected: r.Rejected, Outside: r.Outside, Overlapping: r.Overlapping, Repaired: r.Repaired,
			StartedAt: r.StartedAt, EndedAt: r.EndedAt,
		}
	}
	return out, err
}

// Rejected are rows that a run set aside, after a row.
func (i imports) Rejected(ctx context.Context, run, after int64, limit int) ([]api.RejectedRow, error) {
	list, err := intake.Rejected(ctx, i.pool, run, after, limit)
	out := make([]api.RejectedRow, len(list))
	for k, r := range list {
		out[k] = api.RejectedRow(r)
	}
	return out, err
}
