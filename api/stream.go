package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"onepicture/layers"
	"onepicture/layers/account"
	"onepicture/layers/audit"
)

const streamRoute = "/api/stream"

// The stream's rhythm and limits.
const (
	heartbeat   = 2 * time.Second  // at least so often a position
	writeWithin = 10 * time.Second // a client that takes nothing for so long is gone, at the earliest after half of it
	backlogPage = 500              // changes in one read of the ledger
	backlogMost = 2000             // a stream that is further behind is told to load everything again
)

// stream tells every change from a position on, each once, in the order of the ledger (server-sent events, WHATWG
// HTML 9.2). It first listens, then reads from the ledger what lies before the first live batch, so that there is no
// gap; live batches begin after the position up to which it has read, so that there is no double. An id is sent with
// the last change of a position only: who resumes after it has seen all of that position.
func (s *Server) stream(c *gin.Context, scope layers.Scope) error {
	if err := seesAnything(scope); err != nil {
		return err
	}
	after, fresh, err := resumeFrom(c.Request)
	if err != nil {
		return err
	}
	if _, err := s.snapshot(); err != nil {
		return err
	}
	if s.hub.told() == 0 {
		return s.Store.Loading()
	}
	if !s.hub.enter() {
		return layers.Unavailable(5*time.Second, "there are too many streams, or the server is stopping", nil)
	}
	defer s.hub.exit()
	s.Audit.Meter(audit.Read, scope.Actor, streamRoute, 0)
	h := c.Writer.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	h.Set("Transfer-Encoding", "identity") // ends with the connection: chunks would take three writes for one
	h.Add("Vary", "Accept-Encoding")
	w := &eventWriter{
		out: c.Writer, control: http.NewResponseController(c.Writer), scope: scope, after: after, packed: acceptsGzip(c.Request),
	}
	if r := requestOf(c.Request.Context()); r != nil && s.Scope == nil {
		w.pass = &r.pass
	}
	// The server's limits are for short requests; each write below brings its own.
	_ = w.control.SetReadDeadline(time.Time{}) // a recorder in a test has none
	if w.packed {
		h.Set("Content-Encoding", "gzip")
		w.write(packHead)
	}
	w.raw("retry: 1000\n\n")
	for {
		again, err := s.follow(c.Request.Context(), w, fresh)
		if !again || err != nil {
			return nil // the answer has begun: the client comes back by itself
		}
		fresh = false
	}
}

// resumeFrom is the later of Last-Event-ID, which a browser sends when it reconnects, and after.
func resumeFrom(r *http.Request) (after layers.Position, fresh bool, err error) {
	fresh = true
	for name, text := range map[string]string{"Last-Event-ID": r.Header.Get("Last-Event-ID"), "after": r.URL.Query().Get("after")} {
		if text == "" {
			continue
		}
		p, err := layers.ParsePosition(text)
		if err != nil {
			return 0, false, layers.Invalid(name, "is not a position: a whole number in decimal")
		}
		after, fresh = max(after, p), false
	}
	return after, fresh, nil
}

// follow writes until the client leaves or the server stops; again tells that the queue overflowed.
func (s *Server) follow(ctx context.Context, w *eventWriter, fresh bool) (again bool, err error) {
	l, m := s.hub.listen(w.after)
	defer s.hub.leave(l)
	switch {
	case fresh:
		w.after = m.last.through
	case m.known: // a whole town's phones that come back at once do not ask PostgreSQL
		w.changes(m.rest)
		for _, d := range m.whole {
			w.deliver(d)
		}
	default:
		if err := s.catchUp(ctx, w, m.last.through); err != nil {
			return false, err
		}
	}
	w.position(max(m.last.through, w.after), m.last.at)
	revised := w.revised() // listen first, then look: a word that comes in between is not missed
	if err := w.recheck(ctx); err != nil {
		return false, err
	}
	for {
		if err := w.flush(); err != nil {
			return false, err
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-revised:
			revised = w.revised()
			if err := w.recheck(ctx); err != nil {
				return false, err
			}
		case d, ok := <-l.queue:
			if !ok {
				return !s.hub.stopped(), nil
			}
			if err := w.recheck(ctx); err != nil {
				return false, err
			}
			w.deliver(d)
		}
	}
}

