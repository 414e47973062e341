package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/layers/scoped"
	"onepicture/sql"
)

var (
	holdingSQL = sql.Text("alert/holding.sql")
	oneSQL     = sql.Text("alert/one.sql")
	areasSQL   = sql.Text("alert/areas.sql")
	touchedSQL = sql.Text("alert/touched.sql")
)

// Alert is a message that was kept.
type Alert struct {
	ID int64
	Reference
	Status, Type, Scope string
	Severity            string
	Infos               []Info
	Notes               []string
	Signed              bool
	BeginsAt            time.Time
	EndsAt              *time.Time
	EndedAt             *time.Time // an update or a cancellation ended it
	ReceivedAt          time.Time
	Position            layers.Position
	Places              []Touched
}

// Holds tells that it is to be heeded now.
func (a *Alert) Holds(now time.Time) bool {
	return (a.Status == "Actual" || a.Status == "Exercise") && (a.Type == "Alert" || a.Type == "Update") &&
		a.EndedAt == nil && a.EndsAt != nil && a.EndsAt.After(now) && !a.BeginsAt.After(now)
}

// Touched is a place that an alert's areas touch.
type Touched struct {
	Place *layers.Place
	Whole bool // all of it; the places below it are not told then
}

// Query chooses among the alerts that hold.
type Query struct {
	Place layers.PlaceID // 0: everywhere
	Tree  *layers.Tree   // of the places valid now
	Today time.Time      // the civil date by which places are valid
	Now   time.Time
	Limit int
}

// Holding are the alerts that hold now, the gravest first. Those not meant for the public are for who handles events or
// looks after feeds. An alert that says only in words where it holds is found at the roots of the tree.
func (d *Desk) Holding(ctx context.Context, scope layers.Scope, q Query) ([]Alert, error) {
	p := q.Tree.Place(q.Place)
	if q.Place != 0 && p == nil {
		return nil, layers.NotFound("place")
	}
	codes, root := []string{}, true
	if p != nil {
		root = p.Parent == 0
		for _, above := range q.Tree.Path(p.ID) {
			codes = append(codes, above.Code)
		}
		for lo, hi := q.Tree.Range(p.ID); lo < hi; lo++ {
			codes = append(codes, q.Tree.At(lo).Code)
		}
	}
	rows, err := scoped.On(d.pool, scope).Query(ctx, holdingSQL, q.Now, scope.InnerAlerts(), q.Place == 0, int32(q.Place), codes, root, q.Limit)
	if err != nil {
		return nil, ledger.Problem("alerts", err)
	}
	list, err := pgx.CollectRows(rows, scanAlert)
	if err != nil {
		return nil, ledger.Problem("alerts", err)
	}
	return list, ledger.Problem("alerts", d.locate(ctx, scope, list, q.Tree, q.Today))
}

// One is an alert by its number, whether it holds or not.
func (d *Desk) One(ctx context.Context, scope layers.Scope, id int64, t *layers.Tree, today time.Time) (Alert, error) {
	rows, err := scoped.On(d.pool, scope).Query(ctx, oneSQL, id, scope.InnerAlerts())
	if err != nil {
		return Alert{}, ledger.Problem("alert", err)
	}
	list, err := pgx.CollectRows(rows, scanAlert)
	if err != nil {
		return Alert{}, ledger.Problem("alert", err)
	}
	if len(list) == 0 {
		return Alert{}, layers.NotFound("alert")
	}
	return list[0], ledger.Problem("alert", d.locate(ctx, scope, list, t, today))
}

func scanAlert(r pgx.CollectableRow) (Alert, error) {
	var a Alert
	var severity int16
	var position int64
	var infos []byte
	err := r.Scan(&a.ID, &a.Sender, &a.Identifier, &a.Sent, &a.Status, &a.Type, &a.Scope, &severity, &infos, &a.Notes, &a.Signed,
		&a.BeginsAt, &a.EndsAt, &a.EndedAt, &a.ReceivedAt, &position)
	if err != nil {
		return a, err
	}
	a.Severity, a.Position = Severities[severity], layers.Position(position)
	if err := json.Unmarshal(infos, &a.Infos); err != nil {
		return a, fmt.Errorf("read the parts of an alert: %w", err)
	}
	return a, nil
}

// locate reads the areas of the alerts and the places that they touch.
func (d *Desk) locate(ctx context.Context, scope layers.Scope, list []Alert, t *layers.Tree, today time.Time) error {
	if len(list) == 0 {
		return nil
	}
	at, ids := map[int64]*Alert{}, make([]int64, len(list))
	for i := range list {
		at[list[i].ID], ids[i] = &list[i], list[i].ID
	}
	read := scoped.On(d.pool, scope)
	rows, err := read.Query(ctx, areasSQL, ids)
	if err != nil {
		return err
	}
	var id int64
	var info int
	var description string
	var shape, points orb.Geometry
	var geocodes []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &info, &description, &shape, &points, &geocodes}, func() error {
		area := Area{Description: description}
		area.Polygons, _ = shape.(orb.MultiPolygon)
		area.Points, _ = points.(orb.MultiPoint)
		if err := json.Unmarshal(geocodes, &area.Geocodes); err != nil {
			return err
		}
		if a := at[id]; info < len(a.Infos) {
			a.Infos[info].Areas = append(a.Infos[info].Areas, area)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if rows, err = read.Query(ctx, touchedSQL, ids, today); err != nil {
		return err
	}
	touched := map[int64]map[layers.PlaceID]bool{}
	var place int32
	var whole bool
	_, err = pgx.ForEachRow(rows, []any{&id, &place, &whole}, func() error {
		if touched[id] == nil {
			touched[id] = map[layers.PlaceID]bool{}
		}
		touched[id][layers.PlaceID(place)] = whole
		return nil
	})
	for id, places := range touched {
		at[id].Places = reduce(t, places)
	}
	return err
}

// reduce puts touched places in the order of the tree, adds those above them, and leaves out those below a place that is
// touched as a whole.
func reduce(t *layers.Tree, touched map[layers.PlaceID]bool) []Touched {
	for id := range touched {
		for _, above := range t.Path(id) {
			if _, ok := touched[above.ID]; !ok {
				touched[above.ID] = false
			}
		}
	}
	out := []Touched{}
	for o := int32(0); o < int32(t.Len()); {
		p := t.At(o)
		whole, ok := touched[p.ID]
		if ok {
			out = append(out, Touched{p, whole})
		}
		if lo, hi := t.Range(p.ID); !ok || whole {
			o = max(hi, lo+1) // nothing below it is touched, or all of it
			continue
		}
		o++
	}
	return out
}
