package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	setJobSQL     = sql.Text("dispatch/set_job.sql")
	dropJobsSQL   = sql.Text("dispatch/drop_jobs.sql")
	pauseJobsSQL  = sql.Text("dispatch/pause_jobs.sql")
	pausedJobsSQL = sql.Text("dispatch/paused_jobs.sql")
	resumeJobSQL  = sql.Text("dispatch/resume_job.sql")
	dueJobsSQL    = sql.Text("dispatch/due_jobs.sql")
	fireJobSQL    = sql.Text("dispatch/fire_job.sql")
)

// Clockwork is the actor of what the clocks do by themselves.
const Clockwork = "clock"

// meter counts the time of one item's events: all of it, or working time only.
type meter struct {
	calendar *Calendar
	round    bool // round the clock
}

func (m meter) add(from time.Time, d time.Duration) time.Time {
	if m.round {
		return from.Add(d)
	}
	return m.calendar.Add(from, d)
}

func (m meter) between(from, to time.Time) time.Duration {
	if m.round {
		return max(0, to.Sub(from))
	}
	return m.calendar.Between(from, to)
}

// meterOf is how an item's time is counted. Events of no item have working time too, for the clock of their dispatch.
func (d *Desk) meterOf(ctx context.Context, q queryer, item uint16) (meter, *layers.Item, error) {
	c, err := d.calendarNow(ctx, q)
	it := d.picture.Catalogue().Item(item)
	return meter{c, it != nil && it.RoundClock}, it, err
}

// startClock begins the clock of the handling: the deadline, and the jobs before, at and after it.
func (w *work) startClock(ctx context.Context) error {
	m, it, err := w.meterOf(ctx, w.tx, w.new.item)
	if err != nil {
		return err
	}
	w.new.clock = &w.now
	if err := w.exec(ctx, dropJobsSQL, w.old.id); err != nil {
		return err
	}
	if it == nil {
		return nil
	}
	whole := it.Deadline(w.new.level)
	due := m.add(w.now, whole)
	w.new.due = &due
	rule, ok := m.calendar.rules[w.new.level]
	if !ok {
		return w.setJob(ctx, "overdue", due)
	}
	if err := w.setJob(ctx, "warn", m.add(w.now, whole*time.Duration(rule.warn)/100)); err != nil {
		return err
	}
	if err := w.setJob(ctx, "overdue", due); err != nil {
		return err
	}
	return w.setJob(ctx, "raise", m.add(w.now, whole*time.Duration(rule.raise)/100))
}

func (w *work) setJob(ctx context.Context, kind string, at time.Time) error {
	return w.exec(ctx, setJobSQL, w.old.id, kind, w.new.version, at)
}

// pauseClock lets the jobs that have not been fired wait.
func (w *work) pauseClock(ctx context.Context, since time.Time) error {
	return w.exec(ctx, pauseJobsSQL, w.old.id, since)
}

// resumeClock moves the deadline and the jobs by the time for which the clock stood still: what was left then is left now.
func (w *work) resumeClock(ctx context.Context, since *time.Time) error {
	m, _, err := w.meterOf(ctx, w.tx, w.old.item)
	if err != nil || since == nil {
		return err
	}
	if w.old.due != nil && w.old.due.After(*since) {
		due := m.add(w.now, m.between(*since, *w.old.due))
		w.new.due = &due
	}
	rows, err := w.tx.Query(ctx, pausedJobsSQL, w.old.id)
	if err != nil {
		return fmt.Errorf("find the paused jobs: %w", err)
	}
	type job struct {
		ID            int64
		RunAt, Paused time.Time
	}
	jobs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[job])
	if err != nil {
		return fmt.Errorf("find the paused jobs: %w", err)
	}
	for _, j := range jobs {
		if err := w.exec(ctx, resumeJobSQL, j.ID, m.add(w.now, m.between(j.Paused, j.RunAt))); err != nil {
			return err
		}
	}
	return nil
}

// deadline is when an event of the new state's item and level would be due if its clock began at a moment.
func (w *work) deadline(ctx context.Context, from time.Time) (*time.Time, error) {
	m, it, err := w.meterOf(ctx, w.tx, w.new.item)
	if err != nil || it == nil {
		return nil, err
	}
	due := m.add(from, it.Deadline(w.new.level))
	return &due, nil
}

// lateSet sets the clock of the dispatch: from the report on, at each level.
func (w *work) lateSet(ctx context.Context) error {
	m, _, err := w.meterOf(ctx, w.tx, w.new.item)
	if err != nil {
		return err
	}
	if rule, ok := m.calendar.rules[w.new.level]; ok && w.new.command > layers.LevelCity {
		return w.setJob(ctx, "late", m.add(w.now, rule.dispatch))
	}
	return nil
}

// jobSteps are the steps that a job takes when it is fired.
var jobSteps = map[string]string{"late": "raise", "warn": "warn", "overdue": "overdue", "raise": "raise"}

// FireDue fires the jobs that are due, at most limit of them, and tells how many it looked at. Each is fired in the
// transaction of its step, so a job is never lost and never fired twice, whichever server dies or is faster.
func (d *Desk) FireDue(ctx context.Context, limit int) (int, error) {
	rows, err := d.pool.Query(ctx, dueJobsSQL, d.now().UTC(), limit)
	if err != nil {
		return 0, fmt.Errorf("find due jobs: %w", err)
	}
	type job struct {
		ID, Event int64
		Kind      string
	}
	jobs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[job])
	if err != nil {
		return 0, fmt.Errorf("find due jobs: %w", err)
	}
	var failed []error // one that fails holds up no other
	for _, j := range jobs {
		if err := d.fire(ctx, j.ID, j.Event, j.Kind); err != nil {
			failed = append(failed, fmt.Errorf("fire job %d: %w", j.ID, err))
		}
	}
	return len(jobs), errors.Join(failed...)
}

func (d *Desk) fire(ctx context.Context, job, event int64, kind string) error {
	step := jobSteps[kind]
	scope := layers.Internal(Clockwork)
	_, err := d.ledger.Write(ctx, ledger.Act{Actor: Clockwork, Reason: step, Scope: &scope}, func(tx *ledger.Tx) error {
		// The event first, as every step does: two that lock in different orders would wait for each other for ever.
		e, err := readState(ctx, tx, lockSQL, event)
		if err != nil {
			return err
		}
		now := d.now().UTC()
		var runAt time.Time
		switch err := tx.QueryRow(ctx, fireJobSQL, job, now).Scan(&runAt); {
		case errors.Is(err, pgx.ErrNoRows):
			return nil // another server was faster, or the clock was paused
		case err != nil:
			return err
		}
		t := transitionOf(step)
		if !t.allows(e.status, Clock, e.command) {
			return nil // it commands at the top already, or there is nothing left to warn of
		}
		w := &work{Desk: d, tx: tx, scope: scope, in: &Step{Step: step}, t: t, old: e, new: e, now: now, done: runAt}
		w.detail.Job = kind
		if t.moves() {
			w.new.version++
		}
		if err := w.apply(ctx); err != nil {
			return err
		}
		return w.write(ctx)
	})
	return err
}

// KeepClock fires jobs as they become due until ctx ends. Every server may run it.
func (d *Desk) KeepClock(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := d.FireDue(ctx, 100)
		pause := time.Second
		if err != nil && ctx.Err() == nil {
			slog.Error("clocks stand still; trying again", "error", err)
			pause = 5 * time.Second
		} else if n == 100 {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}
