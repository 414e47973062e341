package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers/audit"
)

type retentionCmd struct {
	dataFlags
	DryRun bool `help:"Only count what is over."`
}

// Run forgets by every rule and shows before and after. It does not know the heads outside the database: a running server
// keeps those.
func (c *retentionCmd) Run(ctx context.Context) error {
	return withDatabase(ctx, c.dataFlags, "onepicture retention", func(ctx context.Context, pool *pgxpool.Pool) error {
		deeds := audit.New(pool, nil)
		recording, stop := context.WithCancel(context.WithoutCancel(ctx))
		ended := make(chan error, 1)
		go func() { ended <- deeds.Run(recording) }()
		list, err := deeds.Forget(ctx, pool, time.Now(), c.DryRun)
		stop()
		err = errors.Join(err, <-ended)
		out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(out, "kind\tkept for\tover before\twent\tover after\t")
		for _, f := range list {
			fmt.Fprintf(out, "%s\t%d days\t%s\t%s\t%s\t%s\n", f.Kind, int(f.Keep.Hours()/24), grouped(f.Over), grouped(f.Gone), grouped(f.Stayed), f.NameEn)
		}
		return errors.Join(err, out.Flush())
	})
}

// keepForgetting runs the rules once a day until ctx ends. What fails is told and tried again the next day.
func keepForgetting(ctx context.Context, deeds *audit.Log, owner *pgxpool.Pool) {
	tick := time.NewTicker(24 * time.Hour)
	defer tick.Stop()
	for {
		list, err := deeds.Forget(ctx, owner, time.Now(), false)
		for _, f := range list {
			if f.Gone > 0 {
				slog.Info("forgotten by the rule of retention", "kind", f.Kind, "rows", f.Gone)
			}
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, audit.ErrRetention) {
			slog.Error("the rules of retention were not applied", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
