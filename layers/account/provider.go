package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"onepicture/layers"
)

// Provider is another server at which people prove who they are: OpenID Connect Core 1.0, 3.1 (authorization code) with
// PKCE (RFC 7636). It is safe for concurrent use.
type Provider struct {
	ProviderOptions
	client  *http.Client
	talking chan struct{} // bounds the requests to the provider at once

	finding chan struct{} // held by who reads or sets what was found
	found   *discovered
}

// ProviderOptions are how this server is registered at the provider.
type ProviderOptions struct {
	Issuer   string // as its tokens name it; https, or this machine
	ClientID string
	Secret   string // "" for a client without one
	Claim    string // of the ID token that holds the name by which accounts expect somebody; "": by subject alone
	Return   string // address of the page to which the provider sends people back
	Title    string // what people call the provider
	Now      func() time.Time
}

// discovered is what the provider says of itself.
type discovered struct {
	oauth  oauth2.Config
	verify *oidc.IDTokenVerifier
}

// Limits of what is asked of the provider.
const (
	providerTime  = 8 * time.Second
	providerBytes = 1 << 20
)

// WayTime is how long the way may take from the first page to the last.
const WayTime = 10 * time.Minute

// algorithms are those of signatures that are believed: the provider's private key must have made them (RFC 8725, 3.1).
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}

// NewProvider asks nothing of the provider yet: it may be away when this server starts.
func NewProvider(o ProviderOptions) (*Provider, error) {
	for what, address := range map[string]string{"issuer": o.Issuer, "address to return to": o.Return} {
		if err := protected(address); err != nil {
			return nil, fmt.Errorf("the %s %w", what, err)
		}
	}
	if o.ClientID == "" {
		return nil, errors.New("the provider's client id is missing")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Provider{ProviderOptions: o, talking: make(chan struct{}, 8), finding: make(chan struct{}, 1)}
	p.client = &http.Client{Timeout: providerTime, Transport: modest{http.DefaultTransport}, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a secret goes nowhere but where the provider said
	}}
	return p, nil
}

// protected refuses an address at which others on the network could listen.
func protected(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("%q is no address such as https://id.example", address)
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()):
		return nil
	}
	return fmt.Errorf("%q must begin with https", address)
}

// modest reads no endless answers.
type modest struct{ http.RoundTripper }

// RoundTrip is that of the transport, with a bounded body.
func (m modest) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := m.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, providerBytes), resp.Body}
	}
	return resp, err
}

func (p *Provider) away(err error) error {
	slog.Warn("the sign-in provider does not answer as it should", "issuer", p.Issuer, "error", err)
	return layers.Unavailable(10*time.Second, "the sign-in provider does not answer; try again, or sign in with a password", nil)
}

// discover reads what the provider says of itself, once (OpenID Connect Discovery 1.0, 4).
func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	select {
	case p.finding <- struct{}{}:
		defer func() { <-p.finding }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if p.found != nil {
		return p.found, nil
	}
	known, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.Issuer)
	if err != nil {
		return nil, p.away(err)
	}
	var more struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
		Keys    string   `json:"jwks_uri"`
	}
	if err := known.Claims(&more); err != nil {
		return nil, p.away(err)
	}
	end := known.Endpoint()
	for _, address := range []string{end.AuthURL, end.TokenURL, more.Keys} {
		if err := protected(address); err != nil {
			return nil, p.away(err)
		}
	}
	// Which way is said, because trying both would spend the code.
	end.AuthStyle = oauth2.AuthStyleInHeader
	if p.Secret == "" || len(more.Methods) > 0 && !slices.Contains(more.Methods, "client_secret_basic") {
		end.AuthStyle = oauth2.AuthStyleInParams
	}
	scopes := []string{oidc.ScopeOpenID}
	switch p.Claim {
	case "", "sub":
	case "email":
		scopes = append(scopes, "email")
	default:
		scopes = append(scopes, "profile")
	}
	p.found = &discovered{
		oauth:  oauth2.Config{ClientID: p.ClientID, ClientSecret: p.Secret, Endpoint: end, RedirectURL: p.Return, Scopes: scopes},
		verify: known.Verifier(&oidc.Config{ClientID: p.ClientID, SupportedSigningAlgs: algorithms, Now: p.Now}),
	}
	return p.found, nil
}

// Way is the secret of one way to the provider and back, which the browser that sets out keeps. State, nonce and
// verifier follow from it, so that nothing is stored of those who never return.
type Way string

const waySecret = 24

// newWay begins with the time, so that nobody takes too long.
func newWay(now time.Time) Way {
	b := binary.BigEndian.AppendUint64(nil, uint64(now.Unix())) //nolint:gosec // after 1970
	return Way(base64.RawURLEncoding.EncodeToString(append(b, random(waySecret)...)))
}

