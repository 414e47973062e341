package account

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"onepicture/layers/ledger"
	"onepicture/sql"
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
	raw, err := sql.Listen(ctx, a.pool, channel)
	if err != nil {
		return err
	}
	defer sql.Hangup(ctx, raw)
	a.touchAll() // nobody knows what was said while nobody listened
	if err := a.readNetworks(ctx); err != nil {
		return err
	}
	next := time.Now().Add(seenPause)
	again := next.Add(networksPause)
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
			if next.After(again) {
				if again, err = next.Add(networksPause), a.readNetworks(ctx); err != nil && ctx.Err() == nil {
					slog.Warn("the known networks are not read; trying again", "error", err)
				}
			}
		}
	}
}

// networksPause is how often it is read from which networks people sign in.
const networksPause = 10 * time.Minute

var networksSQL = sql.Text("account/networks.sql")

func (a *Accounts) readNetworks(ctx context.Context) error {
	rows, err := a.pool.Query(ctx, networksSQL, a.Now())
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	a.throttle.knows(list)
	return nil
}

// writeSeen tells the database which sessions were used, and forgets those that are over, and tries to sign in.
func (a *Accounts) writeSeen(ctx context.Context) error {
	var sessions, keys used
	now := a.Now().UnixNano()
	a.sessions.each(func(s *session) {
		seen := s.seen.Load()
		switch {
		case now >= s.expires.Load() || now-seen > int64(s.idle):
			a.end(s)
		case seen <= s.told.Load():
		case s.holder.account < 0:
			keys.add(s, seen)
		default:
			sessions.add(s, seen)
		}
	})
	if err := a.writeFailures(ctx); err != nil {
		return err
	}
	if err := a.throttle.forget(ctx); err != nil {
		return err
	}
	if err := a.writeUsed(ctx, sessionsSeenSQL, &sessions); err != nil {
		return err
	}
	return a.writeUsed(ctx, keysUsedSQL, &keys)
}

// used are sessions or keys with their last use.
type used struct {
	by     map[digest]*session
	hashes [][]byte
	times  []time.Time
}

func (u *used) add(s *session, seen int64) {
	if u.by == nil {
		u.by = map[digest]*session{}
	}
	u.by[s.hash] = s
	u.hashes, u.times = append(u.hashes, append([]byte(nil), s.hash[:]...)), append(u.times, time.Unix(0, seen))
}

func (a *Accounts) writeUsed(ctx context.Context, text string, u *used) error {
	if len(u.hashes) == 0 {
		return nil
	}
	rows, err := a.pool.Query(ctx, text, u.hashes, u.times)
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
		if s := u.by[d]; s != nil {
			s.told.Store(s.seen.Load())
			delete(u.by, d)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, s := range u.by { // the database has ended them meanwhile
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
