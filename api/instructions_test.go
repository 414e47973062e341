package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"onepicture/layers"
)

// An instruction from the desk is on the worker's stream at once, is acknowledged from the phone, and the desk sees it.
func TestInstructionReachesItsWorkersAlone(t *testing.T) {
	w := newTown(t, func(o *Options) {
		o.Scope = func(r *http.Request) layers.Scope {
			s := layers.Loopback()
			s.Actor = "desk"
			if a := r.Header.Get("X-Actor"); a != "" { // a worker, who sees nothing of the place
				s = layers.Scope{Actor: a, Event: layers.Sight{Counts: part("B"), Records: part("B")}, Rights: layers.RightHandle}
			}
			if c, err := r.Cookie("actor"); err == nil {
				s = layers.Scope{Actor: c.Value, Event: layers.Sight{Counts: part("B"), Records: part("B")}, Rights: layers.RightHandle}
			}
			return s
		}
	})
	if _, err := w.pool.Exec(t.Context(), townWorkers); err != nil {
		t.Fatal(err)
	}
	given := answer[Instructed](t, w.as("", "POST", "/api/instructions", `{"text":"到江边值守","workers":[1]}`, "Idempotency-Key", "k"))
	if again := answer[Instructed](t, w.as("", "POST", "/api/instructions", `{"text":"到江边值守","workers":[1]}`, "Idempotency-Key", "k")); !again.Replayed || again.ID != given.ID {
		t.Errorf("again: %+v", again)
	}
	w.reach(t, given.Position)
	p, err := layers.ParsePosition(given.Position)
	if err != nil {
		t.Fatal(err)
	}
	// Who resumes from before it: the worker is told, another worker is not, neither learns the text from the stream.
	server := serveTown(t, w)
	for actor, told := range map[string]bool{"a1": true, "a2": false} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("%s%s?after=%d", server.URL, streamRoute, p-1), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: "actor", Value: actor})
		l := listenTo(t, server, r)
		got := false
		for {
			e, ok := l.next()
			if !ok || e.name == "position" {
				break
			}
			if strings.Contains(e.data, `"kind":"instruction"`) {
				got = true
				if strings.Contains(e.data, "江边") || !strings.Contains(e.data, fmt.Sprintf(`"id":%d`, given.ID)) {
					t.Errorf("told %s", e.data)
				}
			}
		}
		l.close()
		if got != told {
			t.Errorf("%s is told: %v", actor, got)
		}
	}
	mine := answer[ReceivedInstructions](t, w.as("a1", "GET", "/api/instructions/mine", "")).Instructions
	if len(mine) != 1 || mine[0].Text != "到江边值守" || mine[0].ReadAt != nil {
		t.Fatalf("%+v", mine)
	}
	if others := answer[ReceivedInstructions](t, w.as("a2", "GET", "/api/instructions/mine", "")).Instructions; len(others) != 0 {
		t.Errorf("another worker reads %+v", others)
	}
	path := fmt.Sprintf("/api/instructions/%d", given.ID)
	if one := answer[InstructionDetail](t, w.get(path)); one.Told != 1 || one.Read != 0 || len(one.To) != 1 || one.To[0].ReadAt != nil {
		t.Errorf("%+v", one)
	}
	if _, err := w.pool.Exec(t.Context(), `update instruction set at = at - interval '2 minutes'`); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
	read := answer[Acknowledged](t, w.as("a1", "POST", path+"/read", `{"at":"`+at+`"}`, "Idempotency-Key", "r"))
	if again := answer[Acknowledged](t, w.as("a1", "POST", path+"/read", `{"at":"`+at+`"}`, "Idempotency-Key", "r")); read.Position == "0" || again.Position != read.Position || !again.Replayed {
		t.Errorf("%+v, again %+v", read, again)
	}
	if one := answer[InstructionDetail](t, w.get(path)); one.Read != 1 || one.To[0].ReadAt == nil || one.To[0].ReadAt.Format(time.RFC3339) != at {
		t.Errorf("%+v", one)
	}
	for name, c := range map[string]struct {
		actor, method, target, body string
		status                      int
	}{
		"a foreign worker acknowledges":  {"a2", "POST", path + "/read", "{}", 404},
		"a worker gives":                 {"a1", "POST", "/api/instructions", `{"text":"x","workers":[2]}`, 403},
		"a worker looks who has read it": {"a1", "GET", path, "", 403},
		"a worker lists":                 {"a1", "GET", "/api/instructions", "", 403},
		"a desk elsewhere looks":         {"elsewhere", "GET", path, "", 404},
		"a desk elsewhere gives":         {"elsewhere", "POST", "/api/instructions", `{"text":"x","workers":[1]}`, 422},
		"to an unknown place":            {"", "POST", "/api/instructions", `{"text":"x","place":"nowhere"}`, 422},
		"without words":                  {"", "POST", "/api/instructions", `{"text":"","workers":[1]}`, 422},
	} {
		if p := refusal(t, w.as(c.actor, c.method, c.target, c.body)); p.Status != c.status {
			t.Errorf("%s: %d %s", name, p.Status, p.Detail)
		}
	}
	if list := answer[Instructions](t, w.as("elsewhere", "GET", "/api/instructions", "")).Instructions; len(list) != 0 {
		t.Errorf("a desk elsewhere lists %+v", list)
	}
}
