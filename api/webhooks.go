package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
	"onepicture/layers/dispatch"
	"onepicture/layers/webhook"
)

// hookRoute is open to everybody; a message is believed by its signature.
const hookRoute = "/api/hooks/{code}"

// Webhooks are how other systems report and are told.
type Webhooks interface {
	List(ctx context.Context, scope layers.Scope) ([]webhook.Listed, error)
	PutIn(ctx context.Context, scope layers.Scope, in webhook.In) (secret string, err error)
	PutOut(ctx context.Context, scope layers.Scope, out webhook.Out) (secret string, err error)
	DeadLetters(ctx context.Context, scope layers.Scope, code string) ([]webhook.Dead, error)
	Retry(ctx context.Context, scope layers.Scope, code string) (int64, error)
	Take(ctx context.Context, code string, header http.Header, body []byte) (webhook.Report, string, error)
}

// WebhookList are all webhooks.
type WebhookList struct {
	Webhooks []Webhook `json:"webhooks"`
}

// Webhook is one of them, without its secret.
type Webhook struct {
	Way     string   `json:"way" enum:"in,out" doc:"in: that system reports; out: it is told"`
	Code    string   `json:"code"`
	Name    string   `json:"name"`
	URL     string   `json:"url"`
	Types   []string `json:"types"`
	Place   string   `json:"place" doc:"Code of the place whose events it is told of; empty: all"`
	Enabled bool     `json:"enabled"`
	Waiting int64    `json:"waiting"`
	Dead    int64    `json:"dead"`
}

// WebhookIn is a system that reports.
type WebhookIn struct {
	Name    string          `json:"name" minLength:"1" maxLength:"60"`
	Mapping webhook.Mapping `json:"mapping" doc:"Where the fields stand: a JSON pointer begins with /, every other text stands for itself"`
	Enabled bool            `json:"enabled"`
}

// WebhookOut is a system that is told.
type WebhookOut struct {
	URL     string   `json:"url" maxLength:"1000"`
	Types   []string `json:"types" doc:"event.reported, event.changed, event.closed"`
	Place   string   `json:"place,omitempty" maxLength:"20"`
	Enabled bool     `json:"enabled"`
}

// WebhookSecret is told once, when a webhook is put.
type WebhookSecret struct {
	Secret string `json:"secret" example:"whsec_…"`
}

// DeadLetters are messages that nobody took.
type DeadLetters struct {
	Letters []DeadLetter `json:"letters"`
}

// DeadLetter is one of them.
type DeadLetter struct {
	ID       int64     `json:"id"`
	Attempts int       `json:"attempts"`
	At       time.Time `json:"at"`
	Outcome  string    `json:"outcome"`
}

// Retried tells how many messages are sent again.
type Retried struct {
	Messages int64 `json:"messages"`
}

type codeInput struct {
	Code string `path:"code" maxLength:"60"`
}

type webhookInInput struct {
	Code string `path:"code" maxLength:"60"`
	Body WebhookIn
}

type webhookOutInput struct {
	Code string `path:"code" maxLength:"60"`
	Body WebhookOut
}

type hookInput struct {
	Code      string `path:"code" maxLength:"60"`
	ID        string `header:"Webhook-Id" maxLength:"200"`
	Timestamp string `header:"Webhook-Timestamp" maxLength:"20"`
	Signature string `header:"Webhook-Signature" maxLength:"2000"`
	RawBody   []byte
}

type hookOutput struct {
	Status int
	Body   Reported
}

func (s *Server) webhookRoutes(a huma.API) {
	put := func(id, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: http.MethodPut, Path: path, Summary: summary,
			Description: "Gives a new secret each time; it is not told again."}
	}
	handle(a, get("webhooks", "/api/webhooks", "The webhooks"), s, s.webhooks)
	handle(a, put("putWebhookIn", "/api/webhooks/in/{code}", "Let a system report by webhook"), s, s.putWebhookIn)
	handle(a, put("putWebhookOut", "/api/webhooks/out/{code}", "Tell a system of events by webhook"), s, s.putWebhookOut)
	handle(a, get("deadLetters", "/api/webhooks/out/{code}/dead", "Messages that nobody took"), s, s.deadLetters)
	handle(a, huma.Operation{
		OperationID: "retryWebhook", Method: http.MethodPost, Path: "/api/webhooks/out/{code}/retry", Summary: "Send dead messages again",
	}, s, s.retryWebhook)
	handle(a, huma.Operation{
		OperationID: "hook", Method: http.MethodPost, Path: hookRoute, Summary: "Report by webhook", DefaultStatus: http.StatusCreated,
		Description: "Signed as Standard Webhooks have it. The same Webhook-Id again is the same report: 200, and nothing is written.",
		Errors:      []int{http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
	}, s, s.hook)
}

