package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
	"onepicture/layers/account"
	"onepicture/layers/audit"
)

const accountsRoute = "/api/accounts"

// AccountList is a page of accounts, by sign-in name.
type AccountList struct {
	Accounts []AccountView `json:"accounts"`
	Next     string        `json:"next" doc:"For after; empty at the end"`
	Whole    bool          `json:"whole" doc:"Whether the asker administers everything"`
}

// AccountView is an account as administrators see it.
type AccountView struct {
	ID         int64  `json:"id"`
	Actor      string `json:"actor" doc:"Code of the account in ledger and audit"`
	SignInName string `json:"signInName"`
	Named
	Sample   bool        `json:"sample" doc:"Made by demo mode"`
	Disabled bool        `json:"disabled"`
	Password bool        `json:"password" doc:"Whether one was set"`
	SignedIn *time.Time  `json:"signedIn" doc:"Last sign-in; null: never"`
	Failed   int         `json:"failed" doc:"Failed tries since then"`
	Grants   []GrantView `json:"grants" doc:"In force and to come, on places that the asker administers"`
	Beyond   bool        `json:"beyond" doc:"It holds something beyond them, and so is managed by others"`
}

// AccountDetail is an account with what it is told of its rights, whom it expects and its open sessions.
type AccountDetail struct {
	AccountView
	Words    []Words                `json:"words" doc:"What its holder is told"`
	Expects  Maybe[AccountIdentity] `json:"expects" doc:"Whom it expects at the sign-in provider; null: nobody"`
	Sessions []SessionView          `json:"sessions" doc:"None are told of accounts that others manage"`
}

// AccountIdentity is whom an account expects at the sign-in provider.
type AccountIdentity struct {
	Name    string `json:"name" maxLength:"255" doc:"As the provider's claim tells it"`
	Subject string `json:"subject" maxLength:"255" doc:"Empty: whoever first comes by the name is bound to the account"`
}

// NewAccount is what an account is called.
type NewAccount struct {
	SignInName string `json:"signInName" maxLength:"60"`
	Name       string `json:"name" maxLength:"100"`
	NameEn     string `json:"nameEn,omitempty" maxLength:"100"`
}

// AccountLink is a new one-time link, told once.
type AccountLink struct {
	ID   int64  `json:"id"`
	Link string `json:"link" doc:"Path and fragment on this server, by which the holder sets a password within 72 hours, once"`
}

type accountInput struct {
	ID int64 `path:"id" minimum:"1"`
}

