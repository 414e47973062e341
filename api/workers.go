package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
	"onepicture/layers/dispatch"
)

// Candidates are workers who might take an event, in the order of the suggestion.
type Candidates struct {
	Workers []Candidate         `json:"workers"`
	Rule    Maybe[DispatchRule] `json:"rule" doc:"That acts for the event now: to give it to others needs a reason; null: none"`
}

// Candidate is one of them, with what speaks for it.
type Candidate struct {
	WorkerRef
	Unit     UnitRef   `json:"unit"`
	Meters   int       `json:"meters" doc:"Straight distance from the worker's last position"`
	InHand   int       `json:"inHand" doc:"Events in hand at present"`
	Capacity int       `json:"capacity" doc:"How many are enough"`
	Free     bool      `json:"free"`
	Skilled  bool      `json:"skilled" doc:"Trained for the event's category"`
	SeenAt   time.Time `json:"seenAt" doc:"When the position was told"`
	Lon      float64   `json:"lon" doc:"To about 100 m"`
	Lat      float64   `json:"lat" doc:"To about 100 m"`
}

// Units are those that serve a place.
type Units struct {
	Units []UnitSummary `json:"units"`
}

// UnitSummary is a unit with how much it has in hand.
type UnitSummary struct {
	UnitRef
	Level      string          `json:"level" enum:"city,town,village"`
	Place      Maybe[PlaceRef] `json:"place" doc:"null: serves everywhere"`
	Department Maybe[Named]    `json:"department" doc:"null: an office of its place"`
	Workers    int             `json:"workers"`
	OnDuty     int             `json:"onDuty"`
	InHand     int             `json:"inHand" doc:"Assignments that stand"`
}

// Tasks are what the caller has in hand, the nearest deadline first.
type Tasks struct {
	Worker Maybe[Me] `json:"worker" doc:"What the caller is as a worker; null: none"`
	Tasks  []Task    `json:"tasks"`
}

// Me is the caller as a worker.
type Me struct {
	WorkerRef
	Unit   UnitRef    `json:"unit"`
	Level  string     `json:"level" enum:"city,town,village"`
	Desk   bool       `json:"desk" doc:"Sits at the unit's desk; others handle"`
	OnDuty bool       `json:"onDuty"`
	SeenAt *time.Time `json:"seenAt" doc:"When the last position was told"`
}

// Task is an event in the caller's hand.
type Task struct {
	Event       EventSummary      `json:"event"`
	Version     int               `json:"version"`
	SuspendedAt *time.Time        `json:"suspendedAt"`
	Assignments []EventAssignment `json:"assignments" doc:"Those that stand"`
	Actions     []EventAction     `json:"actions"`
}

type candidatesInput struct {
	ID    int64 `path:"id" minimum:"1"`
	Limit int   `query:"limit" minimum:"1" maximum:"50" default:"8"`
}

type unitsInput struct {
	Place string `query:"place" maxLength:"20" doc:"Code; empty: everywhere"`
}

type tasksInput struct {
	Limit int `query:"limit" minimum:"1" maximum:"200" default:"100"`
}

func (s *Server) workerRoutes(a huma.API) {
	near := get("candidates", "/api/events/{id}/workers", "Workers who might take an event: free and trained first, then the nearest")
	near.Errors = []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	handle(a, near, s, s.candidates)
	handle(a, get("units", "/api/units", "Units that serve a place"), s, s.units)
	handle(a, get("tasks", "/api/tasks", "What the caller has in hand, the nearest deadline first"), s, s.tasks)
	s.presenceRoutes(a)
}

func (s *Server) candidates(ctx context.Context, scope layers.Scope, in *candidatesInput) (*body[Candidates], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	list, err := s.Desk.Nearest(ctx, scope, in.ID, in.Limit)
	if err != nil {
		return nil, err
	}
	ruling, err := s.Desk.RuleFor(ctx, scope, in.ID)
	if err != nil {
		return nil, err
	}
	out := Candidates{Workers: []Candidate{}}
	if ruling.Acts != nil {
		out.Rule = Some(dispatchRule(w, ruling.Acts))
	}
	for i := range list {
		c := &list[i]
		out.Workers = append(out.Workers, Candidate{
			WorkerRef: WorkerRef{c.ID, Named{c.Label, c.LabelEn}}, Unit: unitRef(c.Unit), Meters: c.Meters, InHand: c.InHand,
			Capacity: c.Capacity, Free: c.Free(), Skilled: c.Skilled, SeenAt: utc(c.SeenAt), Lon: c.Lon, Lat: c.Lat,
		})
	}
	return &body[Candidates]{out}, nil
}

func (s *Server) units(ctx context.Context, scope layers.Scope, in *unitsInput) (*body[Units], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	place, err := placeOrAll(w, in.Place)
	if err != nil {
		return nil, err
	}
	list, err := s.Desk.Units(ctx, scope, place)
	if err != nil {
		return nil, err
	}
	out := Units{Units: []UnitSummary{}}
	for _, u := range list {
		out.Units = append(out.Units, UnitSummary{
			UnitRef: unitRef(u.Unit), Level: codeAt(layers.Levels[:], u.Level), Place: maybePlace(w.Tree, u.Place),
			Department: department(w.Catalogue, u.Department), Workers: u.Workers, OnDuty: u.OnDuty, InHand: u.InHand,
		})
	}
	return &body[Units]{out}, nil
}

func (s *Server) tasks(ctx context.Context, scope layers.Scope, in *tasksInput) (*body[Tasks], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	me, list, err := s.Desk.Tasks(ctx, scope, in.Limit)
	if err != nil {
		return nil, err
	}
	out := Tasks{Tasks: []Task{}}
	if me != nil {
		out.Worker = Some(meOf(me))
	}
	ids := make([]int64, len(list))
	for i := range list {
		ids[i] = list[i].Event
	}
	events, err := s.Store.EventsByID(ctx, scope, ids)
	if err != nil {
		return nil, err
	}
	for i := range list {
		t := &list[i]
		if e, ok := events[t.Event]; ok {
			out.Tasks = append(out.Tasks, Task{
				Event: s.summary(w, w.Tree, &e), Version: t.Version, SuspendedAt: maybeTime(t.SuspendedAt),
				Assignments: assignments(t.Assignments), Actions: actions(t.Actions),
			})
		}
	}
	return &body[Tasks]{out}, nil
}

func meOf(m *dispatch.Me) Me {
	return Me{
		WorkerRef: WorkerRef{m.ID, Named{m.Label, m.LabelEn}}, Unit: unitRef(m.Unit), Level: codeAt(layers.Levels[:], m.Level),
		Desk: m.Desk, OnDuty: m.OnDuty, SeenAt: maybeTime(m.SeenAt),
	}
}
