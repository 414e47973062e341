package account

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	linkPutSQL   = sql.Text("account/link_put.sql")
	linkLookSQL  = sql.Text("account/link_look.sql")
	linkUseSQL   = sql.Text("account/link_use.sql")
	linksVoidSQL = sql.Text("account/links_void.sql")
)

// Longest password that is looked at, in bytes.
const maxPassword = 256

var errWrong = &layers.Error{Code: layers.CodeUnauthenticated, Message: "this name with this password is not known"}

// SignIn opens a session for who knows the password. Unknown names, disabled accounts and wrong passwords are one
// answer, and take the same time. id is the account. replaces is the token that the browser carried before; its session ends.
func (a *Accounts) SignIn(ctx context.Context, name, password string, c Client, replaces Token) (t Token, id int64, err error) {
	if name = tidy(name); !names.MatchString(name) || len(password) > maxPassword {
		name, password = "", "" // nobody has it; it takes as long as any other
	}
	l, err := a.throttle.begin(ctx, name, c.Network)
	if err != nil {
		return "", 0, err
	}
	var stored string
	var barred bool
	err = a.pool.QueryRow(ctx, byNameSQL, name, a.Demo).Scan(&id, &stored, &barred)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		a.throttle.undone(ctx, name, c.Network)
		return "", 0, ledger.Problem("account", err)
	}
	if err != nil || barred {
		stored = ""
	}
	ok, old, err := a.hasher.verify(ctx, l, stored, password)
	switch {
	case err != nil:
		a.throttle.undone(ctx, name, c.Network)
		return "", 0, err
	case !ok:
		a.failed(id)
		return "", 0, errWrong
	}
	if err := a.throttle.succeeded(ctx, name, c.Network); err != nil {
		return "", 0, err
	}
	if old {
		if err := a.rehash(ctx, id, stored, password); err != nil {
			return "", 0, err
		}
	}
	if t, err = a.begin(ctx, id, "password", c, replaces); err != nil {
		return "", 0, ledger.Problem("session", err)
	}
	return t, id, nil
}

// rehash stores a password at today's cost.
func (a *Accounts) rehash(ctx context.Context, id int64, stored, password string) error {
	hash, err := a.hasher.stretch(ctx, password)
	if err != nil {
		return err
	}
	if _, err := a.pool.Exec(ctx, rehashSQL, id, stored, hash); err != nil {
		return ledger.Problem("account", err)
	}
	return nil
}

// LinkTime is how long a one-time link can be used.
const LinkTime = 72 * time.Hour

// Link makes a one-time link's token, by which the account's holder sets a password. Earlier links become void.
func (a *Accounts) Link(ctx context.Context, actor string, account int64) (t Token, err error) {
	err = a.write(ctx, actor, "sign-in link", func(tx *ledger.Tx) (int64, error) {
		t, err = a.link(ctx, tx, actor, account)
		return account, err
	})
	return t, err
}

func (a *Accounts) link(ctx context.Context, tx *ledger.Tx, actor string, account int64) (Token, error) {
	if err := lock(ctx, tx, account); err != nil {
		return "", err
	}
	t, d := newToken()
	now := a.Now()
	if _, err := tx.Exec(ctx, linksVoidSQL, account, now); err != nil {
		return "", err
	}
	_, err := tx.Exec(ctx, linkPutSQL, d[:], account, actor, now, now.Add(LinkTime))
	return t, err
}

var errLink = &layers.Error{Code: layers.CodeNotFound, Message: "this link was used already, is over, or was replaced by a newer one; ask for another"}

// LinkName is the sign-in name of the account that a link is for.
func (a *Accounts) LinkName(ctx context.Context, t Token) (name string, err error) {
	d, ok := digestOf(t)
	if !ok {
		return "", errLink
	}
	var id int64
	err = a.pool.QueryRow(ctx, linkLookSQL, d[:], a.Now()).Scan(&id, &name)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", errLink
	}
	if err != nil {
		return "", ledger.Problem("link", err)
	}
	return name, nil
}

// UseLink sets the password of the account that a link is for, ends its sessions and opens a new one.
func (a *Accounts) UseLink(ctx context.Context, t Token, password string, c Client, replaces Token) (session Token, id int64, err error) {
	name, err := a.LinkName(ctx, t)
	if err != nil {
		return "", 0, err
	}
	if err := fit(password, name); err != nil {
		return "", 0, err
	}
	hash, err := a.hasher.stretch(ctx, password)
	if err != nil {
		return "", 0, err
	}
	d, _ := digestOf(t)
	err = a.write(ctx, "start", "password by link", func(tx *ledger.Tx) (int64, error) {
		var by string
		var made time.Time
		now := a.Now()
		err := tx.QueryRow(ctx, linkUseSQL, d[:], now).Scan(&id, &by, &made)
		if errors.Is(err, pgx.ErrNoRows) {
			return 0, errLink
		}
		if err != nil {
			return 0, err
		}
		return id, a.putPassword(ctx, tx, id, hash, 0, "link")
	})
	if err != nil {
		return "", 0, err
	}
	if session, err = a.begin(ctx, id, "link", c, replaces); err != nil {
		return "", 0, ledger.Problem("session", err)
	}
	return session, id, nil
}

var sessionsEndSQL = sql.Text("account/sessions_end.sql")

// putPassword stores a password's hash and ends all sessions but one.
func (a *Accounts) putPassword(ctx context.Context, tx *ledger.Tx, account int64, hash string, but int64, why string) error {
	now := a.Now()
	if _, err := tx.Exec(ctx, passwordPutSQL, account, hash, now); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, sessionsEndSQL, account, now, why, but)
	return err
}

// First makes the first administrator when there is no account, and gives the token of their link; "" when there is one
// already.
func (a *Accounts) First(ctx context.Context) (t Token, err error) {
	var exist bool
	if err := a.pool.QueryRow(ctx, accountsExistSQL).Scan(&exist); err != nil || exist {
		return "", ledger.Problem("account", err)
	}
	err = a.write(ctx, "start", "first administrator", func(tx *ledger.Tx) (int64, error) {
		id, err := a.create(ctx, tx, "start", Named{Name: "administrator", Display: "系统管理员", DisplayEn: "Administrator"}, "", false)
		if err != nil {
			return 0, err
		}
		if _, err := a.grant(ctx, tx, "start", id, Grant{Role: Administrator}, "first start"); err != nil {
			return 0, err
		}
		t, err = a.link(ctx, tx, "start", id)
		return id, err
	})
	if layers.CodeOf(err) == layers.CodeConflict { // another server was first
		return "", nil
	}
	return t, err
}

// violates tells that a constraint refused a row.
func violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && strings.HasPrefix(pg.Code, "23") && pg.ConstraintName == constraint
}
