package api

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"onepicture/layers"
	"onepicture/layers/alert"
)

// stewarded is a town in which requests that bear the header may look after feeds.
func stewarded(t *testing.T) *town {
	t.Helper()
	return newTown(t, func(o *Options) {
		o.Scope = func(r *http.Request) layers.Scope {
			s := layers.Loopback()
			if r.Header.Get("X-Steward") != "" {
				s.Rights |= layers.RightSources
			}
			return s
		}
	})
}

func (w *town) sendAlert(steward bool, body io.Reader) *httptest.ResponseRecorder {
	r := call(http.MethodPost, alertsRoute, body)
	r.Header.Set("Content-Type", "application/cap+xml")
	if steward {
		r.Header.Set("X-Steward", "yes")
	}
	return w.do(r)
}

// storm is a warning of now for the first town.
func storm(id, kind, refs string) string {
	now := time.Now().Add(-time.Minute).UTC()
	if refs != "" {
		refs = "<references>met@town.example," + refs + "," + now.Format("2006-01-02T15:04:00-07:00") + "</references>"
	}
	return fmt.Sprintf(`<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>%s</identifier><sender>met@town.example</sender>
<sent>%s</sent><status>Actual</status><msgType>%s</msgType><scope>Public</scope>%s
<info><language>zh-CN</language><category>Met</category><event>暴雨</event><urgency>Immediate</urgency><severity>Severe</severity><certainty>Likely</certainty>
<expires>%s</expires><headline>暴雨橙色预警</headline><instruction>留在室内</instruction>
<area><areaDesc>望江镇</areaDesc><polygon>22.9,112.9 22.9,113.1 23.2,113.1 23.2,112.9 22.9,112.9</polygon></area></info></alert>`,
		id, now.Format("2006-01-02T15:04:00-07:00"), kind, refs, now.Add(time.Hour).Format("2006-01-02T15:04:05-07:00"))
}

func TestAlertComesInAndIsTold(t *testing.T) {
	w := stewarded(t)
	l := listen(t, serveTown(t, w), "")
	defer l.close()
	l.until(t, "position")
	taken := answer[AlertsTaken](t, w.sendAlert(true, strings.NewReader(storm("S-1", "Alert", ""))))
	if taken.Format != "alert" || len(taken.Alerts) != 1 || taken.Alerts[0].Outcome != "new" || taken.Position == "0" {
		t.Fatalf("%+v", taken)
	}
	again := answer[AlertsTaken](t, w.sendAlert(true, strings.NewReader(storm("S-1", "Alert", ""))))
	if again.Alerts[0].Outcome == "new" || again.Position != "0" || again.Alerts[0].ID != taken.Alerts[0].ID {
		t.Errorf("%+v", again)
	}
	for place, found := range map[string]bool{"": true, "all": true, cityCode: true, townA: true, gridA: true, townB: false} {
		r := call(http.MethodGet, alertsRoute+"?place="+place, nil)
		r.Header.Set(minPosition, taken.Position)
		list := answer[AlertList](t, w.do(r))
		if (len(list.Alerts) == 1) != found || list.More {
			t.Errorf("at %q %d alerts hold", place, len(list.Alerts))
		}
	}
	a := answer[Alert](t, w.get(fmt.Sprintf("%s/%d", alertsRoute, taken.Alerts[0].ID)))
	if !a.Holds || a.Severity != "Severe" || a.Infos[0].Instruction != "留在室内" || a.Signed || a.PlaceCount != len(a.Places) ||
		len(a.Areas) != 1 || a.Areas[0].Shape.value == nil || a.Areas[0].Shape.value.Type != "MultiPolygon" {
		t.Errorf("%+v", a)
	}
	if got := fmt.Sprint(a.Places[0].Code, a.Places[0].Whole, a.Places[1].Code, a.Places[1].Whole); got != cityCode+"false"+townA+"true" {
		t.Errorf("places: %s", got)
	}
	// The stream tells that something about alerts has changed, and nothing else.
	e := l.until(t, "change")
	if !strings.Contains(e.data, `"kind":"alert"`) || e.id != taken.Position || strings.Contains(e.data, "113") {
		t.Errorf("the stream tells %s", e.data)
	}
	if got := answer[AlertsTaken](t, w.sendAlert(true, strings.NewReader(storm("S-2", "Cancel", "S-1")))); len(got.Alerts[0].Ended) != 1 {
		t.Errorf("%+v", got)
	}
	if list := answer[AlertList](t, w.get(alertsRoute)); len(list.Alerts) != 0 {
		t.Errorf("a cancelled alert holds: %+v", list)
	}
}

func TestAlertsAreRefused(t *testing.T) {
	w := stewarded(t)
	for _, c := range []struct {
		name    string
		steward bool
		body    string
		status  int
		code    string
	}{
		{"without the right", false, storm("R-1", "Alert", ""), 403, "forbidden"},
		{"without the right, and no XML", false, "x", 403, "forbidden"},
		{"nothing", true, "", 400, "invalid"},
		{"no XML", true, "x", 422, "invalid"},
		{"JSON", true, "{}", 422, "invalid"},
		{"entities", true, `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + storm("R-2", "Alert", ""), 422, "invalid"},
		{"a time that is none", true, strings.Replace(storm("R-3", "Alert", ""), "<sent>2", "<sent>x", 1), 422, "invalid"},
		{"too large", true, strings.Repeat(" ", alert.MaxBytes+2), 413, "too_large"},
	} {
		rec := w.sendAlert(c.steward, strings.NewReader(c.body))
		if p := refusal(t, rec); p.Status != c.status || p.Code != c.code {
			t.Errorf("%s: %d %s: %s", c.name, p.Status, p.Code, p.Detail)
		}
	}
	if p := refusal(t, w.get(alertsRoute+"?place=1")); p.Status != 422 || p.Errors[0].Location != "query.place" {
		t.Errorf("%+v", p)
	}
	if p := refusal(t, w.get(alertsRoute+"/77")); p.Status != 404 {
		t.Errorf("%+v", p)
	}
	var n int
	if err := w.pool.QueryRow(t.Context(), `select count(*) from alert`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d alerts were kept, %v", n, err)
	}
}

func TestFeedIsTakenInPart(t *testing.T) {
	w := stewarded(t)
	var b bytes.Buffer
	b.WriteString(`<feed xmlns="http://www.w3.org/2005/Atom"><entry><content>` + storm("F-1", "Alert", "") + `</content></entry>
<entry><content>` + strings.Replace(storm("F-2", "Alert", ""), "Severe", "Awful", 1) + `</content></entry>
<entry><link href="http://127.0.0.1:1/never-fetched.cap"/></entry></feed>`)
	got := answer[AlertsTaken](t, w.sendAlert(true, &b))
	if got.Format != "atom" || len(got.Alerts) != 1 || len(got.Refused) != 1 || got.Refused[0].At != 2 || len(got.Links) != 1 {
		t.Errorf("%+v", got)
	}
}
