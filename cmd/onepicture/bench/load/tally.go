package load

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Class is one of the three parts of the mixed load.
type Class uint8

// The classes.
const (
	Tiles Class = iota
	Queries
	Writes
	classes
)

var classNames = [classes]string{"tiles", "queries", "writes"}

func (c Class) String() string { return classNames[c] }

// kind is what a request asks for.
type kind uint8

const (
	tileFresh     kind = iota // answered with a tile, or that there is nothing in it
	tileUnchanged             // answered 304
	figures
	ranking
	latest
	search
	place
	detail
	polygon
	report
	replay
	kinds
)

var kindNames = [kinds]string{
	"tile sent", "tile unchanged (304)", "figures of a place", "ranking of the city", "latest events", "place search",
	"place", "event just written, read again", "count in a polygon", "report of an event", "report sent again",
}

func (k kind) class() Class {
	switch {
	case k <= tileUnchanged:
		return Tiles
	case k < report:
		return Queries
	}
	return Writes
}

// Failure is one way in which requests of a class failed.
type Failure struct {
	Class       Class
	What        string // status and code, or what the connection said
	N           int64
	First, Last time.Duration // since the load began
}

// tally is what the clients saw. All times are since it began.
type tally struct {
	began  time.Time
	kinds  [kinds]Histogram
	zooms  [23]atomic.Int64
	bytes  atomic.Int64
	window atomic.Pointer[[classes]Histogram] // of the present minute

	mu       sync.Mutex
	failures map[string]*Failure
	lastGood [classes]time.Duration
	gap      [classes]Gap
}

// Gap is the longest time in which no request of a class was answered well.
type Gap struct{ From, To time.Duration }

func newTally(now time.Time) *tally {
	t := &tally{began: now, failures: map[string]*Failure{}}
	t.window.Store(new([classes]Histogram))
	return t
}

// good counts an answer.
func (t *tally) good(k kind, took time.Duration, size int, now time.Time) {
	t.kinds[k].Add(took)
	t.window.Load()[k.class()].Add(took)
	t.bytes.Add(int64(size))
	at, c := now.Sub(t.began), k.class()
	t.mu.Lock()
	defer t.mu.Unlock()
	if at-t.lastGood[c] > t.gap[c].To-t.gap[c].From {
		t.gap[c] = Gap{t.lastGood[c], at}
	}
	t.lastGood[c] = max(t.lastGood[c], at)
}

// bad counts a failure; what must come from a small set of words.
func (t *tally) bad(c Class, what string, now time.Time) {
	at, key := now.Sub(t.began), c.String()+" "+what
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.failures[key]
	if f == nil {
		f = &Failure{Class: c, What: what, First: at}
		t.failures[key] = f
	}
	f.N++
	f.Last = max(f.Last, at)
}

// class is the histogram of a whole class.
func (t *tally) class(c Class) *Histogram {
	h := &Histogram{}
	for k := range kinds {
		if k.class() == c {
			h.Merge(&t.kinds[k])
		}
	}
	return h
}

// failed are all failures, those of a class together, the most frequent first.
func (t *tally) failed() []Failure {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []Failure
	for _, f := range t.failures {
		list = append(list, *f)
	}
	slices.SortFunc(list, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(b.N, a.N), cmp.Compare(a.What, b.What))
	})
	return list
}

func (t *tally) errors() (n int64) {
	for _, f := range t.failed() {
		n += f.N
	}
	return n
}
