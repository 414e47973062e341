package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"onepicture/layers"
	"onepicture/layers/account"
)

// lobby is a house with a sign-in provider.
type lobby struct {
	*house
	idp   *idp
	clock time.Duration // by how much the server's clock is ahead
}

func newLobby(t *testing.T) *lobby {
	t.Helper()
	l := &lobby{idp: newIDP(t)}
	l.house = newHouse(t, func(o *Options) {
		p, err := account.NewProvider(account.ProviderOptions{
			Issuer: l.idp.URL, ClientID: idpClient, Secret: idpSecret, Claim: "preferred_username", Title: "统一身份认证",
			Return: "http://127.0.0.1:8080/sign-in/return", Now: func() time.Time { return time.Now().Add(l.clock) },
		})
		if err != nil {
			t.Fatal(err)
		}
		o.Provider = p
	})
	return l
}

// expected makes a clerk whom the provider knows as huang.
func (l *lobby) expected(t *testing.T) int64 {
	t.Helper()
	id, _ := l.account(t, "clerk", account.Clerk, villageA)
	if err := l.accounts.Expect(t.Context(), "console", id, account.Identity{Issuer: l.idp.URL, Name: "huang"}); err != nil {
		t.Fatal(err)
	}
	return id
}

// browser keeps the way's cookie as one does, and the provider's page in its history.
type browser struct{ cookie, page string }

// begin sets out and comes back from the provider's page; what came back is not sent on yet.
func (l *lobby) begin(t *testing.T, b *browser, to string) ProviderReturn {
	t.Helper()
	rec := l.do(posted(providerRoute, `{"to":`+quote(to)+`}`, ""))
	page := answer[ProviderPage](t, rec)
	b.cookie = cookieOf(t, rec)
	set := rec.Result().Cookies()[0]
	if !set.HttpOnly || set.SameSite != http.SameSiteStrictMode || set.MaxAge != 600 || set.Path != "/" || set.Domain != "" {
		t.Errorf("the way's cookie: %+v", set)
	}
	b.page = page.Address
	return b.back(t)
}

// back opens the provider's page and gives what it sends back.
func (b *browser) back(t *testing.T) ProviderReturn {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(b.page)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		t.Fatalf("%d from %s: %v", resp.StatusCode, b.page, err)
	}
	if back.Path != "/sign-in/return" || back.Host != "127.0.0.1:8080" {
		t.Fatalf("back to %s", back)
	}
	q := back.Query()
	return ProviderReturn{Code: q.Get("code"), State: q.Get("state"), Issuer: q.Get("iss")}
}

