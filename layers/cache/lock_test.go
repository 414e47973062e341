package cache

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"onepicture/sql/sqltest"
)

// two are two servers on one Redis that wait for each other as long as the test needs.
func two(t *testing.T) (a, b *Cache, r redis.UniversalClient) {
	t.Helper()
	r = client(t, sqltest.Redis(t))
	o := options(t, r)
	o.Patience = time.Minute
	return newCache(t, o), newCache(t, o), r
}

// until polls a condition that other goroutines bring about.
func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for !met() {
		select {
		case <-limit:
			t.Fatalf("not in 20 s: %s", what)
		case <-time.After(100 * time.Microsecond):
		}
	}
}

// Fifty requests at once at two servers: one build.
func TestBuildsOnceForAllServers(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	a, b, r := two(t)
	var builds atomic.Int32
	release := make(chan struct{})
	build := func(context.Context) ([]byte, error) {
		builds.Add(1)
		<-release
		return []byte("v"), nil
	}
	var wg sync.WaitGroup
	for i := range 50 {
		c := []*Cache{a, b}[i%2]
		wg.Go(func() {
			if v, err := c.Get(t.Context(), "k", 0, build); err != nil || string(v) != "v" {
				t.Errorf("got %q, %v", v, err)
			}
		})
	}
	until(t, "one builds, the other waits", func() bool {
		return builds.Load() >= 1 && a.Status().Waits+b.Status().Waits == 1 && waiters(a, "k") == 25 && waiters(b, "k") == 25
	})
	close(release)
	wg.Wait()
	a.Close()
	b.Close()
	if n := builds.Load(); n != 1 {
		t.Errorf("built %d times", n)
	}
	sa, sb := a.Status(), b.Status()
	if sa.FarHits+sb.FarHits != 1 || sa.Overdue+sb.Overdue != 0 || sa.Waited+sb.Waited <= 0 {
		t.Errorf("statuses %+v, %+v", sa, sb)
	}
	if n := r.Exists(context.Background(), a.far.lockName("k")).Val(); n != 0 {
		t.Error("the lock stayed")
	}
	_ = r.Close() // before the check for goroutines that are left
}

// A server died with the lock of a key: nobody waits for it longer than a build takes.
func TestHolderDies(t *testing.T) {
	a, b, r := two(t)
	for range 20 { // what builds of this group take is known
		a.times[7].learn(time.Millisecond)
	}
	if err := r.Set(t.Context(), a.far.lockName("k"), "of a dead server", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	v, err := a.Get(t.Context(), "k", 7, text("built"))
	if err != nil || string(v) != "built" {
		t.Errorf("got %q, %v", v, err)
	}
	if s := a.Status(); s.Waits != 1 || s.Overdue != 1 || s.Builds != 1 {
		t.Errorf("status %+v", s)
	}
	if took := time.Since(began); took > 5*time.Second { // of an hour
		t.Errorf("it took %v", took)
	}
	a.running.Wait()
	// Its value is there for the others although the lock is not theirs, and the lock is still the dead one's.
	if got := get(t, b, "k", text("built again")); got != "built" || b.Status().Waits != 0 {
		t.Errorf("another got %q, %+v", got, b.Status())
	}
	if v := r.Get(t.Context(), a.far.lockName("k")).Val(); v != "of a dead server" {
		t.Errorf("the lock is now %q", v)
	}
}

// A lock runs out by itself, so that a dead holder delays few.
func TestLocksRunOut(t *testing.T) {
	a, _, r := two(t)
	if got := a.far.claim(t.Context(), "k", "mine", 40*time.Millisecond); !got.won || got.token != "mine" || got.taken {
		t.Fatalf("claimed %+v", got)
	}
	if got := a.far.claim(t.Context(), "k", "other", time.Hour); got.won || got.token != "" || !got.taken {
		t.Errorf("a lock was given twice: %+v", got)
	}
	if ttl := r.PTTL(t.Context(), a.far.lockName("k")).Val(); ttl <= 0 || ttl > 40*time.Millisecond {
		t.Errorf("it runs out in %v", ttl)
	}
	until(t, "the lock is free again", func() bool {
		return a.far.claim(t.Context(), "k", "other", time.Hour).won
	})
	a.far.drop(t.Context(), "k", "mine") // too late: it is not ours any more
	if v := r.Get(t.Context(), a.far.lockName("k")).Val(); v != "other" {
		t.Errorf("a late holder gave back another's lock: %q", v)
	}
	a.far.put(t.Context(), "k", []byte("late"), "mine")
	if v := r.Get(t.Context(), a.far.lockName("k")).Val(); v != "other" {
		t.Errorf("a late holder gave back another's lock with its value: %q", v)
	}
	a.far.drop(t.Context(), "k", "other")
	if n := r.Exists(t.Context(), a.far.lockName("k")).Val(); n != 0 {
		t.Error("a holder could not give its lock back")
	}
}

// The holder fails: the one who waits takes over at once, and does not get the failure.
func TestHolderFails(t *testing.T) {
	a, b, _ := two(t)
	boom := errors.New("boom")
	started, release := make(chan struct{}), make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		_, err := a.Get(t.Context(), "k", 0, func(context.Context) ([]byte, error) {
			close(started)
			<-release
			return nil, boom
		})
		failed <- err
	}()
	<-started
	var wg sync.WaitGroup
	wg.Go(func() {
		if v, err := b.Get(t.Context(), "k", 0, text("built")); err != nil || string(v) != "built" {
			t.Errorf("the one who waited got %q, %v", v, err)
		}
	})
	until(t, "the other waits", func() bool { return b.Status().Waits == 1 })
	close(release)
	if err := <-failed; !errors.Is(err, boom) {
		t.Errorf("the holder got %v", err)
	}
	wg.Wait()
	if s := b.Status(); s.Overdue != 0 || s.Builds != 1 {
		t.Errorf("status %+v", s)
	}
}

