package api

import (
	"sync"
	"sync/atomic"
	"time"

	"onepicture/layers"
)

// queued is how many batches a stream may lag behind before it must read the ledger again.
const queued = 64

// maxStreams bounds the open streams.
const maxStreams = 2000

// delivery is a batch with its messages; all of its positions are complete.
type delivery struct {
	messages []message
	through  layers.Position
	at       time.Time
}

// hub hands what the index has applied to every stream.
type hub struct {
	mu        sync.Mutex
	last      delivery // without messages
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
	h.last = delivery{through: max(h.last.through, b.Through), at: b.At}
	if len(messages) == 0 || h.closed {
		return
	}
	d := delivery{messages, b.Through, b.At}
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

// listen gives a queue of everything after the returned delivery.
func (h *hub) listen() (*listener, delivery) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := &listener{make(chan delivery, queued)}
	if !h.closed {
		h.listeners[l] = struct{}{}
	}
	return l, h.last
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
