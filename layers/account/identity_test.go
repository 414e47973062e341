package account

import (
	"errors"
	"testing"

	"onepicture/layers"
)

// Between finding and binding an administrator may say that somebody else is expected: then nobody is bound by the old name.
func TestNobodyIsBoundByANameNoLongerExpected(t *testing.T) {
	h := newHouse(t, nil)
	account := h.account(t, "li", Grant{Role: Clerk, Place: 1})
	expect := func(name string) {
		if err := h.Expect(t.Context(), "console", account, Identity{Issuer: "https://id.example", Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	expect("before")
	var identity int64
	if err := h.pool.QueryRow(t.Context(), `select id from oidc_identity`).Scan(&identity); err != nil {
		t.Fatal(err)
	}
	expect("since")
	bind := func(name string) error {
		return h.bind(t.Context(), identity, account, Proof{Issuer: "https://id.example", Subject: "s-" + name, Name: name})
	}
	if err := bind("before"); !errors.Is(err, errStranger) {
		t.Errorf("by the name before: %v", err)
	}
	if err := bind("since"); err != nil {
		t.Errorf("by the name since: %v", err)
	}
}

// The last administrator of everything who comes in by a provider alone keeps that way in; with a password it may go.
func TestTheLastAdministratorKeepsTheProvider(t *testing.T) {
	h := newHouse(t, nil)
	const issuer = "https://id.example"
	enter := func(name string) int64 {
		id, err := h.Create(t.Context(), "console", Named{Name: name, Display: name})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Grant(t.Context(), "console", id, Grant{Role: Administrator}, "test"); err != nil {
			t.Fatal(err)
		}
		if err := h.Expect(t.Context(), "console", id, Identity{Issuer: issuer, Name: name}); err != nil {
			t.Fatal(err)
		}
		return id
	}
	first := enter("first")
	refused(t, "the only one", h.Forget(t.Context(), "console", first, issuer), layers.CodeConflict)
	second := enter("second")
	if err := h.Forget(t.Context(), "console", first, issuer); err != nil {
		t.Errorf("one of two: %v", err)
	}
	refused(t, "the other", h.Forget(t.Context(), "console", second, issuer), layers.CodeConflict)
	link, err := h.Link(t.Context(), "console", second)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.UseLink(t.Context(), link, "eine lange Nacht am Fluss", Client{}, ""); err != nil {
		t.Fatal(err)
	}
	if err := h.Forget(t.Context(), "console", second, issuer); err != nil {
		t.Errorf("with a password: %v", err)
	}
	refused(t, "nobody", h.Forget(t.Context(), "console", 999, issuer), layers.CodeNotFound)
}
