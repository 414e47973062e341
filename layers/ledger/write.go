// Package ledger is the only door to a write: data, change rows and notice in one transaction, and the follower that
// reads committed changes in the order of their positions.
package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/paulmach/orb"

	"onepicture/layers"
	"onepicture/layers/scoped"
	"onepicture/sql"
)

var (
	appendSQL  = sql.Text("ledger/append.sql")
	notifySQL  = sql.Text("ledger/notify.sql")
	knownSQL   = sql.Text("ledger/known.sql")
	horizonSQL = sql.Text("ledger/horizon.sql")
	foreignSQL = sql.Text("ledger/foreign.sql")
	takeSQL    = sql.Text("ledger/take.sql")
	lastSQL    = sql.Text("ledger/last.sql")
	pageSQL    = sql.Text("ledger/page.sql")
	changesSQL = sql.Text("ledger/changes.sql")
)

// channel is the NOTIFY channel that wakes followers; its payload is the position.
const channel = "change"

// Ledger writes to and follows the change table of one database.
type Ledger struct {
	pool   *pgxpool.Pool
	notice announcer
}

// New is a ledger over the pool; it owns nothing.
func New(pool *pgxpool.Pool) *Ledger { return &Ledger{pool: pool, notice: announcer{pool: pool}} }

// Beside runs under a scope what is written without a change in the ledger, with the connections of writers: so that
// readers have theirs while a disk stalls.
func (l *Ledger) Beside(scope layers.Scope) scoped.Reader { return scoped.On(l.pool, scope) }

// Act says who writes, why, and under which key a replay of it is recognised.
type Act struct {
	Actor     string // never a personal name: an account or a program
	Reason    string
	ClientKey string        // empty: every call writes anew
	Scope     *layers.Scope // under which PostgreSQL lets a request write; nil: the server's own work, as the owner

	// Ask adds queries whose answers the writer needs, to travel with the transaction's beginning; nil: there are none.
	Ask func(*pgx.Batch)
}

// Receipt tells where a write stands in the ledger.
type Receipt struct {
	Position  layers.Position // 0: nothing was recorded
	At        time.Time
	FeatureID int64 // of the first change
	Replayed  bool  // the client key was known: nothing was written now
}

// Tx is a transaction of the ledger. What it writes must be told with Record.
type Tx struct {
	pgx.Tx
	rows    pgx.Batch
	changes []layers.Change
}

// Queue adds a statement of which nothing is read back. It travels with the changes, before them: a round trip less.
func (t *Tx) Queue(text string, args ...any) { t.rows.Queue(text, args...) }

// Record adds a change to the ledger when the transaction commits. Call it after the row has been written, so that
// the row's lock is held when the change takes its number. Seq, Position, At, Actor, Reason, ClientKey are filled in.
func (t *Tx) Record(c layers.Change) { t.changes = append(t.changes, c) }

// Write runs fn in one transaction, adds the recorded changes, commits and notifies the followers. A client key that
// the ledger knows makes it a replay: fn's work is undone and the first receipt is given. An error of fn undoes all.
func (l *Ledger) Write(ctx context.Context, act Act, fn func(*Tx) error) (Receipt, error) {
	r, err := l.write(ctx, act, fn)
	if err != nil && act.ClientKey != "" {
		// Another writer with the same key may have come first, after our look: its change holds the key, or has moved
		// what ours found.
		if first, kerr := l.known(ctx, act); kerr == nil && first.Replayed {
			return first, nil
		}
	}
	return r, err
}

func (l *Ledger) write(ctx context.Context, act Act, fn func(*Tx) error) (Receipt, error) {
	first, known := act.enter()
	if act.Ask != nil {
		act.Ask(first)
	}
	ptx, err := sql.Begin(ctx, l.pool, first)
	if err != nil {
		return Receipt{}, fmt.Errorf("begin write: %w", err)
	}
	defer func() { _ = ptx.Rollback(context.WithoutCancel(ctx)) }() // after the end it does nothing
	if known.Replayed {
		return *known, nil
	}
	tx := &Tx{Tx: ptx}
	if err := fn(tx); err != nil {
		return Receipt{}, err
	}
	r, err := tx.tell(act)
	if err != nil {
		return Receipt{}, err
	}
	if err := ptx.End(ctx, &tx.rows); err != nil {
		return Receipt{}, fmt.Errorf("append changes and commit: %w", err)
	}
	if r.Position != 0 {
		l.notice.announce(r.Position)
	}
	return *r, nil
}

// tell queues the changes; the receipt is filled in when they are sent.
func (t *Tx) tell(act Act) (*Receipt, error) {
	r := &Receipt{}
	for i, c := range t.changes {
		key := "" // the key names the write; its first change carries it
		if i == 0 {
			key, r.FeatureID = act.ClientKey, c.FeatureID
		}
		record, err := recordJSON(c.Record)
		if err != nil {
			return nil, err
		}
		oldGeom, oldPlace, oldLayers, oldDepartment := locationArgs(c.Old)
		newGeom, newPlace, newLayers, newDepartment := locationArgs(c.New)
		var id *int64
		var ids *string
		if c.Op == layers.OpBatch {
			s := rangesText(c.IDs)
			ids = &s
		} else {
			id = &c.FeatureID
		}
		t.rows.Queue(appendSQL, act.Actor, act.Reason, key, string(c.Kind), string(c.Op), id, ids,
			oldGeom, newGeom, oldPlace, newPlace, oldLayers, newLayers, record, c.Fields,
			oldDepartment, newDepartment).
			QueryRow(func(row pgx.Row) error {
				var p int64
				err := row.Scan(&p, &r.At)
				r.Position = layers.Position(p)
				return err
			})
	}
	return r, nil
}

func recordJSON(r *layers.Record) ([]byte, error) {
	if r == nil {
		return nil, nil
	}
	return json.Marshal(r)
}

// locationArgs are the four columns of a location; a bound travels as its polygon.
func locationArgs(l *layers.Location) (geom orb.Geometry, place *int32, bits *int64, department int16) {
	if l == nil {
		return nil, nil, nil, 0
	}
	geom = l.Geom
	if b, ok := geom.(orb.Bound); ok {
		geom = b.ToPolygon()
	}
	if l.Place != 0 {
		p := int32(l.Place)
		place = &p
	}
	w := int64(l.Layers)
	return geom, place, &w, l.Department
}

// known is the receipt of the first write with the act's key, if there was one.
func (l *Ledger) known(ctx context.Context, act Act) (Receipt, error) {
	b, first := act.enter()
	if err := l.pool.SendBatch(ctx, b).Close(); err != nil {
		return Receipt{}, fmt.Errorf("look up client key: %w", err)
	}
	return *first, nil
}

// enter puts what follows in the transaction under the act's scope, and looks whether its key is known: then first is
// filled in when the statements are sent.
func (act *Act) enter() (b *pgx.Batch, first *Receipt) {
	b, first = &pgx.Batch{}, &Receipt{}
	if act.Scope != nil {
		scoped.Enter(b, *act.Scope)
	}
	if act.ClientKey != "" {
		b.Queue(knownSQL, act.ClientKey).Query(func(rows pgx.Rows) error {
			var p int64
			_, err := pgx.ForEachRow(rows, []any{&p, &first.At, &first.FeatureID}, func() error {
				first.Position, first.Replayed = layers.Position(p), true
				return nil
			})
			return err
		})
	}
	return b, first
}
