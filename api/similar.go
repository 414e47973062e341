package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
	"onepicture/layers/audit"
	"onepicture/layers/dispatch"
)

// MergedInto is the event that a report was merged into, as far as who sees the report is told of it.
type MergedInto struct {
	ID       int64      `json:"id"`
	Status   string     `json:"status"`
	ClosedAt *time.Time `json:"closedAt"`
}

// MergedReport is a report that is about an event too.
type MergedReport struct {
	ID         int64     `json:"id"`
	Title      string    `json:"title"`
	ReportedAt time.Time `json:"reportedAt"`
	MergedAt   time.Time `json:"mergedAt"`
	Version    int       `json:"version" doc:"For undoing it"`
}

// EventRepeat tells that it happens again at a place.
type EventRepeat struct {
	Nth    int `json:"nth" doc:"This one included"`
	Days   int `json:"days" doc:"Within how many days"`
	Meters int `json:"meters" doc:"How near counts as the place"`
}

// SimilarEvents are open events that may be about the same, the likeliest first.
type SimilarEvents struct {
	Events []SimilarEvent `json:"events"`
}

// SimilarEvent is one of them, with what speaks for it.
type SimilarEvent struct {
	Event    EventSummary `json:"event"`
	Meters   int          `json:"meters"`
	Minutes  int          `json:"minutes" doc:"Between the two reports"`
	SameItem bool         `json:"sameItem"`
	Words    float64      `json:"words" doc:"Likeness of the words, 0 to 1"`
}

// SampleBody is what is about to be reported. It travels in a body: addresses are written into logs.
type SampleBody struct {
	Lon      float64 `json:"lon"`
	Lat      float64 `json:"lat"`
	Datum    string  `json:"datum" doc:"WGS84, CGCS2000, GCJ02 or BD09; never guessed"`
	Category string  `json:"category,omitempty" maxLength:"60" doc:"May be left out when an item is given"`
	Item     string  `json:"item,omitempty" maxLength:"60"`
	Words    string  `json:"words,omitempty" maxLength:"4000"`
}

type sampleInput struct{ Body SampleBody }

func (s *Server) similarRoutes(a huma.API) {
	one := get("similarTo", "/api/events/{id}/similar", "Open events that an event may be about too")
	one.Errors = []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	handle(a, one, s, s.similarTo)
	handle(a, as(huma.Operation{
		OperationID: "similar", Method: http.MethodPost, Path: "/api/events/similar", Summary: "Open events that a report may be about too",
		Description: "Before it is sent: by place, time, item and words, within the item's radius and time.",
		Errors:      []int{http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, audit.Read), s, s.similar)
}

func (s *Server) similarTo(ctx context.Context, scope layers.Scope, in *idInput) (*body[SimilarEvents], error) {
	e, err := s.Store.Event(ctx, scope, in.ID)
	if err != nil {
		return nil, err
	}
	list, err := s.Desk.SimilarTo(ctx, scope, in.ID, e.Title+e.Description)
	if err != nil {
		return nil, err
	}
	return s.similarEvents(ctx, scope, list)
}

func (s *Server) similar(ctx context.Context, scope layers.Scope, in *sampleInput) (*body[SimilarEvents], error) {
	b := &in.Body
	p, err := dispatch.Locate(&b.Lon, &b.Lat, b.Datum)
	if err != nil {
		return nil, err
	}
	list, err := s.Desk.Similar(ctx, scope, dispatch.Sample{Lon: p.Lon, Lat: p.Lat, Category: b.Category, Item: b.Item, Words: b.Words})
	if err != nil {
		return nil, err
	}
	return s.similarEvents(ctx, scope, list)
}

func (s *Server) similarEvents(ctx context.Context, scope layers.Scope, list []dispatch.Similar) (*body[SimilarEvents], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(list))
	for i := range list {
		ids[i] = list[i].Event
	}
	events, err := s.Store.EventsByID(ctx, scope, ids)
	if err != nil {
		return nil, err
	}
	out := SimilarEvents{Events: []SimilarEvent{}}
	for _, x := range list {
		if e, ok := events[x.Event]; ok {
			out.Events = append(out.Events, SimilarEvent{s.summary(w, w.Tree, &e), x.Meters, int(x.Apart.Minutes()), x.SameItem, x.Words})
		}
	}
	return &body[SimilarEvents]{out}, nil
}

// together describes what an event has to do with others.
func (v *EventLife) together(c *dispatch.Case) {
	v.Merged = []MergedReport{}
	for _, m := range c.Merged {
		v.Merged = append(v.Merged, MergedReport{m.Event, m.Title, utc(m.ReportedAt), utc(m.Merged), m.Version})
	}
	if m := c.MergedInto; m != nil {
		v.MergedInto = Some(MergedInto{m.Event, codeAt(layers.Statuses[:], m.Status), maybeTime(m.ClosedAt)})
	}
	if r := c.Repeat; r != nil {
		v.Repeat = Some(EventRepeat{r.Nth, r.Days, r.Meters})
	}
}
