package dispatch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql/sqltest"
)

// The holidays and make-up working days of 2026, as the calendar's sample has them.
var holidays2026 = map[string]bool{
	"01-01": false, "01-02": false, "01-03": false, "01-04": true,
	"02-14": true, "02-15": false, "02-16": false, "02-17": false, "02-18": false, "02-19": false, "02-20": false, "02-21": false,
	"02-22": false, "02-23": false, "02-28": true, "04-04": false, "04-05": false, "04-06": false,
	"05-01": false, "05-02": false, "05-03": false, "05-04": false, "05-05": false, "05-09": true,
	"06-19": false, "06-20": false, "06-21": false, "09-20": true, "09-25": false, "09-26": false, "09-27": false,
	"10-01": false, "10-02": false, "10-03": false, "10-04": false, "10-05": false, "10-06": false, "10-07": false, "10-10": true,
}

// shanghai has been at UTC+8 without summer time since 1991.
var shanghai = time.FixedZone("CST", 8*3600)

// worked tells by itself, minute by minute, whether the minute that begins at t is worked.
func worked(t time.Time) bool {
	t = t.In(shanghai)
	if w, ok := holidays2026[t.Format("01-02")]; ok && t.Year() == 2026 {
		if !w {
			return false
		}
	} else if t.Weekday() == time.Saturday || t.Weekday() == time.Sunday {
		return false
	}
	m := t.Hour()*60 + t.Minute()
	return m >= 8*60+30 && m < 12*60 || m >= 14*60 && m < 17*60+30
}

func (h *hub) holidays() {
	h.t.Helper()
	for day, works := range holidays2026 {
		if _, err := h.pool.Exec(h.t.Context(), `insert into calendar_day (day, working) values ($1::date, $2)`, "2026-"+day, works); err != nil {
			h.t.Fatal(err)
		}
	}
}

// deed is something that somebody does with an event at a moment.
type deed struct {
	at   time.Time
	step string
	by   layers.Scope
}

// plan is one event of the year.
type plan struct {
	item   string
	level  uint8
	minute int // of the deadline
	round  bool
	filed  time.Time
	deeds  []deed
	id     int64
}

// plans draws events with dispatches, suspensions, feedbacks that are sent back, and ends.
func plans(r *rand.Rand, n int) []plan {
	out := make([]plan, n)
	for i := range out {
		p := &out[i]
		p.item, p.level, p.minute = "W-1", 3, 12*60
		if i%4 == 0 {
			p.item, p.level, p.minute, p.round = "R-1", 1, 30*60, true
		}
		p.filed = time.Date(2026, 1, 1, 0, 0, 0, 0, shanghai).Add(time.Duration(r.IntN(350*24*60)) * time.Minute).UTC()
		at := p.filed
		later := func(most int) time.Time {
			at = at.Add(time.Duration(1+r.IntN(most)) * time.Minute)
			return at
		}
		if i%7 == 0 {
			continue // nobody ever dispatches it
		}
		do := func(most int, step string, by layers.Scope) { p.deeds = append(p.deeds, deed{later(most), step, by}) }
		do(60*24, "accept", mayor)
		do(60*24, "dispatch", mayor)
		do(60*24, "start", ann)
		for range r.IntN(4) {
			if r.IntN(2) == 0 {
				do(60*72, "suspend", mayor)
				do(60*24*9, "resume", ann)
			} else {
				do(60*72, "feedback", ann)
				do(60*72, "reject", mayor)
			}
		}
		if r.IntN(3) > 0 {
			do(60*24*8, "feedback", ann)
			do(60*72, "verify", mayor)
			do(60*72, "close", mayor)
		}
	}
	return out
}

// rulesOf are the clocks of a level as the migration sets them: minutes to the dispatch, percents of warning and raising.
var rulesOf = map[uint8][3]int{1: {10, 60, 125}, 3: {120, 80, 150}}

