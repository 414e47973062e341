package api

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"onepicture/layers"
	"onepicture/layers/audit"
	"onepicture/layers/cache"
)

// What the cache sees of Redis stands in the metrics.
func TestCacheMetrics(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // it is there, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	redis, err := cache.OpenRedis("redis://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer redis.Close()
	c, err := cache.New(cache.Options{Redis: redis, Wait: 10 * time.Millisecond, Failures: 2, Pause: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := New(Options{Cache: c, Audit: audit.New(nil, nil), Scope: func(*http.Request) layers.Scope { return loopback }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	metrics := func() string {
		rec := httptest.NewRecorder()
		s.Handler().ServeHTTP(rec, call(http.MethodGet, "/metrics", nil))
		return "\n" + rec.Body.String()
	}
	has := func(when, text string, want ...string) {
		t.Helper()
		for _, line := range want {
			if !strings.Contains(text, "\nonepicture_cache_"+line+"\n") {
				t.Errorf("%s: no %q", when, line)
			}
		}
	}
	has("at first", metrics(), "hits_total 0", "redis_hits_total 0", "builds_total 0", "errors_total 0", "entries 0", "bytes 0", "redis_up 1",
		"breaker_open 0", "redis_refused_total 0", "redis_foreign_total 0", "lock_waits_total 0", "lock_overdue_total 0", "lock_wait_seconds_total 0")
	for range 3 {
		for _, key := range []string{"a", "b", "c"} {
			if _, err := c.Get(t.Context(), key, 0, func(context.Context) ([]byte, error) { return []byte("v"), nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	has("when Redis is away", metrics(), "hits_total 6", "builds_total 3", "redis_up 0", "breaker_open 1", "entries 3")
}
