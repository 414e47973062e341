package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
	"onepicture/layers/account"
)

const meRoute = "/api/me"

// Myself is whom the session belongs to and what they may do, also in plain words.
type Myself struct {
	Actor      string `json:"actor" doc:"Code of the account, as ledger and audit name it"`
	SignInName string `json:"signInName"`
	Named
	Roles     []HeldRole `json:"roles"`
	Rights    []string   `json:"rights" doc:"What the account may do beside looking: report, handle, unmask, break_glass, export, import, catalogue, sources, accounts, audit"`
	Words     []Words    `json:"words" doc:"What the account may see and do, a sentence each"`
	Threshold int        `json:"threshold" doc:"Counts of people beyond its records are rounded to multiples of it; 0: exact"`
	Sees      Sees       `json:"sees"`
	Since     time.Time  `json:"since" doc:"When the session began"`
	Ends      time.Time  `json:"ends" doc:"When it ends at the latest"`
	Idle      int        `json:"idleMinutes" doc:"It ends when nothing was asked for so long"`
}

// Words are a sentence in both languages.
type Words struct {
	Zh string `json:"zh"`
	En string `json:"en"`
}

// Sees is the most that an account sees anywhere of each kind.
type Sees struct {
	Person string `json:"person" enum:"none,counts,records"`
	Site   string `json:"site" enum:"none,counts,records"`
	Event  string `json:"event" enum:"none,counts,records"`
}

// HeldRole is a role on a place.
type HeldRole struct {
	Role       RoleName        `json:"role"`
	Place      Maybe[PlaceRef] `json:"place" doc:"null: everywhere"`
	Department Maybe[Named]    `json:"department" doc:"That the role is held for; null: none"`
	From       time.Time       `json:"from"`
	Until      *time.Time      `json:"until" doc:"null: until it is revoked"`
}

func (s *Server) meRoutes(a huma.API) {
	handle(a, get("me", meRoute, "Who is signed in, and what they may see and do"), s, s.me)
}

var details = [...]string{layers.DetailNone: "none", layers.DetailCounts: "counts", layers.DetailRecords: "records"}

func (s *Server) me(ctx context.Context, scope layers.Scope, _ *struct{}) (*body[Myself], error) {
	r, world := requestOf(ctx), s.Store.World()
	if r == nil || world == nil {
		return nil, s.Store.Loading()
	}
	m, err := s.Accounts.Me(ctx, r.pass)
	if err != nil {
		return nil, err
	}
	out := Myself{
		Actor: scope.Actor, SignInName: m.Name, Named: Named{m.Display, m.DisplayEn}, Roles: []HeldRole{}, Rights: []string{}, Words: []Words{},
		Threshold: scope.Threshold, Since: utc(m.Since), Ends: utc(m.Ends), Idle: int(m.Idle / time.Minute),
		Sees: Sees{details[scope.Person.Detail()], details[scope.Site.Detail()], details[scope.Event.Detail()]},
	}
	for _, g := range m.Grants {
		if rule := account.RuleOf(g.Role); rule != nil {
			h := HeldRole{Role: roleName(rule), Place: maybePlace(world.Tree, g.Place), Department: department(world.Catalogue, g.Department), From: utc(g.From)}
			if !g.Until.IsZero() {
				h.Until = maybeTime(&g.Until)
			}
			out.Roles = append(out.Roles, h)
		}
	}
	for _, w := range account.RightWords {
		if scope.Rights.Has(w.Right) {
			out.Rights = append(out.Rights, w.Code)
		}
	}
	for _, w := range account.Explain(m.Grants, world.Tree, world.Catalogue, s.Now(), world.Deployment.Zone) {
		out.Words = append(out.Words, Words(w))
	}
	return &body[Myself]{out}, nil
}
