package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	lockSQL           = sql.Text("dispatch/lock.sql")
	lookSQL           = sql.Text("dispatch/look.sql")
	moveSQL           = sql.Text("dispatch/move.sql")
	stepSQL           = sql.Text("dispatch/step.sql")
	endAssignmentsSQL = sql.Text("dispatch/end_assignments.sql")
	startedSQL        = sql.Text("dispatch/started.sql")
	doneSQL           = sql.Text("dispatch/done.sql")
	undoneSQL         = sql.Text("dispatch/undone.sql")
)

// Limits of a step.
const (
	MaxNote      = 2000 // characters, of a reason too
	MaxEvidence  = 12
	MaxAssignees = 10
)

// Step is what somebody does, or has done, with an event.
type Step struct {
	Step      string    // code in Life
	Version   int       // state version that the doer saw; 0: not told
	Note      string    // what was done
	Reason    string    // why
	Evidence  []string  // content addresses of photos: SHA-256 in hexadecimal
	Lon, Lat  *float64  // where; both or none
	Datum     string    // of Lon and Lat; required with them
	At        time.Time // by the doer's clock; zero: now
	Assignees []Assignee
	Into      int64  // merge: the event that it is about too
	Category  string // accept: put right; empty: as it is
	Item      string
	Level     uint8
	ClientKey string // a replay with the same key is harmless

	ruling *Ruling // a rule takes it: this one, also when another would act a moment later
	byHand bool    // accept: somebody says to whom it goes
}

// state is an event's row as far as its life goes.
type state struct {
	id                                     int64
	status, below                          uint8 // below: what it is apart from having been merged
	into                                   int64 // the event that it was merged into; 0: none
	mergedAt                               *time.Time
	version                                int
	command, level                         uint8
	class, item                            uint16
	channel                                uint8
	whistled                               bool
	reported                               time.Time
	due, closed, fedBack, clock, suspended *time.Time
	point                                  orb.Point
	place                                  layers.PlaceID
	department                             int16 // that answers for it; 0: none
}

// in tells whether the scope sees the event.
func (s *state) in(scope layers.Scope) bool {
	return scope.Records(layers.KindEvent, s.place, s.department)
}

// location is where the ledger says that the event is.
func (s *state) location(bits uint64) *layers.Location {
	return &layers.Location{Geom: s.point, Place: s.place, Department: s.department, Layers: bits}
}

func readState(ctx context.Context, q queryer, text string, id int64) (state, error) {
	s := state{id: id}
	var status, below, command, level, class, item, channel int16
	err := q.QueryRow(ctx, text, id).Scan(&status, &below, &s.into, &s.mergedAt, &s.version, &command, &level, &class, &item, &channel, &s.whistled,
		&s.reported, &s.due, &s.closed, &s.fedBack, &s.clock, &s.suspended, &s.point, &s.place, &s.department)
	s.status, s.below, s.command, s.level, s.class, s.item, s.channel = uint8(status), uint8(below), uint8(command), uint8(level), uint16(class), uint16(item), uint8(channel)
	return s, err
}

// record is what the index keeps of the event in this state.
func (s *state) record() layers.Record {
	r := layers.Record{
		ID: s.id, Key: geo.KeyOf(s.point[0], s.point[1]), Place: s.place, Class: s.class, Item: s.item, Status: s.status,
		Level: s.level, Department: s.department, Flags: uint32(s.channel), Time: layers.Minutes(s.reported),
	}
	if s.closed != nil {
		r.Closed = layers.Minutes(*s.closed)
	}
	if s.due != nil {
		r.Due = layers.Minutes(*s.due)
		done := s.closed
		if done != nil && s.fedBack != nil {
			done = s.fedBack
		}
		if done != nil && done.After(*s.due) {
			r.Flags |= layers.FlagLate
		}
	}
	return r
}

// work is one step under way.
type work struct {
	*Desk
	tx        *ledger.Tx
	scope     layers.Scope
	in        *Step
	t         *Transition
	old, new  state
	who       party
	now, done time.Time
	point     *orb.Point
	detail    detail
}

// Take takes a step of an event's life. Of two at once with the same state version one is taken, the other gets
// CodeConflict with the state as it is now; so does a step that does not follow the present state. CodeForbidden: the
// step is not this actor's. CodeInvalid names the input that is missing. A known ClientKey gives the first receipt
// again. One transaction: the event's row, its timeline, its assignments, its clock and the ledger.
func (d *Desk) Take(ctx context.Context, scope layers.Scope, id int64, in Step) (ledger.Receipt, error) {
	if err := in.check(d.now()); err != nil {
		return ledger.Receipt{}, err
	}
	act := ledger.Act{Actor: scope.Actor, Reason: in.Step, ClientKey: stepKey(scope.Actor, in.ClientKey), Scope: &scope}
	receipt, err := d.ledger.Write(ctx, act, func(tx *ledger.Tx) error { return d.step(ctx, tx, scope, id, &in) })
	return receipt, ledger.Problem("event", err)
}

