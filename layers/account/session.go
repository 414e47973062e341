package account

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	sessionSQL      = sql.Text("account/session.sql")
	sessionPutSQL   = sql.Text("account/session_put.sql")
	sessionEndSQL   = sql.Text("account/session_end.sql")
	sessionsSeenSQL = sql.Text("account/sessions_seen.sql")
	sessionsTrimSQL = sql.Text("account/sessions_trim.sql")
)

// Most sessions of one account; beyond them the one that was longest unused ends. Walls share theirs.
const (
	mostSessions     = 20
	mostWallSessions = 500
)

const tokenBytes = 32

// Token is the secret that a browser carries. It is stored nowhere else.
type Token string

func newToken() (Token, digest) {
	t := random(tokenBytes)
	return Token(base64.RawURLEncoding.EncodeToString(t)), sha256.Sum256(t)
}

// digestOf is a token's digest; ok is false for what is no token. It makes no garbage.
func digestOf(t Token) (d digest, ok bool) {
	const length = (tokenBytes*8 + 5) / 6
	var text [length]byte
	var secret [tokenBytes]byte
	if len(t) != length {
		return d, false
	}
	copy(text[:], t)
	if n, err := base64.RawURLEncoding.Strict().Decode(secret[:], text[:]); err != nil || n != tokenBytes {
		return d, false
	}
	return sha256.Sum256(secret[:]), true
}

// Client is from where somebody comes, as far as it is kept.
type Client struct {
	Network string // of the address, /24 or /56
	Agent   string // kind of browser and system, in two words
}

// holder is an account of which a session is in memory, or a key.
type holder struct {
	account int64         // a key's number with a minus
	version atomic.Uint64 // of its grants and sessions: grows with each word that they have changed

	mu      sync.Mutex
	changed chan struct{} // closed by the next such word
	holding atomic.Pointer[holding]
}

// holding is what an account's grants meant at one moment.
type holding struct {
	version uint64
	tree    *layers.Tree
	until   time.Time // zero: it does not change by itself
	scope   layers.Scope
	alone   bool // nobody touches its page: what that asks by itself is its use
}

// session is an open one, or a key in force, as this server knows it.
type session struct {
	id      int64
	hash    digest
	holder  *holder
	idle    time.Duration
	expires atomic.Int64  // Unix nanoseconds, as the next two
	seen    atomic.Int64  // last request here
	told    atomic.Int64  // last request that the database knows of
	checked atomic.Uint64 // version of the holder at which the database knew it
	over    atomic.Bool
}

// Pass is what a token opens: who holds it and, at this moment, what they may see.
type Pass struct {
	accounts *Accounts
	session  *session
}

var errSignIn = &layers.Error{Code: layers.CodeUnauthenticated, Message: "sign in first, or again: nobody is signed in, or the session is over"}

// Open finds the session of a token. While it is in memory that takes no database and makes no garbage. A request that
// nobody attended, which a page sent by itself, is no use of the session.
func (a *Accounts) Open(ctx context.Context, t Token, attended bool) (Pass, layers.Scope, error) {
	d, ok := digestOf(t)
	if !ok {
		return Pass{}, layers.Scope{}, errSignIn
	}
	s := a.sessions.find(d)
	if s == nil {
		var err error
		if s, err = a.look(ctx, d, a.read); err != nil {
			return Pass{}, layers.Scope{}, err
		}
	}
	if s.holder.account < 0 { // a key's secret is no cookie
		return Pass{}, layers.Scope{}, errSignIn
	}
	return a.pass(ctx, s, attended)
}

// pass gives what a session or key opens, and notes that it is used.
func (a *Accounts) pass(ctx context.Context, s *session, attended bool) (Pass, layers.Scope, error) {
	p := Pass{a, s}
	now := a.Now()
	at := now.UnixNano()
	fresh := at-s.seen.Load() <= int64(time.Second)
	if !fresh && (at >= s.expires.Load() || at-s.seen.Load() > int64(s.idle)) {
		a.end(s)
		return Pass{}, layers.Scope{}, errSignIn
	}
	scope, err := p.scope(ctx, now)
	if !fresh && err == nil && (attended || s.holder.holding.Load().alone) {
		s.seen.Store(at)
	}
	return p, scope, err
}

