package account

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	listSQL         = sql.Text("account/list.sql")
	listGrantsSQL   = sql.Text("account/list_grants.sql")
	disableSQL      = sql.Text("account/disable.sql")
	enableSQL       = sql.Text("account/enable.sql")
	grantRevokeSQL  = sql.Text("account/grant_revoke.sql")
	grantOfSQL      = sql.Text("account/grant_of.sql")
	passwordSQL     = sql.Text("account/password.sql")
	sessionsOfSQL   = sql.Text("account/sessions_of.sql")
	sessionEndIDSQL = sql.Text("account/session_end_id.sql")
	failuresSQL     = sql.Text("account/failures.sql")
)

// Listing is an account as those see it who manage accounts.
type Listing struct {
	Account
	Demo, Disabled, Password bool
	SignedIn                 time.Time // zero: never
	Failed                   int       // tries since then
	Grants                   []Given
}

// Given is a grant with who gave it and why.
type Given struct {
	Grant
	By, Reason string
}

// List are the accounts whose names hold the text, by name, after the name given; at most limit.
func (a *Accounts) List(ctx context.Context, text, after string, limit int) ([]Listing, error) {
	return a.list(ctx, text, after, limit, 0, nil)
}

// Within are those of List that a mandate shows.
func (a *Accounts) Within(ctx context.Context, m Mandate, text, after string, limit int) ([]Listing, error) {
	return a.list(ctx, text, after, limit, 0, m.reach())
}

// One is one account as List gives it.
func (a *Accounts) One(ctx context.Context, id int64) (Listing, error) {
	list, err := a.list(ctx, "", "", 1, id, nil)
	if err == nil && len(list) == 0 {
		err = layers.NotFound("account")
	}
	if err != nil {
		return Listing{}, err
	}
	return list[0], nil
}

// Named finds an account by its sign-in name.
func (a *Accounts) Named(ctx context.Context, name string) (Listing, error) {
	var id int64
	var stored string
	var barred bool
	if err := a.pool.QueryRow(ctx, byNameSQL, tidy(name), true).Scan(&id, &stored, &barred); err != nil {
		return Listing{}, ledger.Problem("account", err)
	}
	return a.One(ctx, id)
}

func (a *Accounts) list(ctx context.Context, text, after string, limit int, id int64, places []int32) ([]Listing, error) {
	like := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(strings.TrimSpace(text))) + "%"
	rows, err := a.pool.Query(ctx, listSQL, like, after, limit, id, places, a.Now())
	if err != nil {
		return nil, ledger.Problem("account", err)
	}
	ids := map[int64]int{}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (l Listing, err error) {
		var signed *time.Time
		err = r.Scan(&l.ID, &l.Name, &l.Display, &l.DisplayEn, &l.Demo, &l.Disabled, &l.Password, &signed, &l.Failed)
		l.SignedIn = orZero(signed)
		return l, err
	})
	if err != nil {
		return nil, ledger.Problem("account", err)
	}
	of := make([]int64, len(list))
	for i := range list {
		ids[list[i].ID], of[i] = i, list[i].ID
	}
	if rows, err = a.pool.Query(ctx, listGrantsSQL, of, a.Now()); err != nil {
		return nil, ledger.Problem("account", err)
	}
	defer rows.Close()
	for rows.Next() {
		var g Given
		var account int64
		var ends *time.Time
		if err := rows.Scan(&account, &g.ID, &g.Role, &g.Place, &g.Department, &g.From, &ends, &g.By, &g.Reason); err != nil {
			return nil, ledger.Problem("account", err)
		}
		g.Until = orZero(ends)
		if i, ok := ids[account]; ok {
			list[i].Grants = append(list[i].Grants, g)
		}
	}
	return list, ledger.Problem("account", rows.Err())
}

// Disable ends an account's sessions and lets it begin none; nothing of it is deleted. The last one that administers
// everything is not disabled.
func (a *Accounts) Disable(ctx context.Context, actor string, account int64) error {
	if actor == Actor(account) {
		return layers.Forbidden("nobody disables their own account")
	}
	return a.write(ctx, actor, "disable account", func(tx *ledger.Tx) (int64, error) {
		if err := a.spare(ctx, tx, account); err != nil {
			return 0, err
		}
		if err := lock(ctx, tx, account); err != nil {
			return 0, err
		}
		now := a.Now()
		if _, err := tx.Exec(ctx, disableSQL, account, actor, now); err != nil {
			return 0, err
		}
		_, err := tx.Exec(ctx, sessionsEndSQL, account, now, "disabled", 0)
		return account, err
	})
}

// Enable lets an account sign in again.
func (a *Accounts) Enable(ctx context.Context, actor string, account int64) error {
	return a.write(ctx, actor, "enable account", func(tx *ledger.Tx) (int64, error) {
		if err := lock(ctx, tx, account); err != nil {
			return 0, err
		}
		_, err := tx.Exec(ctx, enableSQL, account)
		return account, err
	})
}

// GrantOf is the account and the grant of a grant's number, when it is in force or to come.
func (a *Accounts) GrantOf(ctx context.Context, grant int64) (account int64, g Grant, err error) {
	err = a.pool.QueryRow(ctx, grantOfSQL, grant).Scan(&account, &g.Role, &g.Place)
	g.ID = grant
	return account, g, ledger.Problem("grant in force", err)
}

