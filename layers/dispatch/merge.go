package dispatch

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/sql"
)

var (
	mergedIntoSQL = sql.Text("dispatch/merged_into.sql")
	leadsSQL      = sql.Text("dispatch/leads.sql")
	mergedSQL     = sql.Text("dispatch/merged.sql")
)

// Answer is the event that a report was merged into, as far as who sees the report is told of it: its answer.
type Answer struct {
	Event    int64
	Status   uint8
	ClosedAt *time.Time
}

// Merged is a report that is about an event too.
type Merged struct {
	Event              int64
	Title              string
	ReportedAt, Merged time.Time
	Version            int
}

// lock locks the step's event, and the one that it is or was merged into: nil for other steps. Of two events the one with
// the smaller number comes first, so that two merges never wait for each other.
func (w *work) lock(ctx context.Context, id int64) (lead *state, err error) {
	other := int64(0)
	switch w.t.Step {
	case "merge":
		if other = w.in.Into; other == id {
			return nil, layers.Invalid("into", "is the event itself")
		}
	case "unmerge":
		if err := w.tx.QueryRow(ctx, mergedIntoSQL, id).Scan(&other); err != nil {
			return nil, err
		}
	}
	first, second := min(id, other), max(id, other)
	if other == 0 {
		first, second = id, 0
	}
	for _, n := range [...]int64{first, second} {
		if n == 0 {
			continue
		}
		e, err := readState(ctx, w.tx, lockSQL, n)
		if err != nil {
			return nil, err
		}
		if n == id {
			w.old = e
		} else {
			lead = &e
		}
	}
	if w.t.Step == "unmerge" && w.old.into != other {
		return nil, w.conflict("somebody was faster")
	}
	return lead, nil
}

// beside takes the step of the other event of a merge, in the same transaction. Chains and circles cannot come about: an
// event that others were merged into is merged into none, and none is merged into one that was merged.
func (w *work) beside(ctx context.Context, lead *state) error {
	l := &work{Desk: w.Desk, tx: w.tx, scope: w.scope, in: &Step{Step: "gather", Note: w.in.Note, Reason: w.in.Reason}, old: *lead, new: *lead, now: w.now, done: w.done}
	if w.t.Step == "unmerge" {
		l.in.Step = "release"
	}
	l.t, l.detail.Event = transitionOf(l.in.Step), w.old.id
	if !lead.in(w.scope) {
		return layers.NotFound("event")
	}
	if w.t.Step == "merge" {
		who, err := w.partyOf(ctx, w.tx, w.scope, lead)
		if err != nil {
			return err
		}
		if who.is&Commander == 0 {
			return layers.Forbidden("the other event is not yours to command")
		}
		var leads bool
		if err := w.tx.QueryRow(ctx, leadsSQL, w.old.id).Scan(&leads); err != nil {
			return fmt.Errorf("find what was merged into it: %w", err)
		}
		if leads {
			return w.conflict("others were merged into it: merge the other way round")
		}
	}
	if !l.t.allows(lead.status, Beside, lead.command) {
		return l.conflict("nothing can be merged into it")
	}
	return l.write(ctx)
}

// together tells what an event was merged into, what was merged into it, and whether it is a repeat.
func (d *Desk) together(ctx context.Context, scope layers.Scope, e *state, c *Case) error {
	if e.into != 0 {
		// Who reported it gets the one event's answer, wherever that is dealt with.
		lead, err := readState(ctx, d.reads(layers.Internal("merge")), lookSQL, e.into)
		if err != nil {
			return err
		}
		c.MergedInto = &Answer{lead.id, lead.status, lead.closed}
	}
	rows, err := d.reads(scope).Query(ctx, mergedSQL, e.id)
	if err != nil {
		return err
	}
	var m Merged
	var place layers.PlaceID
	var department int16
	if _, err = pgx.ForEachRow(rows, []any{&m.Event, &m.Title, &m.ReportedAt, &m.Merged, &place, &department, &m.Version}, func() error {
		if scope.Records(layers.KindEvent, place, department) {
			c.Merged = append(c.Merged, m)
		}
		return nil
	}); err != nil {
		return err
	}
	c.Repeat, err = d.repeat(ctx, scope, e)
	return err
}
