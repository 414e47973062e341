package dispatch

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"onepicture/layers"
)

var writeDocument = flag.Bool("write", false, "write docs/event-life.md")

func TestTheDocumentIsTheTable(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "event-life.md")
	if *writeDocument {
		if err := os.WriteFile(path, []byte(Document()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != Document() {
		t.Errorf("%s is not the table of life.go (%v): go test ./layers/dispatch -run TestTheDocumentIsTheTable -write", path, err)
	}
}

// in brings a fresh event to a state by the shortest way, at the village's command: worker 1 leads, 3 supports.
func (h *hub) in(state string) int64 {
	h.t.Helper()
	h.into()
	id := h.file(citizen, "F-1")
	way := map[string][]string{
		"report": {}, "accept": {"accept"}, "dispatch": {"accept", "dispatch"}, "handle": {"accept", "dispatch", "start"},
		"suspended": {"accept", "dispatch", "start", "suspend"}, "feedback": {"accept", "dispatch", "start", "part", "feedback"},
		"verify": {"accept", "dispatch", "start", "part", "feedback", "verify"},
		"close":  {"accept", "dispatch", "start", "part", "feedback", "verify", "close"}, "void": {"void"}, "merged": {"merge"},
	}[state]
	if way == nil {
		h.t.Fatalf("no way to %s", state)
	}
	for _, step := range way {
		by := dan
		switch step {
		case "start", "feedback":
			by = ann
		case "part":
			by = cho
		}
		h.must(by, id, step, to(Assignee{Worker: 1}, Assignee{Worker: 3}))
	}
	if got := h.status(id); got != state {
		h.t.Fatalf("the way to %s led to %s", state, got)
	}
	return id
}

// expected is who may take which step in which state, and where it leads: written by hand, not from the table. People:
// A the lead, B a colleague of the lead's unit, C the supporter, D the village's desk, E the town's, M the city's, R the
// reporter, X another town's desk, N somebody of the village without the right to handle, F another field worker who
// sees the whole city. At the village's command.
var expected = map[string]map[string]string{
	"report": {
		"accept": "DEM>accept", "void": "DEM>void", "escalate": "DEM>accept", "takeover": "EM>report", "merge": "DEM>merged", "note": "DEMR>report",
	},
	"accept": {
		"void": "DEM>void", "dispatch": "DEM>dispatch", "escalate": "DEM>accept", "takeover": "EM>accept", "merge": "DEM>merged", "note": "DEMR>accept",
	},
	"dispatch": {
		"void": "DEM>void", "handover": "ADEM>dispatch", "join": "DEM>dispatch", "return": "A>accept", "start": "A>handle",
		"whistle": "A>accept", "escalate": "DEM>accept", "takeover": "EM>dispatch", "urge": "DEM>dispatch", "merge": "DEM>merged", "note": "ACDEMR>dispatch",
	},
	"handle": {
		"handover": "ADEM>dispatch", "join": "DEM>handle", "return": "A>accept", "arrive": "AC>handle", "part": "C>handle",
		"suspend": "DEM>suspended", "whistle": "A>accept", "escalate": "DEM>accept", "takeover": "EM>handle",
		"urge": "DEM>handle", "merge": "DEM>merged", "note": "ACDEMR>handle",
		"feedback": "", // the supporter has not done his part yet
	},
	"suspended": {"resume": "ADEM>handle", "takeover": "EM>suspended", "note": "ACDEMR>suspended"},
	"feedback":  {"verify": "DEM>verify", "reject": "DEM>handle", "takeover": "EM>feedback", "note": "ADEMR>feedback"},
	"verify":    {"close": "DEM>close", "reject": "DEM>handle", "takeover": "EM>verify", "note": "ADEMR>verify"},
	"close":     {"reopen": "DEM>accept", "note": "DEMR>close"},
	"void":      {"reopen": "DEM>accept"},
	"merged":    {"unmerge": "DEM>report"},
}

var people = map[string]layers.Scope{
	"A": ann, "B": bob, "C": cho, "D": dan, "E": eve, "M": mayor, "R": citizen, "X": other,
	"N": func() layers.Scope { s := as("noa", 3); s.Rights = layers.RightReport; return s }(),
	"F": as("flo", 1),
	"Z": {},
}

// Every state × step × person is tried on the database; what is allowed is exactly what stands above.
func TestEveryStepInEveryStateByEverybody(t *testing.T) {
	h := newHub(t)
	tried, allowed := 0, 0
	for _, state := range layers.Statuses[1:] {
		id := h.in(state)
		for _, step := range Steps() {
			want := expected[state][step]
			who, leads, _ := strings.Cut(want, ">")
			for name, person := range people {
				tried++
				before := h.version(id)
				in := h.full(step, before)
				in.Assignees = []Assignee{{Worker: 2}}
				_, err := h.Take(t.Context(), person, id, in)
				if may := strings.Contains(who, name); may != (err == nil) {
					t.Errorf("%s in %s by %s: %v, want allowed = %v", step, state, name, err, may)
				}
				if err != nil {
					if h.version(id) != before || h.status(id) != state {
						t.Errorf("%s in %s by %s was refused and changed the event", step, state, name)
					}
					continue
				}
				allowed++
				if got := h.status(id); got != leads {
					t.Errorf("%s in %s by %s led to %s, want %s", step, state, name, got, leads)
				}
				id = h.in(state)
			}
		}
	}
	t.Logf("%d combinations tried, %d allowed", tried, allowed)
	if tried != (len(layers.Statuses)-1)*len(Life)*len(people) || allowed < 100 {
		t.Errorf("%d tried, %d allowed", tried, allowed)
	}
}

// Who has had a hand in the handling never verifies it, even at the commanding desk.
func TestTheHandlerDoesNotVerify(t *testing.T) {
	h := newHub(t)
	id := h.file(citizen, "F-1")
	h.must(dan, id, "accept")
	h.must(dan, id, "dispatch", to(Assignee{Unit: "village"})) // dan's own unit as a whole
	h.must(dan, id, "start")
	h.must(dan, id, "feedback")
	for _, step := range []string{"verify", "reject"} {
		if _, err := h.Take(t.Context(), dan, id, h.full(step, h.version(id))); layers.CodeOf(err) != layers.CodeForbidden {
			t.Errorf("%s by the handler: %v", step, err)
		}
	}
	c, err := h.Case(t.Context(), dan, id)
	if err != nil || slices.ContainsFunc(c.Actions, func(a Action) bool { return a.Step == "verify" }) {
		t.Errorf("it is offered to the handler: %+v, %v", c.Actions, err)
	}
	h.must(eve, id, "verify")
	h.must(dan, id, "close")
}

// What a case offers is what is then allowed, and nothing that is allowed is left out.
func TestOfferedIsAllowed(t *testing.T) {
	h := newHub(t)
	for _, state := range layers.Statuses[1:] {
		for name, person := range people {
			id := h.in(state)
			c, err := h.Case(t.Context(), person, id)
			if err != nil {
				if name != "X" && name != "Z" {
					t.Errorf("%s in %s: %v", name, state, err)
				}
				continue
			}
			var offered, want []string
			for _, a := range c.Actions {
				offered = append(offered, a.Step)
			}
			for _, step := range Steps() {
				if who, _, _ := strings.Cut(expected[state][step], ">"); strings.Contains(who, name) {
					want = append(want, step)
				}
			}
			if !slices.Equal(offered, want) {
				t.Errorf("%s in %s is offered %v, want %v", name, state, offered, want)
			}
		}
	}
}

// The levels: up by whistle and escalation, taken over from above, handed back down; none above the city, none below
// the village; who is below the commanding level no longer commands.
func TestLevels(t *testing.T) {
	h := newHub(t)
	id := h.in("handle")
	h.must(ann, id, "whistle")
	refuse := func(by layers.Scope, step string, want layers.Code) {
		t.Helper()
		if _, err := h.Take(t.Context(), by, id, h.full(step, h.version(id))); layers.CodeOf(err) != want {
			t.Errorf("%s by %s: %v, want %s", step, by.Actor, err, want)
		}
	}
	refuse(dan, "dispatch", layers.CodeForbidden) // the town commands now
	h.must(eve, id, "escalate")
	refuse(eve, "dispatch", layers.CodeForbidden)
	refuse(mayor, "escalate", layers.CodeConflict) // nothing above
	h.must(mayor, id, "handback")
	h.must(eve, id, "handback")
	refuse(dan, "handback", layers.CodeConflict) // nothing below
	h.must(mayor, id, "takeover")
	refuse(dan, "dispatch", layers.CodeForbidden)
	refuse(mayor, "takeover", layers.CodeForbidden) // it commands already
	c, err := h.Case(t.Context(), mayor, id)
	if err != nil || c.Command != layers.LevelCity || !c.Whistled {
		t.Errorf("%+v, %v", c, err)
	}
	for _, a := range c.Assignments {
		if a.EndedAt == nil {
			t.Errorf("an assignment outlived the whistle: %+v", a)
		}
	}
}

// Each input that a step needs is asked for by name, and without it nothing happens.
func TestInputsAreAskedFor(t *testing.T) {
	h := newHub(t)
	for _, c := range []struct {
		state, step, field string
		by                 layers.Scope
		spoil              func(*Step)
	}{
		{"report", "void", "reason", dan, func(s *Step) { s.Reason = "  " }},
		{"report", "accept", "version", dan, func(s *Step) { s.Version = 0 }},
		{"report", "accept", "item", dan, func(s *Step) { s.Item = "none" }},
		{"report", "accept", "category", dan, func(s *Step) { s.Category = "none" }},
		{"report", "accept", "level", dan, func(s *Step) { s.Level = 5 }},
		{"accept", "dispatch", "assignees", dan, func(s *Step) { s.Assignees = nil }},
		{"accept", "dispatch", "assignees", dan, func(s *Step) { s.Assignees = []Assignee{{}} }},
		{"accept", "dispatch", "assignees", dan, func(s *Step) { s.Assignees = []Assignee{{Worker: 99}} }},
		{"accept", "dispatch", "assignees", dan, func(s *Step) { s.Assignees = []Assignee{{Unit: "nobody"}} }},
		{"accept", "dispatch", "assignees", dan, func(s *Step) { s.Assignees = []Assignee{{Unit: "town", Worker: 1}} }},
		{"accept", "dispatch", "assignees", dan, func(s *Step) { s.Assignees = []Assignee{{Worker: 1}, {Worker: 1}} }},
		{"accept", "dispatch", "assignees", dan, func(s *Step) { s.Assignees = []Assignee{{Worker: 1, Lead: true}, {Worker: 2, Lead: true}} }},
		{"accept", "dispatch", "assignees", dan, func(s *Step) { s.Assignees = make([]Assignee, MaxAssignees+1) }},
		{"handle", "join", "assignees", dan, func(s *Step) { s.Assignees = []Assignee{{Worker: 3}} }}, // has it already
		{"handle", "arrive", "lon", ann, func(s *Step) { s.Lon, s.Lat = nil, nil }},
		{"handle", "arrive", "lon", ann, func(s *Step) { s.Lat = nil }},
		{"handle", "arrive", "datum", ann, func(s *Step) { s.Datum = "" }},
		{"handle", "arrive", "lon", ann, func(s *Step) { *s.Lat = 91 }},
		{"handle", "part", "note", cho, func(s *Step) { s.Note = "" }},
		{"handle", "part", "evidence", cho, func(s *Step) { s.Evidence = []string{"../../etc/passwd"} }},
		{"handle", "part", "evidence", cho, func(s *Step) { s.Evidence = slices.Repeat([]string{photo}, MaxEvidence+1) }},
		{"handle", "part", "note", cho, func(s *Step) { s.Note = strings.Repeat("长", MaxNote+1) }},
		{"handle", "part", "note", cho, func(s *Step) { s.Note = "\xff" }},
		{"handle", "part", "at", cho, func(s *Step) { s.At = h.at.Add(2 * Ahead) }},
		{"handle", "dance", "step", ann, func(*Step) {}},
	} {
		id := h.in(c.state)
		before := h.version(id)
		in := h.full(c.step, before)
		c.spoil(&in)
		_, err := h.Take(t.Context(), c.by, id, in)
		var e *layers.Error
		if !errors.As(err, &e) || e.Code != layers.CodeInvalid || e.Field != c.field {
			t.Errorf("%s without %s: %v", c.step, c.field, err)
		}
		if h.version(id) != before || h.status(id) != c.state {
			t.Errorf("%s without %s changed the event", c.step, c.field)
		}
	}
}

// A joint task: the lead feeds back only when every supporter has done his part; the item demands a photo.
func TestJointTask(t *testing.T) {
	h := newHub(t)
	id := h.in("handle")
	if _, err := h.Take(t.Context(), ann, id, h.full("feedback", 0)); layers.CodeOf(err) != layers.CodeConflict {
		t.Errorf("fed back before the part was done: %v", err)
	}
	h.must(cho, id, "part")
	in := h.full("feedback", 0)
	in.Evidence = nil
	if _, err := h.Take(t.Context(), ann, id, in); layers.CodeOf(err) != layers.CodeInvalid {
		t.Errorf("fed back without the photo that the item demands: %v", err)
	}
	h.must(ann, id, "feedback")
	h.must(dan, id, "reject")
	h.must(dan, id, "join", to(Assignee{Unit: "town"}))
	if _, err := h.Take(t.Context(), ann, id, h.full("feedback", 0)); layers.CodeOf(err) != layers.CodeConflict {
		t.Errorf("fed back before the new part was done: %v", err)
	}
	h.must(ann, id, "handover", to(Assignee{Worker: 2}))
	if _, err := h.Take(t.Context(), bob, id, h.full("handover", h.version(id))); err != nil {
		t.Errorf("to a colleague: %v", err)
	}
	in = h.full("handover", h.version(id))
	in.Assignees = []Assignee{{Unit: "brigade"}}
	if _, err := h.Take(t.Context(), ann, id, in); layers.CodeOf(err) != layers.CodeForbidden {
		t.Errorf("to another unit: %v", err)
	}
}

// Fifty officers and handlers at once on one event, each with what they saw: no step is lost, none is taken twice, one
// lead at any time, and the timeline's versions run without a gap.
func TestFiftyAtOnce(t *testing.T) {
	h := newHub(t)
	id := h.file(citizen, "W-1")
	desks := []layers.Scope{dan, eve, mayor}
	var won, lost atomic.Int64
	race := func(n int, try func(i int) error) int64 {
		t.Helper()
		won.Store(0)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				switch err := try(i); layers.CodeOf(err) {
				case layers.CodeConflict:
					lost.Add(1)
				default:
					if err != nil {
						t.Errorf("client %d: %v", i, err)
						return
					}
					won.Add(1)
				}
			})
		}
		wg.Wait()
		return won.Load()
	}
	// All assign the report at the version that all see.
	if n := race(50, func(i int) error {
		_, err := h.Assign(t.Context(), desks[i%3], id, Step{Version: 1, Assignees: []Assignee{{Worker: int32(1 + i%3)}}})
		return err
	}); n != 1 {
		t.Errorf("%d assigned the same report", n)
	}
	// All hand it over, each again and again from the newest version that they see, until each has come through once.
	total := race(50, func(i int) error {
		for {
			_, err := h.Take(t.Context(), desks[i%3], id, Step{
				Step: "handover", Version: h.version(id), Reason: fmt.Sprint(i), Assignees: []Assignee{{Worker: int32(1 + i%3)}},
			})
			if layers.CodeOf(err) != layers.CodeConflict {
				return err
			}
			lost.Add(1)
		}
	})
	var steps, versions, newest, leads, assigned, changes int
	if err := h.pool.QueryRow(t.Context(), `select count(*), count(distinct version), max(version),
		(select count(*) from assignment where event_id = $1 and ended_at is null and lead),
		(select count(*) from assignment where event_id = $1),
		(select count(*) from change where feature_id = $1 and kind = 'event')
		from event_step where event_id = $1`, id).Scan(&steps, &versions, &newest, &leads, &assigned, &changes); err != nil {
		t.Fatal(err)
	}
	// report, accept, dispatch, and fifty that were handed over
	if total != 50 || steps != 53 || versions != 53 || newest != 53 || h.version(id) != 53 || leads != 1 || assigned != 51 || changes != 53 {
		t.Errorf("%d came through; %d steps, %d versions up to %d, event at %d, %d leads of %d assignments, %d changes",
			total, steps, versions, newest, h.version(id), leads, assigned, changes)
	}
	t.Logf("51 of 100 came through, %d times somebody was told to look again", lost.Load())
}

