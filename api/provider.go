package api

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
	"onepicture/layers/account"
)

const (
	providerRoute = "/api/sign-in/provider"
	returnRoute   = "/api/sign-in/provider/return"
)

// SignInProvider is another server at which one can prove who one is.
type SignInProvider struct {
	Title string `json:"title" doc:"What people call it"`
}

func (s *Server) providerRoutes(a huma.API) {
	failures := []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	begin := post("provider-begin", providerRoute, "Set out to the sign-in provider")
	begin.Description = "OpenID Connect, authorization code with PKCE. The way's secret comes as a cookie that no script can read; the provider sends people back to the page /sign-in/return."
	begin.DefaultStatus, begin.Errors = http.StatusOK, failures
	handle(a, begin, s, s.providerBegin)
	end := post("provider-return", returnRoute, "Sign in with what the provider sent back")
	end.Description = "Answers 404 when no account here expects whom the provider names: none is made, and no right given."
	end.DefaultStatus, end.Errors = http.StatusOK, failures
	handle(a, end, s, s.providerReturn)
}

// Destination is where somebody goes who has signed in.
type Destination struct {
	To string `json:"to" maxLength:"1000" doc:"A view of this server: path and query"`
}

// ProviderPage is where the browser goes next.
type ProviderPage struct {
	Address string `json:"address"`
}

// ProviderReturn is what the provider's page sent back, as it stands in the address.
type ProviderReturn struct {
	Code   string `json:"code,omitempty" maxLength:"2000"`
	State  string `json:"state" maxLength:"200"`
	Issuer string `json:"iss,omitempty" maxLength:"500"`
	Error  string `json:"error,omitempty" maxLength:"200"`
}

// withCookies is an answer that puts things into the browser.
type withCookies[T any] struct {
	SetCookie []*http.Cookie `header:"Set-Cookie"`
	Body      T
}

// wayCookie keeps the way's secret and its destination in the browser that sets out, for as long as the way may take.
func (d Door) wayCookie(value string, age time.Duration) *http.Cookie {
	c := d.setToken(account.Token(value))
	c.Name += "-way"
	if c.MaxAge = int(age.Seconds()); c.MaxAge == 0 {
		c.MaxAge = -1
	}
	return c
}

// wayfarer is a comer with what the way's cookie says.
type wayfarer struct {
	comer
	way  account.Way
	dest string
}

// Resolve reads it.
func (w *wayfarer) Resolve(ctx huma.Context) []error {
	errs := w.comer.Resolve(ctx)
	way, dest, _ := strings.Cut(w.Way, ".")
	if b, err := base64.RawURLEncoding.DecodeString(dest); err == nil {
		w.way, w.dest = account.Way(way), string(b)
	}
	return errs
}

var errNoProvider = layers.NotFound("sign-in provider")

func (s *Server) providerBegin(ctx context.Context, _ layers.Scope, in *struct{ Body Destination }) (*withCookies[ProviderPage], error) {
	switch {
	case s.Provider == nil:
		return nil, errNoProvider
	case !localView(in.Body.To):
		return nil, layers.Invalid("to", "is no view of this server")
	}
	address, way, err := s.Provider.Begin(ctx)
	if err != nil {
		return nil, err
	}
	value := string(way) + "." + base64.RawURLEncoding.EncodeToString([]byte(in.Body.To))
	return &withCookies[ProviderPage]{[]*http.Cookie{s.Door.wayCookie(value, account.WayTime)}, ProviderPage{address}}, nil
}

func (s *Server) providerReturn(ctx context.Context, _ layers.Scope, in *struct {
	wayfarer
	Body ProviderReturn
}) (*withCookies[Destination], error) {
	if s.Provider == nil {
		return nil, errNoProvider
	}
	var t account.Token
	var id int64
	proof, err := s.Provider.Finish(ctx, in.way, account.Returned(in.Body))
	if err == nil {
		t, id, err = s.Accounts.SignInBy(ctx, proof, in.Client, in.Old)
	}
	entered, err := s.enter(ctx, returnRoute, "oidc", t, id, err)
	if err != nil {
		return nil, err
	}
	to := in.dest
	if !localView(to) { // somebody has written the cookie by hand
		to = "/"
	}
	return &withCookies[Destination]{[]*http.Cookie{&entered.SetCookie, s.Door.wayCookie("", 0)}, Destination{to}}, nil
}

// localView tells that an address is a view of this server, for every reader of addresses: browsers take a backslash for a
// slash and leave out tabs and line ends (WHATWG URL, 4.4).
func localView(to string) bool {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsFunc(to, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }) {
		return false
	}
	u, err := url.Parse(to)
	return err == nil && u.Host == "" && u.Scheme == "" && !strings.HasPrefix(u.Path, "//")
}
