package account

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	identityPutSQL  = sql.Text("account/identity_put.sql")
	identityDropSQL = sql.Text("account/identity_drop.sql")
	identityOfSQL   = sql.Text("account/identity_of.sql")
	identityFindSQL = sql.Text("account/identity_find.sql")
	identityBindSQL = sql.Text("account/identity_bind.sql")
	identityUseSQL  = sql.Text("account/identity_use.sql")
)

// Identity is whom an account is expected to be at a sign-in provider: the subject, or the name until the first sign-in
// by it tells the subject. It carries no rights.
type Identity struct{ Issuer, Subject, Name string }

func (i Identity) check() error {
	for field, text := range map[string]string{"subject": i.Subject, "name": i.Name} {
		if len(text) > 255 || !utf8.ValidString(text) {
			return layers.Invalid(field, "has at most 255 bytes")
		}
	}
	if i.Issuer == "" || i.Subject == "" && i.Name == "" {
		return layers.Invalid("name", "is missing: say the name or the subject at the provider")
	}
	return nil
}

// Expect says whom an account is at a provider, in the place of what was said before; its sessions end.
func (a *Accounts) Expect(ctx context.Context, actor string, account int64, i Identity) error {
	if err := i.check(); err != nil {
		return err
	}
	return a.identify(ctx, actor, account, "link identity", func(tx *ledger.Tx) error {
		if err := lock(ctx, tx, account); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, identityPutSQL, i.Issuer, i.Subject, i.Name, account, actor, a.Now())
		if violates(err, "oidc_identity_issuer_subject_key") || violates(err, "oidc_identity_issuer_name_key") {
			return &layers.Error{Code: layers.CodeConflict, Field: "name", Message: "is another account's at this provider"}
		}
		return err
	})
}

// Forget lets nobody come in by the provider to an account; its sessions end. The last one that administers everything
// keeps its only way in.
func (a *Accounts) Forget(ctx context.Context, actor string, account int64, issuer string) error {
	return a.identify(ctx, actor, account, "unlink identity", func(tx *ledger.Tx) error {
		var stored string
		var disabled bool
		if err := tx.QueryRow(ctx, passwordSQL, account).Scan(&stored, &disabled); err != nil {
			return err
		}
		if stored == "" {
			if err := a.spare(ctx, tx, account); err != nil {
				return err
			}
		}
		if err := lock(ctx, tx, account); err != nil {
			return err
		}
		t, err := tx.Exec(ctx, identityDropSQL, issuer, account)
		if err == nil && t.RowsAffected() == 0 {
			err = layers.NotFound("identity")
		}
		return err
	})
}

func (a *Accounts) identify(ctx context.Context, actor string, account int64, reason string, do func(*ledger.Tx) error) error {
	if actor == Actor(account) {
		return layers.Forbidden("nobody changes by whom their own account is opened")
	}
	return a.write(ctx, actor, reason, func(tx *ledger.Tx) (int64, error) {
		if err := do(tx); err != nil {
			return 0, err
		}
		_, err := tx.Exec(ctx, sessionsEndSQL, account, a.Now(), "administrator", 0)
		return account, err
	})
}

// Identities are whom an account is at providers.
func (a *Accounts) Identities(ctx context.Context, account int64) ([]Identity, error) {
	rows, err := a.pool.Query(ctx, identityOfSQL, account)
	if err != nil {
		return nil, ledger.Problem("identity", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Identity])
	return list, ledger.Problem("identity", err)
}

var errStranger = &layers.Error{Code: layers.CodeNotFound, Message: "no account here expects you: ask an administrator to link yours"}

// SignInBy opens a session for whom a provider has named, when an account expects them. No account is made and no right
// given. Unknown and disabled accounts are one answer. replaces is as in SignIn.
func (a *Accounts) SignInBy(ctx context.Context, p Proof, c Client, replaces Token) (t Token, id int64, err error) {
	used, err := a.pool.Exec(ctx, identityUseSQL, p.once[:], a.Now())
	switch {
	case err != nil:
		return "", 0, ledger.Problem("session", err)
	case used.RowsAffected() == 0:
		return "", 0, errWay
	}
	var identity int64
	var fresh bool
	err = a.pool.QueryRow(ctx, identityFindSQL, p.Issuer, p.Subject, p.Name, a.Demo).Scan(&identity, &id, &fresh)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", 0, errStranger
	}
	if err != nil {
		return "", 0, ledger.Problem("account", err)
	}
	if fresh {
		if err := a.bind(ctx, identity, id, p); err != nil {
			return "", 0, err
		}
	}
	if t, err = a.begin(ctx, id, "oidc", c, replaces); err != nil {
		return "", 0, ledger.Problem("session", err)
	}
	return t, id, nil
}

// bind keeps the subject that came first by a name: whoever bears the name later is somebody else.
func (a *Accounts) bind(ctx context.Context, identity, account int64, p Proof) error {
	return a.write(ctx, Actor(account), "bind identity", func(tx *ledger.Tx) (int64, error) {
		t, err := tx.Exec(ctx, identityBindSQL, identity, p.Subject, p.Name)
		if err == nil && t.RowsAffected() == 0 || violates(err, "oidc_identity_issuer_subject_key") {
			return 0, errStranger
		}
		return account, err
	})
}
