package intake

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"onepicture/layers/intake/reader"
)

// inspect reads a file through once and writes nothing: its digest, its header against the mapping, what it says of
// its reference system, and that it can be read to its end.
func (r *run) inspect(ctx context.Context, path string) (*file, error) {
	f := &file{path: path, name: filepath.Base(path)}
	rd, err := r.open(path)
	if err != nil {
		return nil, err
	}
	defer rd.Close() //nolint:errcheck // it was only read
	if r.mapping.Datum == "" && !r.mapping.Location.None {
		return nil, fmt.Errorf("%s: %w", f.name, errNoDatum(rd.CRS()))
	}
	if r.mapping.Location.Geometry {
		if err := r.frame.agree(rd.CRS()); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	f.header = append([]string(nil), rd.Header()...)
	if _, err := newPlan(r.mapping, r.world, f.header); err != nil {
		// A column may be missing because the file is broken, which is then the better thing to say.
		var broken *reader.FileError
		if through := r.readThrough(ctx, rd, f); errors.As(through, &broken) {
			return nil, through
		}
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	if f.sha, f.size, err = digest(path); err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	return f, r.readThrough(ctx, rd, f)
}

func (r *run) readThrough(ctx context.Context, rd reader.Reader, f *file) error {
	for {
		_, err := rd.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		f.rows++
		if f.rows%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("%s: cancelled before anything was written: %w", f.name, err)
			}
			read, size := rd.Progress()
			r.report(Progress{File: f.name, Rows: f.rows, Bytes: read, Size: size, Checking: true}, false)
		}
	}
	if f.rows == 0 {
		return fmt.Errorf("%s: the file has a header but no rows", f.name)
	}
	return nil
}

func digest(path string) (sum []byte, size int64, err error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, 0, errors.New("the file cannot be opened again")
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	h := sha256.New()
	if size, err = io.Copy(h, in); err != nil {
		return nil, 0, errors.New("the file cannot be read again")
	}
	return h.Sum(nil), size, nil
}
