package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/paulmach/orb"
	"golang.org/x/sync/errgroup"

	"onepicture/layers/intake/reader"
)

// Sizes of the stages. A chunk is one transaction: small enough to hold back followers well below a second, large
// enough that its commit costs nothing. Memory is bounded by them: some 100,000 rows are under way at a time.
const (
	batchRows  = 1000
	batchBytes = 4 << 20 // of a batch's shapes, at 16 B a vertex
	chunkRows  = 20_000
	chunkBytes = 16 << 20
	loaders    = 2 // chunks put at the same time
)

// stream takes one file through the stages: one goroutine reads, one a core maps, one puts the rows in order and
// finds equal ones, two put chunks.
func (r *run) stream(ctx context.Context, f *file, s *FileSummary) (err error) {
	rd, err := r.open(f.path)
	if err != nil {
		return err
	}
	defer rd.Close() //nolint:errcheck // it was only read
	plan, err := newPlan(r.mapping, r.world, rd.Header())
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	out, err := newRejects(reportPath(r.ReportDir, f.path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.close(s)) }()
	prep := &preparer{plan: plan, frame: r.frame, db: r.Pool, keys: r.Keys, now: time.Now()}
	g, ctx := errgroup.WithContext(ctx)
	work := make(chan *batch)
	order := make(chan *batch, 2*runtime.GOMAXPROCS(0))
	chunks := make(chan []prepared)
	g.Go(func() error {
		defer close(order)
		defer close(work)
		return read(ctx, rd, work, order)
	})
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			for b := range work {
				b.err = prep.prepare(ctx, b)
				close(b.done)
			}
			return nil
		})
	}
	g.Go(func() error {
		defer close(chunks)
		return r.assemble(ctx, order, chunks, out)
	})
	var mu sync.Mutex
	n := loaders
	if r.DryRun {
		n = 1 // each transaction creates the source anew
	}
	for range n {
		g.Go(func() error {
			for c := range chunks {
				done, err := r.put(ctx, c, s.RunID)
				if err != nil {
					return err
				}
				mu.Lock()
				s.add(done)
				bytes, size := rd.Progress()
				r.report(Progress{File: f.name, Rows: s.Read, Total: f.rows, Bytes: bytes, Size: size}, s.Read == f.rows)
				mu.Unlock()
			}
			return nil
		})
	}
	return g.Wait()
}

// read cuts the rows of a file into batches, which go to the workers and, in order, to the assembler.
func read(ctx context.Context, rd reader.Reader, work, order chan<- *batch) error {
	for {
		b := &batch{raw: make([]raw, 0, batchRows), done: make(chan struct{})}
		end := false
		values := make([]string, 0, batchRows*len(rd.Header()))
		for bytes := 0; len(b.raw) < batchRows && bytes < batchBytes; {
			row, err := rd.Next()
			if errors.Is(err, io.EOF) {
				end = true
				break
			}
			if err != nil {
				return err
			}
			from := len(values)
			values = append(values, row.Values...)
			w := raw{number: row.Number, values: values[from:len(values):len(values)], shape: row.Geometry}
			if row.Err != nil {
				w.fault = &fault{row.Err.Column, row.Err.Class, row.Err.Reason}
			}
			if len(row.Repairs) > 0 {
				w.repairs = slices.Clone(row.Repairs)
			}
			bytes += vertexBytes(row.Geometry)
			b.raw = append(b.raw, w)
		}
		if len(b.raw) > 0 {
			for _, to := range []chan<- *batch{order, work} {
				select {
				case to <- b:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		if end {
			return nil
		}
	}
}

// assemble takes the batches in the order of the file, sets rows with a known key aside and fills chunks.
func (r *run) assemble(ctx context.Context, order <-chan *batch, chunks chan<- []prepared, out *rejects) error {
	var chunk []prepared
	bytes := 0
	flush := func() error {
		select {
		case chunks <- chunk:
			chunk, bytes = make([]prepared, 0, r.chunk), 0
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for {
		var b *batch
		var more bool
		select {
		case b, more = <-order:
		case <-ctx.Done():
			return ctx.Err()
		}
		if !more {
			break
		}
		select {
		case <-b.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if b.err != nil {
			return b.err
		}
		for i := range b.rows {
			p := &b.rows[i]
			r.deduplicate(p)
			if p.fault != nil {
				if err := out.write(p); err != nil {
					return err
				}
			}
			chunk = append(chunk, *p)
			bytes += len(p.data)
			if len(chunk) >= r.chunk || bytes >= chunkBytes {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	if len(chunk) == 0 {
		return nil
	}
	return flush()
}

// deduplicate decides about rows whose key came before in this run: equal ones as the mapping says; different ones
// are set aside, since which of them holds cannot be known.
func (r *run) deduplicate(p *prepared) {
	if p.fault != nil {
		return
	}
	known, equal := r.seen.add(p.mark)
	switch {
	case !known:
	case !equal:
		p.fault = bad("", faultKey, "an earlier row has the same key and other content")
	case r.mapping.Duplicates == "unchanged":
		p.data = nil // counted as unchanged
	default:
		p.fault = bad("", faultDuplicate, "an earlier row is equal")
	}
}

// vertexBytes is the size of a shape's vertices.
func vertexBytes(g orb.Geometry) int {
	n := 0
	switch g := g.(type) {
	case nil, orb.Point:
		return 0
	case orb.MultiPoint:
		n = len(g)
	case orb.LineString:
		n = len(g)
	case orb.MultiLineString:
		for _, l := range g {
			n += len(l)
		}
	case orb.Polygon:
		for _, ring := range g {
			n += len(ring)
		}
	case orb.MultiPolygon:
		for _, p := range g {
			n += vertexBytes(p) / 16
		}
	case orb.Collection:
		for _, c := range g {
			n += vertexBytes(c) / 16
		}
	}
	return 16 * n
}
