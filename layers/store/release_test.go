package store

import (
	"testing"
	"time"

	"onepicture/layers"
	"onepicture/layers/index"
	"onepicture/sql/sqltest"
)

// rounded is what somebody without a right to records is told of all persons.
func rounded(s *Store) int {
	scope := layers.Scope{Person: layers.Sight{Counts: layers.Everywhere()}, Threshold: 10}
	return s.Index().Snapshot().Figures(layers.KindPerson, scope, 0).N
}

func TestEveryServerTellsTheSameNumbers(t *testing.T) {
	pool, first := fixture(t)
	if err := first.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return len(first.Index().Snapshot().Due()) == 0 })
	if n := rounded(first); n != 100 { // the fixture's persons are a hundred in one place: rounding keeps multiples
		t.Errorf("%d persons are told of 100", n)
	}
	second := served(t, pool)
	waitFor(t, func() bool { // the first may have released twice: at its start, and because it was asked to
		return rounded(second) == rounded(first) && second.Index().Snapshot().Released() == first.Index().Snapshot().Released()
	})
	if due := second.Index().Snapshot().Due(); len(due) != 0 {
		t.Errorf("a start releases numbers anew: %+v", due)
	}
	// Some persons go: what is told stays until enough have.
	leave := func(from, to int) {
		if _, err := pool.Exec(t.Context(), `with gone as (delete from person where id between $1 and $2 returning id)
			insert into change (actor, reason, kind, op, feature_id) select 'test', 'moved away', 'person', 'delete', id from gone`, from, to); err != nil {
			t.Fatal(err)
		}
	}
	leave(1, 5)
	waitFor(t, func() bool {
		all := layers.Internal("test")
		return first.Index().Snapshot().Count(index.Query{Kind: layers.KindPerson, Scope: all}) == 95
	})
	if err := first.Release(t.Context()); err != nil || rounded(first) != 100 {
		t.Errorf("five went and %d are told: %v", rounded(first), err)
	}
	leave(6, 40)
	waitFor(t, func() bool { return rounded(first) == 60 && rounded(second) == 60 })
}

func TestNothingIsToldBeforeTheRelease(t *testing.T) {
	pool := sqltest.DB(t)
	if _, err := pool.Exec(t.Context(), town); err != nil {
		t.Fatal(err)
	}
	busy, err := pool.Acquire(t.Context()) // another server
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Release()
	if _, err := busy.Exec(t.Context(), "select pg_advisory_lock(hashtextextended('onepicture release', 0))"); err != nil {
		t.Fatal(err)
	}
	s := served(t, pool)
	if err := s.Release(t.Context()); err != nil || rounded(s) != 0 {
		t.Errorf("%d persons are told while another server is at it: %v", rounded(s), err)
	}
	if !s.Index().Snapshot().Untold() {
		t.Error("it counts as told that there are no persons")
	}
	if _, err := busy.Exec(t.Context(), "select pg_advisory_unlock_all()"); err != nil {
		t.Fatal(err)
	}
	if err := s.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return rounded(s) == 100 })
	if s.Index().Snapshot().Untold() {
		t.Error("what was released counts as untold")
	}
}

// waitFor polls what a follower will bring about.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !done() {
		select {
		case <-deadline:
			t.Fatal("it does not come")
		case <-time.After(5 * time.Millisecond):
		}
	}
}
