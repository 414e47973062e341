// Package ledger is the only door to a write: data, change rows and notice in one transaction, and the follower that
// reads committed changes in the order of their positions.
package ledger

import (
	"context"
	"encoding/json"
	"errors"
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
	pageSQL    = sql.Text("ledger/page.sql")
	changesSQL = sql.Text("ledger/changes.sql")
)

// channel is the NOTIFY channel that wakes followers; its payload is the position.
const channel = "change"

// Ledger writes to and follows the change table of one database.
type Ledger struct {
	pool *pgxpool.Pool
}

// New is a ledger over the pool; it owns nothing.
func New(pool *pgxpool.Pool) *Ledger { return &Ledger{pool: pool} }

// Beside runs under a scope what is written without a change in the ledger, with the connections of writers: so that
// readers have theirs while a disk stalls.
func (l *Ledger) Beside(scope layers.Scope) scoped.Reader { return scoped.On(l.pool, scope) }

// Act says who writes, why, and under which key a replay of it is recognised.
type Act struct {
	Actor     string // never a personal name: an account or a program
	Reason    string
	ClientKey string        // empty: every call writes anew
	Scope     *layers.Scope // under which PostgreSQL lets a request write; nil: the server's own work, as the owner
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
	changes []layers.Change
}

// Record adds a change to the ledger when the transaction commits. Call it after the row has been written, so that
// the row's lock is held when the change takes its number. Seq, Position, At, Actor, Reason, ClientKey are filled in.
func (t *Tx) Record(c layers.Change) { t.changes = append(t.changes, c) }

// Write runs fn in one transaction, adds the recorded changes, notifies the followers and commits. A client key that
// the ledger knows makes it a replay: fn's work is undone and the first receipt is given. An error of fn undoes all.
func (l *Ledger) Write(ctx context.Context, act Act, fn func(*Tx) error) (Receipt, error) {
	if act.ClientKey != "" {
		if r, ok, err := l.known(ctx, act); err != nil || ok {
			return r, err
		}
	}
	r, err := l.write(ctx, act, fn)
	if err != nil && act.ClientKey != "" {
		// Another writer with the same key may have come first, after our look: its change holds the key, or has moved
		// what ours found.
		if first, ok, kerr := l.known(ctx, act); kerr == nil && ok {
			return first, nil
		}
	}
	return r, err
}

func (l *Ledger) write(ctx context.Context, act Act, fn func(*Tx) error) (Receipt, error) {
	var ptx pgx.Tx
	var err error
	if act.Scope != nil {
		ptx, err = scoped.Begin(ctx, l.pool, *act.Scope)
	} else {
		ptx, err = l.pool.Begin(ctx)
	}
	if err != nil {
		return Receipt{}, fmt.Errorf("begin write: %w", err)
	}
	defer func() { _ = ptx.Rollback(context.WithoutCancel(ctx)) }() // after Commit it does nothing
	tx := &Tx{Tx: ptx}
	if err := fn(tx); err != nil {
		return Receipt{}, err
	}
	r, err := tx.append(ctx, act)
	if err != nil {
		return Receipt{}, fmt.Errorf("append changes: %w", err)
	}
	if err := ptx.Commit(ctx); err != nil {
		return Receipt{}, fmt.Errorf("commit write: %w", err)
	}
	return r, nil
}

func (t *Tx) append(ctx context.Context, act Act) (Receipt, error) {
	var r Receipt
	if len(t.changes) == 0 {
		return r, nil
	}
	r.FeatureID = t.changes[0].FeatureID
	batch := &pgx.Batch{}
	for i, c := range t.changes {
		key := act.ClientKey
		if i > 0 {
			key = "" // the key names the write; its first change carries it
		}
		record, err := recordJSON(c.Record)
		if err != nil {
			return r, err
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
		batch.Queue(appendSQL, act.Actor, act.Reason, key, string(c.Kind), string(c.Op), id, ids,
			oldGeom, newGeom, oldPlace, newPlace, oldLayers, newLayers, record, c.Fields,
			oldDepartment, newDepartment).
			QueryRow(func(row pgx.Row) error {
				var p int64
				err := row.Scan(&p, &r.At)
				r.Position = layers.Position(p)
				return err
			})
	}
	batch.Queue(notifySQL)
	return r, t.SendBatch(ctx, batch).Close()
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

func (l *Ledger) known(ctx context.Context, act Act) (Receipt, bool, error) {
	var r Receipt
	var p int64
	var err error
	if act.Scope != nil {
		err = l.Beside(*act.Scope).QueryRow(ctx, knownSQL, act.ClientKey).Scan(&p, &r.At, &r.FeatureID)
	} else {
		err = l.pool.QueryRow(ctx, knownSQL, act.ClientKey).Scan(&p, &r.At, &r.FeatureID)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return Receipt{}, false, nil
	}
	if err != nil {
		return Receipt{}, false, fmt.Errorf("look up client key: %w", err)
	}
	r.Position, r.Replayed = layers.Position(p), true
	return r, true, nil
}
