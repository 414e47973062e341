package account

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"onepicture/layers/ledger"
)

// seenPause is how often the database is told which sessions were used.
const seenPause = 30 * time.Second

// channel is the NOTIFY channel whose payload is the account that has changed. It is one of its own, because a word in
// the ledger is only followed when everything older is complete, and an import may take an hour.
const channel = "account"

// tell wakes the other servers outside of a transaction of the ledger.
func (a *Accounts) tell(ctx context.Context, account int64) error {
	if _, err := a.pool.Exec(ctx, notifySQL, strconv.FormatInt(account, 10)); err != nil {
		return ledger.Problem("session", err)
	}
	return nil
}

// Run keeps what is in memory true until ctx ends: it hears of what other servers change, and writes down which
// sessions are used. Without it a revocation elsewhere is not heard.
func (a *Accounts) Run(ctx context.Context) {
	pause := 50 * time.Millisecond
	for ctx.Err() == nil {
		began := time.Now()
		err := a.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		slog.Warn("no word of changed accounts, trying again", "error", err)
		if time.Since(began) > time.Minute {
			pause = 50 * time.Millisecond
		}
		wait(ctx, pause)
		pause = min(2*pause, time.Second)
	}
}

func (a *Accounts) listen(ctx context.Context) error {
	conn, err := a.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	raw := conn.Hijack() // a connection that listens must not go back to the pool
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = raw.Close(closing)
	}()
	if _, err := raw.Exec(ctx, "listen "+channel); err != nil {
		return err
	}
	a.touchAll() // nobody knows what was said while nobody listened
	next := time.Now().Add(seenPause)
	for {
		waiting, cancel := context.WithDeadline(ctx, next)
		n, err := raw.WaitForNotification(waiting)
		expired := waiting.Err() != nil
		cancel()
		switch {
		case err == nil:
			if id, err := strconv.ParseInt(n.Payload, 10, 64); err == nil {
				a.touch(id)
			}
		case ctx.Err() != nil:
			return ctx.Err()
		case !expired:
			return err
		default:
			if err := a.writeSeen(ctx); err != nil && ctx.Err() == nil {
				slog.Warn("the sessions' last use is not written; trying again", "error", err)
			}
			next = time.Now().Add(seenPause)
		}
	}
}

// writeSeen tells the database which sessions were used, and forgets those that are over.
func (a *Accounts) writeSeen(ctx context.Context) error {
	var hashes [][]byte
	var times []time.Time
	used := map[digest]*session{}
	now := a.Now().UnixNano()
	a.sessions.each(func(s *session) {
		seen := s.seen.Load()
		switch {
		case now > s.expires || now-seen > int64(s.idle):
			a.end(s)
		case seen > s.told.Load():
			used[s.hash] = s
			hashes, times = append(hashes, append([]byte(nil), s.hash[:]...)), append(times, time.Unix(0, seen))
		}
	})
	if len(hashes) == 0 {
		return nil
	}
	rows, err := a.pool.Query(ctx, sessionsSeenSQL, hashes, times)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var h []byte
		if err := rows.Scan(&h); err != nil {
			return err
		}
		d := digest(h)
		if s := used[d]; s != nil {
			s.told.Store(s.seen.Load())
			delete(used, d)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, s := range used { // the database has ended them meanwhile
		a.end(s)
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
