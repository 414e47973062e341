package dispatch

import (
	"testing"
	"time"

	"onepicture/layers"
)

// seen files a report of an item at a distance north of the first grid's middle, some time before now.
func (h *hub) seen(item, title string, meters float64, before time.Duration) int64 {
	h.t.Helper()
	r, err := h.Report(h.t.Context(), citizen, Report{
		Title: title, Item: item, Channel: "resident", Lon: 113.05, Lat: 23.05 + meters/111_000, Datum: "WGS84", ReportedAt: h.at.Add(-before),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return r.FeatureID
}

// withItems replaces the valley's items.
func (h *hub) withItems(items ...layers.Item) {
	c := *h.picture.Catalogue()
	c.Items = items
	h.restart(valley{layers.NewCatalogue(c)}, h.serves)
}

func TestPossibleDuplicates(t *testing.T) {
	h := newHub(t)
	if _, err := h.pool.Exec(t.Context(), `insert into item (id, code, class, name, deadline_hours, level) values (10, 'F-2', 1, 'smoke', 12, 2)`); err != nil {
		t.Fatal(err)
	}
	h.withItems(layers.Item{ID: 7, Code: "F-1", Class: 1, Level: 2, DeadlineHours: 12, DupMeters: 100, DupHours: 10},
		layers.Item{ID: 8, Code: "W-1", Class: 2, Level: 3, DeadlineHours: 12}, layers.Item{ID: 10, Code: "F-2", Class: 1, Level: 2, DeadlineHours: 12})
	names := map[int64]string{}
	add := func(name string, id int64) int64 { names[id] = name; return id }
	add("near and now", h.seen("F-1", "消防通道堵塞", 10, 0))
	add("farther", h.seen("F-1", "堵", 90, 0))
	add("too far", h.seen("F-1", "消防通道堵塞", 150, 0))
	add("some hours ago", h.seen("F-1", "堵", 10, 9*time.Hour))
	add("too long ago", h.seen("F-1", "消防通道堵塞", 10, 11*time.Hour))
	add("other category", h.seen("W-1", "消防通道堵塞", 10, 0))
	add("other item, same words", h.seen("F-2", "消防通道被堵塞", 10, 0))
	add("other item, other words", h.seen("F-2", "厨房起火", 10, 0))
	h.must(dan, add("void", h.seen("F-1", "消防通道堵塞", 10, 0)), "void")
	h.must(dan, add("merged", h.seen("F-1", "消防通道堵塞", 10, 0)), "merge", into(h.seen("W-1", "水", 20, 0)))
	id := add("itself", h.seen("F-1", "消防通道堵塞", 0, 0))
	told := func(list []Similar, err error) (out []string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range list {
			out = append(out, names[s.Event])
			if s.Meters > 100 || s.Apart > 10*time.Hour {
				t.Errorf("%s: %+v", names[s.Event], s)
			}
		}
		return out
	}
	same := func(name string, got, want []string) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%s: %q, want %q", name, got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
	want := []string{"near and now", "other item, same words", "farther", "some hours ago"}
	same("for an event", told(h.SimilarTo(t.Context(), dan, id, "消防通道堵塞")), want)
	sample := Sample{Lon: 113.05, Lat: 23.05, Item: "F-1", Words: "消防通道堵塞"}
	same("before sending", told(h.Similar(t.Context(), citizen, sample)), append([]string{"itself"}, want...))
	same("out of sight", told(h.Similar(t.Context(), other, sample)), nil)
	same("without any right", told(h.Similar(t.Context(), layers.Scope{Actor: "x"}, sample)), nil)
	if _, err := h.SimilarTo(t.Context(), other, id, ""); layers.CodeOf(err) != layers.CodeNotFound {
		t.Errorf("another town asks: %v", err)
	}
	for _, bad := range []Sample{{}, {Category: "politics"}, {Item: "X"}} {
		if _, err := h.Similar(t.Context(), citizen, bad); layers.CodeOf(err) != layers.CodeInvalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestRepeatsAtAPlace(t *testing.T) {
	h := newHub(t)
	h.withItems(layers.Item{ID: 7, Code: "F-1", Class: 1, Level: 2, DeadlineHours: 12, RepeatDays: 7, DupMeters: 50},
		layers.Item{ID: 8, Code: "W-1", Class: 2, Level: 3, DeadlineHours: 12})
	day := 24 * time.Hour
	nth := func(id int64, by layers.Scope) int {
		t.Helper()
		c, err := h.Case(t.Context(), by, id)
		if err != nil {
			t.Fatal(err)
		}
		if c.Repeat == nil {
			return 1
		}
		if c.Repeat.Days != 7 || c.Repeat.Meters != 50 {
			t.Errorf("%+v", c.Repeat)
		}
		return c.Repeat.Nth
	}
	old := h.seen("F-1", "很早", 0, 8*day)
	first := h.seen("F-1", "一", 0, 6*day)
	h.seen("F-1", "远", 80, 5*day)
	h.seen("W-1", "别的", 0, 5*day)
	h.must(dan, h.seen("F-1", "不算", 0, 5*day), "void")
	second := h.seen("F-1", "二", 20, 4*day)
	h.must(dan, h.seen("F-1", "并", 0, 2*day), "merge", into(second))
	third := h.seen("F-1", "三", 10, 0)
	for id, want := range map[int64]int{old: 1, first: 2, second: 2 + 1, third: 3} {
		if got := nth(id, dan); got != want {
			t.Errorf("event %d is told to be number %d, want %d", id, got, want)
		}
	}
}

func TestLikenessOfWords(t *testing.T) {
	for _, c := range []struct {
		a, b     string
		from, to float64
	}{
		{"", "", 0, 0}, {"消防通道堵塞", "", 0, 0}, {"消防通道堵塞", "消防通道堵塞", 1, 1}, {"消防通道堵塞！", "消防 通道堵塞", 1, 1},
		{"消防通道堵塞", "消防通道被杂物堵住", 0.3, 0.7}, {"消防通道堵塞", "路灯不亮", 0, 0}, {"Blocked exit", "BLOCKED EXIT", 1, 1},
	} {
		if got := likeness(pairs(c.a), pairs(c.b)); got < c.from || got > c.to {
			t.Errorf("%q and %q: %v, want %v to %v", c.a, c.b, got, c.from, c.to)
		}
	}
}
