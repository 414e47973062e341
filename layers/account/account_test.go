package account

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

// The places of the tests: a city of two towns; the first has two villages, the first of them two grids.
const (
	city layers.PlaceID = iota + 1
	townA
	townB
	villageA
	villageB
	gridA
	gridB
)

func tree() *layers.Tree {
	return layers.NewTree([]layers.Place{
		{ID: city, Code: "990100000000", Level: 1, Name: "测试市", NameEn: "Test City"},
		{ID: townA, Code: "990101000000", Level: 2, Parent: city, Name: "望江镇", NameEn: "Wangjiang"},
		{ID: townB, Code: "990102000000", Level: 2, Parent: city, Name: "云东镇", NameEn: "Yundong"},
		{ID: villageA, Code: "990101001000", Level: 3, Parent: townA, Name: "江湾", NameEn: "Jiangwan"},
		{ID: villageB, Code: "990101002000", Level: 3, Parent: townA, Name: "河西", NameEn: "Hexi"},
		{ID: gridA, Code: "990101001000001", Level: 4, Parent: villageA, Name: "01网格", NameEn: "Grid 01"},
		{ID: gridB, Code: "990101001000002", Level: 4, Parent: villageA, Name: "02网格", NameEn: "Grid 02"},
	})
}

// cheap is a cost for tests that are not about it.
var cheap = Cost{MemoryKiB: 64, Passes: 1, Threads: 1}

// clock is a time that tests move.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

// house is a database with places, and the accounts of one or more servers over it.
type house struct {
	*Accounts
	pool  *pgxpool.Pool
	clock *clock
	tree  *layers.Tree
}

func newHouse(t *testing.T, change func(*Options)) *house {
	t.Helper()
	pool := sqltest.DB(t)
	h := &house{pool: pool, clock: &clock{time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)}, tree: tree()}
	if _, err := pool.Exec(t.Context(), `insert into source (code, name, name_en, kind) values ('places', '区划', 'Divisions', 'place')`); err != nil {
		t.Fatal(err)
	}
	for o := range int32(h.tree.Len()) {
		p := h.tree.At(o)
		if _, err := pool.Exec(t.Context(), `insert into place (id, code, level, parent_id, name, name_en, source_id) values ($1, $2, $3, nullif($4, 0), $5, $6, 1)`,
			int32(p.ID), p.Code, p.Level, int32(p.Parent), p.Name, p.NameEn); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pool.Exec(t.Context(), `insert into department (id, code, name, name_en) values (5, 'roads', '城管局', 'Urban Management'), (6, 'fire', '消防', 'Fire brigade')`); err != nil {
		t.Fatal(err)
	}
	h.Accounts = h.server(change)
	return h
}

// server is another server over the same database.
func (h *house) server(change func(*Options)) *Accounts {
	o := Options{Tree: func() *layers.Tree { return h.tree }, Now: h.clock.now, Cost: cheap, Slots: 4}
	if change != nil {
		change(&o)
	}
	return New(h.pool, ledger.New(h.pool), o)
}

// run keeps a server's memory true until the test ends, and waits until it listens.
func (h *house) run(t *testing.T, a *Accounts) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { a.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	h.until(t, "listens", `select exists (select from pg_stat_activity where datname = current_database() and query = 'listen "account"')`)
}

// until asks PostgreSQL again until the condition holds.
func (h *house) until(t *testing.T, what, condition string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for yes := false; !yes; {
		if err := h.pool.QueryRow(ctx, condition).Scan(&yes); err != nil {
			t.Fatalf("%s: never: %v", what, err)
		}
	}
}

const secret = "eine lange Nacht am Fluss"

var here = Client{Network: "10.1.2.0/24", Agent: "Chrome Windows"}

// account makes one with a password and grants.
func (h *house) account(t *testing.T, name string, grants ...Grant) int64 {
	t.Helper()
	id, err := h.Create(t.Context(), "console", Named{Name: name, Display: name})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range grants {
		if _, err := h.Grant(t.Context(), "console", id, g, "test"); err != nil {
			t.Fatal(err)
		}
	}
	link, err := h.Link(t.Context(), "console", id)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.UseLink(t.Context(), link, secret, here, ""); err != nil {
		t.Fatal(err)
	}
	return id
}

