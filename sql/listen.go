package sql

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Listen is a connection of the caller's own, with the pool's settings, that hears a channel until it is closed.
//
// Its waits end by a deadline of the socket. Those of the pool ask PostgreSQL to cancel the statement first: where there
// is none the wait goes on for cancelTime, and the cancellation meets whatever is asked next.
func Listen(ctx context.Context, pool *pgxpool.Pool, channel string) (*pgx.Conn, error) {
	c := pool.Config()
	c.ConnConfig.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: conn.Conn()}
	}
	conn, err := pgx.ConnectConfig(ctx, c.ConnConfig)
	if err != nil {
		return nil, err
	}
	if err = c.AfterConnect(ctx, conn); err == nil {
		_, err = conn.Exec(ctx, "listen "+pgx.Identifier{channel}.Sanitize())
	}
	if err != nil {
		Hangup(ctx, conn)
		return nil, err
	}
	return conn, nil
}

// Hangup closes such a connection, also when ctx is over.
func Hangup(ctx context.Context, conn *pgx.Conn) {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = conn.Close(closing)
}
