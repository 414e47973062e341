package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"onepicture/layers"
	"onepicture/layers/audit"
)

// Audit records who saw and did what (layers/audit.Log).
type Audit interface {
	// Record gives nil when the deeds are durable. What is personal is shown only then.
	Record(ctx context.Context, deeds ...audit.Entry) error
	// Note records without waiting what another record holds too.
	Note(deeds ...audit.Entry)
	// Meter counts what shows nothing personal.
	Meter(what audit.What, actor, route string, rows int)

	Find(ctx context.Context, q audit.Query) ([]audit.Row, error)
	WriteCSV(ctx context.Context, s audit.Span, to io.Writer) (int64, error)
	Verify(ctx context.Context) (*audit.Report, error)
	LastRuns(ctx context.Context) ([]audit.LastRun, error)
}

// told is an answer that says what of it is to be recorded. An entry that says What is recorded as it is, before the
// answer is shown; of another only the rows are counted.
type told interface{ deed() audit.Entry }

// as marks an operation as a deed of another kind than its method says.
func as(op huma.Operation, what audit.What) huma.Operation {
	op.Metadata = map[string]any{"audit": what}
	return op
}

// deedOf is what an operation does: who asks reads, who sends changes, unless it says otherwise.
func deedOf(op *huma.Operation) audit.What {
	if what, ok := op.Metadata["audit"].(audit.What); ok {
		return what
	}
	if op.Method == http.MethodGet || op.Method == http.MethodHead {
		return audit.Read
	}
	return audit.Change
}

// audited records an operation that has ended, and gives an error when its answer must not be shown. Who was refused is
// counted by route: many are a sign of somebody who tries addresses.
func (s *Server) audited(ctx context.Context, op *huma.Operation, scope layers.Scope, out any, failed error, began time.Time) error {
	if public[op.Path] {
		return nil
	}
	what := deedOf(op)
	if failed != nil {
		s.refused(scope, op.Path, failed)
		return nil
	}
	var e audit.Entry
	if t, ok := out.(told); ok {
		e = t.deed()
	}
	switch {
	case e.What == "" && what == audit.Change: // the ledger holds it; here is who came by which door
		e.What, e.Subject = what, op.Path
		s.Audit.Note(s.complete(ctx, scope, e, began))
		return nil
	case e.What == "":
		s.Audit.Meter(what, scope.Actor, op.Path, int(e.Rows))
		return nil
	}
	return s.Audit.Record(ctx, s.complete(ctx, scope, e, began))
}

// complete adds what every request has.
func (s *Server) complete(ctx context.Context, scope layers.Scope, e audit.Entry, began time.Time) audit.Entry {
	e.Actor, e.Request, e.Took = scope.Actor, requestID(ctx), time.Since(began)
	if snap := s.Store.Index().Snapshot(); snap != nil && e.Position == 0 {
		e.Position = snap.Position()
	}
	return e
}

func (s *Server) refused(scope layers.Scope, route string, err error) {
	switch layers.CodeOf(err) {
	case layers.CodeForbidden, layers.CodeNotFound, layers.CodeUnauthenticated:
		s.Audit.Meter(audit.Refused, scope.Actor, route, 0)
	}
}

// metered counts a request of a plain route: a tile, a stream that begins, not the page's own files.
func (s *Server) metered(c *gin.Context, scope layers.Scope, err error) {
	switch route := c.FullPath(); {
	case route == "":
	case err != nil:
		s.refused(scope, route, err)
	case route != streamRoute:
		s.Audit.Meter(audit.Read, scope.Actor, route, 0)
	}
}
