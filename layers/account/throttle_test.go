package account

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onepicture/layers"
	"onepicture/sql/sqltest"
)

// guessed is a throttle in a test: tries that fail for another reason than too many before them end it.
type guessed struct {
	*throttle
	t *testing.T
}

// tries counts how many of n tries are let through, without a pause between them.
func tries(g guessed, n int, name, network string) (through int) {
	g.t.Helper()
	for range n {
		switch _, err := g.begin(g.t.Context(), name, network); {
		case err == nil:
			through++
		case layers.CodeOf(err) != layers.CodeTooMany:
			g.t.Error(err)
		}
	}
	return through
}

func TestThrottle(t *testing.T) {
	pool := sqltest.DB(t)
	for _, c := range []struct {
		what string
		do   func(t guessed, now *clock) (got, want int)
	}{
		{"one name from one network", func(t guessed, _ *clock) (int, int) {
			return tries(t, 10_000, "li", "203.0.113.0/24"), int(pairStrange.free)
		}},
		{"unknown names like known ones", func(t guessed, _ *clock) (int, int) {
			return tries(t, 10_000, "nobody", "203.0.113.0/24"), int(pairStrange.free)
		}},
		{"many names from one network", func(t guessed, _ *clock) (got, want int) {
			for i := range 10_000 {
				got += tries(t, 1, fmt.Sprint("n", i), "203.0.113.0/24")
			}
			return got, int(networkStrange.free)
		}},
		{"one name from many networks", func(t guessed, _ *clock) (got, want int) {
			for i := range 10_000 {
				got += tries(t, 1, "li", fmt.Sprintf("10.%d.%d.0/24", i/250, i%250))
			}
			return got, int(nameStrange.free)
		}},
		{"its holder from a known network, during that", func(t guessed, _ *clock) (int, int) {
			t.knows([]string{"10.1.2.0/24"})
			for i := range 10_000 {
				tries(t, 1, "li", fmt.Sprintf("11.%d.%d.0/24", i/250, i%250))
			}
			return tries(t, 1, "li", "10.1.2.0/24"), 1
		}},
		{"its holder beside a guesser in the same office, half a minute later", func(t guessed, now *clock) (int, int) {
			t.knows([]string{"10.1.2.0/24"})
			tries(t, 10_000, "li", "10.1.2.0/24")
			now.Time = now.Add(pairKnown.most)
			return tries(t, 1, "li", "10.1.2.0/24"), 1
		}},
		{"others in the guesser's office", func(t guessed, _ *clock) (int, int) {
			t.knows([]string{"10.1.2.0/24"})
			tries(t, 10_000, "li", "10.1.2.0/24")
			return tries(t, 1, "wang", "10.1.2.0/24"), 1
		}},
		{"a guesser who waits as told, in a day", func(t guessed, now *clock) (got, want int) {
			for range 24 * 60 * 60 / 10 {
				got += tries(t, 1, "li", "203.0.113.0/24")
				now.Time = now.Add(10 * time.Second)
			}
			return min(got, 300), got // far from the millions that a bad password takes
		}},
		{"after success nothing is left", func(t guessed, _ *clock) (int, int) {
			for range 100 {
				tries(t, 1, "li", "10.1.2.0/24")
				if err := t.succeeded(t.t.Context(), "li", "10.1.2.0/24"); err != nil {
					t.t.Fatal(err)
				}
			}
			return tries(t, 3, "li", "10.1.2.0/24"), 3
		}},
		{"after half an hour nothing is left", func(t guessed, now *clock) (int, int) {
			tries(t, 10_000, "li", "203.0.113.0/24")
			now.Time = now.Add(remembered)
			return tries(t, 10_000, "li", "203.0.113.0/24"), int(pairStrange.free)
		}},
		{"what the server was too busy for does not count", func(t guessed, _ *clock) (int, int) {
			for range 100 {
				tries(t, 1, "li", "203.0.113.0/24")
				t.undone(t.t.Context(), "li", "203.0.113.0/24")
			}
			return tries(t, 3, "li", "203.0.113.0/24"), 3
		}},
	} {
		now := &clock{time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)}
		if _, err := pool.Exec(t.Context(), "truncate sign_in_try"); err != nil {
			t.Fatal(err)
		}
		if got, want := c.do(guessed{newThrottle(pool, nil, now.now), t}, now); got != want {
			t.Errorf("%s: %d tries went through, want %d", c.what, got, want)
		}
	}
}

