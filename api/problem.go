package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"onepicture/layers"
)

// Problem is an error as RFC 9457 tells it. It never holds SQL, a cause or a value that was sent.
type Problem struct {
	Title  string       `json:"title" doc:"The status in words"`
	Status int          `json:"status"`
	Code   string       `json:"code" enum:"invalid,not_found,unauthenticated,forbidden,conflict,unavailable,too_many,too_large,internal" doc:"What went wrong, one of a closed set"`
	Detail string       `json:"detail" doc:"A sentence for the user"`
	Errors []FieldError `json:"errors,omitempty"`

	retryAfter time.Duration
}

// FieldError is what is wrong with one part of a request.
type FieldError struct {
	Message  string `json:"message"`
	Location string `json:"location" doc:"Where: body.title, query.filter, path.id, header.Idempotency-Key"`
}

// Error is the detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status; huma asks for it under this name.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457; huma asks for it.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders are the headers of the answer; huma asks for them under this name.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
	}
	return h
}

var statuses = map[layers.Code]int{
	layers.CodeInvalid: http.StatusUnprocessableEntity, layers.CodeNotFound: http.StatusNotFound,
	layers.CodeForbidden: http.StatusForbidden, layers.CodeConflict: http.StatusConflict,
	layers.CodeUnavailable: http.StatusServiceUnavailable, layers.CodeTooLarge: http.StatusRequestEntityTooLarge,
	layers.CodeInternal: http.StatusInternalServerError, layers.CodeUnauthenticated: http.StatusUnauthorized,
	layers.CodeTooMany: http.StatusTooManyRequests,
}

// statusError is for answers whose status is not that of their code.
type statusError struct {
	status int
	code   layers.Code
	detail string
}

func (e *statusError) Error() string { return e.detail }

// problemOf makes the answer of any error. What is not meant for users becomes an internal error, told to the log.
func problemOf(ctx context.Context, method string, err error) *Problem {
	var p *Problem
	var known *layers.Error
	var odd *statusError
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(ctx.Err(), context.Canceled): // nobody is there to be told, and that is no failure of ours
		return problem(http.StatusServiceUnavailable, layers.CodeUnavailable, "the request was given up")
	case errors.As(err, &odd):
		return problem(odd.status, odd.code, odd.detail)
	case errors.As(err, &known):
		p = problem(statuses[known.Code], known.Code, known.Error())
		p.retryAfter = known.RetryAfter
		if known.Field != "" {
			p.Errors = []FieldError{{Message: known.Message, Location: location(method, known.Field)}}
		}
		if known.Cause != nil && p.Status >= 500 {
			slog.ErrorContext(ctx, "request failed", "code", known.Code, "error", known.Cause, "request", requestID(ctx))
		}
		return p
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		p = problem(http.StatusServiceUnavailable, layers.CodeUnavailable, "this took too long; try again")
		p.retryAfter = time.Second
		return p
	}
	slog.ErrorContext(ctx, "request failed", "error", err, "request", requestID(ctx))
	return problem(http.StatusInternalServerError, layers.CodeInternal, "the server failed; its log says why (request "+requestID(ctx)+")")
}

func problem(status int, code layers.Code, detail string) *Problem {
	if status == 0 {
		status, code = http.StatusInternalServerError, layers.CodeInternal
	}
	return &Problem{Title: http.StatusText(status), Status: status, Code: string(code), Detail: detail}
}

// location is where a field of the floors below stands in a request: those of a POST or PUT in its body, others in the query;
// names of headers begin with a capital letter.
func location(method, field string) string {
	switch {
	case field[0] >= 'A' && field[0] <= 'Z':
		return "header." + field
	case method == http.MethodPost || method == http.MethodPut:
		return "body." + field
	}
	return "query." + field
}

// newError replaces huma's own problems: of what a validator says only message and place, never the value.
func newError(status int, message string, errs ...error) huma.StatusError {
	code := layers.CodeInvalid
	for c, s := range statuses {
		if s == status {
			code = c
		}
	}
	if status >= 500 && code != layers.CodeUnavailable {
		code, message = layers.CodeInternal, "the server failed; its log says why"
	}
	p := problem(status, code, message)
	for _, err := range errs {
		var d huma.ErrorDetailer
		if errors.As(err, &d) && status < 500 {
			detail := d.ErrorDetail()
			p.Errors = append(p.Errors, FieldError{Message: detail.Message, Location: strings.TrimSuffix(detail.Location, ".")})
		}
	}
	if len(p.Errors) > 0 {
		p.Detail = p.Errors[0].Location + ": " + p.Errors[0].Message
	}
	return p
}

// writeProblem answers from a plain route.
func writeProblem(c *gin.Context, err error) {
	p := problemOf(c.Request.Context(), c.Request.Method, err)
	if c.Writer.Written() {
		return
	}
	body, err := json.Marshal(p)
	if err != nil {
		c.Status(http.StatusInternalServerError)
		return
	}
	for k, v := range p.GetHeaders() {
		c.Writer.Header()[k] = v
	}
	c.Writer.Header()["X-Request-Id"] = []string{requestID(c.Request.Context())}
	c.Writer.Header()["X-Content-Type-Options"] = noSniff
	c.Writer.Header().Del("ETag")
	c.Header("Cache-Control", "no-store")
	c.Data(p.Status, p.ContentType(""), body)
}
