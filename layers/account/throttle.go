package account

import (
	"sync"
	"time"

	"onepicture/layers"
)

// throttle slows down those who guess. What it counts is tries of one name from one network, of one network, and of one
// name from all networks from which nobody has ever signed in. So nobody can lock another out: whoever guesses from
// elsewhere uses up their own network's tries, and who sits in the same office makes it wait half a minute at most.
// Unknown names are counted like known ones. Each server counts for itself.
type throttle struct {
	now func() time.Time

	mu     sync.Mutex
	tries  [2]map[try]*count // the present generation and the one before
	turned time.Time
	known  map[string]bool // networks from which somebody has signed in
}

// try is what tries are counted of; one of the two may be empty.
type try struct{ name, network string }

type count struct {
	n    int       // failed, and not yet decided
	last time.Time // when the last began
}

// allowance is how many tries are free, and how long the pause after them grows at most; it begins at a second and
// doubles.
type allowance struct {
	free int
	most time.Duration
}

var (
	pairKnown      = allowance{20, 30 * time.Second}
	pairStrange    = allowance{5, 15 * time.Minute}
	networkKnown   = allowance{500, 30 * time.Second}
	networkStrange = allowance{50, 5 * time.Minute}
	nameStrange    = allowance{100, time.Minute}
)

const (
	generation = 15 * time.Minute // after one to two of them tries are forgotten
	mostTries  = 1 << 16          // counted at once in a generation; more end it early
)

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, known: map[string]bool{}, tries: [2]map[try]*count{{}, {}}, turned: now()}
}

// begin counts a try before it is decided, so that many at once are not free; succeeded takes it back. Without a reason
// for doubt it goes the fast lane.
func (t *throttle) begin(name, network string) (lane, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	t.turn(now)
	known := t.known[network]
	limits := []struct {
		try
		allowance
	}{{try{name, network}, pairStrange}, {try{"", network}, networkStrange}, {try{name, ""}, nameStrange}}
	if known {
		limits[0].allowance, limits[1].allowance = pairKnown, networkKnown
		limits = limits[:2]
	}
	l := fast
	counts := make([]*count, len(limits))
	for i, limit := range limits {
		c := t.count(limit.try)
		counts[i] = c
		if wait := limit.wait(c.n) - now.Sub(c.last); wait > 0 {
			return slow, layers.TooMany(wait, "too many tries; wait a little, or ask an administrator for a one-time link")
		}
		if c.n > limit.free/2 {
			l = slow
		}
	}
	for _, c := range counts {
		c.n++
		c.last = now
	}
	return l, nil
}

// wait is the pause after so many tries.
func (a allowance) wait(n int) time.Duration {
	if n < a.free {
		return 0
	}
	return min(time.Second<<min(n-a.free, 20), a.most)
}

func (t *throttle) count(of try) *count {
	if c := t.tries[0][of]; c != nil {
		return c
	}
	c := &count{}
	if old := t.tries[1][of]; old != nil {
		*c = *old
	}
	t.tries[0][of] = c
	return c
}

func (t *throttle) turn(now time.Time) {
	if now.Sub(t.turned) > generation || len(t.tries[0]) >= mostTries {
		t.tries = [2]map[try]*count{{}, t.tries[0]}
		t.turned = now
	}
}

// succeeded takes the try back, forgets the name's tries from that network and knows the network from now on.
func (t *throttle) succeeded(name, network string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.tries[0], try{name, network})
	delete(t.tries[1], try{name, network})
	for _, of := range []try{{"", network}, {name, ""}} {
		if c := t.tries[0][of]; c != nil && c.n > 0 {
			c.n--
		}
	}
	t.known[network] = true
}

// undone takes back a try that was not decided: the server was too busy.
func (t *throttle) undone(name, network string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, of := range []try{{name, network}, {"", network}, {name, ""}} {
		if c := t.tries[0][of]; c != nil && c.n > 0 {
			c.n--
		}
	}
}

// knows replaces what networks are known.
func (t *throttle) knows(networks []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.known)
	for _, n := range networks {
		t.known[n] = true
	}
}
