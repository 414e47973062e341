// Package api is the HTTP face of the server: one file a subject, one adapter for scope, errors, request ids and
// deadlines. It decides nothing about the city; the floors below do.
package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/maypok86/otter/v2"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/account"
	"onepicture/layers/cache"
	"onepicture/layers/dispatch"
	"onepicture/layers/ledger"
	"onepicture/layers/photo"
	"onepicture/layers/risk"
	"onepicture/layers/store"
	"onepicture/layers/tile"
)

const (
	tileRoutes   = "/tiles/"
	metricsRoute = "/metrics"
)

// Limits of a request.
const (
	maxBody       = 64 << 10
	deadline      = 10 * time.Second // of everything but the stream
	positionWait  = 2 * time.Second  // for X-Min-Position
	shutdownGrace = 10 * time.Second
)

// Desk files reports and drives events through their life.
type Desk interface {
	Report(ctx context.Context, scope layers.Scope, r dispatch.Report) (dispatch.Filed, error)
	Take(ctx context.Context, scope layers.Scope, id int64, in dispatch.Step) (ledger.Receipt, error)
	Assign(ctx context.Context, scope layers.Scope, id int64, in dispatch.Step) (ledger.Receipt, error)
	Case(ctx context.Context, scope layers.Scope, id int64) (dispatch.Case, error)
	Similar(ctx context.Context, scope layers.Scope, s dispatch.Sample) ([]dispatch.Similar, error)
	SimilarTo(ctx context.Context, scope layers.Scope, id int64, words string) ([]dispatch.Similar, error)
	Tasks(ctx context.Context, scope layers.Scope, limit int) (*dispatch.Me, []dispatch.Task, error)
	Nearest(ctx context.Context, scope layers.Scope, id int64, limit int) ([]dispatch.Candidate, error)
	Units(ctx context.Context, scope layers.Scope, place layers.PlaceID) ([]dispatch.UnitLoad, error)
	Rules(ctx context.Context, scope layers.Scope, all bool) ([]dispatch.Rule, error)
	AddRule(ctx context.Context, scope layers.Scope, n dispatch.NewRule) (int32, error)
	EndRule(ctx context.Context, scope layers.Scope, id int32) error
	Which(ctx context.Context, scope layers.Scope, item, category string, place layers.PlaceID, at time.Time) (dispatch.Ruling, error)
	RuleFor(ctx context.Context, scope layers.Scope, id int64) (dispatch.Ruling, error)
	ExportRules(ctx context.Context, scope layers.Scope, to io.Writer) error
	ImportRules(ctx context.Context, scope layers.Scope, text string, trial bool) (dispatch.RuleImport, error)
	Duty(ctx context.Context, scope layers.Scope, on, share bool, at *geo.WGS84) error
	Presence(ctx context.Context, scope layers.Scope, place layers.PlaceID) ([]dispatch.Present, error)
	Instruct(ctx context.Context, scope layers.Scope, o dispatch.Order) (ledger.Receipt, error)
	Acknowledge(ctx context.Context, scope layers.Scope, id int64, at time.Time, clientKey string) (ledger.Receipt, error)
	Instructions(ctx context.Context, scope layers.Scope, event int64, limit int) ([]dispatch.Instruction, error)
	Instruction(ctx context.Context, scope layers.Scope, id int64) (dispatch.Instruction, error)
	Received(ctx context.Context, scope layers.Scope) ([]dispatch.Received, error)
}

// Changes reads the ledger for streams that resume.
type Changes interface {
	Since(ctx context.Context, after layers.Position, limit int) (b layers.Batch, more bool, err error)
	Horizon(ctx context.Context) (layers.Position, time.Time, error)
}

// Pinger is asked whether PostgreSQL answers.
type Pinger interface {
	Ping(ctx context.Context) error
}

// Options are what the server is made of.
type Options struct {
	Store    *store.Store
	Desk     Desk
	Changes  Changes
	Tiles    *tile.Builder
	Cache    *cache.Cache
	Imports  Imports
	Items    Items
	Audit    Audit
	Alerts   Alerts
	Photos   *photo.Album // nil: none are kept
	Citizens Citizens
	Webhooks Webhooks
	People   People
	Postgres Pinger
	Files    fs.FS  // the built page; nil or without index.html: none
	Version  string // of the program
	Accounts *account.Accounts
	Provider *account.Provider // at which people may prove who they are; nil: none
	// Risk estimates the risk of places and Backtests prove it; nil: this server does not.
	Risk      *risk.Live
	Backtests *risk.Backtests
	// Scope, when it is given, takes the place of accounts: it is what each request may see. For tests and measurements.
	Scope func(*http.Request) layers.Scope
	Door  Door
	Now   func() time.Time // nil: time.Now
	// Key is what the bearer of another system's key may do; nil: such a request may what others may.
	Key func(ctx context.Context, key string) (layers.Scope, error)
}

