package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"onepicture/layers/account"
)

// binary builds the program once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "onepicture-bin")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "onepicture")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// TestMain removes the binary.
func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// folder is a data folder that an unprivileged user can reach.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "onepicture-data")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "data")
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// running is a started server.
type running struct {
	t     *testing.T
	cmd   *exec.Cmd
	url   string
	http  *http.Client // signed in as the city's duty officer
	out   *bytes.Buffer
	ended chan error
}

func start(t *testing.T, data string, args ...string) *running {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	address := freePort(t)
	r := &running{t: t, url: "http://" + address, out: &bytes.Buffer{}, ended: make(chan error, 1)}
	r.cmd = exec.Command(path, append([]string{"serve", "--data", data, "--listen", address}, args...)...)
	r.cmd.Stdout, r.cmd.Stderr = r.out, r.out
	r.cmd.Env = append(os.Environ(), "DATABASE_URL=", "REDIS_URL=")
	r.cmd.WaitDelay = time.Second // the database, which outlives a killed server, holds the pipe
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { r.ended <- r.cmd.Wait() }()
	t.Cleanup(func() { r.stop() })
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	r.http = &http.Client{Jar: jar}
	r.until("ready", func() bool { return r.status("/health/ready") == http.StatusOK })
	if slices.Contains(args, "--demo") {
		r.until("signed in", func() bool { return r.signIn("cityduty") == http.StatusNoContent })
	}
	return r
}

// signIn signs in to a sample account and gives the status.
func (r *running) signIn(name string) int {
	body := fmt.Sprintf(`{"name":%q,"password":%q}`, name, account.DemoPassword)
	resp, err := r.http.Post(r.url+"/api/sign-in", "application/json", strings.NewReader(body))
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// until waits for a condition by asking again and again, or fails with what the server said.
func (r *running) until(what string, ok func() bool) {
	r.t.Helper()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case err := <-r.ended:
			r.ended <- err
			r.t.Fatalf("the server ended (%v) before it was %s:\n%s", err, what, r.out)
		case <-deadline:
			r.t.Fatalf("the server is not %s:\n%s", what, r.out)
		case <-tick.C:
		}
	}
}

func (r *running) status(path string) int {
	resp, err := r.http.Get(r.url + path)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// stop ends the server as an operator would and tells how it ended.
func (r *running) stop() error {
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-r.ended:
		r.ended <- err
		return err
	case <-time.After(time.Minute):
		_ = r.cmd.Process.Kill()
		return fmt.Errorf("it did not stop in a minute")
	}
}

func (r *running) kill() {
	_ = r.cmd.Process.Kill()
	err := <-r.ended
	r.ended <- err
}

func (r *running) json(path string, into any) {
	r.t.Helper()
	resp, err := r.http.Get(r.url + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		r.t.Fatalf("%s: %s", path, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		r.t.Fatal(err)
	}
}

// totals are the counts of the whole city.
type totals struct{ Person, Site, Event int }

func (r *running) totals() totals {
	r.t.Helper()
	var f struct{ Totals totals }
	r.json("/api/places/998800000000/figures", &f)
	return f.Totals
}

// report posts an event and gives its id, 0 when it was not taken.
func (r *running) report(title string) int64 {
	body := fmt.Sprintf(`{"title":%q,"category":"fire","lon":113.5,"lat":22.75,"datum":"WGS84"}`, title)
	req, err := http.NewRequest(http.MethodPost, r.url+"/api/events", strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", title)
	resp, err := r.http.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	var answer struct {
		Event struct{ ID int64 }
	}
	if resp.StatusCode/100 != 2 || json.NewDecoder(resp.Body).Decode(&answer) != nil {
		return 0
	}
	return answer.Event.ID
}

// listen reads the stream after a position until it has seen n events, and gives their ids and the last position.
func (r *running) listen(ctx context.Context, after string, n int) (ids []int64, last string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/api/stream", nil)
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Last-Event-ID", after)
	resp, err := r.http.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	kind := ""
	lines := bufio.NewScanner(resp.Body)
	for len(ids) < n && lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			last = value
		case "event":
			kind = value
		case "data":
			var c struct {
				Kind string
				ID   int64
			}
			if kind == "change" && json.Unmarshal([]byte(value), &c) == nil && c.Kind == "event" && c.ID > 0 {
				ids = append(ids, c.ID)
			}
		}
	}
	return ids, last, lines.Err()
}

