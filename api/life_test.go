package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"onepicture/layers"
)

// townWorkers are units and workers of the small city.
const townWorkers = `
	insert into unit (id, code, name, name_en, level, place_id, department_id) values
		(1, 'jiangwan', '江湾社区', 'Jiangwan', 3, 4, null), (2, 'brigade', '消防队', 'Fire brigade', 1, null, 1);
	insert into worker (id, actor, unit_id, label, label_en, desk, on_duty) values
		(1, 'a1', 1, '03网格员', 'Worker of grid 03', false, true), (2, 'a2', 2, '消防员', 'Fireman', false, true),
		(3, 'a3', 1, '社区值班', 'Desk of Jiangwan', true, false);
	insert into presence (worker_id, place_id, geom, seen_at) values
		(1, 5, st_setsrid(st_makepoint(113.051, 23.05), 4326), now()), (2, 5, st_setsrid(st_makepoint(113.06, 23.05), 4326), now())`

// newWorkers is the small city with workers, in which a request acts as its X-Actor header says.
func newWorkers(t *testing.T) *town {
	t.Helper()
	w := newTown(t, func(o *Options) {
		o.Scope = func(r *http.Request) layers.Scope {
			s := layers.Loopback()
			if a := r.Header.Get("X-Actor"); a != "" {
				s.Actor = a
			}
			return s
		}
	})
	if _, err := w.pool.Exec(t.Context(), townWorkers); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *town) as(actor, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := call(method, target, strings.NewReader(body))
	r.Header.Set("X-Actor", actor)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return w.do(r)
}

// The day of an event over HTTP: reported, assigned, started, fed back, verified by another, closed; the timeline is
// whole, and each reader is offered what is theirs.
func TestLifeOfAnEvent(t *testing.T) {
	w := newWorkers(t)
	id := answer[Reported](t, w.report(t, reportBody, "")).Event.ID
	path := fmt.Sprintf("/api/events/%d", id)
	assign := fmt.Sprintf(`{"events":[{"id":%d,"version":1}],"assignees":[{"worker":1},{"unit":"brigade"}]}`, id)
	if r := answer[AssignResults](t, w.as("desk", "POST", "/api/events/assign", assign)); len(r.Results) != 1 || !r.Results[0].Done || r.Position == "0" {
		t.Fatalf("assigned: %+v", r)
	}
	if p := refusal(t, w.as("desk2", "POST", "/api/events/assign", assign)); p.Status != http.StatusConflict {
		t.Errorf("the second who assigns: %+v", p)
	}
	tasks := answer[Tasks](t, w.as("a1", "GET", "/api/tasks", ""))
	if len(tasks.Tasks) != 1 || tasks.Tasks[0].Event.ID != id || tasks.Tasks[0].Version != 3 || tasks.Worker.value == nil || tasks.Worker.value.Unit.Code != "jiangwan" {
		t.Fatalf("tasks %+v", tasks)
	}
	steps := ""
	for _, a := range tasks.Tasks[0].Actions {
		steps += a.Step + " "
	}
	if steps != "handover return start whistle note " {
		t.Errorf("the worker is offered %s", steps)
	}
	for _, s := range []struct{ by, body string }{
		{"a1", `{"step":"start"}`},
		{"a1", `{"step":"arrive","lon":113.05,"lat":23.05,"datum":"WGS84"}`},
		{"a2", `{"step":"part","note":"排水完成"}`},
		{"a1", `{"step":"feedback","note":"已清理","evidence":["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]}`},
		{"a3", `{"step":"verify","version":5}`},
		{"desk", `{"step":"close","version":6}`},
	} {
		if rec := w.as(s.by, "POST", path+"/steps", s.body); rec.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", s.body, rec.Code, rec.Body)
		}
	}
	e := answer[EventDetail](t, w.as("desk", "GET", path, ""))
	line := ""
	for _, s := range e.Timeline {
		line += s.Step + ":" + s.Actor + " "
	}
	if want := "report:loopback accept:desk dispatch:desk start:a1 arrive:a1 part:a2 feedback:a1 verify:a3 close:desk "; line != want {
		t.Errorf("timeline %s\nwant     %s", line, want)
	}
	if e.Status != "close" || e.Version != 7 || e.ClosedAt == nil || len(e.Actions) != 2 || len(e.Timeline[6].Evidence) != 1 || e.Timeline[4].Lon == nil {
		t.Errorf("detail %+v", e)
	}
	if len(answer[Tasks](t, w.as("a1", "GET", "/api/tasks", "")).Tasks) != 0 {
		t.Error("the closed event is still a task")
	}
}

