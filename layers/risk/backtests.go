package risk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/layers/risk/backtest"
	"onepicture/layers/risk/model"
	"onepicture/sql"
)

var (
	marksSQL          = sql.Text("risk/marks.sql")
	backtestNewSQL    = sql.Text("risk/backtest_new.sql")
	backtestBeginSQL  = sql.Text("risk/backtest_begin.sql")
	backtestStateSQL  = sql.Text("risk/backtest_state.sql")
	backtestEndSQL    = sql.Text("risk/backtest_end.sql")
	backtestSetSQL    = sql.Text("risk/backtest_set.sql")
	backtestPutSQL    = sql.Text("risk/backtest_put.sql")
	backtestPartsSQL  = sql.Text("risk/backtest_parts.sql")
	backtestsSQL      = sql.Text("risk/backtests.sql")
	backtestQueuedSQL = sql.Text("risk/backtest_queued.sql")
	backtestLockSQL   = sql.Text("risk/backtest_lock.sql")
	backtestUnlockSQL = sql.Text("risk/backtest_unlock.sql")
)

// World is the configured part of the city, as risk needs it.
type World struct {
	Tree      *layers.Tree
	Areas     *geo.Areas
	Catalogue *layers.Catalogue
	Zone      *time.Location
	Sources   []Source
}

// Source is a feed with what it promised.
type Source struct {
	ID           int32
	Code         string
	Name, NameEn string
	Cadence      time.Duration // 0: none promised
	LastAt       *time.Time
}

// Day is the day since 1970 of a moment in the deployment's zone.
func (w *World) Day(t time.Time) int32 { return layers.Days(t.In(w.Zone)) }

// TestSpec says what a back-test measures.
type TestSpec struct {
	Divisions  []string `json:"divisions"`            // "places", or the side of squares in metres
	TrainTo    string   `json:"trainTo,omitempty"`    // first day that is not trained on; empty: after two thirds
	TestTo     string   `json:"testTo,omitempty"`     // first day after the test; empty: the last day with events
	Horizon    int      `json:"horizon"`              // days
	Categories []string `json:"categories,omitempty"` // codes; empty: all with enough events
	MinEvents  int      `json:"minEvents"`
}

// Check tells what is wrong with it.
func (s *TestSpec) Check() error {
	if s.Horizon < 1 || s.Horizon > 90 {
		return layers.Invalid("horizon", "must be 1 to 90 days")
	}
	if len(s.Divisions) == 0 || len(s.Divisions) > 4 {
		return layers.Invalid("divisions", "must be 1 to 4: places, or a side in metres")
	}
	for _, d := range s.Divisions {
		if side, err := strconv.ParseFloat(d, 64); d != "places" && (err != nil || side < 50 || side > 5000) {
			return layers.Invalid("divisions", "must be places, or a side of 50 to 5000 metres")
		}
	}
	for _, d := range []struct{ field, text string }{{"trainTo", s.TrainTo}, {"testTo", s.TestTo}} {
		if _, err := time.Parse(time.DateOnly, d.text); d.text != "" && err != nil {
			return layers.Invalid(d.field, "must be a day such as 2022-01-01")
		}
	}
	return nil
}

// Backtest is a run with its results so far.
type Backtest struct {
	ID        int
	Spec      TestSpec
	State     string // queued, running, done, cancelled, failed
	Message   string
	Now       string
	Done      int
	Total     int
	MadeAt    time.Time
	StartedAt *time.Time
	EndedAt   *time.Time
	Parts     []Part
}

// Part is the result of one category on one division.
type Part struct {
	Division string
	Result   backtest.Result
}

// Truth is the rate that a category's events in a place were drawn from on the days from lo to before hi; nil when
// unknown.
type Truth func(category string, place string, lo, hi int32) float64

// Backtests keeps and runs the tests of one database.
type Backtests struct {
	pool  *pgxpool.Pool
	world func() (*World, error)
	Truth Truth // of an invented city
}

// NewBacktests runs on the pool, whose statements must not be timed out.
func NewBacktests(pool *pgxpool.Pool, world func() (*World, error)) *Backtests {
	return &Backtests{pool: pool, world: world}
}

