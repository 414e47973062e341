package account

import (
	"errors"
	"testing"
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