// The stream tells of each step at once, with the new state.
func TestStepsAreOnTheStream(t *testing.T) {
	w := newWorkers(t)
	l := listen(t, serveTown(t, w), "")
	defer l.close()
	l.until(t, "position")
	rec := w.as("desk", "POST", "/api/events/2/steps", `{"step":"dispatch","version":1,"assignees":[{"unit":"brigade"}]}`)
	p := answer[Stepped](t, rec)
	var c Change
	if err := json.Unmarshal([]byte(l.until(t, "change").data), &c); err != nil {
		t.Fatal(err)
	}
	if c.Position != p.Position || c.ID == nil || *c.ID != 2 || c.Status == nil || *c.Status != "dispatch" {
		t.Errorf("told %+v, want %+v", c, p)
	}
}

func TestRefusedSteps(t *testing.T) {
	w := newWorkers(t)
	for _, c := range []struct {
		name, by, method, path, body, location string
		status                                 int
	}{
		{"unknown event", "desk", "POST", "/api/events/99/steps", `{"step":"note","note":"x"}`, "", 404},
		{"unknown step", "desk", "POST", "/api/events/1/steps", `{"step":"dance"}`, "body.step", 422},
		{"no version", "desk", "POST", "/api/events/1/steps", `{"step":"accept"}`, "body.version", 422},
		{"no reason", "desk", "POST", "/api/events/1/steps", `{"step":"void","version":1}`, "body.reason", 422},
		{"an old version", "desk", "POST", "/api/events/1/steps", `{"step":"accept","version":9}`, "", 409},
		{"out of turn", "desk", "POST", "/api/events/1/steps", `{"step":"close","version":1}`, "", 409},
		{"not theirs", "a1", "POST", "/api/events/1/steps", `{"step":"accept","version":1}`, "", 403},
		{"unknown field", "desk", "POST", "/api/events/1/steps", `{"step":"accept","version":1,"status":7}`, "body.status", 422},
		{"workers for a worker", "a1", "GET", "/api/events/1/workers", "", "", 403},
		{"workers of nothing", "desk", "GET", "/api/events/99/workers", "", "", 404},
		{"duty of nobody", "desk", "PUT", "/api/duty", `{"onDuty":true}`, "", 404},
		{"duty without a datum", "a1", "PUT", "/api/duty", `{"onDuty":true,"lon":113,"lat":23}`, "body.datum", 422},
		{"units of nowhere", "desk", "GET", "/api/units?place=1", "", "query.place", 422},
		{"nobody", "desk", "POST", "/api/events/assign", `{"events":[],"assignees":[{"worker":1}]}`, "body.events", 422},
		{"one event to nobody", "desk", "POST", "/api/events/assign", `{"events":[{"id":1,"version":1}],"assignees":[{"worker":77}]}`, "body.assignees", 422},
	} {
		p := refusal(t, w.as(c.by, c.method, c.path, c.body))
		if p.Status != c.status || c.location != "" && (len(p.Errors) == 0 || p.Errors[0].Location != c.location) {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
}

// Several at once: each by itself, and a replay with the same key does nothing.
func TestBulkAssign(t *testing.T) {
	w := newWorkers(t)
	const body = `{"events":[{"id":1,"version":1},{"id":2,"version":1},{"id":3,"version":1},{"id":77,"version":1}],"assignees":[{"unit":"brigade"}]}`
	for range 2 {
		r := answer[AssignResults](t, w.as("desk", "POST", "/api/events/assign", body, "Idempotency-Key", "k"))
		told := ""
		for _, one := range r.Results {
			code := "done"
			if one.Problem.value != nil {
				code = one.Problem.value.Code
			}
			told += code + " "
		}
		if told != "done done conflict not_found " {
			t.Errorf("results %s", told)
		}
	}
	if n := answer[Units](t, w.as("desk", "GET", "/api/units", "")).Units[0].InHand; n != 2 {
		t.Errorf("the brigade has %d in hand, want 2", n)
	}
}

func TestCandidates(t *testing.T) {
	w := newWorkers(t)
	list := answer[Candidates](t, w.as("desk", "GET", "/api/events/2/workers", "")).Workers
	if len(list) != 2 || list[0].ID != 1 || list[1].ID != 2 || list[0].Meters < 100 || list[0].Meters > 180 || !list[0].Free || !list[0].Skilled || list[1].Unit.Code != "brigade" {
		t.Errorf("%+v", list)
	}
	if rec := w.as("a1", "PUT", "/api/duty", `{"onDuty":false}`); rec.Code != http.StatusOK {
		t.Fatal(rec.Body)
	}
	list = answer[Candidates](t, w.as("desk", "GET", "/api/events/2/workers", "")).Workers
	if len(list) != 1 || list[0].ID != 2 {
		t.Errorf("who is off duty is offered: %+v", list)
	}
	var kept bool
	if err := w.pool.QueryRow(t.Context(), `select exists (select from presence where worker_id = 1)`).Scan(&kept); err != nil || kept {
		t.Errorf("a position is kept off duty: %v", err)
	}
}
