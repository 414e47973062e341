package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"onepicture/layers"
	"onepicture/sql/sqltest"
)

// newDepartments is the small city, in which the actors "fire" and "roads" are officers of two departments in the first
// town; everybody else is a desk that sees all.
func newDepartments(t *testing.T) *town {
	t.Helper()
	pool := sqltest.DB(t)
	for _, text := range []string{townSQL(t), townWorkers, `
		insert into department (code, name, name_en) values ('roads', '城管', 'Roads');
		insert into unit (id, code, name, name_en, level, department_id) values (3, 'roads', '城管局', 'Roads', 1, 2)`} {
		if _, err := pool.Exec(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	return openTown(t, pool, func(o *Options) {
		o.Scope = func(r *http.Request) layers.Scope {
			department, officer := map[string]int16{"fire": 1, "roads": 2}[r.Header.Get("X-Actor")]
			if !officer {
				return layers.Loopback()
			}
			own := layers.Sight{Counts: part("A"), Owned: []layers.Owned{{Department: department, Reach: part("A")}}}
			return layers.Scope{Actor: r.Header.Get("X-Actor"), Site: layers.Sight{Counts: part("A"), Records: part("A")}, Event: own, Rights: layers.RightReport | layers.RightHandle}
		}
	})
}

// named are the names of the features of a tile.
func named(t *testing.T, body []byte) (names []string) {
	t.Helper()
	for _, l := range decode(t, body) {
		for _, f := range l.Features {
			if name, ok := f.Properties["name"].(string); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// An event that one department hands to another leaves the first one's list, tiles, stream and addresses and comes into
// the other's; both count it all the time.
func TestHandedToAnotherDepartment(t *testing.T) {
	w := newDepartments(t)
	tile := tileURL("events", 16, "")
	tags := map[string]string{}
	sees := func(when, actor string, yes bool) {
		t.Helper()
		status := map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[yes]
		for _, path := range []string{"/api/events/1", "/api/events/1/photos", "/api/events/1/similar"} {
			if rec := w.as(actor, "GET", path, ""); rec.Code != status {
				t.Errorf("%s, %s: GET %s is %d", when, actor, path, rec.Code)
			}
		}
		listed := false
		for _, e := range answer[EventPage](t, w.as(actor, "GET", "/api/events?place="+townA, "")).Events {
			listed = listed || e.ID == 1
		}
		rec := w.as(actor, "GET", tile, "", "Accept-Encoding", "identity", "If-None-Match", tags[actor])
		if rec.Code != http.StatusOK {
			t.Fatalf("%s, %s: the tile is %d", when, actor, rec.Code)
		}
		tags[actor] = rec.Header().Get("ETag")
		drawn := strings.Contains(strings.Join(named(t, rec.Body.Bytes()), " "), "楼道起火")
		if listed != yes || drawn != yes {
			t.Errorf("%s, %s: listed %v, drawn %v", when, actor, listed, drawn)
		}
		count := answer[AreaCounts](t, w.as(actor, "POST", countRoute, `{"area":{"type":"Polygon","coordinates":[[[113,22],[113.1,22],[113.1,24],[113,24],[113,22]]]},"kind":"event"}`))
		if len(count.Kinds) != 1 || *count.Kinds[0].Count != 3 {
			t.Errorf("%s, %s counts %+v", when, actor, count)
		}
	}
	sees("before", "fire", true)
	sees("before", "roads", false)
	w.sent(t, "k", jpegFile(t, 400, 300)) // what changes an event in passing keeps its department
	var position string
	if err := w.pool.QueryRow(t.Context(), "select max(position)::text from change").Scan(&position); err != nil {
		t.Fatal(err)
	}
	w.reach(t, position)
	sees("with a photo", "fire", true)
	sees("with a photo", "roads", false)

	server := serveTown(t, w)
	streams := map[string]*listening{}
	for _, actor := range []string{"fire", "roads"} {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+streamRoute, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Actor", actor)
		streams[actor] = listenTo(t, server, r)
		defer streams[actor].close()
		streams[actor].until(t, "position")
	}
	given := answer[AssignResults](t, w.as("desk", "POST", "/api/events/assign", `{"events":[{"id":1,"version":1}],"assignees":[{"unit":"roads"}],"reason":"路面"}`))
	if len(given.Results) != 1 || !given.Results[0].Done {
		t.Fatalf("%+v", given)
	}
	w.reach(t, given.Position)
	for actor, told := range map[string][]string{
		"fire":  {`"op":"put","id":1,"lon":113.05`, `"op":"delete","id":1,"lon":null`}, // accepted, then gone
		"roads": {`"op":"put","id":null,"lon":null`, `"op":"put","id":1,"lon":113.05`},
	} {
		for i, want := range told {
			if got := streams[actor].until(t, "change").data; !strings.Contains(got, want) {
				t.Errorf("%s, change %d: no %s in %s", actor, i, want, got)
			}
		}
	}
	sees("after", "fire", false)
	sees("after", "roads", true)
	if d := answer[EventDetail](t, w.as("roads", "GET", "/api/events/1", "")); d.Department.value == nil || d.Department.value.Name != "城管" {
		t.Errorf("it says that %+v answers for it", d.Department.value)
	}
	if rec := w.as("fire", "POST", "/api/events/1/steps", `{"step":"note","note":"x"}`); rec.Code != http.StatusNotFound {
		t.Errorf("the department that had it steps: %d", rec.Code)
	}
}

// An officer of a department reports what the department answers for, and gives it to no other department.
func TestADepartmentKeepsToItsOwn(t *testing.T) {
	w := newDepartments(t)
	report := func(actor, kind string) int {
		return w.as(actor, "POST", "/api/events", fmt.Sprintf(`{"title":"x",%s,"lon":113.05,"lat":23.05,"datum":"WGS84"}`, kind)).Code
	}
	for _, c := range []struct {
		actor, kind string
		status      int
	}{
		{"fire", `"item":"F-1"`, 201}, {"roads", `"item":"F-1"`, 403}, {"fire", `"category":"flood"`, 403}, {"desk", `"category":"flood"`, 201},
	} {
		if got := report(c.actor, c.kind); got != c.status {
			t.Errorf("%s reports %s: %d", c.actor, c.kind, got)
		}
	}
	for _, c := range []struct {
		what, actor, body string
		status            int
	}{
		{"another's", "roads", `{"step":"accept","version":1}`, 404},
		{"to an item that is no department's", "fire", `{"step":"accept","version":1,"category":"flood"}`, 403},
		{"its own", "fire", `{"step":"accept","version":1}`, 200},
		{"to another department", "fire", `{"step":"dispatch","version":2,"assignees":[{"unit":"roads"}]}`, 403},
		{"to an office of the place", "fire", `{"step":"dispatch","version":2,"assignees":[{"unit":"jiangwan"}]}`, 200},
	} {
		rec := w.as(c.actor, "POST", "/api/events/1/steps", c.body)
		if rec.Code != c.status {
			t.Errorf("%s: %d %s", c.what, rec.Code, rec.Body)
		}
		if rec.Code == 403 && !bytes.Contains(rec.Body.Bytes(), []byte("a department does not give its events to another")) {
			t.Errorf("%s: %s", c.what, rec.Body)
		}
	}
	if got := w.as("fire", "GET", "/api/events/1", "").Code; got != 200 {
		t.Errorf("an office handles it, and its department sees %d", got)
	}
	// What is told over places is told where any of their events are seen: who is on duty, and instructions that are about
	// no event. An instruction about an event is for who sees the event.
	if got := w.as("fire", "GET", "/api/presence", "").Code; got != 200 {
		t.Errorf("presence: %d", got)
	}
	for _, body := range []string{`{"text":"巡江","place":"` + villageA + `"}`, `{"text":"看火","workers":[1],"event":1}`} {
		answer[Instructed](t, w.as("desk", "POST", "/api/instructions", body))
	}
	for actor, want := range map[string][2]bool{"fire": {true, true}, "roads": {true, false}} {
		got := w.as(actor, "GET", "/api/instructions", "").Body.String()
		if strings.Contains(got, "巡江") != want[0] || strings.Contains(got, "看火") != want[1] {
			t.Errorf("%s reads %s", actor, got)
		}
	}
}
