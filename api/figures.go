package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
	"onepicture/layers/index"
)

// Figures are the numbers of a place at one position: they agree with the tiles and lists of the same position.
type Figures struct {
	Code      string       `json:"code"`
	Position  string       `json:"position"`
	AsOf      time.Time    `json:"asOf"`
	Threshold int          `json:"threshold"`
	Reach     bool         `json:"reach" doc:"The reader may count something there; else the zeros say nothing"`
	Totals    Totals       `json:"totals"`
	Layers    []LayerCount `json:"layers"`
	Classes   []ClassCount `json:"classes"`
	Events    EventFigures `json:"events" doc:"With at: as they were then, as far as is known now"`
	Hours     []HourCount  `json:"hours" doc:"Reported in each of the last 24 full hours and the current one"`
	Days      []DayCount   `json:"days" doc:"Reported on each of the last 30 days of the deployment's zone, today included"`
	Children  []ChildCount `json:"children"`
}

// Totals are counts by kind.
type Totals struct {
	Person *int `json:"person"`
	Site   *int `json:"site"`
	Event  *int `json:"event"`
}

// LayerCount is how many features are in a thematic layer.
type LayerCount struct {
	Code  string `json:"code"`
	Count *int   `json:"count"`
}

// ClassCount is how many features are of a class.
type ClassCount struct {
	Kind  string `json:"kind"`
	Code  string `json:"code"`
	Count *int   `json:"count"`
}

// EventFigures are the present state of events.
type EventFigures struct {
	Today           int `json:"today" doc:"Reported today in the deployment's zone"`
	Open            int `json:"open"`
	Overdue         int `json:"overdue" doc:"Open beyond their deadline"`
	Closed30d       int `json:"closed30d" doc:"Of those reported on the last 30 days: closed"`
	ClosedInTime30d int `json:"closedInTime30d" doc:"Of those closed: within their deadline"`
}

// HourCount is how many events were reported in the hour that begins then.
type HourCount struct {
	At    time.Time `json:"at"`
	Count int       `json:"count"`
}

// DayCount is how many events were reported on a day.
type DayCount struct {
	Date  string `json:"date" format:"date"`
	Count int    `json:"count"`
}

// ChildCount are the numbers of a place directly below.
type ChildCount struct {
	Code  string `json:"code"`
	Reach bool   `json:"reach" doc:"The reader may count something there; else the zeros say nothing"`
	Totals
	Today   int `json:"today"`
	Open    int `json:"open"`
	Overdue int `json:"overdue"`
}

func (s *Server) figureRoutes(a huma.API) {
	op := get("figures", "/api/places/{code}/figures", "The numbers of a place")
	op.Description = "With at, the numbers of events at that moment: reported before and not closed by then. Of people and sites, and by layer and class, only the present is known: then they are null or left out."
	handle(a, op, s, s.figures)
}

// The spans that figures cover.
const (
	figureHours = 25
	figureDays  = 30
	quarter     = 15 // minutes; every zone's offset is a multiple of it
)

type figuresInput struct {
	Code string    `path:"code" maxLength:"20" doc:"Statistical division code, or all: everything that the server holds"`
	At   time.Time `query:"at" doc:"Of the events, as they were at that time, counted in minutes; default: now"`
}

// minuteOf is a moment as the index takes it; 0: now. It is not after now, so that nothing is told of what is to come.
func minuteOf(at, now time.Time) (int32, error) {
	switch {
	case at.IsZero():
		return 0, nil
	case at.Year() < 1971 || at.After(now):
		return 0, layers.Invalid("at", "is not between the year 1971 and now")
	}
	return layers.Minutes(at), nil
}

