package api

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/account"
	"onepicture/layers/ledger"
)

// house is a town with accounts: whoever asks must have signed in.
type house struct {
	*town
	accounts *account.Accounts
}

const password = "eine lange Nacht am Fluss"

func newHouse(t *testing.T, change func(*Options)) *house {
	t.Helper()
	h := &house{}
	h.town = newTown(t, func(o *Options) {
		pool, ok := o.Postgres.(*pgxpool.Pool)
		if !ok {
			t.Fatal("the town's pool is none")
		}
		st := o.Store
		h.accounts = account.New(pool, ledger.New(pool), account.Options{
			Cost: account.Cost{MemoryKiB: 64, Passes: 1, Threads: 1},
			Tree: func() *layers.Tree {
				if w := st.World(); w != nil {
					return w.Tree
				}
				return nil
			},
		})
		o.Accounts, o.Scope = h.accounts, nil
		if change != nil {
			change(o)
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { h.accounts.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return h
}

// account makes one with a role on a place (its code; "" for everywhere) and gives its id and the token of its link.
func (h *house) account(t *testing.T, name string, role account.Role, place string) (int64, account.Token) {
	t.Helper()
	id, err := h.accounts.Create(t.Context(), "console", account.Named{Name: name, Display: name})
	if err != nil {
		t.Fatal(err)
	}
	g := account.Grant{Role: role}
	if place != "" {
		g.Place = h.Store.World().Tree.ByCode(place).ID
	}
	if rule := account.RuleOf(role); rule != nil && rule.Departmental() {
		g.Department = 1
	}
	if role != "" {
		if _, err := h.accounts.Grant(t.Context(), "console", id, g, "test"); err != nil {
			t.Fatal(err)
		}
	}
	link, err := h.accounts.Link(t.Context(), "console", id)
	if err != nil {
		t.Fatal(err)
	}
	return id, link
}

// posted is a request with a JSON body.
func posted(target, body, cookie string) *http.Request {
	r := call(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	return r
}

// enter makes an account, sets its password by its link and gives its cookie.
func (h *house) enter(t *testing.T, name string, role account.Role, place string) (cookie string) {
	t.Helper()
	_, link := h.account(t, name, role, place)
	rec := h.do(posted(linkRoute, fmt.Sprintf(`{"token":%q,"password":%q}`, link, password), ""))
	if rec.Code != http.StatusNoContent {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return cookieOf(t, rec)
}

func cookieOf(t *testing.T, rec *httptest.ResponseRecorder) string {
	t.Helper()
	list := rec.Result().Cookies()
	if len(list) != 1 {
		t.Fatalf("%d cookies came", len(list))
	}
	return list[0].Name + "=" + list[0].Value
}

func (h *house) as(cookie, target string) *httptest.ResponseRecorder {
	r := call(http.MethodGet, target, nil)
	r.Header.Set("Cookie", cookie)
	return h.do(r)
}

func TestOnlyThePublicIsAnsweredWithoutASession(t *testing.T) {
	h := newHouse(t, nil)
	cookie := h.enter(t, "duty", account.CityDuty, "")
	for _, route := range h.engine.Routes() {
		path := strings.NewReplacer(":layers", "sites", ":z", "0", ":x", "0", ":y", "0.mvt", ":code", cityCode, ":id", "1", ":run", "1").Replace(route.Path)
		for what, header := range map[string]string{
			"no cookie": "", "an empty one": "onepicture=", "an invented one": "onepicture=" + strings.Repeat("A", 43), "another name": "__Host-" + cookie,
			"two": cookie + "; onepicture=" + strings.Repeat("A", 43), "in another's value": "x=" + cookie,
		} {
			r := call(route.Method, path, strings.NewReader("{}"))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Cookie", header)
			rec := h.do(r)
			open := public[route.Path] || route.Path == metricsRoute
			if (rec.Code != http.StatusUnauthorized) != open {
				t.Errorf("%s %s with %s: %d", route.Method, path, what, rec.Code)
			}
			if !open && strings.Contains(rec.Body.String(), "99010") {
				t.Errorf("%s %s with %s tells of the city: %s", route.Method, path, what, rec.Body)
			}
		}
	}
	for target, want := range map[string]int{"/": 200, "/assets/app-1a2b3c4d.js": 200, "/api/nothing": 404, "/health": 200} {
		r := call(http.MethodGet, target, nil)
		r.Header.Set("Accept", "text/html")
		if rec := h.do(r); rec.Code != want {
			t.Errorf("%s: %d", target, rec.Code)
		}
	}
	// A token in the address opens nothing.
	value := strings.TrimPrefix(cookie, "onepicture=")
	for _, target := range []string{"/api/me?token=" + value, "/api/me?onepicture=" + value, "/api/me?access_token=" + value, "/api/me;" + cookie} {
		if rec := h.get(target); rec.Code == 200 {
			t.Errorf("%s opens", target)
		}
	}
}

func TestSignInAndOut(t *testing.T) {
	h := newHouse(t, nil)
	h.enter(t, "clerk", account.Clerk, villageA)
	rec := h.do(posted(signInRoute, `{"name":"clerk","password":"wrong"}`, ""))
	if p := refusal(t, rec); p.Status != 401 || len(rec.Result().Cookies()) != 0 {
		t.Errorf("a wrong password: %d, %v", p.Status, rec.Result().Cookies())
	}
	rec = h.do(posted(signInRoute, fmt.Sprintf(`{"name":"Clerk","password":%q}`, password), ""))
	if rec.Code != http.StatusNoContent {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
		if set := rec.Header().Get("Set-Cookie"); !strings.Contains(set, want) || strings.Contains(set, "Domain") || strings.Contains(set, "Secure") {
			t.Errorf("the cookie is %q", set)
		}
	}
	cookie := cookieOf(t, rec)
	me := answer[Myself](t, h.as(cookie, meRoute))
	if me.SignInName != "clerk" || len(me.Roles) != 1 || me.Roles[0].Role.Code != "clerk" || me.Threshold != 5 || me.Sees.Person != "records" ||
		!slices.Equal(me.Rights, []string{"report", "handle", "unmask", "export"}) || me.Roles[0].Place.value.Code != villageA {
		t.Errorf("me: %+v", me)
	}
	var said strings.Builder
	for _, w := range me.Words {
		said.WriteString(w.Zh + w.En)
	}
	for _, want := range []string{"社区专员", "江湾社区", "望江镇", "单条记录", "single records in Jiangwan", "counts in Wangjiang", "handle events"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("the words lack %q: %s", want, said.String())
		}
	}
	if rec := h.as(cookie, "/api/events"); rec.Code != 200 {
		t.Errorf("events: %d", rec.Code)
	}
	out := h.do(posted(signOutRoute, "{}", cookie))
	if set := out.Header().Get("Set-Cookie"); out.Code != http.StatusNoContent || !strings.Contains(set, "Max-Age=0") {
		t.Errorf("signing out: %d, %q", out.Code, set)
	}
	if rec := h.as(cookie, meRoute); rec.Code != 401 {
		t.Errorf("afterwards: %d", rec.Code)
	}
}

func TestOneTimeLink(t *testing.T) {
	h := newHouse(t, nil)
	id, link := h.account(t, "clerk", account.Clerk, villageA)
	use := func(token account.Token, secret string) *httptest.ResponseRecorder {
		return h.do(posted(linkRoute, fmt.Sprintf(`{"token":%q,"password":%q}`, token, secret), ""))
	}
	if o := answer[LinkOwner](t, h.do(posted(linkLookRoute, fmt.Sprintf(`{"token":%q}`, link), ""))); o.Name != "clerk" {
		t.Errorf("owner: %+v", o)
	}
	for _, weak := range []string{"short", "password1234", "12345678901", "aaaaaaaaaaaa", "qwertyuiop", "my clerk password", "onepicture2026"} {
		if p := refusal(t, use(link, weak)); p.Status != 422 || strings.Contains(p.Detail, weak) {
			t.Errorf("%s: %d %s", weak, p.Status, p.Detail)
		}
	}
	replaced := link
	link, err := h.accounts.Link(t.Context(), "console", id)
	if err != nil {
		t.Fatal(err)
	}
	first := use(link, password)
	if first.Code != http.StatusNoContent {
		t.Fatalf("%d %s", first.Code, first.Body)
	}
	for what, token := range map[string]account.Token{"used": link, "replaced": replaced, "invented": account.Token(strings.Repeat("A", 43)), "none": ""} {
		if rec := use(token, password); rec.Code != 404 {
			t.Errorf("%s: %d", what, rec.Code)
		}
	}
	// A new link's password ends the sessions of the old one.
	if link, err = h.accounts.Link(t.Context(), "console", id); err != nil {
		t.Fatal(err)
	}
	if rec := use(link, password+"!"); rec.Code != http.StatusNoContent {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if rec := h.as(cookieOf(t, first), meRoute); rec.Code != 401 {
		t.Errorf("the session of the old password lives: %d", rec.Code)
	}
}

// A stream ends with its session, at once, and tells to load everything again when its scope has changed.
func TestStreamEndsWithItsSession(t *testing.T) {
	h := newHouse(t, nil)
	id, link := h.account(t, "clerk", account.Clerk, villageA)
	rec := h.do(posted(linkRoute, fmt.Sprintf(`{"token":%q,"password":%q}`, link, password), ""))
	cookie := cookieOf(t, rec)
	server := httptest.NewServer(h.Handler())
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+streamRoute, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookie)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func(want string) {
		t.Helper()
		for lines.Scan() {
			if lines.Text() == want {
				return
			}
		}
		t.Fatalf("the stream ended before it said %q: %v", want, lines.Err())
	}
	next("event: position")
	if _, err := h.accounts.Grant(t.Context(), "console", id, account.Grant{Role: account.TownDuty, Place: h.Store.World().Tree.ByCode(townB).ID}, "helps out"); err != nil {
		t.Fatal(err)
	}
	next("event: reset")
	if rec := h.do(posted(signOutRoute, "{}", cookie)); rec.Code != http.StatusNoContent {
		t.Fatal(rec.Body)
	}
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "event: change") {
			t.Error("it goes on telling")
		}
	}
}

func TestDoor(t *testing.T) {
	proxy := Door{Secure: true, Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, c := range []struct {
		what   string
		door   Door
		remote string
		header map[string]string
		want   int
	}{
		{"TLS, from anywhere", Door{Secure: true}, "203.0.113.5:9", nil, 200},
		{"through the proxy", proxy, "10.1.1.1:9", map[string]string{"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.5"}, 200},
		{"past the proxy", proxy, "203.0.113.5:9", map[string]string{"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.1.1.1"}, 403},
		{"from this machine past the proxy", proxy, "127.0.0.1:9", map[string]string{"X-Forwarded-Proto": "https"}, 403},
		{"the proxy was asked in plain text", proxy, "10.1.1.1:9", map[string]string{"X-Forwarded-Proto": "http"}, 403},
		{"the proxy does not say", proxy, "10.1.1.1:9", nil, 403},
	} {
		w := newTown(t, func(o *Options) { o.Door = c.door })
		r := call(http.MethodGet, "/api/layers", nil)
		r.RemoteAddr, r.Host = c.remote, "map.example"
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		rec := w.do(r)
		if rec.Code != c.want {
			t.Errorf("%s: %d %s", c.what, rec.Code, rec.Body)
		}
		if c.want == 200 && rec.Header().Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: nothing keeps browsers on TLS", c.what)
		}
	}
	for _, c := range []struct {
		what, remote, forwarded, want string
		door                          Door
	}{
		{"direct", "203.0.113.5:9", "", "203.0.113.0/24", Door{}},
		{"direct, claims to be another", "203.0.113.5:9", "198.51.100.7", "203.0.113.0/24", Door{Secure: true}},
		{"by the proxy", "10.1.1.1:9", "198.51.100.7", "198.51.100.0/24", proxy},
		{"by the proxy, claims to be another", "10.1.1.1:9", "192.0.2.1, 198.51.100.7", "198.51.100.0/24", proxy},
		{"by two proxies", "10.1.1.1:9", "198.51.100.7, 10.2.2.2", "198.51.100.0/24", proxy},
		{"by the proxy, with nonsense", "10.1.1.1:9", "<script>", "10.1.1.0/24", proxy},
		{"IPv6", "[2001:db8:1:2:3::4]:9", "", "2001:db8:1::/56", Door{}},
	} {
		r := call(http.MethodGet, "/", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := network(c.door.client(r)); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
	if c := (Door{Secure: true}).setToken("x"); c.Name != "__Host-onepicture" || !c.Secure || c.Domain != "" || c.Path != "/" {
		t.Errorf("over TLS the cookie is %+v", c)
	}
}