func (l *lobby) end(b browser, r ProviderReturn) *httptest.ResponseRecorder {
	body, _ := json.Marshal(r)
	return l.do(posted(returnRoute, string(body), b.cookie))
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func TestProviderLetsInWhoIsExpected(t *testing.T) {
	l := newLobby(t)
	if w := answer[SignInWays](t, l.get(signInRoute)); w.Provider.value.Title != "统一身份认证" {
		t.Errorf("ways: %+v", w)
	}
	id := l.expected(t)
	var b browser
	r := l.begin(t, &b, "/field?task=3")
	before := l.enter(t, "duty", account.CityDuty, "")
	with := browser{cookie: b.cookie + "; " + before}
	rec := l.end(with, r)
	to := answer[Destination](t, rec)
	if to.To != "/field?task=3" {
		t.Errorf("it leads to %q", to.To)
	}
	set := rec.Result().Cookies()
	if len(set) != 2 || set[0].Name != plainCookie || set[0].SameSite != http.SameSiteStrictMode || !set[0].HttpOnly || set[0].MaxAge != 0 ||
		set[1].Name != plainCookie+"-way" || set[1].MaxAge >= 0 {
		t.Fatalf("cookies: %v", set)
	}
	me := answer[Myself](t, l.as(set[0].Name+"="+set[0].Value, meRoute))
	if me.SignInName != "clerk" || len(me.Roles) != 1 || me.Roles[0].Role.Code != "clerk" {
		t.Errorf("me: %+v", me)
	}
	if rec := l.as(before, meRoute); rec.Code != 401 {
		t.Errorf("the session behind the overwritten cookie lives: %d", rec.Code)
	}
	list, err := l.accounts.Sessions(t.Context(), id, account.Pass{})
	if err != nil || len(list) != 1 || list[0].Method != "oidc" {
		t.Errorf("sessions: %+v, %v", list, err)
	}
	// The subject is bound: it may be called otherwise from now on, and who is called huang later is somebody else.
	l.idp.forge = func(f *statement) { f.claims["preferred_username"] = "huang.san" }
	r = l.begin(t, &b, "/")
	if rec := l.end(b, r); rec.Code != 200 {
		t.Errorf("by the subject: %d %s", rec.Code, rec.Body)
	}
	l.idp.forge = func(f *statement) { f.claims["sub"] = "s-2" }
	r = l.begin(t, &b, "/")
	if p := refusal(t, l.end(b, r)); p.Status != 404 {
		t.Errorf("another subject by the name: %d", p.Status)
	}
	// An elliptic key signs as well.
	l.idp.forge = func(f *statement) {
		f.header["alg"], f.header["kid"], f.sign = "ES256", "e", l.idp.signEC
	}
	r = l.begin(t, &b, "/")
	if rec := l.end(b, r); rec.Code != 200 {
		t.Errorf("ES256: %d %s", rec.Code, rec.Body)
	}
	// Who is no longer expected is out at once.
	if err := l.accounts.Forget(t.Context(), "console", id, l.idp.URL); err != nil {
		t.Fatal(err)
	}
	if rec := l.as(set[0].Name+"="+set[0].Value, meRoute); rec.Code != 401 {
		t.Errorf("a session of the forgotten: %d", rec.Code)
	}
	r = l.begin(t, &b, "/")
	if p := refusal(t, l.end(b, r)); p.Status != 404 {
		t.Errorf("the forgotten: %d", p.Status)
	}
}

// Each of them is a token that the provider's token endpoint really gives, in a way that is otherwise right.
func TestForgedTokens(t *testing.T) {
	l := newLobby(t)
	id := l.expected(t)
	p := l.idp
	for what, forge := range map[string]func(*statement){
		"signed by another key":           func(f *statement) { f.sign = p.signRSA(p.other) },
		"signed by another key, named so": func(f *statement) { f.sign, f.header["kid"] = p.signRSA(p.other), "unheard" },
		"a key of its own in the header": func(f *statement) {
			f.sign = p.signRSA(p.other)
			f.header["jwk"] = map[string]string{"kty": "RSA", "n": raw64(p.other.N.Bytes()), "e": "AQAB"}
		},
		"no signature":                     func(f *statement) { f.sign = func([]byte) []byte { return nil } },
		"alg none":                         func(f *statement) { f.header["alg"], f.sign = "none", func([]byte) []byte { return nil } },
		"alg None":                         func(f *statement) { f.header["alg"], f.sign = "None", func([]byte) []byte { return nil } },
		"HS256 with the public key":        func(f *statement) { f.header["alg"], f.sign = "HS256", p.signPublic },
		"an elliptic signature as RSA's":   func(f *statement) { f.sign = p.signEC },
		"another issuer":                   func(f *statement) { f.claims["iss"] = "https://evil.example" },
		"the issuer with a slash":          func(f *statement) { f.claims["iss"] = p.URL + "/" },
		"no issuer":                        func(f *statement) { delete(f.claims, "iss") },
		"another audience":                 func(f *statement) { f.claims["aud"] = "another client" },
		"no audience":                      func(f *statement) { delete(f.claims, "aud") },
		"several audiences, no party":      func(f *statement) { f.claims["aud"] = []string{idpClient, "another client"} },
		"several audiences, another party": func(f *statement) { f.claims["aud"], f.claims["azp"] = []string{idpClient, "x"}, "x" },
		"another party":                    func(f *statement) { f.claims["azp"] = "another client" },
		"expired":                          func(f *statement) { f.claims["exp"] = time.Now().Add(-time.Second).Unix() },
		"no end":                           func(f *statement) { delete(f.claims, "exp") },
		"not valid yet":                    func(f *statement) { f.claims["nbf"] = time.Now().Add(time.Hour).Unix() },
		"another nonce":                    func(f *statement) { f.claims["nonce"] = "another" },
		"no nonce":                         func(f *statement) { delete(f.claims, "nonce") },
		"no subject":                       func(f *statement) { delete(f.claims, "sub") },
		"an endless subject":               func(f *statement) { f.claims["sub"] = strings.Repeat("s", 256) },
		"changed after signing": func(f *statement) {
			sign := f.sign
			f.sign = func(text []byte) []byte { return sign(append([]byte("x"), text...)) }
		},
	} {
		p.forge = forge
		var b browser
		r := l.begin(t, &b, "/")
		rec := l.end(b, r)
		if got := refusal(t, rec); got.Status != 403 || len(rec.Result().Cookies()) != 0 || strings.Contains(got.Detail, "oidc") {
			t.Errorf("%s: %d %s, %v", what, got.Status, got.Detail, rec.Result().Cookies())
		}
	}
	for what, c := range map[string]struct {
		forge func(*statement)
		want  int
	}{
		"somebody whom nobody expects":            {func(f *statement) { f.claims["sub"], f.claims["preferred_username"] = "s-9", "stranger" }, 404},
		"an account's name that is no name there": {func(f *statement) { f.claims["sub"], f.claims["preferred_username"] = "s-9", "clerk" }, 404},
		"no name":                      {func(f *statement) { f.claims["sub"] = "s-9"; delete(f.claims, "preferred_username") }, 404},
		"a name that is a list":        {func(f *statement) { f.claims["sub"], f.claims["preferred_username"] = "s-9", []string{"huang"} }, 404},
		"rights that the token claims": {func(f *statement) { f.claims["roles"], f.claims["role"] = []string{"administrator"}, "administrator" }, 200},
	} {
		p.forge = c.forge
		var b browser
		r := l.begin(t, &b, "/")
		rec := l.end(b, r)
		if rec.Code != c.want {
			t.Errorf("%s: %d %s", what, rec.Code, rec.Body)
		}
		if rec.Code == 200 {
			me := answer[Myself](t, l.as(cookieNamed(rec, plainCookie), meRoute))
			if len(me.Roles) != 1 || me.Roles[0].Role.Code != "clerk" {
				t.Errorf("%s: %+v", what, me.Roles)
			}
		}
	}
	p.forge = nil
	if err := l.accounts.Disable(t.Context(), "console", id); err != nil {
		t.Fatal(err)
	}
	var b browser
	r := l.begin(t, &b, "/")
	if got := refusal(t, l.end(b, r)); got.Status != 404 {
		t.Errorf("a disabled account: %d", got.Status)
	}
}

func cookieNamed(rec *httptest.ResponseRecorder, name string) string {
	for _, c := range rec.Result().Cookies() {
		if c.Name == name {
			return name + "=" + c.Value
		}
	}
	return ""
}

func TestForgedReturns(t *testing.T) {
	l := newLobby(t)
	l.expected(t)
	for what, change := range map[string]func(b *browser, r *ProviderReturn){
		"no state":          func(_ *browser, r *ProviderReturn) { r.State = "" },
		"an invented state": func(_ *browser, r *ProviderReturn) { r.State = strings.Repeat("A", 43) },
		"no cookie":         func(b *browser, _ *ProviderReturn) { b.cookie = "" },
		"the cookie of another": func(b *browser, _ *ProviderReturn) {
			var other browser
			l.begin(t, &other, "/")
			b.cookie = other.cookie
		},
		"the state of another":      func(_ *browser, r *ProviderReturn) { var other browser; r.State = l.begin(t, &other, "/").State },
		"two cookies":               func(b *browser, _ *ProviderReturn) { b.cookie += "; " + b.cookie },
		"a cookie that is none":     func(b *browser, _ *ProviderReturn) { b.cookie = plainCookie + "-way=x.y" },
		"the code of another":       func(_ *browser, r *ProviderReturn) { var other browser; r.Code = l.begin(t, &other, "/").Code },
		"an invented code":          func(_ *browser, r *ProviderReturn) { r.Code = "invented" },
		"no code":                   func(_ *browser, r *ProviderReturn) { r.Code = "" },
		"an error beside a code":    func(_ *browser, r *ProviderReturn) { r.Error = "access_denied" },
		"another provider's answer": func(_ *browser, r *ProviderReturn) { r.Issuer = "https://evil.example" },
	} {
		var b browser
		r := l.begin(t, &b, "/")
		change(&b, &r)
		rec := l.end(b, r)
		if got := refusal(t, rec); got.Status != 403 || len(rec.Result().Cookies()) != 0 {
			t.Errorf("%s: %d %s", what, got.Status, got.Detail)
		}
	}
	var b browser
	r := l.begin(t, &b, "/")
	l.clock = account.WayTime + 2*time.Second
	if got := refusal(t, l.end(b, r)); got.Status != 403 {
		t.Errorf("after ten minutes: %d", got.Status)
	}
	l.clock = 0
	if rec := l.end(b, r); rec.Code != 200 {
		t.Fatalf("in time: %d %s", rec.Code, rec.Body)
	}
	if got := refusal(t, l.end(b, r)); got.Status != 403 {
		t.Errorf("the same code and state again: %d", got.Status)
	}
	// The state again with a fresh code, which the browser's own way has asked for.
	if got := refusal(t, l.end(b, b.back(t))); got.Status != 403 {
		t.Errorf("the same state with a new code: %d", got.Status)
	}
	for what, header := range map[string]string{"from another origin": "https://evil.example", "from null": "null"} {
		request := posted(returnRoute, `{"state":"x"}`, b.cookie)
		request.Header.Set("Origin", header)
		if rec := l.do(request); rec.Code != 403 {
			t.Errorf("%s: %d", what, rec.Code)
		}
	}
}

func TestProviderLeadsNowhereElse(t *testing.T) {
	l := newLobby(t)
	for _, to := range []string{"", "https://evil.example/", "//evil.example/", `/\evil.example/`, `\/evil.example`, "/\t/evil.example/", "javascript:alert(1)", "evil", "/a\nb", "http:/evil.example"} {
		if p := refusal(t, l.do(posted(providerRoute, `{"to":`+quote(to)+`}`, ""))); p.Status != 422 {
			t.Errorf("%q: %d", to, p.Status)
		}
	}
	l.expected(t)
	var b browser
	r := l.begin(t, &b, "/desk")
	way, _, _ := strings.Cut(b.cookie, ".")
	b.cookie = way + "." + raw64([]byte("//evil.example/"))
	if to := answer[Destination](t, l.end(b, r)); to.To != "/" {
		t.Errorf("a rewritten cookie leads to %q", to.To)
	}
}

func TestWithoutAProvider(t *testing.T) {
	h := newHouse(t, nil)
	for route, body := range map[string]string{providerRoute: `{"to":"/"}`, returnRoute: `{"state":"x","code":"y"}`} {
		if p := refusal(t, h.do(posted(route, body, ""))); p.Status != 404 {
			t.Errorf("%s: %d", route, p.Status)
		}
	}
	if w := answer[SignInWays](t, h.get(signInRoute)); w.Provider.value != nil {
		t.Errorf("ways: %+v", w)
	}
	for what, o := range map[string]account.ProviderOptions{
		"plain text": {Issuer: "http://id.example", ClientID: "x", Return: "https://map.example/"}, "no issuer": {ClientID: "x", Return: "https://map.example/"},
		"no client": {Issuer: "https://id.example", Return: "https://map.example/"}, "back in plain text": {Issuer: "https://id.example", ClientID: "x", Return: "http://map.example/"},
		"a password in the address": {Issuer: "https://me:secret@id.example", ClientID: "x", Return: "https://map.example/"},
	} {
		if _, err := account.NewProvider(o); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	// A provider that is away, or says it is another, keeps nobody from a password.
	l := newLobby(t)
	l.idp.Close()
	p := refusal(t, l.do(posted(providerRoute, `{"to":"/"}`, "")))
	if p.Status != 503 || layers.Code(p.Code) != layers.CodeUnavailable {
		t.Errorf("a provider that is away: %d", p.Status)
	}
	l.enter(t, "duty", account.CityDuty, "")
}
