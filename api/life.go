package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
	"onepicture/layers/dispatch"
	"onepicture/layers/store"
)

// EventLife is how far an event has come, who has it and what the reader may do next.
type EventLife struct {
	Command     string             `json:"command" enum:"city,town,village" doc:"The level that commands"`
	Whistled    bool               `json:"whistled" doc:"A level below could not solve it"`
	ClockAt     *time.Time         `json:"clockAt" doc:"When the handling's clock began; null: it has not"`
	SuspendedAt *time.Time         `json:"suspendedAt" doc:"Since when the clock stands still; null: it does not"`
	MergedInto  Maybe[MergedInto]  `json:"mergedInto" doc:"It is about the same as that event, and goes its way; null: its own"`
	Merged      []MergedReport     `json:"merged" doc:"Reports that are about it too"`
	Repeat      Maybe[EventRepeat] `json:"repeat" doc:"null: the first of its item at the place"`
	Timeline    []TimelineEntry    `json:"timeline"`
	Assignments []EventAssignment  `json:"assignments" doc:"Present and past, oldest first"`
	Actions     []EventAction      `json:"actions" doc:"Steps that the reader may take now, in the order of the life"`
}

// TimelineEntry is one step of an event's life.
type TimelineEntry struct {
	ID        int64          `json:"id" doc:"0: the report as its feed delivered it"`
	Step      string         `json:"step"`
	Actor     string         `json:"actor" doc:"Code of the account; empty: a feed"`
	Post      Maybe[Named]   `json:"post" doc:"Of the actor as a worker; never a personal name"`
	Unit      Maybe[UnitRef] `json:"unit"`
	At        time.Time      `json:"at" doc:"When the server took it"`
	DoneAt    time.Time      `json:"doneAt" doc:"When it was done, by the doer's clock"`
	From      string         `json:"from"`
	To        string         `json:"to"`
	Version   int            `json:"version" doc:"State version after the step"`
	Command   string         `json:"command"`
	Note      *string        `json:"note"`
	Reason    *string        `json:"reason"`
	Evidence  []string       `json:"evidence" doc:"SHA-256 of photos"`
	Assignees []StepAssigned `json:"assignees"`
	Other     *int64         `json:"other" doc:"The other event of a merge"`
	Rule      *int32         `json:"rule" doc:"By which it was given, or against which"`
	Against   bool           `json:"against" doc:"It was given to others than the rule says"`
	Automatic bool           `json:"automatic" doc:"The rule gave it"`
	Lon       *float64       `json:"lon"`
	Lat       *float64       `json:"lat"`
}

// StepAssigned is to whom a step gave the event.
type StepAssigned struct {
	Unit   string  `json:"unit"`
	Worker *int32  `json:"worker"`
	Label  *string `json:"label"`
	Lead   bool    `json:"lead"`
}

// UnitRef is a unit's code and name.
type UnitRef struct {
	Code string `json:"code"`
	Named
}

// WorkerRef is a worker by number and post.
type WorkerRef struct {
	ID int32 `json:"id"`
	Named
}

// EventAssignment tells who has or had an event.
type EventAssignment struct {
	Unit       UnitRef          `json:"unit"`
	Worker     Maybe[WorkerRef] `json:"worker" doc:"null: the unit as a whole"`
	Lead       bool             `json:"lead"`
	Suggested  bool             `json:"suggested" doc:"false: chosen against the rules"`
	AssignedAt time.Time        `json:"assignedAt"`
	StartedAt  *time.Time       `json:"startedAt"`
	DoneAt     *time.Time       `json:"doneAt"`
	EndedAt    *time.Time       `json:"endedAt" doc:"null: it stands"`
}

// EventAction is a step that the reader may take now.
type EventAction struct {
	Step   string   `json:"step"`
	To     string   `json:"to" doc:"State after it"`
	Needs  []string `json:"needs" doc:"Inputs that must be given: reason, note, evidence, assignees, place, version, into"`
	Photos int      `json:"photos" doc:"How many photos at least, when evidence is needed"`
}