// catchUp reads from the ledger what the client has not seen, through a position.
func (s *Server) catchUp(ctx context.Context, w *eventWriter, through layers.Position) error {
	world := s.Store.World()
	if w.after > through {
		horizon, _, err := s.Changes.Horizon(ctx)
		if err != nil {
			return err
		}
		if w.after > horizon { // no server can have told it that: another database
			w.reset(through)
		}
		return nil
	}
	for told := 0; w.after < through; {
		b, more, err := s.Changes.Since(ctx, w.after, backlogPage)
		if err != nil {
			return err
		}
		told += len(b.Changes)
		if b.Through <= w.after || told > backlogMost || !more && b.Through < through {
			w.reset(through)
			return nil
		}
		kept := b.Changes[:0:0]
		for _, c := range b.Changes {
			if c.Position <= through {
				kept = append(kept, c)
			}
		}
		b.Changes = kept
		w.changes(render(b, world.Catalogue, world.Tree))
		w.after = min(b.Through, through)
		if err := w.flush(); err != nil {
			return err
		}
	}
	return nil
}

// eventWriter writes events for one scope; after is the position through which the client has been told everything.
type eventWriter struct {
	out     gin.ResponseWriter
	control *http.ResponseController
	pass    *account.Pass // nil: the scope never changes
	scope   layers.Scope
	after   layers.Position
	packed  bool      // in gzip
	until   time.Time // when the present piece must be taken
	err     error
}

// revised is closed when what the pass opens may have changed.
func (w *eventWriter) revised() <-chan struct{} {
	if w.pass == nil {
		return nil
	}
	return w.pass.Changed()
}

// recheck ends the stream when its session is over, and tells the client to load everything again when it may now see
// something else.
func (w *eventWriter) recheck(ctx context.Context) error {
	if w.pass == nil {
		return nil
	}
	scope, err := w.pass.Scope(ctx)
	if err == nil {
		err = seesAnything(scope)
	}
	if err != nil {
		return err
	}
	if changed := scope.Class() != w.scope.Class(); changed {
		w.reset(w.after)
	}
	w.scope = scope
	return nil
}

func (w *eventWriter) raw(text string) { w.bytes([]byte(text)) }

// bytes writes whole messages.
func (w *eventWriter) bytes(b []byte) {
	if w.packed && len(b) > 0 {
		b = pack(b)
	}
	w.write(b)
}

// write writes in pieces, each of which a client must take in time.
func (w *eventWriter) write(b []byte) {
	for len(b) > 0 && w.err == nil {
		n := min(len(b), 64<<10)
		if now := time.Now(); w.until.Sub(now) < writeWithin/2 { // a deadline costs as much as a small write: one serves for several
			w.until = now.Add(writeWithin)
			_ = w.control.SetWriteDeadline(w.until) // a recorder in a test has none
		}
		_, w.err = w.out.Write(b[:n])
		b = b[n:]
	}
}

// flush sends what was written, by the deadline of the last piece.
func (w *eventWriter) flush() error {
	if w.err == nil {
		w.err = w.control.Flush()
	}
	return w.err
}

// deliver writes a delivery; what all streams of a sight are told is made once.
func (w *eventWriter) deliver(d delivery) {
	if w.after < d.begins() {
		w.write(d.told(w.scope, w.packed))
		w.after = d.through
		return
	}
	w.changes(d.messages)
	w.position(d.through, d.at)
}

// changes writes messages that are whole positions, those the client has not seen.
func (w *eventWriter) changes(list []message) {
	w.bytes(appendChanges(nil, list, w.after, w.scope))
	if len(list) > 0 {
		w.after = max(w.after, list[len(list)-1].position)
	}
}

// position tells that everything through it has been told.
func (w *eventWriter) position(p layers.Position, at time.Time) {
	if p < w.after {
		return // a client that is ahead of this server hears nothing until it has caught up
	}
	w.after = p
	w.bytes(appendPosition(nil, p, at))
}

// reset tells the client to load everything again, at a position at least as late as the given one.
func (w *eventWriter) reset(p layers.Position) {
	w.after = p
	w.raw(fmt.Sprintf("id: %d\nevent: reset\ndata: {\"position\":\"%d\"}\n\n", p, p))
}