// stepKey is the ledger's key of a step; one actor's keys are not another's.
func stepKey(actor, clientKey string) string {
	if clientKey == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(actor + "\x00" + clientKey))
	return "step:" + hex.EncodeToString(sum[:16])
}

// step does the whole of it in a transaction.
func (d *Desk) step(ctx context.Context, tx *ledger.Tx, scope layers.Scope, id int64, in *Step) error {
	w := &work{Desk: d, tx: tx, scope: scope, in: in, t: transitionOf(in.Step), now: d.now().UTC()}
	if w.done = in.At.UTC(); in.At.IsZero() {
		w.done = w.now
	}
	lead, err := w.lock(ctx, id)
	if err != nil {
		return err
	}
	if !w.old.in(scope) {
		return layers.NotFound("event")
	}
	if in.Version != 0 && in.Version != w.old.version {
		return w.conflict("somebody was faster")
	}
	if w.who, err = d.partyOf(ctx, tx, scope, &w.old); err != nil {
		return err
	}
	if err := w.permit(); err != nil {
		return err
	}
	w.new = w.old
	if w.t.moves() {
		w.new.version++
	}
	switch w.t.To {
	case same:
	case merged:
		w.new.status = merged
	case back:
		w.new.status = w.old.below
	default:
		w.new.status, w.new.below = w.t.To, w.t.To
	}
	if err := w.apply(ctx); err != nil {
		return err
	}
	if !w.new.in(scope) {
		return layers.Forbidden("a department does not give its events to another: return it, and the desk of the place does")
	}
	if err := w.write(ctx); err != nil {
		return err
	}
	if lead != nil {
		return w.beside(ctx, lead)
	}
	return w.automatic(ctx)
}

func (w *work) conflict(why string) error {
	return &layers.Error{Code: layers.CodeConflict, Message: fmt.Sprintf("%s: the event is at version %d, %s",
		why, w.old.version, layers.Statuses[w.old.status])}
}

// permit checks the step against the table, and its inputs against what the table demands.
func (w *work) permit() error {
	if !slices.Contains(w.t.From, w.old.status) {
		return w.conflict(w.t.Step + " does not follow this state")
	}
	if w.t.Who&w.who.is == 0 {
		return layers.Forbidden("this step is not yours to take: " + w.t.Step)
	}
	if !w.t.allows(w.old.status, w.who.is, w.old.command) {
		return w.conflict("there is no level to take it there")
	}
	n, photos := w.needs(w.t, w.old.item)
	switch {
	case n&NeedVersion != 0 && w.in.Version == 0:
		return layers.Invalid("version", "is missing: give the state version that you saw")
	case n&NeedReason != 0 && w.in.Reason == "":
		return layers.Invalid("reason", "is missing: say why")
	case n&NeedNote != 0 && w.in.Note == "":
		return layers.Invalid("note", "is missing: say what was done")
	case n&NeedInto != 0 && w.in.Into == 0:
		return layers.Invalid("into", "is missing: say which event it is about too")
	case n&NeedAssignees != 0 && len(w.in.Assignees) == 0:
		return layers.Invalid("assignees", "is missing: say to whom")
	case n&NeedPlace != 0 && w.in.Lon == nil:
		return layers.Invalid("lon", "is missing: say where")
	case n&NeedEvidence != 0 && len(w.in.Evidence) < photos:
		return layers.Invalid("evidence", "needs at least %d photos for this item", photos)
	case n&NeedParts != 0 && w.who.parts > 0:
		return w.conflict(fmt.Sprintf("%d supporters have not done their part yet", w.who.parts))
	}
	return nil
}

// needs are what a step must bring by the table and by the version of the item that the event was filed under, with how
// many photos at least.
func (d *Desk) needs(t *Transition, item uint16) (n Need, photos int) {
	n = t.Needs
	it := d.picture.Catalogue().Item(item)
	if it == nil {
		return n &^ NeedEvidence, 0
	}
	for input, need := range map[string]Need{"note": NeedNote, "place": NeedPlace, "photo": NeedEvidence} {
		if it.Needs(t.Step, input) {
			n |= need
		}
	}
	switch {
	case t.Needs&NeedEvidence != 0:
		photos = it.Photos
	case n&NeedEvidence != 0:
		photos = 1
	}
	if photos == 0 {
		n &^= NeedEvidence
	}
	return n, photos
}

