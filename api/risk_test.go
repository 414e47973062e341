package api

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/layers/risk"
	"onepicture/sql/sqltest"
)

// riskTown is the small city with 400 days of events, and its estimate running.
func riskTown(t *testing.T, scope func(w *risk.World) layers.Scope) *town {
	t.Helper()
	pool := sqltest.DB(t)
	text, err := os.ReadFile(filepath.Join("testdata", "town.sql"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{string(text), `insert into event (source_id, key, class, status, channel, title, reported_at, closed_at, geom, place_id, hash)
		select 3, 'risk' || i, 1 + i % 2, 7, 1 + i % 2, 'x', now() - i * interval '9 hours', now(), st_setsrid(st_makepoint(113.05, 23.05), 4326), 5, ''
		from generate_series(1, 1000) i`} {
		if _, err := pool.Exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	var live *risk.Live
	w := openTown(t, pool, func(o *Options) { live = withRisk(t, pool, o, scope) })
	for live.Picture() == nil {
		select {
		case <-t.Context().Done():
			t.Fatal("no estimate")
		case <-time.After(time.Millisecond):
		}
	}
	return w
}

func withRisk(t *testing.T, pool *pgxpool.Pool, o *Options, scope func(w *risk.World) layers.Scope) *risk.Live {
	st := o.Store
	world := func() *risk.World {
		w := st.World()
		if w == nil {
			return nil
		}
		return &risk.World{Tree: w.Tree, Areas: w.Areas, Catalogue: w.Catalogue, Zone: w.Deployment.Zone}
	}
	o.Backtests = risk.NewBacktests(pool, func() (*risk.World, error) { return world(), nil })
	o.Risk = risk.NewLive(pool, ledger.New(pool), risk.City{World: world, Snapshot: st.Index().Snapshot, Changed: st.Index().Changed}, o.Backtests, time.Now)
	if scope != nil {
		o.Scope = func(*http.Request) layers.Scope { return scope(world()) }
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	live := o.Risk
	go func() {
		defer close(done)
		live.Run(ctx, func(err error) { t.Errorf("the estimate: %v", err) })
	}()
	t.Cleanup(func() { cancel(); <-done })
	return live
}

func TestRiskOfPlaces(t *testing.T) {
	w := riskTown(t, nil)
	v := answer[RiskView](t, w.get("/api/risk?category=fire&horizon=7"))
	if v.Place.value == nil || len(v.Children) != 2 || v.Children[0].Place.Code != townA || v.Model.Spec != "history" || v.Model.Proven || len(v.Cuts) != 10 {
		t.Errorf("the city: %+v", v)
	}
	last := v.Children[1]
	if last.Band != nil || last.Grade != "D" || last.Place.Code != townB {
		t.Errorf("a town without data has band %v, grade %s", last.Band, last.Grade)
	}
	x := answer[RiskExplanation](t, w.get("/api/risk/"+gridA+"?category=fire&horizon=30"))
	sum := int64(0)
	for _, term := range x.Terms {
		sum += int64(math.Round(term.Value * 1e6))
	}
	if sum != int64(math.Round(x.Expected*1e6)) || x.Expected < 30 || x.Expected > 50 {
		t.Errorf("terms sum to %d, the score is %v", sum, x.Expected)
	}
	if x.Reported+x.Patrolled < 35 || len(x.Curve) != 90 || len(x.Changes) < 2 || x.Axes.Coping.Staff != nil {
		t.Errorf("evidence: %d reported, %d found, %d days, %v", x.Reported, x.Patrolled, len(x.Curve), x.Changes)
	}
	if n := x.Axes.Vulnerability.Residents; n == nil || *n%10 != 0 {
		t.Errorf("residents are told as %v: numbers of people are released ones", n)
	}
	film := answer[RiskFilm](t, w.get("/api/risk/film?category=fire&step=30"))
	if len(film.Frames) != 3 || len(film.Codes) != 2 || len(film.Frames[0].Bands) != 2 {
		t.Errorf("the film: %+v", film)
	}
	if s := answer[RiskSignals](t, w.get("/api/risk/signals?place="+townB)); len(s.Signals) != 0 || s.FalseRate != risk.FalseRate {
		t.Errorf("signals of a town without events: %+v", s)
	}
	today := answer[RiskToday](t, w.get("/api/risk/today?places="+townA+",990199000000"))
	if len(today.Places) != 1 || today.Places[0].Code != gridA || today.Looked != 2 || today.AsOf.IsZero() || today.Hints == nil {
		t.Errorf("what to look at today: %+v", today)
	}
	if none := answer[RiskToday](t, w.get("/api/risk/today?places=990199000000")); len(none.Places) != 0 || none.Looked != 0 {
		t.Errorf("places that are closed: %+v", none)
	}
	for target, want := range map[string]int{
		"/api/risk/today?places=" + strings.Repeat("9", 401): 422,
		"/api/risk?place=990199000000":                       404, "/api/risk?category=persons": 422, "/api/risk?horizon=8": 422,
		"/api/risk/990199000000": 404, "/api/risk/" + gridA + "?position=x": 422, "/api/risk/" + gridA + "?position=99999999": 422, "/api/risk/backtests/7": 404,
	} {
		if rec := w.get(target); rec.Code != want {
			t.Errorf("%s: %d, want %d", target, rec.Code, want)
		} else {
			refusal(t, rec)
		}
	}
}

func TestObjectionsStandBesideTheScore(t *testing.T) {
	w := riskTown(t, nil)
	post := func(code, text string) (int, string) {
		r := call(http.MethodPost, "/api/risk/"+code+"/objections", strings.NewReader(text))
		r.Header.Set("Content-Type", "application/json")
		rec := w.do(r)
		return rec.Code, rec.Body.String()
	}
	if code, text := post(gridA, `{"category":"fire","horizon":7,"reason":"重复上报"}`); code != 201 {
		t.Fatalf("%d %s", code, text)
	}
	x := answer[RiskExplanation](t, w.get("/api/risk/"+gridA+"?category=fire"))
	if len(x.Objections) != 1 || x.Objections[0].Reason != "重复上报" || x.Objections[0].Score <= 0 || x.Objections[0].Version != x.Model.Version {
		t.Errorf("objections: %+v", x.Objections)
	}
	for text, want := range map[string]int{
		`{"category":"fire","horizon":7,"reason":""}`: 422, `{"category":"fire","horizon":9,"reason":"x"}`: 422,
		`{"category":"fire","horizon":7,"reason":"x","person":1}`: 422, `{}`: 422,
	} {
		if code, _ := post(gridA, text); code != want {
			t.Errorf("%s: %d, want %d", text, code, want)
		}
	}
}

func TestRiskKeepsToTheScope(t *testing.T) {
	w := riskTown(t, func(world *risk.World) layers.Scope {
		var set layers.PlaceSet
		if world != nil {
			t := world.Tree
			lo, hi := t.Range(t.ByCode(townB).ID)
			for o := lo; o < hi; o++ {
				set.Add(t.At(o).ID)
			}
		}
		return layers.Scope{Actor: "b", Event: layers.Sight{Counts: layers.Reach{Places: set}}}
	})
	v := answer[RiskView](t, w.get("/api/risk?category=fire"))
	if v.Place.value != nil || len(v.Children) != 1 || v.Children[0].Place.Code != townB {
		t.Errorf("of the city it sees %+v", v)
	}
	if rec := w.get("/api/risk/" + gridA + "?category=fire"); rec.Code != 404 {
		t.Errorf("a grid of the other town: %d", rec.Code)
	}
	if v := answer[RiskToday](t, w.get("/api/risk/today?places="+townA)); len(v.Places) != 0 || len(v.Hints) != 0 {
		t.Errorf("of the other town today: %+v", v)
	}
	for _, target := range []string{"/api/risk/backtests", "/api/risk/backtests/1/cancel", "/api/risk/backtests/1/resume"} {
		r := call(http.MethodPost, target, strings.NewReader(`{"divisions":["places"]}`))
		r.Header.Set("Content-Type", "application/json")
		if rec := w.do(r); rec.Code != 403 {
			t.Errorf("%s without the right: %d", target, rec.Code)
		}
	}
}

// The document offers no way to an estimate of a person: risk takes places, and nothing that tells of persons has a field
// for it.
func TestTheAPIScoresNoPerson(t *testing.T) {
	w := riskTown(t, nil)
	for _, target := range []string{"/api/risk/1", "/api/risk/person/1", "/api/risk?place=a1", "/api/persons/1/risk", "/api/risk/990101194001010000"} {
		if rec := w.get(target); rec.Code/100 != 4 {
			t.Errorf("%s: %d", target, rec.Code)
		}
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name string }
		}
		Components struct {
			Schemas map[string]struct{ Properties map[string]json.RawMessage }
		}
	}
	rec := w.get("/openapi.json")
	if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	person := regexp.MustCompile(`(?i)person|idnumber|id_number|phone|resident$|household`)
	score := regexp.MustCompile(`(?i)risk|score|^rank|grade|^band|danger|credit`)
	risks := 0
	for path, methods := range doc.Paths {
		if !strings.HasPrefix(path, "/api/risk") {
			continue
		}
		risks++
		for method, op := range methods {
			for _, p := range op.Parameters {
				if person.MatchString(p.Name) {
					t.Errorf("%s %s takes %s", method, path, p.Name)
				}
			}
		}
	}
	for name, s := range doc.Components.Schemas {
		for property := range s.Properties {
			if strings.HasPrefix(name, "Risk") && person.MatchString(property) {
				t.Errorf("%s has %s", name, property)
			}
			if person.MatchString(name) || strings.HasPrefix(name, "Person") {
				if score.MatchString(property) {
					t.Errorf("%s has %s", name, property)
				}
			}
		}
	}
	if risks < 8 {
		t.Errorf("only %d ways to risk were looked at", risks)
	}
}
