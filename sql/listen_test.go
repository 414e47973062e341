package sql_test

import (
	"context"
	"testing"
	"time"

	"onepicture/sql"
	"onepicture/sql/sqltest"
)

// A wait without a notice ends when it shall, and what is asked next over the same connection is not cancelled in its
// place; a notice is heard afterwards.
func TestListenWaitsAsLongAsItIsTold(t *testing.T) {
	pool, err := sql.Open(t.Context(), sqltest.URL(t), sql.Serving("listening"))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	conn, err := sql.Listen(t.Context(), pool, "a word")
	if err != nil {
		t.Fatal(err)
	}
	defer sql.Hangup(t.Context(), conn)
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		began := time.Now()
		_, err := conn.WaitForNotification(ctx)
		cancel()
		if took := time.Since(began); err == nil || took > 2*time.Second {
			t.Fatalf("a wait of 10 ms ended after %v with %v", took, err)
		}
		if _, err := conn.Exec(t.Context(), "select pg_sleep(0.05)"); err != nil {
			t.Fatalf("what is asked after a wait: %v", err)
		}
	}
	if _, err := pool.Exec(t.Context(), `select pg_notify('a word', 'said')`); err != nil {
		t.Fatal(err)
	}
	n, err := conn.WaitForNotification(t.Context())
	if err != nil || n.Payload != "said" {
		t.Fatalf("heard %+v, %v", n, err)
	}
}
