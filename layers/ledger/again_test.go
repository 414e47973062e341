package ledger

import (
	"context"
	"slices"
	"testing"

	"onepicture/layers"
	"onepicture/sql/sqltest"
)

// A crash of PostgreSQL takes back numbers through which a follower has delivered, and they are given to other changes:
// each of these is delivered once all the same, later than everything before.
func TestChangesUnderNumbersThatAreGivenAgain(t *testing.T) {
	pool := sqltest.DB(t)
	l := New(pool)
	first, second := write(t, l, 1), write(t, l, 2)
	told := second.Position + 5 // by readers whose numbers are lost
	var ids []int64
	var through layers.Position
	f := &follower{pool: pool, done: told, last: first.Position, again: true, apply: func(_ context.Context, b layers.Batch) error {
		for _, c := range b.Changes {
			if c.Position <= through || c.Position > b.Through || c.Position <= told {
				t.Errorf("change %d at %d after %d, through %d", c.FeatureID, c.Position, through, b.Through)
			}
			ids = append(ids, c.FeatureID)
		}
		through = max(through, b.Through)
		return nil
	}}
	until := func(p layers.Position) {
		t.Helper()
		for through < p {
			if _, err := f.step(t.Context(), pool); err != nil {
				t.Fatal(err)
			}
		}
	}
	until(told + 1)
	if f.last != second.Position {
		t.Errorf("the last change on the disk is taken to be at %d, it is at %d", f.last, second.Position)
	}
	third := write(t, l, 3)
	if third.Position <= told {
		t.Fatalf("the numbers were not overtaken: %d", third.Position)
	}
	until(third.Position)
	f.again = true // the connection was lost, and nothing else
	until(write(t, l, 4).Position)
	if want := []int64{2, 3, 4}; !slices.Equal(ids, want) {
		t.Errorf("delivered %v, want %v", ids, want)
	}
}
