package risk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/layers/risk/model"
	"onepicture/sql"
)

var (
	modelSQL          = sql.Text("risk/model.sql")
	modelNewSQL       = sql.Text("risk/model_new.sql")
	modelLatestSQL    = sql.Text("risk/model_latest.sql")
	backtestLatestSQL = sql.Text("risk/backtest_latest.sql")
)

// refitDays is how long a model stays: a week.
const refitDays = 7

// refit takes the newest stored model of this tree of places, and makes another when there is none, when it is a week
// old, or when a newer back-test has decided on the terms. After the first it does so beside the running estimate.
func (w *worker) refit(ctx context.Context, beside bool) error {
	select {
	case r := <-w.fits:
		w.fits = nil
		if r.err != nil {
			return r.err
		}
	default:
	}
	var latest, tested int
	if err := w.l.pool.QueryRow(ctx, modelLatestSQL).Scan(&latest); err != nil {
		return ledger.Problem("model", err)
	}
	if err := w.l.pool.QueryRow(ctx, backtestLatestSQL).Scan(&tested); err != nil {
		return ledger.Problem("back-test", err)
	}
	if latest > 0 && (w.model == nil || latest > w.model.ID) {
		m, err := w.l.readModel(ctx, latest)
		if err != nil {
			return err
		}
		if bytes.Equal(m.Places, digest(w.d)) {
			w.use(m)
		}
	}
	today := w.l.today(w.world)
	if w.fits != nil || w.model != nil && today-w.model.Day < refitDays && tested <= w.model.Backtest {
		return nil
	}
	if beside && w.model != nil {
		w.fits = make(chan fitResult, 1)
		panels, fits, complete := w.frozen(), w.fits, w.complete
		w.l.work.Go(func() { fits <- fitResult{w.l.fit(ctx, w.d, w.world, panels, complete, today)} })
		return nil
	}
	if err := w.l.fit(ctx, w.d, w.world, w.frozen(), w.complete, today); err != nil {
		return err
	}
	return w.refit(ctx, true) // which reads it
}

type fitResult struct{ err error }

// frozen are the panels as they are now, whatever comes later.
func (w *worker) frozen() map[uint16]*[channels]model.Panel {
	out := map[uint16]*[channels]model.Panel{}
	for class, p := range w.panels {
		c := *p
		for g := range c {
			c[g].Days = append([][]int32(nil), c[g].Days...)
		}
		out[class] = &c
	}
	return out
}

// use computes by another model from now on.
func (w *worker) use(m *Fitted) {
	w.model = m
	w.kernels = kernelsOf(w.d, m)
	for class, p := range w.panels {
		fresh := *p
		for g := range fresh {
			fresh[g].Start = m.Start
		}
		w.panels[class] = &fresh
	}
}

func kernelsOf(d *Division, m *Fitted) map[uint16]*[channels]*model.Kernel {
	out := map[uint16]*[channels]*model.Kernel{}
	made := map[float64]*model.Kernel{}
	for i := range m.Categories {
		c := &m.Categories[i]
		k := &[channels]*model.Kernel{}
		for g, p := range c.Params {
			if p == nil {
				continue
			}
			if made[p.Bandwidth] == nil {
				made[p.Bandwidth] = p.Kernel(d.Areas)
			}
			k[g] = made[p.Bandwidth]
		}
		out[c.Class] = k
	}
	return out
}

func (l *Live) today(w *World) int32 { return w.Day(l.now()) }

func (l *Live) readModel(ctx context.Context, id int) (*Fitted, error) {
	m := &Fitted{}
	var head Fitted
	err := l.pool.QueryRow(ctx, modelSQL, id).Scan(&head.ID, &head.MadeAt, &head.Day, &head.Places, m)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, layers.NotFound("model")
	}
	if err != nil {
		return nil, ledger.Problem("model", err)
	}
	m.ID, m.MadeAt, m.Day, m.Places = head.ID, head.MadeAt, head.Day, head.Places
	return m, nil
}

// fewest events that a category needs to be estimated.
const fewest = 50

// fit freezes a version of all models on the events before a day and stores it.
func (l *Live) fit(ctx context.Context, d *Division, w *World, panels map[uint16]*[channels]model.Panel, complete map[uint16]*completeness, day int32) error {
	ships, tested, err := l.decided(ctx)
	if err != nil {
		return err
	}
	m := Fitted{Backtest: tested}
	for i := range w.Catalogue.Classes {
		class := &w.Catalogue.Classes[i]
		p := panels[class.ID]
		if class.Kind != layers.KindEvent || p == nil {
			continue
		}
		m.Start = p[0].Start
		c := Category{Class: class.ID, Code: class.Code, Spec: model.Spec{Base: model.History}, Complete: 1}
		if spec, ok := ships[class.Code]; ok {
			c.Spec, c.Proven = spec, true
		}
		if n := complete[class.ID]; n != nil && n.all > 0 {
			c.Complete = float64(n.known) / float64(n.all)
		}
		if err := c.fit(ctx, d, p, day); err != nil {
			return fmt.Errorf("fit %s: %w", c.Code, err)
		}
		if c.Params[Reported] != nil || c.Params[Patrolled] != nil {
			c.reference(d, w.Tree, p, day)
			m.Categories = append(m.Categories, c)
		}
	}
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("store the model: %w", err)
	}
	var id int
	if err := l.pool.QueryRow(ctx, modelNewSQL, day, digest(d), text).Scan(&id); err != nil {
		return ledger.Problem("model", err)
	}
	return nil
}

// decided are the models that the latest back-test of places switched on.
func (l *Live) decided(ctx context.Context) (map[string]model.Spec, int, error) {
	ships := map[string]model.Spec{}
	if l.tests == nil {
		return ships, 0, nil
	}
	t, err := l.tests.Latest(ctx)
	if err != nil || t == nil {
		return ships, 0, err
	}
	for _, p := range t.Parts {
		if p.Division == "places" {
			ships[p.Result.Category] = p.Result.Ships
		}
	}
	return ships, t.ID, nil
}

func (c *Category) fit(ctx context.Context, d *Division, panels *[channels]model.Panel, day int32) error {
	var some []model.Panel
	var params []*model.Params
	for g := range panels {
		if panels[g].Total(panels[g].Start, day) < fewest {
			continue
		}
		p, err := model.Fit(ctx, d.Areas, &panels[g], day, fitHorizon, c.Spec)
		if err != nil {
			return err
		}
		c.Params[g] = p
		some, params = append(some, panels[g]), append(params, p)
	}
	if len(some) == 0 {
		return nil
	}
	var err error
	c.Shared, err = model.Shared(ctx, d.Areas, some, params, day, fitHorizon)
	return err
}

// reference is the mean of each level, by which bands are cut.
func (c *Category) reference(d *Division, t *layers.Tree, panels *[channels]model.Panel, day int32) {
	kernels := kernelsOf(d, &Fitted{Categories: []Category{*c}})[c.Class]
	f := newEstimate(d, c, panels, kernels, day, false, nil).over(referenceDays)
	node := map[layers.PlaceID]int32{}
	for i, id := range d.Nodes {
		node[id] = int32(i)
	}
	n := [5]float64{}
	for id, i := range node {
		level := t.Place(id).Level
		n[level]++
		c.Reference[level] += float64(f.total[i]) / Millionths
	}
	for level := range n {
		c.Reference[level] /= max(1, n[level])
	}
}