func (s *Server) figures(_ context.Context, scope layers.Scope, in *figuresInput) (*body[Figures], error) {
	snap, err := s.snapshot()
	if err != nil {
		return nil, err
	}
	p, err := s.lookUp(snap.Tree(), in.Code)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	openAt, err := minuteOf(in.At, now)
	if err != nil {
		return nil, err
	}
	w := s.Store.World()
	f := Figures{
		Code: p.Code, Position: snap.Position().String(), AsOf: utc(snap.At()), Threshold: scope.Threshold, Reach: reaches(snap.Tree(), scope, p.ID),
		Layers: []LayerCount{}, Classes: []ClassCount{}, Children: []ChildCount{},
	}
	r := reckoning{snap: snap, scope: scope, place: p.ID, now: now, zone: w.Deployment.Zone}
	if openAt != 0 {
		r.now, r.openAt = in.At, openAt
		r.times(&f)
		r.then(&f)
		return &body[Figures]{f}, nil
	}
	counts := map[layers.Kind]index.PlaceCounts{}
	for _, k := range layers.Kinds {
		counts[k] = snap.Figures(k, scope, p.ID)
	}
	f.Totals = totals(scope, counts)
	for i := range w.Catalogue.Layers {
		if l := &w.Catalogue.Layers[i]; l.Kind != layers.KindPlace {
			f.Layers = append(f.Layers, LayerCount{l.Code, countOf(scope, l.Kind, counts, counts[l.Kind].Layer[l.Bit])})
		}
	}
	for i := range w.Catalogue.Classes {
		c := &w.Catalogue.Classes[i]
		n := 0
		if list := counts[c.Kind].Class; int(c.ID) < len(list) {
			n = list[c.ID]
		}
		f.Classes = append(f.Classes, ClassCount{string(c.Kind), c.Code, countOf(scope, c.Kind, counts, n)})
	}
	r.times(&f)
	f.Events.Open = counts[layers.KindEvent].Open
	r.children(&f)
	return &body[Figures]{f}, nil
}

// countOf is a number of a kind; null when nothing of the kind may be counted.
func countOf(scope layers.Scope, k layers.Kind, counts map[layers.Kind]index.PlaceCounts, n int) *int {
	if scope.Detail(k) == layers.DetailNone {
		return nil
	}
	return count(scope, n, counts[k].Rounded)
}

func totals(scope layers.Scope, counts map[layers.Kind]index.PlaceCounts) Totals {
	n := func(k layers.Kind) *int { return countOf(scope, k, counts, counts[k].N) }
	return Totals{n(layers.KindPerson), n(layers.KindSite), n(layers.KindEvent)}
}

// reckoning counts events by time on one snapshot.
type reckoning struct {
	snap  *index.Snapshot
	scope layers.Scope
	place layers.PlaceID
	now   time.Time
	zone  *time.Location
	// The moment that is asked for, in minutes, which is then also now; 0: the present.
	openAt int32
}

// day is the beginning of the civil day that many days from today.
func (r reckoning) day(offset int) time.Time {
	y, m, d := r.now.In(r.zone).Date()
	return time.Date(y, m, d+offset, 0, 0, 0, 0, r.zone)
}

func (r reckoning) events() index.Query {
	return index.Query{Kind: layers.KindEvent, Scope: r.scope, Place: r.place}
}

// end is before what had not yet come; at present nothing has come of later days.
func (r reckoning) end() int32 {
	if r.openAt != 0 {
		return r.openAt
	}
	return layers.Minutes(r.day(1))
}

// open narrows to what somebody must, or had to, still handle.
func (r reckoning) open(q index.Query) index.Query {
	if q.OpenAt = r.openAt; q.OpenAt == 0 {
		q.Statuses = openStatuses
	}
	return q
}

// today, overdue, and closed of late are what panels ask of events.
func (r reckoning) today(q index.Query) index.Query {
	q.From, q.To = layers.Minutes(r.day(0)), r.end()
	return q
}

func (r reckoning) overdue(q index.Query) index.Query {
	minute := layers.Minutes(r.now)
	q = r.open(q)
	q.Match = func(e *layers.Record) bool { return e.Due != 0 && e.Due < minute }
	return q
}

