package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/geo"
	"onepicture/layers/dispatch"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

// bounded is a town whose requests read and write over a pool of their own.
func newBoundedTown(t *testing.T, bounds sql.PoolOptions) (w *town, serving *pgxpool.Pool) {
	t.Helper()
	w = newTown(t, func(o *Options) {
		feed, ok := o.Postgres.(*pgxpool.Pool)
		if !ok {
			t.Fatal("the town's pool is none")
		}
		bounds.Name = "requests"
		var err error
		if serving, err = sql.Open(t.Context(), feed.Config().ConnString(), bounds); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(serving.Close)
		o.Store.ReadThrough(serving)
		o.Desk = dispatch.New(serving, ledger.New(serving), o.Store, time.Now)
	})
	return w, serving
}

// until asks PostgreSQL again until the condition about the requests' statements holds.
func (w *town) until(t *testing.T, what, condition string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for yes := false; !yes; {
		err := w.pool.QueryRow(ctx, `select `+condition+` (select from pg_stat_activity
			where datname = current_database() and application_name = 'requests' and state = 'active')`).Scan(&yes)
		if err != nil {
			t.Fatalf("%s: never: %v", what, err)
		}
	}
}

// lock keeps a table from everybody until the test lets it go.
func (w *town) lock(t *testing.T, table string) (release func()) {
	t.Helper()
	tx, err := w.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `lock table `+table+` in access exclusive mode`); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}
}

func siteTile() string {
	return fmt.Sprintf("/tiles/sites/%v.mvt", geo.TileOf(geo.KeyOf(113.051, 23.05), 14))
}

// Whoever goes away while a query runs for him ends it: in PostgreSQL, not only here.
func TestGoneClientsQueryIsCancelled(t *testing.T) {
	w, _ := newBoundedTown(t, sql.Serving(""))
	if _, err := w.pool.Exec(t.Context(), `alter table base_feature rename to base_feature_kept;
		create view base_feature as select b.* from (select pg_sleep(600)) slow cross join base_feature_kept b`); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w.Handler())
	defer server.Close()
	for _, c := range []struct{ target, locked string }{
		{"/tiles/base/0/0/0.mvt", ""}, // slow by itself
		{"/api/events/1", "event"},
		{"/api/sites/1", "site"},
		{siteTile(), "site"},
	} {
		release := func() {}
		if c.locked != "" {
			release = w.lock(t, c.locked)
		}
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", c.target, server.Listener.Addr()); err != nil {
			t.Fatal(err)
		}
		w.until(t, c.target+" runs", "exists")
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		w.until(t, c.target+" is cancelled", "not exists")
		if took := time.Since(began); took > deadline/2 {
			t.Errorf("%s: ended after %v, by its deadline and not because its client was gone", c.target, took)
		}
		release()
	}
}

func TestSlowStatementIsUnavailable(t *testing.T) {
	w, _ := newBoundedTown(t, sql.PoolOptions{StatementTimeout: 500 * time.Millisecond})
	release := w.lock(t, "event")
	unavailable(t, "a locked table", w.get("/api/events/1"))
	release()
	if rec := w.get("/api/events/1"); rec.Code != http.StatusOK {
		t.Errorf("afterwards: %d %s", rec.Code, rec.Body)
	}
}

// unavailable is a problem that says when to come again.
func unavailable(t *testing.T, name string, rec *httptest.ResponseRecorder) {
	t.Helper()
	if p := refusal(t, rec); p.Status != http.StatusServiceUnavailable || p.Code != "unavailable" {
		t.Errorf("%s: %d %s", name, p.Status, p.Detail)
	}
	if after := rec.Header().Get("Retry-After"); after == "" || after == "0" {
		t.Errorf("%s: Retry-After is %q", name, after)
	}
}

// Without a free connection what needs one is refused soon, and everything from the index goes on.
func TestNoFreeConnection(t *testing.T) {
	w, serving := newBoundedTown(t, sql.PoolOptions{MaxConns: 2, AcquireTimeout: 30 * time.Millisecond})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var taken []*pgxpool.Conn
	for len(taken) < 2 {
		c, err := serving.Acquire(ctx)
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		if err == nil { // else it was not made within the bound: it will be there soon
			taken = append(taken, c)
			t.Cleanup(c.Release) // or the pool would wait for it for ever
		}
	}
	for _, target := range []string{"/api/events", "/api/events/1", "/api/sites/1", "/tiles/base/0/0/0.mvt", "/tiles/places/0/0/0.mvt", siteTile()} {
		began := time.Now()
		unavailable(t, target, w.get(target))
		if took := time.Since(began); took > deadline/2 {
			t.Errorf("%s: told after %v", target, took)
		}
	}
	unavailable(t, "a report", w.report(t, reportBody, "k"))
	for _, target := range []string{
		"/api/deployment", "/api/layers", "/api/places?q=990101", "/api/places/" + cityCode + "/figures", "/tiles/elderly/0/0/0.mvt", "/tiles/sites.json",
	} {
		if rec := w.get(target); rec.Code != http.StatusOK {
			t.Errorf("%s: %d %s", target, rec.Code, rec.Body)
		}
	}
	if c := answer[AreaCounts](t, w.count(`{"area":`+everything+`}`)); *c.Kinds[1].Count != 3 {
		t.Errorf("counted %+v", c)
	}
	for _, c := range taken {
		c.Release()
	}
	if rec := w.report(t, reportBody, "k"); rec.Code != http.StatusCreated {
		t.Errorf("the report, again: %d %s", rec.Code, rec.Body)
	}
}

// count posts a query.
func (w *town) count(body string) *httptest.ResponseRecorder {
	r := call(http.MethodPost, countRoute, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return w.do(r)
}

// everything is an area that holds the town.
const everything = `{"type":"Polygon","coordinates":[[[112,22],[114,22],[114,24],[112,24],[112,22]]]}`
