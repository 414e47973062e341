package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/layers/personal"
	"onepicture/sql"
)

var (
	inSQL         = sql.Text("webhook/in.sql")
	putInSQL      = sql.Text("webhook/put_in.sql")
	startSQL      = sql.Text("webhook/start_cursor.sql")
	putOutSQL     = sql.Text("webhook/put_out.sql")
	listSQL       = sql.Text("webhook/list.sql")
	deadSQL       = sql.Text("webhook/dead.sql")
	retrySQL      = sql.Text("webhook/retry.sql")
	secretsColumn = personal.Column("webhook.secret")
)

// Hooks are the webhooks of one database. They need the owner's pool: requests may not read what waits.
type Hooks struct {
	pool   *pgxpool.Pool
	ledger *ledger.Ledger
	keys   *personal.Keys
	hosts  []string
	now    func() time.Time
	client *http.Client
}

// New are webhooks that go out to the named hosts only, "name" or "name:port"; to none when there is no name.
func New(pool *pgxpool.Pool, l *ledger.Ledger, keys *personal.Keys, hosts []string, now func() time.Time) *Hooks {
	return &Hooks{pool: pool, ledger: l, keys: keys, hosts: hosts, now: now, client: &http.Client{
		Timeout:       15 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // to no other host
		Transport:     &http.Transport{Proxy: nil, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, ResponseHeaderTimeout: 10 * time.Second},
	}}
}

// Types of messages that go out.
var Types = []string{"event.reported", "event.changed", "event.closed"}

// In is a system that reports.
type In struct {
	Code, Name string
	Mapping    Mapping
	Enabled    bool
}

// Out is a system that is told.
type Out struct {
	Code, URL, Place string
	Types            []string
	Enabled          bool
}

// Listed is a webhook as lists show it, without its secret.
type Listed struct {
	Way, Code, Name, URL string
	Types                []string
	Place                string
	Enabled              bool
	Waiting, Dead        int64
}

// Dead is a message that nobody took.
type Dead struct {
	ID, Seq  int64
	Attempts int
	At       time.Time
	Outcome  string
}

var code = regexp.MustCompile(`^[a-z0-9_-]{1,60}$`)

func allowed(scope layers.Scope) error {
	if !scope.Rights.Has(layers.RightSources) {
		return layers.Forbidden("this account may not look after webhooks")
	}
	return nil
}

// seal keeps a secret. It is bound to the webhook's code by the row's place in the column alone: ids come later.
func (h *Hooks) seal(secret string) ([]byte, error) {
	if h.keys == nil {
		return nil, layers.Unavailable(0, "this server has no keys to seal secrets with", nil)
	}
	return h.keys.Sealer().Seal(secretsColumn, 0, []byte(secret))
}

func (h *Hooks) open(sealed []byte) ([]byte, error) {
	if h.keys == nil {
		return nil, layers.Unavailable(0, "this server has no keys to open secrets with", nil)
	}
	secret, err := h.keys.Open(secretsColumn, 0, sealed)
	if err != nil {
		return nil, err
	}
	b, ok := secretBytes(secret)
	if !ok {
		return nil, errors.New("a webhook's secret is none")
	}
	return b, nil
}

// PutIn adds or changes a system that reports, and gives its new secret; it is not told again.
func (h *Hooks) PutIn(ctx context.Context, scope layers.Scope, in In) (secret string, err error) {
	if err := allowed(scope); err != nil {
		return "", err
	}
	if !code.MatchString(in.Code) || in.Name == "" || len(in.Name) > 200 {
		return "", layers.Invalid("name", "is missing, or the code is not of a-z, 0-9, _ and -")
	}
	if err := in.Mapping.Check(); err != nil {
		return "", err
	}
	mapping, err := json.Marshal(in.Mapping)
	if err != nil {
		return "", fmt.Errorf("write the mapping: %w", err)
	}
	return h.put(ctx, scope, "webhook in", func(ctx context.Context, tx *ledger.Tx, sealed []byte) pgx.Row {
		return tx.QueryRow(ctx, putInSQL, in.Code, in.Name, sealed, mapping, in.Enabled)
	})
}

