package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"onepicture/layers/tile"
)

func TestPage(t *testing.T) {
	w := newTown(t, nil)
	for _, c := range []struct {
		target, accept string
		status         int
		kind, cache    string
		contains       string
	}{
		{"/", "*/*", 200, "text/html", "no-cache", "the page"},
		{"/index.html", "", 200, "text/html", "no-cache", "the page"},
		{"/place/990101000000", "text/html,*/*", 200, "text/html", "no-cache", "the page"},
		{"/place/990101000000", "application/json", 404, "application/problem+json", "no-store", "not_found"},
		{"/favicon.svg", "image/*", 200, "image/svg+xml", "no-cache", "<svg/>"},
		{"/assets/app-1a2b3c4d.js", "*/*", 200, "text/javascript", "immutable", "console.log"},
		{"/assets/gone-00000000.js", "text/html", 404, "application/problem+json", "no-store", ""},
		{"/assets/", "text/html", 404, "application/problem+json", "no-store", ""},
		{"/assets", "text/html", 404, "application/problem+json", "no-store", ""},
		{"/missing.png", "text/html", 404, "application/problem+json", "no-store", ""},
		{"/api", "text/html", 404, "application/problem+json", "no-store", ""},
		{"/api/nothing", "text/html", 404, "application/problem+json", "no-store", ""},
		{"/.secret", "text/html", 404, "application/problem+json", "no-store", ""},
		{"/assets/.map", "text/html", 404, "application/problem+json", "no-store", ""},
		{"/assets/../.secret", "text/html", 404, "application/problem+json", "no-store", ""},
		{"/%2e%2e/%2e%2e/etc/passwd", "text/html", 404, "application/problem+json", "no-store", ""},
		{"/..%2f..%2fetc%2fpasswd", "text/html", 404, "application/problem+json", "no-store", ""},
		{"//etc/passwd", "text/html", 404, "application/problem+json", "no-store", ""},
		{"/assets%00/app-1a2b3c4d.js", "*/*", 404, "application/problem+json", "no-store", ""},
	} {
		r := call(http.MethodGet, c.target, nil)
		r.Header.Set("Accept", c.accept)
		rec := w.do(r)
		if rec.Code != c.status || !strings.HasPrefix(rec.Header().Get("Content-Type"), c.kind) ||
			!strings.Contains(rec.Header().Get("Cache-Control"), c.cache) || !strings.Contains(rec.Body.String(), c.contains) {
			t.Errorf("%s (%s): %d %v %.200s", c.target, c.accept, rec.Code, rec.Header(), rec.Body)
		}
		if strings.Contains(rec.Body.String(), "hidden") || strings.Contains(rec.Body.String(), "root:") {
			t.Errorf("%s tells a file that is not the page's", c.target)
		}
		policy := rec.Header().Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "worker-src 'self' blob:", "img-src 'self' data: blob:", "connect-src 'self'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy lacks %s", c.target, part)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: policy %s", c.target, policy)
		}
		if rec.Header().Get("X-Content-Type-Options") != "nosniff" || rec.Header().Get("X-Request-Id") == "" {
			t.Errorf("%s: headers %v", c.target, rec.Header())
		}
	}
}

func TestPageIsPackedAndConditional(t *testing.T) {
	w := newTown(t, nil)
	r := call(http.MethodGet, "/assets/app-1a2b3c4d.js", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	rec := w.do(r)
	plain, err := tile.Unpack(tile.Gzip, rec.Body.Bytes())
	if rec.Header().Get("Content-Encoding") != "gzip" || err != nil || string(plain) != string(page["assets/app-1a2b3c4d.js"].Data) {
		t.Errorf("%v %v", rec.Header(), err)
	}
	r.Header.Set("If-None-Match", rec.Header().Get("ETag"))
	if rec := w.do(r); rec.Code != http.StatusNotModified || rec.Body.Len() != 0 {
		t.Errorf("conditional: %d", rec.Code)
	}
	j := call(http.MethodGet, "/api/layers", nil)
	j.Header.Set("Accept-Encoding", "gzip")
	rec = w.do(j)
	plain, err = tile.Unpack(tile.Gzip, rec.Body.Bytes())
	if rec.Header().Get("Content-Encoding") != "gzip" || rec.Header().Get("Vary") != "Accept-Encoding" || err != nil || !strings.Contains(string(plain), "elderly") {
		t.Errorf("JSON: %v %v", rec.Header(), err)
	}
}

func TestPageIsNotBuilt(t *testing.T) {
	w := newTown(t, func(o *Options) { o.Files = fstest.MapFS{".keep": {}} })
	if p := refusal(t, w.get("/")); p.Status != 503 || !strings.Contains(p.Detail, "make build") {
		t.Errorf("%+v", p)
	}
}

type away struct{}

func (away) Ping(context.Context) error { return errors.New("dial tcp 10.1.2.3: password of postgres") }

func TestHealthWithoutPostgres(t *testing.T) {
	w := newTown(t, func(o *Options) { o.Postgres = away{} })
	rec := w.get("/health")
	h := answer[Health](t, rec)
	if h.Status != "degraded" || h.Dependencies.Postgres.Status != "away" || h.Dependencies.Index.Status != "ok" {
		t.Errorf("%+v", h)
	}
	if strings.Contains(rec.Body.String(), "10.1.2.3") {
		t.Error("health tells the address of the database")
	}
	if rec := w.get("/health/ready"); rec.Code != 200 {
		t.Errorf("it serves from memory, but ready says %d", rec.Code)
	}
}

func TestRequestID(t *testing.T) {
	w := newTown(t, nil)
	for sent, kept := range map[string]bool{"abc-123": true, "x y": false, "a\"b": false, strings.Repeat("x", 65): false} {
		r := call(http.MethodGet, "/health/live", nil)
		r.Header.Set("X-Request-Id", sent)
		if got := w.do(r).Header().Get("X-Request-Id"); (got == sent) != kept || got == "" {
			t.Errorf("%q became %q", sent, got)
		}
	}
}
