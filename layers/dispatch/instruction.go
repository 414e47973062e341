package dispatch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	officerSQL          = sql.Text("dispatch/officer.sql")
	recipientsSQL       = sql.Text("dispatch/recipients.sql")
	instructSQL         = sql.Text("dispatch/instruct.sql")
	instructToSQL       = sql.Text("dispatch/instruct_to.sql")
	acknowledgeSQL      = sql.Text("dispatch/acknowledge.sql")
	acknowledgedSQL     = sql.Text("dispatch/acknowledged.sql")
	instructionsSQL     = sql.Text("dispatch/instructions.sql")
	instructedSQL       = sql.Text("dispatch/instructed.sql")
	instructionsMineSQL = sql.Text("dispatch/instructions_mine.sql")
)

// Limits of an instruction.
const (
	MaxInstruction = 500 // characters
	MaxInstructed  = 200 // workers by name; all on duty may be more
	// readFor is how long a worker still sees what is acknowledged: a shift.
	readFor = 12 * time.Hour
)

// Order is an instruction to be given: to workers by number, or to all who are on duty in a place.
type Order struct {
	Text      string
	Workers   []int32
	Place     layers.PlaceID // with Workers empty: all on duty there; 0 and no workers: all on duty in the scope
	Event     int64          // that it is about; 0: none
	ClientKey string
}

// Instruction is one that was given, as the centre sees it.
type Instruction struct {
	ID             int64
	Text           string
	Actor          string
	Label, LabelEn string // of the actor's post; empty: no worker
	At             time.Time
	Place          layers.PlaceID // 0: the city as a whole
	Event          int64          // 0: none
	Told, Read     int
	To             []Recipient // by Instruction alone
}

// Recipient is a worker who got it.
type Recipient struct {
	Worker         int32
	Label, LabelEn string
	Unit           Unit
	OnDuty         bool
	ReadAt         *time.Time // nil: not yet
}

// Received is an instruction as the worker sees it.
type Received struct {
	ID             int64
	Text           string
	Label, LabelEn string // of the officer's post
	At             time.Time
	Event          int64
	ReadAt         *time.Time // nil: to be acknowledged
}

// Instruct gives an instruction. Only for officers: who may handle events and is no field worker. Every recipient's unit
// must serve a place whose events the officer sees; a worker outside is as unknown as one who does not exist. CodeInvalid
// when nobody is on duty. A known ClientKey gives the first receipt again. One transaction; the ledger tells the phones.
func (d *Desk) Instruct(ctx context.Context, scope layers.Scope, o Order) (ledger.Receipt, error) {
	if err := o.check(); err != nil {
		return ledger.Receipt{}, err
	}
	if err := d.officer(ctx, scope); err != nil {
		return ledger.Receipt{}, err
	}
	if o.Place != 0 && !scope.Attends(o.Place) {
		return ledger.Receipt{}, layers.Invalid("place", "is not one whose workers you may instruct")
	}
	if o.Event != 0 {
		e, err := d.inScope(ctx, scope, o.Event)
		if err != nil {
			return ledger.Receipt{}, err
		}
		if o.Place == 0 {
			o.Place = e.place
			if len(o.Workers) == 0 {
				return ledger.Receipt{}, layers.Invalid("workers", "or a place are missing: say to whom")
			}
		}
	}
	key := stepKey(scope.Actor, o.ClientKey)
	if key != "" {
		key = "instruct:" + key
	}
	act := ledger.Act{Actor: scope.Actor, Reason: "instruct", ClientKey: key, Scope: &scope}
	receipt, err := d.ledger.Write(ctx, act, func(tx *ledger.Tx) error { return d.instruct(ctx, tx, scope, &o) })
	return receipt, ledger.Problem("instruction", err)
}

func (o *Order) check() error {
	o.Text = strings.TrimSpace(o.Text)
	switch {
	case o.Text == "":
		return layers.Invalid("text", "is empty: say what is to be done")
	case len(o.Workers) > MaxInstructed:
		return layers.Invalid("workers", "are more than %d", MaxInstructed)
	case len(o.ClientKey) > MaxClientKey:
		return layers.Invalid("Idempotency-Key", "is longer than %d characters", MaxClientKey)
	}
	return layers.CheckText("text", o.Text, MaxInstruction)
}

