// Package account knows who may come in and what they may see there: accounts, passwords, one-time links, sessions and
// the roles that are granted to them on places, from which their scope follows.
package account

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	accountPutSQL    = sql.Text("account/account_put.sql")
	accountsExistSQL = sql.Text("account/accounts_exist.sql")
	accountGrantsSQL = sql.Text("account/account_grants.sql")
	grantPutSQL      = sql.Text("account/grant_put.sql")
	byNameSQL        = sql.Text("account/by_name.sql")
	passwordPutSQL   = sql.Text("account/password_put.sql")
	rehashSQL        = sql.Text("account/rehash.sql")
	signedInSQL      = sql.Text("account/signed_in.sql")
	notifySQL        = sql.Text("account/notify.sql")
)

// Options are what the accounts stand on.
type Options struct {
	Tree  func() *layers.Tree // of the present picture; nil while it is being loaded
	Now   func() time.Time    // nil: time.Now
	Demo  bool                // sample accounts may sign in
	Cost  Cost                // of new passwords; zero: DefaultCost
	Slots int                 // passwords looked at at once; zero: one a processor
	// TriesKey makes the digests under which servers of one database count tries together; the same for all of them.
	TriesKey []byte
}

// Accounts are those of one database. They are safe for concurrent use.
type Accounts struct {
	Options
	pool     *pgxpool.Pool
	ledger   *ledger.Ledger
	hasher   *hasher
	throttle *throttle
	failures failures
	sessions table
	holders  sync.Map      // account id → *holder
	looking  chan struct{} // bounds the look-ups of tokens that are not in memory
}

// New opens the accounts of a database; Run keeps what is in memory true.
func New(pool *pgxpool.Pool, l *ledger.Ledger, o Options) *Accounts {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Cost == (Cost{}) {
		o.Cost = DefaultCost
	}
	if o.Slots == 0 {
		o.Slots = runtime.GOMAXPROCS(0)
	}
	return &Accounts{Options: o, pool: pool, ledger: l, hasher: newHasher(o.Cost, o.Slots), throttle: newThrottle(pool, o.TriesKey, o.Now), looking: make(chan struct{}, 8)}
}

// Actor is the code by which an account is known outside, in the ledger and in the audit.
func Actor(id int64) string { return "a" + strconv.FormatInt(id, 10) }

// Account is somebody who signs in.
type Account struct {
	ID                       int64
	Name, Display, DisplayEn string
}

// Named is what a new account is called.
type Named struct {
	Name               string // to sign in with
	Display, DisplayEn string // to show
}

