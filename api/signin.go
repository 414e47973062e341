package api

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"onepicture/layers"
	"onepicture/layers/account"
	"onepicture/layers/audit"
)

const (
	signInRoute   = "/api/sign-in"
	signOutRoute  = "/api/sign-out"
	linkRoute     = "/api/sign-in/link"
	linkLookRoute = "/api/sign-in/link/look"
)

// SignInWays is what the sign-in page offers.
type SignInWays struct {
	Provider Maybe[SignInProvider] `json:"provider" doc:"Another server at which one can prove who one is; null: none"`
	Demo     Maybe[DemoAccounts]   `json:"demo" doc:"Sample accounts; null outside of demo mode"`
}

// DemoAccounts are the sample accounts of demo mode.
type DemoAccounts struct {
	Password string        `json:"password" doc:"Of all of them"`
	Accounts []DemoAccount `json:"accounts"`
}

// DemoAccount is one of them.
type DemoAccount struct {
	SignInName string `json:"signInName"`
	Named
	Role       RoleName        `json:"role"`
	Place      Maybe[PlaceRef] `json:"place" doc:"null: everywhere"`
	Department Maybe[Named]    `json:"department" doc:"That the role is held for; null: none"`
}

// RoleName is a role in words.
type RoleName struct {
	Code string `json:"code"`
	Named
	About   string `json:"about"`
	AboutEn string `json:"aboutEn"`
}

func roleName(r *account.Rule) RoleName {
	return RoleName{string(r.Role), Named{r.Name, r.NameEn}, r.About, r.AboutEn}
}

type signedIn struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Status    int
}

func post(id, path, summary string) huma.Operation {
	return huma.Operation{OperationID: id, Method: http.MethodPost, Path: path, Summary: summary, DefaultStatus: http.StatusNoContent}
}

func (s *Server) signInRoutes(a huma.API) {
	handle(a, get("sign-in-ways", signInRoute, "How one can sign in"), s, s.ways)
	in := post("sign-in", signInRoute, "Sign in with a password")
	in.Description = "The session comes as a cookie that no script can read."
	in.Errors = []int{http.StatusUnauthorized, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable}
	handle(a, in, s, s.signIn)
	handle(a, post("sign-out", signOutRoute, "End the session"), s, s.signOut)
	look := post("link-look", linkLookRoute, "Whose one-time link it is")
	look.DefaultStatus = http.StatusOK
	handle(a, look, s, s.linkLook)
	s.providerRoutes(a)
	handle(a, post("link-use", linkRoute, "Set a password by a one-time link, and sign in"), s, s.linkUse)
}

func (s *Server) ways(ctx context.Context, _ layers.Scope, _ *struct{}) (*body[SignInWays], error) {
	var w SignInWays
	if s.Provider != nil {
		w.Provider = Some(SignInProvider{s.Provider.Title})
	}
	list, err := s.Accounts.Samples(ctx)
	if err != nil {
		return nil, err
	}
	if world := s.Store.World(); len(list) > 0 && world != nil {
		d := DemoAccounts{Password: account.DemoPassword, Accounts: []DemoAccount{}}
		for _, s := range list {
			d.Accounts = append(d.Accounts, DemoAccount{s.Name, Named{s.Display, s.DisplayEn}, roleName(s.Rule), maybePlace(world.Tree, s.Place), department(world.Catalogue, s.Department)})
		}
		w.Demo = Some(d)
	}
	return &body[SignInWays]{w}, nil
}

// SignIn is a name and a password.
type SignIn struct {
	Name     string `json:"name" maxLength:"60"`
	Password string `json:"password" maxLength:"256"`
}

// comer is from where a request comes, and the session that its browser carried before.
type comer struct {
	Client account.Client
	Old    account.Token
	Way    string // of the cookie of a way to the provider
}

func (c *comer) Resolve(ctx huma.Context) []error {
	if r := requestOf(ctx.Context()); r != nil && r.comer != nil {
		*c = *r.comer
	}
	return nil
}