// Scope is what the pass opens at this moment; an error when it opens nothing any more. It does not count as a request:
// a page that only listens lets the session end.
func (p Pass) Scope(ctx context.Context) (layers.Scope, error) {
	now := p.accounts.Now()
	if at := now.UnixNano(); at >= p.session.expires.Load() || at-p.session.seen.Load() > int64(p.session.idle) {
		p.accounts.end(p.session)
	}
	return p.scope(ctx, now)
}

// Changed is closed when the account's sessions or grants have changed: ask Scope again.
func (p Pass) Changed() <-chan struct{} { return p.session.holder.next() }

// Account is the id of the account; ok is false for a key.
func (p Pass) Account() (id int64, ok bool) {
	if p.session == nil || p.session.holder.account <= 0 {
		return 0, false
	}
	return p.session.holder.account, true
}

func (p Pass) scope(ctx context.Context, now time.Time) (layers.Scope, error) {
	s, h := p.session, p.session.holder
	if v := h.version.Load(); s.checked.Load() != v {
		if err := p.accounts.confirm(ctx, s, v); err != nil {
			return layers.Scope{}, err
		}
	}
	if s.over.Load() {
		return layers.Scope{}, errSignIn
	}
	if g := h.holding.Load(); g != nil && g.version == h.version.Load() && g.tree == p.accounts.Tree() && (g.until.IsZero() || now.Before(g.until)) {
		return g.scope, nil
	}
	return p.accounts.hold(ctx, h)
}

// confirm asks the database whether the session is still open, after a word that its account has changed.
func (a *Accounts) confirm(ctx context.Context, s *session, version uint64) error {
	read := a.read
	if s.holder.account < 0 {
		read = a.readKey
	}
	known, err := read(ctx, s.hash)
	switch {
	case err != nil:
		return ledger.Problem("session", err)
	case known == nil:
		a.end(s)
		return errSignIn
	}
	s.expires.Store(known.expires.Load())
	s.checked.Store(version)
	return nil
}

// hold works out anew what an account may see.
func (a *Accounts) hold(ctx context.Context, h *holder) (layers.Scope, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	g := &holding{version: h.version.Load(), tree: a.Tree()}
	if g.tree == nil {
		return layers.Scope{}, layers.Unavailable(2*time.Second, "the index is being loaded; try again", nil)
	}
	actor, grants, err := Actor(h.account), []Grant(nil), error(nil)
	if h.account < 0 {
		actor = KeyActor(-h.account)
		grants, err = a.keyGrants(ctx, -h.account)
	} else {
		grants, err = a.grants(ctx, a.pool, h.account)
	}
	if err != nil {
		return layers.Scope{}, ledger.Problem("account", err)
	}
	now := a.Now()
	g.scope, g.until = scopeOf(actor, grants, g.tree, now)
	g.alone = slices.ContainsFunc(grants, func(x Grant) bool {
		rule := RuleOf(x.Role)
		return rule != nil && rule.Unattended && x.holds(now)
	})
	h.holding.Store(g)
	return g.scope, nil
}

func (h *holder) next() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.changed == nil {
		h.changed = make(chan struct{})
	}
	return h.changed
}

// touch makes everything that is known of an account doubtful; the next request asks the database.
func (a *Accounts) touch(account int64) {
	if known, ok := a.holders.Load(account); ok {
		if h, ok := known.(*holder); ok {
			h.touch()
		}
	}
}

func (h *holder) touch() {
	h.version.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.changed != nil {
		close(h.changed)
		h.changed = nil
	}
}

func (a *Accounts) touchAll() {
	a.holders.Range(func(_, known any) bool {
		if h, ok := known.(*holder); ok {
			h.touch()
		}
		return true
	})
}

