package account

import (
	"sync"
	"testing"

	"onepicture/layers"
)

func TestMandate(t *testing.T) {
	for _, c := range []struct {
		name   string
		m      Mandate
		covers []layers.PlaceID
		not    []layers.PlaceID
		gives  []Role
		never  []Role
	}{
		{"everything", Mandate{all: true, tree: tree()}, []layers.PlaceID{0, city, townB, gridA, 99}, nil, []Role{Administrator, Auditor, CityDuty, DataSteward, Clerk}, []Role{"king"}},
		{"one town", Mandate{places: []layers.PlaceID{townA}, tree: tree()}, []layers.PlaceID{townA, villageA, gridB}, []layers.PlaceID{0, city, townB, 99},
			[]Role{Wall, GridWorker, Clerk, TownDuty, DepartmentOfficer, Analyst}, []Role{Administrator, Auditor, CityDuty, DataSteward, "king"}},
		{"a place that is no more", Mandate{places: []layers.PlaceID{99}, tree: tree()}, nil, []layers.PlaceID{0, city, townA, 99}, nil, []Role{Clerk}},
		{"nothing", Mandate{}, nil, []layers.PlaceID{0, city, townA}, nil, []Role{Clerk}},
	} {
		for _, p := range c.covers {
			if !c.m.Covers(p) {
				t.Errorf("%s does not cover %d", c.name, p)
			}
		}
		for _, p := range c.not {
			if c.m.Covers(p) {
				t.Errorf("%s covers %d", c.name, p)
			}
		}
		for _, r := range c.gives {
			if err := c.m.Gives(r, townA); err != nil {
				t.Errorf("%s does not give %s: %v", c.name, r, err)
			}
		}
		for _, r := range c.never {
			if c.m.Gives(r, townA) == nil {
				t.Errorf("%s gives %s", c.name, r)
			}
		}
	}
}

// Two administrators who disable each other, or take the role from each other, at once: one of them stays.
func TestTheLastAdministratorStays(t *testing.T) {
	h := newHouse(t, nil)
	enter := func(name string) (id, grant int64) {
		id, err := h.Create(t.Context(), "console", Named{Name: name, Display: name})
		if err != nil {
			t.Fatal(err)
		}
		if grant, err = h.Grant(t.Context(), "console", id, Grant{Role: Administrator}, "test"); err != nil {
			t.Fatal(err)
		}
		link, err := h.Link(t.Context(), "console", id)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.UseLink(t.Context(), link, "eine lange Nacht am Fluss", Client{}, ""); err != nil {
			t.Fatal(err)
		}
		return id, grant
	}
	first, own := enter("first")
	if err := h.Disable(t.Context(), "console", first); layers.CodeOf(err) != layers.CodeConflict {
		t.Errorf("the only one: %v", err)
	}
	if err := h.Revoke(t.Context(), "console", own, "test"); layers.CodeOf(err) != layers.CodeConflict {
		t.Errorf("the only one's role: %v", err)
	}
	for range 5 {
		second, given := enter("second" + randomName())
		var wait sync.WaitGroup
		var errs [2]error
		wait.Go(func() { errs[0] = h.Disable(t.Context(), Actor(first), second) })
		wait.Go(func() { errs[1] = h.Revoke(t.Context(), Actor(second), own, "test") })
		wait.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("both or neither: %v", errs)
		}
		if errs[0] != nil { // the second stays, and is the first of the next round
			first, own = second, given
		}
	}
}

func randomName() string {
	const letters = "abcdefghijklmnop"
	b := random(8)
	for i := range b {
		b[i] = letters[b[i]&15]
	}
	return string(b)
}
