package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// The desk's day with rules over HTTP: add, try, dispatch by and against it, write and read the file, end.
func TestRulesOfDispatch(t *testing.T) {
	s := keyedTown(t)
	if _, err := s.pool.Exec(t.Context(), townWorkers); err != nil {
		t.Fatal(err)
	}
	add := s.steward(http.MethodPost, "/api/dispatch/rules", `{"category":"flood","place":"`+townA+`","unit":"jiangwan","note":"排水"}`)
	if add.Code != http.StatusCreated {
		t.Fatalf("%d %s", add.Code, add.Body)
	}
	id := answer[RuleAdded](t, add).ID
	if p := refusal(t, s.steward(http.MethodPost, "/api/dispatch/rules", `{"category":"flood","place":"`+townA+`","unit":"brigade"}`)); p.Status != http.StatusConflict {
		t.Errorf("the same twice: %+v", p)
	}
	if p := refusal(t, s.steward(http.MethodPost, "/api/dispatch/rules", `{"category":"flood"}`)); len(p.Errors) == 0 || p.Errors[0].Location != "body.unit" {
		t.Errorf("to nobody: %+v", p)
	}
	list := answer[DispatchRules](t, s.steward(http.MethodGet, "/api/dispatch/rules", "")).Rules
	if len(list) != 1 || list[0].ID != id || list[0].Place.value.Code != townA || list[0].Unit.Code != "jiangwan" || *list[0].Category != "flood" || *list[0].Note != "排水" {
		t.Errorf("listed %+v", list)
	}
	try := func(body string) Ruling {
		return answer[Ruling](t, s.steward(http.MethodPost, "/api/dispatch/try", body))
	}
	if r := try(`{"category":"flood","place":"` + gridA + `"}`); r.Acts.value == nil || r.Acts.value.ID != id || len(r.Next) != 0 {
		t.Errorf("tried %+v", r)
	}
	if r := try(`{"category":"flood","place":"` + townB + `"}`); r.Acts.value != nil {
		t.Errorf("elsewhere %+v", r)
	}
	report := answer[Reported](t, s.steward(http.MethodPost, "/api/events", reportBody)).Event
	near := answer[Candidates](t, s.steward(http.MethodGet, fmt.Sprintf("/api/events/%d/workers", report.ID), ""))
	if near.Rule.value == nil || near.Rule.value.ID != id {
		t.Errorf("suggested %+v", near)
	}
	assign := func(reason string) string {
		return fmt.Sprintf(`{"events":[{"id":%d,"version":1}],"assignees":[{"unit":"brigade"}],"reason":%q}`, report.ID, reason)
	}
	if p := refusal(t, s.steward(http.MethodPost, "/api/events/assign", assign(""))); p.Status != http.StatusUnprocessableEntity || p.Errors[0].Location != "body.reason" {
		t.Errorf("against the rule without a reason: %+v", p)
	}
	answer[AssignResults](t, s.steward(http.MethodPost, "/api/events/assign", assign("更近")))
	e := answer[EventDetail](t, s.steward(http.MethodGet, fmt.Sprintf("/api/events/%d", report.ID), ""))
	if last := e.Timeline[len(e.Timeline)-1]; last.Rule == nil || *last.Rule != id || !last.Against || last.Automatic || e.Assignments[0].Suggested {
		t.Errorf("the timeline tells %+v", last)
	}
	file := answer[RuleFile](t, s.steward(http.MethodGet, "/api/dispatch/file", "")).CSV
	send := func(csv string, trial bool) RuleReport {
		b, err := json.Marshal(RuleFile{csv, trial})
		if err != nil {
			t.Fatal(err)
		}
		return answer[RuleReport](t, s.steward(http.MethodPost, "/api/dispatch/file", string(b)))
	}
	if r := send(file, false); r.Read != 1 || r.Known != 1 || r.Added != 0 || len(r.Faults) != 0 {
		t.Errorf("the same file: %+v", r)
	}
	large := "item,unit,note\n" + strings.Repeat("X,brigade,"+strings.Repeat("记", 490)+"\n", 115)
	if r := send(large, true); len(large) < 2*maxBody || r.Read != 115 || len(r.Faults) == 0 {
		t.Errorf("%d bytes of Chinese: read %d, %d faults", len(large), r.Read, len(r.Faults))
	}
	if r := send("item,unit\nX,brigade\n,nobody\n", false); r.Added != 0 || len(r.Faults) != 2 || r.Faults[0].Line != 2 || r.Faults[0].Column != "item" || r.Faults[1].Line != 3 {
		t.Errorf("a bad file: %+v", r)
	}
	if rec := s.steward(http.MethodDelete, fmt.Sprintf("/api/dispatch/rules/%d", id), ""); rec.Code != http.StatusNoContent {
		t.Errorf("ended: %d %s", rec.Code, rec.Body)
	}
	if p := refusal(t, s.steward(http.MethodDelete, fmt.Sprintf("/api/dispatch/rules/%d", id), "")); p.Status != http.StatusNotFound {
		t.Errorf("ended twice: %+v", p)
	}
	if all := answer[DispatchRules](t, s.steward(http.MethodGet, "/api/dispatch/rules?all=true", "")).Rules; len(all) != 1 || all[0].EndedAt == nil {
		t.Errorf("with those that ended %+v", all)
	}
	// Who has no right to it is told nothing.
	for _, q := range []struct{ method, target, body string }{
		{"GET", "/api/dispatch/rules", ""}, {"GET", "/api/dispatch/file", ""}, {"POST", "/api/dispatch/try", `{"category":"flood"}`},
		{"POST", "/api/dispatch/rules", `{"unit":"brigade"}`}, {"POST", "/api/dispatch/file", `{"csv":"unit\n"}`}, {"DELETE", "/api/dispatch/rules/1", ""},
	} {
		r := call(q.method, q.target, strings.NewReader(q.body))
		r.Header.Set("Content-Type", "application/json")
		if p := refusal(t, s.do(r)); p.Status != http.StatusForbidden {
			t.Errorf("%s %s: %+v", q.method, q.target, p)
		}
	}
}