// Who waits for another server and leaves is not kept, and builds nothing.
func TestLeavesWhileWaiting(t *testing.T) {
	a, _, r := two(t)
	if err := r.Set(t.Context(), a.far.lockName("k"), "of a dead server", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := a.Get(ctx, "k", 0, func(context.Context) ([]byte, error) {
			t.Error("built for nobody")
			return nil, nil
		})
		gone <- err
	}()
	until(t, "it waits", func() bool { return a.Status().Waits == 1 })
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	a.running.Wait()
	if s := a.Status(); s.Builds != 0 || s.Overdue != 0 {
		t.Errorf("status %+v", s)
	}
}

// Random requests, failures and departures at two servers: each gets its own key's value or a reason, and no lock is
// left when all is done.
func TestTwoServers(t *testing.T) {
	r := client(t, sqltest.Redis(t))
	boom := errors.New("boom")
	rapid.Check(t, func(rt *rapid.T) {
		o := Options{Redis: r, Prefix: rand.Text() + ":", Wait: 2 * time.Second, Patience: time.Minute}
		a, b := newCache(t, o), newCache(t, o)
		var wg sync.WaitGroup
		for i := range rapid.IntRange(1, 30).Draw(rt, "requests") {
			c := []*Cache{a, b}[rapid.IntRange(0, 1).Draw(rt, "server")]
			key := fmt.Sprint(rapid.IntRange(0, 3).Draw(rt, "key"))
			fails, leaves := rapid.IntRange(0, 4).Draw(rt, "fails") == 0, rapid.IntRange(0, 4).Draw(rt, "leaves") == 0
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				v, err := c.Get(ctx, key, 0, func(context.Context) ([]byte, error) {
					if leaves {
						cancel()
					}
					if fails {
						return nil, boom
					}
					return []byte(key), nil
				})
				switch {
				case err == nil && string(v) != key:
					t.Errorf("request %d: %s got %q", i, key, v)
				case err != nil && !errors.Is(err, boom) && !errors.Is(err, context.Canceled):
					t.Errorf("request %d: %v", i, err)
				case errors.Is(err, context.Canceled) && !leaves:
					t.Errorf("request %d was sent away because another left", i)
				}
			})
		}
		wg.Wait()
		a.Close()
		b.Close()
		for key := range 4 {
			if n := r.Exists(t.Context(), a.far.lockName(fmt.Sprint(key))).Val(); n != 0 {
				t.Errorf("the lock of %d stayed", key)
			}
		}
	})
}

func TestEstimate(t *testing.T) {
	var e estimate
	if got := e.bound(time.Minute); got != time.Minute {
		t.Errorf("unknown: %v", got)
	}
	e.learn(10 * time.Millisecond)
	if got := e.bound(time.Minute); got != 30*time.Millisecond { // RFC 6298, 2.2: R + 4 × R/2
		t.Errorf("after one: %v", got)
	}
	for range 200 {
		e.learn(10 * time.Millisecond)
	}
	if got := e.bound(time.Minute); got < 10*time.Millisecond || got > 11*time.Millisecond {
		t.Errorf("after many alike: %v", got)
	}
	rapid.Check(t, func(rt *rapid.T) {
		var e estimate
		for _, ms := range rapid.SliceOfN(rapid.IntRange(0, 100_000), 1, 50).Draw(rt, "ms") {
			e.learn(time.Duration(ms) * time.Millisecond)
		}
		if got := e.bound(0); got < leastBound || got > mostBound {
			rt.Errorf("%v", got)
		}
	})
}
