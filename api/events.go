package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
	"onepicture/layers/audit"
	"onepicture/layers/dispatch"
	"onepicture/layers/store"
)

// EventSummary is an event as a list shows it.
type EventSummary struct {
	ID          int64           `json:"id"`
	Title       string          `json:"title"`
	Category    string          `json:"category"`
	Item        *string         `json:"item"`
	Level       uint8           `json:"level" minimum:"1" maximum:"4" doc:"1 gravest … 4 slight"`
	Status      string          `json:"status"`
	Channel     string          `json:"channel"`
	ReportedAt  time.Time       `json:"reportedAt"`
	DueAt       *time.Time      `json:"dueAt"`
	ClosedAt    *time.Time      `json:"closedAt"`
	Overdue     bool            `json:"overdue"`
	Lon         float64         `json:"lon"`
	Lat         float64         `json:"lat"`
	Place       Maybe[PlaceRef] `json:"place"`
	PlacePath   string          `json:"placePath" example:"望江镇 › 江湾社区 › 03网格"`
	PlacePathEn string          `json:"placePathEn"`
	Version     int             `json:"version" doc:"Of the state; a step names the one that its doer saw"`
}

// EventDetail is an event whole.
type EventDetail struct {
	EventSummary
	Description string                     `json:"description"`
	Address     *string                    `json:"address"`
	Attributes  map[string]json.RawMessage `json:"attributes"`
	Source      Named                      `json:"source"`
	ItemName    *string                    `json:"itemName"`
	ItemNameEn  *string                    `json:"itemNameEn"`
	Department  Maybe[Named]               `json:"department" doc:"That answers for it now; null: none"`
	Steps       []string                   `json:"steps" doc:"Standard steps of the item"`
	Position    string                     `json:"position" doc:"Of its last change"`
	EventLife
}

// EventPage is a part of the list of events, newest first.
type EventPage struct {
	Events   []EventSummary `json:"events"`
	Next     *string        `json:"next" doc:"For before; null at the end"`
	Position string         `json:"position"`
	AsOf     time.Time      `json:"asOf"`
}

// EventReport is what somebody saw.
type EventReport struct {
	Title       string     `json:"title" minLength:"1" maxLength:"120"`
	Description string     `json:"description,omitempty" maxLength:"4000"`
	Category    string     `json:"category,omitempty" doc:"May be left out when an item is given"`
	Item        string     `json:"item,omitempty"`
	Level       uint8      `json:"level,omitempty" minimum:"1" maximum:"4" doc:"Default: the item's, else 3"`
	Channel     string     `json:"channel,omitempty" enum:"patrol,resident,system,unknown"`
	Lon         float64    `json:"lon"`
	Lat         float64    `json:"lat"`
	Datum       string     `json:"datum" doc:"WGS84, CGCS2000, GCJ02 or BD09; never guessed"`
	ReportedAt  *time.Time `json:"reportedAt,omitempty" doc:"Default: now"`
	Address     string     `json:"address,omitempty" maxLength:"200"`
}

// Reported is a filed event; the position makes later reads include it (X-Min-Position).
type Reported struct {
	Event    EventSummary `json:"event"`
	Position string       `json:"position"`
}

type eventsInput struct {
	Place    string    `query:"place" maxLength:"20" doc:"Code; empty: everywhere"`
	Status   string    `query:"status" enum:"open,closed,all,overdue,waiting" default:"all" doc:"closed includes void; waiting: a desk must act"`
	Category string    `query:"category" maxLength:"60"`
	Limit    int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	At       time.Time `query:"at" doc:"Those that were open, or overdue, at that time, counted in minutes; their status and clock are told as they are now"`
	Before   string    `query:"before" maxLength:"40" doc:"next of the page before"`
}

type idInput struct {
	ID int64 `path:"id" minimum:"1"`
}

type reportInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"100" doc:"A replay with the same key gives the same event"`
	Body EventReport
}

type reportOutput struct {
	Status   int
	Location string `header:"Location"`
	Body     Reported
}

func (s *Server) eventRoutes(a huma.API) {
	handle(a, get("events", "/api/events", "Events, newest first"), s, s.events)
	one := get("event", "/api/events/{id}", "An event")
	one.Errors = []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	handle(a, one, s, s.event)
	handle(a, huma.Operation{
		OperationID: "report", Method: http.MethodPost, Path: "/api/events", Summary: "Report an event", DefaultStatus: http.StatusCreated,
		Description: "201 for a new event; 200 when the Idempotency-Key was known: nothing is written then.",
	}, s, s.report)
}

func (s *Server) events(ctx context.Context, scope layers.Scope, in *eventsInput) (*recorded[EventPage], error) {
	if _, err := s.snapshot(); err != nil {
		return nil, err
	}
	w, now := s.Store.World(), s.Now()
	openAt, err := minuteOf(in.At, now)
	if err != nil {
		return nil, err
	}
	if openAt != 0 && in.Status != "open" && in.Status != "overdue" {
		return nil, layers.Invalid("status", "must be open or overdue with at: of the past no other is known")
	}
	q, err := eventQuery(w, in, now, openAt)
	if err != nil {
		return nil, err
	}
	list, snap, err := s.Store.Events(ctx, scope, q)
	if err != nil {
		return nil, err
	}
	page := EventPage{Events: []EventSummary{}, Position: snap.Position().String(), AsOf: utc(snap.At())}
	for i := range list {
		e := s.summary(w, snap.Tree(), &list[i])
		if openAt != 0 {
			e.Overdue = e.DueAt != nil && e.DueAt.Before(in.At)
		}
		page.Events = append(page.Events, e)
	}
	if len(list) == in.Limit {
		last := &list[len(list)-1]
		next := fmt.Sprintf("%d.%d", layers.Minutes(last.ReportedAt), last.ID)
		page.Next = &next
	}
	return &recorded[EventPage]{page, audit.Entry{Rows: int64(len(list))}}, nil
}

func eventQuery(w *store.World, in *eventsInput, now time.Time, openAt int32) (store.EventQuery, error) {
	q := store.EventQuery{Limit: in.Limit, OpenAt: openAt}
	minute := layers.Minutes(now)
	if in.Place != "" && in.Place != wholeCode {
		p := w.Tree.ByCode(in.Place)
		if p == nil {
			return q, layers.Invalid("place", "is not the code of a place")
		}
		q.Place = p.ID
	}
	any, class := in.Category == "", uint16(0)
	if !any {
		c := w.Catalogue.ClassByCode(layers.KindEvent, in.Category)
		if c == nil {
			return q, layers.Invalid("category", "is not an event category")
		}
		class = c.ID
	}
	then := openAt != 0
	if then {
		minute = openAt
	}
	if status := in.Status; !any || status != "all" {
		q.Match = func(r *layers.Record) bool { return (any || r.Class == class) && inStatus(r, status, minute, then) }
	}
	if in.Before != "" {
		var err error
		if q.BeforeAt, q.BeforeID, err = parseBefore(in.Before); err != nil {
			return q, err
		}
	}
	return q, nil
}

// inStatus tells whether a list of that status holds the event; then: at a moment when it was open, whatever it is today.
func inStatus(r *layers.Record, status string, now int32, then bool) bool {
	ended := !then && (r.Status == layers.StatusClose || r.Status == layers.StatusVoid)
	switch status {
	case "open":
		return !ended
	case "closed":
		return ended
	case "overdue":
		return !ended && r.Due != 0 && r.Due < now
	case "waiting":
		return r.Status == layers.StatusReport || r.Status == layers.StatusAccept || r.Status == layers.StatusFeedback || r.Status == layers.StatusVerify
	}
	return true
}

func (s *Server) summary(w *store.World, t *layers.Tree, e *store.Event) EventSummary {
	v := EventSummary{
		ID: e.ID, Title: e.Title, Category: categoryCode(w.Catalogue, e.Class), Level: e.Level,
		Status: codeAt(layers.Statuses[:], e.Status), Channel: codeAt(layers.Channels[:], e.Channel),
		ReportedAt: utc(e.ReportedAt), DueAt: maybeTime(e.DueAt), ClosedAt: maybeTime(e.ClosedAt), Overdue: e.Overdue(s.Now()),
		Lon: round(e.Point[0]), Lat: round(e.Point[1]), Place: maybePlace(t, e.Place), PlacePath: placePath(t, e.Place), PlacePathEn: placePathEn(t, e.Place), Version: e.Version,
	}
	if it := w.Catalogue.Item(e.Item); it != nil {
		v.Item = maybeString(it.Code)
	}
	return v
}

func (s *Server) event(ctx context.Context, scope layers.Scope, in *idInput) (*recorded[EventDetail], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	// The life first: an event that moves on meanwhile is then shown with a state version that no step is taken on.
	life, err := s.Desk.Case(ctx, scope, in.ID)
	if err != nil {
		return nil, err
	}
	e, err := s.Store.Event(ctx, scope, in.ID)
	if err != nil {
		return nil, err
	}
	v := EventDetail{
		EventLife:    eventLife(&life),
		EventSummary: s.summary(w, w.Tree, &e.Event), Description: e.Description, Address: maybeString(e.Address),
		Attributes: attributes(e.Attributes), Source: Named{e.Source, e.SourceEn}, Steps: []string{},
		Position: e.Position.String(),
	}
	v.Version = life.Version
	if it := w.Catalogue.Item(e.Item); it != nil {
		v.ItemName, v.ItemNameEn = maybeString(it.Name), maybeString(it.NameEn)
		v.Steps = append(v.Steps, it.Steps...)
	}
	v.Department = department(w.Catalogue, e.Department)
	// Its words may name people.
	return &recorded[EventDetail]{v, audit.Entry{What: audit.Read, Subject: "event", ID: e.ID, Rows: 1}}, nil
}

func attributes(m map[string]json.RawMessage) map[string]json.RawMessage {
	if m == nil {
		return map[string]json.RawMessage{}
	}
	return m
}

func (s *Server) report(ctx context.Context, scope layers.Scope, in *reportInput) (*reportOutput, error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	b := &in.Body
	r := dispatch.Report{
		Title: b.Title, Description: b.Description, Category: b.Category, Item: b.Item, Level: b.Level, Channel: b.Channel,
		Lon: b.Lon, Lat: b.Lat, Datum: b.Datum, Address: b.Address, ClientKey: in.Key,
	}
	if b.ReportedAt != nil {
		r.ReportedAt = *b.ReportedAt
	}
	filed, replayed, err := s.file(ctx, scope, w, r)
	if err != nil {
		return nil, err
	}
	out := &reportOutput{Status: http.StatusCreated, Location: fmt.Sprintf("/api/events/%d", filed.Event.ID), Body: filed}
	if replayed {
		out.Status = http.StatusOK
	}
	return out, nil
}

// file takes a report in. Of a replay the event is told as it is now.
func (s *Server) file(ctx context.Context, scope layers.Scope, w *store.World, r dispatch.Report) (out Reported, replayed bool, err error) {
	f, err := s.Desk.Report(ctx, scope, r)
	if err != nil {
		return out, false, err
	}
	k := &f.Record
	e := store.Event{
		ID: k.ID, Title: f.Title, Class: k.Class, Item: k.Item, Level: k.Level, Status: k.Status, Channel: uint8(k.Flags), ReportedAt: f.ReportedAt,
		DueAt: f.DueAt, Point: f.Point, Place: k.Place, Department: k.Department, Version: 1,
	}
	if f.Replayed {
		now, err := s.Store.Event(ctx, scope, f.FeatureID)
		if err != nil {
			return out, true, err
		}
		e = now.Event
	}
	return Reported{s.summary(w, w.Tree, &e), f.Position.String()}, f.Replayed, nil
}
