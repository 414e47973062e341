package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"onepicture/layers"
)

func TestAnswers(t *testing.T) {
	w := newTown(t, nil)
	for _, c := range []struct {
		target string
		want   []string // parts of the answer
		never  []string
	}{
		{"/api/deployment", []string{`"name":"测试市"`, `"zone":"Asia/Shanghai"`, `"roots":["990100000000"]`, `"home":"990100000000"`, `"bounds":[113,23,113.2,23.1]`,
			`"threshold":10`, `"access":"accounts"`, `"synthetic":false`, `"statuses":["unknown","report"`}, nil},
		{"/api/places/" + townA, []string{`"areaKm2":0.5`, `"path":[{"code":"990100000000"`, `"children":[{"code":"990101001000"`, `"label":[113.05,23.04]`}, []string{gridA}},
		{"/api/places/" + cityCode, []string{`"areaKm2":0.5`}, nil}, // of a town, for its density
		{"/api/places/all", []string{`"code":"all","level":0`, `"bounds":[113,23,113.2,23.1]`, `"children":[{"code":"990100000000"`}, []string{townA}},
		{"/api/places/all/figures", []string{`"code":"all"`, `"children":[{"code":"990100000000"`}, []string{townA}},
		{"/api/events?place=all", []string{"道路积水"}, nil},
		{"/api/places/" + gridA, []string{`"children":[]`}, nil},
		{"/api/places?at=" + gridPoint, []string{`"code":"` + gridA + `"`, `"places":[]`}, []string{townB}},
		{"/api/places?at=100,10", []string{`"path":[]`}, nil},
		{"/api/places?q=望江", []string{`"code":"` + townA + `"`, `"path":"测试市"`}, []string{townB}},
		{"/api/places?q=JIANGWAN", []string{`"code":"` + villageA + `"`, `"path":"测试市 › 望江镇"`}, nil},
		{"/api/places?q=9901&limit=1", []string{cityCode}, []string{townA}},
		{"/api/places?q=nowhere", []string{`"places":[]`}, nil},
		{"/api/layers", []string{`"name":"人口","nameEn":"People"`, `"late":true`, `"owner":{"name":"消防","nameEn":"Fire brigade"}`, `"owner":null`, `"source":null`}, []string{"null,{"}},
		{"/api/classes", []string{`"code":"living_alone"`, `"deadlineHours":24`, `"category":"fire"`, `"department":{"name":"消防"`}, nil},
		{"/api/sources", []string{`"code":"hotline"`, `"cadenceSeconds":3600`, `"cadenceSeconds":null`, `"late":true`}, nil},
		{"/api/events", []string{`"title":"道路积水"`, `"placePath":"望江镇 › 江湾社区 › 03网格"`, `"next":null`, `"overdue":true`, `"item":null`}, nil},
		{"/api/events?status=open", []string{"楼道起火"}, []string{"垃圾起火"}},
		{"/api/events?status=closed", []string{"垃圾起火", `"status":"close"`}, []string{"楼道起火"}},
		{"/api/events?category=flood", []string{"道路积水"}, []string{"起火"}},
		{"/api/events?place=" + townB, []string{`"events":[]`}, nil},
		{"/api/events/1", []string{`"itemName":"火情"`, `"steps":["report","accept","close"]`, `"department":{`, `"source":{"name":"热线"`, `"attributes":{}`, `"address":null`}, nil},
		{"/api/events/2", []string{`"itemName":null`, `"steps":[]`, `"department":null`}, nil},
		{"/api/sites/1", []string{`"className":"学校"`, `"attributes":{"pupils":300}`, `"status":"open"`}, nil},
		{"/api/imports", []string{`"file":"f.csv"`}, nil},
		{"/api/imports/1/rejected", []string{`"reason":"is no number"`}, nil},
		{"/api/imports/1/rejected?after=2", []string{`"rows":[]`}, nil},
		{"/tiles/sites,events.json", []string{`"tilejson":"3.0.0"`, `http://127.0.0.1:8080/tiles/sites,events/{z}/{x}/{y}.mvt`}, nil},
		{"/tiles/base.json", []string{`"id":"water"`}, nil},
		{"/health", []string{`"status":"ok"`, `"redis":{"status":"off"`, `"features":6}`}, nil},
		{"/health/live", []string{"ok"}, nil},
		{"/health/ready", []string{"ok"}, nil},
		{"/metrics", []string{"onepicture_index_person_features 0\n", // told by the hundred
			"onepicture_stream_clients 0", `onepicture_http_requests_total{method="GET",route="/api/events/:id",status="200"} 2`}, []string{"秘密"}},
		{"/openapi.json", []string{`"openapi":"3.1.0"`}, nil},
	} {
		rec := w.get(c.target)
		if rec.Code != http.StatusOK {
			t.Errorf("%s: status %d: %s", c.target, rec.Code, rec.Body)
			continue
		}
		text := rec.Body.String()
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %s in %s", c.target, want, text)
			}
		}
		for _, never := range append(c.never, "秘密姓名", "13900000000", "$schema") {
			if strings.Contains(text, never) {
				t.Errorf("%s: tells %s: %s", c.target, never, text)
			}
		}
	}
}