// Revoke ends a grant. That of the last one that administers everything is not revoked.
func (a *Accounts) Revoke(ctx context.Context, actor string, grant int64, reason string) error {
	if strings.TrimSpace(reason) == "" || utf8.RuneCountInString(reason) > 500 {
		return layers.Invalid("reason", "has 1 to 500 characters")
	}
	holder, held, err := a.GrantOf(ctx, grant)
	if err != nil {
		return err
	}
	return a.write(ctx, actor, "revoke grant", func(tx *ledger.Tx) (account int64, err error) {
		if held.Role == Administrator && held.Place == 0 {
			if err := a.spare(ctx, tx, holder); err != nil {
				return 0, err
			}
		}
		err = tx.QueryRow(ctx, grantRevokeSQL, grant, actor, a.Now(), reason).Scan(&account)
		if errors.Is(err, pgx.ErrNoRows) {
			err = layers.NotFound("grant in force")
		}
		return account, err
	})
}

// ChangePassword sets a new password for who knows the present one, and ends the account's other sessions.
func (a *Accounts) ChangePassword(ctx context.Context, p Pass, old, fresh string, c Client) error {
	account, ok := p.Account()
	if !ok {
		return layers.Forbidden("a service key has no password")
	}
	one, err := a.One(ctx, account)
	if err != nil {
		return err
	}
	if err := fit(fresh, one.Name); err != nil {
		return err
	}
	l, err := a.throttle.begin(ctx, one.Name, c.Network)
	if err != nil {
		return err
	}
	var stored string
	var disabled bool
	if err := a.pool.QueryRow(ctx, passwordSQL, account).Scan(&stored, &disabled); err != nil {
		a.throttle.undone(ctx, one.Name, c.Network)
		return ledger.Problem("account", err)
	}
	ok, _, err = a.hasher.verify(ctx, l, stored, old)
	if err != nil {
		a.throttle.undone(ctx, one.Name, c.Network)
		return err
	}
	if !ok || disabled {
		return layers.Invalid("old", "is not the present password")
	}
	if err := a.throttle.succeeded(ctx, one.Name, c.Network); err != nil {
		return err
	}
	hash, err := a.hasher.stretch(ctx, fresh)
	if err != nil {
		return err
	}
	return a.write(ctx, Actor(account), "change password", func(tx *ledger.Tx) (int64, error) {
		return account, a.putPassword(ctx, tx, account, hash, p.session.id, "password")
	})
}

// Session is an open one as its holder and administrators see it.
type Session struct {
	ID                 int64
	Method             string
	Client             Client
	Began, Seen, Until time.Time
	Current            bool // the one that asks
}

// Sessions are the open sessions of an account, the last used first.
func (a *Accounts) Sessions(ctx context.Context, account int64, asking Pass) ([]Session, error) {
	rows, err := a.pool.Query(ctx, sessionsOfSQL, account, a.Now())
	if err != nil {
		return nil, ledger.Problem("session", err)
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (s Session, err error) {
		err = r.Scan(&s.ID, &s.Method, &s.Client.Network, &s.Client.Agent, &s.Began, &s.Seen, &s.Until)
		s.Current = asking.session != nil && asking.session.id == s.ID && asking.session.holder.account == account
		return s, err
	})
	return list, ledger.Problem("session", err)
}

// EndSession ends one of an account's sessions, on every server at once. CodeNotFound when it is not open, or another's.
func (a *Accounts) EndSession(ctx context.Context, actor string, account, session int64) error {
	return a.write(ctx, actor, "end session", func(tx *ledger.Tx) (int64, error) {
		t, err := tx.Exec(ctx, sessionEndIDSQL, account, session, a.Now(), ended(actor, account))
		if err == nil && t.RowsAffected() == 0 {
			err = layers.NotFound("open session")
		}
		return account, err
	})
}

// EndSessions ends all of an account's sessions, on every server at once, but the one that asks when that is its own; the zero
// Pass spares none.
func (a *Accounts) EndSessions(ctx context.Context, actor string, account int64, asking Pass) error {
	but := int64(0)
	if own, ok := asking.Account(); ok && own == account {
		but = asking.session.id
	}
	return a.write(ctx, actor, "end sessions", func(tx *ledger.Tx) (int64, error) {
		_, err := tx.Exec(ctx, sessionsEndSQL, account, a.Now(), ended(actor, account), but)
		return account, err
	})
}

// ended is why a session is over that an actor ends.
func ended(actor string, account int64) string {
	if actor == Actor(account) {
		return "sign_out"
	}
	return "administrator"
}

// failures are failed tries that the database does not know of yet.
type failures struct {
	mu sync.Mutex
	of map[int64]failure
}

type failure struct {
	n  int32
	at time.Time
}

// mostFailures bounds the accounts of which failures are kept until they are written.
const mostFailures = 10_000

func (a *Accounts) failed(account int64) {
	a.failures.mu.Lock()
	defer a.failures.mu.Unlock()
	if a.failures.of == nil {
		a.failures.of = map[int64]failure{}
	}
	if f, known := a.failures.of[account]; account != 0 && (known || len(a.failures.of) < mostFailures) {
		a.failures.of[account] = failure{f.n + 1, a.Now()}
	}
}

func (a *Accounts) writeFailures(ctx context.Context) error {
	a.failures.mu.Lock()
	of := a.failures.of
	a.failures.of = nil
	a.failures.mu.Unlock()
	var ids []int64
	var n []int32
	var at []time.Time
	for id, f := range of {
		ids, n, at = append(ids, id), append(n, f.n), append(at, f.at)
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := a.pool.Exec(ctx, failuresSQL, ids, n, at)
	return err
}