type accountsInput struct {
	Q     string `query:"q" maxLength:"60" doc:"Part of a name"`
	After string `query:"after" maxLength:"60" doc:"next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// manages adds an operation on accounts: only who holds the right is answered, and it is recorded as a grant.
func manages[I, O any](a huma.API, op huma.Operation, s *Server, fn func(context.Context, *manager, *I) (*O, error)) {
	handle(a, as(op, audit.Grant), s, func(ctx context.Context, scope layers.Scope, in *I) (*O, error) {
		if err := may(scope, layers.RightAccounts, "manage accounts"); err != nil {
			return nil, err
		}
		r := requestOf(ctx)
		if s.Accounts == nil || r == nil {
			return nil, layers.NotFound("address: this server has no accounts")
		}
		m, err := s.Accounts.Mandate(ctx, r.pass)
		if err != nil {
			return nil, err
		}
		return fn(ctx, &manager{s, scope.Actor, m, r.pass}, in)
	})
}

// manager is who manages accounts in one request.
type manager struct {
	*Server
	actor   string
	mandate account.Mandate
	pass    account.Pass
}

// one is an account that the manager is shown.
func (m *manager) one(ctx context.Context, id int64) (account.Listing, error) {
	l, err := m.Accounts.One(ctx, id)
	if err == nil && !m.mandate.Sees(l.Grants) {
		err = layers.NotFound("account")
	}
	return l, err
}

// own is an account over which the manager has a say as a whole.
func (m *manager) own(ctx context.Context, id int64) (account.Listing, error) {
	l, err := m.one(ctx, id)
	if err == nil {
		err = m.mandate.Over(l.Grants)
	}
	return l, err
}

// deed is a recorded answer to a change of an account.
func deed[T any](v T, id int64, reason, words string) *recorded[T] {
	return &recorded[T]{v, audit.Entry{What: audit.Grant, Subject: "account", ID: id, Reason: reason, Filter: words}}
}

// done is a recorded answer without a body.
type done struct{ entry audit.Entry }

func (d *done) deed() audit.Entry { return d.entry }

func didTo(id int64, words string) *done {
	return &done{audit.Entry{What: audit.Grant, Subject: "account", ID: id, Filter: words}}
}

func (s *Server) accountRoutes(a huma.API) {
	manages(a, get("accounts", accountsRoute, "Accounts by name"), s, accounts)
	create := post("account-create", accountsRoute, "Make an account, without a right, and a one-time link for its holder")
	create.DefaultStatus = http.StatusCreated
	manages(a, create, s, accountCreate)
	one := accountsRoute + "/{id}"
	manages(a, get("account", one, "An account, what it may see, its sessions"), s, accountDetail)
	link := post("account-link", one+"/link", "Make a one-time link for an account; links before it become void")
	link.DefaultStatus = http.StatusCreated
	manages(a, link, s, accountLink)
	manages(a, post("account-disable", one+"/disable", "End an account's sessions and let it begin none"), s, accountDisable)
	manages(a, post("account-enable", one+"/enable", "Let an account sign in again"), s, accountEnable)
	expect := post("account-expect", one+"/expect", "Say whom the account expects at the sign-in provider, in the place of what was said before; its sessions end")
	manages(a, expect, s, accountExpect)
	manages(a, post("account-forget", one+"/forget", "Let nobody come in to the account by the sign-in provider; its sessions end"), s, accountForget)
	s.grantRoutes(a)
	s.sessionRoutes(a)
	s.keyRoutes(a)
}

func accounts(ctx context.Context, m *manager, in *accountsInput) (*recorded[AccountList], error) {
	list, err := m.Accounts.Within(ctx, m.mandate, in.Q, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	out := AccountList{Accounts: []AccountView{}, Whole: m.mandate.Covers(0)}
	for i := range list {
		out.Accounts = append(out.Accounts, m.view(&list[i]))
	}
	if len(list) == in.Limit {
		out.Next = list[len(list)-1].Name
	}
	return &recorded[AccountList]{out, audit.Entry{What: audit.Search, Subject: "account", Rows: int64(len(list))}}, nil
}

func (m *manager) view(l *account.Listing) AccountView {
	v := AccountView{
		ID: l.ID, Actor: account.Actor(l.ID), SignInName: l.Name, Named: Named{l.Display, l.DisplayEn}, Sample: l.Demo, Disabled: l.Disabled,
		Password: l.Password, Failed: l.Failed, Grants: []GrantView{}, Beyond: m.mandate.Over(l.Grants) != nil,
	}
	if !l.SignedIn.IsZero() {
		v.SignedIn = maybeTime(&l.SignedIn)
	}
	for i := range l.Grants {
		if g := &l.Grants[i]; m.mandate.Covers(g.Place) {
			v.Grants = append(v.Grants, m.grantView(g))
		}
	}
	return v
}

func accountDetail(ctx context.Context, m *manager, in *accountInput) (*recorded[AccountDetail], error) {
	l, err := m.one(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	d := AccountDetail{AccountView: m.view(&l), Words: []Words{}, Sessions: []SessionView{}}
	var held []account.Grant
	for _, g := range l.Grants {
		if m.mandate.Covers(g.Place) {
			held = append(held, g.Grant)
		}
	}
	if w := m.Store.World(); w != nil {
		for _, words := range account.Explain(held, w.Tree, w.Catalogue, m.Now(), w.Deployment.Zone) {
			d.Words = append(d.Words, Words(words))
		}
	}
	if !d.Beyond {
		if d.Sessions, err = m.sessions(ctx, in.ID, m.pass); err != nil {
			return nil, err
		}
		if d.Expects, err = m.expects(ctx, in.ID); err != nil {
			return nil, err
		}
	}
	return &recorded[AccountDetail]{d, audit.Entry{What: audit.Read, Subject: "account", ID: in.ID, Rows: 1}}, nil
}

// expects is whom an account expects at this server's provider.
func (m *manager) expects(ctx context.Context, id int64) (e Maybe[AccountIdentity], err error) {
	if m.Provider == nil {
		return e, nil
	}
	list, err := m.Accounts.Identities(ctx, id)
	for _, i := range list {
		if i.Issuer == m.Provider.Issuer {
			e = Some(AccountIdentity{i.Name, i.Subject})
		}
	}
	return e, err
}

func accountCreate(ctx context.Context, m *manager, in *struct{ Body NewAccount }) (*recorded[AccountLink], error) {
	id, err := m.Accounts.Create(ctx, m.actor, account.Named{Name: in.Body.SignInName, Display: in.Body.Name, DisplayEn: in.Body.NameEn})
	if err != nil {
		return nil, err
	}
	return m.link(ctx, id, "create")
}

func (m *manager) link(ctx context.Context, id int64, words string) (*recorded[AccountLink], error) {
	t, err := m.Accounts.Link(ctx, m.actor, id)
	if err != nil {
		return nil, err
	}
	return deed(AccountLink{id, fmt.Sprintf("/sign-in#link=%s", t)}, id, "", words), nil
}

func accountLink(ctx context.Context, m *manager, in *accountInput) (*recorded[AccountLink], error) {
	if _, err := m.own(ctx, in.ID); err != nil {
		return nil, err
	}
	return m.link(ctx, in.ID, "one-time link")
}

func accountDisable(ctx context.Context, m *manager, in *accountInput) (*done, error) {
	if _, err := m.own(ctx, in.ID); err != nil {
		return nil, err
	}
	return didTo(in.ID, "disable"), m.Accounts.Disable(ctx, m.actor, in.ID)
}

func accountEnable(ctx context.Context, m *manager, in *accountInput) (*done, error) {
	if _, err := m.own(ctx, in.ID); err != nil {
		return nil, err
	}
	return didTo(in.ID, "enable"), m.Accounts.Enable(ctx, m.actor, in.ID)
}

func accountExpect(ctx context.Context, m *manager, in *struct {
	ID   int64 `path:"id" minimum:"1"`
	Body AccountIdentity
}) (*done, error) {
	if m.Provider == nil {
		return nil, errNoProvider
	}
	if _, err := m.own(ctx, in.ID); err != nil {
		return nil, err
	}
	who := account.Identity{Issuer: m.Provider.Issuer, Subject: in.Body.Subject, Name: in.Body.Name}
	return didTo(in.ID, "expect at the provider"), m.Accounts.Expect(ctx, m.actor, in.ID, who)
}

func accountForget(ctx context.Context, m *manager, in *accountInput) (*done, error) {
	if m.Provider == nil {
		return nil, errNoProvider
	}
	if _, err := m.own(ctx, in.ID); err != nil {
		return nil, err
	}
	return didTo(in.ID, "forget at the provider"), m.Accounts.Forget(ctx, m.actor, in.ID, m.Provider.Issuer)
}
