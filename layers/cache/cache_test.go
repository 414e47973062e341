package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func newCache(t *testing.T, o Options) *Cache {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func text(s string) Build {
	return func(context.Context) ([]byte, error) { return []byte(s), nil }
}

func get(t *testing.T, c *Cache, key string, b Build) string {
	t.Helper()
	v, err := c.Get(t.Context(), key, 0, b)
	if err != nil {
		t.Fatal(err)
	}
	return string(v)
}

func TestBuildsOnceForAll(t *testing.T) {
	c := newCache(t, Options{})
	var builds atomic.Int32
	started, release := make(chan struct{}), make(chan struct{})
	build := func(context.Context) ([]byte, error) {
		if builds.Add(1) == 1 {
			close(started)
		}
		<-release
		return []byte("v"), nil
	}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if v, err := c.Get(t.Context(), "k", 0, build); err != nil || string(v) != "v" {
				t.Errorf("got %q, %v", v, err)
			}
		})
	}
	<-started
	close(release)
	wg.Wait()
	if n := builds.Load(); n != 1 {
		t.Errorf("built %d times", n)
	}
	if v, ok := c.Peek("k"); !ok || string(v) != "v" {
		t.Errorf("L1 holds %q, %v", v, ok)
	}
}

// One caller goes away; the build must go on for the other, and end when that one goes too.
func TestOneCallerLeaves(t *testing.T) {
	c := newCache(t, Options{})
	started, release, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	build := func(ctx context.Context) ([]byte, error) {
		close(started)
		select {
		case <-release:
			return []byte("v"), nil
		case <-ctx.Done():
			close(ended)
			return nil, ctx.Err()
		}
	}
	first, cancelFirst := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { _, err := c.Get(first, "k", 0, build); gone <- err }()
	<-started
	second, cancelSecond := context.WithCancel(t.Context())
	waiting := make(chan error, 1)
	go func() { _, err := c.Get(second, "k", 0, nil); waiting <- err }() // joins, so its build is never called
	for waiters(c, "k") != 2 {
		runtime.Gosched()
	}
	cancelFirst()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Fatalf("the one who left got %v", err)
	}
	select {
	case <-ended:
		t.Fatal("the build ended with its first caller")
	case <-waiting:
		t.Fatal("the other was sent away too")
	default:
	}
	cancelSecond()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Fatalf("the last got %v", err)
	}
	<-ended
	if got := get(t, c, "k", text("new")); got != "new" {
		t.Errorf("a caller after all had left got %q", got)
	}
	close(release)
}

func waiters(c *Cache, key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[key]; f != nil {
		return f.waiters
	}
	return 0
}

// Whatever goes wrong in a build, its callers get an answer, and the next caller a new build.
func TestBuildFails(t *testing.T) {
	boom := errors.New("boom")
	for name, build := range map[string]Build{
		"error":           func(context.Context) ([]byte, error) { return []byte("half"), boom },
		"panic":           func(context.Context) ([]byte, error) { panic("secret 4711") },
		"goroutine ended": func(context.Context) ([]byte, error) { runtime.Goexit(); return nil, nil },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCache(t, Options{})
			v, err := c.Get(t.Context(), "k", 0, build)
			if err == nil || v != nil {
				t.Fatalf("got %q, %v", v, err)
			}
			if bytes.Contains([]byte(err.Error()), []byte("4711")) {
				t.Error("the error tells what the panic said")
			}
			if _, ok := c.Peek("k"); ok {
				t.Error("a failure was kept")
			}
			if got := get(t, c, "k", text("v")); got != "v" {
				t.Errorf("then got %q", got)
			}
		})
	}
}

func TestBounds(t *testing.T) {
	c := newCache(t, Options{Bytes: 100_000, MaxValue: 10_000})
	if got := get(t, c, "large", text(string(make([]byte, 10_001)))); len(got) != 10_001 {
		t.Errorf("the large value came with %d bytes", len(got))
	}
	if _, ok := c.Peek("large"); ok {
		t.Error("a value above the limit was kept")
	}
	for i := range 200 {
		get(t, c, fmt.Sprint(i), text(string(make([]byte, 5_000))))
	}
	c.near.CleanUp()
	if s := c.Status(); s.Bytes > 100_000 || s.Entries == 0 {
		t.Errorf("L1 holds %d bytes in %d entries", s.Bytes, s.Entries)
	}
}

func TestClosed(t *testing.T) {
	c, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		_, err := c.Get(context.Background(), "k", 0, func(ctx context.Context) ([]byte, error) {
			close(started)
			<-ctx.Done()
			return nil, ctx.Err()
		})
		done <- err
	}()
	<-started
	c.Close()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the waiting one got %v", err)
	}
	if _, err := c.Get(t.Context(), "k", 0, text("v")); !errors.Is(err, ErrClosed) {
		t.Errorf("a later one got %v", err)
	}
	goleak.VerifyNone(t, goleak.IgnoreCurrent())
}

// Random callers with random deadlines and failing builds: nobody hangs, nobody gets another key's bytes.
func TestManyCallers(t *testing.T) {
	c := newCache(t, Options{Bytes: 20_000})
	boom := errors.New("boom")
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 2_000 {
				key := fmt.Sprint((i*7 + w) % 60)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%5)*100*time.Microsecond+time.Microsecond)
				v, err := c.Get(ctx, key, 0, func(context.Context) ([]byte, error) {
					if i%11 == 0 {
						return nil, boom
					}
					return []byte(key), nil
				})
				cancel()
				switch {
				case err == nil && string(v) != key:
					t.Errorf("%s got %s", key, v)
				case err != nil && !errors.Is(err, boom) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled):
					t.Errorf("%s: %v", key, err)
				case errors.Is(err, context.Canceled):
					t.Errorf("%s: a build was cancelled under a caller that still waited", key)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkPeek(b *testing.B) {
	c, err := New(Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Get(b.Context(), "k", 0, text("v")); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.Peek("k")
	}
}
