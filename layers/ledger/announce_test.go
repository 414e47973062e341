package ledger

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"onepicture/layers"
	"onepicture/sql"
	"onepicture/sql/sqltest"
)

// However many commit at once: the last of their positions is announced, none twice, and none that was not committed.
func TestTheLastPositionIsAnnounced(t *testing.T) {
	pool := sqltest.DB(t)
	l := New(pool)
	ear, err := sql.Listen(t.Context(), pool, channel)
	if err != nil {
		t.Fatal(err)
	}
	defer sql.Hangup(t.Context(), ear)
	var mu sync.Mutex
	committed := map[layers.Position]bool{}
	var last layers.Position
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range 20 {
				r, err := l.Write(t.Context(), Act{Actor: "test", Reason: "test"}, func(tx *Tx) error {
					tx.Record(put(int64(100*w + i)))
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				committed[r.Position], last = true, max(last, r.Position)
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	told := map[layers.Position]bool{}
	for !told[last] {
		n, err := ear.WaitForNotification(ctx)
		if err != nil {
			t.Fatalf("%d was not announced: %v", last, err)
		}
		p, err := strconv.ParseUint(n.Payload, 10, 64)
		if at := layers.Position(p); err != nil || !committed[at] || told[at] {
			t.Errorf("announced %q: %v", n.Payload, err)
		} else {
			told[at] = true
		}
	}
	if len(told) == len(committed) {
		t.Error("each was announced alone: nothing is gathered")
	}
}
