package demo

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

// spatial are the indexes on locations, and the blind ones, as the schema makes them. A load into an empty database drops them and builds
// them at its end by sorting: row by row they take more than half of the time. Keys stay, so nothing that holds for
// the data ever depends on a load coming to its end, only the speed of some reads.
var spatial = []string{
	"address_geom on address using gist (geom)",
	"person_geom on person using gist (geom)",
	"person_id_number on person (id_number_index) where id_number_index is not null",
	"person_phone on person (phone_index) where phone_index is not null",
	"site_geom on site using gist (geom)",
	"event_geom on event using gist (geom)",
}

func dropSpatial(ctx context.Context, pool *pgxpool.Pool) error {
	for _, definition := range spatial {
		name, _, _ := strings.Cut(definition, " ")
		if _, err := pool.Exec(ctx, "drop index if exists "+name); err != nil {
			return fmt.Errorf("drop index %s: %w", name, err)
		}
	}
	return nil
}

// buildSpatial builds those that are not there.
func buildSpatial(ctx context.Context, pool *pgxpool.Pool) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for _, definition := range spatial {
		g.Go(func() error {
			if _, err := pool.Exec(ctx, "create index if not exists "+definition); err != nil {
				return fmt.Errorf("build an index: %w", err)
			}
			return nil
		})
	}
	return g.Wait()
}
