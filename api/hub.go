package api

import (
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"onepicture/layers"
)

// queued is how many deliveries a stream may lag behind before it must read the ledger again.
const queued = 64

// maxStreams bounds the open streams. Each takes some 30 KiB with its connection; what they cost beside is the copying
// of what they are told, which perStream spreads.
const maxStreams = 10_000

// perStream is what one more stream adds to the least time between two deliveries, up to mostBetween. To write to a stream
// costs about as much whether it is told of one change or of fifty: with thousands of streams several changes go out
// together, with a few streams each goes out at once.
const (
	perStream   = 64 * time.Microsecond
	mostBetween = 160 * time.Millisecond
)

// groups is in how many parts the streams are told, one after the other in that time: told all at once, they would keep the
// processors from everybody else, and the last of them would wait for all the others to be written to.
const groups = 3

// kept is how many deliveries of each group are kept as they were made, for streams that come back: a town's phones that lose
// their network together are told the same once more.
const kept = 16

// delivery is what a group is told; all of its positions are complete.
type delivery struct {
	first    int // number of the first of the messages
	messages []message
	through  layers.Position
	at       time.Time
	shared   *tellings
}

// begins is the position before which there is nothing in it.
func (d *delivery) begins() layers.Position {
	if len(d.messages) == 0 {
		return d.through + 1
	}
	return d.messages[0].position
}

// hub hands what the index has applied to every stream.
type hub struct {
	mu        sync.Mutex
	through   layers.Position // of what was published
	at        time.Time
	recent    []message // the latest that were published, for the groups that wait and for streams that resume
	first     int       // number of the first of them
	since     layers.Position
	groups    [groups]group
	turn      int // the group that is told next
	handed    time.Time
	timer     *time.Timer // tells the next group; nil: none is set
	closed    bool
	open      atomic.Int64
	overflows atomic.Uint64
}

// group is a part of the streams, which are told at the same time.
type group struct {
	listeners map[*listener]struct{}
	last      delivery   // without messages
	late      []delivery // the latest with messages, at most kept
	next      int        // number of the first message that it was not told
	heard     time.Time  // when its streams were told something
}

// listener is one stream's queue; it is closed when the stream was too slow, and when the server stops.
type listener struct {
	queue chan delivery
	group *group
}

func newHub() *hub {
	h := &hub{}
	for i := range h.groups {
		h.groups[i].listeners = map[*listener]struct{}{}
	}
	return h
}

// publish never blocks: a queue that is full is closed, and its stream reads on from the ledger.
func (h *hub) publish(b layers.Batch, messages []message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fresh := h.through == 0
	h.recent = append(h.recent, messages...)
	h.through, h.at = max(h.through, b.Through), b.At
	if fresh { // where the first batch begins is not known
		h.since = h.through
		for i := range h.groups {
			h.tell(&h.groups[i])
		}
		time.AfterFunc(heartbeat, h.beat)
	}
	h.tellInTurn()
	h.forget()
}

// tellInTurn tells the groups for which it is time, and sets the timer for the next.
func (h *hub) tellInTurn() {
	pause := min(time.Duration(h.open.Load())*perStream, mostBetween) / groups
	for range groups {
		g := &h.groups[h.turn]
		if g.next < h.first+len(h.recent) {
			if wait := pause - time.Since(h.handed); wait > 0 {
				if h.timer == nil {
					h.timer = time.AfterFunc(wait, func() {
						h.mu.Lock()
						defer h.mu.Unlock()
						h.timer = nil
						h.tellInTurn()
					})
				}
				return
			}
			h.handed = time.Now()
		}
		h.tell(g)
		h.turn = (h.turn + 1) % groups
	}
}

// tell hands a group what it was not told.
func (h *hub) tell(g *group) {
	d := delivery{g.next, h.recent[g.next-h.first:], h.through, h.at, &tellings{}}
	g.last, g.next = delivery{through: h.through, at: h.at}, h.first+len(h.recent)
	if len(d.messages) > 0 {
		g.late = append(g.late[max(0, len(g.late)-kept+1):], d)
		h.hand(g, d)
	}
}

// beat tells the groups that have heard nothing for a while how far the picture is: a stream that is never written to does
// not notice that its client is gone, nor the client that the server is.
func (h *hub) beat() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	next := heartbeat
	for i := range h.groups {
		g := &h.groups[i]
		if silent := time.Since(g.heard); silent < heartbeat {
			next = min(next, heartbeat-silent)
			continue
		}
		h.hand(g, delivery{through: g.last.through, at: g.last.at, shared: &tellings{}})
	}
	time.AfterFunc(next, h.beat)
}

// hand puts a delivery into the queue of each of a group's streams.
func (h *hub) hand(g *group, d delivery) {
	g.heard = time.Now()
	for l := range g.listeners {
		select {
		case l.queue <- d:
		default:
			delete(g.listeners, l)
			close(l.queue)
			h.overflows.Add(1)
		}
	}
}

// forget keeps as many messages as a stream may be behind, and what a group was not told.
func (h *hub) forget() {
	over := len(h.recent) - backlogMost
	for i := range h.groups {
		over = min(over, h.groups[i].next-h.first)
	}
	if over > 0 {
		h.since = max(h.since, h.recent[over-1].position)
		h.recent, h.first = h.recent[over:], h.first+over
	}
}

// missed is what a stream that comes back was not told: what begins within a delivery, whole deliveries after that, and how
// far they lead. Unknown: only the ledger has all of it.
type missed struct {
	rest  []message
	whole []delivery
	last  delivery // without messages
	known bool
}

// listen gives a queue of everything after what was missed since a position.
func (h *hub) listen(after layers.Position) (l *listener, m missed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	g := &h.groups[0]
	for i := range h.groups {
		if o := &h.groups[i]; len(o.listeners) < len(g.listeners) {
			g = o
		}
	}
	l = &listener{make(chan delivery, queued), g}
	if h.closed {
		close(l.queue)
	} else {
		g.listeners[l] = struct{}{}
	}
	m = missed{last: g.last, known: after >= h.since && after <= h.through}
	if m.known {
		from := h.first + sort.Search(g.next-h.first, func(i int) bool { return h.recent[i].position > after })
		whole := sort.Search(len(g.late), func(i int) bool { return g.late[i].first >= from })
		to := g.next
		if m.whole = slices.Clone(g.late[whole:]); len(m.whole) > 0 {
			to = m.whole[0].first
		}
		m.rest = slices.Clip(h.recent[from-h.first : to-h.first])
	}
	return l, m
}

func (h *hub) leave(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(l.group.listeners, l)
}

// told is the position through which every stream was told everything; 0: nothing is loaded yet.
func (h *hub) told() layers.Position {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.through
	for i := range h.groups {
		p = min(p, h.groups[i].last.through)
	}
	return p
}

// enter counts a stream in; false when there are too many or the server stops.
func (h *hub) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.open.Load() >= maxStreams {
		return false
	}
	h.open.Add(1)
	return true
}

func (h *hub) exit() { h.open.Add(-1) }

func (h *hub) clients() int64 { return h.open.Load() }

// stopped tells that no stream goes on.
func (h *hub) stopped() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

// close ends every stream at once.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	for i := range h.groups {
		for l := range h.groups[i].listeners {
			close(l.queue)
		}
		clear(h.groups[i].listeners)
	}
}