func (a *Accounts) holder(account int64) *holder {
	known, _ := a.holders.LoadOrStore(account, &holder{account: account})
	h, _ := known.(*holder)
	return h
}

// end forgets a session that is over, wherever it is still held.
func (a *Accounts) end(s *session) {
	s.over.Store(true)
	a.sessions.drop(s)
}

// look finds a session that is not in memory: made at another server, or before this one began. So many wait at once
// that tokens without a meaning cannot take all connections.
func (a *Accounts) look(ctx context.Context, d digest, read func(context.Context, digest) (*session, error)) (*session, error) {
	select {
	case a.looking <- struct{}{}:
		defer func() { <-a.looking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s := a.sessions.find(d); s != nil {
		return s, nil
	}
	s, err := read(ctx, d)
	switch {
	case err != nil:
		return nil, ledger.Problem("session", err)
	case s == nil:
		return nil, errSignIn
	}
	return a.sessions.put(s), nil
}

// read gives the open session of the database; nil when there is none.
func (a *Accounts) read(ctx context.Context, d digest) (*session, error) {
	s := &session{hash: d}
	var account int64
	var seen, expires time.Time
	var idle float64
	now := a.Now()
	err := a.pool.QueryRow(ctx, sessionSQL, d[:], now, a.Demo).Scan(&s.id, &account, &seen, &idle, &expires)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s.holder = a.holder(account)
	// A word that comes between the query and this line is heard: the version is then another one at the next look. One
	// that came before it is in the answer, because it is told after its commit; one in between makes the look happen
	// once more, which costs a query and nothing else.
	s.idle = time.Duration(idle * float64(time.Second))
	s.expires.Store(expires.UnixNano())
	s.seen.Store(seen.UnixNano())
	s.told.Store(seen.UnixNano())
	s.checked.Store(unchecked)
	return s, nil
}

// unchecked is no version: the next look asks the database.
const unchecked = ^uint64(0)

// begin opens a session for an account that has shown who it is.
func (a *Accounts) begin(ctx context.Context, account int64, method string, c Client, replaces Token) (Token, error) {
	t, d := newToken()
	now := a.Now()
	grants, err := a.grants(ctx, a.pool, account)
	if err != nil {
		return "", err
	}
	var roles []Role
	most := mostSessions
	for i := range grants {
		if grants[i].holds(now) {
			roles = append(roles, grants[i].Role)
		}
		if grants[i].Role == Wall {
			most = mostWallSessions
		}
	}
	idle, absolute := limits(roles)
	tx, err := a.pool.Begin(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	var id int64
	if err := tx.QueryRow(ctx, sessionPutSQL, d[:], account, method, c.Network, c.Agent, now, idle.Seconds(), now.Add(absolute)).Scan(&id); err != nil {
		return "", err
	}
	if _, err := tx.Exec(ctx, sessionsTrimSQL, account, now, most); err != nil {
		return "", err
	}
	var failed int
	if err := tx.QueryRow(ctx, signedInSQL, account, now).Scan(&failed); err != nil {
		return "", err
	}
	if old, ok := digestOf(replaces); ok { // whoever signs in leaves nothing open behind the cookie that is overwritten
		if _, err := tx.Exec(ctx, sessionEndSQL, old[:], now, "replaced"); err != nil {
			return "", err
		}
		if s := a.sessions.find(old); s != nil {
			defer a.end(s)
		}
	}
	return t, tx.Commit(ctx)
}

// SignOut ends the session of a pass, on every server at once.
func (a *Accounts) SignOut(ctx context.Context, p Pass) error {
	s := p.session
	if _, ok := p.Account(); !ok {
		return layers.Forbidden("a service key has no session to end")
	}
	if _, err := a.pool.Exec(ctx, sessionEndSQL, s.hash[:], a.Now(), "sign_out"); err != nil {
		return ledger.Problem("session", err)
	}
	a.end(s)
	a.touch(s.holder.account)
	return a.tell(ctx, s.holder.account)
}
