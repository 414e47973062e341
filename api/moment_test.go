package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Figures, list and tile of a moment tell of the same events: those reported before and not yet closed.
func TestMoments(t *testing.T) {
	w := newTown(t, nil)
	// The town's events: 1 reported 48 h ago and due 24 h ago, 2 just now, 3 reported 72 h ago, due 48 h and closed 60 h ago.
	for _, c := range []struct {
		hours         int // ago
		open, overdue string
		closed        int
		days          int // reported on the 30 days before
	}{
		{100, "", "", 0, 0},
		{71, "垃圾起火", "", 0, 1},
		{61, "垃圾起火", "", 0, 1},
		{59, "", "", 1, 1},
		{47, "楼道起火", "", 1, 2},
		{25, "楼道起火", "", 1, 2},
		{23, "楼道起火", "楼道起火", 1, 2},
		{1, "楼道起火", "楼道起火", 1, 2},
	} {
		at := "at=" + time.Now().Add(-time.Duration(c.hours)*time.Hour).UTC().Format(time.RFC3339)
		f := answer[Figures](t, w.get("/api/places/"+cityCode+"/figures?"+at))
		open, overdue := len(c.open)/12, len(c.overdue)/12 // a title is of twelve bytes
		if f.Events.Open != open || f.Events.Overdue != overdue || f.Events.Closed30d != c.closed || f.Children[0].Open != open || f.Children[0].Overdue != overdue {
			t.Errorf("%d h ago: events %+v, children %+v", c.hours, f.Events, f.Children)
		}
		reported := 0
		for _, d := range f.Days {
			reported += d.Count
		}
		if reported != c.days || len(f.Hours) != figureHours {
			t.Errorf("%d h ago: %d reported in 30 days", c.hours, reported)
		}
		if f.Totals.Person != nil || f.Totals.Site != nil || len(f.Layers)+len(f.Classes) != 0 {
			t.Errorf("%d h ago: the present is told as the past: %+v", c.hours, f)
		}
		for status, want := range map[string]string{"open": c.open, "overdue": c.overdue} {
			var titles []string
			for _, e := range answer[EventPage](t, w.get("/api/events?status="+status+"&"+at)).Events {
				titles = append(titles, e.Title)
				if e.Overdue != (overdue == 1) {
					t.Errorf("%d h ago: %s overdue %v", c.hours, e.Title, e.Overdue)
				}
			}
			if got := strings.Join(titles, " "); got != want {
				t.Errorf("%d h ago %s: %s, want %s", c.hours, status, got, want)
			}
		}
		rec := w.get(tileURL("events", 14, "?"+at))
		var drawn []string
		if rec.Code != http.StatusNoContent {
			for _, e := range decode(t, rec.Body.Bytes())["events"].Features {
				drawn = append(drawn, fmt.Sprint(e.Properties["name"]))
				if _, told := e.Properties["status"]; told {
					t.Errorf("%d h ago: a tile tells the status of now", c.hours)
				}
			}
		}
		if got := strings.Join(drawn, " "); got != c.open {
			t.Errorf("%d h ago: the tile shows %q, want %q", c.hours, got, c.open)
		}
	}
	// Nothing is told of what is to come, nor of a status that nobody knows.
	coming := "at=" + time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	past := "at=" + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	for _, target := range []string{
		"/api/places/" + cityCode + "/figures?" + coming, "/api/events?status=open&" + coming, "/api/events?" + past,
		"/api/events?status=waiting&" + past, "/api/events?status=open&at=1970-01-01T00:00:00Z", tileURL("events", 14, "?at=yesterday"), tileURL("events", 14, "?"+coming), tileURL("events", 14, "?filter=level%3D1&"+past),
	} {
		if rec := w.get(target); rec.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", target, rec.Code)
		}
	}
}