// expect works out what the clocks do, minute by minute, without any of the program's code.
func (p *plan) expect(end time.Time) []string {
	var out []string
	rule, command, status := rulesOf[p.level], 3, "report"
	runs, passed, waited := false, 0, 0
	next := 0
	for t := p.filed; t.Before(end); t = t.Add(time.Minute) {
		fire := func(kind, step string) { out = append(out, kind+" "+step+" "+t.Format(time.DateTime)) }
		if runs {
			switch passed {
			case p.minute * rule[1] / 100:
				fire("warn", "warn")
			case p.minute:
				fire("overdue", "overdue")
			case p.minute * rule[2] / 100:
				if command > 1 {
					command--
					fire("raise", "raise")
				}
				runs = false // nothing more can come
			}
		}
		if (status == "report" || status == "accept") && waited == rule[0] && command > 1 {
			command--
			waited = 0
			fire("late", "raise")
		}
		for ; next < len(p.deeds) && p.deeds[next].at.Equal(t); next++ {
			switch step := p.deeds[next].step; step {
			case "accept":
				status = "accept"
			case "dispatch":
				status, runs, passed = "dispatch", true, 0
			case "suspend", "feedback":
				status, runs = step, false
			case "resume", "reject":
				status, runs = "handle", passed < p.minute*rule[2]/100
			}
		}
		if p.round || worked(t) {
			if runs {
				passed++
			}
			if status == "report" || status == "accept" {
				waited++
			}
		}
	}
	return out
}

// A year with holidays, suspensions and restarts: each warning, overdue and raising comes once, at the right working
// minute.
func TestAYearOfClocks(t *testing.T) {
	h := newHub(t)
	h.holidays()
	h.roundClockItem()
	r := rand.New(rand.NewPCG(2026, 5))
	list := plans(r, 70)
	end := time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC) // the year's last minute in the zone
	type act struct {
		at   time.Time
		plan int
		deed int // -1: it is filed
	}
	var acts []act
	for i := range list {
		acts = append(acts, act{list[i].filed, i, -1})
		for j := range list[i].deeds {
			if list[i].deeds[j].at.Before(end) {
				acts = append(acts, act{list[i].deeds[j].at, i, j})
			}
		}
	}
	slices.SortStableFunc(acts, func(a, b act) int { return a.at.Compare(b.at) })
	acts = append(acts, act{at: end, plan: -1})
	other := sqltest.Requests(t, h.pool) // of the servers that are killed
	restarts := 0
	for _, a := range acts {
		for { // whatever becomes due before it, at its own minute
			var due *time.Time
			if err := h.pool.QueryRow(t.Context(), `select min(run_at) from clock_job where fired_at is null and paused_at is null`).Scan(&due); err != nil {
				t.Fatal(err)
			}
			if due == nil || due.After(a.at) {
				break
			}
			h.at = due.UTC()
			restarts += h.fireBadly(r, other)
		}
		if h.at = a.at; a.plan < 0 {
			break
		}
		p := &list[a.plan]
		if a.deed < 0 {
			p.id = h.file(citizen, p.item)
			continue
		}
		d := p.deeds[a.deed]
		h.must(d.by, p.id, d.step, to(Assignee{Worker: 1}))
	}
	fired := 0
	for i := range list {
		want, got := list[i].expect(end), h.fired(list[i].id)
		fired += len(got)
		if !slices.Equal(got, want) {
			t.Errorf("event %d (%s, filed %s, %v)\n got %v\nwant %v", i, list[i].item, list[i].filed, list[i].deeds, got, want)
		}
	}
	t.Logf("%d events, %d deeds, %d clocks fired, %d restarts", len(list), len(acts), fired, restarts)
	if fired < 100 || restarts < 50 {
		t.Errorf("only %d clocks and %d restarts: the year was too quiet", fired, restarts)
	}
}

// fireBadly fires what is due by two servers at once, of which one may be killed in the middle, and then by a new one.
func (h *hub) fireBadly(r *rand.Rand, other *pgxpool.Pool) (restarts int) {
	h.t.Helper()
	var wg sync.WaitGroup
	for range 2 {
		ctx, kill := context.WithCancel(h.t.Context())
		after := time.Duration(r.IntN(4000)) * time.Microsecond
		if r.IntN(3) > 0 {
			after = time.Hour
		} else {
			restarts++
		}
		timer := time.AfterFunc(after, kill)
		desk := New(other, ledger.New(other), h.picture, h.now)
		wg.Go(func() {
			defer kill()
			defer timer.Stop()
			if _, err := desk.FireDue(ctx, 100); err != nil && ctx.Err() == nil {
				h.t.Error(err)
			}
		})
	}
	wg.Wait()
	h.restart(h.picture, h.serves)
	if _, err := h.FireDue(h.t.Context(), 100); err != nil {
		h.t.Fatal(err)
	}
	return restarts
}

