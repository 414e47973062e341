package dispatch

import (
	"context"
	"testing"
	"time"

	"onepicture/layers"
)

// While another report has touched the source and not yet committed, a report must not wait for it: reports that wait
// for one another are as slow as their commits one after another.
func TestReportsDoNotWaitForEachOther(t *testing.T) {
	d, _, pool := desk(t)
	if _, err := d.Report(t.Context(), layers.Loopback(), good()); err != nil {
		t.Fatal(err)
	}
	if tag, err := pool.Exec(t.Context(), `update source set last_at = null where code = 'direct' and last_at is not null`); err != nil || tag.RowsAffected() != 1 {
		t.Fatalf("the first report is not noted as a delivery of its source: %v %v", tag, err)
	}
	other, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Rollback(context.WithoutCancel(t.Context())) }()
	if tag, err := other.Exec(t.Context(), deliveredSQL, direct); err != nil || tag.RowsAffected() != 1 {
		t.Fatal(tag, err)
	}
	d.delivered.Clear() // as if it were another server
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := d.Report(ctx, layers.Loopback(), good()); err != nil {
		t.Fatalf("a report waited for another: %v", err)
	}
	if err := other.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	var delivered bool
	if err := pool.QueryRow(t.Context(), `select last_at is not null from source where code = 'direct'`).Scan(&delivered); err != nil || !delivered {
		t.Errorf("the last delivery is not kept: %v", err)
	}
}

// The numbers of sources are for sources: at hundreds of reports a second they would end within weeks.
func TestReportsTakeNoNumbersOfSources(t *testing.T) {
	d, _, pool := desk(t)
	last := func() (n int64) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), `select last_value from source_id_seq`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var after []int64
	for range 3 {
		if _, err := d.Report(t.Context(), layers.Loopback(), good()); err != nil {
			t.Fatal(err)
		}
		after = append(after, last())
	}
	if after[1] != after[0] || after[2] != after[0] {
		t.Errorf("the sequence stood at %v after three reports", after)
	}
}