// Server answers requests. Publish feeds its streams.
type Server struct {
	Options
	engine  *gin.Engine
	hub     *hub
	web     *web
	metrics *metrics
	wanted  *otter.Cache[address, *wanted]
	stated  atomic.Pointer[stated]

	replaying chan struct{} // one past picture of risk at a time
}

// New makes the server; Handler or Serve use it.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Accounts == nil && o.Scope == nil {
		return nil, errors.New("a server needs accounts")
	}
	if o.Audit == nil {
		return nil, errors.New("a server needs an audit: what is personal is recorded before it is shown")
	}
	s := &Server{Options: o, hub: newHub(), replaying: make(chan struct{}, 1)}
	var err error
	if s.web, err = newWeb(o.Files); err != nil {
		return nil, err
	}
	if s.wanted, err = newWanted(); err != nil {
		return nil, fmt.Errorf("make memory of addresses: %w", err)
	}
	s.metrics = newMetrics(s)
	gin.SetMode(gin.ReleaseMode)
	s.engine = gin.New()
	s.engine.RedirectTrailingSlash, s.engine.RedirectFixedPath = false, false
	s.engine.HandleMethodNotAllowed = true
	if err := s.engine.SetTrustedProxies(nil); err != nil {
		return nil, fmt.Errorf("make router: %w", err)
	}
	s.engine.Use(s.observe, s.guard)
	secure := s.Door.secure
	tiles := s.engine.Group(tileRoutes, s.scoped)
	tiles.GET(":layers", s.raw(s.tileJSON))
	tiles.GET(":layers/:z/:x/:y", s.raw(s.tile))
	rest := []gin.HandlerFunc{secure, compressed, s.scoped, s.bounded}
	group := s.engine.Group("", rest...)
	s.register(humagin.NewWithGroup(s.engine, group, humaConfig(o.Version)))
	group.GET(streamRoute, s.raw(s.stream))
	group.GET(open311Route, s.open311)
	group.POST(open311Route, s.open311)
	group.GET(auditFile, s.raw(s.auditCSV))
	group.GET(itemsFile+"xlsx", s.raw(s.itemsFile))
	group.GET(itemsFile+"csv", s.raw(s.itemsFile))
	group.PATCH(partRoute, s.raw(s.photoPart))
	group.GET(photoRoute, s.raw(s.photoFile))
	group.GET(metricsRoute, s.raw(s.measures))
	s.engine.NoRoute(secure, compressed, s.bounded, s.raw(s.page))
	s.engine.NoMethod(secure, s.raw(func(c *gin.Context, _ layers.Scope) error {
		return &statusError{status: http.StatusMethodNotAllowed, code: layers.CodeInvalid, detail: "this address does not take that method"}
	}))
	return s, nil
}

func humaConfig(version string) huma.Config {
	huma.DefaultArrayNullable = false // an empty list is [], never null
	huma.NewError = newError
	c := huma.DefaultConfig("onepicture", version)
	c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", nil
	c.OpenAPIPath = "/openapi"
	c.Info.Description = "The situation of a city on one map. Positions are decimal strings, times RFC 3339 in UTC; " +
		"a count is null when it may not be told."
	return c
}

// register adds every described operation; it needs nothing of the server but its type.
func (s *Server) register(a huma.API) {
	s.deploymentRoutes(a)
	s.placeRoutes(a)
	s.figureRoutes(a)
	s.countRoutes(a)
	s.layerRoutes(a)
	s.eventRoutes(a)
	s.lifeRoutes(a)
	s.photoRoutes(a)
	s.siteRoutes(a)
	s.alertRoutes(a)
	s.citizenRoutes(a)
	s.webhookRoutes(a)
	s.sourceRoutes(a)
	s.importRoutes(a)
	s.itemRoutes(a)
	s.instructionRoutes(a)
	s.personRoutes(a)
	s.auditRoutes(a)
	s.signInRoutes(a)
	s.meRoutes(a)
	s.accountRoutes(a)
	s.riskRoutes(a)
	s.healthRoutes(a)
	describe(a)
}

// Publish tells the streams of a batch that the index has applied. It does not block.
func (s *Server) Publish(a store.Applied) {
	if w := s.Store.World(); w != nil {
		s.hub.publish(a.Batch, render(a.Batch, w.Catalogue, w.Tree))
	}
}

// Handler is the whole server, for tests and for Serve.
func (s *Server) Handler() http.Handler { return s.engine.Handler() }

// Close ends all streams; new ones are refused.
func (s *Server) Close() { s.hub.close() }

// Serve answers on the listener until ctx ends; then it lets running requests finish, ends streams at once and returns
// nil. It closes the listener.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second, // a stream moves its own
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		TLSConfig:         s.Door.TLS,
	}
	failed := make(chan error, 1)
	go func() {
		if s.Door.TLS != nil {
			failed <- server.ServeTLS(l, "", "")
			return
		}
		failed <- server.Serve(l)
	}()
	select {
	case err := <-failed:
		s.Close()
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.Close()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	err := server.Shutdown(stopping)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	<-failed
	if err != nil {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}
