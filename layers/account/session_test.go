package account

import (
	"context"
	"testing"
	"time"

	"onepicture/layers"
)

func TestSessionEndsByTime(t *testing.T) {
	h := newHouse(t, nil)
	h.account(t, "boss", Grant{Role: Administrator})
	idle, absolute := limits([]Role{Administrator})
	other := h.server(nil)
	t.Run("idle", func(t *testing.T) {
		token := h.signIn(t, "boss")
		h.clock.Time = h.clock.Add(idle - time.Second)
		if _, ok := opens(t, h.Accounts, token); !ok {
			t.Fatal("it ended too early")
		}
		h.clock.Time = h.clock.Add(idle + 2*time.Second)
		for name, a := range map[string]*Accounts{"here": h.Accounts, "elsewhere": other} {
			if _, ok := opens(t, a, token); ok {
				t.Errorf("%s: it lives although nothing was asked for %v", name, idle)
			}
		}
	})
	t.Run("absolute", func(t *testing.T) {
		token := h.signIn(t, "boss")
		for past := time.Duration(0); past < absolute; past += idle / 2 {
			if _, ok := opens(t, h.Accounts, token); !ok {
				t.Fatalf("it ended after %v", past)
			}
			h.clock.Time = h.clock.Add(idle / 2)
		}
		if _, ok := opens(t, h.Accounts, token); ok {
			t.Errorf("it lives after %v", absolute)
		}
	})
	t.Run("a pass that only listens does not count as use", func(t *testing.T) {
		token := h.signIn(t, "boss")
		pass, _, err := h.Open(t.Context(), token, true)
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			h.clock.Time = h.clock.Add(idle/5 + time.Second)
			_, err = pass.Scope(t.Context())
		}
		refused(t, "listening", err, layers.CodeUnauthenticated)
	})
	t.Run("what a page asks by itself does not count as use", func(t *testing.T) {
		token := h.signIn(t, "boss")
		var err error
		for range 6 {
			if err != nil {
				t.Fatal("it ended too early")
			}
			h.clock.Time = h.clock.Add(idle / 5)
			_, _, err = h.Open(t.Context(), token, false)
		}
		refused(t, "polling", err, layers.CodeUnauthenticated)
	})
	t.Run("nobody touches a wall: what its page asks by itself is its use", func(t *testing.T) {
		h.account(t, "wall", Grant{Role: Wall})
		idle, absolute := limits([]Role{Wall})
		token := h.signIn(t, "wall")
		var err error
		past := time.Duration(0)
		for ; err == nil && past <= absolute; past += idle - time.Hour {
			h.clock.Time = h.clock.Add(idle - time.Hour)
			_, _, err = h.Open(t.Context(), token, false)
		}
		refused(t, "a wall beyond its time", err, layers.CodeUnauthenticated)
		if past <= absolute-idle {
			t.Errorf("it ended after %v", past)
		}
	})
}

