package api

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"onepicture/layers/account"
)

// device signs in once more, from a browser.
func (h *house) device(t *testing.T, name, browser string) (cookie string) {
	t.Helper()
	r := posted(signInRoute, fmt.Sprintf(`{"name":%q,"password":%q}`, name, password), "")
	r.Header.Set("User-Agent", browser)
	return cookieOf(t, h.do(r))
}

func (h *house) mine(t *testing.T, cookie string) (list []SessionView) {
	t.Helper()
	return answer[MySessions](t, h.as(cookie, mySessionsRoute)).Sessions
}

// Everybody sees their own sessions and ends them, at once and on record; those of others are not there.
func TestOwnSessions(t *testing.T) {
	h := newHouse(t, nil)
	auditor := h.enter(t, "auditor", account.Auditor, "")
	other := h.enter(t, "wang", account.TownDuty, townB)
	h.enter(t, "huang", "", "") // without a right; its first session is the third here
	phone := h.device(t, "huang", "Chrome/140 Android")
	desk := h.device(t, "huang", "Firefox/140 Windows")

	list := h.mine(t, desk)
	agents := ""
	for _, s := range list {
		agents += fmt.Sprintf("%q %s %v, ", s.Agent, s.Method, s.Current)
		if s.Began.IsZero() || s.Seen.IsZero() || s.Until.Before(s.Seen) || s.Network == "" {
			t.Errorf("%+v", s)
		}
	}
	if agents != `"Firefox Windows" password true, "Chrome Android" password false, "" link false, ` {
		t.Fatalf("huang has %s", agents)
	}
	if got := h.mine(t, other); len(got) != 1 || !got[0].Current {
		t.Errorf("wang has %+v", got)
	}
	for _, id := range []int64{list[0].ID, list[1].ID, 999} {
		if p := refusal(t, h.post(other, fmt.Sprintf("%s/%d/end", mySessionsRoute, id), "{}")); p.Status != http.StatusNotFound {
			t.Errorf("wang ends session %d: %d", id, p.Status)
		}
	}
	if rec := h.post(other, mySessionsRoute+"/end", "{}"); rec.Code != http.StatusNoContent {
		t.Errorf("wang ends all others: %d %s", rec.Code, rec.Body)
	}
	if got := h.mine(t, desk); len(got) != 3 {
		t.Errorf("huang has %d sessions after what wang did", len(got))
	}

	if rec := h.post(desk, fmt.Sprintf("%s/%d/end", mySessionsRoute, list[1].ID), "{}"); rec.Code != http.StatusNoContent {
		t.Fatalf("ending the phone's: %d %s", rec.Code, rec.Body)
	}
	if p := refusal(t, h.post(desk, fmt.Sprintf("%s/%d/end", mySessionsRoute, list[1].ID), "{}")); p.Status != http.StatusNotFound {
		t.Errorf("once more: %d", p.Status)
	}
	if rec := h.as(phone, meRoute); rec.Code != http.StatusUnauthorized {
		t.Errorf("the phone goes on: %d", rec.Code)
	}
	phone = h.device(t, "huang", "Chrome/140 Android")
	if rec := h.post(desk, mySessionsRoute+"/end", "{}"); rec.Code != http.StatusNoContent {
		t.Fatalf("ending all others: %d %s", rec.Code, rec.Body)
	}
	if got := h.mine(t, desk); len(got) != 1 || !got[0].Current {
		t.Errorf("after ending all others: %+v", got)
	}
	if rec := h.as(phone, meRoute); rec.Code != http.StatusUnauthorized {
		t.Errorf("the phone goes on: %d", rec.Code)
	}
	if rec := h.post(desk, fmt.Sprintf("%s/%d/end", mySessionsRoute, list[0].ID), "{}"); rec.Code != http.StatusNoContent {
		t.Errorf("ending one's own: %d", rec.Code)
	}
	if rec := h.as(desk, meRoute); rec.Code != http.StatusUnauthorized {
		t.Errorf("it goes on: %d", rec.Code)
	}

	var said strings.Builder
	for _, d := range answer[Deeds](t, h.as(auditor, "/api/audit?what=sign_in")).Deeds {
		fmt.Fprintf(&said, "%s %s; ", d.Actor, d.Filter)
	}
	for _, want := range []string{fmt.Sprintf("a3 end session %d; ", list[1].ID), "a3 end all other sessions; ", "a2 end all other sessions; ", fmt.Sprintf("a3 end session %d; ", list[0].ID)} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("the audit lacks %q: %s", want, said.String())
		}
	}
	if strings.Contains(said.String(), fmt.Sprintf("a2 end session %d;", list[0].ID)) {
		t.Errorf("what was refused stands there as done: %s", said.String())
	}
	_, key, err := h.accounts.CreateKey(t.Context(), "console", account.NewKey{Title: "system", Role: account.Wall, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	r := call(http.MethodGet, mySessionsRoute, nil)
	r.Header.Set("Authorization", "Bearer "+key)
	if p := refusal(t, h.do(r)); p.Status != http.StatusForbidden {
		t.Errorf("a service key: %d", p.Status)
	}
}

// The stream of a session that its holder ends elsewhere is over at once.
func TestStreamOfAnEndedSession(t *testing.T) {
	h := newHouse(t, nil)
	phone := h.enter(t, "clerk", account.Clerk, villageA)
	server := httptest.NewServer(h.Handler())
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+streamRoute, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", phone)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() && lines.Text() != "event: position" {
	}
	began := time.Now()
	if rec := h.post(h.device(t, "clerk", ""), mySessionsRoute+"/end", "{}"); rec.Code != http.StatusNoContent {
		t.Fatal(rec.Body)
	}
	for lines.Scan() { // until it ends
	}
	if took := time.Since(began); !errors.Is(lines.Err(), io.ErrUnexpectedEOF) || took > 5*time.Second { // a stream in gzip has no last block
		t.Errorf("it went on for %v: %v", took, lines.Err())
	}
}
