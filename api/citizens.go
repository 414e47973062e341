package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
	"onepicture/layers/citizen"
	"onepicture/layers/ledger"
)

// The routes of citizens.
const (
	followRoute = "/api/follow"
	rateRoute   = "/api/follow/rating"
)

// Citizens serves people without an account.
type Citizens interface {
	Services(ctx context.Context) (map[string]citizen.Service, error)
	SetService(ctx context.Context, scope layers.Scope, item string, s citizen.Service) (layers.Position, error)
	Open(tx *ledger.Tx, event int64, k citizen.Case, s citizen.Slip) error
	Requests(ctx context.Context, q citizen.Query) ([]citizen.Request, error)
	Number(ctx context.Context, token string) (int64, error)
	Follow(ctx context.Context, number int64, code string) (citizen.Following, error)
	Rate(ctx context.Context, number int64, code string, stars int, words string) error
	RatingOf(ctx context.Context, scope layers.Scope, event int64) (*citizen.Rating, error)
}

// Slip is what a citizen has in hand. It travels in bodies only: addresses are written into logs.
type Slip struct {
	Number int64  `json:"number" minimum:"1"`
	Code   string `json:"code" minLength:"1" maxLength:"40"`
}

// Following is how far a citizen's report is.
type Following struct {
	Number     int64               `json:"number"`
	Item       *string             `json:"item"`
	ItemName   *string             `json:"itemName"`
	ItemNameEn *string             `json:"itemNameEn"`
	Department Maybe[Named]        `json:"department"`
	Status     string              `json:"status"`
	ReportedAt time.Time           `json:"reportedAt"`
	DueAt      *time.Time          `json:"dueAt"`
	ClosedAt   *time.Time          `json:"closedAt"`
	Steps      []FollowedStep      `json:"steps"`
	Ratable    bool                `json:"ratable" doc:"It is closed and not rated yet"`
	Rating     Maybe[CitizenRated] `json:"rating"`
}

// FollowedStep is a moment at which the report came to another state.
type FollowedStep struct {
	Step string    `json:"step"`
	At   time.Time `json:"at"`
}

// CitizenRated is how the citizen found it.
type CitizenRated struct {
	Stars int       `json:"stars" minimum:"1" maximum:"5"`
	Words string    `json:"words"`
	At    time.Time `json:"at"`
}

// CitizenService is how citizens may report an item.
type CitizenService struct {
	Offered    bool                `json:"offered"`
	Attributes []citizen.Attribute `json:"attributes"`
}

type followInput struct{ Body Slip }

type rateInput struct {
	Body struct {
		Slip
		Stars int    `json:"stars" minimum:"1" maximum:"5" doc:"1 bad … 5 good"`
		Words string `json:"words,omitempty" maxLength:"500"`
	}
}

type serviceInput struct {
	Code string `path:"code" maxLength:"60"`
	Body CitizenService
}

type ratingOutput struct {
	Rating Maybe[CitizenRated] `json:"rating"`
}

func (s *Server) citizenRoutes(a huma.API) {
	wrong := []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable}
	handle(a, huma.Operation{
		OperationID: "follow", Method: http.MethodPost, Path: followRoute, Summary: "Follow a report by number and code", Errors: wrong,
		Description: "For everybody. Ten wrong codes of a number, and none is looked at for an hour.",
	}, s, s.follow311)
	handle(a, huma.Operation{
		OperationID: "rate", Method: http.MethodPost, Path: rateRoute, Summary: "Rate how a report was handled", Errors: wrong,
		Description: "Once, when it is closed.",
	}, s, s.rate)
	handle(a, huma.Operation{
		OperationID: "putService", Method: http.MethodPut, Path: "/api/items/{code}/service", Summary: "Say how citizens may report an item",
		Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, s, s.putService)
	one := get("rating", "/api/events/{id}/rating", "How the citizen found the handling of an event")
	one.Errors = []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	handle(a, one, s, s.rating)
}

func (s *Server) follow311(ctx context.Context, _ layers.Scope, in *followInput) (*body[Following], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	f, err := s.Citizens.Follow(ctx, in.Body.Number, in.Body.Code)
	if err != nil {
		return nil, err
	}
	v := Following{
		Number: f.Number, Status: codeAt(layers.Statuses[:], f.Status), ReportedAt: utc(f.ReportedAt), DueAt: maybeTime(f.DueAt),
		ClosedAt: maybeTime(f.ClosedAt), Steps: []FollowedStep{}, Rating: rated(f.Rating),
		Ratable: f.Status == layers.StatusClose && f.Rating == nil,
	}
	if it := w.Catalogue.Item(f.Item); it != nil {
		v.Item, v.ItemName, v.ItemNameEn = maybeString(it.Code), maybeString(it.Name), maybeString(it.NameEn)
	}
	v.Department = department(w.Catalogue, f.Department)
	for _, x := range f.Steps {
		v.Steps = append(v.Steps, FollowedStep{x.Step, utc(x.At)})
	}
	return &body[Following]{v}, nil
}

func rated(r *citizen.Rating) Maybe[CitizenRated] {
	if r == nil {
		return Maybe[CitizenRated]{}
	}
	return Some(CitizenRated{r.Stars, r.Words, utc(r.At)})
}

func (s *Server) rate(ctx context.Context, _ layers.Scope, in *rateInput) (*body[Life], error) {
	if err := s.Citizens.Rate(ctx, in.Body.Number, in.Body.Code, in.Body.Stars, in.Body.Words); err != nil {
		return nil, err
	}
	return &body[Life]{Life{"ok"}}, nil
}

func (s *Server) putService(ctx context.Context, scope layers.Scope, in *serviceInput) (*body[CitizenService], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	if w.Catalogue.ItemByCode(in.Code) == nil {
		return nil, layers.NotFound("item")
	}
	if _, err := s.Citizens.SetService(ctx, scope, in.Code, citizen.Service(in.Body)); err != nil {
		return nil, err
	}
	return &body[CitizenService]{in.Body}, nil
}

// rating is told to those who may see the event.
func (s *Server) rating(ctx context.Context, scope layers.Scope, in *idInput) (*body[ratingOutput], error) {
	if _, err := s.Store.Event(ctx, scope, in.ID); err != nil {
		return nil, err
	}
	r, err := s.Citizens.RatingOf(ctx, scope, in.ID)
	if err != nil {
		return nil, fmt.Errorf("read the rating: %w", err)
	}
	return &body[ratingOutput]{ratingOutput{rated(r)}}, nil
}