// begun is when the way began; ok is false for what is none.
func (w Way) begun() (t time.Time, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(string(w))
	if err != nil || len(b) != 8+waySecret {
		return t, false
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b)), 0), true //nolint:gosec // compared with the present only
}

// word is what of the way is told for one purpose: it says nothing of the others.
func (w Way) word(purpose string) string {
	h := hmac.New(sha256.New, []byte(w))
	h.Write([]byte(purpose))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// Begin gives the provider's page, and the way's secret for the browser that goes there.
func (p *Provider) Begin(ctx context.Context) (address string, w Way, err error) {
	if err := p.talk(ctx); err != nil {
		return "", "", err
	}
	defer p.silent()
	d, err := p.discover(ctx)
	if err != nil {
		return "", "", err
	}
	w = newWay(p.Now())
	return d.oauth.AuthCodeURL(w.word("state"), oidc.Nonce(w.word("nonce")), oauth2.S256ChallengeOption(w.word("verifier"))), w, nil
}

// Returned is what the provider's page sends back through the browser.
type Returned struct{ Code, State, Issuer, Error string }

// Proof is whom the provider has named. It is good for one sign-in.
type Proof struct {
	Issuer, Subject, Name string
	once                  digest
}

var (
	errWay    = &layers.Error{Code: layers.CodeForbidden, Message: "this sign-in did not begin in this browser, took too long, or was used already; begin again"}
	errProof  = &layers.Error{Code: layers.CodeForbidden, Message: "what the sign-in provider sent is not believed; begin again, or tell an administrator"}
	errGaveUp = &layers.Error{Code: layers.CodeForbidden, Message: "the sign-in provider let nobody in; begin again"}
)

// Finish checks what came back and whom it names. Whatever is wrong with a token is one answer; the log says more.
func (p *Provider) Finish(ctx context.Context, w Way, r Returned) (Proof, error) {
	began, ok := w.begun()
	took := p.Now().Sub(began)
	switch {
	case !ok || took < -time.Second || took > WayTime:
		return Proof{}, errWay
	case subtle.ConstantTimeCompare([]byte(r.State), []byte(w.word("state"))) != 1:
		return Proof{}, errWay
	case r.Issuer != "" && r.Issuer != p.Issuer: // RFC 9207: another provider's answer
		return Proof{}, errProof
	case r.Error != "" || r.Code == "":
		return Proof{}, errGaveUp
	}
	if err := p.talk(ctx); err != nil {
		return Proof{}, err
	}
	defer p.silent()
	d, err := p.discover(ctx)
	if err != nil {
		return Proof{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := d.oauth.Exchange(ctx, r.Code, oauth2.VerifierOption(w.word("verifier")))
	if refused := new(oauth2.RetrieveError); errors.As(err, &refused) && refused.ErrorCode != "" {
		return Proof{}, p.doubt("code refused: " + refused.ErrorCode)
	}
	if refused := new(oauth2.RetrieveError); errors.As(err, &refused) { // its text holds the answer's body
		return Proof{}, p.away(errors.New("code not taken: " + refused.Response.Status))
	}
	if err != nil {
		return Proof{}, p.away(err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := d.verify.Verify(ctx, raw)
	if err != nil {
		return Proof{}, p.doubt(err.Error())
	}
	proof := Proof{Issuer: id.Issuer, Subject: id.Subject, once: sha256.Sum256([]byte(w))}
	proof.Name, err = p.read(id, w)
	return proof, err
}

// read checks what the library leaves to its user, and gives the name.
func (p *Provider) read(id *oidc.IDToken, w Way) (string, error) {
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return "", p.doubt("claims that cannot be read")
	}
	party, named := claims["azp"]
	name, _ := claims[p.Claim].(string)
	switch {
	case id.Subject == "" || len(id.Subject) > 255 || len(name) > 255:
		return "", p.doubt("no subject, or one without an end")
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(w.word("nonce"))) != 1:
		return "", p.doubt("another nonce")
	case (named || len(id.Audience) > 1) && party != p.ClientID: // OpenID Connect Core 1.0, 3.1.3.7
		return "", p.doubt("made for another party")
	case p.Claim == "email" && claims["email_verified"] != true:
		name = "" // somebody's own word
	}
	return name, nil
}

func (p *Provider) doubt(why string) error {
	slog.Warn("what the sign-in provider sent is refused", "issuer", p.Issuer, "why", why)
	return errProof
}

func (p *Provider) talk(ctx context.Context) error {
	select {
	case p.talking <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Provider) silent() { <-p.talking }
