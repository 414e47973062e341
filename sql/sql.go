// Package sql opens and migrates the PostGIS database and holds the texts of all queries.
package sql

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed queries
var queries embed.FS

// Text is the query in queries/<name>. It is meant for package variables, so that a missing file ends the program at
// its start and never later.
func Text(name string) string {
	b, err := queries.ReadFile("queries/" + name)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// PoolOptions bounds a pool of connections. Zero is unbounded, for imports, migrations and the load of the index.
type PoolOptions struct {
	Name             string        // application_name, as pg_stat_activity shows it
	MaxConns         int32         // 0: 20
	StatementTimeout time.Duration // PostgreSQL ends a statement that runs longer
	IdleTimeout      time.Duration // PostgreSQL ends a transaction in which nothing happens for so long
	AcquireTimeout   time.Duration // how long a caller waits for a connection; then context.DeadlineExceeded
	Role             string        // whose rights the connections have; "": those of the URL's user
}

// RequestRole is the role of requests: it owns nothing, and sees the rows of people, sites and events only under a scope
// (layers/scoped, migration 00007).
const RequestRole = "onepicture_request"

// Serving are the bounds of connections that answer requests. A request has 10 s; PostgreSQL ends the statement a little
// later by itself, should the word that the request is over never reach it. Who finds no free connection within a second
// is told to come again, while there is still time to do so.
func Serving(name string) PoolOptions {
	return PoolOptions{
		Name: name, StatementTimeout: 12 * time.Second, IdleTimeout: 15 * time.Second, AcquireTimeout: time.Second,
		Role: RequestRole,
	}
}

// cancelTime is how long a connection waits for PostgreSQL to end a statement whose caller is gone. Then the connection
// is closed.
const cancelTime = 3 * time.Second

// Open connects to the database of the URL. Geometry columns travel as orb.Geometry (geometry.go). Times are UTC. When
// a context ends, the statement under way is cancelled in PostgreSQL too.
func Open(ctx context.Context, url string, o PoolOptions) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database URL: it cannot be read (its text is not shown: it may hold a password)")
	}
	c.MaxConns = 20
	if o.MaxConns > 0 {
		c.MaxConns = o.MaxConns
	}
	c.HealthCheckPeriod = 5 * time.Second
	c.ConnConfig.ConnectTimeout = 5 * time.Second
	o.bound(c.ConnConfig)
	c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error { return registerGeometry(ctx, conn) }
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := reached(ctx, pool); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	return pool, nil
}

// reached asks whether the database answers, for as long as one connection may take to be made: the bound on waiting for a
// free one is of requests.
func reached(ctx context.Context, pool *pgxpool.Pool) error {
	ctx, cancel := context.WithTimeout(ctx, pool.Config().ConnConfig.ConnectTimeout)
	defer cancel()
	err := pool.Ping(ctx)
	for errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = pool.Ping(ctx)
	}
	return err
}

// bound writes the options into the settings of each connection.
func (o PoolOptions) bound(c *pgx.ConnConfig) {
	p := c.RuntimeParams
	p["timezone"] = "UTC"
	// A server that was killed tells PostgreSQL nothing: it looks by itself whether somebody still waits.
	p["client_connection_check_interval"] = "2s"
	if o.Name != "" {
		p["application_name"] = o.Name
	}
	if o.Role != "" {
		p["role"] = o.Role // also after a reset
	}
	if o.StatementTimeout > 0 {
		p["statement_timeout"] = fmt.Sprint(o.StatementTimeout.Milliseconds())
	}
	if o.IdleTimeout > 0 {
		p["idle_in_transaction_session_timeout"] = fmt.Sprint(o.IdleTimeout.Milliseconds())
	}
	if o.AcquireTimeout > 0 {
		c.Tracer = patience{o.AcquireTimeout}
	}
	c.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelTime}
	}
}

// patience bounds the wait for a connection, and nothing else of a query: pgxpool asks its tracer which context to wait
// with.
type patience struct{ wait time.Duration }

type patienceKey struct{}

// TraceAcquireStart begins the wait.
func (p patience) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	waiting, cancel := context.WithTimeout(ctx, p.wait)
	return context.WithValue(waiting, patienceKey{}, cancel)
}

// TraceAcquireEnd ends it.
func (patience) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireEndData) {
	if cancel, ok := ctx.Value(patienceKey{}).(context.CancelFunc); ok {
		cancel()
	}
}

// TraceQueryStart leaves a query as it is; pgx takes only tracers of queries.
func (patience) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd has nothing to end.
func (patience) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
