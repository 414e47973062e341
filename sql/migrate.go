package sql

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNewerSchema says that a newer program has migrated this database; an older one must not touch it.
var ErrNewerSchema = errors.New("the database's schema is newer than this program: install the newer onepicture")

// Migrate brings the schema to this program's version, forward only, one program at a time (a session lock). It gives
// the version before and after.
func Migrate(ctx context.Context, url string) (from, to int64, err error) {
	c, err := pgx.ParseConfig(url)
	if err != nil {
		return 0, 0, fmt.Errorf("database URL: it cannot be read (its text is not shown: it may hold a password)")
	}
	db := stdlib.OpenDB(*c)
	defer func() { err = errors.Join(err, db.Close()) }()
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600)) // tries each second, for ten minutes
	if err != nil {
		return 0, 0, fmt.Errorf("migrate: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return 0, 0, fmt.Errorf("migrate: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return 0, 0, fmt.Errorf("migrate: %w", err)
	}
	if from, err = p.GetDBVersion(ctx); err != nil {
		return 0, 0, fmt.Errorf("read the schema's version: %w", err)
	}
	sources := p.ListSources()
	newest := sources[len(sources)-1].Version
	if from > newest {
		return from, from, fmt.Errorf("%w (schema %d, program %d)", ErrNewerSchema, from, newest)
	}
	if _, err := p.Up(ctx); err != nil {
		return from, from, fmt.Errorf("migrate from version %d: %w", from, err)
	}
	return from, newest, nil
}
