// Package sql opens and migrates the PostGIS database and holds the texts of all queries.
package sql

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
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

// PoolOptions bounds a pool of connections.
type PoolOptions struct {
	Name             string        // application_name, as pg_stat_activity shows it
	MaxConns         int32         // 0: 20
	StatementTimeout time.Duration // 0: none
}

// Open connects to the database of the URL. Geometry columns travel as orb.Geometry (geometry.go). Times are UTC.
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
	p := c.ConnConfig.RuntimeParams
	p["timezone"] = "UTC"
	if o.Name != "" {
		p["application_name"] = o.Name
	}
	if o.StatementTimeout > 0 {
		p["statement_timeout"] = fmt.Sprint(o.StatementTimeout.Milliseconds())
	}
	c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error { return registerGeometry(ctx, conn) }
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	return pool, nil
}
