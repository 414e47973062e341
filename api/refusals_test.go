package api

import (
	"net/http"
	"strings"
	"testing"

	"onepicture/layers"
)

func TestRefusals(t *testing.T) {
	w := newTown(t, nil)
	body := func(change ...string) string { return strings.NewReplacer(change...).Replace(reportBody) }
	for _, c := range []struct {
		method, target, body string
		status               int
		code, location       string
	}{
		{"GET", "/api/places/990199000000", "", 404, "not_found", ""},
		{"GET", "/api/places/990199000000/figures", "", 404, "not_found", ""},
		{"GET", "/api/places", "", 422, "invalid", "query.q"},
		{"GET", "/api/places?q=x&at=1,2", "", 422, "invalid", "query.q"},
		{"GET", "/api/places?at=1%3B2", "", 422, "invalid", "query.at"},
		{"GET", "/api/places?at=NaN,2", "", 422, "invalid", "query.at"},
		{"GET", "/api/places?at=181,2", "", 422, "invalid", "query.at"},
		{"GET", "/api/places?q=x&limit=0", "", 422, "invalid", "query.limit"},
		{"GET", "/api/places?q=x&limit=x", "", 422, "invalid", "query.limit"},
		{"GET", "/api/events?status=lost", "", 422, "invalid", "query.status"},
		{"GET", "/api/events?place=1", "", 422, "invalid", "query.place"},
		{"GET", "/api/events?category=palace", "", 422, "invalid", "query.category"},
		{"GET", "/api/events?before=x", "", 422, "invalid", "query.before"},
		{"GET", "/api/events?before=1.x'%20or%201=1", "", 422, "invalid", "query.before"},
		{"GET", "/api/events?limit=100000", "", 422, "invalid", "query.limit"},
		{"GET", "/api/events/0", "", 422, "invalid", "path.id"},
		{"GET", "/api/events/1x", "", 422, "invalid", "path.id"},
		{"GET", "/api/events/999999", "", 404, "not_found", ""},
		{"GET", "/api/sites/999999", "", 404, "not_found", ""},
		{"GET", "/api/persons/1", "", 404, "not_found", ""},
		{"GET", "/api/imports/9/rejected", "", 404, "not_found", ""},
		{"POST", "/api/events", body(`,"datum":"WGS84"`, ""), 422, "invalid", "body"},
		{"POST", "/api/events", body("WGS84", ""), 422, "invalid", "body.datum"},
		{"POST", "/api/events", body("WGS84", "Mars"), 422, "invalid", "body.datum"},
		{"POST", "/api/events", body("23.05", "123.05"), 422, "invalid", "body.lon"},
		{"POST", "/api/events", body("积水", " "), 422, "invalid", "body.title"},
		{"POST", "/api/events", body("积水", strings.Repeat("x", 121)), 422, "invalid", "body.title"},
		{"POST", "/api/events", body("flood", "war"), 422, "invalid", "body.category"},
		{"POST", "/api/events", body(`"flood"`, `"flood","reportedAt":"2999-01-01T00:00:00Z"`), 422, "invalid", "body.reportedAt"},
		{"POST", "/api/events", body(`"flood"`, `"flood","status":"close"`), 422, "invalid", "body.status"},
		{"POST", "/api/events", "{", 400, "invalid", ""},
		{"POST", "/api/events", "", 400, "invalid", ""},
		{"POST", "/api/events", body("积水", strings.Repeat("x", maxBody)), 413, "too_large", ""},
		{"DELETE", "/api/events/1", "", 405, "invalid", ""},
		{"PUT", "/api/layers", "", 405, "invalid", ""},
		{"GET", "/tiles/nothing/0/0/0.mvt", "", 404, "not_found", ""},
		{"GET", "/tiles/nothing.json", "", 404, "not_found", ""},
		{"GET", "/tiles/sites", "", 404, "not_found", ""},
		{"GET", "/tiles/towns/0/0/0.mvt", "", 404, "not_found", ""},
		{"GET", "/tiles/sites,sites/0/0/0.mvt", "", 422, "invalid", "query.layers"},
		{"GET", "/tiles/sites/0/0/0.png", "", 404, "not_found", ""},
		{"GET", "/tiles/sites/0/1/0.mvt", "", 422, "invalid", "query.tile"},
		{"GET", "/tiles/sites/23/0/0.mvt", "", 422, "invalid", "query.tile"},
		{"GET", "/tiles/sites/-1/0/0.mvt", "", 422, "invalid", "query.tile"},
		{"GET", "/tiles/sites/0/0/0.mvt?filter=class='palace'", "", 422, "invalid", "query.filter"},
		{"GET", "/tiles/sites,events/0/0/0.mvt?filter=status='open'", "", 422, "invalid", "query.filter"},
		{"GET", "/tiles/base/0/0/0.mvt?filter=level=1", "", 422, "invalid", "query.filter"},
		{"GET", "/tiles/events/0/0/0.mvt?from=yesterday", "", 422, "invalid", "query.from"},
		{"GET", "/api/stream?after=x", "", 422, "invalid", "query.after"},
		{"GET", "/openapi-evil", "", 404, "not_found", ""},
	} {
		r := call(c.method, strings.ReplaceAll(c.target, "'", "%27"), strings.NewReader(c.body))
		if c.method == "POST" {
			r.Header.Set("Content-Type", "application/json")
		}
		rec := w.do(r)
		name := c.method + " " + c.target + " " + c.body[:min(len(c.body), 90)]
		if rec.Code != c.status {
			t.Errorf("%s: status %d: %.300s", name, rec.Code, rec.Body)
			continue
		}
		p := refusal(t, rec)
		if p.Code != c.code {
			t.Errorf("%s: code %s", name, p.Code)
		}
		if c.location != "" && (len(p.Errors) == 0 || p.Errors[0].Location != c.location) {
			t.Errorf("%s: errors %+v, want %s", name, p.Errors, c.location)
		}
	}
	if f := answer[Figures](t, w.get("/api/places/"+cityCode+"/figures")); *f.Totals.Event != 3 {
		t.Errorf("a refused report was written: %d events", *f.Totals.Event)
	}
}