func (r *running) position() string {
	r.t.Helper()
	var d struct{ Position string }
	r.json("/api/deployment", &d)
	return d.Position
}

func pidIn(t *testing.T, file string) int {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.Fields(string(b))[0])
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// smallCity has so many people that numbers of them are released in some grids.
var smallCity = []string{"--demo", "--people", "30000", "--trickle", "0"}

// One city lives through everything that can happen to a machine's processes; nothing that was acknowledged is lost.
func TestCityOutlivesKills(t *testing.T) {
	data := folder(t)
	s := start(t, data, smallCity...)
	first := s.totals()
	// People are told as released numbers here; that not one is lost is what check finds in the end.
	if first.Person == 0 || first.Site == 0 || first.Event == 0 {
		t.Fatalf("the city has %+v", first)
	}
	acknowledged := 0
	report := func(title string) {
		t.Helper()
		s.until("taking reports", func() bool { return s.report(title) > 0 })
		acknowledged++
	}
	holds := func(after string) {
		t.Helper()
		want := first
		want.Event += acknowledged
		s.until("complete after "+after, func() bool { return s.status("/health/ready") == 200 && s.totals() == want })
	}
	report("one")
	holds("a report")
	if again := s.report("one"); again == 0 {
		t.Error("a replay was refused")
	}
	holds("a replay")

	if path, err := binary(); err != nil {
		t.Fatal(err)
	} else if out, err := exec.Command(path, "serve", "--data", data, "--listen", freePort(t)).CombinedOutput(); err == nil ||
		!strings.Contains(string(out), "in use by another onepicture") || strings.Count(string(out), "\n") != 1 {
		t.Errorf("a second server on the folder: %v, %q", err, out)
	}

	// A page's stream, cut by the server's death, goes on with the next server where it was.
	before := s.position()
	s.kill()
	s = start(t, data, smallCity...)
	holds("kill -9 of the server")
	report("two")
	report("three")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if ids, _, err := s.listen(ctx, before, 2); err != nil || len(ids) != 2 {
		t.Errorf("the resumed stream gave %v, %v", ids, err)
	}

	for _, service := range []struct{ name, file string }{
		{"PostgreSQL", filepath.Join(data, "postgres", "postmaster.pid")},
		{"Redis", filepath.Join(data, "redis", "redis.pid")},
	} {
		if err := syscall.Kill(pidIn(t, service.file), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if code := s.status("/tiles/people/9/417/222.mvt"); code != http.StatusOK {
			t.Errorf("without %s a tile of the index gives %d", service.name, code)
		}
		report("after " + service.name)
		holds("kill -9 of " + service.name)
	}

	if err := s.stop(); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, s.out)
	}
	if _, err := os.Stat(filepath.Join(data, "postgres", "postmaster.pid")); !os.IsNotExist(err) {
		t.Error("PostgreSQL was left running")
	}
	began := time.Now()
	s = start(t, data, smallCity...)
	t.Logf("second start: %s", time.Since(began).Round(time.Millisecond))
	holds("a clean stop")

	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s.accountsOnTheCommandLine(path, data)
	if out, err := exec.Command(path, "check", "--data", data).CombinedOutput(); err != nil || !strings.Contains(string(out), "the index equals SQL") {
		t.Errorf("check: %v\n%s", err, out)
	}
}

