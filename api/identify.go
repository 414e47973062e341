package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"onepicture/layers"
	"onepicture/layers/account"
)

// identify finds out who asks and what they may see.
func (s *Server) identify(ctx context.Context, c *gin.Context) error {
	r := requestOf(ctx)
	switch {
	case r == nil:
		return errNobody
	case c.FullPath() == metricsRoute && s.Door.local(c.Request):
		r.scope.Rights = layers.RightSources
		return nil
	case s.Accounts == nil && (own[c.FullPath()] || strings.HasPrefix(c.FullPath(), signInRoute)):
		return layers.NotFound("address: this server has no accounts")
	case s.Scope != nil:
		r.scope = s.Scope(c.Request)
		return nil
	case public[c.FullPath()]:
		r.comer = s.comer(c.Request)
		return nil
	}
	// A system says which key it holds; whoever does so is not asked for a cookie.
	if said := c.Request.Header["Authorization"]; len(said) > 0 {
		key, bearer := strings.CutPrefix(said[0], "Bearer ")
		if !bearer || len(said) > 1 {
			return errNobody
		}
		var err error
		r.pass, r.scope, err = s.Accounts.OpenKey(ctx, key)
		return err
	}
	token := s.Door.token(c.Request)
	if token == "" {
		return errNobody
	}
	var err error
	r.pass, r.scope, err = s.Accounts.Open(ctx, token, attended(c))
	return err
}

// attended tells that somebody is behind a request: a page says of what it asks by itself that nobody is, and a stream that
// comes back says nothing.
func attended(c *gin.Context) bool {
	return len(c.Request.Header["X-Unattended"]) == 0 && c.FullPath() != streamRoute
}

var errNobody = &layers.Error{Code: layers.CodeUnauthenticated, Message: "sign in first: this is answered only to those who have signed in"}

// Names of the cookie. The prefix makes browsers take it over TLS only, for this host only (RFC 6265bis, 4.1.3.2).
const (
	plainCookie  = "onepicture"
	secureCookie = "__Host-onepicture"
)

func (d Door) cookie() string {
	if d.Secure {
		return secureCookie
	}
	return plainCookie
}

// token is the value of the session's cookie.
func (d Door) token(r *http.Request) account.Token { return account.Token(d.value(r, d.cookie())) }

// value is that of a cookie, without garbage; "" when there is none. When the name comes twice none of them counts: one of
// the two was put there by somebody else.
func (d Door) value(r *http.Request, name string) (found string) {
	for _, line := range r.Header["Cookie"] {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			pair = strings.TrimSpace(pair)
			if len(pair) <= len(name) || pair[len(name)] != '=' || pair[:len(name)] != name {
				continue
			}
			if found != "" {
				return ""
			}
			found = pair[len(name)+1:]
		}
	}
	return found
}

// setToken puts the session into the browser; it is sent on requests that this server's own pages make, and to no
// script. It has no age: the browser forgets it when it is closed, the server when its time is over.
func (d Door) setToken(t account.Token) *http.Cookie {
	return &http.Cookie{Name: d.cookie(), Value: string(t), Path: "/", HttpOnly: true, Secure: d.Secure, SameSite: http.SameSiteStrictMode}
}

func (d Door) noToken() *http.Cookie {
	c := d.setToken("")
	c.MaxAge = -1
	return c
}
