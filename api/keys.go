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

const keysRoute = "/api/keys"

// keyOverlap is how long the old key goes on beside the one that follows it.
const keyOverlap = 24 * time.Hour

// KeyList are service keys, the newest first.
type KeyList struct {
	Keys []KeyView `json:"keys"`
}

// KeyView is a service key without its secret.
type KeyView struct {
	ID         int64           `json:"id"`
	Prefix     string          `json:"prefix" doc:"By which people tell keys apart"`
	Title      string          `json:"title" doc:"Which system it is for"`
	Role       RoleName        `json:"role"`
	Place      Maybe[PlaceRef] `json:"place" doc:"null: everywhere"`
	Department Maybe[Named]    `json:"department" doc:"That the role is held for; null: none"`
	By         string          `json:"by"`
	Created    time.Time       `json:"created"`
	Expires    time.Time       `json:"expires"`
	Used       *time.Time      `json:"used" doc:"null: never"`
	Revoked    *time.Time      `json:"revoked" doc:"null: it was not"`
	Holds      bool            `json:"holds" doc:"Whether it opens something now"`
}

// NewKey is a key to be made.
type NewKey struct {
	Title      string `json:"title" minLength:"1" maxLength:"100"`
	Role       string `json:"role" maxLength:"40"`
	Place      string `json:"place" maxLength:"20" doc:"Code; empty: everywhere"`
	Department string `json:"department,omitempty" maxLength:"60" doc:"Code, for roles that are held for a department; empty: none"`
	Days       int    `json:"days" minimum:"1" maximum:"400" doc:"How long it holds"`
}

// KeyTurn is how long the key that follows holds.
type KeyTurn struct {
	Days int `json:"days" minimum:"1" maximum:"400"`
}

// KeySecret is a new key's text, told once.
type KeySecret struct {
	ID  int64  `json:"id"`
	Key string `json:"key"`
}

func (s *Server) keyRoutes(a huma.API) {
	manages(a, get("keys", keysRoute, "Service keys of other systems"), s, keys)
	create := post("key-create", keysRoute, "Make a service key; its text is told once")
	create.DefaultStatus = http.StatusCreated
	manages(a, create, s, keyCreate)
	turn := post("key-rotate", keysRoute+"/{id}/rotate", "Make a key in the place of another, which goes on for a day")
	turn.DefaultStatus = http.StatusCreated
	manages(a, turn, s, keyRotate)
	manages(a, post("key-revoke", keysRoute+"/{id}/revoke", "End a key at once"), s, keyRevoke)
}

func keys(ctx context.Context, m *manager, _ *struct{}) (*recorded[KeyList], error) {
	list, err := m.Accounts.Keys(ctx)
	if err != nil {
		return nil, err
	}
	out := KeyList{Keys: []KeyView{}}
	for i := range list {
		if k := &list[i]; m.mandate.Covers(k.Grant.Place) {
			out.Keys = append(out.Keys, m.keyView(k))
		}
	}
	return &recorded[KeyList]{out, audit.Entry{What: audit.Read, Subject: "key", Rows: int64(len(out.Keys))}}, nil
}

func (m *manager) keyView(k *account.Key) KeyView {
	v := KeyView{ID: k.ID, Prefix: k.Prefix, Title: k.Title, By: k.CreatedBy, Created: utc(k.Created), Expires: utc(k.Expires)}
	v.Holds = k.Revoked.IsZero() && k.Expires.After(m.Now())
	if rule := account.RuleOf(k.Grant.Role); rule != nil {
		v.Role = roleName(rule)
	}
	if w := m.Store.World(); w != nil {
		v.Place, v.Department = maybePlace(w.Tree, k.Grant.Place), department(w.Catalogue, k.Grant.Department)
	}
	if !k.Used.IsZero() {
		v.Used = maybeTime(&k.Used)
	}
	if !k.Revoked.IsZero() {
		v.Revoked = maybeTime(&k.Revoked)
	}
	return v
}

// key is one that the manager may end.
func (m *manager) key(ctx context.Context, id int64) error {
	list, err := m.Accounts.Keys(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		if k := &list[i]; k.ID == id && m.mandate.Covers(k.Grant.Place) {
			return m.mandate.Gives(k.Grant.Role, k.Grant.Place)
		}
	}
	return layers.NotFound("key in force")
}

func didToKey(id int64, words string) audit.Entry {
	return audit.Entry{What: audit.Grant, Subject: "key", ID: id, Filter: words}
}

func (m *manager) inDays(n int) time.Time { return m.Now().AddDate(0, 0, n) }

func keyCreate(ctx context.Context, m *manager, in *struct{ Body NewKey }) (*recorded[KeySecret], error) {
	k := account.NewKey{Title: in.Body.Title, Role: account.Role(in.Body.Role), Expires: m.inDays(in.Body.Days)}
	var err error
	if k.Place, err = m.place(in.Body.Place); err != nil {
		return nil, err
	}
	if err := m.mandate.Gives(k.Role, k.Place); err != nil {
		return nil, err
	}
	if k.Department, err = m.department(in.Body.Department); err != nil {
		return nil, err
	}
	id, text, err := m.Accounts.CreateKey(ctx, m.actor, k)
	if err != nil {
		return nil, err
	}
	return &recorded[KeySecret]{KeySecret{id, text}, didToKey(id, fmt.Sprintf("make %s on %s for %d days", k.Role, everywhere(in.Body.Place), in.Body.Days))}, nil
}

func keyRotate(ctx context.Context, m *manager, in *struct {
	ID   int64 `path:"id" minimum:"1"`
	Body KeyTurn
}) (*recorded[KeySecret], error) {
	if err := m.key(ctx, in.ID); err != nil {
		return nil, err
	}
	id, text, err := m.Accounts.RotateKey(ctx, m.actor, in.ID, keyOverlap, m.inDays(in.Body.Days))
	if err != nil {
		return nil, err
	}
	return &recorded[KeySecret]{KeySecret{id, text}, didToKey(id, fmt.Sprintf("follow key %d for %d days", in.ID, in.Body.Days))}, nil
}

func keyRevoke(ctx context.Context, m *manager, in *accountInput) (*done, error) {
	if err := m.key(ctx, in.ID); err != nil {
		return nil, err
	}
	return &done{didToKey(in.ID, "revoke")}, m.Accounts.RevokeKey(ctx, m.actor, in.ID)
}
