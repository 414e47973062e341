package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"onepicture/layers"
	"onepicture/layers/account"
)

// Who may file by which key, with keys as an administrator makes them. (Answers to all sorts of requests are in open311_test.go.)
func TestOpen311Keys(t *testing.T) {
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	h := newHouse(t, func(o *Options) {
		o.Accounts.Now = now
		o.Key = func(ctx context.Context, key string) (layers.Scope, error) {
			_, scope, err := o.Accounts.OpenKey(ctx, key)
			return scope, err
		}
	})
	key := func(role account.Role, place string, holds time.Duration) (int64, string) {
		t.Helper()
		k := account.NewKey{Title: string(role), Role: role, Expires: now().Add(holds)}
		if place != "" {
			k.Place = h.Store.World().Tree.ByCode(place).ID
		}
		id, text, err := h.accounts.CreateKey(t.Context(), "console", k)
		if err != nil {
			t.Fatal(err)
		}
		return id, text
	}
	_, whole := key(account.CityDuty, "", 48*time.Hour)
	_, here := key(account.TownDuty, "990101000000", 48*time.Hour)
	_, foreign := key(account.TownDuty, "990102000000", 48*time.Hour)
	_, brief := key(account.CityDuty, "", time.Hour)
	_, unused := key(account.CityDuty, "", time.Hour)
	_, blind := key(account.Analyst, "", 48*time.Hour)
	gone, revoked := key(account.CityDuty, "", 48*time.Hour)
	cookie := h.enter(t, "duty", account.CityDuty, "")
	file := func(key string) int {
		t.Helper()
		args := example311()
		args.Set("api_key", key)
		r := call(http.MethodPost, "/open311/v2/requests.json", strings.NewReader(args.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return h.do(r).Code
	}
	events := func() (n int) {
		t.Helper()
		if err := h.pool.QueryRow(t.Context(), "select count(*) from event").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for what, k := range map[string]string{"everywhere": whole, "of the town": here, "that holds for an hour": brief} {
		if code := file(k); code != http.StatusOK {
			t.Errorf("a key %s: %d", what, code)
		}
	}
	if code := file(revoked); code != http.StatusOK {
		t.Errorf("before it was revoked: %d", code)
	}
	if err := h.accounts.RevokeKey(t.Context(), "console", gone); err != nil {
		t.Fatal(err)
	}
	ahead.Store(int64(2 * time.Hour))
	before := events()
	_, session, _ := strings.Cut(cookie, "=")
	for what, k := range map[string]string{
		"of another town": foreign, "that is over, and was used": brief, "that is over, and never was used": unused, "without the right to report": blind,
		"that was revoked": revoked, "that was changed": whole[:len(whole)-2] + "AA", "with something behind it": whole + "A",
		"without its mark": strings.TrimPrefix(whole, "op1_"), "that is a session": session, "that is SQL": "op1_' or 1=1 --", "that is missing": "",
	} {
		if code := file(k); code != http.StatusForbidden {
			t.Errorf("a key %s: %d", what, code)
		}
	}
	if n := events(); n != before {
		t.Errorf("%d reports were filed by keys that were refused", n-before)
	}
	if code := file(here); code != http.StatusOK {
		t.Errorf("after them: %d", code)
	}
	// In an address a key would be written into logs: it is not taken from there.
	args := example311()
	args.Del("api_key")
	r := call(http.MethodPost, "/open311/v2/requests.json?"+url.Values{"api_key": {whole}}.Encode(), strings.NewReader(args.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if code := h.do(r).Code; code != http.StatusForbidden {
		t.Errorf("a key in the address: %d", code)
	}
}
