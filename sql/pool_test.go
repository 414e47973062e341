package sql_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"onepicture/sql"
	"onepicture/sql/sqltest"
)

func opened(t *testing.T, url string, o sql.PoolOptions) *pgxpool.Pool {
	t.Helper()
	pool, err := sql.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// eventually asks again until the query says true.
func eventually(t *testing.T, pool *pgxpool.Pool, query string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		var yes bool
		if err := pool.QueryRow(ctx, query, args...).Scan(&yes); err != nil {
			t.Fatalf("never true: %s: %v", query, err)
		}
		if yes {
			return
		}
	}
}

const (
	sleeps = `select exists (select from pg_stat_activity where application_name = $1 and state = 'active' and query like '%pg_sleep%')`
	rests  = `select not exists (select from pg_stat_activity where application_name = $1 and state = 'active' and query like '%pg_sleep%')`
)

// A caller that is gone ends its statement in PostgreSQL, and the connection is good for the next one.
func TestGoneCallerCancelsItsStatement(t *testing.T) {
	url := sqltest.URL(t)
	watcher := opened(t, url, sql.PoolOptions{Name: "watcher"})
	pool := opened(t, url, sql.PoolOptions{Name: "gone", MaxConns: 1})
	pid := func() (n int) {
		if err := pool.QueryRow(t.Context(), `select pg_backend_pid()`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := pid()
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := pool.Exec(ctx, `select pg_sleep(600)`)
		ended <- err
	}()
	eventually(t, watcher, sleeps, "gone")
	leave()
	if err := <-ended; err == nil {
		t.Error("it ended well")
	}
	eventually(t, watcher, rests, "gone")
	if after := pid(); after != before {
		t.Error("the connection was thrown away")
	}
}

func TestTimeoutsAreThoseOfTheConnection(t *testing.T) {
	url := sqltest.URL(t)
	shown := func(o sql.PoolOptions) (statement, idle string) {
		if err := opened(t, url, o).QueryRow(t.Context(),
			`select current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')`).Scan(&statement, &idle); err != nil {
			t.Fatal(err)
		}
		return statement, idle
	}
	if s, i := shown(sql.PoolOptions{Name: "import"}); s != "0" || i != "0" {
		t.Errorf("imports are bounded: %s, %s", s, i)
	}
	if s, i := shown(sql.Serving("serve")); s != "12s" || i != "15s" {
		t.Errorf("requests are not bounded: %s, %s", s, i)
	}
}

func TestIdleTransactionEnds(t *testing.T) {
	url := sqltest.URL(t)
	watcher := opened(t, url, sql.PoolOptions{Name: "watcher"})
	pool := opened(t, url, sql.PoolOptions{Name: "idler", IdleTimeout: 20 * time.Millisecond})
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	eventually(t, watcher, `select not exists (select from pg_stat_activity where application_name = 'idler' and state like 'idle in%')`)
	if _, err := tx.Exec(t.Context(), `select 1`); err == nil {
		t.Error("the transaction goes on")
	}
}

// Waiting for a connection is bounded; a query that runs, and a wait that succeeds, are not cut by that bound.
func TestWaitForAConnectionIsBounded(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	pool, err := sql.Open(t.Context(), sqltest.URL(t), sql.PoolOptions{Name: "busy", MaxConns: 1, AcquireTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), `select pg_sleep(0.2)`); err != nil {
		t.Errorf("the bound of the wait cut a query: %v", err)
	}
	taken, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = pool.Exec(t.Context(), `select 1`)
	var answered *pgconn.PgError
	if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &answered) {
		t.Errorf("without a free connection: %v", err)
	}
	taken.Release()
	if _, err := pool.Exec(t.Context(), `select 1`); err != nil {
		t.Errorf("with one again: %v", err)
	}
}
