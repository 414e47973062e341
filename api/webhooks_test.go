package api

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"onepicture/layers"
	"onepicture/layers/webhook"
)

// hooked is a town whose steward may look after webhooks; everybody else has no rights at all.
func hooked(t *testing.T) *town {
	t.Helper()
	return newTown(t, func(o *Options) {
		o.Scope = func(r *http.Request) layers.Scope {
			if r.Header.Get("X-Steward") != "" {
				return layers.Internal("steward")
			}
			return layers.Scope{}
		}
	})
}

func (w *town) steward(method, target, body string) *httptest.ResponseRecorder {
	r := call(method, target, strings.NewReader(body))
	r.Header.Set("X-Steward", "yes")
	r.Header.Set("Content-Type", "application/json")
	return w.do(r)
}

func (w *town) hookWith(t *testing.T, code, secret, id, body string) *httptest.ResponseRecorder {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	r := call(http.MethodPost, "/api/hooks/"+code, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(webhook.HeaderID, id)
	r.Header.Set(webhook.HeaderTimestamp, fmt.Sprint(now.Unix()))
	r.Header.Set(webhook.HeaderSignature, webhook.Sign(key, id, now, []byte(body)))
	return w.do(r)
}

const pump = `{"name":"泵站","enabled":true,"mapping":{"title":"/what","category":"/kind","lon":"/at/0","lat":"/at/1","datum":"WGS84","codes":{"water":"flood"}}}`

func TestSystemsReportByWebhook(t *testing.T) {
	w := hooked(t)
	secret := answer[WebhookSecret](t, w.steward("PUT", "/api/webhooks/in/pumps", pump)).Secret
	const sent = `{"what":"水位过高","kind":"water","at":[113.05,23.05]}`
	rec := w.hookWith(t, "pumps", secret, "m-1", sent)
	first := answer[Reported](t, rec)
	if rec.Code != http.StatusCreated || first.Event.Title != "水位过高" || first.Event.Category != "flood" || first.Event.Channel != "system" || first.Event.Place.value.Code != gridA {
		t.Errorf("%d %+v", rec.Code, first)
	}
	rec = w.hookWith(t, "pumps", secret, "m-1", sent)
	if again := answer[Reported](t, rec); rec.Code != http.StatusOK || again.Event.ID != first.Event.ID {
		t.Errorf("the same message again: %d %+v", rec.Code, again)
	}
	if other := answer[Reported](t, w.hookWith(t, "pumps", secret, "m-2", sent)); other.Event.ID == first.Event.ID {
		t.Error("another message was taken for the first")
	}
	renewed := answer[WebhookSecret](t, w.steward("PUT", "/api/webhooks/in/pumps", pump)).Secret
	for name, c := range map[string]struct {
		code, secret, id, body string
		status                 int
	}{
		"the old secret":     {"pumps", secret, "m-3", sent, 403},
		"another system":     {"others", renewed, "m-3", sent, 403},
		"no id":              {"pumps", renewed, "", sent, 403},
		"no JSON":            {"pumps", renewed, "m-4", "secret", 422},
		"no place":           {"pumps", renewed, "m-5", `{"what":"x","kind":"water"}`, 422},
		"an unknown kind":    {"pumps", renewed, "m-6", strings.Replace(sent, "water", "secret", 1), 422},
		"beyond the earth":   {"pumps", renewed, "m-7", strings.Replace(sent, "113.05", "1130", 1), 422},
		"signed by a guess":  {"pumps", "whsec_AAAA", "m-8", sent, 403},
		"larger than a body": {"pumps", renewed, "m-9", strings.Replace(sent, "x", strings.Repeat("x", maxBody), 1) + strings.Repeat(" ", maxBody), 413},
	} {
		if p := refusal(t, w.hookWith(t, c.code, c.secret, c.id, c.body)); p.Status != c.status || strings.Contains(p.Detail, "secret") {
			t.Errorf("%s: %d %s", name, p.Status, p.Detail)
		}
	}
	answer[WebhookSecret](t, w.steward("PUT", "/api/webhooks/in/pumps", strings.Replace(pump, "true", "false", 1)))
	if p := refusal(t, w.hookWith(t, "pumps", renewed, "m-10", sent)); p.Status != 403 {
		t.Errorf("a webhook that is off: %d", p.Status)
	}
}

func TestWebhooksAreTheStewards(t *testing.T) {
	w := hooked(t)
	for _, c := range []struct{ method, target, body string }{
		{"GET", "/api/webhooks", ""}, {"PUT", "/api/webhooks/in/a", pump},
		{"PUT", "/api/webhooks/out/a", `{"url":"https://x.example/","types":["event.closed"],"enabled":true}`},
		{"GET", "/api/webhooks/out/a/dead", ""}, {"POST", "/api/webhooks/out/a/retry", ""},
	} {
		r := call(c.method, c.target, strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/json")
		if p := refusal(t, w.do(r)); p.Status != 403 && p.Status != 401 {
			t.Errorf("%s %s: %d", c.method, c.target, p.Status)
		}
	}
	answer[WebhookSecret](t, w.steward("PUT", "/api/webhooks/in/a", pump))
	list := answer[WebhookList](t, w.steward("GET", "/api/webhooks", ""))
	if len(list.Webhooks) != 1 || list.Webhooks[0].Code != "a" || list.Webhooks[0].Way != "in" {
		t.Errorf("%+v", list)
	}
	// No host is named here: nothing goes out.
	if p := refusal(t, w.steward("PUT", "/api/webhooks/out/a", `{"url":"https://x.example/","types":["event.closed"],"enabled":true}`)); p.Status != 422 {
		t.Errorf("%+v", p)
	}
	if got := answer[DeadLetters](t, w.steward("GET", "/api/webhooks/out/a/dead", "")); len(got.Letters) != 0 {
		t.Errorf("%+v", got)
	}
	if got := answer[Retried](t, w.steward("POST", "/api/webhooks/out/a/retry", "")); got.Messages != 0 {
		t.Errorf("%+v", got)
	}
}
