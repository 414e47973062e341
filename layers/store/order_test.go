package store

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/ledger"
)

// held is a write that stays open between its steps: its position is taken when it begins.
type held struct {
	t      *testing.T
	pool   *pgxpool.Pool
	move   chan layers.PlaceID // what to write next
	moved  chan struct{}
	commit chan struct{}
	done   chan layers.Position
}

// hold opens a transaction of the ledger that has its position and has written nothing yet.
func hold(t *testing.T, pool *pgxpool.Pool) *held {
	t.Helper()
	h := &held{t, pool, make(chan layers.PlaceID), make(chan struct{}), make(chan struct{}), make(chan layers.Position, 1)}
	began := make(chan struct{})
	go func() {
		r, err := ledger.New(pool).Write(t.Context(), ledger.Act{Actor: "t", Reason: "t"}, func(tx *ledger.Tx) error {
			if _, err := tx.Exec(t.Context(), `select pg_current_xact_id()`); err != nil {
				return err
			}
			close(began)
			for {
				select {
				case place := <-h.move:
					moveEvent(t.Context(), t, tx, 1, place)
					h.moved <- struct{}{}
				case <-h.commit:
					return nil
				case <-t.Context().Done():
					return t.Context().Err()
				}
			}
		})
		if err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		h.done <- r.Position
	}()
	<-began
	return h
}

// moveEvent puts an event into another place as a door does: the row first, then its change.
func moveEvent(ctx context.Context, t *testing.T, tx *ledger.Tx, id int64, place layers.PlaceID) {
	if _, err := tx.Exec(ctx, `update event set place_id = $2, position = pg_current_xact_id() where id = $1`, id, place); err != nil {
		t.Error(err)
		return
	}
	puts, err := readRows(ctx, tx.Conn(), layers.KindEvent, ids(id, id), nil)
	if err != nil || len(puts) != 1 {
		t.Errorf("%d rows, %v", len(puts), err)
		return
	}
	tx.Record(layers.Change{Kind: layers.KindEvent, Op: layers.OpPut, FeatureID: id, Record: &puts[0].Record, New: &layers.Location{Place: place}})
}

func (h *held) write(place layers.PlaceID) {
	h.t.Helper()
	h.move <- place
	<-h.moved
}

func (h *held) end() layers.Position {
	h.t.Helper()
	close(h.commit)
	return <-h.done
}

// The first writer of two that take turns on one row has the greater position; a third transaction between them lets
// the later state through first. The older one, when it comes, must not win.
func TestAnOlderStateThatComesLateDoesNotWin(t *testing.T) {
	pool, s := fixture(t)
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	early := hold(t, pool)   // takes the smallest position, writes last
	between := hold(t, pool) // holds the horizon back
	late := hold(t, pool)    // takes the greatest position, writes first
	late.write(2)
	end := late.end()
	early.write(4)
	if p := early.end(); p >= end {
		t.Fatalf("the later state is at %d, the older at %d: the scene is another", p, end)
	} else if err := s.Wait(ctx, p); err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		row, _ := s.Index().Snapshot().Find(layers.KindEvent, layers.Internal("t"), 1)
		var place layers.PlaceID
		if err := pool.QueryRow(ctx, `select place_id from event where id = 1`).Scan(&place); err != nil {
			t.Fatal(err)
		}
		if row.Place != place {
			t.Errorf("%s: place %d in the index, %d in the database", when, row.Place, place)
		}
	}
	check("while a transaction is open between the two")
	between.end()
	if err := s.Wait(ctx, end); err != nil {
		t.Fatal(err)
	}
	check("when all is complete")
}
