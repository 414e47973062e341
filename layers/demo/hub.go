package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/demo/city"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	presentSQL = sql.Text("demo/present.sql")
	bindSQL    = sql.Text("demo/bind.sql")
)

// Bind gives the sample accounts the posts of the city's workers and desks; what these have done before, they have done.
func Bind(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := pool.Exec(ctx, bindSQL); err != nil {
		return fmt.Errorf("give the sample accounts their posts: %w", err)
	}
	return nil
}

// unitOf is the row of the office of a place: they are numbered like the places, without the grids.
func (ld *loader) unitOf(place int) int { return place + 1 }

// deskOf is the row of who sits at the desk of a place's office; the workers of the grids come before.
func (ld *loader) deskOf(place int) int { return ld.city.Grids() + place + 1 }

// putUnits puts an office for each city, town and village with a desk, a worker for each grid with where those on duty are,
// and a unit for each department with one officer.
func (ld *loader) putUnits(ctx context.Context, tx *ledger.Tx) error {
	offices := len(ld.city.Places) - ld.city.Grids()
	total := offices + len(ld.cat.Departments)
	suffix := [...]string{"", "指挥中心", "指挥分中心", "工作站"}
	suffixEn := [...]string{"", "command centre", "command centre", "station"}
	i := -1
	if _, err := copyRows(ctx, tx, "unit", []string{"id", "code", "name", "name_en", "level", "place_id", "department_id", "geom"}, func() ([]any, error) {
		if i++; i == total {
			return nil, nil
		}
		if i >= offices {
			d := ld.cat.Departments[i-offices]
			return []any{i + 1, d.Get("code"), d.Get("name"), d.Get("name_en"), int16(layers.LevelCity), nil, ld.ids["department:"+d.Get("code")], nil}, nil
		}
		p := &ld.city.Places[i]
		return []any{ld.unitOf(i), p.Code, p.Name + suffix[p.Level], p.NameEn + " " + suffixEn[p.Level], int16(p.Level), placeID(i), nil, p.Label}, nil
	}); err != nil {
		return err
	}
	grids, j := ld.city.Grids(), -1
	if _, err := copyRows(ctx, tx, "worker", []string{"id", "actor", "unit_id", "label", "label_en", "desk", "skills", "on_duty"}, func() ([]any, error) {
		if j++; j == grids+total {
			return nil, nil
		}
		if j < grids {
			return ld.gridWorker(j), nil
		}
		k := j - grids
		if k >= offices {
			d := ld.cat.Departments[k-offices]
			return []any{j + 1, "demo:" + d.Get("code"), k + 1, d.Get("name") + "专员", d.Get("name_en") + " officer", false, []string{}, false}, nil
		}
		p := &ld.city.Places[k]
		return []any{ld.deskOf(k), "demo:desk:" + p.Code, ld.unitOf(k), p.Name + "值班", p.NameEn + " desk", true, []string{}, true}, nil
	}); err != nil {
		return err
	}
	grid := -1
	_, err := copyRows(ctx, tx, "presence", []string{"worker_id", "place_id", "geom", "seen_at"}, func() ([]any, error) {
		for grid++; grid < grids && !onDuty(grid); grid++ {
		}
		if grid == grids {
			return nil, nil
		}
		return []any{grid + 1, placeID(ld.city.PlaceIndex(grid)), ld.city.Grid(grid).Label, ld.o.Now}, nil
	})
	return err
}

// onDuty tells whether the worker of a grid is.
func onDuty(grid int) bool { return grid%5 != 0 }

func (ld *loader) gridWorker(grid int) []any {
	p := ld.city.Grid(grid)
	village := &ld.city.Places[p.Parent]
	skills := []string{}
	for i, c := range ld.cat.Categories {
		if (grid+i)%3 == 0 { // each is trained for some
			skills = append(skills, c.Get("code"))
		}
	}
	if grid%4 == 0 {
		skills = []string{}
	}
	return []any{grid + 1, "demo:worker:" + p.Code, ld.unitOf(p.Parent), village.Name + p.Name + "网格员", village.NameEn + " " + p.NameEn + " worker", false, skills, onDuty(grid)}
}

