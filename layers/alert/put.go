package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/paulmach/orb"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	senderSQL       = sql.Text("alert/sender.sql")
	putSQL          = sql.Text("alert/put.sql")
	knownSQL        = sql.Text("alert/known.sql")
	putAreaSQL      = sql.Text("alert/put_area.sql")
	putReferenceSQL = sql.Text("alert/put_reference.sql")
	endReferredSQL  = sql.Text("alert/end_referred.sql")
	endLateSQL      = sql.Text("alert/end_late.sql")
)

// Desk takes alerts in and tells which hold.
type Desk struct {
	pool   *pgxpool.Pool // of reads
	ledger *ledger.Ledger
}

// New is a desk that reads from the pool and writes through the ledger.
func New(pool *pgxpool.Pool, l *ledger.Ledger) *Desk { return &Desk{pool, l} }

// Outcomes of a message that was taken.
const (
	OutcomeNew     = "new"
	OutcomeKnown   = "known"   // the same message came before
	OutcomeDiffers = "differs" // another message of the same name came before and is kept; this one is not
)

// Taken says what became of one message.
type Taken struct {
	ID int64
	Reference
	Outcome string
	Ended   []int64 // earlier alerts that it ended
	Notes   []string
}

// Put keeps the alerts of a document, each in a transaction of its own, and ends those that they update or cancel. It
// gives the position of the last one that was new, 0 when none was. An error names the alert at which it stopped.
func (d *Desk) Put(ctx context.Context, scope layers.Scope, doc Document) ([]Taken, layers.Position, error) {
	if !scope.Rights.Has(layers.RightSources) {
		return nil, 0, layers.Forbidden("this account may not bring alerts in")
	}
	taken := make([]Taken, 0, len(doc.Alerts))
	var at layers.Position
	for i := range doc.Alerts {
		t, p, err := d.put(ctx, scope, &doc.Alerts[i])
		if err != nil {
			return taken, at, ledger.Problem("alert", err)
		}
		taken, at = append(taken, t), max(at, p)
	}
	return taken, at, nil
}

func (d *Desk) put(ctx context.Context, scope layers.Scope, m *Message) (Taken, layers.Position, error) {
	t := Taken{Reference: m.Reference, Notes: m.Notes}
	r, err := d.ledger.Write(ctx, ledger.Act{Actor: scope.Actor, Reason: "alert", Scope: &scope}, func(tx *ledger.Tx) error {
		if _, err := tx.Exec(ctx, senderSQL, m.Sender); err != nil {
			return fmt.Errorf("wait for the sender's turn: %w", err)
		}
		fresh, err := t.insert(ctx, tx, m)
		if err != nil || !fresh {
			return err
		}
		return t.relate(ctx, tx, m)
	})
	return t, r.Position, err
}

// insert keeps the message when none of its name is there.
func (t *Taken) insert(ctx context.Context, tx *ledger.Tx, m *Message) (fresh bool, err error) {
	infos, err := json.Marshal(m.Infos)
	if err != nil {
		return false, fmt.Errorf("write the parts: %w", err)
	}
	if m.Infos == nil {
		infos = []byte("[]")
	}
	var ends *time.Time
	if e := m.Ends(); !e.IsZero() {
		ends = &e
	}
	notes := append([]string{}, m.Notes...)
	err = tx.QueryRow(ctx, putSQL, m.Sender, m.Identifier, m.Sent, m.Status, m.Type, m.Scope,
		int16(slices.Index(Severities, m.Severity())), m.Note, infos, notes, m.Signed, m.Digest[:], m.Begins(), ends).Scan(&t.ID)
	if errors.Is(err, pgx.ErrNoRows) {
		var digest []byte
		if err := tx.QueryRow(ctx, knownSQL, m.Sender, m.Identifier, m.Sent).Scan(&t.ID, &digest); err != nil {
			return false, fmt.Errorf("find the known alert: %w", err)
		}
		t.Outcome = OutcomeKnown
		if !slices.Equal(digest, m.Digest[:]) {
			t.Outcome = OutcomeDiffers
		}
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("insert alert: %w", err)
	}
	t.Outcome = OutcomeNew
	return true, nil
}

// relate puts areas and references, and ends what is over by them.
func (t *Taken) relate(ctx context.Context, tx *ledger.Tx, m *Message) error {
	bound, err := t.areas(ctx, tx, m)
	if err != nil {
		return err
	}
	for _, r := range m.References {
		if _, err := tx.Exec(ctx, putReferenceSQL, t.ID, r.Sender, r.Identifier, r.Sent); err != nil {
			return fmt.Errorf("insert reference: %w", err)
		}
	}
	rows, err := tx.Query(ctx, endReferredSQL, t.ID)
	if err != nil {
		return fmt.Errorf("end earlier alerts: %w", err)
	}
	if t.Ended, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
		return fmt.Errorf("end earlier alerts: %w", err)
	}
	if _, err := tx.Exec(ctx, endLateSQL, t.ID); err != nil {
		return fmt.Errorf("end by earlier alerts: %w", err)
	}
	at := &layers.Location{}
	if bound != nil {
		at.Geom = bound.Bound()
	}
	tx.Record(layers.Change{Kind: layers.KindAlert, Op: layers.OpPut, FeatureID: t.ID, New: at})
	for _, id := range t.Ended {
		tx.Record(layers.Change{Kind: layers.KindAlert, Op: layers.OpPut, FeatureID: id, Fields: []string{"ended_at", "ended_by"}})
	}
	return nil
}

// areas puts the areas and gives what bounds them all; nil when nothing of them is on the map.
func (t *Taken) areas(ctx context.Context, tx *ledger.Tx, m *Message) (orb.Geometry, error) {
	var bound orb.Geometry
	for i := range m.Infos {
		for n, a := range m.Infos[i].Areas {
			var polygons, points orb.Geometry
			if len(a.Polygons) > 0 {
				polygons = a.Polygons
			}
			if len(a.Points) > 0 {
				points = a.Points
			}
			codes := []string{}
			for _, g := range a.Geocodes {
				if c, ok := PlaceCode(g); ok && !slices.Contains(codes, c) {
					codes = append(codes, c)
				}
			}
			geocodes, err := json.Marshal(append([]Value{}, a.Geocodes...))
			if err != nil {
				return nil, fmt.Errorf("write geocodes: %w", err)
			}
			var box orb.Geometry
			if err := tx.QueryRow(ctx, putAreaSQL, t.ID, i, n, a.Description, polygons, points, geocodes, codes).Scan(&box); err != nil {
				return nil, fmt.Errorf("insert area: %w", err)
			}
			switch {
			case box == nil:
			case bound == nil:
				bound = box.Bound()
			default:
				bound = bound.Bound().Union(box.Bound())
			}
		}
	}
	return bound, nil
}
