package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/paulmach/orb"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	timelineSQL    = sql.Text("dispatch/timeline.sql")
	assignmentsSQL = sql.Text("dispatch/assignments.sql")
	tasksSQL       = sql.Text("dispatch/tasks.sql")
	meSQL          = sql.Text("dispatch/me.sql")
)

// Case is how far an event has come, who has it, and what the reader may do next.
type Case struct {
	Version     int
	Command     uint8 // 1 city, 2 town, 3 village
	Whistled    bool
	ClockAt     *time.Time
	SuspendedAt *time.Time
	MergedInto  *Answer  // nil: its own
	Merged      []Merged // reports that are about it too
	Repeat      *Repeat  // nil: none
	Timeline    []Entry
	Assignments []Assignment
	Actions     []Action
}

// Entry is one step of a timeline.
type Entry struct {
	ID             int64
	Step           string
	Actor          string
	Label, LabelEn string // of the actor's post; empty: not a worker
	Unit           Unit   // of the actor; its code is empty for none
	At, DoneAt     time.Time
	From, To       uint8
	Version        int
	Command        uint8
	Note, Reason   string
	Evidence       []string
	Assignees      []Assigned
	Other          int64 // the other event of a merge; 0: none
	Rule           int32 // by which it was given, or against which; 0: none acted
	Against        bool
	Automatic      bool
	Point          *orb.Point
}

// Unit is a unit's code and name.
type Unit struct{ Code, Name, NameEn string }

// Assignment tells who has or had an event.
type Assignment struct {
	Event          int64
	Unit           Unit
	Worker         int32 // 0: the unit as a whole
	Label, LabelEn string
	Lead           bool
	Suggested      bool
	AssignedAt     time.Time
	StartedAt      *time.Time
	DoneAt         *time.Time
	EndedAt        *time.Time
}

// Action is a step that somebody may take now.
type Action struct {
	Step   string
	To     uint8
	Needs  []string // inputs that it must bring
	Photos int      // how many photos at least, when it needs evidence
}

// Case reads the event's life for a scope; not found also when the event is outside it.
func (d *Desk) Case(ctx context.Context, scope layers.Scope, id int64) (Case, error) {
	e, err := d.inScope(ctx, scope, id)
	if err != nil {
		return Case{}, err
	}
	c := Case{Version: e.version, Command: e.command, Whistled: e.whistled, ClockAt: e.clock, SuspendedAt: e.suspended}
	if c.Timeline, err = d.timeline(ctx, scope, &e); err != nil {
		return c, ledger.Problem("event", err)
	}
	if err := d.together(ctx, scope, &e, &c); err != nil {
		return c, ledger.Problem("event", err)
	}
	if c.Assignments, err = d.assignments(ctx, scope, []int64{id}); err != nil {
		return c, ledger.Problem("event", err)
	}
	c.Actions, err = d.actions(ctx, scope, &e)
	return c, ledger.Problem("event", err)
}

// actions are the steps of the table that the actor may take now.
func (d *Desk) actions(ctx context.Context, scope layers.Scope, e *state) ([]Action, error) {
	who, err := d.partyOf(ctx, d.reads(scope), scope, e)
	if err != nil {
		return nil, err
	}
	var out []Action
	for i := range Life {
		t := &Life[i]
		if !t.allows(e.status, who.is, e.command) || t.Needs&NeedParts != 0 && who.parts > 0 {
			continue
		}
		need, photos := d.needs(t, e.item)
		a := Action{Step: t.Step, To: t.To, Needs: need.Needs(), Photos: photos}
		switch t.To {
		case same:
			a.To = e.status
		case back:
			a.To = e.below
		}
		out = append(out, a)
	}
	return out, nil
}

