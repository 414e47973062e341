package account

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onepicture/layers"
)

var write = flag.Bool("write", false, "write docs/roles.md")

func TestDocument(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "roles.md")
	if *write {
		if err := os.WriteFile(file, []byte(Document()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(file); err != nil || string(kept) != Document() {
		t.Errorf("docs/roles.md is not what the rules say (%v): go test ./layers/account -run TestDocument -write", err)
	}
}

// What the roles promise, whatever the table says otherwise.
func TestRules(t *testing.T) {
	for i := range Rules {
		r := &Rules[i]
		switch {
		case r.Role != GridWorker && r.Role != Clerk && r.SeesPersons():
			t.Errorf("%s sees records of people", r.Role)
		case r.Key && r.SeesPersons():
			t.Errorf("a key may see records of people as %s", r.Role)
		case r.Rights.Has(layers.RightAccounts) && (!r.Alone || r.Person != Sees{} || r.Site.Records > 0 || r.Event.Records > 0):
			t.Errorf("%s manages accounts and sees %v", r.Role, r.Person)
		case r.Rights.Has(layers.RightAudit) && !r.Alone:
			t.Errorf("%s reads the audit and may hold other roles", r.Role)
		case r.Role == Wall && r.Rights != 0:
			t.Error("a wall changes something")
		case r.Event.Owned > r.Event.Counts || r.Site.Owned > Nowhere || r.Person.Owned > Nowhere:
			t.Errorf("%s sees records of a department where it counts nothing, or of what no department answers for", r.Role)
		case r.Idle <= 0 || r.Absolute < r.Idle:
			t.Errorf("%s: sessions of %v, %v", r.Role, r.Idle, r.Absolute)
		case r.Name == "" || r.NameEn == "" || r.About == "" || r.AboutEn == "":
			t.Errorf("%s lacks words", r.Role)
		}
	}
}

func TestScopeOf(t *testing.T) {
	now := time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
	all := []layers.PlaceID{0, city, townA, townB, villageA, villageB, gridA, gridB}
	set := func(places ...layers.PlaceID) map[layers.PlaceID]bool {
		m := map[layers.PlaceID]bool{}
		for _, p := range places {
			m[p] = true
		}
		return m
	}
	underA := []layers.PlaceID{townA, villageA, villageB, gridA, gridB}
	everything := set(all...)
	for _, c := range []struct {
		what                             string
		grants                           []Grant
		personCounts, personRecords      map[layers.PlaceID]bool
		eventCounts, eventRecords        map[layers.PlaceID]bool
		threshold                        int
		report, handle, accounts, unmask bool
	}{
		{"none", nil, nil, nil, nil, nil, 10, false, false, false, false},
		{"a worker", []Grant{{Role: GridWorker, Place: gridA}}, set(underA...), set(gridA), set(underA...), set(gridA), 5, true, true, false, true},
		{"a clerk", []Grant{{Role: Clerk, Place: villageA}}, set(underA...), set(villageA, gridA, gridB), set(underA...), set(villageA, gridA, gridB), 5, true, true, false, true},
		{"a clerk of two villages", []Grant{{Role: Clerk, Place: villageA}, {Role: Clerk, Place: villageB}}, set(underA...), set(villageA, villageB, gridA, gridB), set(underA...), set(villageA, villageB, gridA, gridB), 5, true, true, false, true},
		{"a clerk in two towns", []Grant{{Role: Clerk, Place: villageA}, {Role: Clerk, Place: townB}}, set(append(underA, townB)...), set(villageA, gridA, gridB, townB), set(append(underA, townB)...), set(villageA, gridA, gridB, townB), 10, true, true, false, true},
		{"a town's officer", []Grant{{Role: TownDuty, Place: townA}}, set(underA...), nil, set(all[1:]...), set(underA...), 5, true, true, false, false},
		{"the city's officer", []Grant{{Role: CityDuty}}, everything, nil, everything, everything, 10, true, true, false, false},
		{"a wall", []Grant{{Role: Wall}}, everything, nil, everything, nil, 10, false, false, false, false},
		{"a department", []Grant{{Role: DepartmentOfficer, Place: townB, Department: 5}}, nil, nil, set(townB), nil, 10, true, true, false, false},
		{"an administrator", []Grant{{Role: Administrator}}, nil, nil, everything, nil, 10, false, false, true, false},
		{"over", []Grant{{Role: Clerk, Place: villageA, Until: now}}, nil, nil, nil, nil, 10, false, false, false, false},
		{"to come", []Grant{{Role: Clerk, Place: villageA, From: now.Add(time.Second)}}, nil, nil, nil, nil, 10, false, false, false, false},
		{"on a place that is no more", []Grant{{Role: Clerk, Place: 99}}, nil, nil, nil, nil, 10, false, false, false, false},
		{"no role of ours", []Grant{{Role: "king"}}, nil, nil, nil, nil, 10, false, false, false, false},
	} {
		s, _ := scopeOf("a1", c.grants, tree(), now)
		for _, p := range all {
			if got := s.Counts(layers.KindPerson, p); got != c.personCounts[p] {
				t.Errorf("%s: counts people in %d: %v", c.what, p, got)
			}
			if got := s.Records(layers.KindPerson, p, 5); got != c.personRecords[p] {
				t.Errorf("%s: sees people in %d: %v", c.what, p, got)
			}
			if got := s.Counts(layers.KindEvent, p); got != c.eventCounts[p] {
				t.Errorf("%s: counts events in %d: %v", c.what, p, got)
			}
			if got := s.Records(layers.KindEvent, p, 0); got != c.eventRecords[p] {
				t.Errorf("%s: sees events in %d: %v", c.what, p, got)
			}
		}
		for right, want := range map[layers.Rights]bool{layers.RightReport: c.report, layers.RightHandle: c.handle, layers.RightAccounts: c.accounts, layers.RightUnmask: c.unmask} {
			if s.Rights.Has(right) != want {
				t.Errorf("%s: right %d is %v", c.what, right, !want)
			}
		}
		if s.Threshold != c.threshold {
			t.Errorf("%s: k is %d", c.what, s.Threshold)
		}
	}
}

func TestGrantIsRefused(t *testing.T) {
	h := newHouse(t, nil)
	clerk := h.account(t, "li", Grant{Role: Clerk, Place: villageA})
	boss := h.account(t, "boss", Grant{Role: Administrator})
	give := func(actor string, to int64, g Grant, reason string) error {
		_, err := h.Grant(t.Context(), actor, to, g, reason)
		return err
	}
	refused(t, "to oneself", give(Actor(boss), boss, Grant{Role: Administrator}, "x"), layers.CodeForbidden)
	refused(t, "an administrator who looks after people", give("console", boss, Grant{Role: Clerk, Place: villageA}, "x"), layers.CodeConflict)
	refused(t, "a clerk who administrates", give(Actor(boss), clerk, Grant{Role: Administrator}, "x"), layers.CodeConflict)
	refused(t, "a clerk who looks after sources", give(Actor(boss), clerk, Grant{Role: DataSteward}, "x"), layers.CodeConflict)
	refused(t, "no reason", give(Actor(boss), clerk, Grant{Role: Clerk, Place: villageB}, " "), layers.CodeInvalid)
	refused(t, "no role", give(Actor(boss), clerk, Grant{Role: "king"}, "x"), layers.CodeInvalid)
	refused(t, "over", give(Actor(boss), clerk, Grant{Role: Clerk, Until: h.clock.now()}, "x"), layers.CodeInvalid)
	refused(t, "to nobody", give(Actor(boss), 999, Grant{Role: Clerk}, "x"), layers.CodeNotFound)
	refused(t, "a place that is not there", give(Actor(boss), clerk, Grant{Role: Clerk, Place: 999}, "x"), layers.CodeInvalid)
	if err := give(Actor(boss), clerk, Grant{Role: Clerk, Place: villageB}, "holidays"); err != nil {
		t.Error(err)
	}
}

func TestManage(t *testing.T) {
	h := newHouse(t, nil)
	id := h.account(t, "li", Grant{Role: Clerk, Place: villageA})
	h.account(t, "li-bai")
	for text, want := range map[string]int{"": 2, "LI": 2, "bai": 1, "%": 0, "_": 0, "x": 0} {
		if list, err := h.List(t.Context(), text, "", 10); err != nil || len(list) != want {
			t.Errorf("%q finds %d accounts, %v", text, len(list), err)
		}
	}
	one, err := h.Named(t.Context(), "Li")
	if err != nil || one.ID != id || len(one.Grants) != 1 || !one.Password {
		t.Fatalf("%+v, %v", one, err)
	}
	token := h.signIn(t, "li")
	pass, _, err := h.Open(t.Context(), token, true)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "the wrong present password", h.ChangePassword(t.Context(), pass, "wrong", "drei alte Baeume am Ufer", here), layers.CodeInvalid)
	refused(t, "a weak one", h.ChangePassword(t.Context(), pass, secret, "password1234", here), layers.CodeInvalid)
	other := h.signIn(t, "li")
	if err := h.ChangePassword(t.Context(), pass, secret, "drei alte Baeume am Ufer", here); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		token Token
		want  bool
	}{"its own": {token, true}, "the other": {other, false}} {
		if _, ok := opens(t, h.Accounts, c.token); ok != c.want {
			t.Errorf("after a new password %s session opens: %v", what, ok)
		}
	}
	list, err := h.Sessions(t.Context(), id, pass)
	if err != nil || len(list) != 1 || !list[0].Current || list[0].Client != here {
		t.Errorf("sessions: %+v, %v", list, err)
	}
	refused(t, "another's session", h.EndSession(t.Context(), "console", id+1, list[0].ID), layers.CodeNotFound)
	if err := h.EndSession(t.Context(), "console", id, list[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, ok := opens(t, h.Accounts, token); ok {
		t.Error("an ended session opens")
	}
	if err := h.Revoke(t.Context(), "console", one.Grants[0].ID, "moved away"); err != nil {
		t.Fatal(err)
	}
	refused(t, "revoked twice", h.Revoke(t.Context(), "console", one.Grants[0].ID, "again"), layers.CodeNotFound)
	refused(t, "disabled by oneself", h.Disable(t.Context(), Actor(id), id), layers.CodeForbidden)
	if err := h.Disable(t.Context(), "console", id); err != nil {
		t.Fatal(err)
	}
	_, _, err = h.SignIn(t.Context(), "li", "drei alte Baeume am Ufer", here, "")
	refused(t, "disabled", err, layers.CodeUnauthenticated)
	if err := h.Enable(t.Context(), "console", id); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.SignIn(t.Context(), "li", "drei alte Baeume am Ufer", here, ""); err != nil {
		t.Error(err)
	}
}

// An officer of departments sees, of the events of each, those in the places that were granted for it, and single records
// of nothing else; without a department, of nothing.
func TestScopeOfDepartments(t *testing.T) {
	now := time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
	grants := []Grant{
		{Role: DepartmentOfficer, Place: townA, Department: 5}, {Role: DepartmentOfficer, Place: townB, Department: 5},
		{Role: DepartmentOfficer, Place: villageB, Department: 6}, {Role: DepartmentOfficer, Place: townB, Department: 6, Until: now},
		{Role: DepartmentOfficer, Place: townB},
	}
	s, _ := scopeOf("a1", grants, tree(), now)
	for _, c := range []struct {
		place      layers.PlaceID
		department int16
		sees       bool
	}{
		{townA, 5, true}, {gridA, 5, true}, {townB, 5, true}, {city, 5, false}, {0, 5, false},
		{villageB, 6, true}, {villageA, 6, false}, {townB, 6, false},
		{townA, 7, false}, {townA, 0, false}, {townB, 0, false},
	} {
		if got := s.Records(layers.KindEvent, c.place, c.department); got != c.sees {
			t.Errorf("events of department %d in %d are seen: %v", c.department, c.place, got)
		}
	}
	if !s.Counts(layers.KindEvent, gridA) || !s.Records(layers.KindSite, townB, 0) || s.Detail(layers.KindPerson) != layers.DetailNone {
		t.Errorf("what is not of departments has changed: %+v", s)
	}
	one, _ := scopeOf("a1", grants[:1], tree(), now)
	other, _ := scopeOf("a1", []Grant{{Role: DepartmentOfficer, Place: townA, Department: 6}}, tree(), now)
	none, _ := scopeOf("a1", []Grant{{Role: DepartmentOfficer, Place: townA}}, tree(), now)
	if one.Class() == other.Class() || one.Class() == none.Class() {
		t.Error("two departments share cached bytes")
	}
}

func TestADepartmentIsNamed(t *testing.T) {
	h := newHouse(t, nil)
	id := h.account(t, "ye")
	give := func(g Grant) error {
		_, err := h.Grant(t.Context(), "console", id, g, "x")
		return err
	}
	for what, g := range map[string]Grant{
		"none": {Role: DepartmentOfficer, Place: townA}, "one that is not there": {Role: DepartmentOfficer, Place: townA, Department: 99},
		"for another role": {Role: Clerk, Place: villageA, Department: 5},
	} {
		err := give(g)
		refused(t, what, err, layers.CodeInvalid)
		var e *layers.Error
		if errors.As(err, &e) && e.Field != "department" && g.Department != 99 {
			t.Errorf("%s: it names the field %q", what, e.Field)
		}
		_, _, err = h.CreateKey(t.Context(), "console", NewKey{"x", g.Role, g.Place, g.Department, h.clock.Add(day)})
		refused(t, "a key: "+what, err, layers.CodeInvalid)
	}
	if err := give(Grant{Role: DepartmentOfficer, Place: townA, Department: 5}); err != nil {
		t.Fatal(err)
	}
	key, _, err := h.CreateKey(t.Context(), "console", NewKey{"x", DepartmentOfficer, townA, 5, h.clock.Add(day)})
	if err != nil {
		t.Fatal(err)
	}
	_, text, err := h.RotateKey(t.Context(), "console", key, time.Hour, h.clock.Add(2*day))
	if err != nil {
		t.Fatal(err)
	}
	if scope, ok := keyOpens(t, h.Accounts, text); !ok || !scope.Records(layers.KindEvent, gridA, 5) || scope.Records(layers.KindEvent, gridA, 6) {
		t.Errorf("the key that follows sees %v, %+v", ok, scope.Event)
	}
}

func TestExplainDepartments(t *testing.T) {
	c := layers.NewCatalogue(layers.Catalogue{Departments: []layers.Department{{ID: 5, Code: "roads", Name: "城管局", NameEn: "Urban Management"}}})
	now := time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
	for want, g := range map[Words]Grant{
		{"由城管局负责的单条记录", "records of those of Urban Management in "}:                     {Role: DepartmentOfficer, Place: townA, Department: 5},
		{"授权没有指明部门，不看单条记录", "no single records, because the grant names no department"}: {Role: DepartmentOfficer, Place: townA},
	} {
		w := Explain([]Grant{g}, tree(), c, now, time.UTC)[0]
		if !strings.Contains(w.Zh, want.Zh) || !strings.Contains(w.En, want.En) {
			t.Errorf("%+v: %+v", g, w)
		}
	}
}