// A scope that sees nothing is refused everywhere; one that sees counts gets no records.
func TestScopes(t *testing.T) {
	var scope layers.Scope
	w := newTown(t, func(o *Options) { o.Scope = func(*http.Request) layers.Scope { return scope } })
	all := []string{
		"/api/deployment", "/api/places/" + cityCode, "/api/places?q=a", "/api/places/" + cityCode + "/figures", "/api/layers", "/api/classes",
		"/api/sources", "/api/events", "/api/events/1", "/api/sites/1", "/api/imports", "/api/imports/1/rejected", "/api/stream",
		"/tiles/sites/0/0/0.mvt", "/tiles/base/0/0/0.mvt", "/tiles/places.json",
	}
	for _, target := range all {
		rec := w.get(target)
		if p := refusal(t, rec); p.Status != 403 {
			t.Errorf("the zero scope gets %d at %s", p.Status, target)
		}
	}
	if rec := w.report(t, reportBody, ""); rec.Code != 403 {
		t.Errorf("the zero scope reports: %d", rec.Code)
	}
	counted := layers.Sight{Counts: layers.Everywhere()}
	scope = layers.Scope{Site: counted, Event: counted, Person: counted, Threshold: 10}
	for _, target := range []string{"/api/events/1", "/api/sites/1"} {
		if rec := w.get(target); rec.Code != 404 {
			t.Errorf("a scope of counts gets %d at %s", rec.Code, target)
		}
	}
	if p := answer[EventPage](t, w.get("/api/events")); len(p.Events) != 0 {
		t.Errorf("a scope of counts gets events: %+v", p.Events)
	}
	if rec := w.report(t, reportBody, ""); rec.Code != 403 {
		t.Errorf("a scope of counts reports: %d", rec.Code)
	}
	var b layers.Reach
	b.Places.Add(3)
	inB := layers.Sight{Counts: b, Records: b}
	scope = layers.Scope{Person: layers.Sight{Counts: b}, Site: inB, Event: inB, Threshold: 10}
	if rec := w.get("/api/events/1"); rec.Code != 404 {
		t.Errorf("an event elsewhere: %d", rec.Code)
	}
	if f := answer[Figures](t, w.get("/api/places/"+cityCode+"/figures")); *f.Totals.Event != 0 || f.Totals.Person != nil || f.Events.Open != 0 {
		t.Errorf("figures of other places: %+v", f.Totals)
	}
	if rec := w.report(t, reportBody, ""); rec.Code != 403 {
		t.Errorf("a report elsewhere: %d", rec.Code)
	}
}

func TestGuard(t *testing.T) {
	w := newTown(t, nil)
	for _, c := range []struct {
		name           string
		method, remote string
		host           string
		header         map[string]string
		want           int
	}{
		{"loopback", "GET", "127.0.0.1:9", "localhost:8080", nil, 200},
		{"loopback without port", "GET", "127.0.0.1:9", "localhost", nil, 200},
		{"IPv6 loopback", "GET", "[::1]:9", "[::1]:8080", nil, 200},
		{"mapped loopback", "GET", "[::ffff:127.0.0.1]:9", "127.0.0.1", nil, 200},
		{"another machine", "GET", "10.0.0.5:9", "127.0.0.1:8080", nil, 403},
		{"another machine that claims to be a proxy for this one", "GET", "10.0.0.5:9", "127.0.0.1:8080", map[string]string{"X-Forwarded-For": "127.0.0.1"}, 403},
		{"a name that was rebound", "GET", "127.0.0.1:9", "evil.example:8080", nil, 403},
		{"a name that looks like ours", "GET", "127.0.0.1:9", "localhost.evil.example", nil, 403},
		{"no name", "GET", "127.0.0.1:9", "", nil, 403},
		{"same origin", "POST", "127.0.0.1:9", "localhost:8080", map[string]string{"Origin": "http://localhost:8080", "Sec-Fetch-Site": "same-origin"}, 201},
		{"another origin", "POST", "127.0.0.1:9", "localhost:8080", map[string]string{"Origin": "http://evil.example"}, 403},
		{"another port of this machine", "POST", "127.0.0.1:9", "localhost:8080", map[string]string{"Origin": "http://localhost:9090"}, 403},
		{"cross-site by its own word", "POST", "127.0.0.1:9", "localhost:8080", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
	} {
		r := call(c.method, "/api/events", strings.NewReader(reportBody))
		r.RemoteAddr, r.Host = c.remote, c.host
		r.Header.Set("Content-Type", "application/json")
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		rec := w.do(r)
		if rec.Code != c.want {
			t.Errorf("%s: %d %s", c.name, rec.Code, rec.Body)
		}
		if c.want == 403 {
			refusal(t, rec)
		}
	}
}
