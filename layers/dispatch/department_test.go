package dispatch

import (
	"testing"

	"onepicture/layers"
)

// department is who answers for an event, as its row and the last change in the ledger say; both must say the same.
func (h *hub) department(id int64) int16 {
	h.t.Helper()
	var row, told, record int16
	if err := h.pool.QueryRow(h.t.Context(), `
		select coalesce(e.department_id, 0), coalesce(c.new_department, 0), coalesce((c.record ->> 'department')::int2, 0)
		from event e join change c on c.feature_id = e.id and c.kind = 'event' where e.id = $1 order by c.seq desc limit 1`, id).Scan(&row, &told, &record); err != nil {
		h.t.Fatal(err)
	}
	if told != row || record != row {
		h.t.Errorf("event %d is department %d's, and the ledger says %d, its record %d", id, row, told, record)
	}
	return row
}

// The owner of its item answers for an event until it is given to another department; an office handles it for whoever
// answers, and who helps does not answer.
func TestWhoAnswersForAnEvent(t *testing.T) {
	h := newHub(t)
	if _, err := h.pool.Exec(t.Context(), `insert into department (id, code, name) values (2, 'water', '水务');
		insert into unit (id, code, name, level, department_id) values (9, 'water', '水务局', 1, 2)`); err != nil {
		t.Fatal(err)
	}
	is := func(what string, id int64, want int16) {
		t.Helper()
		if got := h.department(id); got != want {
			t.Errorf("%s: department %d answers, not %d", what, got, want)
		}
	}
	id := h.file(citizen, "F-1")
	is("filed", id, 1)
	h.must(dan, id, "accept", func(s *Step) { s.Item = "W-1" })
	is("put right to an item of none", id, 0)
	h.must(dan, id, "dispatch", to(Assignee{Unit: "village", Lead: true}, Assignee{Unit: "water"}))
	is("given to an office, with a department's help", id, 0)
	h.must(dan, id, "join", to(Assignee{Unit: "brigade"}))
	is("joined by a department", id, 0)
	h.must(dan, id, "handover", to(Assignee{Unit: "water"}))
	is("handed to a department", id, 2)
	h.must(dan, id, "handover", to(Assignee{Worker: 1}))
	is("handed on to an office", id, 2)
	h.must(dan, id, "handover", to(Assignee{Worker: 3}))
	is("handed to a worker of another department", id, 1)
	h.must(cho, id, "whistle")
	h.must(eve, id, "dispatch", to(Assignee{Unit: "village"}))
	is("whistled, and given to an office", id, 1)

	lead := h.file(citizen, "W-1")
	part := h.file(citizen, "F-1")
	h.must(dan, part, "accept")
	h.must(dan, lead, "accept", func(s *Step) { s.Item = "W-1" })
	h.must(dan, part, "merge", func(s *Step) { s.Into = lead })
	h.must(dan, part, "unmerge")
	is("merged and back", part, 1)
	is("what it was merged into", lead, 0)
}

// An officer of a department sees and steps on its own events alone, and is shown no other's beside them.
func TestAnOfficerHasTheDepartmentsOwn(t *testing.T) {
	h := newHub(t)
	own, others, theirs := h.file(citizen, "F-1"), h.file(citizen, "W-1"), h.file(citizen, "F-1")
	officer := as("off", 2)
	officer.Event = layers.Sight{Counts: officer.Event.Records, Owned: []layers.Owned{{Department: 1, Reach: officer.Event.Records}}}
	if _, err := h.Take(t.Context(), officer, others, h.full("note", 0)); layers.CodeOf(err) != layers.CodeNotFound {
		t.Errorf("another's: %v", err)
	}
	if _, err := h.Assign(t.Context(), officer, others, h.full("", 1)); layers.CodeOf(err) != layers.CodeNotFound {
		t.Errorf("another's, given: %v", err)
	}
	if _, err := h.Case(t.Context(), officer, others); layers.CodeOf(err) != layers.CodeNotFound {
		t.Errorf("another's, read: %v", err)
	}
	if _, err := h.Report(t.Context(), officer, Report{Title: "x", Item: "W-1", Lon: 113.05, Lat: 23.05, Datum: "WGS84"}); layers.CodeOf(err) != layers.CodeForbidden {
		t.Errorf("another's, reported: %v", err)
	}
	list, err := h.Similar(t.Context(), officer, Sample{Lon: 113.05, Lat: 23.05, Category: "flood"})
	if err != nil || len(list) != 0 {
		t.Errorf("similar to another's: %+v, %v", list, err)
	}
	h.must(officer, own, "accept")
	if _, err := h.Take(t.Context(), officer, own, func() Step { s := h.full("merge", h.version(own)); s.Into = others; return s }()); layers.CodeOf(err) != layers.CodeNotFound {
		t.Errorf("merged into another's: %v", err)
	}
	if _, err := h.Take(t.Context(), officer, own, func() Step { s := h.full("accept", h.version(own)); s.Item = "W-1"; return s }()); err == nil {
		t.Error("made another's")
	}
	h.must(officer, own, "merge", func(s *Step) { s.Into = theirs })
	c, err := h.Case(t.Context(), officer, theirs)
	if err != nil || len(c.Merged) != 1 {
		t.Errorf("its own, merged: %+v, %v", c.Merged, err)
	}
}
