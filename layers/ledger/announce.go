package ledger

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
)

// announceWithin is how long a notice may take; followers that it does not reach look by themselves.
const announceWithin = 2 * time.Second

// announcer wakes the followers of all servers after a commit. The notice is not a part of the transaction: PostgreSQL
// lets only one transaction with a notice commit at a time, and keeps the others waiting while it flushes the log, so
// that every write would have the disk to itself. Positions that come while a notice is on its way are told by the next
// one together.
type announcer struct {
	pool *pgxpool.Pool

	mu   sync.Mutex
	next layers.Position // the highest that is committed and not told; 0: none
	busy bool            // a notice is on its way
}

// announce returns at once.
func (a *announcer) announce(p layers.Position) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next = max(a.next, p)
	if !a.busy {
		a.busy = true
		go a.run()
	}
}

func (a *announcer) run() {
	for p := a.take(); p != 0; p = a.take() {
		ctx, cancel := context.WithTimeout(context.Background(), announceWithin)
		if _, err := a.pool.Exec(ctx, notifySQL, p.String()); err != nil {
			slog.Debug("a notice was not sent; followers find the change when they look", "error", err)
		}
		cancel()
	}
}

// take gives what is to be told next; 0: nothing, and nobody is telling now.
func (a *announcer) take() layers.Position {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.next
	a.next, a.busy = 0, p != 0
	return p
}
