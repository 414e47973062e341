package photo

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"

	"onepicture/sql"
)

var (
	expireSQL    = sql.Text("photo/expire.sql")
	exclusiveSQL = sql.Text("photo/lock.sql")
	wantedSQL    = sql.Text("photo/wanted.sql")
)

// How long what nobody needs is kept.
const (
	abandoned = 7 * 24 * time.Hour  // an upload that did not go on: a phone may be away for days
	forgotten = 90 * 24 * time.Hour // the memory that an upload has ended
	grace     = time.Hour           // a file without a row
)

// KeepSwept sweeps now and after every pause until ctx ends, and tells what failed.
func (a *Album) KeepSwept(ctx context.Context, every time.Duration, complain func(error)) {
	for {
		if _, err := a.Sweep(ctx); err != nil && ctx.Err() == nil {
			complain(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
	}
}

// Sweep removes uploads that were abandoned and files that no row names, and tells how many files went. Several
// servers may do it at once.
func (a *Album) Sweep(ctx context.Context) (files int, err error) {
	now := a.Now()
	rows, err := a.Owner.Query(ctx, expireSQL, now.Add(-abandoned), now.Add(-forgotten))
	if err != nil {
		return 0, fmt.Errorf("sweep uploads: %w", err)
	}
	expired, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return 0, fmt.Errorf("sweep uploads: %w", err)
	}
	for _, id := range expired {
		if err := a.folder.removePart(id); err != nil {
			return files, err
		}
	}
	n, err := a.sweepParts(now.Add(-abandoned))
	if files += n; err != nil {
		return files, err
	}
	shelves, err := fs.Glob(a.folder.root.FS(), "[0-9a-f][0-9a-f]")
	if err != nil {
		return files, fmt.Errorf("sweep photos: %w", err)
	}
	for _, shelf := range shelves {
		n, err := a.sweepShelf(ctx, shelf, now.Add(-grace))
		if files += n; err != nil {
			return files, fmt.Errorf("sweep photos: %w", err)
		}
	}
	return files, nil
}

// sweepParts removes files of uploads that were cut off so long ago that nobody holds them.
func (a *Album) sweepParts(before time.Time) (int, error) {
	old, err := a.olderThan(partsDir, before)
	if err != nil {
		return 0, fmt.Errorf("sweep parts: %w", err)
	}
	for i, name := range old {
		if err := a.folder.root.Remove(path.Join(partsDir, name)); err != nil {
			return i, fmt.Errorf("sweep parts: %w", err)
		}
	}
	return len(old), nil
}

var stored = regexp.MustCompile(`^([0-9a-f]{64})(-s)?\.jpg$`)

// sweepShelf removes the files of one of the 256 folders that no row names, while no photo is being stored.
func (a *Album) sweepShelf(ctx context.Context, shelf string, before time.Time) (n int, err error) {
	old, err := a.olderThan(shelf, before)
	if err != nil || len(old) == 0 {
		return 0, err
	}
	tx, err := a.Owner.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // nothing was written: only the lock ends
	if _, err := tx.Exec(ctx, exclusiveSQL); err != nil {
		return 0, err
	}
	if old, err = a.olderThan(shelf, before); err != nil { // somebody may have touched one meanwhile
		return 0, err
	}
	hashes := [][]byte{}
	for _, name := range old {
		if m := stored.FindStringSubmatch(name); m != nil {
			if h, err := hex.DecodeString(m[1]); err == nil {
				hashes = append(hashes, h)
			}
		}
	}
	rows, err := tx.Query(ctx, wantedSQL, hashes)
	if err != nil {
		return 0, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return 0, err
	}
	wanted := map[string]bool{}
	for _, h := range list {
		wanted[hex.EncodeToString(h)] = true
	}
	for _, name := range old {
		if m := stored.FindStringSubmatch(name); m == nil || wanted[m[1]] {
			continue
		}
		if err := a.folder.root.Remove(path.Join(shelf, name)); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (a *Album) olderThan(dir string, before time.Time) ([]string, error) {
	entries, err := fs.ReadDir(a.folder.root.FS(), dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() && info.ModTime().Before(before) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
