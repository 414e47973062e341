package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	tryBeginSQL    = sql.Text("account/try_begin.sql")
	tryUndoSQL     = sql.Text("account/try_undo.sql")
	triesForgetSQL = sql.Text("account/tries_forget.sql")
)

// throttle slows down those who guess. What it counts is tries of one name from one network, of one network, and of one
// name from all networks from which nobody has ever signed in. So nobody can lock another out: whoever guesses from
// elsewhere uses up their own network's tries, and who sits in the same office makes it wait half a minute at most.
// Unknown names are counted like known ones. The database counts for all servers together, under keyed digests; a server
// remembers who was sent away, so that a flood costs it no more statements than there are tries that may go on.
type throttle struct {
	pool   *pgxpool.Pool
	secret []byte
	now    func() time.Time
	asking chan struct{} // bounds the statements at once
	asked  atomic.Int64  // statements

	mu    sync.Mutex
	until map[try]time.Time // when a try that was sent away may come again
	known map[string]bool   // networks from which somebody has signed in
}

// try is what tries are counted of; one of the two may be empty.
type try struct{ name, network string }

// allowance is how many tries are free, and how long the pause after them grows at most; it begins at a second and
// doubles.
type allowance struct {
	free int32
	most time.Duration
}

var (
	pairKnown      = allowance{20, 30 * time.Second}
	pairStrange    = allowance{5, 15 * time.Minute}
	networkKnown   = allowance{500, 30 * time.Second}
	networkStrange = allowance{50, 5 * time.Minute}
	nameStrange    = allowance{100, time.Minute}
)

const (
	remembered = 30 * time.Minute // tries without another one after them are forgotten
	mostPauses = 1 << 16          // remembered at once; to forget one costs a statement and lets no guess through
)

func newThrottle(pool *pgxpool.Pool, secret []byte, now func() time.Time) *throttle {
	return &throttle{pool: pool, secret: secret, now: now, asking: make(chan struct{}, 4), until: map[try]time.Time{}, known: map[string]bool{}}
}

// limited is a try with what is allowed of it.
type limited struct {
	try
	allowance
}

// limits are what a try is counted by; t.mu is held.
func (t *throttle) limits(name, network string) []limited {
	if t.known[network] {
		return []limited{{try{name, network}, pairKnown}, {try{"", network}, networkKnown}}
	}
	return []limited{{try{name, network}, pairStrange}, {try{"", network}, networkStrange}, {try{name, ""}, nameStrange}}
}

// begin counts a try before it is decided, so that many at once are not free; succeeded and undone take it back. Without
// a reason for doubt it goes the fast lane. Who has to wait is told so from memory, or by one statement.
func (t *throttle) begin(ctx context.Context, name, network string) (lane, error) {
	if err := t.paused(name, network); err != nil {
		return slow, err
	}
	select {
	case t.asking <- struct{}{}:
		defer func() { <-t.asking }()
	case <-ctx.Done():
		return slow, ctx.Err()
	}
	if err := t.paused(name, network); err != nil { // by one that was asked for meanwhile
		return slow, err
	}
	t.mu.Lock()
	limits := t.limits(name, network)
	t.mu.Unlock()
	free, most := make([]int32, len(limits)), make([]float64, len(limits))
	for i, l := range limits {
		free[i], most[i] = l.free, l.most.Seconds()
	}
	now := t.now()
	var refused int
	var pause float64
	var doubt bool
	t.asked.Add(1)
	if err := t.pool.QueryRow(ctx, tryBeginSQL, t.keys(limits), free, most, now, now.Add(-remembered)).Scan(&refused, &pause, &doubt); err != nil {
		return slow, ledger.Problem("account", err)
	}
	if refused > 0 {
		wait := time.Duration(pause * float64(time.Second))
		t.pause(limits[refused-1].try, now.Add(wait))
		return slow, tooMany(wait)
	}
	if doubt {
		return slow, nil
	}
	return fast, nil
}

// keys are by what the database knows tries: nobody reads a name or a network from them.
func (t *throttle) keys(of []limited) [][]byte {
	keys := make([][]byte, len(of))
	for i, l := range of {
		m := hmac.New(sha256.New, t.secret)
		m.Write([]byte(l.name + "\x00" + l.network))
		keys[i] = m.Sum(nil)
	}
	return keys
}

func tooMany(wait time.Duration) error {
	return layers.TooMany(wait, "too many tries; wait a little, or ask an administrator for a one-time link")
}

// paused refuses a try that this server knows to have to wait.
func (t *throttle) paused(name, network string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	for _, l := range t.limits(name, network) {
		if wait := t.until[l.try].Sub(now); wait > 0 {
			return tooMany(wait)
		}
	}
	return nil
}

// pause remembers how long a try has to wait.
func (t *throttle) pause(of try, until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.until) >= mostPauses {
		now := t.now()
		for k, u := range t.until {
			if !u.After(now) {
				delete(t.until, k)
			}
		}
		if len(t.until) >= mostPauses {
			clear(t.until)
		}
	}
	t.until[of] = until
}

// succeeded takes the try back, forgets the name's tries from that network and knows the network from now on.
func (t *throttle) succeeded(ctx context.Context, name, network string) error {
	err := t.undo(ctx, name, network, true)
	t.mu.Lock()
	t.known[network] = true
	t.mu.Unlock()
	return err
}

// undone takes back a try that was not decided: the server was too busy, or the client has gone.
func (t *throttle) undone(ctx context.Context, name, network string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = t.undo(ctx, name, network, false) // then it counts as one that failed
}

func (t *throttle) undo(ctx context.Context, name, network string, forget bool) error {
	t.mu.Lock()
	limits := t.limits(name, network)
	t.mu.Unlock()
	t.asked.Add(1)
	_, err := t.pool.Exec(ctx, tryUndoSQL, t.keys(limits), forget)
	return ledger.Problem("account", err)
}

// forget erases tries that are long over.
func (t *throttle) forget(ctx context.Context) error {
	_, err := t.pool.Exec(ctx, triesForgetSQL, t.now().Add(-remembered))
	return err
}

// knows replaces what networks are known.
func (t *throttle) knows(networks []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.known)
	for _, n := range networks {
		t.known[n] = true
	}
}
