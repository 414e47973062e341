package dispatch

import (
	"slices"
	"testing"
	"time"

	"onepicture/layers"
)

// revise gives an item a further version: what was filed keeps the first.
func (h *hub) revise(code string, change func(*layers.Item)) {
	h.t.Helper()
	c := *h.picture.Catalogue()
	c.Items = slices.Clone(c.Items)
	for i := range c.Items {
		if it := &c.Items[i]; it.Code == code && !it.Idle {
			next := *it
			it.Idle = true
			next.ID, next.Version = uint16(100+len(c.Items)), it.Version+2
			change(&next)
			if _, err := h.pool.Exec(h.t.Context(), `insert into item (id, code, version, class, name, deadline_hours, level)
				values ($1, $2, $3, $4, 'revised', $5, $6)`, int16(next.ID), next.Code, next.Version, int16(next.Class), next.DeadlineHours, int16(next.Level)); err != nil {
				h.t.Fatal(err)
			}
			c.Items = append(c.Items, next)
			break
		}
	}
	h.restart(valley{layers.NewCatalogue(c)}, h.serves)
}

func (h *hub) state(id int64) state {
	h.t.Helper()
	s, err := readState(h.t.Context(), h.pool, lookSQL, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (h *hub) jobs(id int64) (at string) {
	h.t.Helper()
	if err := h.pool.QueryRow(h.t.Context(), `select string_agg(kind || ' ' || (run_at at time zone 'UTC'), ', ' order by id) from clock_job where event_id = $1`, id).Scan(&at); err != nil {
		h.t.Fatal(err)
	}
	return at
}

func TestEventKeepsTheVersionThatItWasFiledUnder(t *testing.T) {
	h := newHub(t)
	filed, sent := h.file(ann, "F-1"), h.file(ann, "F-1")
	h.must(dan, sent, "accept", func(s *Step) { s.Category, s.Item, s.Level = "", "", 0 })
	h.must(dan, sent, "dispatch")
	due, jobs := h.state(sent).due, h.jobs(sent)
	h.revise("F-1", func(it *layers.Item) {
		it.DeadlineHours, it.Level, it.Photos, it.Requires = 100, 4, 0, []string{"start.place"}
	})
	h.at = h.at.Add(time.Hour)
	fresh := h.file(ann, "F-1")

	if s := h.state(sent); s.item != 7 || !s.due.Equal(*due) || h.jobs(sent) != jobs {
		t.Errorf("a running clock changed: item %d, due %v, was %v; %s, was %s", s.item, s.due, due, h.jobs(sent), jobs)
	}
	// Nor does the new version ask anything of what is under way: a start without a place, a feedback with a photo.
	h.must(ann, sent, "start", func(s *Step) { s.Lon, s.Lat = nil, nil })
	if _, err := h.Take(t.Context(), ann, sent, Step{Step: "feedback", Note: "好了"}); layers.CodeOf(err) != layers.CodeInvalid {
		t.Errorf("without the photo of its version: %v", err)
	}
	h.must(ann, sent, "feedback")
	// Put right, it keeps its version as long as the item stays the same, whether it is named or not.
	for _, change := range []func(*Step){
		func(s *Step) { s.Category, s.Item, s.Level = "", "", 3 },
		func(s *Step) { s.Category, s.Item, s.Level = "", "F-1", 2 },
	} {
		id := filed
		if h.state(id).status != report {
			break
		}
		h.must(dan, id, "accept", change)
		if s := h.state(id); s.item != 7 {
			t.Errorf("put right: item %d", s.item)
		}
	}
	h.must(dan, filed, "dispatch")
	if s := h.state(filed); s.item != 7 || s.due.Sub(h.at) != 12*time.Hour {
		t.Errorf("dispatched: item %d, due in %v; want the first version's 12 h", s.item, s.due.Sub(h.at))
	}
	if s := h.state(fresh); s.item == 7 || s.level != 4 || s.due.Sub(h.at) != 100*time.Hour {
		t.Errorf("filed since: item %d, level %d, due in %v; want the new version's 100 h", s.item, s.level, s.due.Sub(h.at))
	}
}

func TestItemAsksForMore(t *testing.T) {
	h := newHub(t)
	h.revise("F-1", func(it *layers.Item) {
		it.Photos, it.Requires = 2, []string{"report.description", "report.address", "accept.note", "start.photo", "start.place", "feedback.place", "close.note"}
	})
	r := Report{Title: "占道", Item: "F-1", Channel: "patrol", Lon: 113.05, Lat: 23.05, Datum: "WGS84", Description: "说明", Address: "江湾路 1 号"}
	for field, change := range map[string]func(*Report){
		"description": func(r *Report) { r.Description = " " }, "address": func(r *Report) { r.Address = "" },
	} {
		less := r
		change(&less)
		if _, err := h.Report(t.Context(), ann, less); layers.CodeOf(err) != layers.CodeInvalid {
			t.Errorf("a patrol's report without %s: %v", field, err)
		}
		less.Channel = "resident" // who cannot know what is asked
		if _, err := h.Report(t.Context(), ann, less); err != nil {
			t.Errorf("a resident's report without %s: %v", field, err)
		}
	}
	receipt, err := h.Report(t.Context(), ann, r)
	if err != nil {
		t.Fatal(err)
	}
	id := receipt.FeatureID
	kept := func(s *Step) { s.Category, s.Item, s.Level = "", "", 0 }
	for _, c := range []struct {
		by     layers.Scope
		step   string
		wants  map[string]func(*Step)
		change func(*Step)
	}{
		{dan, "accept", map[string]func(*Step){"a note": func(s *Step) { s.Note = "" }}, kept},
		{dan, "dispatch", nil, kept},
		{ann, "start", map[string]func(*Step){
			"a photo": func(s *Step) { s.Evidence = nil }, "a place": func(s *Step) { s.Lon, s.Lat = nil, nil },
		}, kept},
		{ann, "feedback", map[string]func(*Step){
			"two photos": func(*Step) {}, "a place": func(s *Step) { s.Evidence, s.Lon, s.Lat = []string{photo, photo}, nil, nil },
		}, func(s *Step) { s.Evidence = []string{photo, photo} }},
		{dan, "verify", nil, func(s *Step) { s.Note = "" }},
		{dan, "close", map[string]func(*Step){"a note": func(s *Step) { s.Note = "" }}, kept},
	} {
		for what, without := range c.wants {
			in := h.full(c.step, h.version(id))
			kept(&in)
			without(&in)
			if _, err := h.Take(t.Context(), c.by, id, in); layers.CodeOf(err) != layers.CodeInvalid {
				t.Errorf("%s without %s: %v", c.step, what, err)
			}
		}
		h.must(c.by, id, c.step, c.change)
	}
	if got := h.status(id); got != "close" {
		t.Errorf("it ended %s", got)
	}
}

func TestOfferedStepsNameWhatTheItemAsksFor(t *testing.T) {
	h := newHub(t)
	h.revise("F-1", func(it *layers.Item) { it.Photos, it.Requires = 2, []string{"start.photo", "start.place"} })
	id := h.file(ann, "F-1")
	h.must(dan, id, "accept", func(s *Step) { s.Category, s.Item, s.Level = "", "", 0 })
	h.must(dan, id, "dispatch")
	c, err := h.Case(t.Context(), ann, id)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(c.Actions, func(a Action) bool { return a.Step == "start" })
	if i < 0 || !slices.Equal(c.Actions[i].Needs, []string{"evidence", "place"}) || c.Actions[i].Photos != 1 {
		t.Errorf("%+v", c.Actions)
	}
}

func TestWhoVerifiesIsTheItemsToSay(t *testing.T) {
	h := newHub(t)
	h.revise("F-1", func(it *layers.Item) { it.VerifyLevel = layers.LevelTown })
	id := h.file(ann, "F-1")
	h.must(dan, id, "accept", func(s *Step) { s.Category, s.Item, s.Level = "", "", 0 })
	h.must(dan, id, "dispatch")
	h.must(ann, id, "start")
	h.must(ann, id, "feedback")
	for _, step := range []string{"verify", "reject"} {
		if _, err := h.Take(t.Context(), dan, id, h.full(step, h.version(id))); layers.CodeOf(err) != layers.CodeForbidden {
			t.Errorf("%s at the village's desk: %v", step, err)
		}
	}
	h.must(eve, id, "verify")
}