// officer refuses who gives no instructions: those without the right, and field workers.
func (d *Desk) officer(ctx context.Context, scope layers.Scope) error {
	yes := false
	if scope.Rights.Has(layers.RightHandle) {
		if err := d.reads(scope).QueryRow(ctx, officerSQL, scope.Actor).Scan(&yes); err != nil {
			return ledger.Problem("worker", err)
		}
	}
	if !yes {
		return layers.Forbidden("instructions are given at a desk")
	}
	return nil
}

// addressee is a worker to be told.
type addressee struct {
	id    int32
	actor string
	place layers.PlaceID // that the unit serves; 0: all
}

func (d *Desk) instruct(ctx context.Context, tx *ledger.Tx, scope layers.Scope, o *Order) error {
	to, err := d.addressees(ctx, tx, scope, o)
	if err != nil {
		return err
	}
	place := o.Place
	if place == 0 {
		place = d.common(to)
	}
	ids, actors := make([]int32, len(to)), make([]string, len(to))
	for i, a := range to {
		ids[i], actors[i] = a.id, layers.ToActor+a.actor
	}
	var id int64
	if err := tx.QueryRow(ctx, instructSQL, o.Text, scope.Actor, d.now().UTC(), int32(place), o.Event).Scan(&id); err != nil {
		return fmt.Errorf("write the instruction: %w", err)
	}
	if _, err := tx.Exec(ctx, instructToSQL, id, ids); err != nil {
		return fmt.Errorf("write to whom it goes: %w", err)
	}
	tx.Record(layers.Change{
		Kind: layers.KindInstruction, Op: layers.OpPut, FeatureID: id, New: &layers.Location{Place: place}, Fields: actors,
	})
	return nil
}

