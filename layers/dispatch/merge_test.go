package dispatch

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"onepicture/layers"
)

// row is all that the database holds of an event, its assignments and its clock, save its version and position.
func (h *hub) row(id int64) []string {
	h.t.Helper()
	rows, err := h.pool.Query(h.t.Context(), `
		select (to_jsonb(e) - 'version' - 'position')::text from event e where id = $1
		union all select to_jsonb(a)::text from assignment a where event_id = $1
		union all select to_jsonb(j)::text from clock_job j where event_id = $1 order by 1`, id)
	if err != nil {
		h.t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func into(id int64) func(*Step) { return func(s *Step) { s.Into = id } }

func (h *hub) refused(by layers.Scope, id int64, step string, want layers.Code, change ...func(*Step)) {
	h.t.Helper()
	before := h.row(id)
	in := h.full(step, h.version(id))
	for _, f := range change {
		f(&in)
	}
	if _, err := h.Take(h.t.Context(), by, id, in); layers.CodeOf(err) != want {
		h.t.Errorf("%s by %s: %v, want %s", step, by.Actor, err, want)
	}
	if diff := cmp.Diff(before, h.row(id)); diff != "" {
		h.t.Errorf("%s was refused and changed the event: %s", step, diff)
	}
}

// Undoing a merge gives back all that was, whatever the event's state, and however often it is done.
func TestMergeAndUnmergeRestoreAll(t *testing.T) {
	h := newHub(t)
	lead := h.into()
	rapid.Check(t, func(r *rapid.T) {
		state := rapid.SampledFrom([]string{"report", "accept", "dispatch", "handle"}).Draw(r, "state")
		id := h.in(state)
		before, own := h.row(id), h.row(lead)
		for range rapid.IntRange(1, 3).Draw(r, "times") {
			h.must(dan, id, "merge", into(lead))
			if h.status(id) != "merged" || cmp.Equal(before, h.row(id)) {
				r.Fatal("it was not merged")
			}
			h.must(dan, id, "unmerge")
		}
		if diff := cmp.Diff(before, h.row(id)); diff != "" {
			r.Fatalf("not as it was: %s", diff)
		}
		if diff := cmp.Diff(own, h.row(lead)); diff != "" {
			r.Fatalf("the other event has changed: %s", diff)
		}
	})
}

func TestMergesInChainsAndCirclesAreRefused(t *testing.T) {
	h := newHub(t)
	a, b, c := h.file(citizen, "F-1"), h.file(citizen, "F-1"), h.file(citizen, "F-1")
	ended := h.in("close")
	h.must(dan, b, "merge", into(a))
	for _, x := range []struct {
		name     string
		by       layers.Scope
		id, into int64
		want     layers.Code
	}{
		{"into itself", dan, a, a, layers.CodeInvalid},
		{"into none", dan, a, 0, layers.CodeInvalid},
		{"into what is not there", dan, a, 1 << 40, layers.CodeNotFound},
		{"a circle", dan, a, b, layers.CodeConflict},
		{"a chain from below", dan, c, b, layers.CodeConflict},
		{"a chain from above", dan, a, c, layers.CodeConflict},
		{"twice", dan, b, c, layers.CodeConflict},
		{"into what has ended", dan, c, ended, layers.CodeConflict},
		{"by a handler", ann, c, a, layers.CodeForbidden},
		{"by who reported it", citizen, c, a, layers.CodeForbidden},
		{"by another town", other, c, a, layers.CodeNotFound},
	} {
		t.Run(x.name, func(t *testing.T) {
			h.t = t
			h.refused(x.by, x.id, "merge", x.want, into(x.into))
		})
	}
	h.t = t
	h.refused(dan, c, "merge", layers.CodeInvalid, into(a), func(s *Step) { s.Version = 0 })
	h.refused(dan, c, "merge", layers.CodeConflict, into(a), func(s *Step) { s.Version = 7 })
	h.refused(dan, b, "unmerge", layers.CodeInvalid, func(s *Step) { s.Reason = "" })
	// What the town commands, the village's desk neither merges nor merges into.
	up := h.file(citizen, "F-1")
	h.must(eve, up, "escalate")
	h.refused(dan, c, "merge", layers.CodeForbidden, into(up))
	h.refused(dan, up, "merge", layers.CodeForbidden, into(a))
	// Neither beside step is anybody's.
	for _, step := range []string{"gather", "release"} {
		h.refused(mayor, a, step, layers.CodeForbidden)
	}
}

// Both timelines tell of it, the workers have it in hand no more, and to all that counts it is gone, until it is undone.
func TestAMergeIsToldInBothTimelines(t *testing.T) {
	h := newHub(t)
	lead, id := h.in("handle"), h.in("dispatch")
	has := func(id int64) bool {
		_, tasks, err := h.Tasks(t.Context(), ann, 50)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(tasks, func(x Task) bool { return x.Event == id })
	}
	steps := func(of int64) string {
		c, err := h.Case(t.Context(), dan, of)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, e := range c.Timeline {
			if e.Other != 0 {
				out = append(out, fmt.Sprintf("%s %s %v", e.Step, e.Actor, e.Other == lead || e.Other == id))
			}
		}
		for _, m := range c.Merged {
			out = append(out, fmt.Sprint("holds ", m.Event == id))
		}
		if c.MergedInto != nil {
			out = append(out, "is "+layers.Statuses[c.MergedInto.Status])
		}
		return strings.Join(out, ", ")
	}
	change := func(id int64) (op string, gone bool) {
		if err := h.pool.QueryRow(t.Context(), `select op, new_geom is null from change where kind = 'event' and feature_id = $1 order by seq desc limit 1`, id).
			Scan(&op, &gone); err != nil {
			t.Fatal(err)
		}
		return op, gone
	}
	if !has(id) {
		t.Fatal("the worker does not have it")
	}
	h.must(dan, id, "merge", into(lead))
	if got := steps(id); got != "merge dan true, is handle" {
		t.Errorf("the report's timeline: %s", got)
	}
	if got := steps(lead); got != "gather dan true, holds true" {
		t.Errorf("the event's timeline: %s", got)
	}
	if op, gone := change(id); op != "delete" || !gone {
		t.Errorf("the ledger tells %s, gone %v", op, gone)
	}
	if op, gone := change(lead); op != "put" || gone {
		t.Errorf("of the other the ledger tells %s, gone %v", op, gone)
	}
	if has(id) || !has(lead) {
		t.Error("the worker still has it, or no longer the other")
	}
	h.must(dan, id, "unmerge")
	if op, gone := change(id); op != "put" || gone || !has(id) || steps(id) != "merge dan true, unmerge dan true" ||
		steps(lead) != "gather dan true, release dan true" {
		t.Errorf("undone: %s %v, %s; %s", op, gone, steps(id), steps(lead))
	}
}

// While it is merged its clock stands still; afterwards there is as much time left as there was.
func TestTheClockStandsStillWhileMerged(t *testing.T) {
	h := newHub(t)
	id := h.in("handle") // 12 hours round the clock
	due := func() (at time.Time) {
		if err := h.pool.QueryRow(t.Context(), `select due_at from event where id = $1`, id).Scan(&at); err != nil {
			t.Fatal(err)
		}
		return at
	}
	left := due().Sub(h.at)
	h.must(dan, id, "merge", into(h.into()))
	h.at = h.at.Add(40 * time.Hour)
	if _, err := h.FireDue(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	var fired int
	if err := h.pool.QueryRow(t.Context(), `select count(*) from event_step where event_id = $1 and actor = 'clock'`, id).Scan(&fired); err != nil || fired != 0 {
		t.Errorf("%d clocks have fired, %v", fired, err)
	}
	h.must(dan, id, "unmerge")
	if got := due().Sub(h.at); got != left {
		t.Errorf("%v are left, want %v", got, left)
	}
}

// Many officers at once, each merging one of a pair into the other, and undoing: of each pair at most one is merged, none
// waits for ever, and who was slower is told.
func TestOfficersAtOnce(t *testing.T) {
	h := newHub(t)
	a, b := h.file(citizen, "F-1"), h.file(citizen, "F-1")
	for range 8 {
		var wg sync.WaitGroup
		results := make([]error, 12)
		va, vb := h.version(a), h.version(b)
		for i := range results {
			by := []layers.Scope{dan, eve, mayor}[i%3]
			id, to, version := a, b, va
			if i%2 == 1 {
				id, to, version = b, a, vb
			}
			wg.Go(func() {
				_, results[i] = h.Take(t.Context(), by, id, Step{Step: "merge", Version: version, Into: to})
			})
		}
		wg.Wait()
		won := 0
		for _, err := range results {
			switch {
			case err == nil:
				won++
			case layers.CodeOf(err) != layers.CodeConflict:
				t.Errorf("the slower was told %v", err)
			}
		}
		id := a
		if h.status(b) == "merged" {
			id = b
		}
		if won != 1 || h.status(a) == h.status(b) {
			t.Fatalf("%d merges of one pair, %s and %s", won, h.status(a), h.status(b))
		}
		h.must(dan, id, "unmerge")
	}
}
