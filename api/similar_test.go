package api

import (
	"fmt"
	"net/http"
	"testing"

	"onepicture/layers"
)

// counted is how many events lists, figures, areas and the database each tell of, and one that differs.
func (w *town) counted(t *testing.T, position string) string {
	t.Helper()
	w.reach(t, position)
	list := len(answer[EventPage](t, w.get("/api/events?limit=200")).Events)
	figures := answer[Figures](t, w.get("/api/places/"+cityCode+"/figures"))
	area := answer[AreaCounts](t, w.count(`{"area":{"type":"Polygon","coordinates":[[[110,20],[116,20],[116,26],[110,26],[110,20]]]}}`))
	inside := -1
	for _, k := range area.Kinds {
		if k.Kind == "event" && k.Count != nil {
			inside = *k.Count
		}
	}
	var rows int
	if err := w.pool.QueryRow(t.Context(), `select count(*) from event where merged_into is null`).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(list, *figures.Totals.Event, inside, rows)
}

// Two reports of the same are found for one another, merged and parted: all counts tell of one, then of two again.
func TestOneEventManyReports(t *testing.T) {
	w := newWorkers(t)
	near := `{"title":"门口积水","category":"flood","lon":113.0502,"lat":23.05,"datum":"WGS84"}`
	lead := answer[Reported](t, w.report(t, reportBody, "")).Event.ID
	// Event 2 of the small city is 113 m away, with half of the words.
	sample := `{"lon":113.0502,"lat":23.05,"datum":"WGS84","category":"flood","words":"积水"}`
	before := answer[SimilarEvents](t, w.as("a1", "POST", "/api/events/similar", sample)).Events
	if len(before) != 2 || before[0].Event.ID != lead || before[0].Meters < 10 || before[0].Meters > 40 || before[0].Minutes != 0 || before[0].Words != 1 {
		t.Fatalf("before sending: %+v", before)
	}
	r := answer[Reported](t, w.report(t, near, ""))
	id, path := r.Event.ID, fmt.Sprintf("/api/events/%d", r.Event.ID)
	after := answer[SimilarEvents](t, w.as("desk", "GET", path+"/similar", "")).Events
	if len(after) != 2 || after[0].Event.ID != lead || after[0].Meters != before[0].Meters {
		t.Errorf("the card tells %+v, the phone was told %+v", after, before)
	}
	two := w.counted(t, r.Position)
	merged := answer[Stepped](t, w.as("desk", "POST", path+"/steps", fmt.Sprintf(`{"step":"merge","version":1,"into":%d}`, lead)))
	if merged.Event.Status != "merged" || merged.Event.Overdue || merged.Version != 2 {
		t.Errorf("merged %+v", merged)
	}
	if one := w.counted(t, merged.Position); one == two {
		t.Errorf("%s before and after", one)
	}
	if again := answer[SimilarEvents](t, w.as("a1", "POST", "/api/events/similar", sample)).Events; len(again) != 2 || again[0].Event.ID != lead {
		t.Errorf("what was merged is offered: %+v", again)
	}
	e := answer[EventDetail](t, w.as("desk", "GET", path, ""))
	if e.MergedInto.value == nil || e.MergedInto.value.ID != lead || e.MergedInto.value.Status != "report" || len(e.Actions) != 1 || e.Actions[0].Step != "unmerge" {
		t.Errorf("the report tells %+v", e)
	}
	l := answer[EventDetail](t, w.as("desk", "GET", fmt.Sprintf("/api/events/%d", lead), ""))
	if len(l.Merged) != 1 || l.Merged[0].ID != id || l.Timeline[1].Step != "gather" || *l.Timeline[1].Other != id {
		t.Errorf("the event tells %+v", l)
	}
	undone := answer[Stepped](t, w.as("desk", "POST", path+"/steps", `{"step":"unmerge","version":2,"reason":"不是同一处"}`))
	if undone.Event.Status != "report" || w.counted(t, undone.Position) != two {
		t.Errorf("undone %+v, %s, want %s", undone, w.counted(t, undone.Position), two)
	}
}

func TestRefusedMergesAndSamples(t *testing.T) {
	w := newWorkers(t)
	for _, c := range []struct {
		name, method, path, body, location string
		status                             int
	}{
		{"into nothing", "POST", "/api/events/1/steps", `{"step":"merge","version":1}`, "body.into", 422},
		{"into itself", "POST", "/api/events/2/steps", `{"step":"merge","version":1,"into":2}`, "body.into", 422},
		{"into what is not there", "POST", "/api/events/2/steps", `{"step":"merge","version":1,"into":999}`, "", 404},
		{"by hand beside", "POST", "/api/events/2/steps", `{"step":"gather"}`, "", 403},
		{"no datum", "POST", "/api/events/similar", `{"lon":113.05,"lat":23.05,"datum":"","category":"flood"}`, "body.datum", 422},
		{"no category", "POST", "/api/events/similar", `{"lon":113.05,"lat":23.05,"datum":"WGS84"}`, "body.category", 422},
		{"off the map", "POST", "/api/events/similar", `{"lon":713.05,"lat":23.05,"datum":"WGS84","category":"flood"}`, "body.lon", 422},
		{"of what is not there", "GET", "/api/events/999/similar", "", "", 404},
	} {
		p := refusal(t, w.as("desk", c.method, c.path, c.body))
		if p.Status != c.status || c.location != "" && (len(p.Errors) == 0 || p.Errors[0].Location != c.location) {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
}

// Who reported what was merged follows the one event by the number that was told, and gets its answer.
func TestTheReporterGetsOneAnswer(t *testing.T) {
	w := keyedTown(t)
	c := client311{t, w, "json", ""}
	first, second := c.list(c.ask("POST", "requests", example311()), "")[0], c.list(c.ask("POST", "requests", example311()), "")[0]
	id, lead := second["service_request_id"], first["service_request_id"]
	followed := func() Following {
		return answer[Following](t, w.post("/api/follow", fmt.Sprintf(`{"number":%s,"code":%q}`, id, second["follow_code"])))
	}
	take := func(id, body string) {
		t.Helper()
		r := w.steward(http.MethodPost, "/api/events/"+id+"/steps", body)
		if r.Code != http.StatusOK {
			t.Fatalf("%s: %s", body, r.Body)
		}
	}
	take(id, `{"step":"accept","version":1}`)
	take(id, fmt.Sprintf(`{"step":"merge","version":2,"into":%s}`, lead))
	if f := followed(); f.Status != "report" || len(f.Steps) != 1 {
		t.Errorf("followed %+v", f)
	}
	take(lead, `{"step":"void","version":1,"reason":"x"}`)
	if f := followed(); f.Status != "void" || f.ClosedAt == nil || f.Steps[len(f.Steps)-1].Step != "void" {
		t.Errorf("followed %+v", f)
	}
	take(id, `{"step":"unmerge","version":3,"reason":"x"}`)
	f := followed()
	steps := ""
	for _, s := range f.Steps {
		steps += s.Step + " "
	}
	if f.Status != layers.Statuses[layers.StatusAccept] || steps != "report accept " {
		t.Errorf("followed %+v, steps %s", f, steps)
	}
}
