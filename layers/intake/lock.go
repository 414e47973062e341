package intake

import (
	"context"
	"fmt"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	lockSQL      = sql.Text("intake/lock.sql")
	lockShareSQL = sql.Text("intake/lock_shared.sql")
	unlockSQL    = sql.Text("intake/unlock.sql")
)

// lock holds the source for this import alone, and the places: alone for an import of places, together with others
// for the rest, because each row's place is found by the boundaries read at the start. The locks live as long as
// their connection; a run that lost it cannot commit any more, because the next import ends it (end of begin.sql).
func (r *run) lock(ctx context.Context) (unlock func(), err error) {
	conn, err := r.Pool.Acquire(ctx)
	if err != nil {
		return nil, ledger.Problem("database", err)
	}
	unlock = func() {
		if _, err := conn.Exec(context.WithoutCancel(ctx), unlockSQL); err != nil {
			// The connection is gone, and its locks with it.
			_ = conn.Hijack().Close(context.WithoutCancel(ctx))
			return
		}
		conn.Release()
	}
	places := lockShareSQL
	if r.mapping.kind == layers.KindPlace {
		places = lockSQL
	}
	for _, l := range []struct{ text, name, busy string }{
		{lockSQL, "import:" + r.mapping.Source.Code, "another import of the source " + r.mapping.Source.Code + " is running"},
		{places, "import places", "another import that works with the places is running"},
	} {
		var got bool
		if err := conn.QueryRow(ctx, l.text, l.name).Scan(&got); err != nil {
			unlock()
			return nil, ledger.Problem("lock", err)
		}
		if !got {
			unlock()
			return nil, fmt.Errorf("%s: wait until it has ended (%w)", l.busy, ErrBusy)
		}
	}
	return unlock, nil
}
