package api

import (
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
	perStream   = 72 * time.Microsecond
	mostBetween = 180 * time.Millisecond
)

// delivery is a batch with its messages; all of its positions are complete.
type delivery struct {
	messages []message
	through  layers.Position
	at       time.Time
	shared   *tellings
}

// hub hands what the index has applied to every stream.
type hub struct {
	mu        sync.Mutex
	last      delivery // without messages
	waiting   delivery // not handed out yet
	handed    time.Time
	timer     *time.Timer // hands out what waits; nil: none is set
	recent    []message   // the latest that were handed out, for streams that resume
	since     layers.Position
	listeners map[*listener]struct{}
	closed    bool
	done      chan struct{}
	open      atomic.Int64
	overflows atomic.Uint64
}

// listener is one stream's queue; it is closed when the stream was too slow.
type listener struct{ queue chan delivery }

func newHub() *hub {
	return &hub{listeners: map[*listener]struct{}{}, done: make(chan struct{})}
}

// publish never blocks: a queue that is full is closed, and its stream reads on from the ledger.
func (h *hub) publish(b layers.Batch, messages []message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := &h.waiting
	w.messages, w.through, w.at = append(w.messages, messages...), max(h.last.through, w.through, b.Through), b.At
	wait := min(time.Duration(h.open.Load())*perStream, mostBetween) - time.Since(h.handed)
	switch {
	case wait <= 0 || len(w.messages) == 0:
		h.hand()
	case h.timer == nil:
		h.timer = time.AfterFunc(wait, func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.timer = nil
			h.hand()
		})
	}
}

// hand gives every stream what waits.
func (h *hub) hand() {
	d := h.waiting
	if d.through == 0 {
		return
	}
	h.waiting = delivery{}
	if h.last.through == 0 { // where the first batch begins is not known
		h.since = d.through
	}
	h.last = delivery{through: d.through, at: d.at}
	if len(d.messages) == 0 || h.closed {
		return
	}
	h.remember(d.messages)
	h.handed, d.shared = time.Now(), &tellings{}
	for l := range h.listeners {
		select {
		case l.queue <- d:
		default:
			delete(h.listeners, l)
			close(l.queue)
			h.overflows.Add(1)
		}
	}
}

// remember keeps as many messages as a stream may be behind.
func (h *hub) remember(messages []message) {
	h.recent = append(h.recent, messages...)
	if over := len(h.recent) - backlogMost; over > 0 {
		h.since = max(h.since, h.recent[over-1].position)
		h.recent = h.recent[over:]
	}
}

// listen gives a queue of everything after the returned delivery, which holds what was handed out after a position;
// known is false when only the ledger has all of that.
func (h *hub) listen(after layers.Position) (l *listener, last delivery, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l = &listener{make(chan delivery, queued)}
	if !h.closed {
		h.listeners[l] = struct{}{}
	}
	last = h.last
	if known = after >= h.since && after <= last.through; known {
		from := sort.Search(len(h.recent), func(i int) bool { return h.recent[i].position > after })
		last.messages = h.recent[from:len(h.recent):len(h.recent)]
	}
	return l, last, known
}

func (h *hub) leave(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners, l)
}

// now is the last delivery.
func (h *hub) now() delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

// idle gives the last delivery when the listener has taken everything through it.
func (h *hub) idle(l *listener) (delivery, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, listening := h.listeners[l]
	return h.last, listening && len(l.queue) == 0
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

// close ends every stream at once.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.done)
	}
}