func (h *house) signIn(t *testing.T, name string) Token {
	t.Helper()
	token, _, err := h.SignIn(t.Context(), name, secret, here, "")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// opens is the scope of a token at a server, and whether it opens anything.
func opens(t *testing.T, a *Accounts, token Token) (layers.Scope, bool) {
	t.Helper()
	_, scope, err := a.Open(t.Context(), token, true)
	if err != nil && layers.CodeOf(err) != layers.CodeUnauthenticated {
		t.Fatal(err)
	}
	return scope, err == nil
}

func refused(t *testing.T, what string, err error, want layers.Code) {
	t.Helper()
	if layers.CodeOf(err) != want || err == nil {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

func TestSignIn(t *testing.T) {
	h := newHouse(t, nil)
	h.account(t, "li", Grant{Role: Clerk, Place: villageA})
	disabled := h.account(t, "gone")
	if _, err := h.pool.Exec(t.Context(), `update account set disabled_at = now(), disabled_by = 'console' where id = $1`, disabled); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Create(t.Context(), "console", Named{Name: "new", Display: "没有密码"}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.pool.Exec(t.Context(), `insert into account (name, display, password, password_at, demo, created_by, created_at)
		select 'sample', 'x', password, now(), true, 'demo', now() from account where name = 'li'`); err != nil {
		t.Fatal(err)
	}
	runs := h.hasher.runs.Load()
	for i, c := range []struct{ what, name, password string }{
		{"wrong password", "li", "eine lange Nacht"}, {"no password", "li", ""}, {"unknown", "wang", secret}, {"nobody", "", secret},
		{"disabled", "gone", secret}, {"without a password", "new", ""}, {"a sample account outside of demo mode", "sample", secret},
		{"SQL", "li' or '1'='1", secret}, {"wildcards", "l%", secret}, {"zero", "li\x00", secret},
		{"endless", "li", strings.Repeat(secret, 40)},
	} {
		_, _, err := h.SignIn(t.Context(), c.name, c.password, Client{Network: fmt.Sprint(i)}, "")
		refused(t, c.what, err, layers.CodeUnauthenticated)
		if err != nil && err.Error() != errWrong.Error() {
			t.Errorf("%s: it is told apart: %v", c.what, err)
		}
		if n := h.hasher.runs.Load(); n != runs+1 {
			t.Errorf("%s: %d hashes were computed, not one: its time tells it apart", c.what, n-runs)
		}
		runs = h.hasher.runs.Load()
	}
	token, _, err := h.SignIn(t.Context(), " LI ", secret, here, "")
	if err != nil {
		t.Fatal(err)
	}
	scope, ok := opens(t, h.Accounts, token)
	if !ok || !scope.Records(layers.KindPerson, gridA, 0) || scope.Records(layers.KindPerson, villageB, 0) || scope.Threshold != 5 {
		t.Errorf("signed in: %v, %+v", ok, scope)
	}
}

// Whatever a browser carried before signing in opens nothing afterwards, and nothing but what the server made opens
// anything.
func TestSessionFixation(t *testing.T) {
	h := newHouse(t, nil)
	h.account(t, "li", Grant{Role: Clerk, Place: villageA})
	planted, _ := newToken()
	token, _, err := h.SignIn(t.Context(), "li", secret, here, planted)
	if err != nil {
		t.Fatal(err)
	}
	if token == planted {
		t.Error("the planted token was taken over")
	}
	first := h.signIn(t, "li")
	second, _, err := h.SignIn(t.Context(), "li", secret, here, first)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what  string
		token Token
		want  bool
	}{
		{"planted", planted, false}, {"overwritten", first, false}, {"new", second, true}, {"empty", "", false}, {"short", second[:42], false},
		{"long", second + "A", false}, {"other letters", "*" + second[1:], false}, {"case", Token(flip(string(second))), false},
	} {
		if _, ok := opens(t, h.Accounts, c.token); ok != c.want {
			t.Errorf("%s: opens %v", c.what, ok)
		}
	}
}

func flip(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 32
		} else if c >= 'A' && c <= 'Z' {
			b[i] = c + 32
		}
	}
	return string(b)
}

// The database holds no token and no password, only what neither can be made of.
func TestNoSecretIsStored(t *testing.T) {
	h := newHouse(t, nil)
	id := h.account(t, "li", Grant{Role: Clerk, Place: villageA})
	token := h.signIn(t, "li")
	link, err := h.Link(t.Context(), "console", id)
	if err != nil {
		t.Fatal(err)
	}
	var all string
	if err := h.pool.QueryRow(t.Context(), `select (select string_agg(a::text, ' ') from account a) || (select string_agg(s::text, ' ') from session s)
		|| (select string_agg(l::text, ' ') from sign_in_link l) || (select string_agg(c::text, ' ') from change c)`).Scan(&all); err != nil {
		t.Fatal(err)
	}
	for what, s := range map[string]string{"session": string(token), "link": string(link), "password": secret} {
		if strings.Contains(all, s) {
			t.Errorf("the %s stands in the database", what)
		}
	}
}