// A step sent again with its key, at once or later, is taken once and answers the same.
func TestReplayedSteps(t *testing.T) {
	h := newHub(t)
	id := h.in("dispatch")
	in := h.full("start", h.version(id))
	in.ClientKey = "phone-1"
	positions := make([]layers.Position, 16)
	var wg sync.WaitGroup
	for i := range positions {
		wg.Go(func() {
			r, err := h.Take(t.Context(), ann, id, in)
			if err != nil {
				t.Error(err)
			}
			positions[i] = r.Position
		})
	}
	wg.Wait()
	if positions[0] == 0 || len(slices.Compact(positions)) != 1 {
		t.Errorf("receipts differ: %v", positions)
	}
	h.must(cho, id, "part")
	h.must(ann, id, "feedback")
	if r, err := h.Take(t.Context(), ann, id, in); err != nil || !r.Replayed {
		t.Errorf("a late replay: %+v, %v", r, err)
	}
	var n int
	if err := h.pool.QueryRow(t.Context(), `select count(*) from event_step where event_id = $1 and step = 'start'`, id).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d starts, %v", n, err)
	}
}

// Who may not see the place is told that there is no such event, by every door.
func TestOtherPlacesAreNotTold(t *testing.T) {
	h := newHub(t)
	id := h.in("handle")
	for name, scope := range map[string]layers.Scope{"another town's": other, "nobody's": {Actor: "x"}, "counts only": func() layers.Scope {
		s := dan
		s.Event.Records = layers.Reach{}
		return s
	}()} {
		_, e1 := h.Take(t.Context(), scope, id, h.full("note", 0))
		_, e2 := h.Case(t.Context(), scope, id)
		_, e3 := h.Nearest(t.Context(), scope, id, 5)
		_, e4 := h.Assign(t.Context(), scope, id, h.full("", h.version(id)))
		for _, err := range []error{e1, e2, e3, e4} {
			if layers.CodeOf(err) != layers.CodeNotFound {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if _, err := h.Take(t.Context(), dan, 999, h.full("note", 0)); layers.CodeOf(err) != layers.CodeNotFound {
		t.Errorf("no such event: %v", err)
	}
}
