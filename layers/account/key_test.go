package account

import (
	"strings"
	"testing"
	"time"

	"onepicture/layers"
)

func (h *house) key(t *testing.T, role Role, place layers.PlaceID) (int64, string) {
	t.Helper()
	id, text, err := h.CreateKey(t.Context(), "console", NewKey{Title: "热线系统", Role: role, Place: place, Expires: h.clock.Add(30 * day)})
	if err != nil {
		t.Fatal(err)
	}
	return id, text
}

func keyOpens(t *testing.T, a *Accounts, text string) (layers.Scope, bool) {
	t.Helper()
	_, scope, err := a.OpenKey(t.Context(), text)
	if err != nil && layers.CodeOf(err) != layers.CodeUnauthenticated {
		t.Fatal(err)
	}
	return scope, err == nil
}

func TestServiceKey(t *testing.T) {
	h := newHouse(t, nil)
	id, text := h.key(t, TownDuty, townA)
	scope, ok := keyOpens(t, h.Accounts, text)
	if !ok || scope.Actor != KeyActor(id) || !scope.Records(layers.KindEvent, gridA, 0) || scope.Records(layers.KindEvent, townB, 0) || !scope.Rights.Has(layers.RightReport) {
		t.Errorf("it opens %v, %+v", ok, scope)
	}
	secret := text[strings.LastIndex(text, "_")+1:]
	if _, ok := opens(t, h.Accounts, Token(secret)); ok {
		t.Error("a key's secret opens as a cookie")
	}
	h.account(t, "li", Grant{Role: Clerk, Place: villageA})
	token := h.signIn(t, "li")
	opens(t, h.Accounts, token)
	for what, forged := range map[string]string{
		"another secret": text[:13] + strings.Repeat("A", 43), "a session's token": keyMark + "ABCDEFGH_" + string(token), "no mark": text[4:], "nothing": "",
		"the mark alone": keyMark, "cut": text[:len(text)-1], "longer": text + "A",
	} {
		if _, ok := keyOpens(t, h.Accounts, forged); ok {
			t.Errorf("%s opens", what)
		}
	}
	var stored string
	if err := h.pool.QueryRow(t.Context(), `select string_agg(k::text, ' ') || (select string_agg(c::text, ' ') from change c) from service_key k`).Scan(&stored); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(stored, secret) {
		t.Error("the secret stands in the database")
	}
	h.clock.Time = h.clock.Add(time.Hour)
	keyOpens(t, h.Accounts, text)
	if err := h.writeSeen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list, err := h.Keys(t.Context()); err != nil || len(list) != 1 || !list[0].Used.Equal(h.clock.Time) {
		t.Errorf("its use is not written: %+v, %v", list, err)
	}
	h.clock.Time = h.clock.Add(30 * day)
	if _, ok := keyOpens(t, h.Accounts, text); ok {
		t.Error("it opens after its end")
	}
}

func TestServiceKeyIsRefused(t *testing.T) {
	h := newHouse(t, nil)
	soon := h.clock.Add(day)
	for what, k := range map[string]NewKey{
		"a role that sees people": {"x", Clerk, villageA, 0, soon}, "a worker": {"x", GridWorker, gridA, 0, soon}, "an administrator": {"x", Administrator, 0, 0, soon},
		"an auditor": {"x", Auditor, 0, 0, soon}, "no role": {"x", "king", 0, 0, soon}, "no title": {" ", Wall, 0, 0, soon}, "over": {"x", Wall, 0, 0, h.clock.now()},
		"for ever": {"x", Wall, 0, 0, h.clock.Add(KeyTime + day)}, "without an end": {"x", Wall, 0, 0, time.Time{}},
	} {
		_, _, err := h.CreateKey(t.Context(), "console", k)
		refused(t, what, err, layers.CodeInvalid)
	}
}

func TestServiceKeyTurnsAndEnds(t *testing.T) {
	h := newHouse(t, nil)
	other := h.server(nil)
	h.run(t, other)
	id, old := h.key(t, CityDuty, 0)
	if _, ok := keyOpens(t, other, old); !ok {
		t.Fatal("it opens nothing elsewhere")
	}
	fresh, text, err := h.RotateKey(t.Context(), "console", id, time.Hour, h.clock.Add(30*day))
	if err != nil {
		t.Fatal(err)
	}
	for what, key := range map[string]string{"old": old, "new": text} {
		if _, ok := keyOpens(t, h.Accounts, key); !ok {
			t.Errorf("the %s one does not hold during the overlap", what)
		}
	}
	h.clock.Time = h.clock.Add(time.Hour)
	if _, ok := keyOpens(t, h.Accounts, old); ok {
		t.Error("the old one holds after the overlap")
	}
	pass, _, err := other.OpenKey(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	changed := pass.Changed()
	if err := h.RevokeKey(t.Context(), "console", fresh); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	case <-time.After(20 * time.Second):
		t.Fatal("the other server hears nothing")
	}
	for what, a := range map[string]*Accounts{"here": h.Accounts, "elsewhere": other} {
		if _, ok := keyOpens(t, a, text); ok {
			t.Errorf("%s: a revoked key opens", what)
		}
	}
	refused(t, "revoked twice", h.RevokeKey(t.Context(), "console", fresh), layers.CodeNotFound)
	_, _, err = h.RotateKey(t.Context(), "console", fresh, time.Hour, h.clock.Add(day))
	refused(t, "a revoked one turned", err, layers.CodeNotFound)
}