func TestFigures(t *testing.T) {
	w := newTown(t, nil)
	f := answer[Figures](t, w.get("/api/places/"+cityCode+"/figures"))
	show := func(n *int) string {
		if n == nil {
			return "null"
		}
		return fmt.Sprint(*n)
	}
	if got := show(f.Totals.Person) + " " + show(f.Totals.Site) + " " + show(f.Totals.Event); got != "30 3 3" {
		t.Errorf("totals %s", got)
	}
	byLayer := map[string]string{}
	for _, l := range f.Layers {
		byLayer[l.Code] = show(l.Count)
	}
	if got := fmt.Sprint(byLayer); got != "map[elderly:30 events:3 fires:2 schools:2 sites:3]" {
		t.Errorf("layers %s", got)
	}
	if f.Events != (EventFigures{Today: 1, Open: 2, Overdue: 1, Closed30d: 1, ClosedInTime30d: 1}) {
		t.Errorf("events %+v", f.Events)
	}
	hours, days := 0, 0
	for _, h := range f.Hours {
		hours += h.Count
	}
	for _, d := range f.Days {
		days += d.Count
	}
	if len(f.Hours) != 25 || len(f.Days) != 30 || hours != 1 || days != 3 || f.Days[29].Count != 1 || f.Hours[24].Count != 1 {
		t.Errorf("hours %v days %v", f.Hours, f.Days)
	}
	// Persons are told in tens, fewer not at all, and neither is that they have a class.
	if len(f.Children) != 2 || show(f.Children[0].Person) != "30" || show(f.Children[1].Person) != "null" || show(f.Children[1].Site) != "0" {
		t.Errorf("children %+v", f.Children)
	}
	b := answer[Figures](t, w.get("/api/places/"+townB+"/figures"))
	for _, l := range b.Layers {
		if l.Code == "elderly" && l.Count != nil {
			t.Errorf("five elderly are told: %d", *l.Count)
		}
	}
	for _, c := range b.Classes {
		if c.Kind == "person" && c.Count != nil {
			t.Errorf("five of a class are told: %d", *c.Count)
		}
	}
	if len(b.Children) != 0 || b.Events != (EventFigures{}) {
		t.Errorf("town without events: %+v", b)
	}
}

func TestPagesOfEvents(t *testing.T) {
	w := newTown(t, nil)
	for i := range 7 {
		if rec := w.report(t, reportBody, fmt.Sprint(i)); rec.Code != http.StatusCreated {
			t.Fatal(rec.Body)
		}
	}
	last := answer[Reported](t, w.report(t, reportBody, "last")).Position
	w.reach(t, last)
	seen, next := map[int64]bool{}, ""
	for pages := 1; ; pages++ {
		r := call(http.MethodGet, "/api/events?limit=4&before="+next, nil)
		r.Header.Set("X-Min-Position", last)
		p := answer[EventPage](t, w.do(r))
		for i, e := range p.Events {
			if seen[e.ID] {
				t.Errorf("event %d is on two pages", e.ID)
			}
			seen[e.ID] = true
			if i > 0 && e.ReportedAt.After(p.Events[i-1].ReportedAt.Add(60e9)) {
				t.Errorf("event %d is newer than the one before it", e.ID)
			}
		}
		if p.Next == nil {
			break
		}
		if next = *p.Next; pages > 5 {
			t.Fatal("the list does not end")
		}
	}
	if len(seen) != 11 {
		t.Errorf("%d events on all pages", len(seen))
	}
}

func TestReport(t *testing.T) {
	w := newTown(t, nil)
	first := w.report(t, reportBody, "k1")
	got := answer[Reported](t, first)
	if first.Code != http.StatusCreated || got.Event.PlacePath != "望江镇 › 江湾社区 › 03网格" || got.Event.Status != "report" || got.Event.Category != "flood" {
		t.Errorf("%d %+v", first.Code, got)
	}
	if want := fmt.Sprintf("/api/events/%d", got.Event.ID); first.Header().Get("Location") != want {
		t.Errorf("location %q", first.Header().Get("Location"))
	}
	again := w.report(t, reportBody, "k1")
	if replay := answer[Reported](t, again); again.Code != http.StatusOK || replay.Event.ID != got.Event.ID || replay.Position != got.Position {
		t.Errorf("replay %d %+v", again.Code, replay)
	}
	if other := answer[Reported](t, w.report(t, reportBody, "k2")); other.Event.ID == got.Event.ID {
		t.Error("another key gave the same event")
	}
	// What was written is in the next figures that ask for its position.
	r := call(http.MethodGet, "/api/places/"+gridA+"/figures", nil)
	r.Header.Set("X-Min-Position", got.Position)
	if f := answer[Figures](t, w.do(r)); *f.Totals.Event < 4 {
		t.Errorf("the figures know of %d events", *f.Totals.Event)
	}
	r.Header.Set("X-Min-Position", "18446744073709551615")
	rec := w.do(r)
	if p := refusal(t, rec); p.Code != string(layers.CodeUnavailable) || rec.Header().Get("Retry-After") == "" {
		t.Errorf("a position of the future: %d %s", rec.Code, rec.Body)
	}
}