// Queue adds a test; whoever runs Serve or Run measures it.
func (b *Backtests) Queue(ctx context.Context, actor string, s TestSpec) (id int, err error) {
	if err := s.Check(); err != nil {
		return 0, err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return 0, err
	}
	err = b.pool.QueryRow(ctx, backtestNewSQL, text, actor).Scan(&id)
	return id, ledger.Problem("back-test", err)
}

// Cancel stops a test at its next model; what is measured stays, and Resume goes on from there.
func (b *Backtests) Cancel(ctx context.Context, id int) error {
	return b.set(ctx, id, "cancelled", "queued", "running")
}

// Resume queues a stopped test again.
func (b *Backtests) Resume(ctx context.Context, id int) error {
	return b.set(ctx, id, "queued", "cancelled", "failed")
}

func (b *Backtests) set(ctx context.Context, id int, state string, from ...string) error {
	tag, err := b.pool.Exec(ctx, backtestSetSQL, id, state, from)
	if err != nil {
		return ledger.Problem("back-test", err)
	}
	if tag.RowsAffected() == 0 {
		if _, err := b.Find(ctx, id); err != nil {
			return err
		}
		return &layers.Error{Code: layers.CodeConflict, Message: "the back-test is no longer in a state for that"}
	}
	return nil
}

// Find is one test with its results.
func (b *Backtests) Find(ctx context.Context, id int) (*Backtest, error) {
	if id < 1 {
		return nil, layers.NotFound("back-test")
	}
	list, err := b.list(ctx, id, 1)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, layers.NotFound("back-test")
	}
	t := &list[0]
	rows, err := b.pool.Query(ctx, backtestPartsSQL, id)
	if err != nil {
		return nil, ledger.Problem("back-test", err)
	}
	t.Parts, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (p Part, err error) {
		var category string
		err = r.Scan(&p.Division, &category, &p.Result)
		return p, err
	})
	return t, ledger.Problem("back-test", err)
}

// List are the latest tests, newest first, without their results.
func (b *Backtests) List(ctx context.Context, limit int) ([]Backtest, error) {
	return b.list(ctx, 0, limit)
}

func (b *Backtests) list(ctx context.Context, id, limit int) ([]Backtest, error) {
	rows, err := b.pool.Query(ctx, backtestsSQL, id, limit)
	if err != nil {
		return nil, ledger.Problem("back-test", err)
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (t Backtest, err error) {
		err = r.Scan(&t.ID, &t.Spec, &t.State, &t.Message, &t.Now, &t.Done, &t.Total, &t.MadeAt, &t.StartedAt, &t.EndedAt)
		return t, err
	})
	return list, ledger.Problem("back-test", err)
}

// Latest is the newest finished test; nil when there is none.
func (b *Backtests) Latest(ctx context.Context) (*Backtest, error) {
	list, err := b.List(ctx, 50)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].State == "done" {
			return b.Find(ctx, list[i].ID)
		}
	}
	return nil, nil
}

