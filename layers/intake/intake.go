// Package intake brings files of other systems in: it reads, maps, checks, converts the datum, finds the place, sets
// bad rows aside and puts good ones through the ledger, in chunks that each commit alone. What came before is left
// untouched, what changed is changed, so that the same file again changes nothing and a killed import is simply run
// again.
package intake

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/intake/reader"
	"onepicture/layers/ledger"
	"onepicture/layers/personal"
)

// Deps is what an import works with. It owns none of it. The pool needs at least six connections.
type Deps struct {
	Pool   *pgxpool.Pool
	Ledger *ledger.Ledger
	Keys   *personal.Keys // by which what is personal is sealed
}

// Options say what to import.
type Options struct {
	Kind    layers.Kind // must be the mapping's; empty: whatever the mapping says
	Files   []string
	Mapping *Mapping
	DryRun  bool   // everything but the commits
	Actor   string // an account or a program, never a personal name
	// Progress is called about ten times a second and at the end of each file, never concurrently. It may be nil.
	Progress func(Progress)
	// ReportDir is where FILE.rejected.csv goes; empty: beside each file.
	ReportDir string

	chunk int // rows of a chunk; 0: the default. Tests make it small
	// between is called after each committed chunk and within each transaction; tests cut there.
	between func(stage string) error
}

// Progress says how far a file is. Rows are those put, unchanged or set aside so far.
type Progress struct {
	File        string
	Rows        int64 // of Total; counted by the first reading of the file
	Total       int64
	Bytes, Size int64 // read of the file as stored
	Checking    bool  // the first reading: nothing is written yet
}

// ErrBusy says that another import holds the source, or the places.
var ErrBusy = errors.New("busy")

// Run imports the files, one after the other, all under one source and one mapping. Every file is read through once
// before anything is written: a file that cannot be read to its end is refused whole. Rows that cannot go in are set
// aside and told in the summary, in the table rejected_row and in FILE.rejected.csv; they are no error. When ctx ends,
// the chunks that have been committed stay and the summary tells them.
func Run(ctx context.Context, d Deps, o Options) (Summary, error) {
	m := o.Mapping
	s := Summary{Kind: m.kind, Source: m.Source.Code, DryRun: o.DryRun}
	switch {
	case len(o.Files) == 0:
		return s, errors.New("no file is given")
	case o.Kind != "" && o.Kind != m.kind:
		return s, fmt.Errorf("the mapping is for kind %q, not %q", m.kind, o.Kind)
	case d.Keys == nil:
		return s, errors.New("no keys are given to seal what is personal")
	case o.Actor == "":
		o.Actor = "import"
	}
	if o.chunk == 0 {
		o.chunk = chunkRows
	}
	r := &run{Deps: d, Options: o, mapping: m, summary: &s}
	began := time.Now()
	err := r.all(ctx)
	s.Elapsed = time.Since(began)
	return s, err
}

// run is one call of Run.
type run struct {
	Deps
	Options
	mapping     *Mapping
	summary     *Summary
	world       *world
	frame       *frame
	seen        seen
	source      int32
	match       bool // the source has rows already
	interrupted bool // an earlier run of this source was killed
	superuser   bool
	said        time.Time // when Progress was last called
}

func (r *run) all(ctx context.Context) error {
	var err error
	if r.frame, err = newFrame(ctx, r.Pool, r.mapping); err != nil {
		return err
	}
	if r.world, err = readWorld(ctx, r.Pool, r.mapping.kind); err != nil {
		return ledger.Problem("catalogue", err)
	}
	files := make([]*file, len(r.Files))
	for i, path := range r.Files {
		if files[i], err = r.inspect(ctx, path); err != nil {
			return err
		}
	}
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := r.prepareSource(ctx); err != nil {
		return err
	}
	for _, f := range files {
		if err := r.one(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// one imports one file and closes its run, however it ends.
func (r *run) one(ctx context.Context, f *file) error {
	r.summary.Files = append(r.summary.Files, newFileSummary(f))
	s := &r.summary.Files[len(r.summary.Files)-1]
	began := time.Now()
	if err := r.begin(ctx, f, s); err != nil {
		return err
	}
	var err error
	if r.mapping.kind == layers.KindPlace {
		err = r.places(ctx, f, s)
	} else {
		err = r.stream(ctx, f, s)
	}
	s.Elapsed = time.Since(began)
	return errors.Join(err, r.end(context.WithoutCancel(ctx), s, err))
}

// file is a file that has been read through once.
type file struct {
	path, name string
	sha        []byte
	header     []string
	rows       int64
	size       int64
}

func (r *run) open(path string) (reader.Reader, error) {
	f := r.mapping.File
	o := reader.Options{Format: f.Format, Encoding: f.Encoding, Object: f.Object, HeaderRow: f.HeaderRow}
	for i, c := range f.Delimiter {
		if i > 0 {
			return nil, errors.New("mapping: file.delimiter must be one character")
		}
		o.Delimiter = c
	}
	return reader.Open(path, o)
}

func (r *run) report(p Progress, always bool) {
	if r.Progress == nil || !always && time.Since(r.said) < 100*time.Millisecond {
		return
	}
	r.said = time.Now()
	r.Progress(p)
}

func reportPath(dir, path string) string {
	if dir == "" {
		dir = filepath.Dir(path)
	}
	return filepath.Join(dir, filepath.Base(path)+".rejected.csv")
}