// accountsOnTheCommandLine makes, grants, disables and keys beside the running server, which hears of it.
func (r *running) accountsOnTheCommandLine(path, data string) {
	r.t.Helper()
	run := func(want string, args ...string) string {
		r.t.Helper()
		out, err := exec.Command(path, append(append([]string{"account"}, args...), "--data", data)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			r.t.Errorf("account %v: %v, %s; want it to say %q", args, err, out, want)
		}
		return strings.TrimSpace(string(out))
	}
	link := run("/sign-in#link=", "create", "zhao", "--display", "赵")
	run("grant ", "grant", "zhao", "analyst", "--until", "2099-12-31")
	run("analyst", "list", "zhao")
	_, token, _ := strings.Cut(link, "#link=")
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	zhao := &http.Client{Jar: jar}
	resp, err := zhao.Post(r.url+"/api/sign-in/link", "application/json", strings.NewReader(fmt.Sprintf(`{"token":%q,"password":"ein stiller Garten"}`, token)))
	if err != nil || resp.StatusCode != http.StatusNoContent {
		r.t.Fatalf("the link: %v, %v", resp, err)
	}
	_ = resp.Body.Close()
	me := func() int {
		resp, err := zhao.Get(r.url + "/api/me")
		if err != nil {
			return 0
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if code := me(); code != http.StatusOK {
		r.t.Errorf("zhao: %d", code)
	}
	run("", "disable", "zhao")
	r.until("without zhao", func() bool { return me() == http.StatusUnauthorized })
	run("/sign-in#link=", "link", "zhao")

	keyed := func(text string) int {
		req, err := http.NewRequest(http.MethodGet, r.url+"/api/events", nil)
		if err != nil {
			r.t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+text)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	run("", "expect", "zhao", "huang", "--issuer", "https://id.example")
	run(`expects "huang", subject "", at https://id.example`, "list", "zhao")
	run("", "forget", "zhao", "--issuer", "https://id.example")
	text := run("op1_", "key", "create", "热线", "city_duty", "--days", "7")
	if code := keyed(text); code != http.StatusOK {
		r.t.Errorf("a key: %d", code)
	}
	run("热线", "key", "list")
	run("", "key", "revoke", "1")
	r.until("without the key", func() bool { return keyed(text) == http.StatusUnauthorized })
}

func TestRefusedBeforeAnythingIsMade(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte("postgres://user:hunter2@[broken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		env  []string
		want string
	}{
		{"another machine's address", []string{"serve", "--listen", "0.0.0.0:8080"}, nil, "must be loopback"},
		{"a certificate without its key", []string{"serve", "--tls-cert", file}, nil, "belong together"},
		{"a certificate that is none", []string{"serve", "--tls-cert", file, "--tls-key", file}, nil, "--tls-cert, --tls-key"},
		{"TLS twice", []string{"serve", "--tls-cert", file, "--tls-key", file, "--behind-proxy", "10.0.0.0/8"}, nil, "exclude each other"},
		{"a provider in plain text", []string{"serve", "--address", "https://map.example", "--oidc-issuer", "http://id.example", "--oidc-client", "x"}, nil, "must begin with https"},
		{"a provider without the way back", []string{"serve", "--oidc-issuer", "https://id.example", "--oidc-client", "x"}, nil, "needs --address"},
		{"a client without a provider", []string{"serve", "--oidc-client", "x"}, nil, "belongs to --oidc-issuer"},
		{"a provider's secret twice", []string{"serve"}, []string{"ONEPICTURE_OIDC_SECRET=hunter2", "ONEPICTURE_OIDC_SECRET_FILE=" + file}, "leave one of them out"},
		{"a proxy that is no network", []string{"serve", "--behind-proxy", "everybody"}, nil, "behind-proxy"},
		{"no port", []string{"serve", "--listen", "127.0.0.1"}, nil, "not host:port"},
		{"an unknown flag", []string{"serve", "--colour", "red"}, nil, "unknown flag"},
		{"a tiny city", []string{"demo", "--people", "3"}, nil, "not between"},
		{"a number that is none", []string{"demo", "--people", "many"}, nil, "people"},
		{"a URL twice", []string{"migrate"}, []string{"DATABASE_URL=x", "DATABASE_URL_FILE=" + file}, "leave one of them out"},
		{"a file that is not there", []string{"migrate"}, []string{"DATABASE_URL_FILE=/nonexistent"}, "DATABASE_URL_FILE"},
		{"a broken URL from a file", []string{"migrate"}, []string{"DATABASE_URL_FILE=" + file}, "cannot be read"},
	} {
		cmd := exec.Command(path, c.args...)
		cmd.Dir = t.TempDir()
		cmd.Env = append(os.Environ(), c.env...)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%s: %v, %s; want it to say %q", c.name, err, out, c.want)
		}
		if strings.Contains(string(out), "hunter2") {
			t.Errorf("%s: the password was printed: %s", c.name, out)
		}
		if strings.Contains(string(out), "panic") {
			t.Errorf("%s: %s", c.name, out)
		}
	}
}

func TestHelpListsEverySetting(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, "serve", "--help").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--data", "ONEPICTURE_DATA", "DATABASE_URL", "REDIS_URL", "--listen", "--demo", "--people", "--seed", "--cache-bytes"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("--help does not tell of %s", want)
		}
	}
}
