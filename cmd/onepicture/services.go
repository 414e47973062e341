package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"onepicture/private"
	"onepicture/sql"
)

// services are the database and the cache that a command works with, and how to end what it has started.
type services struct {
	databaseURL, redisURL string
	closers               []func(context.Context) error
}

// stopTime is how long the private services may take to stop.
const stopTime = 60 * time.Second

// openServices uses the servers that are named, and starts private ones for the others. With join, a database that
// another onepicture runs on the same folder is used as it is.
func openServices(ctx context.Context, f dataFlags, cache, join bool) (_ *services, err error) {
	s := &services{databaseURL: f.DatabaseURL, redisURL: f.RedisURL}
	if s.databaseURL != "" && (s.redisURL != "" || !cache) {
		return s, nil
	}
	unlock, err := private.Lock(f.Data)
	if err != nil {
		if join && s.databaseURL == "" {
			if s.databaseURL, err = private.Running(filepath.Join(f.Data, "postgres")); err == nil {
				return s, nil
			}
		}
		return nil, err
	}
	s.closers = append(s.closers, func(context.Context) error { unlock(); return nil })
	g, gctx := errgroup.WithContext(ctx)
	var pg *private.Postgres
	var redis *private.Redis
	if s.databaseURL == "" {
		g.Go(func() (err error) {
			pg, err = private.StartPostgres(gctx, private.PostgresOptions{Dir: filepath.Join(f.Data, "postgres")})
			return err
		})
	}
	if s.redisURL == "" && cache {
		g.Go(func() (err error) {
			redis, err = private.StartRedis(gctx, filepath.Join(f.Data, "redis"), 0)
			return err
		})
	}
	err = g.Wait()
	if pg != nil {
		s.databaseURL = pg.URL()
		s.closers = append(s.closers, pg.Stop)
	}
	if redis != nil {
		s.redisURL = redis.URL()
		s.closers = append(s.closers, redis.Stop)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// close ends what was started, the last first, also when the command's context has ended.
func (s *services) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	var err error
	for i := len(s.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, s.closers[i](ctx))
	}
	s.closers = nil
	return err
}

// openDatabase migrates and opens the database.
func (s *services) openDatabase(ctx context.Context, name string) (*pgxpool.Pool, error) {
	if _, _, err := sql.Migrate(ctx, s.databaseURL); err != nil {
		return nil, err
	}
	return sql.Open(ctx, s.databaseURL, sql.PoolOptions{Name: name})
}

// withDatabase runs a command on the database, starting it when no server is running on the folder.
func withDatabase(ctx context.Context, f dataFlags, name string, run func(context.Context, *pgxpool.Pool) error) (err error) {
	s, err := openServices(ctx, f, false, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	pool, err := s.openDatabase(ctx, name)
	if err != nil {
		return err
	}
	defer pool.Close()
	return run(ctx, pool)
}

type migrateCmd struct {
	dataFlags
}

// Run migrates and says from where to where.
func (c *migrateCmd) Run(ctx context.Context) (err error) {
	s, err := openServices(ctx, c.dataFlags, false, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	from, to, err := sql.Migrate(ctx, s.databaseURL)
	if err != nil {
		return err
	}
	fmt.Printf("schema: version %d, was %d\n", to, from)
	return nil
}
