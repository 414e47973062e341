package api

import (
	"net/http"
	"strings"
	"testing"
)

// A shift with and without sharing over HTTP: only a shared position is kept, desks alone are told, and it goes when the
// shift ends.
func TestPresenceOverHTTP(t *testing.T) {
	w := newWorkers(t)
	if _, err := w.pool.Exec(t.Context(), `delete from presence; update worker set on_duty = false`); err != nil {
		t.Fatal(err)
	}
	present := func() []PresentWorker {
		t.Helper()
		return answer[Presence](t, w.as("desk", "GET", "/api/presence?place="+townA, "")).Workers
	}
	if me := answer[Tasks](t, w.as("a1", "PUT", "/api/duty", `{"onDuty":true}`)).Worker.value; me == nil || !me.OnDuty || me.SeenAt != nil {
		t.Fatalf("begun: %+v", me)
	}
	if p := refusal(t, w.as("a1", "PUT", "/api/duty", `{"onDuty":true,"lon":113.05,"lat":23.05,"datum":"WGS84"}`)); p.Status != 422 || p.Errors[0].Location != "body.share" {
		t.Errorf("a position that is not shared: %+v", p)
	}
	if got := present(); len(got) != 0 {
		t.Errorf("not shared, and told: %+v", got)
	}
	answer[Tasks](t, w.as("a1", "PUT", "/api/duty", `{"onDuty":true,"share":true,"lon":113.05049,"lat":23.05,"datum":"WGS84"}`))
	got := present()
	if len(got) != 1 || got[0].ID != 1 || got[0].Lon != 113.05 || got[0].Unit.Code != "jiangwan" || got[0].SeenAt.IsZero() {
		t.Errorf("shared: %+v", got)
	}
	if got := answer[Presence](t, w.as("desk", "GET", "/api/presence?place="+townB, "")).Workers; len(got) != 0 {
		t.Errorf("in the other town: %+v", got)
	}
	if got := answer[Presence](t, w.as("a3", "GET", "/api/presence", "")).Workers; len(got) != 1 {
		t.Errorf("the village's desk is told %+v", got)
	}
	for _, c := range []struct {
		by, target string
		status     int
	}{{"a2", "/api/presence", http.StatusForbidden}, {"desk", "/api/presence?place=1", http.StatusUnprocessableEntity}} {
		if p := refusal(t, w.as(c.by, "GET", c.target, "")); p.Status != c.status {
			t.Errorf("%s by %s: %+v", c.target, c.by, p)
		}
	}
	answer[Tasks](t, w.as("a1", "PUT", "/api/duty", `{"onDuty":false}`))
	if got := present(); len(got) != 0 {
		t.Errorf("off duty, and told: %+v", got)
	}
	// Nobody without the right to handle is told where workers are.
	s := keyedTown(t)
	if rec := s.do(call("GET", "/api/presence", strings.NewReader(""))); rec.Code != http.StatusForbidden {
		t.Errorf("anybody is told: %d", rec.Code)
	}
}
