package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/index"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	releasedSQL      = sql.Text("store/released.sql")
	releaseSQL       = sql.Text("store/release.sql")
	releaseLockSQL   = sql.Text("store/release_lock.sql")
	releaseSecretSQL = sql.Text("store/release_secret.sql")
)

// releasePause is how often the numbers that are due are released.
const releasePause = 5 * time.Second

// everyPlace is the multirange of all place ids.
const everyPlace = "{[0,)}"

// keepReleasing releases what is due until ctx ends: at once, so that a new city is not empty, and then again and
// again. A failure waits for the next time: what was told before goes on being told.
func (s *Store) keepReleasing(ctx context.Context) {
	tick := time.NewTicker(releasePause)
	defer tick.Stop()
	for {
		if err := s.Release(ctx); err != nil && ctx.Err() == nil {
			slog.Warn("numbers of persons were not released", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

var errBusy = errors.New("another server is releasing")

// Release writes the numbers of persons that are due (index.Snapshot.Due) for all servers to tell. One server does it
// at a time; when another is at it, nothing is done.
func (s *Store) Release(ctx context.Context) error {
	snap := s.index.Snapshot()
	if snap == nil {
		return nil
	}
	due := snap.Due()
	if len(due) == 0 {
		return nil
	}
	_, err := s.ledger.Write(ctx, ledger.Act{Actor: "server", Reason: "release numbers of persons"}, func(tx *ledger.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, releaseLockSQL).Scan(&mine); err != nil {
			return fmt.Errorf("lock the release: %w", err)
		}
		if !mine {
			return errBusy
		}
		batch := &pgx.Batch{}
		change := layers.Change{Kind: layers.KindRelease, Op: layers.OpBatch}
		for i := range due {
			n := &due[i]
			batch.Queue(releaseSQL, n.Place, n.Exact, n.Configured.String(), n.Total, n.Layers, n.Classes)
			change.IDs = append(change.IDs, layers.IDRange{First: int64(n.Place), Last: int64(n.Place)})
		}
		tx.Record(change)
		return tx.SendBatch(ctx, batch).Close()
	})
	if errors.Is(err, errBusy) {
		return nil
	}
	return err
}

// readReleased reads the released numbers of the places in the multirange, and the position of the last release.
func readReleased(ctx context.Context, q queryer, places string) ([]index.Numbers, layers.Position, error) {
	rows, err := q.Query(ctx, releasedSQL, places)
	if err != nil {
		return nil, 0, err
	}
	var out []index.Numbers
	var last, configured, position int64
	var n index.Numbers
	_, err = pgx.ForEachRow(rows, []any{&n.Place, &n.Exact, &configured, &n.Total, &n.Layers, &n.Classes, &position}, func() error {
		n.Configured = layers.Position(configured)
		last = max(last, position)
		out = append(out, n)
		n.Layers, n.Classes = nil, nil // the next row has its own
		return nil
	})
	return out, layers.Position(last), err
}

func multirange(ids []layers.IDRange) string {
	b := []byte{'{'}
	for i, r := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendInt(append(b, '['), r.First, 10), ',')
		b = append(strconv.AppendInt(b, r.Last, 10), ']')
	}
	return string(append(b, '}'))
}
