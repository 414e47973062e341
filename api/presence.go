package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/dispatch"
	"onepicture/layers/store"
)

// DutyBody begins or ends a shift.
type DutyBody struct {
	OnDuty bool     `json:"onDuty"`
	Share  bool     `json:"share,omitempty" doc:"For this shift desks may see the last position; false: none is kept"`
	Lon    *float64 `json:"lon,omitempty" doc:"Last position, only of who shares it; off duty none is kept"`
	Lat    *float64 `json:"lat,omitempty"`
	Datum  string   `json:"datum,omitempty"`
}

// Presence are the workers on duty who share where they are.
type Presence struct {
	Workers []PresentWorker `json:"workers"`
}

// PresentWorker is one of them: the last position, never a track.
type PresentWorker struct {
	WorkerRef
	Unit     UnitRef   `json:"unit"`
	InHand   int       `json:"inHand"`
	Capacity int       `json:"capacity"`
	SeenAt   time.Time `json:"seenAt" doc:"When the position was told; older than 12 hours it is not shown"`
	Lon      float64   `json:"lon" doc:"To about 100 m"`
	Lat      float64   `json:"lat" doc:"To about 100 m"`
}

type dutyInput struct{ Body DutyBody }

func (s *Server) presenceRoutes(a huma.API) {
	handle(a, huma.Operation{
		OperationID: "duty", Method: http.MethodPut, Path: "/api/duty", Summary: "Begin or end the caller's shift, or tell where it is",
		Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, s, s.duty)
	handle(a, get("presence", "/api/presence", "Workers on duty who share where they are, for the desks that command there"), s, s.presence)
}

// placeOrAll finds a place by code; empty or the whole: 0.
func placeOrAll(w *store.World, code string) (layers.PlaceID, error) {
	if code == "" || code == wholeCode {
		return 0, nil
	}
	p := w.Tree.ByCode(code)
	if p == nil {
		return 0, layers.Invalid("place", "is not the code of a place")
	}
	return p.ID, nil
}

func (s *Server) duty(ctx context.Context, scope layers.Scope, in *dutyInput) (*body[Tasks], error) {
	var at *geo.WGS84
	b := &in.Body
	if b.Lon != nil || b.Lat != nil {
		p, err := dispatch.Locate(b.Lon, b.Lat, b.Datum)
		if err != nil {
			return nil, err
		}
		at = &p
	}
	if err := s.Desk.Duty(ctx, scope, b.OnDuty, b.Share, at); err != nil {
		return nil, err
	}
	return s.tasks(ctx, scope, &tasksInput{Limit: 100})
}

func (s *Server) presence(ctx context.Context, scope layers.Scope, in *unitsInput) (*body[Presence], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	place, err := placeOrAll(w, in.Place)
	if err != nil {
		return nil, err
	}
	list, err := s.Desk.Presence(ctx, scope, place)
	if err != nil {
		return nil, err
	}
	out := Presence{Workers: []PresentWorker{}}
	for _, p := range list {
		out.Workers = append(out.Workers, PresentWorker{
			WorkerRef{p.ID, Named{p.Label, p.LabelEn}}, unitRef(p.Unit), p.InHand, p.Capacity, utc(p.SeenAt), p.Lon, p.Lat,
		})
	}
	return &body[Presence]{out}, nil
}
