package api

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"onepicture/layers"
	"onepicture/layers/catalogue"
)

// keeping is a town in which requests that bear the header may change the catalogue.
func keeping(t *testing.T) *town {
	t.Helper()
	return newTown(t, func(o *Options) {
		o.Scope = func(r *http.Request) layers.Scope {
			s := layers.Loopback()
			s.Rights &^= layers.RightCatalogue
			if r.Header.Get("X-Steward") != "" {
				s.Rights |= layers.RightCatalogue
			}
			return s
		}
	})
}

func (w *town) sendItems(steward bool, query string, file []byte) *httptest.ResponseRecorder {
	r := call(http.MethodPost, itemsRoute+query, bytes.NewReader(file))
	r.Header.Set("Content-Type", "application/octet-stream")
	if steward {
		r.Header.Set("X-Steward", "yes")
	}
	return w.do(r)
}

func itemFile(hours int) []byte {
	return []byte(fmt.Sprintf("code,category,name,level,deadline_hours,requires,dup_meters,repeat_days\nX-1,fire,占用消防通道,2,%d,feedback.place,50,7\n", hours))
}

func TestItemsComeInAsVersionsAndGoOut(t *testing.T) {
	w := keeping(t)
	if dry := answer[ItemsTaken](t, w.sendItems(true, "?dry=true", itemFile(8))); dry.Written || dry.Added != 1 || dry.Position != "0" {
		t.Errorf("a dry run: %+v", dry)
	}
	taken := answer[ItemsTaken](t, w.sendItems(true, "", itemFile(8)))
	if !taken.Written || taken.Added != 1 || taken.Position == "0" || len(taken.Faults) != 0 {
		t.Fatalf("%+v", taken)
	}
	taken = answer[ItemsTaken](t, w.sendItems(true, "", itemFile(9)))
	w.reach(t, taken.Position)
	v := answer[ItemVersions](t, w.get(itemsRoute+"/X-1")).Versions
	if len(v) != 2 || v[0].Version != 2 || !v[0].Current || v[0].DeadlineHours != 9 || v[1].Current || v[1].ValidTo == nil || *v[1].ValidTo != v[0].ValidFrom {
		t.Errorf("%+v", v)
	}
	if v[0].Pinyin != "zhan|tie yong xiao fang tong dao" || v[0].VerifyLevel != "village" || len(v[0].LevelHours) != 4 || !v[0].RoundClock {
		t.Errorf("%+v", v[0])
	}
	if v[0].DupMeters != 50 || v[0].DupHours != layers.DefaultDupHours || v[0].RepeatDays != 7 {
		t.Errorf("the same: %+v", v[0])
	}
	// The list that phones keep has the new version alone.
	list := answer[Classes](t, w.get("/api/classes"))
	n := 0
	for _, it := range list.Items {
		if it.Code == "X-1" {
			n++
			if it.DeadlineHours != 9 || fmt.Sprint(it.Requires) != "[feedback.place]" {
				t.Errorf("%+v", it)
			}
		}
	}
	if n != 1 {
		t.Errorf("X-1 is listed %d times", n)
	}
	for _, name := range []string{"xlsx", "xlsx?lang=en", "csv"} {
		rec := w.get(itemsFile + name)
		if rec.Code != http.StatusOK || !strings.Contains(rec.Header().Get("Content-Disposition"), "attachment") {
			t.Fatalf("%s: %d", name, rec.Code)
		}
		again := answer[ItemsTaken](t, w.sendItems(true, "", rec.Body.Bytes()))
		if again.Added+again.Changed+again.Ended != 0 || again.Same == 0 || again.Position != "0" {
			t.Errorf("%s again: %+v", name, again)
		}
	}
}

func TestItemsAreRefused(t *testing.T) {
	w := keeping(t)
	if p := refusal(t, w.sendItems(false, "", itemFile(8))); p.Status != 403 {
		t.Errorf("without the right: %d", p.Status)
	}
	if p := refusal(t, w.sendItems(false, "?dry=true", itemFile(8))); p.Status != 403 {
		t.Errorf("a dry run without the right: %d", p.Status)
	}
	if p := refusal(t, w.sendItems(true, "?from=2020-01-01", itemFile(8))); p.Status != 422 {
		t.Errorf("from the past: %d", p.Status)
	}
	if p := refusal(t, w.sendItems(true, "?from=soon", itemFile(8))); p.Status != 422 {
		t.Errorf("from no day: %d", p.Status)
	}
	if p := refusal(t, w.sendItems(true, "", make([]byte, catalogue.MaxBytes+2))); p.Status != 413 {
		t.Errorf("a file that is too large: %d", p.Status)
	}
	if p := refusal(t, w.get(itemsRoute+"/none")); p.Status != 404 {
		t.Errorf("an unknown item: %d", p.Status)
	}
	file := append(itemFile(8), []byte("X-2,war,b,9,0,,,\nX-1,fire,,2,1,feedback.blood,,\n")...)
	for _, query := range []string{"", "?dry=true"} {
		got := answer[ItemsTaken](t, w.sendItems(true, query, file))
		if got.Written || len(got.Faults) != 6 || got.Added != 0 {
			t.Errorf("%s: %+v", query, got)
		}
	}
	if got := w.get(itemsRoute + "/X-1"); got.Code != 404 {
		t.Errorf("a row of a file with faults was written: %d", got.Code)
	}
}
