package api

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"onepicture/layers"
	"onepicture/layers/account"
	"onepicture/layers/alert"
	"onepicture/layers/catalogue"
	"onepicture/layers/index"
	"onepicture/layers/photo"
)

// request is what the adapter knows of a request; it travels as its context.
type request struct {
	context.Context
	id     string // empty: none yet, see name
	naming sync.Mutex
	scope  layers.Scope
	pass   account.Pass // of whom the scope is; the zero value where Options.Scope says it, and on public routes
	comer  *comer       // on routes that open a session
}

type requestKey struct{}

// Value gives the request itself; the rest is the context's.
func (r *request) Value(key any) any {
	if _, ok := key.(requestKey); ok {
		return r
	}
	return r.Context.Value(key)
}

func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	return r
}

// scopeOf is what the request may see; nothing when the adapter was not passed.
func scopeOf(ctx context.Context) layers.Scope {
	if r := requestOf(ctx); r != nil {
		return r.scope
	}
	return layers.Scope{}
}

func requestID(ctx context.Context) string {
	if r := requestOf(ctx); r != nil {
		return r.name()
	}
	return ""
}

// name is the request's id, made when it is first asked for.
func (r *request) name() string {
	r.naming.Lock()
	defer r.naming.Unlock()
	if r.id == "" {
		r.id = newRequestID()
	}
	return r.id
}

// scoped gives the request its scope and waits for the position that it asks for. Without a session only the public
// routes are answered.
func (s *Server) scoped(c *gin.Context) {
	ctx := c.Request.Context()
	if err := s.identify(ctx, c); err != nil {
		writeProblem(c, err)
		c.Abort()
		return
	}
	if err := s.await(ctx, c.Request); err != nil {
		writeProblem(c, err)
		c.Abort()
		return
	}
	c.Next()
}

// bounded gives the request its deadline and its body's limit. Tiles have their deadline where they are built.
func (s *Server) bounded(c *gin.Context) {
	route := c.FullPath()
	if route != streamRoute && route != partRoute {
		ctx, cancel := context.WithTimeout(c.Request.Context(), deadline)
		defer cancel()
		c.Request = c.Request.WithContext(ctx)
	}
	limit := int64(maxBody)
	if most, ok := bodies[route]; ok {
		limit = most
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, limit)
	c.Next()
}

// bodies are the limits of bodies that may be larger than others, by route.
var bodies = map[string]int64{countRoute: maxAreaBody, alertsRoute: alert.MaxBytes + 1, itemsRoute: catalogue.MaxBytes + 1, partRoute: photo.MaxPart,
	ruleFileRoute: maxRuleFile}

const minPosition = "X-Min-Position"

// await lets a reader see at least what it has seen or written before, whichever server it meets.
func (s *Server) await(ctx context.Context, r *http.Request) error {
	text := ""
	if list := r.Header[minPosition]; len(list) > 0 {
		text = list[0]
	}
	if text == "" || r.Method != http.MethodGet && r.Method != http.MethodHead && r.URL.Path != countRoute {
		return nil
	}
	p, err := layers.ParsePosition(text)
	if err != nil {
		return layers.Invalid(minPosition, "is not a position: a whole number in decimal")
	}
	waiting, cancel := context.WithTimeout(ctx, positionWait)
	defer cancel()
	return s.Store.Wait(waiting, p)
}

// handle adds a described operation. Its function gets the scope and returns the answer or an error of layers.
func handle[I, O any](a huma.API, op huma.Operation, s *Server, fn func(context.Context, layers.Scope, *I) (*O, error)) {
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = maxBody
	}
	op.BodyReadTimeout = 10 * time.Second
	if len(op.Errors) == 0 {
		op.Errors = []int{http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	}
	huma.Register(a, op, func(ctx context.Context, in *I) (*O, error) {
		scope, began := scopeOf(ctx), time.Now()
		var out *O
		var err error
		if !public[op.Path] && !own[op.Path] {
			err = seesAnything(scope)
		}
		if err == nil {
			out, err = fn(ctx, scope, in)
		}
		if unrecorded := s.audited(ctx, &op, scope, out, err, began); unrecorded != nil {
			err = unrecorded
		}
		if err != nil {
			return nil, problemOf(ctx, op.Method, err)
		}
		return out, nil
	})
}

// public routes tell nothing of the city, or what anybody may know.
var public = map[string]bool{"/health": true, "/health/live": true, "/health/ready": true, signInRoute: true, linkRoute: true, linkLookRoute: true,
	providerRoute: true, returnRoute: true,
	followRoute: true, rateRoute: true, open311Route: true,
	hookRoute: true, "/api/hooks/:code": true}

// own routes are for everybody who has signed in, also for those without a right.
var own = map[string]bool{meRoute: true, signOutRoute: true, mySessionsRoute: true, mySessionsRoute + "/end": true,
	mySessionsRoute + "/{session}/end": true, mySessionsRoute + "/:session/end": true}

// seesAnything refuses a scope that sees nothing, as its zero value does.
func seesAnything(scope layers.Scope) error {
	if scope.Detail(layers.KindPlace) == layers.DetailNone {
		return &layers.Error{Code: layers.CodeForbidden, Message: "this account may see nothing here"}
	}
	return nil
}

// raw is a route outside the document: tiles, streams, files.
func (s *Server) raw(fn func(*gin.Context, layers.Scope) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		scope := scopeOf(c.Request.Context())
		err := fn(c, scope)
		s.metered(c, scope, err)
		if err != nil {
			if errors.Is(c.Request.Context().Err(), context.Canceled) {
				c.Abort() // nobody is there to be told
				return
			}
			writeProblem(c, err)
		}
	}
}

func get(id, path, summary string) huma.Operation {
	return huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Summary: summary}
}

// snapshot is the present picture, or the error that it is still being loaded.
func (s *Server) snapshot() (*index.Snapshot, error) {
	if snap := s.Store.Index().Snapshot(); snap != nil && s.Store.World() != nil {
		return snap, nil
	}
	return nil, s.Store.Loading()
}

// Request ids are a random word of the process and a number: not to be confused with another server's, and cheap.
var (
	processID = rand.Text()[:10] + "-"
	requests  atomic.Uint64
)

func newRequestID() string {
	b := make([]byte, 0, len(processID)+13)
	return string(strconv.AppendUint(append(b, processID...), requests.Add(1), 36))
}
