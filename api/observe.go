package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"onepicture/layers"
	"onepicture/layers/cache"
)

// observe names the request, counts it, writes its line to the log and answers for a handler that panics. The line
// holds the route, never a value of path or query. Tiles that come at once and without an error are counted only.
func (s *Server) observe(c *gin.Context) {
	began := time.Now()
	r := &request{Context: c.Request.Context()}
	if given := c.Request.Header["X-Request-Id"]; len(given) > 0 && validID(given[0]) {
		r.id = given[0]
	}
	if r.id != "" || !strings.HasPrefix(c.Request.URL.Path, tileRoutes) {
		c.Writer.Header()["X-Request-Id"] = []string{r.name()}
	} // of a tile it is told with an error: there is no line in the log else that it could lead to
	c.Request = c.Request.WithContext(r)
	defer func() {
		if p := recover(); p != nil {
			id := r.name()
			// Of the panic only its type: its text may quote a value.
			slog.ErrorContext(c.Request.Context(), "a handler panicked", "panic", fmt.Sprintf("%T", p), "request", id, "stack", string(debug.Stack()))
			writeProblem(c, problem(http.StatusInternalServerError, layers.CodeInternal, "the server failed; its log says why (request "+id+")"))
			c.Abort()
		}
		s.note(c, r, time.Since(began))
	}()
	c.Next()
}

// slow is when an answer from memory is worth a line.
const slow = 100 * time.Millisecond

func (s *Server) note(c *gin.Context, r *request, took time.Duration) {
	route, method := c.FullPath(), c.Request.Method
	if route == "" {
		route = "page"
	}
	status := c.Writer.Status()
	m := s.metrics.of(route, method, status)
	m.count.Inc()
	if route != streamRoute {
		m.seconds.Observe(took.Seconds())
	}
	level := slog.LevelInfo
	switch {
	case status >= 500:
		level = slog.LevelWarn
	case status < 400 && took < slow && strings.HasPrefix(route, tileRoutes):
		return // tens of thousands a second; /metrics counts them
	}
	slog.LogAttrs(c.Request.Context(), level, "request", slog.String("method", method), slog.String("route", route),
		slog.Int("status", status), slog.Duration("took", took), slog.Int("bytes", max(c.Writer.Size(), 0)), slog.String("request", r.name()))
}

// validID accepts what cannot harm a log: a short word.
func validID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, r := range id {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-') {
			return false
		}
	}
	return true
}

// metrics are the server's own registry.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	builds   *prometheus.HistogramVec
	matched  prometheus.Counter
	known    sync.Map // requestLabels → *requestMetrics: looked up faster than by labels
}

type requestLabels struct {
	route, method string
	status        int
}

type requestMetrics struct {
	count   prometheus.Counter
	seconds prometheus.Observer
}

// of are the metrics of a kind of request. A method that no route has is not a label: clients may invent any.
func (m *metrics) of(route, method string, status int) *requestMetrics {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		method = "other"
	}
	labels := requestLabels{route, method, status}
	if known, ok := m.known.Load(labels); ok {
		if found, ok := known.(*requestMetrics); ok {
			return found
		}
	}
	found := &requestMetrics{m.requests.WithLabelValues(route, method, strconv.Itoa(status)), m.seconds.WithLabelValues(route)}
	m.known.Store(labels, found)
	return found
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "onepicture_http_requests_total",
			Help: "Requests by route, method and status."}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "onepicture_http_request_seconds",
			Help: "Time to answer, without streams.", Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 11)}, []string{"route"}),
		builds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "onepicture_tile_build_seconds",
			Help: "Time to build a tile that no cache held.", Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 12)}, []string{"set"}),
		matched: prometheus.NewCounter(prometheus.CounterOpts{Name: "onepicture_tiles_not_modified_total",
			Help: "Tiles answered 304 from memory."}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.builds, m.matched,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := func(name, help string, f func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "onepicture_" + name, Help: help}, f))
	}
	counter := func(name, help string, f func() float64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "onepicture_" + name, Help: help}, f))
	}
	gauge("stream_clients", "Open event streams.", func() float64 { return float64(s.hub.clients()) })
	counter("stream_overflows_total", "Times that a stream was too slow and read the ledger again.", func() float64 { return float64(s.hub.overflows.Load()) })
	if s.Store != nil {
		s.indexMetrics(gauge)
	}
	if s.Cache != nil {
		s.cacheMetrics(gauge, counter)
	}
	return m
}

func (s *Server) cacheMetrics(gauge, counter func(name, help string, f func() float64)) {
	of := func(f func(cache.Status) float64) func() float64 {
		return func() float64 { return f(s.Cache.Status()) }
	}
	is := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	for _, m := range []struct {
		add        func(name, help string, f func() float64)
		name, help string
		f          func(cache.Status) float64
	}{
		{counter, "hits_total", "Values found in memory.", func(c cache.Status) float64 { return float64(c.Hits) }},
		{counter, "redis_hits_total", "Values found in Redis.", func(c cache.Status) float64 { return float64(c.FarHits) }},
		{counter, "builds_total", "Values that had to be made.", func(c cache.Status) float64 { return float64(c.Builds) }},
		{counter, "errors_total", "Values that could not be made.", func(c cache.Status) float64 { return float64(c.Errors) }},
		{gauge, "bytes", "Size of the cache in memory.", func(c cache.Status) float64 { return float64(c.Bytes) }},
		{gauge, "entries", "Values in memory.", func(c cache.Status) float64 { return float64(c.Entries) }},
		{gauge, "redis_up", "1: Redis answered the last time.", func(c cache.Status) float64 { return is(c.Redis == cache.StateOK) }},
		{gauge, "breaker_open", "1: Redis is left alone for a while.", func(c cache.Status) float64 { return is(c.Open) }},
		{counter, "redis_refused_total", "Values that Redis did not take: full, read-only.", func(c cache.Status) float64 { return float64(c.Refused) }},
		{counter, "redis_foreign_total", "Values in Redis that were not ours, or damaged.", func(c cache.Status) float64 { return float64(c.Foreign) }},
		{counter, "lock_waits_total", "Times that another server was making the value.", func(c cache.Status) float64 { return float64(c.Waits) }},
		{counter, "lock_overdue_total", "Of those, times that it was not there in time.", func(c cache.Status) float64 { return float64(c.Overdue) }},
		{counter, "lock_wait_seconds_total", "Time waited for other servers.", func(c cache.Status) float64 { return c.Waited.Seconds() }},
	} {
		m.add("cache_"+m.name, m.help, of(m.f))
	}
}

func (s *Server) indexMetrics(gauge func(name, help string, f func() float64)) {
	gauge("index_position", "Position that the index reflects; 0 while loading.", func() float64 {
		if snap := s.Store.Index().Snapshot(); snap != nil {
			return float64(snap.Position())
		}
		return 0
	})
	gauge("index_lag_seconds", "Age of the index's as-of time.", func() float64 {
		if snap := s.Store.Index().Snapshot(); snap != nil {
			return s.Now().Sub(snap.At()).Seconds()
		}
		return 0
	})
	for _, k := range layers.Kinds {
		gauge("index_"+string(k)+"_features", "Features in the index.", func() float64 {
			if snap := s.Store.Index().Snapshot(); snap != nil {
				return float64(coarse(k, snap.Len(k)))
			}
			return 0
		})
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