// apply works out the new state and changes the assignments.
func (w *work) apply(ctx context.Context) error {
	if w.in.Lon != nil {
		p, err := Locate(w.in.Lon, w.in.Lat, w.in.Datum)
		if err != nil {
			return err
		}
		w.point = &orb.Point{p.Lon, p.Lat}
	}
	switch w.t.Step {
	case "accept":
		return w.putRight(ctx)
	case "dispatch":
		if err := w.startClock(ctx); err != nil {
			return err
		}
		return w.assign(ctx)
	case "handover":
		if err := w.exec(ctx, endAssignmentsSQL, w.old.id, w.now); err != nil {
			return err
		}
		return w.assign(ctx)
	case "join":
		return w.assign(ctx)
	case "return":
		return w.endAssignments(ctx)
	case "start":
		return w.exec(ctx, startedSQL, w.old.id, w.now)
	case "part":
		return w.exec(ctx, doneSQL, w.old.id, w.scope.Actor, w.now, false)
	case "feedback":
		w.new.fedBack = w.between()
		if err := w.pauseClock(ctx, *w.new.fedBack); err != nil {
			return err
		}
		return w.exec(ctx, doneSQL, w.old.id, w.scope.Actor, w.now, true)
	case "reject":
		if err := w.resumeClock(ctx, w.old.fedBack); err != nil {
			return err
		}
		w.new.fedBack = nil
		return w.exec(ctx, undoneSQL, w.old.id)
	case "close", "void":
		w.new.closed = &w.now
		return w.endAssignments(ctx)
	case "suspend":
		w.new.suspended = &w.now
		return w.pauseClock(ctx, w.now)
	case "resume":
		w.new.suspended = nil
		return w.resumeClock(ctx, w.old.suspended)
	case "whistle", "escalate":
		w.new.command--
		w.new.whistled = w.new.whistled || w.t.Step == "whistle"
		return w.endAssignments(ctx)
	case "raise":
		w.new.command--
		if w.old.status == report || w.old.status == accept {
			return w.lateSet(ctx)
		}
	case "merge":
		w.new.into, w.new.mergedAt, w.detail.Event = w.in.Into, &w.now, w.in.Into
		return w.pauseClock(ctx, w.now)
	case "unmerge":
		w.new.into, w.new.mergedAt, w.detail.Event = 0, nil, w.old.into
		return w.resumeClock(ctx, w.old.mergedAt)
	case "takeover":
		w.new.command = w.who.level
	case "handback":
		w.new.command++
	case "reopen":
		w.new.closed, w.new.fedBack = nil, nil
		w.new.clock = nil
		due, err := w.deadline(ctx, w.now)
		w.new.due = due
		return errors.Join(err, w.lateSet(ctx))
	}
	return nil
}

// putRight changes what a report got wrong.
func (w *work) putRight(ctx context.Context) (err error) {
	e := event{Report: Report{Category: w.in.Category, Item: w.in.Item, Level: w.in.Level}}
	if e.Category == "" && e.Report.Item == "" && e.Level == 0 {
		return nil
	}
	c := w.picture.Catalogue()
	if e.Report.Item == "" && e.Category == "" || e.Report.Item == "" && w.old.item != 0 && w.sameClass(e.Category) {
		if it := c.Item(w.old.item); it != nil {
			e.Report.Item, e.Category = it.Code, ""
		}
	}
	if e.Report.Item == "" && e.Category == "" {
		e.Category = codeOf(c, w.old.class)
	}
	if e.Level == 0 && w.in.Item == "" {
		e.Level = w.old.level
	}
	if err := e.checkKind(c); err != nil {
		return err
	}
	if old := c.Item(w.old.item); old != nil && old.Code == e.Report.Item {
		e.item, e.class = old.ID, old.Class // it keeps the version that it was filed under
	}
	if e.item != w.old.item {
		w.new.department = ownerOf(c, e.item)
	}
	w.new.class, w.new.item, w.new.level = e.class, e.item, e.Level
	if w.new.due, err = w.deadline(ctx, w.old.reported); err != nil {
		return err
	}
	w.detail.Category, w.detail.Level = codeOf(c, e.class), e.Level
	return nil
}

func (w *work) sameClass(category string) bool {
	return codeOf(w.picture.Catalogue(), w.old.class) == category
}

func codeOf(c *layers.Catalogue, class uint16) string {
	if k := c.Class(layers.KindEvent, class); k != nil {
		return k.Code
	}
	return ""
}

// ownerOf is the department that answers for an item's events at first; 0: none.
func ownerOf(c *layers.Catalogue, item uint16) int16 {
	if it := c.Item(item); it != nil {
		return it.DepartmentID
	}
	return 0
}

