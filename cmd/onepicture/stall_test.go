package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Writers that wait for one another, or for a disk that stalls, leave readers their connections; and what they were told
// is true: a report that was taken is there, one that was not is taken when it comes again.
func TestStalledWritersLeaveReadersTheirConnections(t *testing.T) {
	const writers = 40
	data := folder(t)
	s := start(t, data, "--demo", "--people", "3000", "--trickle", "0")
	before := s.totals().Event
	reported := func(i int) bool { return s.report(fmt.Sprintf("stalled %d", i)) > 0 }
	for _, c := range []struct {
		table string // that nobody may write
		write func(int)
	}{
		{"event", func(i int) { reported(i) }},
		{"worker", func(int) { s.onDuty() }}, // writes without a change in the ledger
	} {
		err := withDatabase(t.Context(), dataFlags{Data: data}, "stall", func(ctx context.Context, pool *pgxpool.Pool) error {
			tx, err := pool.Begin(ctx)
			if err != nil {
				return err
			}
			defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
			if _, err := tx.Exec(ctx, "lock table "+c.table+" in share row exclusive mode"); err != nil {
				return err
			}
			var waiting sync.WaitGroup
			for i := range writers {
				waiting.Go(func() { c.write(i) })
			}
			s.until("stalled", func() bool {
				var n int
				err := pool.QueryRow(ctx, "select count(*) from pg_stat_activity where wait_event_type = 'Lock'").Scan(&n)
				return err == nil && n >= 8
			})
			for _, path := range []string{"/api/events", "/api/events?status=open", "/tiles/places/9/417/222.mvt", "/tiles/events_open/16/53421/28509.mvt"} {
				began := time.Now()
				if code := s.status(path); code != http.StatusOK && code != http.StatusNoContent {
					t.Errorf("%s is not written, %s: %d after %v", c.table, path, code, time.Since(began))
				}
			}
			if err := tx.Rollback(ctx); err != nil {
				return err
			}
			waiting.Wait()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range writers {
		s.until("taking reports", func() bool { return reported(i) })
	}
	s.until("complete", func() bool { return s.totals().Event == before+writers })
}

// onDuty begins the shift of whoever is signed in, or tries to.
func (r *running) onDuty() {
	req, err := http.NewRequest(http.MethodPut, r.url+"/api/duty", strings.NewReader(`{"onDuty":true,"share":false}`))
	if err != nil {
		r.t.Error(err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	if resp, err := r.http.Do(req); err == nil {
		_ = resp.Body.Close()
	}
}
