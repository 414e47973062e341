package api

import (
	"context"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"
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

func (s *Server) sessionRoutes(a huma.API) {
	manages(a, post("session-end", accountsRoute+"/{id}/sessions/{session}/end", "End one of an account's sessions, on every server at once"), s, sessionEnd)
	manages(a, post("sessions-end", accountsRoute+"/{id}/sessions/end", "End all of an account's sessions, on every server at once"), s, sessionsEnd)
}

func (m *manager) sessions(ctx context.Context, id int64) ([]SessionView, error) {
	list, err := m.Accounts.Sessions(ctx, id, m.pass)
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
	return didTo(in.ID, fmt.Sprintf("end session %d", in.Session)), m.Accounts.EndSession(ctx, m.actor, in.ID, in.Session)
}

func sessionsEnd(ctx context.Context, m *manager, in *accountInput) (*done, error) {
	if _, err := m.own(ctx, in.ID); err != nil {
		return nil, err
	}
	return didTo(in.ID, "end all sessions"), m.Accounts.EndSessions(ctx, m.actor, in.ID)
}
