package dispatch

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	assignSQL = sql.Text("dispatch/assign.sql")
	workerSQL = sql.Text("dispatch/worker.sql")
	unitSQL   = sql.Text("dispatch/unit.sql")
)

// Assignee is a unit as a whole or one worker of it.
type Assignee struct {
	Unit   string // code; with a worker it may be left out
	Worker int32  // 0: any of the unit
	Lead   bool   // of several one leads; none marked: the first
}

// detail is what a step decided, as the timeline keeps it.
type detail struct {
	Assignees []Assigned `json:"assignees,omitempty"`
	Category  string     `json:"category,omitempty"`
	Level     uint8      `json:"level,omitempty"`
	Job       string     `json:"job,omitempty"`     // of the clock
	Event     int64      `json:"event,omitempty"`   // the other one of a merge
	Rule      int32      `json:"rule,omitempty"`    // that acted, or would have
	Against   bool       `json:"against,omitempty"` // chosen against the rule
	Automatic bool       `json:"automatic,omitempty"`
}

// Assigned is an assignee in the timeline.
type Assigned struct {
	Unit   string `json:"unit"`
	Worker int32  `json:"worker,omitempty"`
	Label  string `json:"label,omitempty"`
	Lead   bool   `json:"lead"`

	unitID     int32
	department int16 // of the unit; 0: an office of its place
}

func checkAssignees(list []Assignee) error {
	if len(list) > MaxAssignees {
		return layers.Invalid("assignees", "are more than %d", MaxAssignees)
	}
	leads := 0
	for _, a := range list {
		if a.Unit == "" && a.Worker == 0 {
			return layers.Invalid("assignees", "must each be a unit or a worker")
		}
		if a.Lead {
			leads++
		}
	}
	if leads > 1 {
		return layers.Invalid("assignees", "have %d leads: one leads, the others support", leads)
	}
	return nil
}

// assign adds the step's assignees: one leads, unless they join.
func (w *work) assign(ctx context.Context) error {
	list, err := w.resolve(ctx)
	if err != nil {
		return err
	}
	if w.t.Step == "handover" && w.who.is&Commander == 0 {
		for _, a := range list {
			if a.unitID != w.who.unit {
				return layers.Forbidden("a handler hands over to others of the own unit only")
			}
		}
	}
	suggested, err := w.heed(ctx, list)
	if err != nil {
		return err
	}
	for _, a := range list {
		err := w.exec(ctx, assignSQL, w.old.id, a.unitID, a.Worker, a.Lead, w.now, w.scope.Actor, suggested)
		if isUnique(err) {
			return layers.Invalid("assignees", "have it already, or are named twice")
		}
		if err != nil {
			return err
		}
	}
	for _, a := range list {
		if a.Lead && a.department != 0 { // an office handles it for the department that answers for it
			w.new.department = a.department
		}
	}
	w.detail.Assignees = list
	return nil
}

// heed looks which rule acts. A dispatch that does not follow it needs a reason, which the timeline keeps beside the rule.
func (w *work) heed(ctx context.Context, list []Assigned) (suggested bool, err error) {
	if w.t.Step == "join" {
		return true, nil
	}
	ruling := w.in.ruling
	if ruling == nil {
		found, err := w.rule(ctx, w.tx, &w.new, w.now)
		if err != nil {
			return false, err
		}
		ruling = &found
	}
	r := ruling.Acts
	if r == nil {
		return true, nil
	}
	w.detail.Rule, w.detail.Automatic, w.detail.Against = r.ID, w.in.ruling != nil, !r.follows(list)
	if w.detail.Against && w.in.Reason == "" {
		return false, layers.Invalid("reason", "is missing: rule %d gives it to %s; say why to another", r.ID, r.Unit.Name)
	}
	return !w.detail.Against, nil
}

// automatic dispatches what was accepted, when the rule that acts says so. Whoever accepts it answers for it.
func (w *work) automatic(ctx context.Context) error {
	if w.t.Step != "accept" || w.in.byHand {
		return nil
	}
	ruling, err := w.rule(ctx, w.tx, &w.new, w.now)
	if err != nil || ruling.Acts == nil || !ruling.Acts.Automatic {
		return err
	}
	r := ruling.Acts
	return w.step(ctx, w.tx, w.scope, w.old.id, &Step{
		Step: "dispatch", Version: w.new.version, At: w.in.At, Assignees: []Assignee{{Unit: r.Unit.Code, Worker: r.Worker, Lead: true}}, ruling: &ruling,
	})
}

func (w *work) resolve(ctx context.Context) ([]Assigned, error) {
	out, lead := make([]Assigned, len(w.in.Assignees)), 0
	for i, a := range w.in.Assignees {
		if a.Lead {
			lead = i
		}
		var err error
		o := Assigned{Unit: a.Unit, Worker: a.Worker}
		if a.Worker != 0 {
			var id int32
			err = w.tx.QueryRow(ctx, workerSQL, a.Worker).Scan(&id, &o.unitID, &o.Unit, &o.Label, &o.department)
		} else {
			err = w.tx.QueryRow(ctx, unitSQL, a.Unit).Scan(&o.unitID, &o.department)
		}
		if errors.Is(err, pgx.ErrNoRows) || err == nil && a.Unit != "" && a.Unit != o.Unit {
			return nil, layers.Invalid("assignees", "name a unit or worker that is not known")
		}
		if err != nil {
			return nil, fmt.Errorf("find the assignee: %w", err)
		}
		out[i] = o
	}
	if w.t.Step != "join" {
		out[lead].Lead = true
	}
	return out, nil
}

// Assign brings an event to its handlers in one go, whatever state it is in: a report is accepted and dispatched, an
// accepted event dispatched, one that others have handed over. One transaction.
func (d *Desk) Assign(ctx context.Context, scope layers.Scope, id int64, in Step) (ledger.Receipt, error) {
	in.Step = "dispatch"
	if err := in.check(d.now()); err != nil {
		return ledger.Receipt{}, err
	}
	if in.Version == 0 {
		return ledger.Receipt{}, layers.Invalid("version", "is missing: give the state version that you saw")
	}
	act := ledger.Act{Actor: scope.Actor, Reason: "assign", ClientKey: stepKey(scope.Actor, in.ClientKey), Scope: &scope}
	receipt, err := d.ledger.Write(ctx, act, func(tx *ledger.Tx) error {
		e, err := readState(ctx, tx, lockSQL, id)
		if err != nil {
			return err
		}
		switch e.status {
		case report:
			first := Step{Step: "accept", Version: in.Version, At: in.At, byHand: true}
			if err := d.step(ctx, tx, scope, id, &first); err != nil {
				return err
			}
			in.Version++
		case sent, handle:
			in.Step = "handover"
		}
		return d.step(ctx, tx, scope, id, &in)
	})
	return receipt, ledger.Problem("event", err)
}
