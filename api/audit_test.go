package api

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"onepicture/layers"
	"onepicture/layers/audit"
)

// auditor sees nothing of the city but its places, and the audit.
func auditor() layers.Scope {
	return layers.Scope{
		Actor: "auditor", Site: layers.Sight{Counts: layers.Everywhere()}, Rights: layers.RightAudit, Threshold: 10,
	}
}

// deeds are the rows of the audit that the query chooses, as the auditor reads them.
func deeds(t *testing.T, w *town, query string) []Deed {
	t.Helper()
	return answer[Deeds](t, w.get("/api/audit?"+query)).Deeds
}

func TestAudit(t *testing.T) {
	scope := layers.Loopback()
	w := newTown(t, func(o *Options) { o.Scope = func(*http.Request) layers.Scope { return scope } })
	t.Run("what is recorded", func(t *testing.T) { testRecorded(t, w, &scope) })
	t.Run("who may read it", func(t *testing.T) { testAuditRefuses(t, w, &scope) })
	t.Run("export", func(t *testing.T) { testAuditExport(t, w, &scope) })
	t.Run("chain", func(t *testing.T) { testAuditChain(t, w, &scope) })
}

func testRecorded(t *testing.T, w *town, scope *layers.Scope) {
	*scope = layers.Loopback()
	if rec := w.get("/api/events/1"); rec.Code != http.StatusOK {
		t.Fatal(rec.Body)
	}
	rq := call(http.MethodPost, "/api/events", strings.NewReader(reportBody))
	rq.Header.Set("Content-Type", "application/json")
	rq.Header.Set("X-Request-Id", "the-report")
	if rec := w.do(rq); rec.Code != http.StatusCreated {
		t.Fatal(rec.Body)
	}
	w.get("/api/events/999")
	w.get("/api/events")
	w.get(siteTile())
	*scope = auditor()
	read := deeds(t, w, "subject=event&id=1")
	if len(read) != 1 || read[0].What != "read" || read[0].Actor != "loopback" || read[0].Rows != 1 || read[0].Position == "0" || read[0].Request == "" {
		t.Errorf("an event that was read: %+v", read)
	}
	if missed := deeds(t, w, "subject=event&id=999"); len(missed) != 0 {
		t.Errorf("what nobody saw is recorded as seen: %+v", missed)
	}
	waitUntil(t, func() bool { return len(deeds(t, w, "what=change&actor=loopback")) == 1 })
	if made := deeds(t, w, "what=change"); made[0].Request != "the-report" || made[0].Subject != "/api/events" {
		t.Errorf("a report: %+v", made)
	}
	found := deeds(t, w, "actor=auditor&what=search&limit=1")
	if len(found) != 1 || found[0].Subject != "audit" || found[0].Filter == "" {
		t.Errorf("the auditor's own search: %+v", found)
	}
	first := answer[Deeds](t, w.get("/api/audit?limit=2"))
	rest := answer[Deeds](t, w.get(fmt.Sprintf("/api/audit?limit=500&before=%d", *first.Next)))
	if len(first.Deeds) != 2 || rest.Next != nil || rest.Deeds[0].Seq != first.Deeds[1].Seq-1 || rest.Deeds[len(rest.Deeds)-1].Seq != 1 {
		t.Errorf("pages do not follow each other: %+v, %+v", first, rest)
	}
}

func testAuditRefuses(t *testing.T, w *town, scope *layers.Scope) {
	for name, s := range map[string]layers.Scope{
		"loopback": layers.Loopback(), "without the right": {Actor: "x", Event: layers.Sight{Records: layers.Everywhere()}, Rights: ^layers.RightAudit},
	} {
		*scope = s
		for _, target := range []string{"/api/audit", "/api/audit/chain", auditFile} {
			if p := refusal(t, w.get(target)); p.Status != http.StatusForbidden {
				t.Errorf("%s gets %s: %+v", name, target, p)
			}
		}
	}
	*scope = auditor()
	for _, query := range []string{"from=yesterday", "what=anything", "limit=0", "limit=501", "id=-1", "before=x"} {
		if p := refusal(t, w.get("/api/audit?"+query)); p.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %+v", query, p)
		}
	}
}