// Use is written down, so that a server which never saw the session knows that it lives; and a session that the
// database has ended without a word is forgotten.
func TestUseIsWritten(t *testing.T) {
	h := newHouse(t, nil)
	h.account(t, "boss", Grant{Role: Administrator})
	idle, _ := limits([]Role{Administrator})
	token := h.signIn(t, "boss")
	for range 3 {
		h.clock.Time = h.clock.Add(idle - time.Minute)
		if _, ok := opens(t, h.Accounts, token); !ok {
			t.Fatal("not in use")
		}
		if err := h.writeSeen(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := opens(t, h.server(nil), token); !ok {
		t.Error("another server does not know that it was used")
	}
	if _, err := h.pool.Exec(t.Context(), `update session set ended_at = $1, ended_why = 'administrator'`, h.clock.now()); err != nil {
		t.Fatal(err)
	}
	h.clock.Time = h.clock.Add(time.Minute)
	opens(t, h.Accounts, token)
	if err := h.writeSeen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := opens(t, h.Accounts, token); ok {
		t.Error("it lives on in memory")
	}
}

// A session that ends at one server ends at the others as soon as they hear of it, whatever else the database does.
func TestSessionEndsOnEveryServer(t *testing.T) {
	h := newHouse(t, nil)
	id := h.account(t, "li", Grant{Role: Clerk, Place: villageA})
	other := h.server(nil)
	h.run(t, other)
	// A transaction that stays open holds back the ledger's followers, but not this.
	tx, err := h.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), `select pg_current_xact_id()`); err != nil {
		t.Fatal(err)
	}
	token, kept := h.signIn(t, "li"), h.signIn(t, "li")
	pass, _, err := other.Open(t.Context(), token, true)
	if err != nil {
		t.Fatal(err)
	}
	heard := func(do func()) {
		t.Helper()
		changed := pass.Changed()
		do()
		select {
		case <-changed:
		case <-time.After(20 * time.Second):
			t.Fatal("the other server hears nothing")
		}
	}
	if _, err := pass.Scope(t.Context()); err != nil {
		t.Fatal(err)
	}
	heard(func() {
		own, _, err := h.Open(t.Context(), token, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.SignOut(t.Context(), own); err != nil {
			t.Fatal(err)
		}
	})
	_, err = pass.Scope(t.Context())
	refused(t, "the stream of a session that ended", err, layers.CodeUnauthenticated)
	for name, a := range map[string]*Accounts{"here": h.Accounts, "elsewhere": other} {
		if _, ok := opens(t, a, token); ok {
			t.Errorf("%s: it lives", name)
		}
		if _, ok := opens(t, a, kept); !ok {
			t.Errorf("%s: the account's other session ended with it", name)
		}
	}
	// The same for what is granted.
	if pass, _, err = other.Open(t.Context(), kept, true); err != nil {
		t.Fatal(err)
	}
	heard(func() {
		if _, err := h.Grant(t.Context(), "console", id, Grant{Role: Clerk, Place: villageB}, "second village"); err != nil {
			t.Fatal(err)
		}
	})
	if scope, err := pass.Scope(t.Context()); err != nil || !scope.Records(layers.KindPerson, villageB, 0) {
		t.Errorf("the other server does not see the new grant: %v", err)
	}
}

func TestGrantEndsByItself(t *testing.T) {
	h := newHouse(t, nil)
	until := h.clock.Add(time.Hour)
	h.account(t, "li", Grant{Role: Clerk, Place: villageA, Until: until})
	token := h.signIn(t, "li")
	pass, scope, err := h.Open(t.Context(), token, true)
	if err != nil || !scope.Until.Equal(until) {
		t.Fatalf("%v, until %v", err, scope.Until)
	}
	h.clock.Time = until
	scope, err = pass.Scope(t.Context())
	if err != nil || scope.Detail(layers.KindPlace) != layers.DetailNone {
		t.Errorf("after its end it still gives %+v, %v", scope, err)
	}
}

// Without a tree of places no scope can be worked out, and none is invented.
func TestNothingIsSeenWhileTheTreeIsLoaded(t *testing.T) {
	h := newHouse(t, nil)
	h.account(t, "li", Grant{Role: Clerk, Place: villageA})
	token := h.signIn(t, "li")
	full := h.tree
	h.tree = nil
	_, scope, err := h.Open(t.Context(), token, true)
	refused(t, "loading", err, layers.CodeUnavailable)
	if scope.Detail(layers.KindPlace) != layers.DetailNone {
		t.Error("it sees something")
	}
	h.tree = full
	if _, ok := opens(t, h.Accounts, token); !ok {
		t.Error("loaded, it opens nothing")
	}
}

func TestSessionsOfAnAccountAreBounded(t *testing.T) {
	h := newHouse(t, nil)
	h.account(t, "li", Grant{Role: Clerk, Place: villageA})
	first := h.signIn(t, "li")
	for range mostSessions {
		h.clock.Time = h.clock.Add(time.Second)
		h.signIn(t, "li")
	}
	if _, ok := opens(t, h.server(nil), first); ok {
		t.Error("the oldest is still open")
	}
}

func BenchmarkOpen(b *testing.B) {
	now := time.Now()
	t := tree()
	a := New(nil, nil, Options{Tree: func() *layers.Tree { return t }, Cost: cheap})
	h := a.holder(1)
	scope, _ := scopeOf("a1", []Grant{{Role: Clerk, Place: villageA}}, t, now)
	h.holding.Store(&holding{tree: t, scope: scope})
	token, d := newToken()
	s := &session{hash: d, holder: h, idle: time.Hour}
	s.expires.Store(now.Add(time.Hour).UnixNano())
	s.seen.Store(now.UnixNano())
	a.sessions.put(s)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := a.Open(b.Context(), token, true); err != nil {
			b.Fatal(err)
		}
	}
}
