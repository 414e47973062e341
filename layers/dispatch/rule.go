package dispatch

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var rulesForSQL = sql.Text("dispatch/rules_for.sql")

// Hours are the kinds of time that rules tell apart, beside "any". Every moment is of exactly one.
var Hours = []string{"work", "night", "holiday"}

// Rule says to whom an event goes.
type Rule struct {
	ID             int32
	Item, Category string         // codes; at most one of them; both empty: any event
	Place          layers.PlaceID // with all below it; 0: everywhere
	Hours          string         // any, or one of Hours
	Unit           Unit
	Worker         int32 // 0: the unit as a whole
	Label, LabelEn string
	Automatic      bool // what is accepted is dispatched at once
	Note           string
	MadeAt         time.Time
	MadeBy         string
	EndedAt        *time.Time // nil: it stands
	EndedBy        string

	unit int32
}

// Ruling is which rule acts, and which would if it were not there, the next first.
type Ruling struct {
	Hours string // the kind of the moment
	Acts  *Rule  // nil: none
	Next  []Rule
}

// more tells whether a acts before b: the item before the category before any, then the smaller place before the greater,
// then a kind of time before any. No two standing rules are equal in all three, so exactly one acts; the number of the
// rule only makes the order whole.
func more(t *layers.Tree, a, b *Rule) int {
	return cmp.Or(cmp.Compare(b.kinds(), a.kinds()), cmp.Compare(b.depth(t), a.depth(t)), cmp.Compare(b.times(), a.times()),
		cmp.Compare(a.ID, b.ID))
}

func (r *Rule) kinds() int {
	switch {
	case r.Item != "":
		return 2
	case r.Category != "":
		return 1
	}
	return 0
}

func (r *Rule) depth(t *layers.Tree) int { return len(t.Path(r.Place)) }

func (r *Rule) times() int {
	if r.Hours == "any" {
		return 0
	}
	return 1
}

// follows tells whether the lead of a dispatch is the one that the rule names: its worker, else anybody of its unit.
func (r *Rule) follows(list []Assigned) bool {
	for _, a := range list {
		if a.Lead {
			return a.unitID == r.unit && (r.Worker == 0 || r.Worker == a.Worker)
		}
	}
	return false
}

// KindOf is the kind of a moment: work, night or holiday.
func (c *Calendar) KindOf(t time.Time) string {
	t = t.In(c.zone)
	if !c.Works(t) {
		return "holiday"
	}
	y, m, d := t.Date()
	for _, s := range c.spans {
		from := time.Date(y, m, d, 0, 0, int(s[0]/time.Second), 0, c.zone)
		to := time.Date(y, m, d, 0, 0, int(s[1]/time.Second), 0, c.zone)
		if !t.Before(from) && t.Before(to) {
			return "work"
		}
	}
	return "night"
}

// Which tells which rule would act for an item, or a category, at a place and a time.
func (d *Desk) Which(ctx context.Context, scope layers.Scope, item, category string, place layers.PlaceID, at time.Time) (Ruling, error) {
	if !scope.Rights.Has(layers.RightHandle) && !scope.Rights.Has(layers.RightCatalogue) {
		return Ruling{}, layers.Forbidden("rules are for those who handle events")
	}
	e := event{Report: Report{Item: item, Category: category}}
	if err := e.checkKind(d.picture.Catalogue()); err != nil {
		return Ruling{}, err
	}
	if at.IsZero() {
		at = d.now()
	}
	r, err := d.rule(ctx, d.reads(scope), &state{class: e.class, item: e.item, place: place}, at)
	return r, ledger.Problem("rules", err)
}

// RuleFor tells which rule acts for an event now; only to those who may see it.
func (d *Desk) RuleFor(ctx context.Context, scope layers.Scope, id int64) (Ruling, error) {
	e, err := d.inScope(ctx, scope, id)
	if err != nil {
		return Ruling{}, err
	}
	r, err := d.rule(ctx, d.reads(scope), &e, d.now())
	return r, ledger.Problem("rules", err)
}

// rule finds which rule acts for an event at a time.
func (d *Desk) rule(ctx context.Context, q queryer, e *state, at time.Time) (Ruling, error) {
	calendar, err := d.calendarNow(ctx, q)
	if err != nil {
		return Ruling{}, err
	}
	out := Ruling{Hours: calendar.KindOf(at)}
	c, t := d.picture.Catalogue(), d.picture.Tree()
	code := ""
	if it := c.Item(e.item); it != nil {
		code = it.Code
	}
	places := []int32{}
	for _, p := range t.Path(e.place) {
		places = append(places, int32(p.ID))
	}
	rows, err := q.Query(ctx, rulesForSQL, code, codeOf(c, e.class), places, out.Hours)
	if err != nil {
		return out, err
	}
	list, err := pgx.CollectRows(rows, scanRule)
	if err != nil || len(list) == 0 {
		return out, err
	}
	slices.SortFunc(list, func(a, b Rule) int { return more(t, &a, &b) })
	out.Acts, out.Next = &list[0], list[1:]
	return out, nil
}

func scanRule(row pgx.CollectableRow) (r Rule, err error) {
	err = row.Scan(&r.ID, &r.Item, &r.Category, &r.Place, &r.Hours, &r.Unit.Code, &r.Unit.Name, &r.Unit.NameEn, &r.unit, &r.Worker,
		&r.Label, &r.LabelEn, &r.Automatic, &r.Note, &r.MadeAt, &r.MadeBy, &r.EndedAt, &r.EndedBy)
	return r, err
}