func testAuditExport(t *testing.T, w *town, scope *layers.Scope) {
	*scope = auditor()
	rec := w.get(auditFile + "?to=" + time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	rows, err := csv.NewReader(rec.Body).ReadAll()
	if err != nil || rec.Code != http.StatusOK || len(rows) < 2 || rows[0][0] != "seq" || rows[1][0] != "1" {
		t.Errorf("status %d, %d rows, %v", rec.Code, len(rows), err)
	}
	if told := deeds(t, w, "what=export"); len(told) != 1 || told[0].Rows != int64(len(rows)-1) || !strings.HasPrefix(told[0].Filter, "to=") {
		t.Errorf("the export is told as %+v", told)
	}
	if rec := w.get(auditFile + "?to=2001-01-01T00:00:00Z"); strings.Count(rec.Body.String(), "\n") != 1 {
		t.Errorf("of before there was any: %s", rec.Body)
	}
}

func testAuditChain(t *testing.T, w *town, scope *layers.Scope) {
	*scope = auditor()
	if c := answer[Chain](t, w.get("/api/audit/chain")); !c.Whole || c.Rows < 5 || c.From != 1 || len(c.Findings) != 0 {
		t.Errorf("%+v", c)
	}
	if _, err := w.pool.Exec(t.Context(), `set session_replication_role = replica; update audit set actor = 'somebody' where seq = 1;
		set session_replication_role = origin`); err != nil {
		t.Fatal(err)
	}
	if c := answer[Chain](t, w.get("/api/audit/chain")); c.Whole || len(c.Findings) != 1 || c.Findings[0].First != 1 {
		t.Errorf("a changed row: %+v", c)
	}
}

// When the audit cannot be written, what is personal is not shown, and everything else goes on.
func TestUnwrittenAuditStopsPersonalReads(t *testing.T) {
	w := newTown(t, nil)
	release := w.lock(t, "audit_head")
	defer release()
	unavailable(t, "an event", w.get("/api/events/1"))
	for _, target := range []string{"/api/events", "/api/places/" + cityCode + "/figures", siteTile(), "/api/sites/1"} {
		if rec := w.get(target); rec.Code != http.StatusOK {
			t.Errorf("%s: %d %s", target, rec.Code, rec.Body)
		}
	}
	if rec := w.report(t, reportBody, ""); rec.Code != http.StatusCreated {
		t.Errorf("a report: %d %s", rec.Code, rec.Body)
	}
}

func TestServerNeedsAnAudit(t *testing.T) {
	if _, err := New(Options{}); err == nil {
		t.Error("a server without an audit")
	}
}

// Every refusal that may be a try of addresses is counted, and nothing else is.
func TestRefusalsAreCounted(t *testing.T) {
	m := &metering{}
	w := newTown(t, func(o *Options) { m.Audit = o.Audit; o.Audit = m })
	for _, target := range []string{"/api/events/999", "/api/sites/999", "/tiles/palaces/0/0/0.mvt", "/api/events?limit=0", "/api/events", "/health", "/", siteTile()} {
		w.get(target)
	}
	want := []string{
		"refused /api/events/{id}", "refused /api/sites/{id}", "refused /tiles/:layers/:z/:x/:y", "read /api/events", "read /tiles/:layers/:z/:x/:y",
	}
	if got := strings.Join(m.told, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("counted:\n%s", got)
	}
}

// metering remembers what was metered.
type metering struct {
	Audit
	told []string
}

func (m *metering) Meter(what audit.What, _, route string, _ int) {
	m.told = append(m.told, string(what)+" "+route)
}

// waitUntil polls what another goroutine will bring about.
func waitUntil(t *testing.T, done func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !done() {
		select {
		case <-deadline:
			t.Fatal("it does not come")
		case <-time.After(5 * time.Millisecond):
		}
	}
}
