package sql_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/sql"
	"onepicture/sql/sqltest"
)

func batch(statements ...string) *pgx.Batch {
	var b pgx.Batch
	for _, s := range statements {
		b.Queue(s)
	}
	return &b
}

// Whatever of it fails, of a transaction all is there or nothing, and its connection goes back as if it had not been used.
func TestTransactionsInFewRoundTrips(t *testing.T) {
	pool := sqltest.DB(t)
	if _, err := pool.Exec(t.Context(), "create table number (n int primary key, m int references number (n) deferrable initially deferred)"); err != nil {
		t.Fatal(err)
	}
	add := func(n string) string { return "insert into number values (" + n + ")" }
	for _, c := range []struct {
		name  string
		first *pgx.Batch
		body  string
		last  *pgx.Batch
		fails string // "", "begin", "end"
		left  int
	}{
		{"nothing", nil, "select 1", nil, "", 0},
		{"first, body and last", batch(add("1"), add("2")), add("3"), batch(add("4"), add("5")), "", 5},
		{"a first that fails", batch(add("1"), add("1")), "", nil, "begin", 0},
		{"a last that fails", batch(add("1")), add("2"), batch(add("3"), add("2"), add("4")), "end", 0},
		{"a body that fails and is not looked at", batch(add("1")), add("1"), nil, "end", 0},
		{"a commit that fails", batch(add("1")), add("2, 9"), batch(add("3")), "end", 0},
		{"settings of the transaction", batch("set local work_mem = '1MB'"), add("1"), nil, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			tx, err := sql.Begin(t.Context(), pool, c.first)
			if (err != nil) != (c.fails == "begin") {
				t.Fatal(err)
			}
			if err == nil {
				_, _ = tx.Exec(t.Context(), c.body)
				if err := tx.End(t.Context(), c.last); (err != nil) != (c.fails == "end") {
					t.Errorf("the end: %v", err)
				}
				if err := tx.Rollback(t.Context()); err != nil {
					t.Errorf("undone after the end: %v", err)
				}
				if err := tx.Commit(t.Context()); !errors.Is(err, pgx.ErrTxClosed) {
					t.Errorf("committed twice: %v", err)
				}
			}
			var left int
			var memory string
			if err := pool.QueryRow(t.Context(), "select count(*), current_setting('work_mem') from number").Scan(&left, &memory); err != nil || left != c.left || memory == "1MB" {
				t.Errorf("%d rows are left, want %d; work_mem is %s; %v", left, c.left, memory, err)
			}
			if n := pool.Stat().AcquiredConns(); n != 0 {
				t.Errorf("%d connections did not come back", n)
			}
			if _, err := pool.Exec(t.Context(), "delete from number"); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// What is rolled back is not there; a connection that is lost meanwhile is closed, not given to the next. The pool has one
// connection alone, so that whoever asks next waits for ever unless it came back.
func TestTransactionsThatAreUndone(t *testing.T) {
	others := sqltest.DB(t)
	one := others.Config()
	one.MaxConns, one.MinConns, one.MinIdleConns = 1, 0, 0
	pool, err := pgxpool.NewWithConfig(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if _, err := pool.Exec(t.Context(), "create table number (n int)"); err != nil {
		t.Fatal(err)
	}
	for name, lose := range map[string]bool{"undone": false, "lost": true} {
		tx, err := sql.Begin(t.Context(), pool, batch("insert into number values (1)"))
		if err != nil {
			t.Fatal(err)
		}
		if lose {
			var gone bool
			if err := others.QueryRow(t.Context(), "select pg_terminate_backend($1)", tx.Conn().PgConn().PID()).Scan(&gone); err != nil || !gone {
				t.Fatal(err)
			}
			if err := tx.End(t.Context(), batch("insert into number values (2)")); err == nil {
				t.Error("committed on a lost connection")
			}
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var left int
		if err := pool.QueryRow(t.Context(), "select count(*) from number").Scan(&left); err != nil || left != 0 {
			t.Errorf("%s: %d rows, %v", name, left, err)
		}
	}
	tx, err := sql.Begin(t.Context(), pool, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Begin(t.Context()); err == nil {
		t.Error("a transaction within it is begun")
	}
	var refused *pgconn.PgError
	if _, err := tx.Exec(t.Context(), "select 1/0"); !errors.As(err, &refused) {
		t.Error(err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
}