// PutOut adds or changes a system that is told, and gives its new secret.
func (h *Hooks) PutOut(ctx context.Context, scope layers.Scope, out Out) (secret string, err error) {
	if err := allowed(scope); err != nil {
		return "", err
	}
	if !code.MatchString(out.Code) {
		return "", layers.Invalid("code", "is not of a-z, 0-9, _ and -")
	}
	if err := h.reachable(out.URL); err != nil {
		return "", err
	}
	for _, t := range out.Types {
		if !slices.Contains(Types, t) {
			return "", layers.Invalid("types", "are some of %s", strings.Join(Types, ", "))
		}
	}
	if len(out.Types) == 0 {
		return "", layers.Invalid("types", "are missing")
	}
	return h.put(ctx, scope, "webhook out", func(ctx context.Context, tx *ledger.Tx, sealed []byte) pgx.Row {
		return tx.QueryRow(ctx, putOutSQL, out.Code, out.URL, sealed, out.Types, out.Place, out.Enabled)
	})
}

func (h *Hooks) put(ctx context.Context, scope layers.Scope, reason string, row func(context.Context, *ledger.Tx, []byte) pgx.Row) (string, error) {
	secret := NewSecret()
	sealed, err := h.seal(secret)
	if err != nil {
		return "", err
	}
	_, err = h.ledger.Write(ctx, ledger.Act{Actor: scope.Actor, Reason: reason}, func(tx *ledger.Tx) error {
		if _, err := tx.Exec(ctx, startSQL); err != nil {
			return fmt.Errorf("begin to tell: %w", err)
		}
		var id int64
		if err := row(ctx, tx, sealed).Scan(&id); err != nil {
			return fmt.Errorf("put the webhook: %w", err)
		}
		tx.Record(layers.Change{Kind: layers.KindAccount, Op: layers.OpPut, FeatureID: id, Fields: []string{reason}})
		return nil
	})
	if err != nil {
		return "", ledger.Problem("webhook", err)
	}
	return secret, nil
}

// reachable refuses addresses that the administrator has not named. Outside of this machine they must be https.
func (h *Hooks) reachable(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" || len(address) > 1000 {
		return layers.Invalid("url", "is not an address of a system")
	}
	if !slices.Contains(h.hosts, u.Host) && !slices.Contains(h.hosts, u.Hostname()) {
		return layers.Invalid("url", "is of a host that the administrator has not named (--webhook-hosts)")
	}
	local := u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1"
	if u.Scheme != "https" && !local {
		return layers.Invalid("url", "must begin with https://")
	}
	return nil
}

// List are all webhooks.
func (h *Hooks) List(ctx context.Context, scope layers.Scope) ([]Listed, error) {
	if err := allowed(scope); err != nil {
		return nil, err
	}
	rows, err := h.pool.Query(ctx, listSQL)
	if err != nil {
		return nil, ledger.Problem("webhooks", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Listed])
	return list, ledger.Problem("webhooks", err)
}

// DeadLetters are the messages of a webhook that nobody took, at most 200.
func (h *Hooks) DeadLetters(ctx context.Context, scope layers.Scope, code string) ([]Dead, error) {
	if err := allowed(scope); err != nil {
		return nil, err
	}
	rows, err := h.pool.Query(ctx, deadSQL, code)
	if err != nil {
		return nil, ledger.Problem("webhook", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Dead])
	return list, ledger.Problem("webhook", err)
}

// Retry sends dead messages of a webhook again, and tells how many.
func (h *Hooks) Retry(ctx context.Context, scope layers.Scope, code string) (int64, error) {
	if err := allowed(scope); err != nil {
		return 0, err
	}
	tag, err := h.pool.Exec(ctx, retrySQL, code, h.now())
	return tag.RowsAffected(), ledger.Problem("webhook", err)
}

// Take verifies a message of a system that reports. The id is its key: the same message again is the same report.
func (h *Hooks) Take(ctx context.Context, code string, header http.Header, body []byte) (r Report, id string, err error) {
	var n int
	var sealed, mapping []byte
	err = h.pool.QueryRow(ctx, inSQL, code).Scan(&n, &sealed, &mapping)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, "", errUnsigned // which codes there are is not told
	}
	if err != nil {
		return r, "", ledger.Problem("webhook", err)
	}
	secret, err := h.open(sealed)
	if err != nil {
		return r, "", err
	}
	if id, err = Verify(secret, header, body, h.now()); err != nil {
		return r, "", err
	}
	var m Mapping
	if err := json.Unmarshal(mapping, &m); err != nil {
		return r, "", fmt.Errorf("read the mapping: %w", err)
	}
	r, err = m.Apply(body)
	return r, id, err
}