func (s *Server) comer(r *http.Request) *comer {
	return &comer{account.Client{Network: network(s.Door.client(r)), Agent: agent(r.UserAgent())}, s.Door.token(r), s.Door.value(r, s.Door.cookie()+"-way")}
}

// network is that of an address: what an office or a household shares (/24, /56).
func network(a netip.Addr) string {
	bits := 56
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// agent is the kind of browser and system in two words; what a client calls itself otherwise is not kept.
func agent(header string) string {
	first := func(of ...string) string {
		for i := 0; i+1 < len(of); i += 2 {
			if strings.Contains(header, of[i]) {
				return of[i+1]
			}
		}
		return ""
	}
	browser := first("MicroMessenger", "WeChat", "Edg/", "Edge", "OPR/", "Opera", "Firefox/", "Firefox", "Chrome/", "Chrome", "Safari/", "Safari")
	system := first("HarmonyOS", "HarmonyOS", "Android", "Android", "iPhone", "iPhone", "iPad", "iPad", "Windows", "Windows", "Mac OS", "macOS", "Linux", "Linux")
	return strings.TrimSpace(browser + " " + system)
}

func (s *Server) signIn(ctx context.Context, _ layers.Scope, in *struct {
	comer
	Body SignIn
}) (*signedIn, error) {
	t, id, err := s.Accounts.SignIn(ctx, in.Body.Name, in.Body.Password, in.Client, in.Old)
	return s.enter(ctx, signInRoute, "password", t, id, err)
}

func (s *Server) signOut(ctx context.Context, _ layers.Scope, _ *struct{}) (*signedIn, error) {
	if r := requestOf(ctx); r != nil {
		if err := s.Accounts.SignOut(ctx, r.pass); err != nil {
			return nil, err
		}
	}
	return &signedIn{*s.Door.noToken(), http.StatusNoContent}, nil
}

// Link is the token of a one-time link. It travels in the fragment of the page's address, which browsers send nobody.
type Link struct {
	Token string `json:"token" maxLength:"100"`
}

// LinkOwner is whom a one-time link is for.
type LinkOwner struct {
	Name string `json:"name" doc:"To sign in with"`
}

func (s *Server) linkLook(ctx context.Context, _ layers.Scope, in *struct{ Body Link }) (*body[LinkOwner], error) {
	name, err := s.Accounts.LinkName(ctx, account.Token(in.Body.Token))
	if err != nil {
		return nil, err
	}
	return &body[LinkOwner]{LinkOwner{name}}, nil
}

// LinkUse sets a password by a one-time link.
type LinkUse struct {
	Link
	Password string `json:"password" maxLength:"256"`
}

func (s *Server) linkUse(ctx context.Context, _ layers.Scope, in *struct {
	comer
	Body LinkUse
}) (*signedIn, error) {
	t, id, err := s.Accounts.UseLink(ctx, account.Token(in.Body.Token), in.Body.Password, in.Client, in.Old)
	return s.enter(ctx, linkRoute, "link", t, id, err)
}

// enter gives the session to the browser once it is recorded who came in; who did not is counted.
func (s *Server) enter(ctx context.Context, route, method string, t account.Token, id int64, err error) (*signedIn, error) {
	began := time.Now()
	if err == nil {
		scope := layers.Scope{Actor: account.Actor(id)}
		err = s.Audit.Record(ctx, s.complete(ctx, scope, audit.Entry{What: audit.SignIn, Subject: method}, began))
	}
	if err != nil {
		s.refused(layers.Scope{}, route, err)
		return nil, err
	}
	return &signedIn{*s.Door.setToken(t), http.StatusNoContent}, nil
}

// measures are for programs on this machine, and elsewhere for those who look after sources.
func (s *Server) measures(c *gin.Context, scope layers.Scope) error {
	if !scope.Rights.Has(layers.RightSources) {
		return layers.Forbidden("this account may not read the server's measures")
	}
	s.metrics.handler().ServeHTTP(c.Writer, c.Request)
	return nil
}