var names = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,59}$`)

// tidy is a sign-in name as people type it.
func tidy(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

func (n Named) check() error {
	switch {
	case !names.MatchString(n.Name):
		return layers.Invalid("name", "has 2 to 60 small letters, digits, dots, hyphens or underscores, and begins with a letter or a digit")
	case n.Display == "" || utf8.RuneCountInString(n.Display) > 100:
		return layers.Invalid("display", "has 1 to 100 characters")
	case utf8.RuneCountInString(n.DisplayEn) > 100:
		return layers.Invalid("displayEn", "has at most 100 characters")
	}
	return nil
}

// Create makes an account without a password and without a right.
func (a *Accounts) Create(ctx context.Context, actor string, n Named) (id int64, err error) {
	err = a.write(ctx, actor, "create account", func(tx *ledger.Tx) (int64, error) {
		id, err = a.create(ctx, tx, actor, n, "", false)
		return id, err
	})
	return id, err
}

func (a *Accounts) create(ctx context.Context, tx *ledger.Tx, actor string, n Named, hash string, demo bool) (id int64, err error) {
	if err := n.check(); err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, accountPutSQL, n.Name, n.Display, n.DisplayEn, hash, demo, actor, a.Now()).Scan(&id)
	if violates(err, "account_name_key") {
		return 0, &layers.Error{Code: layers.CodeConflict, Field: "name", Message: "is taken by another account"}
	}
	return id, err
}

// write does something to one account in a transaction of the ledger; at its end every server looks at that account
// anew.
func (a *Accounts) write(ctx context.Context, actor, reason string, do func(*ledger.Tx) (int64, error)) error {
	var id int64
	_, err := a.ledger.Write(ctx, ledger.Act{Actor: actor, Reason: reason}, func(tx *ledger.Tx) (err error) {
		if id, err = do(tx); err != nil {
			return err
		}
		return changed(ctx, tx, id)
	})
	if err != nil {
		return ledger.Problem("account", err)
	}
	a.touch(id)
	return nil
}

// changed adds to a transaction that something of an account has changed, and tells the servers when it commits.
func changed(ctx context.Context, tx *ledger.Tx, id int64) error {
	tx.Record(layers.Change{Kind: layers.KindAccount, Op: layers.OpPut, FeatureID: id})
	_, err := tx.Exec(ctx, notifySQL, strconv.FormatInt(id, 10))
	return err
}

// Grant gives a role on a place from now on. The zero Until is: until it is revoked.
func (a *Accounts) Grant(ctx context.Context, actor string, account int64, g Grant, reason string) (id int64, err error) {
	err = a.write(ctx, actor, "grant "+string(g.Role), func(tx *ledger.Tx) (int64, error) {
		id, err = a.grant(ctx, tx, actor, account, g, reason)
		return account, err
	})
	return id, err
}

func (a *Accounts) grant(ctx context.Context, tx *ledger.Tx, actor string, account int64, g Grant, reason string) (id int64, err error) {
	now := a.Now()
	rule := RuleOf(g.Role)
	if rule == nil {
		return 0, layers.Invalid("role", "is none of the roles")
	}
	if err := rule.checkDepartment(g.Department); err != nil {
		return 0, err
	}
	switch {
	case !g.Until.IsZero() && !g.Until.After(now):
		return 0, layers.Invalid("until", "is over already")
	case strings.TrimSpace(reason) == "" || utf8.RuneCountInString(reason) > 500:
		return 0, layers.Invalid("reason", "has 1 to 500 characters")
	case actor == Actor(account):
		return 0, layers.Forbidden("nobody grants something to themselves")
	}
	if g.From.IsZero() {
		g.From = now
	}
	if err := lock(ctx, tx, account); err != nil {
		return 0, err
	}
	held, err := a.grants(ctx, tx, account)
	if err != nil {
		return 0, err
	}
	if err := rule.beside(held); err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, grantPutSQL, account, string(g.Role), int32(g.Place), g.Department, g.From, until(g.Until), reason, actor, now).Scan(&id)
	return id, err
}

// beside refuses a role that must not be held together with those that are.
func (r *Rule) beside(held []Grant) error {
	for i := range held {
		other := RuleOf(held[i].Role)
		switch {
		case other == nil || other.Role == r.Role:
		case r.Alone || other.Alone:
			return &layers.Error{Code: layers.CodeConflict, Field: "role", Message: fmt.Sprintf("%s and %s are never held by one account", r.Role, other.Role)}
		case r.Separate && other.SeesPersons() || other.Separate && r.SeesPersons():
			return &layers.Error{Code: layers.CodeConflict, Field: "role", Message: fmt.Sprintf("%s and %s, who sees records of people, are never held by one account", r.Role, other.Role)}
		}
	}
	return nil
}

// grants are those of an account that are in force or to come.
func (a *Accounts) grants(ctx context.Context, q queryer, account int64) ([]Grant, error) {
	rows, err := q.Query(ctx, accountGrantsSQL, account, a.Now())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (g Grant, err error) {
		var ends *time.Time
		err = r.Scan(&g.ID, &g.Role, &g.Place, &g.Department, &g.From, &ends)
		if ends != nil {
			g.Until = *ends
		}
		return g, err
	})
}

// queryer is a pool or a transaction.
type queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

var lockSQL = sql.Text("account/lock.sql")

// lock orders the writers of one account.
func lock(ctx context.Context, tx *ledger.Tx, account int64) error {
	var id int64
	err := tx.QueryRow(ctx, lockSQL, account).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return layers.NotFound("account")
	}
	return err
}

func until(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
