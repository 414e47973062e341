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
	Events    EventFigures `json:"events"`
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
	handle(a, get("figures", "/api/places/{code}/figures", "The numbers of a place"), s, s.figures)
}

// The spans that figures cover.
const (
	figureHours = 25
	figureDays  = 30
	quarter     = 15 // minutes; every zone's offset is a multiple of it
)

func (s *Server) figures(_ context.Context, scope layers.Scope, in *placeInput) (*body[Figures], error) {
	snap, err := s.snapshot()
	if err != nil {
		return nil, err
	}
	p, err := s.lookUp(snap.Tree(), in.Code)
	if err != nil {
		return nil, err
	}
	w := s.Store.World()
	f := Figures{
		Code: p.Code, Position: snap.Position().String(), AsOf: utc(snap.At()), Threshold: scope.Threshold, Reach: reaches(snap.Tree(), scope, p.ID),
		Layers: []LayerCount{}, Classes: []ClassCount{}, Children: []ChildCount{},
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
	r := reckoning{snap: snap, scope: scope, place: p.ID, now: s.Now(), zone: w.Deployment.Zone}
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
}

// day is the beginning of the civil day that many days from today.
func (r reckoning) day(offset int) time.Time {
	y, m, d := r.now.In(r.zone).Date()
	return time.Date(y, m, d+offset, 0, 0, 0, 0, r.zone)
}

func (r reckoning) events() index.Query {
	return index.Query{Kind: layers.KindEvent, Scope: r.scope, Place: r.place}
}

// today, overdue, and closed of late are what panels ask of events.
func (r reckoning) today(q index.Query) index.Query {
	q.From, q.To = layers.Minutes(r.day(0)), layers.Minutes(r.day(1))
	return q
}

func (r reckoning) overdue(q index.Query) index.Query {
	minute := layers.Minutes(r.now)
	q.Statuses = openStatuses
	q.Match = func(e *layers.Record) bool { return e.Due != 0 && e.Due < minute }
	return q
}

func (r reckoning) times(f *Figures) {
	q := r.events()
	f.Events.Today = r.snap.Count(r.today(q))
	f.Events.Overdue = r.snap.Count(r.overdue(q))
	closed := q
	closed.From, closed.To, closed.Statuses = layers.Minutes(r.day(1-figureDays)), layers.Minutes(r.day(1)), 1<<layers.StatusClose
	f.Events.Closed30d = r.snap.Count(closed)
	closed.Match = func(e *layers.Record) bool { return e.Flags&layers.FlagLate == 0 }
	f.Events.ClosedInTime30d = r.snap.Count(closed)

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
