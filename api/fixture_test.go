package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/alert"
	"onepicture/layers/audit"
	"onepicture/layers/cache"
	"onepicture/layers/catalogue"
	"onepicture/layers/citizen"
	"onepicture/layers/dispatch"
	"onepicture/layers/index"
	"onepicture/layers/ledger"
	"onepicture/layers/personal"
	"onepicture/layers/photo"
	"onepicture/layers/store"
	"onepicture/layers/tile"
	"onepicture/layers/webhook"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

// town is a real server over a real database with a small city: a city of two towns, a village and a grid in the
// first; 25 persons, 3 sites and 3 events in the grid, 5 persons in the second town.
type town struct {
	*Server
	pool    *pgxpool.Pool
	serving *pgxpool.Pool // that requests read and write over
	ledger  *ledger.Ledger
	now     time.Time
}

// reach waits until the index reflects a position: longer than a request may.
func (w *town) reach(t *testing.T, position string) {
	t.Helper()
	p, err := layers.ParsePosition(position)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := w.Store.Wait(ctx, p); err != nil {
		t.Fatal(err)
	}
}

// darken takes the database away.
func (w *town) darken() {
	w.serving.Close()
	w.pool.Close()
}

const (
	cityCode  = "990100000000"
	townA     = "990101000000"
	townB     = "990102000000"
	villageA  = "990101001000"
	gridA     = "990101001000001"
	gridPoint = "113.05,23.05"
)

var page = fstest.MapFS{
	"index.html":             {Data: []byte("<!doctype html><title>the page</title>" + strings.Repeat("<!-- filler -->", 100))},
	"favicon.svg":            {Data: []byte("<svg/>")},
	"assets/app-1a2b3c4d.js": {Data: []byte("console.log(1);" + strings.Repeat("//", 2000))},
	".secret":                {Data: []byte("hidden")},
	"assets/.map":            {Data: []byte("hidden")},
}

func newTown(t testing.TB, change func(*Options)) *town {
	t.Helper()
	pool := sqltest.DB(t)
	if _, err := pool.Exec(t.Context(), townSQL(t)); err != nil {
		t.Fatal(err)
	}
	return openTown(t, pool, change)
}

func townSQL(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "town.sql"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var loopback = layers.Loopback().Sealed()

// openTown is a server over a database that is there, beside others or alone.
func openTown(t testing.TB, pool *pgxpool.Pool, change func(*Options)) *town {
	t.Helper()
	serving := sqltest.Requests(t, pool)
	l := ledger.New(pool)
	st := store.New(pool, l, index.New())
	st.ReadThrough(serving)
	c, err := cache.New(cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	album, err := photo.Open(photo.Options{Dir: t.TempDir(), Pool: serving, Owner: pool, Ledger: ledger.New(serving), Picture: st, Reserve: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = album.Close() })
	deeds := audit.New(serving, nil)
	recording, stopRecording := context.WithCancel(context.Background())
	recorded := make(chan error, 1)
	go func() { recorded <- deeds.Run(recording) }()
	t.Cleanup(func() {
		stopRecording()
		if err := <-recorded; err != nil {
			t.Errorf("the audit ended with %v", err)
		}
	})
	keys, err := personal.New()
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Store: st, Desk: dispatch.New(serving, ledger.New(serving), st, time.Now), Changes: l, Tiles: tile.NewBuilder(st, st.Catalogue), Cache: c,
		Imports: noImports{}, Audit: deeds, People: personal.NewPeople(serving, townKeys(t)), Postgres: pool, Files: page, Version: "test",
		Photos: album,
		Alerts: alert.New(serving, ledger.New(serving)),
		Scope:  func(*http.Request) layers.Scope { return loopback },

		Items: catalogue.NewKeeper(serving, ledger.New(serving)), Citizens: citizen.New(serving, ledger.New(serving), l, nil, time.Now), Webhooks: webhook.New(pool, l, keys, nil, time.Now),
	}
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- st.Run(ctx, s.Publish) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the store ended with %v", err)
		}
		s.Close()
		c.Close()
	})
	loading, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	if err := st.Wait(loading, 1); err != nil {
		t.Fatal(err)
	}
	settled := func() bool { // numbers of persons are released, and the stream has told it
		snap := st.Index().Snapshot()
		return len(snap.Due()) == 0 && s.hub.told() > 0 && s.hub.told() >= snap.Position()
	}
	for !settled() {
		select {
		case err := <-done:
			t.Fatal(err)
		case <-loading.Done():
			t.Fatal("the index is loaded but nothing is released, or the stream has not begun")
		case <-time.After(time.Millisecond):
		}
	}
	return &town{s, pool, serving, l, time.Now()}
}

// noImports has one run with one rejected row.
type noImports struct{}

func (noImports) Runs(context.Context, int) ([]ImportRun, error) {
	return []ImportRun{{ID: 1, Kind: "event", Source: "s", File: "f.csv", State: "done", Read: 2, Put: 1, Rejected: 1}}, nil
}

func (noImports) Rejected(_ context.Context, run, after int64, _ int) ([]RejectedRow, error) {
	if run != 1 {
		return nil, layers.NotFound("import")
	}
	if after >= 2 {
		return nil, nil
	}
	return []RejectedRow{{Row: 2, Column: "lon", Class: "number", Reason: "is no number"}}, nil
}

// call is a request as a browser on this machine makes it.
func call(method, target string, body io.Reader) *http.Request {
	r := httptest.NewRequest(method, target, body)
	r.RemoteAddr, r.Host = "127.0.0.1:40000", "127.0.0.1:8080"
	return r
}

func (w *town) do(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, r)
	return rec
}

func (w *town) get(target string) *httptest.ResponseRecorder {
	return w.do(call(http.MethodGet, target, nil))
}

// answer decodes a 200.
func answer[T any](t *testing.T, rec *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if rec.Code != http.StatusOK && rec.Code != http.StatusCreated {
		t.Fatalf("status %d: %s", rec.Code, rec.Body)
	}
	d := json.NewDecoder(bytes.NewReader(rec.Body.Bytes()))
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, rec.Body)
	}
	return v
}

// refusal decodes a problem and checks what must not be in one.
func refusal(t *testing.T, rec *httptest.ResponseRecorder) Problem {
	t.Helper()
	if kind := rec.Header().Get("Content-Type"); kind != "application/problem+json" {
		t.Fatalf("status %d with %s: %s", rec.Code, kind, rec.Body)
	}
	var p Problem
	if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if p.Status != rec.Code || p.Detail == "" || p.Title == "" || p.Code == "" {
		t.Errorf("an incomplete problem: %s", rec.Body)
	}
	lower := strings.ToLower(rec.Body.String())
	for _, never := range []string{"select ", "sqlstate", "pgx", "insert into", "goroutine", ".go:"} {
		if strings.Contains(lower, never) {
			t.Errorf("a problem tells %q: %s", never, rec.Body)
		}
	}
	return p
}

const reportBody = `{"title":"积水","category":"flood","lon":113.05,"lat":23.05,"datum":"WGS84"}`

func (w *town) report(t *testing.T, body, key string) *httptest.ResponseRecorder {
	t.Helper()
	r := call(http.MethodPost, "/api/events", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	return w.do(r)
}