func (s *Server) webhooks(ctx context.Context, scope layers.Scope, _ *struct{}) (*body[WebhookList], error) {
	list, err := s.Webhooks.List(ctx, scope)
	if err != nil {
		return nil, err
	}
	out := WebhookList{Webhooks: []Webhook{}}
	for _, w := range list {
		w.Types = listed(w.Types)
		out.Webhooks = append(out.Webhooks, Webhook(w))
	}
	return &body[WebhookList]{out}, nil
}

func (s *Server) putWebhookIn(ctx context.Context, scope layers.Scope, in *webhookInInput) (*body[WebhookSecret], error) {
	secret, err := s.Webhooks.PutIn(ctx, scope, webhook.In{Code: in.Code, Name: in.Body.Name, Mapping: in.Body.Mapping, Enabled: in.Body.Enabled})
	if err != nil {
		return nil, err
	}
	return &body[WebhookSecret]{WebhookSecret{secret}}, nil
}

func (s *Server) putWebhookOut(ctx context.Context, scope layers.Scope, in *webhookOutInput) (*body[WebhookSecret], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	if in.Body.Place != "" && w.Tree.ByCode(in.Body.Place) == nil {
		return nil, layers.Invalid("place", "is not the code of a place")
	}
	secret, err := s.Webhooks.PutOut(ctx, scope, webhook.Out{
		Code: in.Code, URL: in.Body.URL, Types: in.Body.Types, Place: in.Body.Place, Enabled: in.Body.Enabled,
	})
	if err != nil {
		return nil, err
	}
	return &body[WebhookSecret]{WebhookSecret{secret}}, nil
}

func (s *Server) deadLetters(ctx context.Context, scope layers.Scope, in *codeInput) (*body[DeadLetters], error) {
	list, err := s.Webhooks.DeadLetters(ctx, scope, in.Code)
	if err != nil {
		return nil, err
	}
	out := DeadLetters{Letters: []DeadLetter{}}
	for _, d := range list {
		out.Letters = append(out.Letters, DeadLetter{d.ID, d.Attempts, utc(d.At), d.Outcome})
	}
	return &body[DeadLetters]{out}, nil
}

func (s *Server) retryWebhook(ctx context.Context, scope layers.Scope, in *codeInput) (*body[Retried], error) {
	n, err := s.Webhooks.Retry(ctx, scope, in.Code)
	if err != nil {
		return nil, err
	}
	return &body[Retried]{Retried{n}}, nil
}

// hook files what a known system reports. Who has the secret is that system; it may report anywhere and read nothing.
func (s *Server) hook(ctx context.Context, _ layers.Scope, in *hookInput) (*hookOutput, error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	h := http.Header{}
	h.Set(webhook.HeaderID, in.ID)
	h.Set(webhook.HeaderTimestamp, in.Timestamp)
	h.Set(webhook.HeaderSignature, in.Signature)
	r, id, err := s.Webhooks.Take(ctx, in.Code, h, in.RawBody)
	if err != nil {
		return nil, err
	}
	everywhere := layers.Sight{Counts: layers.Everywhere(), Records: layers.Everywhere()}
	scope := layers.Scope{Actor: "hook " + in.Code, Event: everywhere, Rights: layers.RightReport}
	filed, replayed, err := s.file(ctx, scope, w, dispatch.Report{
		Source: r.Source, Title: r.Title, Description: r.Description, Category: r.Category, Item: r.Item, Level: r.Level, Channel: "system",
		Lon: r.Lon, Lat: r.Lat, Datum: r.Datum, ReportedAt: r.ReportedAt, Address: r.Address, ClientKey: id,
	})
	if err != nil {
		return nil, err
	}
	out := &hookOutput{Status: http.StatusCreated, Body: filed}
	if replayed {
		out.Status = http.StatusOK
	}
	return out, nil
}