// addressees are the workers named, each of whom the officer must reach, or those on duty in the place.
func (d *Desk) addressees(ctx context.Context, tx *ledger.Tx, scope layers.Scope, o *Order) ([]addressee, error) {
	rows, err := tx.Query(ctx, recipientsSQL, append([]int32{}, o.Workers...))
	if err != nil {
		return nil, fmt.Errorf("find the workers: %w", err)
	}
	within := d.below(o.Place)
	var out []addressee
	var a addressee
	var here layers.PlaceID
	if _, err := pgx.ForEachRow(rows, []any{&a.id, &a.actor, &a.place, &here}, func() error {
		if !scope.Attends(a.place) {
			return nil
		}
		if len(o.Workers) > 0 || within(a.place) || within(here) {
			out = append(out, a)
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("find the workers: %w", err)
	}
	named := map[int32]bool{}
	for _, id := range o.Workers {
		named[id] = true
	}
	switch {
	case len(out) < len(named):
		return nil, layers.Invalid("workers", "name a worker that is not known")
	case len(out) == 0:
		return nil, layers.Invalid("place", "has nobody on duty")
	}
	return out, nil
}

// below tells whether a place is another or lies in it; in none lies everything.
func (d *Desk) below(place layers.PlaceID) func(layers.PlaceID) bool {
	if place == 0 {
		return func(layers.PlaceID) bool { return true }
	}
	t := d.picture.Tree()
	var in layers.PlaceSet
	lo, hi := t.Range(place)
	for o := lo; o < hi; o++ {
		in.Add(t.At(o).ID)
	}
	return in.Has
}

// common is the smallest place that holds all that the units serve; 0: none does.
func (d *Desk) common(to []addressee) layers.PlaceID {
	t := d.picture.Tree()
	path := t.Path(to[0].place)
	for _, a := range to[1:] {
		other := t.Path(a.place)
		n := 0
		for n < min(len(path), len(other)) && path[n].ID == other[n].ID {
			n++
		}
		path = path[:n]
	}
	if len(path) == 0 {
		return 0
	}
	return path[len(path)-1].ID
}

// Acknowledge says that the scope's actor has read an instruction that went to it, at a moment by the phone's clock. To
// say it again, under whatever key, changes nothing. CodeNotFound when it went to others.
func (d *Desk) Acknowledge(ctx context.Context, scope layers.Scope, id int64, at time.Time, clientKey string) (ledger.Receipt, error) {
	if len(clientKey) > MaxClientKey {
		return ledger.Receipt{}, layers.Invalid("Idempotency-Key", "is longer than %d characters", MaxClientKey)
	}
	now := d.now().UTC()
	if at = at.UTC(); at.IsZero() || at.After(now) {
		at = now
	}
	key := stepKey(scope.Actor, clientKey)
	if key != "" {
		key = "read:" + key
	}
	act := ledger.Act{Actor: scope.Actor, Reason: "acknowledge", ClientKey: key, Scope: &scope}
	receipt, err := d.ledger.Write(ctx, act, func(tx *ledger.Tx) error {
		tag, err := tx.Exec(ctx, acknowledgeSQL, id, scope.Actor, at, now)
		if err != nil {
			return fmt.Errorf("acknowledge: %w", err)
		}
		var read *time.Time
		var place layers.PlaceID
		switch err := tx.QueryRow(ctx, acknowledgedSQL, id, scope.Actor).Scan(&read, &place); {
		case errors.Is(err, pgx.ErrNoRows):
			return layers.NotFound("instruction")
		case err != nil:
			return fmt.Errorf("acknowledge: %w", err)
		}
		if tag.RowsAffected() > 0 {
			tx.Record(layers.Change{Kind: layers.KindInstruction, Op: layers.OpPut, FeatureID: id, New: &layers.Location{Place: place},
				Fields: []string{"read_at", layers.ToActor + scope.Actor}})
		}
		return nil
	})
	return receipt, ledger.Problem("instruction", err)
}

// Instructions are those that were given over the places of the scope, the latest first, without to whom; about one event
// unless that is 0. Those about an event are for who sees the event. Only for officers.
func (d *Desk) Instructions(ctx context.Context, scope layers.Scope, event int64, limit int) ([]Instruction, error) {
	if err := d.officer(ctx, scope); err != nil {
		return nil, err
	}
	return d.given(ctx, scope, 0, event, limit)
}

func (d *Desk) given(ctx context.Context, scope layers.Scope, id, event int64, limit int) ([]Instruction, error) {
	rows, err := d.reads(scope).Query(ctx, instructionsSQL, id, event, limit)
	if err != nil {
		return nil, ledger.Problem("instructions", err)
	}
	var out []Instruction
	var i Instruction
	var about state
	_, err = pgx.ForEachRow(rows, []any{&i.ID, &i.Text, &i.Actor, &i.Label, &i.LabelEn, &i.At, &i.Place, &i.Event, &about.place, &about.department, &i.Told, &i.Read}, func() error {
		if i.Actor == scope.Actor || scope.Attends(i.Place) && (i.Event == 0 || about.in(scope)) {
			out = append(out, i)
		}
		return nil
	})
	return out, ledger.Problem("instructions", err)
}

// Instruction is one of them, with who has read it, who has not, and since when.
func (d *Desk) Instruction(ctx context.Context, scope layers.Scope, id int64) (Instruction, error) {
	if err := d.officer(ctx, scope); err != nil {
		return Instruction{}, err
	}
	list, err := d.given(ctx, scope, id, 0, 1)
	if err != nil {
		return Instruction{}, err
	}
	if len(list) == 0 {
		return Instruction{}, layers.NotFound("instruction")
	}
	i := list[0]
	rows, err := d.reads(scope).Query(ctx, instructedSQL, id)
	if err != nil {
		return i, ledger.Problem("instruction", err)
	}
	i.To, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (to Recipient, err error) {
		err = r.Scan(&to.Worker, &to.Label, &to.LabelEn, &to.Unit.Code, &to.Unit.Name, &to.Unit.NameEn, &to.OnDuty, &to.ReadAt)
		return to, err
	})
	return i, ledger.Problem("instruction", err)
}

// Received are the instructions to the scope's actor: what is not acknowledged, and what was within a shift.
func (d *Desk) Received(ctx context.Context, scope layers.Scope) ([]Received, error) {
	rows, err := d.reads(scope).Query(ctx, instructionsMineSQL, scope.Actor, d.now().Add(-readFor).UTC())
	if err != nil {
		return nil, ledger.Problem("instructions", err)
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (v Received, err error) {
		err = r.Scan(&v.ID, &v.Text, &v.Label, &v.LabelEn, &v.At, &v.Event, &v.ReadAt)
		return v, err
	})
	return list, ledger.Problem("instructions", err)
}