func (r reckoning) times(f *Figures) {
	q := r.events()
	f.Events.Today = r.snap.Count(r.today(q))
	f.Events.Overdue = r.snap.Count(r.overdue(q))
	closed := q
	closed.From, closed.To, closed.Statuses = layers.Minutes(r.day(1-figureDays)), r.end(), 1<<layers.StatusClose
	by := func(*layers.Record) bool { return true }
	if then := r.openAt; then != 0 {
		by = func(e *layers.Record) bool { return e.Closed != 0 && e.Closed < then }
		closed.Match = by // at present the status alone decides, which is faster
	}
	f.Events.Closed30d = r.snap.Count(closed)
	closed.Match = func(e *layers.Record) bool { return e.Flags&layers.FlagLate == 0 && by(e) }
	f.Events.ClosedInTime30d = r.snap.Count(closed)

	q.To = r.openAt // 0: no end
	hour := r.now.UTC().Truncate(time.Hour).Add(-(figureHours - 1) * time.Hour)
	for i, n := range r.snap.Histogram(q, layers.Minutes(hour), 60, figureHours) {
		f.Hours = append(f.Hours, HourCount{hour.Add(time.Duration(i) * time.Hour), n})
	}
	start := layers.Minutes(r.day(1 - figureDays))
	quarters := r.snap.Histogram(q, start, quarter, int(layers.Minutes(r.day(1))-start)/quarter)
	for d := 1 - figureDays; d <= 0; d++ {
		n := 0
		for i := (layers.Minutes(r.day(d)) - start) / quarter; i < (layers.Minutes(r.day(d+1))-start)/quarter; i++ {
			n += quarters[i]
		}
		f.Days = append(f.Days, DayCount{r.day(d).Format(time.DateOnly), n})
	}
}

// then tells of the open events at a moment, here and below: three passes over the rows of the place.
func (r reckoning) then(f *Figures) {
	t := r.snap.Tree()
	today, open, overdue := r.snap.ByPlace(r.today(r.events())), r.snap.ByPlace(r.open(r.events())), r.snap.ByPlace(r.overdue(r.events()))
	f.Events.Open = r.snap.Count(r.open(r.events()))
	for _, child := range t.Children(r.place) {
		o := t.Ordinal(child.ID)
		f.Children = append(f.Children, ChildCount{
			Code: child.Code, Reach: reaches(t, r.scope, child.ID), Today: today[o], Open: open[o], Overdue: overdue[o],
		})
	}
}

func (r reckoning) children(f *Figures) {
	t := r.snap.Tree()
	children := t.Children(r.place)
	if len(children) == 0 {
		return
	}
	today, overdue := r.snap.ByPlace(r.today(r.events())), r.snap.ByPlace(r.overdue(r.events()))
	for _, child := range children {
		counts := map[layers.Kind]index.PlaceCounts{}
		for _, k := range layers.Kinds {
			counts[k] = r.snap.Figures(k, r.scope, child.ID)
		}
		o := t.Ordinal(child.ID)
		f.Children = append(f.Children, ChildCount{
			Code: child.Code, Reach: reaches(t, r.scope, child.ID), Totals: totals(r.scope, counts), Today: today[o], Overdue: overdue[o], Open: counts[layers.KindEvent].Open,
		})
	}
}

// reaches tells whether a scope may count anything in a place or below it.
func reaches(t *layers.Tree, scope layers.Scope, p layers.PlaceID) bool {
	if p == 0 {
		return scope.Detail(layers.KindPlace) > layers.DetailNone
	}
	return anyBelow(t, p, func(at layers.PlaceID) bool { return countsIn(scope, at) })
}

// anyBelow tells whether something holds of a place or of one below it.
func anyBelow(t *layers.Tree, p layers.PlaceID, holds func(layers.PlaceID) bool) bool {
	lo, hi := t.Range(p)
	for o := lo; o < hi; o++ {
		if holds(t.At(o).ID) {
			return true
		}
	}
	return false
}

func countsIn(scope layers.Scope, p layers.PlaceID) bool {
	return scope.Counts(layers.KindPerson, p) || scope.Counts(layers.KindSite, p) || scope.Counts(layers.KindEvent, p)
}

func recordsIn(scope layers.Scope, p layers.PlaceID) bool {
	return scope.Person.SeesSome(p) || scope.Site.SeesSome(p) || scope.Event.SeesSome(p)
}