// fired is what the clock did with an event, in order.
func (h *hub) fired(id int64) (out []string) {
	h.t.Helper()
	rows, err := h.pool.Query(h.t.Context(), `select detail->>'job', step, at, done_at from event_step where event_id = $1 and actor = 'clock' order by id`, id)
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind, step string
		var at, run time.Time
		if err := rows.Scan(&kind, &step, &at, &run); err != nil {
			h.t.Fatal(err)
		}
		if !at.Equal(run) {
			h.t.Errorf("a job of %s was fired at %s", run, at)
		}
		out = append(out, fmt.Sprintf("%s %s %s", kind, step, at.UTC().Format(time.DateTime)))
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
	return out
}

// Working time against a walk through the minutes.
func TestWorkingTime(t *testing.T) {
	h := newHub(t)
	h.holidays()
	c, err := readCalendar(t.Context(), h.pool)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		from := time.Date(2026, 1, 1, 0, 0, 0, 0, shanghai).Add(time.Duration(r.IntN(340*24*60)) * time.Minute)
		n := 1 + r.IntN(2000)
		left, at := n, from
		for left > 0 {
			if worked(at) {
				left--
			}
			at = at.Add(time.Minute)
		}
		if got := c.Add(from, time.Duration(n)*time.Minute); !got.Equal(at) {
			t.Errorf("%d working minutes from %s end at %s, want %s", n, from, got, at)
		}
		if got := c.Between(from, at); got != time.Duration(n)*time.Minute {
			t.Errorf("from %s to %s there are %s of work, want %d minutes", from, at, got, n)
		}
	}
	if c.Between(h.at, h.at) != 0 || c.Between(h.at, h.at.Add(-time.Hour)) != 0 || !c.Add(h.at, 0).Equal(h.at) {
		t.Error("nothing is something")
	}
	never := &Calendar{zone: shanghai, days: map[civil]bool{}}
	if got := never.Add(h.at, time.Hour); !got.Equal(h.at) {
		t.Errorf("a calendar without working hours: %s", got)
	}
}

// The deadline counts working hours, starts at the dispatch and moves with a suspension; who feeds back in time is not late.
func TestDeadline(t *testing.T) {
	h := newHub(t)
	h.holidays()
	h.at = time.Date(2026, 4, 30, 9, 0, 0, 0, time.UTC) // Thursday 17:00 before five holidays: half an hour is left
	id := h.file(citizen, "W-1")
	due := func() (at time.Time) {
		t.Helper()
		if err := h.pool.QueryRow(t.Context(), `select due_at from event where id = $1`, id).Scan(&at); err != nil {
			t.Fatal(err)
		}
		return at.In(shanghai)
	}
	want := func(text string) {
		t.Helper()
		if got := due().Format("01-02 15:04"); got != text {
			t.Errorf("due %s, want %s", got, text)
		}
	}
	want("05-07 15:00") // 0:30 on the 30th, 7:00 on the 6th, 4:30 on the 7th
	h.at = time.Date(2026, 5, 6, 0, 30, 0, 0, time.UTC)
	h.must(dan, id, "accept")
	h.must(dan, id, "dispatch")
	want("05-07 15:30")
	h.must(ann, id, "start")
	h.at = h.at.Add(time.Hour) // 9:30
	h.must(dan, id, "suspend")
	h.at = h.at.Add(48 * time.Hour) // Friday 9:30: 14 working hours later
	h.must(dan, id, "resume")
	want("05-09 15:30") // the 9th is a Saturday that is worked
	h.at = h.at.Add(time.Hour)
	h.must(ann, id, "feedback")
	h.at = time.Date(2026, 5, 20, 2, 0, 0, 0, time.UTC)
	h.must(dan, id, "verify")
	h.must(dan, id, "close")
	e, err := readState(t.Context(), h.pool, lookSQL, id)
	if err != nil {
		t.Fatal(err)
	}
	if rec := e.record(); rec.Flags&layers.FlagLate != 0 {
		t.Error("it was fed back in time and counts as late because its verification took long")
	}
}
