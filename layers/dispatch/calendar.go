package dispatch

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"onepicture/sql"
)

var (
	zoneSQL         = sql.Text("dispatch/zone.sql")
	calendarDaysSQL = sql.Text("dispatch/calendar_days.sql")
	workingSpansSQL = sql.Text("dispatch/working_spans.sql")
	clockRulesSQL   = sql.Text("dispatch/clock_rules.sql")
)

// calendarAge is how old the calendar in memory may be.
const calendarAge = 30 * time.Second

// Calendar tells working time from other time. It is immutable. The zero value works at no time.
type Calendar struct {
	zone  *time.Location
	spans [][2]time.Duration // since midnight, in order, not overlapping
	days  map[civil]bool     // days that differ from Monday to Friday
	rules map[uint8]clockRule
}

// civil is a date.
type civil struct {
	year  int
	month time.Month
	day   int
}

func civilOf(t time.Time) civil {
	y, m, d := t.Date()
	return civil{y, m, d}
}

// clockRule is what a level's clocks do.
type clockRule struct {
	dispatch    time.Duration // working time in which a report must be dispatched
	warn, raise int           // percent of the deadline
}

// farthest bounds the search of working time: a calendar without any would never end it.
const farthest = 3660

// Works tells whether people work on the day of t.
func (c *Calendar) Works(t time.Time) bool {
	t = t.In(c.zone)
	if w, ok := c.days[civilOf(t)]; ok {
		return w
	}
	return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday
}

// each calls for the working spans of the days from that of t on, until it says stop or ten years have passed.
func (c *Calendar) each(t time.Time, visit func(from, to time.Time) (stop bool)) {
	y, m, d := t.In(c.zone).Date()
	for i := range farthest {
		day := time.Date(y, m, d+i, 0, 0, 0, 0, c.zone)
		if !c.Works(day) {
			continue
		}
		at := func(since time.Duration) time.Time { // by the wall's clock, whatever the zone does that day
			return time.Date(y, m, d+i, 0, 0, int(since/time.Second), 0, c.zone)
		}
		for _, s := range c.spans {
			if visit(at(s[0]), at(s[1])) {
				return
			}
		}
	}
}

// Add is the first moment at which that much working time has passed since from.
func (c *Calendar) Add(from time.Time, work time.Duration) time.Time {
	end := from
	if work <= 0 {
		return end
	}
	c.each(from, func(a, b time.Time) bool {
		if !b.After(from) {
			return false
		}
		if a.Before(from) {
			a = from
		}
		if have := b.Sub(a); have < work {
			work -= have
			end = b
			return false
		}
		end = a.Add(work)
		return true
	})
	return end.UTC()
}

// Between is the working time from one moment to a later one; 0 when it is not later.
func (c *Calendar) Between(from, to time.Time) (work time.Duration) {
	if !to.After(from) {
		return 0
	}
	c.each(from, func(a, b time.Time) bool {
		if a.Before(from) {
			a = from
		}
		if b.After(to) {
			b = to
		}
		if b.After(a) {
			work += b.Sub(a)
		}
		return !b.Before(to)
	})
	return work
}

// held is the calendar in memory.
type held struct {
	calendar *Calendar
	at       time.Time
}

// calendarNow is the calendar as it stands in the database, at most half a minute old.
func (d *Desk) calendarNow(ctx context.Context, q queryer) (*Calendar, error) {
	if h := d.held.Load(); h != nil && time.Since(h.at) < calendarAge {
		return h.calendar, nil
	}
	c, err := readCalendar(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("read the calendar: %w", err)
	}
	d.held.Store(&held{c, time.Now()})
	return c, nil
}

func readCalendar(ctx context.Context, q queryer) (*Calendar, error) {
	c := &Calendar{days: map[civil]bool{}, rules: map[uint8]clockRule{}}
	var zone string
	err := q.QueryRow(ctx, zoneSQL).Scan(&zone)
	if err != nil {
		return nil, err
	}
	if c.zone, err = time.LoadLocation(zone); err != nil {
		return nil, err
	}
	var day time.Time
	var works bool
	if err := forEach(ctx, q, calendarDaysSQL, []any{&day, &works}, func() { c.days[civilOf(day)] = works }); err != nil {
		return nil, err
	}
	var from, to int32
	if err := forEach(ctx, q, workingSpansSQL, []any{&from, &to}, func() {
		c.spans = append(c.spans, [2]time.Duration{time.Duration(from) * time.Second, time.Duration(to) * time.Second})
	}); err != nil {
		return nil, err
	}
	var level, warn, raise int16
	var minutes int32
	return c, forEach(ctx, q, clockRulesSQL, []any{&level, &minutes, &warn, &raise}, func() {
		c.rules[uint8(level)] = clockRule{time.Duration(minutes) * time.Minute, int(warn), int(raise)}
	})
}

func forEach(ctx context.Context, q queryer, text string, into []any, each func()) error {
	rows, err := q.Query(ctx, text)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, into, func() error { each(); return nil })
	return err
}