// Serve measures queued tests one at a time until ctx ends; of several servers one does. A test that runs nowhere any
// more, because its server was killed, goes on too: whoever has the lock knows that nobody else is at it.
func (b *Backtests) Serve(ctx context.Context, failed func(error)) {
	for {
		var id int
		err := b.pool.QueryRow(ctx, backtestQueuedSQL).Scan(&id)
		if err == nil {
			err = b.run(ctx, id, "queued", nil) // a server that ends leaves it to the next
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil && !errors.Is(err, pgx.ErrNoRows) && !errors.Is(err, ErrStopped) && !errors.Is(err, ErrBusy) {
			failed(err)
		}
		t := time.NewTimer(3 * time.Second)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// Errors of a run that is no failure of it.
var (
	ErrStopped = errors.New("the back-test was cancelled; it can be resumed")
	ErrBusy    = errors.New("another back-test is running on this database")
)

// Run measures a test, or what is left of it. A cancelled context leaves it cancelled.
func (b *Backtests) Run(ctx context.Context, id int, tell func(*Backtest)) error {
	return b.run(ctx, id, "cancelled", tell)
}

// run leaves the test in the given state when the context ends.
func (b *Backtests) run(ctx context.Context, id int, ended string, tell func(*Backtest)) error {
	conn, err := b.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	var mine bool
	if err := conn.QueryRow(ctx, backtestLockSQL).Scan(&mine); err != nil {
		return err
	}
	if !mine {
		return ErrBusy
	}
	after := context.WithoutCancel(ctx)
	defer func() { _, _ = conn.Exec(after, backtestUnlockSQL) }() // the connection's end releases it too
	var spec TestSpec
	if err := b.pool.QueryRow(ctx, backtestBeginSQL, id).Scan(&spec); err != nil {
		return ledger.Problem("back-test", err)
	}
	r := &testRun{b: b, id: id, spec: spec, tell: tell}
	state, message := "done", ""
	switch err = r.run(ctx); {
	case err == nil:
	case errors.Is(err, ErrStopped):
		state = "cancelled"
	case ctx.Err() != nil: // the program ends
		state, err = ended, errors.Join(ErrStopped, ctx.Err())
	default:
		state, message = "failed", err.Error()
	}
	if _, e := b.pool.Exec(after, backtestEndSQL, id, state, message); e != nil {
		return errors.Join(err, e)
	}
	return err
}

// testRun is a test under way.
type testRun struct {
	b     *Backtests
	id    int
	spec  TestSpec
	tell  func(*Backtest)
	world *World
	marks []mark
	first int32
}

// mark is one event as the models see it.
type mark struct {
	place   layers.PlaceID
	class   uint16
	channel uint8
	day     int32
	at      orb.Point
}

func (r *testRun) run(ctx context.Context) (err error) {
	if r.world, err = r.b.world(); err != nil {
		return err
	}
	if err := r.read(ctx); err != nil {
		return err
	}
	known, err := r.b.Find(ctx, r.id)
	if err != nil {
		return err
	}
	train, test, err := r.days()
	if err != nil {
		return err
	}
	categories := r.categories(train)
	total := len(categories) * len(r.spec.Divisions)
	if total == 0 {
		return errors.New("no category has enough events before the test")
	}
	done := 0
	for _, name := range r.spec.Divisions {
		d, err := r.division(name)
		if err != nil {
			return err
		}
		for _, c := range categories {
			if !slices.ContainsFunc(known.Parts, func(p Part) bool { return p.Division == name && p.Result.Category == c.Code }) {
				if err := r.part(ctx, d, name, c, train, test, done, total); err != nil {
					return err
				}
			}
			done++
		}
	}
	return r.progress(ctx, "", done, total)
}

// progress writes how far it is and hears whether it shall stop.
func (r *testRun) progress(ctx context.Context, now string, done, total int) error {
	var state string
	if err := r.b.pool.QueryRow(ctx, backtestStateSQL, r.id, now, done, total).Scan(&state); err != nil {
		return ledger.Problem("back-test", err)
	}
	if r.tell != nil {
		r.tell(&Backtest{ID: r.id, State: state, Now: now, Done: done, Total: total})
	}
	if state == "cancelled" {
		return ErrStopped
	}
	return nil
}

func (r *testRun) part(ctx context.Context, d *Division, division string, c *layers.Class, train, test int32, done, total int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p := &backtest.Problem{
		Category: c.Code, Areas: d.Areas, Names: d.Names(r.world.Tree), Panels: d.panels(r.marks, c.ID, r.first),
		TrainEnd: train, TestEnd: test, Horizon: r.spec.Horizon,
	}
	if t := r.b.Truth; t != nil && d.squares == nil {
		p.Truth = r.truth(t, d, c.Code, train)
	}
	var once sync.Once
	result, err := backtest.Run(ctx, p, func(name string) {
		if err := r.progress(ctx, division+" · "+c.Code+" · "+name, done, total); err != nil {
			once.Do(func() { cancel(err) })
		}
	})
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return err
	}
	text, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("store the result: %w", err)
	}
	_, err = r.b.pool.Exec(ctx, backtestPutSQL, r.id, division, c.Code, text)
	return err
}

// truth remembers sums, because the same days are asked for by every model.
func (r *testRun) truth(t Truth, d *Division, category string, from int32) func(int, int32, int32) float64 {
	codes := make([]string, d.Areas.Leaves)
	for i := range codes {
		codes[i] = r.world.Tree.Place(d.Nodes[i]).Code
	}
	type key struct {
		leaf   int
		lo, hi int32
	}
	known := map[key]float64{}
	return func(leaf int, lo, hi int32) float64 {
		k := key{leaf, lo, hi}
		v, ok := known[k]
		if !ok {
			v = t(category, codes[leaf], lo, hi)
			known[k] = v
		}
		return v
	}
}

func (r *testRun) division(name string) (*Division, error) {
	if name == "places" {
		return ByPlace(r.world.Tree, false, nil), nil
	}
	side, err := strconv.ParseFloat(name, 64)
	if err != nil {
		return nil, layers.Invalid("divisions", "must be places, or a side in metres")
	}
	return BySquares(r.world.Tree, r.world.Areas, side)
}

// read takes all events but void ones.
func (r *testRun) read(ctx context.Context) error {
	rows, err := r.b.pool.Query(ctx, marksSQL, r.world.Zone.String(), time.Now())
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	var m mark
	var class, channel int16
	_, err = pgx.ForEachRow(rows, []any{&m.place, &class, &channel, &m.day, &m.at[0], &m.at[1]}, func() error {
		m.class, m.channel = uint16(class), uint8(channel)
		r.marks = append(r.marks, m)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	if len(r.marks) == 0 {
		return errors.New("there are no events to test on")
	}
	slices.SortFunc(r.marks, func(a, b mark) int { return int(a.day - b.day) })
	r.first = r.marks[len(r.marks)/1000].day // a few dates that are far off begin no history
	return nil
}

// days of the end of training and of the end of the test.
func (r *testRun) days() (train, test int32, err error) {
	last := r.marks[len(r.marks)-1].day + 1
	parse := func(text string, otherwise int32) int32 {
		if t, err := time.Parse(time.DateOnly, text); err == nil {
			return layers.Days(t)
		}
		return otherwise
	}
	test = min(parse(r.spec.TestTo, last), last)
	train = parse(r.spec.TrainTo, r.first+(test-r.first)*2/3)
	if train-r.first < 180 || test-train < int32(8*r.spec.Horizon) {
		return 0, 0, errors.New("too few days: half a year is needed to train, and eight horizons to test")
	}
	return train, test, nil
}

// categories with enough events before the test, in the catalogue's order.
func (r *testRun) categories(train int32) (out []*layers.Class) {
	n := map[uint16]int{}
	for i := range r.marks {
		if r.marks[i].day < train {
			n[r.marks[i].class]++
		}
	}
	for i := range r.world.Catalogue.Classes {
		c := &r.world.Catalogue.Classes[i]
		if c.Kind == layers.KindEvent && n[c.ID] >= max(1, r.spec.MinEvents) &&
			(len(r.spec.Categories) == 0 || slices.Contains(r.spec.Categories, c.Code)) {
			out = append(out, c)
		}
	}
	return out
}

// Channels that are modelled apart: what residents and systems report, and what patrols find, which is where they walk.
const (
	Reported = iota
	Patrolled
	channels
)

func channelGroup(channel uint8) int {
	if channel == 1 {
		return Patrolled
	}
	return Reported
}

// panels of a category. Marks come by day.
func (d *Division) panels(marks []mark, class uint16, first int32) []model.Panel {
	out := make([]model.Panel, channels)
	for i := range out {
		out[i] = model.Panel{Start: first, Days: make([][]int32, d.Areas.Leaves)}
	}
	for i := range marks {
		m := &marks[i]
		if m.class != class || m.day < first {
			continue
		}
		leaf, ok := d.leaf[m.place]
		if d.squares != nil {
			leaf, ok = d.squares.at(m.at)
		}
		if ok {
			days := out[channelGroup(m.channel)].Days
			days[leaf] = append(days[leaf], m.day)
		}
	}
	return out
}
