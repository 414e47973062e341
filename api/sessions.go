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

// SessionView is an open session.
type SessionView struct {
	ID      int64     `json:"id"`
	Method  string    `json:"method" enum:"password,link,oidc"`
	Network string    `json:"network" doc:"Of the client, /24 or /56"`
	Agent   string    `json:"agent" doc:"Kind of browser and system"`
	Began   time.Time `json:"began"`
	Seen    time.Time `json:"seen"`
	Until   time.Time `json:"until" doc:"When it ends if nothing more is asked"`
	Current bool      `json:"current" doc:"The one that asks"`
}

// MySessions are the caller's own.
type MySessions struct {
	Sessions []SessionView `json:"sessions" doc:"Open ones, the last used first"`
}

const mySessionsRoute = meRoute + "/sessions"

func (s *Server) sessionRoutes(a huma.API) {
	holds(a, get("my-sessions", mySessionsRoute, "The caller's own open sessions"), s, mySessions)
	holds(a, post("my-session-end", mySessionsRoute+"/{session}/end", "End one of the caller's own sessions, on every server at once"), s, mySessionEnd)
	holds(a, post("my-sessions-end", mySessionsRoute+"/end", "End all of the caller's own sessions but the one that asks"), s, mySessionsEnd)
	manages(a, post("session-end", accountsRoute+"/{id}/sessions/{session}/end", "End one of an account's sessions, on every server at once"), s, sessionEnd)
	manages(a, post("sessions-end", accountsRoute+"/{id}/sessions/end", "End all of an account's sessions, on every server at once"), s, sessionsEnd)
}

// holder is who asks about their own account.
type holder struct {
	*Server
	actor   string
	account int64
	pass    account.Pass
}

// holds adds an operation on the caller's own account; a service key has none.
func holds[I, O any](a huma.API, op huma.Operation, s *Server, fn func(context.Context, *holder, *I) (*O, error)) {
	op.Errors = []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	handle(a, op, s, func(ctx context.Context, scope layers.Scope, in *I) (*O, error) {
		r := requestOf(ctx)
		if s.Accounts == nil || r == nil {
			return nil, layers.NotFound("address: this server has no accounts")
		}
		id, ok := r.pass.Account()
		if !ok {
			return nil, layers.Forbidden("a service key has no sessions")
		}
		return fn(ctx, &holder{s, scope.Actor, id, r.pass}, in)
	})
}

// did is a recorded answer to what a holder did to their own account.
func (h *holder) did(words string) *done {
	return &done{audit.Entry{What: audit.SignIn, Subject: "account", ID: h.account, Filter: words}}
}

func mySessions(ctx context.Context, h *holder, _ *struct{}) (*body[MySessions], error) {
	list, err := h.sessions(ctx, h.account, h.pass)
	return &body[MySessions]{MySessions{list}}, err
}

func mySessionEnd(ctx context.Context, h *holder, in *struct {
	Session int64 `path:"session" minimum:"1"`
}) (*done, error) {
	return h.did(endedOne(in.Session)), h.Accounts.EndSession(ctx, h.actor, h.account, in.Session)
}

func mySessionsEnd(ctx context.Context, h *holder, _ *struct{}) (*done, error) {
	return h.did("end all other sessions"), h.Accounts.EndSessions(ctx, h.actor, h.account, h.pass)
}

func endedOne(session int64) string { return fmt.Sprintf("end session %d", session) }

// sessions are the open ones of an account.
func (s *Server) sessions(ctx context.Context, id int64, asking account.Pass) ([]SessionView, error) {
	list, err := s.Accounts.Sessions(ctx, id, asking)
	out := []SessionView{}
	for _, s := range list {
		out = append(out, SessionView{s.ID, s.Method, s.Client.Network, s.Client.Agent, utc(s.Began), utc(s.Seen), utc(s.Until), s.Current})
	}
	return out, err
}

func sessionEnd(ctx context.Context, m *manager, in *struct {
	ID      int64 `path:"id" minimum:"1"`
	Session int64 `path:"session" minimum:"1"`
}) (*done, error) {
	if _, err := m.own(ctx, in.ID); err != nil {
		return nil, err
	}
	return didTo(in.ID, endedOne(in.Session)), m.Accounts.EndSession(ctx, m.actor, in.ID, in.Session)
}

func sessionsEnd(ctx context.Context, m *manager, in *accountInput) (*done, error) {
	if _, err := m.own(ctx, in.ID); err != nil {
		return nil, err
	}
	return didTo(in.ID, "end all sessions"), m.Accounts.EndSessions(ctx, m.actor, in.ID, account.Pass{})
}