func (d *Desk) timeline(ctx context.Context, scope layers.Scope, e *state) ([]Entry, error) {
	rows, err := d.reads(scope).Query(ctx, timelineSQL, e.id)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (t Entry, err error) {
		var from, to, command int16
		var more detail
		var where orb.Geometry
		err = r.Scan(&t.ID, &t.Step, &t.Actor, &t.At, &t.DoneAt, &from, &to, &t.Version, &command, &t.Note, &t.Reason,
			&t.Evidence, &more, &where, &t.Label, &t.LabelEn, &t.Unit.Code, &t.Unit.Name, &t.Unit.NameEn)
		t.From, t.To, t.Command, t.Assignees, t.Other = uint8(from), uint8(to), uint8(command), more.Assignees, more.Event
		t.Rule, t.Against, t.Automatic = more.Rule, more.Against, more.Automatic
		if p, ok := where.(orb.Point); ok {
			t.Point = &p
		}
		return t, err
	})
	if err == nil && (len(list) == 0 || list[0].Step != "report") {
		// A feed delivered it: its report is known by the event itself.
		first := Entry{Step: "report", At: e.reported, DoneAt: e.reported, To: report, Version: 1, Command: layers.LevelVillage, Evidence: []string{}, Point: &e.point}
		list = append([]Entry{first}, list...)
	}
	return list, err
}

func (d *Desk) assignments(ctx context.Context, scope layers.Scope, events []int64) ([]Assignment, error) {
	rows, err := d.reads(scope).Query(ctx, assignmentsSQL, events)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (a Assignment, err error) {
		err = r.Scan(&a.Event, &a.Unit.Code, &a.Unit.Name, &a.Unit.NameEn, &a.Worker, &a.Label, &a.LabelEn, &a.Lead,
			&a.Suggested, &a.AssignedAt, &a.StartedAt, &a.DoneAt, &a.EndedAt)
		return a, err
	})
}

// Me is the worker that an actor is.
type Me struct {
	ID             int32
	Unit           Unit
	Level          uint8
	Label, LabelEn string
	Desk, OnDuty   bool
	SeenAt         *time.Time
}

// Task is an event that an actor has in hand.
type Task struct {
	Event       int64
	Version     int
	SuspendedAt *time.Time
	Assignments []Assignment
	Actions     []Action
}

// Tasks are what the scope's actor has in hand, the nearest deadline first, and the worker that the actor is; nil: none.
func (d *Desk) Tasks(ctx context.Context, scope layers.Scope, limit int) (*Me, []Task, error) {
	me, err := d.Me(ctx, scope)
	if err != nil || me == nil {
		return nil, nil, err
	}
	rows, err := d.reads(scope).Query(ctx, tasksSQL, scope.Actor, limit)
	if err != nil {
		return nil, nil, ledger.Problem("tasks", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, nil, ledger.Problem("tasks", err)
	}
	held, err := d.assignments(ctx, scope, ids)
	if err != nil {
		return nil, nil, ledger.Problem("tasks", err)
	}
	var out []Task
	for _, id := range ids {
		e, err := readState(ctx, d.reads(scope), lookSQL, id)
		if err != nil {
			return nil, nil, ledger.Problem("tasks", err)
		}
		if !e.in(scope) {
			continue
		}
		t := Task{Event: id, Version: e.version, SuspendedAt: e.suspended}
		for _, a := range held {
			if a.Event == id && a.EndedAt == nil {
				t.Assignments = append(t.Assignments, a)
			}
		}
		if t.Actions, err = d.actions(ctx, scope, &e); err != nil {
			return nil, nil, ledger.Problem("tasks", err)
		}
		out = append(out, t)
	}
	return me, out, nil
}

// Me is the worker that the scope's actor is; nil when the actor is none.
func (d *Desk) Me(ctx context.Context, scope layers.Scope) (*Me, error) {
	var m Me
	var level int16
	err := d.reads(scope).QueryRow(ctx, meSQL, scope.Actor).Scan(&m.ID, &m.Unit.Code, &m.Unit.Name, &m.Unit.NameEn, &level,
		&m.Label, &m.LabelEn, &m.Desk, &m.OnDuty, &m.SeenAt)
	m.Level = uint8(level)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, ledger.Problem("worker", err)
	}
	return &m, nil
}

func isUnique(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}

// inScope finds an event for those who may see it.
func (d *Desk) inScope(ctx context.Context, scope layers.Scope, id int64) (state, error) {
	e, err := readState(ctx, d.reads(scope), lookSQL, id)
	if err != nil {
		return e, ledger.Problem("event", fmt.Errorf("read the event: %w", err))
	}
	if !e.in(scope) {
		return e, layers.NotFound("event")
	}
	return e, nil
}
