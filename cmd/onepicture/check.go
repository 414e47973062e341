package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/index"
	"onepicture/layers/ledger"
	"onepicture/layers/store"
	"onepicture/sql"
)

var checkSQL = sql.Text("store/check.sql")

type checkCmd struct {
	dataFlags
}

// Run loads an index of its own and compares it, place by place, with what SQL counts in the same moment.
func (c *checkCmd) Run(ctx context.Context) error {
	return withDatabase(ctx, c.dataFlags, "onepicture check", func(ctx context.Context, pool *pgxpool.Pool) error {
		want, err := countedBySQL(ctx, pool)
		if err != nil {
			return err
		}
		st := store.New(pool, ledger.New(pool), index.New())
		loading, cancel := context.WithCancel(ctx)
		ended := make(chan error, 1)
		began := time.Now()
		changed := st.Index().Changed()
		go func() { ended <- st.Run(loading, func(store.Applied) {}) }()
		select {
		case <-changed:
		case err := <-ended:
			cancel()
			return err
		}
		snap := st.Index().Snapshot()
		fmt.Printf("index: %s, position %d, loaded in %s\n", megabytes(snap.Bytes()), snap.Position(), time.Since(began).Round(time.Millisecond))
		cancel()
		<-ended
		return compare(snap, want)
	})
}

func megabytes(n int64) string { return grouped(n>>20) + " MiB" }

type placeKind struct {
	kind  layers.Kind
	place layers.PlaceID
}

func countedBySQL(ctx context.Context, pool *pgxpool.Pool) (map[placeKind]int, error) {
	rows, err := pool.Query(ctx, checkSQL)
	if err != nil {
		return nil, err
	}
	want := map[placeKind]int{}
	var k placeKind
	var n int
	_, err = pgx.ForEachRow(rows, []any{&k.kind, &k.place, &n}, func() error {
		want[k] = n
		return nil
	})
	return want, err
}

// compare fails when a place's count differs. A row written between the two counts is told as a difference too: run
// it on a quiet database.
func compare(snap *index.Snapshot, want map[placeKind]int) error {
	scope := layers.Internal("check")
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "kind\tSQL\tindex\tplaces that differ\t")
	wrong := 0
	for _, kind := range layers.Kinds {
		got := map[layers.PlaceID]int{}
		all := snap.Figures(kind, scope, 0).N
		below := 0
		for o := range int32(snap.Tree().Len()) {
			p := snap.Tree().At(o)
			n := snap.Figures(kind, scope, p.ID).N
			for _, c := range snap.Tree().Children(p.ID) {
				n -= snap.Figures(kind, scope, c.ID).N
			}
			got[p.ID] = n
			below += n
		}
		got[0] = all - below
		total, differ := 0, 0
		for k, n := range want {
			if k.kind == kind {
				total += n
				if got[k.place] != n {
					differ++
				}
			}
		}
		for place, n := range got {
			if _, known := want[placeKind{kind, place}]; !known && n != 0 {
				differ++
			}
		}
		wrong += differ
		fmt.Fprintf(out, "%s\t%s\t%s\t%d\t\n", kind, grouped(int64(total)), grouped(int64(all)), differ)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if wrong > 0 {
		return errors.New("the index and SQL differ")
	}
	fmt.Println("the index equals SQL")
	return nil
}
