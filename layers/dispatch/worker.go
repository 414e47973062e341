package dispatch

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	nearestSQL = sql.Text("dispatch/nearest.sql")
	unitsSQL   = sql.Text("dispatch/units.sql")
)

// Stale is how old a worker's last position may be to count as present.
const Stale = 30 * time.Minute

// Candidate is a worker who might take an event, with what speaks for it. Positions are told to about 100 m.
type Candidate struct {
	ID             int32
	Label, LabelEn string
	Unit           Unit
	Meters         int
	InHand         int // events at present
	Capacity       int
	Skilled        bool // trained for the event's category, or for all
	Lon, Lat       float64
	SeenAt         time.Time
}

// Free tells that the worker can take one more.
func (c *Candidate) Free() bool { return c.InHand < c.Capacity }

// Nearest are workers on duty who might take the event: those who are free and trained first, then by distance. Only
// for those who may dispatch it, and of workers only those whose last position lies where the scope sees the records of
// events: a desk learns of nobody in the next town, the city's desk of all.
func (d *Desk) Nearest(ctx context.Context, scope layers.Scope, id int64, limit int) ([]Candidate, error) {
	e, err := d.inScope(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	who, err := d.partyOf(ctx, d.reads(scope), scope, &e)
	if err != nil {
		return nil, ledger.Problem("workers", err)
	}
	if who.is&Commander == 0 {
		return nil, layers.Forbidden("only the desk that commands the event sees who could take it")
	}
	category := codeOf(d.picture.Catalogue(), e.class)
	rows, err := d.reads(scope).Query(ctx, nearestSQL, e.point, 4*limit+20, d.now().Add(-Stale))
	if err != nil {
		return nil, ledger.Problem("workers", err)
	}
	var list []Candidate
	var c Candidate
	var skills []string
	var here layers.PlaceID
	var at orb.Point
	var meters float64
	if _, err := pgx.ForEachRow(rows, []any{&c.ID, &c.Label, &c.LabelEn, &c.Unit.Code, &c.Unit.Name, &c.Unit.NameEn, &skills,
		&c.Capacity, &here, &at, &c.SeenAt, &meters, &c.InHand}, func() error {
		if scope.Attends(here) {
			c.Meters = int(math.Round(meters))
			c.Skilled = len(skills) == 0 || slices.Contains(skills, category)
			c.Lon, c.Lat = told(at)
			list = append(list, c)
		}
		return nil
	}); err != nil {
		return nil, ledger.Problem("workers", err)
	}
	slices.SortStableFunc(list, func(a, b Candidate) int { return a.rank() - b.rank() })
	return list[:min(limit, len(list))], nil
}

// rank puts the free and trained first, then the free, then the trained; within one rank the nearest come first.
func (c *Candidate) rank() int {
	switch {
	case c.Free() && c.Skilled:
		return 0
	case c.Free():
		return 1
	case c.Skilled:
		return 2
	}
	return 3
}

// UnitLoad is a unit with how much it has in hand.
type UnitLoad struct {
	Unit
	Level           uint8
	Place           layers.PlaceID // 0: serves all
	Department      int16          // 0: an office of its place
	Workers, OnDuty int
	InHand          int
}

// Units are those that serve a place: its own, those of the places above it and below it, and those that serve all.
func (d *Desk) Units(ctx context.Context, scope layers.Scope, place layers.PlaceID) ([]UnitLoad, error) {
	if !scope.Rights.Has(layers.RightHandle) && !scope.Rights.Has(layers.RightCatalogue) {
		return nil, layers.Forbidden("units are for those who handle events or look after rules")
	}
	t := d.picture.Tree()
	var places []int32
	for _, p := range t.Path(place) {
		places = append(places, int32(p.ID))
	}
	lo, hi := t.Range(place)
	if place == 0 {
		hi = int32(t.Len())
	}
	for o := lo; o < hi; o++ {
		places = append(places, int32(t.At(o).ID))
	}
	rows, err := d.reads(scope).Query(ctx, unitsSQL, places)
	if err != nil {
		return nil, ledger.Problem("units", err)
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (u UnitLoad, err error) {
		var level int16
		err = r.Scan(&u.Code, &u.Name, &u.NameEn, &level, &u.Place, &u.Department, &u.Workers, &u.OnDuty, &u.InHand)
		u.Level = uint8(level)
		return u, err
	})
	return list, ledger.Problem("units", err)
}