// Two servers of one database let through together what one would, also at once; what one forgives the other forgives.
func TestServersCountTogether(t *testing.T) {
	pool := sqltest.DB(t)
	now := &clock{time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)}
	servers := [2]guessed{}
	for i := range servers {
		servers[i] = guessed{newThrottle(pool, []byte("one key"), now.now), t}
	}
	var through atomic.Int64
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() { through.Add(int64(tries(servers[i%2], 50, "li", "203.0.113.0/24"))) })
	}
	all.Wait()
	if n := through.Load(); n != int64(pairStrange.free) {
		t.Errorf("of 2,000 tries at two servers at once %d went through, want %d", n, pairStrange.free)
	}
	if n := servers[0].asked.Load() + servers[1].asked.Load(); n > 50 {
		t.Errorf("they cost %d statements", n)
	}
	got := 0
	for i := range 10_000 { // one name from many networks
		got += tries(servers[i%2], 1, "wang", fmt.Sprintf("10.%d.%d.0/24", i/250, i%250))
	}
	if got != int(nameStrange.free) {
		t.Errorf("from many networks %d went through, want %d", got, nameStrange.free)
	}
	for range 3 * pairStrange.free {
		tries(servers[0], 1, "zhao", "192.0.2.0/24")
		if err := servers[1].succeeded(t.Context(), "zhao", "192.0.2.0/24"); err != nil {
			t.Fatal(err)
		}
	}
	if got := tries(servers[0], 1, "zhao", "192.0.2.0/24"); got != 1 {
		t.Error("what succeeded at one server counts at the other")
	}
	if a, b := servers[0].keys([]limited{{try: try{"li", "n"}}})[0], newThrottle(pool, []byte("another key"), now.now).keys([]limited{{try: try{"li", "n"}}})[0]; bytes.Equal(a, b) {
		t.Error("the digest does not depend on the key")
	}
	var clear int
	if err := pool.QueryRow(t.Context(), `select count(*) from sign_in_try where position('li'::bytea in key) > 0 or position('203.0.113'::bytea in key) > 0
		or octet_length(key) <> 32`).Scan(&clear); err != nil || clear != 0 {
		t.Errorf("%d keys are in clear: %v", clear, err)
	}
}

// Tries take bounded memory and rows, whatever is tried, and forgetting them helps no guesser.
func TestThrottleIsBounded(t *testing.T) {
	now := &clock{time.Now()}
	pool := sqltest.DB(t)
	th := guessed{newThrottle(pool, nil, now.now), t}
	tries(th, 100, "n1", "10.0.1.0/24")
	for i := range 3 * mostPauses {
		th.pause(try{fmt.Sprint("n", i), "198.51.100.0/24"}, now.Add(time.Hour))
	}
	if n := len(th.until); n > mostPauses {
		t.Errorf("%d pauses are remembered", n)
	}
	if got := tries(th, 100, "n1", "10.0.1.0/24"); got > 0 {
		t.Errorf("%d tries of one pair went through", got)
	}
	rows := func() (n int) {
		t.Helper()
		if err := th.forget(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := pool.QueryRow(t.Context(), "select count(*) from sign_in_try").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := rows(); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
	now.Time = now.Add(remembered)
	if n := rows(); n != 0 {
		t.Errorf("%d rows are left", n)
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
	if n := h.throttle.asked.Load(); n > 200 {
		t.Errorf("%d statements were asked", n)
	}
	h.signIn(t, "li") // from its own network
	t.Logf("of 10,000 tries %d were looked at, %d were sent away, by %d statements", told[0].Load(), told[1].Load(), h.throttle.asked.Load())
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