// StepBody is a step to take.
type StepBody struct {
	Step      string         `json:"step" doc:"Code of docs/event-life.md"`
	Version   int            `json:"version,omitempty" minimum:"0" doc:"State version that the doer saw; 0: whatever it is, where the step allows that"`
	Note      string         `json:"note,omitempty" maxLength:"2000"`
	Reason    string         `json:"reason,omitempty" maxLength:"2000"`
	Evidence  []string       `json:"evidence,omitempty" maxItems:"12"`
	Lon       *float64       `json:"lon,omitempty"`
	Lat       *float64       `json:"lat,omitempty"`
	Datum     string         `json:"datum,omitempty"`
	At        *time.Time     `json:"at,omitempty" doc:"By the doer's clock; default: now"`
	Assignees []AssigneeBody `json:"assignees,omitempty" maxItems:"10"`
	Into      int64          `json:"into,omitempty" minimum:"0" doc:"merge: the event that it is about too"`
	Category  string         `json:"category,omitempty" doc:"accept: put right"`
	Item      string         `json:"item,omitempty" doc:"accept: put right"`
	Level     uint8          `json:"level,omitempty" minimum:"0" maximum:"4" doc:"accept: put right"`
}

// AssigneeBody is a unit as a whole or one worker.
type AssigneeBody struct {
	Unit   string `json:"unit,omitempty" maxLength:"60"`
	Worker int32  `json:"worker,omitempty" minimum:"0" doc:"0: the unit as a whole"`
	Lead   bool   `json:"lead,omitempty" doc:"Of several one leads; none marked: the first"`
}

// Stepped is what a step led to.
type Stepped struct {
	Event    EventSummary `json:"event"`
	Version  int          `json:"version"`
	Position string       `json:"position" doc:"For X-Min-Position"`
	Replayed bool         `json:"replayed" doc:"The Idempotency-Key was known: nothing was done now"`
}

// AssignBody gives several events to the same assignees.
type AssignBody struct {
	Events    []EventAt      `json:"events" minItems:"1" maxItems:"100"`
	Assignees []AssigneeBody `json:"assignees" minItems:"1" maxItems:"10"`
	Reason    string         `json:"reason,omitempty" maxLength:"2000" doc:"Needed where others have it already"`
	Note      string         `json:"note,omitempty" maxLength:"2000"`
}

// EventAt is an event in the state that somebody saw.
type EventAt struct {
	ID      int64 `json:"id" minimum:"1"`
	Version int   `json:"version" minimum:"1"`
}

// AssignResults tells of each event how it went.
type AssignResults struct {
	Results  []AssignResult `json:"results"`
	Position string         `json:"position" doc:"The highest of what was written; 0: nothing was"`
}

// AssignResult is how it went with one event.
type AssignResult struct {
	ID      int64          `json:"id"`
	Done    bool           `json:"done"`
	Problem Maybe[Problem] `json:"problem"`
}

type stepInput struct {
	ID   int64  `path:"id" minimum:"1"`
	Key  string `header:"Idempotency-Key" maxLength:"100" doc:"A replay with the same key does nothing"`
	Body StepBody
}

type assignInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"80"`
	Body AssignBody
}

func (s *Server) lifeRoutes(a huma.API) {
	taken := []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	handle(a, huma.Operation{
		OperationID: "step", Method: http.MethodPost, Path: "/api/events/{id}/steps", Summary: "Take a step of an event's life",
		Description: "Which step may follow which, who may take it and what it must bring: docs/event-life.md. 409 when somebody was faster.",
		Errors:      taken,
	}, s, s.step)
	handle(a, huma.Operation{
		OperationID: "assign", Method: http.MethodPost, Path: "/api/events/assign", Summary: "Give events to units or workers",
		Description: "Reports are accepted and dispatched, accepted events dispatched, what others have is handed over. Each event by itself: one that fails does not hold up the others.",
	}, s, s.assign)
	s.workerRoutes(a)
	s.similarRoutes(a)
	s.ruleRoutes(a)
}

// eventLife describes a case.
func eventLife(c *dispatch.Case) EventLife {
	v := EventLife{
		Command: codeAt(layers.Levels[:], c.Command), Whistled: c.Whistled, ClockAt: maybeTime(c.ClockAt), SuspendedAt: maybeTime(c.SuspendedAt),
		Timeline: []TimelineEntry{}, Assignments: assignments(c.Assignments), Actions: actions(c.Actions),
	}
	v.together(c)
	for i := range c.Timeline {
		v.Timeline = append(v.Timeline, timelineEntry(&c.Timeline[i]))
	}
	return v
}

func timelineEntry(e *dispatch.Entry) TimelineEntry {
	v := TimelineEntry{
		ID: e.ID, Step: e.Step, Actor: e.Actor, At: utc(e.At), DoneAt: utc(e.DoneAt), From: codeAt(layers.Statuses[:], e.From),
		To: codeAt(layers.Statuses[:], e.To), Version: e.Version, Command: codeAt(layers.Levels[:], e.Command),
		Note: maybeString(e.Note), Reason: maybeString(e.Reason), Evidence: append([]string{}, e.Evidence...), Assignees: []StepAssigned{},
	}
	if e.Label != "" {
		v.Post = Some(Named{e.Label, e.LabelEn})
	}
	if e.Unit.Code != "" {
		v.Unit = Some(unitRef(e.Unit))
	}
	if e.Point != nil {
		lon, lat := round(e.Point[0]), round(e.Point[1])
		v.Lon, v.Lat = &lon, &lat
	}
	v.Against, v.Automatic = e.Against, e.Automatic
	if e.Rule != 0 {
		v.Rule = &e.Rule
	}
	if e.Other != 0 {
		v.Other = &e.Other
	}
	for _, a := range e.Assignees {
		to := StepAssigned{Unit: a.Unit, Lead: a.Lead, Label: maybeString(a.Label)}
		if a.Worker != 0 {
			to.Worker = &a.Worker
		}
		v.Assignees = append(v.Assignees, to)
	}
	return v
}

func unitRef(u dispatch.Unit) UnitRef { return UnitRef{u.Code, Named{u.Name, u.NameEn}} }

func assignments(list []dispatch.Assignment) []EventAssignment {
	out := []EventAssignment{}
	for _, a := range list {
		v := EventAssignment{
			Unit: unitRef(a.Unit), Lead: a.Lead, Suggested: a.Suggested, AssignedAt: utc(a.AssignedAt),
			StartedAt: maybeTime(a.StartedAt), DoneAt: maybeTime(a.DoneAt), EndedAt: maybeTime(a.EndedAt),
		}
		if a.Worker != 0 {
			v.Worker = Some(WorkerRef{a.Worker, Named{a.Label, a.LabelEn}})
		}
		out = append(out, v)
	}
	return out
}

func actions(list []dispatch.Action) []EventAction {
	out := []EventAction{}
	for _, a := range list {
		out = append(out, EventAction{a.Step, codeAt(layers.Statuses[:], a.To), a.Needs, a.Photos})
	}
	return out
}

func (b *StepBody) step(key string) dispatch.Step {
	step := dispatch.Step{
		Step: b.Step, Version: b.Version, Note: b.Note, Reason: b.Reason, Evidence: b.Evidence, Lon: b.Lon, Lat: b.Lat, Datum: b.Datum,
		Assignees: assignees(b.Assignees), Into: b.Into, Category: b.Category, Item: b.Item, Level: b.Level, ClientKey: key,
	}
	if b.At != nil {
		step.At = *b.At
	}
	return step
}

func assignees(list []AssigneeBody) []dispatch.Assignee {
	var out []dispatch.Assignee
	for _, a := range list {
		out = append(out, dispatch.Assignee{Unit: a.Unit, Worker: a.Worker, Lead: a.Lead})
	}
	return out
}

func (s *Server) step(ctx context.Context, scope layers.Scope, in *stepInput) (*body[Stepped], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	receipt, err := s.Desk.Take(ctx, scope, in.ID, in.Body.step(in.Key))
	if err != nil {
		return nil, err
	}
	e, err := s.Store.Event(ctx, scope, in.ID)
	if err != nil {
		return nil, err
	}
	return &body[Stepped]{s.stepped(w, &e, receipt.Position, receipt.Replayed)}, nil
}

func (s *Server) stepped(w *store.World, e *store.EventDetail, p layers.Position, replayed bool) Stepped {
	return Stepped{s.summary(w, w.Tree, &e.Event), e.Version, p.String(), replayed}
}

func (s *Server) assign(ctx context.Context, scope layers.Scope, in *assignInput) (*body[AssignResults], error) {
	if _, err := s.world(); err != nil {
		return nil, err
	}
	out := AssignResults{Results: []AssignResult{}}
	var last layers.Position
	for _, e := range in.Body.Events {
		step := dispatch.Step{Version: e.Version, Note: in.Body.Note, Reason: in.Body.Reason, Assignees: assignees(in.Body.Assignees)}
		if in.Key != "" {
			step.ClientKey = fmt.Sprintf("%s/%d", in.Key, e.ID)
		}
		receipt, err := s.Desk.Assign(ctx, scope, e.ID, step)
		r := AssignResult{ID: e.ID, Done: err == nil}
		if err != nil {
			if len(in.Body.Events) == 1 {
				return nil, err
			}
			r.Problem = Some(*problemOf(ctx, http.MethodPost, err))
		}
		last = max(last, receipt.Position)
		out.Results = append(out.Results, r)
	}
	out.Position = last.String()
	return &body[AssignResults]{out}, nil
}