func (w *work) endAssignments(ctx context.Context) error {
	w.new.suspended = nil
	if err := w.exec(ctx, dropJobsSQL, w.old.id); err != nil {
		return err
	}
	if w.t.To == accept {
		w.new.clock = nil
		if err := w.lateSet(ctx); err != nil {
			return err
		}
	}
	return w.exec(ctx, endAssignmentsSQL, w.old.id, w.now)
}

func (w *work) exec(ctx context.Context, text string, args ...any) error {
	if _, err := w.tx.Exec(ctx, text, args...); err != nil {
		return fmt.Errorf("%s: %w", w.t.Step, err)
	}
	return nil
}

// between is when it was done by the doer's clock, never before the clock began.
func (w *work) between() *time.Time {
	at := w.done
	if w.old.clock != nil && at.Before(*w.old.clock) {
		at = *w.old.clock
	}
	if at.After(w.now) {
		at = w.now
	}
	return &at
}

// write stores the new state and the step, and tells the ledger.
func (w *work) write(ctx context.Context) error {
	o, n := &w.old, &w.new
	if w.t.moves() {
		if err := w.exec(ctx, moveSQL, o.id, int16(n.below), n.version, int16(n.command), int16(n.level), int16(n.class),
			int16(n.item), n.whistled, n.due, n.closed, n.fedBack, n.clock, n.suspended, n.into, n.mergedAt, n.department); err != nil {
			return err
		}
	}
	var where any
	if w.point != nil {
		where = *w.point
	}
	if err := w.exec(ctx, stepSQL, o.id, w.t.Step, w.scope.Actor, w.now, w.done, int16(o.status), int16(n.status), n.version,
		int16(n.command), w.in.Note, w.in.Reason, w.in.Evidence, w.detail, where); err != nil {
		return err
	}
	before, after := o.record(), n.record()
	fields := []string{"timeline"}
	if w.t.moves() {
		fields = append(fields, "status")
	}
	c := layers.Change{
		Kind: layers.KindEvent, Op: layers.OpPut, FeatureID: o.id, Record: &after, Fields: fields,
		Old: o.location(w.picture.LayersOf(layers.KindEvent, &before)),
		New: n.location(w.picture.LayersOf(layers.KindEvent, &after)),
	}
	if n.status == merged { // it is counted where it went: to all that is derived, it is gone
		c.Op, c.New = layers.OpDelete, nil
	}
	w.tx.Record(c)
	return nil
}

// check looks at what can be known without the database.
func (in *Step) check(now time.Time) error {
	if transitionOf(in.Step) == nil {
		return layers.Invalid("step", "is not a step: it is one of %s", strings.Join(Steps(), ", "))
	}
	in.Note, in.Reason = strings.TrimSpace(in.Note), strings.TrimSpace(in.Reason)
	for field, text := range map[string]string{"note": in.Note, "reason": in.Reason} {
		if err := layers.CheckText(field, text, MaxNote); err != nil {
			return err
		}
	}
	if len(in.ClientKey) > MaxClientKey {
		return layers.Invalid("Idempotency-Key", "is longer than %d characters", MaxClientKey)
	}
	if in.At.After(now.Add(Ahead)) {
		return layers.Invalid("at", "lies in the future")
	}
	if len(in.Evidence) > MaxEvidence {
		return layers.Invalid("evidence", "has more than %d photos", MaxEvidence)
	}
	for _, e := range in.Evidence {
		if b, err := hex.DecodeString(e); err != nil || len(b) != sha256.Size {
			return layers.Invalid("evidence", "must be content addresses: SHA-256 in hexadecimal")
		}
	}
	if err := checkAssignees(in.Assignees); err != nil {
		return err
	}
	return in.checkWhere()
}

func (in *Step) checkWhere() error {
	if in.Lon == nil && in.Lat == nil {
		return nil
	}
	_, err := Locate(in.Lon, in.Lat, in.Datum)
	return err
}

// Locate reads a location in a declared datum.
func Locate(lon, lat *float64, datum string) (geo.WGS84, error) {
	if lon == nil || lat == nil {
		return geo.WGS84{}, layers.Invalid("lon", "and lat go together")
	}
	if datum == "" {
		return geo.WGS84{}, layers.Invalid("datum", "is missing: say WGS84, CGCS2000, GCJ02 or BD09; it is never guessed")
	}
	d, err := geo.ParseDatum(datum)
	if err != nil {
		return geo.WGS84{}, layers.Invalid("datum", "is unknown: use WGS84, CGCS2000, GCJ02 or BD09")
	}
	if err := geo.ValidLonLat(*lon, *lat); err != nil || math.Abs(*lat) > 85 {
		return geo.WGS84{}, layers.Invalid("lon", "and lat are not degrees on the map: lon −180…180, lat −85…85")
	}
	return d.ToWGS84(*lon, *lat), nil
}

// queryer is a transaction, or reads under a scope.
type queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}
