package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
	"onepicture/layers/cache"
)

// Health is the state of the server and of what it depends on.
type Health struct {
	Status       string       `json:"status" enum:"ok,degraded,loading" doc:"degraded: it serves, but something is away"`
	Version      string       `json:"version"`
	Dependencies Dependencies `json:"dependencies"`
}

// Dependencies are what the server stands on.
type Dependencies struct {
	Postgres Dependency  `json:"postgres"`
	Redis    Dependency  `json:"redis"`
	Index    IndexHealth `json:"index"`
}

// Dependency is a service.
type Dependency struct {
	Status string `json:"status" enum:"ok,away,off"`
	Detail string `json:"detail"`
}

// IndexHealth is how far the index follows.
type IndexHealth struct {
	Status   string     `json:"status" enum:"ok,behind,loading"`
	Position string     `json:"position"`
	AsOf     *time.Time `json:"asOf"`
	Features int        `json:"features"`
}

// Life is a short answer.
type Life struct {
	Status string `json:"status"`
}

// behind is the age of the as-of time from which the index counts as behind: the ledger is looked at each second.
const behind = 15 * time.Second

func (s *Server) healthRoutes(a huma.API) {
	handle(a, get("health", "/health", "State of the server and its dependencies"), s, s.health)
	handle(a, get("live", "/health/live", "The process answers"), s,
		func(context.Context, layers.Scope, *struct{}) (*body[Life], error) {
			return &body[Life]{Life{"ok"}}, nil
		})
	handle(a, get("ready", "/health/ready", "The server can answer: the index is loaded"), s, s.ready)
}

type healthOutput struct {
	Status int
	Body   Health
}

func (s *Server) health(ctx context.Context, _ layers.Scope, _ *struct{}) (*healthOutput, error) {
	h := Health{Status: "ok", Version: s.Version}
	d := &h.Dependencies
	d.Index, d.Postgres, d.Redis = s.indexHealth(), s.postgresHealth(ctx), Dependency{Status: string(cache.StateOff)}
	if s.Cache != nil {
		c := s.Cache.Check(ctx)
		d.Redis = Dependency{string(c.Redis), c.RedisDetail}
	}
	status := http.StatusOK
	switch {
	case d.Index.Status == "loading":
		h.Status, status = "loading", http.StatusServiceUnavailable
	case d.Postgres.Status != "ok" || d.Redis.Status == "away" || d.Index.Status != "ok":
		h.Status = "degraded"
	}
	return &healthOutput{status, h}, nil
}

func (s *Server) postgresHealth(ctx context.Context) Dependency {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := s.Postgres.Ping(ctx); err != nil {
		return Dependency{"away", "it does not answer; tiles and counts go on from memory, nothing can be written"}
	}
	return Dependency{Status: "ok"}
}

func (s *Server) indexHealth() IndexHealth {
	snap, err := s.snapshot()
	if err != nil {
		return IndexHealth{Status: "loading"}
	}
	at := utc(snap.At())
	h := IndexHealth{Status: "ok", Position: snap.Position().String(), AsOf: &at}
	for _, k := range layers.Kinds {
		h.Features += coarse(k, snap.Len(k))
	}
	if s.Now().Sub(at) > behind {
		h.Status = "behind"
	}
	return h
}

// coarse is a number of features that everybody may read: of persons only whole hundreds, or one who comes would be seen.
func coarse(k layers.Kind, n int) int {
	if k == layers.KindPerson {
		return n - n%100
	}
	return n
}

func (s *Server) ready(context.Context, layers.Scope, *struct{}) (*body[Life], error) {
	switch snap, err := s.snapshot(); {
	case err != nil:
		return nil, err
	case snap.Untold():
		return nil, layers.Unavailable(time.Second, "the numbers of persons are not released yet; try again", nil)
	}
	return &body[Life]{Life{"ok"}}, nil
}
