package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
	"onepicture/layers/account"
)

// GrantView is a role on a place, with who gave it and why.
type GrantView struct {
	ID int64 `json:"id"`
	HeldRole
	By      string `json:"by" doc:"Code of who gave it"`
	Reason  string `json:"reason"`
	Takable bool   `json:"takable" doc:"Whether the asker may revoke it"`
}

// NewGrant is a role to be given.
type NewGrant struct {
	Role       string     `json:"role" maxLength:"40"`
	Place      string     `json:"place" maxLength:"20" doc:"Code; empty: everywhere"`
	Department string     `json:"department,omitempty" maxLength:"60" doc:"Code, for roles that are held for a department; empty: none"`
	Until      *time.Time `json:"until" doc:"null: until it is revoked"`
	Reason     string     `json:"reason" minLength:"1" maxLength:"500"`
}

// Given is a grant that was made.
type Given struct {
	Grant int64 `json:"grant"`
}

// Revocation says why.
type Revocation struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500"`
}

// RoleList are the roles that the asker may give.
type RoleList struct {
	Roles       []GivenRole  `json:"roles"`
	Departments []Department `json:"departments" doc:"That a role may be held for"`
}

// GivenRole is a role that can be given.
type GivenRole struct {
	RoleName
	Key        bool `json:"key" doc:"Whether a service key may hold it"`
	Department bool `json:"department" doc:"Whether it is held for a department"`
}

// Department is one that owns items and answers for events.
type Department struct {
	Code string `json:"code"`
	Named
}

func (s *Server) grantRoutes(a huma.API) {
	manages(a, get("roles", "/api/roles", "Roles that one may give"), s, givable)
	give := post("grant", accountsRoute+"/{id}/grants", "Give a role on a place from now on")
	give.DefaultStatus = http.StatusCreated
	manages(a, give, s, grant)
	manages(a, post("grant-revoke", "/api/grants/{id}/revoke", "End a grant"), s, grantRevoke)
}

func (m *manager) grantView(g *account.Given) GrantView {
	v := GrantView{ID: g.ID, HeldRole: HeldRole{From: utc(g.From)}, By: g.By, Reason: g.Reason, Takable: m.mandate.Gives(g.Role, g.Place) == nil}
	if rule := account.RuleOf(g.Role); rule != nil {
		v.Role = roleName(rule)
	}
	if w := m.Store.World(); w != nil {
		v.Place, v.Department = maybePlace(w.Tree, g.Place), department(w.Catalogue, g.Department)
	}
	if !g.Until.IsZero() {
		v.Until = maybeTime(&g.Until)
	}
	return v
}

func givable(_ context.Context, m *manager, _ *struct{}) (*body[RoleList], error) {
	out := RoleList{Roles: []GivenRole{}, Departments: []Department{}}
	for i := range account.Rules {
		if r := &account.Rules[i]; !r.Whole || m.mandate.Covers(0) {
			out.Roles = append(out.Roles, GivenRole{roleName(r), r.Key, r.Departmental()})
		}
	}
	if w := m.Store.World(); w != nil {
		for _, d := range w.Catalogue.Departments {
			out.Departments = append(out.Departments, Department{d.Code, Named{d.Name, d.NameEn}})
		}
	}
	return &body[RoleList]{out}, nil
}

// place is that of a code; 0, everywhere, for none.
func (m *manager) place(code string) (layers.PlaceID, error) {
	w := m.Store.World()
	switch {
	case w == nil:
		return 0, m.Store.Loading()
	case code == "":
		return 0, nil
	}
	if p := w.Tree.ByCode(code); p != nil {
		return p.ID, nil
	}
	return 0, layers.Invalid("place", "is no place of today")
}

// department is that of a code; 0 for none.
func (m *manager) department(code string) (int16, error) {
	w := m.Store.World()
	switch {
	case w == nil:
		return 0, m.Store.Loading()
	case code == "":
		return 0, nil
	}
	if d := w.Catalogue.DepartmentByCode(code); d != nil {
		return d.ID, nil
	}
	return 0, layers.Invalid("department", "is no department of the catalogue")
}

func grant(ctx context.Context, m *manager, in *struct {
	ID   int64 `path:"id" minimum:"1"`
	Body NewGrant
}) (*recorded[Given], error) {
	if _, err := m.one(ctx, in.ID); err != nil {
		return nil, err
	}
	g := account.Grant{Role: account.Role(in.Body.Role)}
	var err error
	if g.Place, err = m.place(in.Body.Place); err != nil {
		return nil, err
	}
	if err := m.mandate.Gives(g.Role, g.Place); err != nil {
		return nil, err
	}
	if g.Department, err = m.department(in.Body.Department); err != nil {
		return nil, err
	}
	words := fmt.Sprintf("give %s on %s", g.Role, everywhere(in.Body.Place))
	if g.Department != 0 {
		words += " for " + in.Body.Department
	}
	if in.Body.Until != nil {
		g.Until = *in.Body.Until
		words += " until " + g.Until.UTC().Format(time.RFC3339)
	}
	id, err := m.Accounts.Grant(ctx, m.actor, in.ID, g, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return deed(Given{id}, in.ID, in.Body.Reason, words), nil
}

func everywhere(code string) string {
	if code == "" {
		return "everywhere"
	}
	return code
}

func grantRevoke(ctx context.Context, m *manager, in *struct {
	ID   int64 `path:"id" minimum:"1"`
	Body Revocation
}) (*done, error) {
	holder, g, err := m.Accounts.GrantOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if !m.mandate.Covers(g.Place) {
		return nil, layers.NotFound("grant in force")
	}
	if err := m.mandate.Gives(g.Role, g.Place); err != nil {
		return nil, err
	}
	d := didTo(holder, fmt.Sprintf("revoke %s, grant %d", g.Role, in.ID))
	d.entry.Reason = in.Body.Reason
	return d, m.Accounts.Revoke(ctx, m.actor, in.ID, in.Body.Reason)
}
