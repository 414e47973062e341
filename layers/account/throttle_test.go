package account

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onepicture/layers"
)

// tries counts how many of n tries are let through, without a pause between them.
func tries(t *throttle, n int, name, network string) (through int) {
	for range n {
		if _, err := t.begin(name, network); err == nil {
			through++
		}
	}
	return through
}

func TestThrottle(t *testing.T) {
	for _, c := range []struct {
		what string
		do   func(t *throttle, now *clock) (got, want int)
	}{
		{"one name from one network", func(t *throttle, _ *clock) (int, int) {
			return tries(t, 10_000, "li", "203.0.113.0/24"), pairStrange.free
		}},
		{"unknown names like known ones", func(t *throttle, _ *clock) (int, int) {
			return tries(t, 10_000, "nobody", "203.0.113.0/24"), pairStrange.free
		}},
		{"many names from one network", func(t *throttle, _ *clock) (got, want int) {
			for i := range 10_000 {
				got += tries(t, 1, fmt.Sprint("n", i), "203.0.113.0/24")
			}
			return got, networkStrange.free
		}},
		{"one name from many networks", func(t *throttle, _ *clock) (got, want int) {
			for i := range 10_000 {
				got += tries(t, 1, "li", fmt.Sprintf("10.%d.%d.0/24", i/250, i%250))
			}
			return got, nameStrange.free
		}},
		{"its holder from a known network, during that", func(t *throttle, _ *clock) (int, int) {
			t.knows([]string{"10.1.2.0/24"})
			for i := range 10_000 {
				tries(t, 1, "li", fmt.Sprintf("11.%d.%d.0/24", i/250, i%250))
			}
			return tries(t, 1, "li", "10.1.2.0/24"), 1
		}},
		{"its holder beside a guesser in the same office, half a minute later", func(t *throttle, now *clock) (int, int) {
			t.knows([]string{"10.1.2.0/24"})
			tries(t, 10_000, "li", "10.1.2.0/24")
			now.Time = now.Add(pairKnown.most)
			return tries(t, 1, "li", "10.1.2.0/24"), 1
		}},
		{"others in the guesser's office", func(t *throttle, _ *clock) (int, int) {
			t.knows([]string{"10.1.2.0/24"})
			tries(t, 10_000, "li", "10.1.2.0/24")
			return tries(t, 1, "wang", "10.1.2.0/24"), 1
		}},
		{"a guesser who waits as told, in a day", func(t *throttle, now *clock) (got, want int) {
			for range 24 * 60 * 60 / 10 {
				got += tries(t, 1, "li", "203.0.113.0/24")
				now.Time = now.Add(10 * time.Second)
			}
			return min(got, 300), got // far from the millions that a bad password takes
		}},
		{"after success nothing is left", func(t *throttle, _ *clock) (int, int) {
			for range 100 {
				tries(t, 1, "li", "10.1.2.0/24")
				t.succeeded("li", "10.1.2.0/24")
			}
			return tries(t, 3, "li", "10.1.2.0/24"), 3
		}},
		{"what the server was too busy for does not count", func(t *throttle, _ *clock) (int, int) {
			for range 100 {
				tries(t, 1, "li", "203.0.113.0/24")
				t.undone("li", "203.0.113.0/24")
			}
			return tries(t, 3, "li", "203.0.113.0/24"), 3
		}},
	} {
		now := &clock{time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)}
		if got, want := c.do(newThrottle(now.now), now); got != want {
			t.Errorf("%s: %d tries went through, want %d", c.what, got, want)
		}
	}
}

// Tries take bounded memory, whatever is tried, and forgetting them helps no guesser.
func TestThrottleIsBounded(t *testing.T) {
	now := &clock{time.Now()}
	th := newThrottle(now.now)
	for i := range 3 * mostTries {
		_, _ = th.begin(fmt.Sprint("n", i), fmt.Sprintf("10.%d.%d.0/24", i>>8&255, i&255))
	}
	if n := len(th.tries[0]) + len(th.tries[1]); n > 2*mostTries+4 {
		t.Errorf("%d tries are kept", n)
	}
	if got := tries(th, 100, "n1", "10.0.1.0/24"); got > pairStrange.free {
		t.Errorf("%d tries of one pair went through", got)
	}
}

// Ten thousand tries at once: few are looked at, the password is not found, and its holder still comes in.
func TestTenThousandFailedSignIns(t *testing.T) {
	h := newHouse(t, nil)
	h.account(t, "li", Grant{Role: Clerk, Place: villageA})
	if err := h.readNetworks(t.Context()); err != nil {
		t.Fatal(err)
	}
	runs := h.hasher.runs.Load()
	var told [3]atomic.Int64
	var all sync.WaitGroup
	for w := range 50 {
		all.Go(func() {
			for i := range 200 {
				_, _, err := h.SignIn(t.Context(), "li", fmt.Sprintf("guess %d of %d", i, w), Client{Network: fmt.Sprintf("198.51.%d.0/24", w%4)}, "")
				switch layers.CodeOf(err) {
				case layers.CodeUnauthenticated:
					told[0].Add(1)
				case layers.CodeTooMany:
					told[1].Add(1)
				default:
					told[2].Add(1)
				}
			}
		})
	}
	all.Wait()
	if told[0].Load() > int64(4*pairStrange.free) || told[1].Load() < 9900 || told[2].Load() > 100 {
		t.Errorf("of 10,000 tries %d were looked at, %d sent away, %d otherwise", told[0].Load(), told[1].Load(), told[2].Load())
	}
	if n := h.hasher.runs.Load() - runs; n > int64(4*pairStrange.free) {
		t.Errorf("%d hashes were computed", n)
	}
	h.signIn(t, "li") // from its own network
	t.Logf("of 10,000 tries %d were looked at, %d were sent away", told[0].Load(), told[1].Load())
}

// A lane that is full sends away at once, and takes nothing from the other.
func TestLanes(t *testing.T) {
	h := newHasher(cheap, 2)
	h.slots[slow] <- struct{}{}
	var waiting sync.WaitGroup
	for range maxWaiting {
		waiting.Go(func() { _, _, _ = h.verify(t.Context(), slow, "", "x") })
	}
	for h.waiting[slow].Load() < maxWaiting {
		runtime.Gosched()
	}
	_, _, err := h.verify(t.Context(), slow, "", "x")
	refused(t, "a full lane", err, layers.CodeUnavailable)
	if _, _, err := h.verify(t.Context(), fast, "", "x"); err != nil {
		t.Errorf("the other lane: %v", err)
	}
	<-h.slots[slow]
	waiting.Wait()
}
