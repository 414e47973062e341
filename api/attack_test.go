package api

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"onepicture/layers/account"
)

// Attacks on the doors, with what comes back; docs/attacks.md lists them with those that other tests hold.
func TestAttacksOnTheDoor(t *testing.T) {
	h := newHouse(t, nil)
	cookie := h.enter(t, "duty", account.CityDuty, "")
	right := fmt.Sprintf(`{"name":"duty","password":%q}`, password)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 1024 {
		if _, err := z.Write(make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what, method, target string
		body                 string
		header               map[string]string
		want                 []int
	}{
		{"signing somebody in from another origin", "POST", signInRoute, right, map[string]string{"Origin": "https://evil.example"}, []int{403}},
		{"the same, said by the browser alone", "POST", signInRoute, right, map[string]string{"Sec-Fetch-Site": "cross-site"}, []int{403}},
		{"a form that a browser sends without asking", "POST", signInRoute, "name=duty&password=x", map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Origin": "null"}, []int{403}},
		{"signing somebody out from another origin", "POST", signOutRoute, "{}", map[string]string{"Cookie": cookie, "Origin": "https://evil.example"}, []int{403}},
		{"reporting in somebody's name from another origin", "POST", "/api/events", reportBody, map[string]string{"Cookie": cookie, "Origin": "https://evil.example"}, []int{403}},
		{"another method in a header", "GET", signOutRoute, "", map[string]string{"Cookie": cookie, "X-HTTP-Method-Override": "POST"}, []int{404, 405}},
		{"a user named by a header", "GET", meRoute, "", map[string]string{"X-Forwarded-User": "duty", "X-Remote-User": "duty", "Remote-User": "duty", "X-Forwarded-Email": "duty"}, []int{401}},
		{"an address named by a header", "GET", metricsRoute, "", map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1", "Forwarded": "for=127.0.0.1"}, []int{200}}, // it is this machine
		{"a path named by a header", "GET", "/health", "", map[string]string{"X-Original-Url": meRoute, "X-Rewrite-Url": meRoute}, []int{200}},
		{"a key that is a password", "GET", meRoute, "", map[string]string{"Authorization": "Basic ZHV0eTp4"}, []int{401}},
		{"a key that is a cookie", "GET", meRoute, "", map[string]string{"Authorization": "Bearer " + strings.TrimPrefix(cookie, "onepicture=")}, []int{401}},
		{"a good cookie beside a bad key", "GET", meRoute, "", map[string]string{"Authorization": "Bearer op1_ABCDEFGH_" + strings.Repeat("A", 43), "Cookie": cookie}, []int{401}},
		{"a forged token of another kind", "GET", meRoute, "", map[string]string{"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhMSJ9."}, []int{401}},
		{"an oversized body", "POST", signInRoute, `{"name":"duty","password":"` + strings.Repeat("x", 100<<10) + `"}`, nil, []int{413}},
		{"a body of unknown length", "POST", signInRoute, `{"name":"` + strings.Repeat(" ", 200<<10) + `"}`, map[string]string{"Transfer-Encoding": "chunked"}, []int{413}},
		{"a password of a megabyte's cost", "POST", signInRoute, `{"name":"duty","password":"` + strings.Repeat("x", 300) + `"}`, nil, []int{422}},
		{"a decompression bomb", "POST", signInRoute, bomb.String(), map[string]string{"Content-Encoding": "gzip"}, []int{400, 413, 415, 422}},
		{"deep nesting", "POST", signInRoute, strings.Repeat("[", 60<<10), nil, []int{400, 422}},
		{"fields that nobody asked for", "POST", signInRoute, `{"name":"duty","password":"wrong password","role":"administrator","demo":true}`, nil, []int{401, 422}},
		{"SQL as a name", "POST", signInRoute, `{"name":"' or 1=1 --","password":"x"}`, nil, []int{401}},
		{"no name", "POST", signInRoute, `{}`, nil, []int{422}},
		{"a link's token in the address", "GET", linkRoute + "?token=" + strings.Repeat("A", 43), "", nil, []int{404, 405}},
	} {
		r := call(c.method, c.target, strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/json")
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		rec := h.do(r)
		ok := false
		for _, want := range c.want {
			ok = ok || rec.Code == want
		}
		if !ok || len(rec.Result().Cookies()) != 0 {
			t.Errorf("%s: %d, cookies %v: %.200s", c.what, rec.Code, rec.Result().Cookies(), rec.Body)
		}
		if rec.Code >= 400 && rec.Header().Get("Content-Type") == "application/problem+json" {
			refusal(t, rec)
		}
		t.Logf("%s: %d", c.what, rec.Code)
	}
	if rec := h.as(cookie, meRoute); rec.Code != 200 {
		t.Errorf("after all that the session itself: %d", rec.Code)
	}
}

// Whoever sends a request letter by letter is cut off, and keeps nobody else waiting.
func TestSlowRequestIsCutOff(t *testing.T) {
	h := newHouse(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(ctx, l) }()
	defer func() { cancel(); <-ended }()
	for what, begin := range map[string]string{
		"a head without an end": "GET /api/me HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
		"a body without an end": "POST " + signInRoute + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{",
	} {
		t.Run(what, func(t *testing.T) {
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, begin); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			gone := make(chan string, 1)
			go func() {
				said, _ := io.ReadAll(bufio.NewReader(conn))
				gone <- string(said)
			}()
			for {
				select {
				case said := <-gone:
					if strings.HasPrefix(said, "HTTP/1.1 2") || strings.Contains(said, "Set-Cookie") {
						t.Errorf("it was answered: %s", said)
					}
					return
				case <-tick.C:
					_, _ = io.WriteString(conn, "x") // a connection that was cut refuses it; the reader tells
				}
			}
		})
	}
	if resp, err := http.Get("http://" + l.Addr().String() + "/health/live"); err != nil || resp.StatusCode != 200 {
		t.Errorf("another meanwhile: %v", err)
	} else {
		_ = resp.Body.Close()
	}
}

// Ten thousand tries over HTTP: each refusal is the same, says when to come again, and the holder's session goes on.
func TestTenThousandFailedSignInsOverHTTP(t *testing.T) {
	h := newHouse(t, nil)
	cookie := h.enter(t, "duty", account.CityDuty, "")
	answers := map[int]int{}
	for i := range 10_000 {
		r := posted(signInRoute, fmt.Sprintf(`{"name":%q,"password":"guess %d"}`, []string{"duty", "nobody"}[i%2], i), "")
		rec := h.do(r)
		answers[rec.Code]++
		if rec.Code == http.StatusTooManyRequests && rec.Header().Get("Retry-After") == "" {
			t.Fatal("it does not say when to come again")
		}
	}
	if answers[401] > 2*25 || answers[401]+answers[429] != 10_000 {
		t.Errorf("answers: %v", answers)
	}
	t.Logf("answers: %v", answers)
	if rec := h.as(cookie, meRoute); rec.Code != 200 {
		t.Errorf("the holder's session: %d", rec.Code)
	}
}