// past is how far an open event's life has come, and when each step of it was.
type past struct {
	status                                                int16
	accepted, sent, started, fedBack, verified, suspended time.Time // zero: not yet
}

// pastOf spreads the steps over the event's age.
func pastOf(e *city.Event, id int64, now time.Time) past {
	p := past{status: e.Status}
	age := now.Sub(e.ReportedAt)
	at := func(share float64) time.Time {
		return e.ReportedAt.Add(time.Duration(share * float64(age))).Truncate(time.Second)
	}
	if e.Status >= int16(layers.StatusClose) || e.Status < int16(layers.StatusAccept) {
		return p
	}
	p.accepted = at(0.05)
	if e.Status >= int16(layers.StatusDispatch) {
		p.sent = at(0.1)
	}
	if e.Status >= int16(layers.StatusHandle) {
		p.started = at(0.3)
	}
	if e.Status >= int16(layers.StatusFeedback) {
		p.fedBack = at(0.7)
	}
	if e.Status >= int16(layers.StatusVerify) {
		p.verified = at(0.85)
	}
	if e.Status == int16(layers.StatusHandle) && id%9 == 0 {
		p.status, p.suspended = int16(layers.StatusSuspended), at(0.6)
	}
	return p
}

func timeOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

// version is the state version after the steps.
func (p past) version() int {
	n := 1
	for _, t := range []time.Time{p.accepted, p.sent, p.started, p.fedBack, p.verified, p.suspended} {
		if !t.IsZero() {
			n++
		}
	}
	return n
}

// putLives puts the assignments and timelines of the open events among those, numbered on from first.
func (ld *loader) putLives(ctx context.Context, tx *ledger.Tx, list []city.Event, first int64) error {
	var steps, assigned [][]any
	for i := range list {
		e, id := &list[i], first+int64(i)
		p := pastOf(e, id, ld.o.Now)
		if p.accepted.IsZero() {
			continue
		}
		village := ld.city.Grid(e.Grid).Parent
		desk, worker := "demo:desk:"+ld.city.Places[village].Code, "demo:worker:"+ld.city.Grid(e.Grid).Code
		status, version := int16(layers.StatusReport), 1
		step := func(at time.Time, name, actor string, to uint8, note string) {
			if !at.IsZero() {
				version++
				steps = append(steps, []any{id, name, actor, at, at, status, int16(to), version, int16(layers.LevelVillage), note})
				status = int16(to)
			}
		}
		step(p.accepted, "accept", desk, layers.StatusAccept, "")
		step(p.sent, "dispatch", desk, layers.StatusDispatch, "")
		step(p.started, "start", worker, layers.StatusHandle, "")
		step(p.suspended, "suspend", desk, layers.StatusSuspended, "")
		step(p.fedBack, "feedback", worker, layers.StatusFeedback, "已到场处置（合成）")
		step(p.verified, "verify", desk, layers.StatusVerify, "")
		if !p.sent.IsZero() {
			assigned = append(assigned, []any{id, ld.unitOf(village), e.Grid + 1, true, p.sent, desk, timeOrNull(p.started), timeOrNull(p.fedBack)})
		}
	}
	if _, err := copyRows(ctx, tx, "event_step", []string{"event_id", "step", "actor", "at", "done_at", "from_status", "to_status", "version", "command", "note"}, rowsOf(steps)); err != nil {
		return err
	}
	_, err := copyRows(ctx, tx, "assignment", []string{"event_id", "unit_id", "worker_id", "lead", "assigned_at", "assigned_by", "started_at", "done_at"}, rowsOf(assigned))
	return err
}

func rowsOf(list [][]any) func() ([]any, error) {
	i := -1
	return func() ([]any, error) {
		if i++; i == len(list) {
			return nil, nil
		}
		return list[i], nil
	}
}

// KeepPresent lets the invented workers on duty tell where they are, at once and again after each pause, until ctx
// ends: it stands for the phones that a demo has not got.
func KeepPresent(ctx context.Context, pool *pgxpool.Pool, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if _, err := pool.Exec(ctx, presentSQL); err != nil && ctx.Err() == nil {
			return fmt.Errorf("tell where the invented workers are: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
