package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers/personal"
)

// keyPath is where the keys are: named, or beside a private database.
func (f dataFlags) keyPath() string {
	if f.Keys != "" {
		return f.Keys
	}
	return filepath.Join(f.Data, "keys.json")
}

// openKeys opens the keys of the database, and makes them for one that has none yet, when it is private or a demo. Wrong
// or missing keys are one clear line.
func (f dataFlags) openKeys(ctx context.Context, pool *pgxpool.Pool, demo bool) (*personal.Keys, error) {
	path := f.keyPath()
	if f.Keys == "" && f.DatabaseURL != "" && !demo && !personal.Exists(path) {
		return nil, errors.New("what is personal is sealed by keys: name their file by --keys or ONEPICTURE_KEYS (onepicture key new FILE makes one)")
	}
	if !personal.Exists(path) {
		marked, err := personal.Marked(ctx, pool)
		switch {
		case err != nil:
			return nil, err
		case marked:
			return nil, fmt.Errorf("%s is not there, but this database is sealed by keys: put the file back, or name it by --keys or ONEPICTURE_KEYS", path)
		case f.Keys != "":
			return nil, fmt.Errorf("%s is not there (onepicture key new %s makes it)", path, path)
		}
		if err := personal.Create(path); err != nil {
			return nil, err
		}
	}
	keys, err := personal.Open(path)
	if err != nil {
		return nil, err
	}
	if err := keys.Fit(ctx, pool); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

type keyCmd struct {
	New    keyNewCmd    `cmd:"" help:"Make a key file. Keep a copy of it elsewhere: without it nobody can read what is sealed."`
	Rotate keyRotateCmd `cmd:"" help:"Add a key to the file and seal everything anew by it, or go on with that."`
}

type keyNewCmd struct {
	File string `arg:"" help:"The file to make." type:"path"`
}

// Run makes it; it never overwrites one.
func (c *keyNewCmd) Run() error {
	if err := personal.Create(c.File); err != nil {
		return err
	}
	fmt.Println(c.File)
	return nil
}

type keyRotateCmd struct {
	dataFlags
	Resume bool `help:"Add no key; only go on sealing by the newest one."`
}

// Run rotates. When it is interrupted, --resume or a running server goes on.
func (c *keyRotateCmd) Run(ctx context.Context) error {
	return withDatabase(ctx, c.dataFlags, "onepicture key", func(ctx context.Context, pool *pgxpool.Pool) error {
		keys, err := c.openKeys(ctx, pool, false)
		if err != nil {
			return err
		}
		if !c.Resume {
			if err := keys.Rotate(); err != nil {
				return err
			}
			fmt.Printf("%s has a new key; copy the file to all servers that do not share it\n", c.keyPath())
		}
		said := time.Now()
		err = keys.Reseal(ctx, pool, func(table string, rows int64) {
			if time.Since(said) > 2*time.Second {
				said = time.Now()
				fmt.Fprintf(os.Stderr, "sealing: %s rows of table %s\n", grouped(rows), table)
			}
		})
		if err != nil {
			return fmt.Errorf("%w (onepicture key rotate --resume goes on)", err)
		}
		fmt.Println("everything is sealed by the newest key; older keys stay in the file for backups")
		return nil
	})
}
