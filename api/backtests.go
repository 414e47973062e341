package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
	"onepicture/layers/risk"
	"onepicture/layers/risk/backtest"
)

// RiskTest is a back-test with how far it is.
type RiskTest struct {
	ID        int           `json:"id"`
	State     string        `json:"state" enum:"queued,running,done,cancelled,failed"`
	Message   string        `json:"message"`
	Now       string        `json:"now" doc:"What is being measured"`
	Done      int           `json:"done"`
	Total     int           `json:"total"`
	Spec      risk.TestSpec `json:"spec"`
	MadeAt    time.Time     `json:"madeAt"`
	StartedAt *time.Time    `json:"startedAt"`
	EndedAt   *time.Time    `json:"endedAt"`
	Parts     []RiskPart    `json:"parts"`
}

// RiskPart is what was measured of one category on one division of the city.
type RiskPart struct {
	Division string `json:"division" doc:"places, or the side of squares in metres"`
	Ships    string `json:"ships" doc:"The model that is used"`
	backtest.Result
}

// RiskTests are the latest back-tests, newest first, without their results.
type RiskTests struct {
	Tests []RiskTest `json:"tests"`
}

// RiskTestForm asks for a back-test.
type RiskTestForm struct {
	Divisions []string `json:"divisions" minItems:"1" maxItems:"4"`
	TrainTo   string   `json:"trainTo,omitempty" maxLength:"10"`
	TestTo    string   `json:"testTo,omitempty" maxLength:"10"`
	MinEvents int      `json:"minEvents,omitempty" minimum:"0"`
}

type testInput struct {
	ID int `path:"id" minimum:"1"`
}

type newTestInput struct{ Body RiskTestForm }

func (s *Server) backtestRoutes(a huma.API) {
	handle(a, get("backtests", "/api/risk/backtests", "The latest back-tests"), s, s.backtests)
	one := get("backtest", "/api/risk/backtests/{id}", "A back-test with its tables")
	one.Errors = []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	handle(a, one, s, s.backtest)
	post := func(id, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: http.MethodPost, Path: path, Summary: summary, Errors: []int{
			http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable,
		}}
	}
	handle(a, post("startBacktest", "/api/risk/backtests", "Measure the models against what came, in the background"), s, s.startBacktest)
	handle(a, post("cancelBacktest", "/api/risk/backtests/{id}/cancel", "Stop a back-test; what is measured stays"), s, s.cancelBacktest)
	handle(a, post("resumeBacktest", "/api/risk/backtests/{id}/resume", "Go on with a stopped back-test"), s, s.resumeBacktest)
}

// tests are for everybody to read: how good the estimate is is no secret.
func (s *Server) tests() (*risk.Backtests, error) {
	if s.Backtests == nil {
		return nil, layers.Unavailable(time.Minute, "back-tests are not kept by this server", nil)
	}
	return s.Backtests, nil
}

func (s *Server) backtests(ctx context.Context, _ layers.Scope, _ *struct{}) (*body[RiskTests], error) {
	b, err := s.tests()
	if err != nil {
		return nil, err
	}
	list, err := b.List(ctx, 20)
	if err != nil {
		return nil, err
	}
	out := RiskTests{Tests: []RiskTest{}}
	for i := range list {
		out.Tests = append(out.Tests, riskTest(&list[i]))
	}
	return &body[RiskTests]{out}, nil
}

func (s *Server) backtest(ctx context.Context, _ layers.Scope, in *testInput) (*body[RiskTest], error) {
	b, err := s.tests()
	if err != nil {
		return nil, err
	}
	t, err := b.Find(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &body[RiskTest]{riskTest(t)}, nil
}

func riskTest(t *risk.Backtest) RiskTest {
	out := RiskTest{
		ID: t.ID, State: t.State, Message: t.Message, Now: t.Now, Done: t.Done, Total: t.Total, Spec: t.Spec, MadeAt: utc(t.MadeAt),
		StartedAt: maybeTime(t.StartedAt), EndedAt: maybeTime(t.EndedAt), Parts: []RiskPart{},
	}
	for i := range t.Parts {
		p := &t.Parts[i]
		out.Parts = append(out.Parts, RiskPart{p.Division, p.Result.Ships.Name(), p.Result})
	}
	return out
}

// mayTest: measuring takes the machine for a while and decides which models are used.
func mayTest(scope layers.Scope) error {
	if !scope.Rights.Has(layers.RightCatalogue) {
		return layers.Forbidden("this account may not run back-tests")
	}
	return nil
}

func (s *Server) startBacktest(ctx context.Context, scope layers.Scope, in *newTestInput) (*body[RiskTest], error) {
	b, err := s.tests()
	if err != nil {
		return nil, err
	}
	if err := mayTest(scope); err != nil {
		return nil, err
	}
	id, err := b.Queue(ctx, scope.Actor, risk.TestSpec{
		Divisions: in.Body.Divisions, TrainTo: in.Body.TrainTo, TestTo: in.Body.TestTo, Horizon: 7, MinEvents: max(in.Body.MinEvents, 500),
	})
	if err != nil {
		return nil, err
	}
	return s.backtest(ctx, scope, &testInput{id})
}

func (s *Server) cancelBacktest(ctx context.Context, scope layers.Scope, in *testInput) (*body[RiskTest], error) {
	return s.changeTest(ctx, scope, in, (*risk.Backtests).Cancel)
}

func (s *Server) resumeBacktest(ctx context.Context, scope layers.Scope, in *testInput) (*body[RiskTest], error) {
	return s.changeTest(ctx, scope, in, (*risk.Backtests).Resume)
}

func (s *Server) changeTest(ctx context.Context, scope layers.Scope, in *testInput, change func(*risk.Backtests, context.Context, int) error) (*body[RiskTest], error) {
	b, err := s.tests()
	if err != nil {
		return nil, err
	}
	if err := mayTest(scope); err != nil {
		return nil, err
	}
	if err := change(b, ctx, in.ID); err != nil {
		return nil, err
	}
	return s.backtest(ctx, scope, in)
}
