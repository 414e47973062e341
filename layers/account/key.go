package account

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	keyPutSQL    = sql.Text("account/key_put.sql")
	keySQL       = sql.Text("account/key.sql")
	keyGrantSQL  = sql.Text("account/key_grant.sql")
	keyEndSQL    = sql.Text("account/key_end.sql")
	keyRevokeSQL = sql.Text("account/key_revoke.sql")
	keysSQL      = sql.Text("account/keys.sql")
	keysUsedSQL  = sql.Text("account/keys_used.sql")
)

// keyMark begins every service key, so that one that was put where it does not belong can be found.
const keyMark = "op1_"

// KeyTime is how long a key holds at most.
const KeyTime = 400 * day

// KeyActor is the code by which a key is known outside.
func KeyActor(id int64) string { return "k" + strconv.FormatInt(id, 10) }

// Key is a service key without its secret.
type Key struct {
	ID               int64
	Prefix, Title    string
	Grant            Grant // of the key's role; ID is 0
	CreatedBy        string
	Created, Expires time.Time
	RotatedFrom      int64
	Used, Revoked    time.Time // zero: never
}

// NewKey says what a key is for.
type NewKey struct {
	Title      string
	Role       Role
	Place      layers.PlaceID
	Department int16
	Expires    time.Time
}

func (k *NewKey) check(now time.Time) error {
	rule := RuleOf(k.Role)
	switch {
	case strings.TrimSpace(k.Title) == "" || utf8.RuneCountInString(k.Title) > 100:
		return layers.Invalid("title", "has 1 to 100 characters")
	case rule == nil || !rule.Key:
		return layers.Invalid("role", "is none that a key may hold: wall, town_duty, department_officer, city_duty, analyst, data_steward")
	case !k.Expires.After(now) || k.Expires.Sub(now) > KeyTime:
		return layers.Invalid("expires", "lies within the next 400 days")
	}
	return rule.checkDepartment(k.Department)
}

// CreateKey makes a key and gives its text, which is shown once and stored nowhere.
func (a *Accounts) CreateKey(ctx context.Context, actor string, k NewKey) (id int64, text string, err error) {
	if err := k.check(a.Now()); err != nil {
		return 0, "", err
	}
	err = a.write(ctx, actor, "service key", func(tx *ledger.Tx) (int64, error) {
		id, text, err = a.putKey(ctx, tx, actor, k, 0)
		return -id, err
	})
	return id, text, err
}

func (a *Accounts) putKey(ctx context.Context, tx *ledger.Tx, actor string, k NewKey, from int64) (id int64, text string, err error) {
	prefix := base32.StdEncoding.EncodeToString(random(5))
	secret := random(tokenBytes)
	d := sha256.Sum256(secret)
	err = tx.QueryRow(ctx, keyPutSQL, prefix, d[:], k.Title, string(k.Role), int32(k.Place), actor, a.Now(), k.Expires, from, k.Department).Scan(&id)
	return id, keyMark + prefix + "_" + base64.RawURLEncoding.EncodeToString(secret), err
}

// RotateKey makes a key of the same kind and lets the old one end after the overlap.
func (a *Accounts) RotateKey(ctx context.Context, actor string, key int64, overlap time.Duration, expires time.Time) (id int64, text string, err error) {
	err = a.write(ctx, actor, "rotate service key", func(tx *ledger.Tx) (int64, error) {
		k := NewKey{Expires: expires}
		now := a.Now()
		err := tx.QueryRow(ctx, keyEndSQL, key, now.Add(overlap), now).Scan(&k.Title, &k.Role, &k.Place, &k.Department)
		if errors.Is(err, pgx.ErrNoRows) {
			return 0, layers.NotFound("key in force")
		}
		if err != nil {
			return 0, err
		}
		if err := k.check(now); err != nil {
			return 0, err
		}
		id, text, err = a.putKey(ctx, tx, actor, k, key)
		return -key, err
	})
	return id, text, err
}

// RevokeKey ends a key on every server at once.
func (a *Accounts) RevokeKey(ctx context.Context, actor string, key int64) error {
	return a.write(ctx, actor, "revoke service key", func(tx *ledger.Tx) (int64, error) {
		t, err := tx.Exec(ctx, keyRevokeSQL, key, actor, a.Now())
		if err == nil && t.RowsAffected() == 0 {
			err = layers.NotFound("key in force")
		}
		return -key, err
	})
}

// Keys are all keys, the newest first.
func (a *Accounts) Keys(ctx context.Context) ([]Key, error) {
	rows, err := a.pool.Query(ctx, keysSQL)
	if err != nil {
		return nil, ledger.Problem("key", err)
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (k Key, err error) {
		var used, revoked *time.Time
		err = r.Scan(&k.ID, &k.Prefix, &k.Title, &k.Grant.Role, &k.Grant.Place, &k.Grant.Department, &k.CreatedBy, &k.Created, &k.Expires, &k.RotatedFrom, &used, &revoked)
		k.Grant.From, k.Grant.Until = k.Created, k.Expires
		k.Used, k.Revoked = orZero(used), orZero(revoked)
		return k, err
	})
	if err != nil {
		return nil, ledger.Problem("key", err)
	}
	return list, nil
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// keyDigest reads a key's text; ok is false for what is none. It makes no garbage.
func keyDigest(text string) (d digest, ok bool) {
	rest, marked := strings.CutPrefix(text, keyMark)
	if !marked || len(rest) < 9 || rest[8] != '_' {
		return d, false
	}
	return digestOf(Token(rest[9:]))
}

// OpenKey finds the key of a text, as Open does a session.
func (a *Accounts) OpenKey(ctx context.Context, text string) (Pass, layers.Scope, error) {
	d, ok := keyDigest(text)
	if !ok {
		return Pass{}, layers.Scope{}, errKey
	}
	s := a.sessions.find(d)
	if s == nil {
		var err error
		if s, err = a.look(ctx, d, a.readKey); err != nil {
			if errors.Is(err, errSignIn) {
				err = errKey
			}
			return Pass{}, layers.Scope{}, err
		}
	}
	if s.holder.account > 0 { // a session's token is no key
		return Pass{}, layers.Scope{}, errKey
	}
	return a.pass(ctx, s, true)
}

var errKey = &layers.Error{Code: layers.CodeUnauthenticated, Message: "this service key is not known, was revoked or is over"}

// forever is the idle time of keys, which have none.
const forever = time.Duration(1<<63 - 1)

// readKey gives the key in force of the database; nil when there is none.
func (a *Accounts) readKey(ctx context.Context, d digest) (*session, error) {
	s := &session{hash: d, idle: forever}
	var id int64
	var expires time.Time
	var used *time.Time
	err := a.pool.QueryRow(ctx, keySQL, d[:], a.Now()).Scan(&id, &expires, &used)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s.id, s.holder = id, a.holder(-id)
	s.expires.Store(expires.UnixNano())
	s.seen.Store(a.Now().UnixNano())
	s.told.Store(orZero(used).UnixNano())
	s.checked.Store(unchecked)
	return s, nil
}

// keyGrants is what a key is granted.
func (a *Accounts) keyGrants(ctx context.Context, id int64) ([]Grant, error) {
	var g Grant
	err := a.pool.QueryRow(ctx, keyGrantSQL, id, a.Now()).Scan(&g.Role, &g.Place, &g.Department, &g.From, &g.Until)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return []Grant{g}, err
}
