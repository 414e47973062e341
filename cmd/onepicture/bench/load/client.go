package load

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"onepicture/layers"
)

// Shares of the mixed load, in percent of requests.
const (
	tileShare  = 80
	queryShare = 15
	writeShare = 5
)

// client is one person with one connection, who waits for each answer and thinks after each step.
type client struct {
	*walker
	conn   *conn
	tally  *tally
	outbox *outbox
	think  time.Duration // mean

	asked   [classes]int
	unsent  *letter // a report that was not acknowledged: it goes first
	sent    *letter // the last one that was
	written int64   // its event
	since   layers.Position
}

// live goes on until stop ends; a request that was begun may go on until ctx ends. It then sends its last report again
// until it is acknowledged.
func (c *client) live(ctx, stop context.Context) {
	defer c.conn.close()
	if !pause(stop, time.Duration(c.r.Float64()*float64(c.think))) {
		return // the clients come one after another within a think time
	}
	c.asked[Tiles] = c.r.IntN(60) // as if they had been here before: else all would ask for tiles first, then all for figures
	for c.step(ctx, stop) {
		if !pause(stop, min(time.Duration(c.r.ExpFloat64()*float64(c.think)), 5*c.think)) {
			break
		}
	}
	for c.unsent != nil && pause(ctx, time.Second) {
		c.write(ctx)
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// step is what furthers the shares most: a view of tiles, a question or a report.
func (c *client) step(ctx, stop context.Context) bool {
	switch t := c.asked[Tiles]; {
	case c.asked[Writes]*tileShare < t*writeShare:
		c.asked[Writes]++
		c.write(ctx)
	case c.asked[Queries]*tileShare < t*queryShare:
		c.asked[Queries]++
		c.query(ctx)
	default:
		c.move()
		for _, q := range c.requests() {
			if stop.Err() != nil {
				return false
			}
			c.asked[Tiles]++
			c.tile(ctx, q)
		}
	}
	return stop.Err() == nil
}

func (c *client) tile(ctx context.Context, q request) {
	a, took, ok := c.ask(ctx, Tiles, q)
	switch {
	case !ok:
	case a.status == http.StatusOK || a.status == http.StatusNoContent:
		c.good(tileFresh, took, a)
		if a.etag != "" {
			c.keep(q.path, a.etag)
		}
	case a.status == http.StatusNotModified && q.etag != "":
		c.good(tileUnchanged, took, a)
	default:
		c.refused(Tiles, a)
	}
	c.tally.zooms[c.zoom].Add(1)
}

func (c *client) good(k kind, took time.Duration, a answer) {
	c.tally.good(k, took, a.size, time.Now())
}

func (c *client) query(ctx context.Context) {
	k, q := c.question()
	if c.written != 0 { // first, whether one's own report is there
		k, q = detail, request{method: http.MethodGet, path: "/api/events/" + strconv.FormatInt(c.written, 10), position: c.since.String()}
		c.written = 0
	}
	if a, took, ok := c.ask(ctx, Queries, q); ok && a.status == http.StatusOK {
		c.good(k, took, a)
	} else if ok {
		c.refused(Queries, a)
	}
}

// write sends a report; one in fifty is sent once more after it was acknowledged, as by a phone that has lost the
// answer.
func (c *client) write(ctx context.Context) {
	k, l := report, c.unsent
	switch {
	case l != nil:
	case c.sent != nil && c.r.IntN(50) == 0:
		k, l = replay, c.sent
	default:
		next := c.outbox.next(c.atlas, c.r)
		l = &next
	}
	a, took, ok := c.ask(ctx, Writes, l.request)
	if !ok || a.status != http.StatusCreated && a.status != http.StatusOK {
		if ok {
			c.refused(Writes, a)
		}
		if k == report {
			c.unsent = l
		}
		return
	}
	id, p, _, err := c.outbox.acknowledge(*l, a)
	if err != nil {
		c.tally.bad(Writes, err.Error(), time.Now())
		return
	}
	c.good(k, took, a)
	c.unsent, c.sent, c.written, c.since = nil, l, id, p
}

// ask times a request and counts what the connection says.
func (c *client) ask(ctx context.Context, class Class, q request) (answer, time.Duration, bool) {
	began := time.Now()
	a, err := c.conn.do(ctx, q)
	took := time.Since(began)
	if err != nil {
		if ctx.Err() == nil {
			c.tally.bad(class, word(err), time.Now())
		}
		return a, took, false
	}
	return a, took, true
}

// refused counts an answer that is none; of its text only the code, which is one of a few words.
func (c *client) refused(class Class, a answer) {
	c.tally.bad(class, fmt.Sprintf("%d %s", a.status, problemCode(a.body)), time.Now())
}
