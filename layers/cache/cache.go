// Package cache keeps bytes by key: in this process (L1) over Redis (L2, optional), with one builder a key at a time.
// Keys carry the version of what they name, so nothing is ever invalidated: old keys age out.
package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/redis/go-redis/v9"
)

// Options of a cache. Zero values are replaced by the given defaults.
type Options struct {
	Bytes    uint64                // most that L1 may hold, keys and bookkeeping included; 128 MiB
	MaxValue int                   // larger values are handed on but not kept, bytes; 1 MiB
	Redis    redis.UniversalClient // nil: L1 only. The caller closes it, after Close
	Prefix   string                // of every key in Redis; "onepicture:"
	TTL      time.Duration         // of a value in Redis; one hour
	Wait     time.Duration         // longest wait for one answer of Redis; 50 ms
	Failures int                   // so many failures in a row open the breaker; 3
	Pause    time.Duration         // so long it stays open before one try; a second
	Patience time.Duration         // wait for another server's making of which nothing is known yet; 25 ms
}

func (o Options) withDefaults() Options {
	if o.Bytes == 0 {
		o.Bytes = 128 << 20
	}
	if o.MaxValue == 0 {
		o.MaxValue = 1 << 20
	}
	if o.Prefix == "" {
		o.Prefix = "onepicture:"
	}
	if o.TTL == 0 {
		o.TTL = time.Hour
	}
	if o.Wait == 0 {
		o.Wait = 50 * time.Millisecond
	}
	if o.Failures == 0 {
		o.Failures = 3
	}
	if o.Pause == 0 {
		o.Pause = time.Second
	}
	if o.Patience == 0 {
		o.Patience = 25 * time.Millisecond
	}
	return o
}

// entryBytes is what an entry of L1 costs beside its key and value: node, map slot, headers (estimate).
const entryBytes = 128

// Build makes the bytes of a key. Its context ends when nobody waits for them any more.
type Build func(ctx context.Context) ([]byte, error)

// Cache is safe for concurrent use.
type Cache struct {
	o       Options
	near    *otter.Cache[string, []byte]
	far     *far // nil: none
	mu      sync.Mutex
	flights map[string]*flight
	closed  bool
	running sync.WaitGroup
	hits    atomic.Uint64
	farHits atomic.Uint64
	builds  atomic.Uint64
	errors  atomic.Uint64
	times   [256]estimate // by Group
}

// New makes an empty cache.
func New(o Options) (*Cache, error) {
	o = o.withDefaults()
	near, err := otter.New(&otter.Options[string, []byte]{
		MaximumWeight: o.Bytes,
		Weigher:       func(k string, v []byte) uint32 { return uint32(len(k) + len(v) + entryBytes) },
	})
	if err != nil {
		return nil, fmt.Errorf("make cache: %w", err)
	}
	c := &Cache{o: o, near: near, flights: map[string]*flight{}}
	if o.Redis != nil {
		c.far = newFar(o)
	}
	return c, nil
}

// flight is one making of a value, shared by all who asked meanwhile.
type flight struct {
	done    chan struct{}
	value   []byte
	err     error
	waiters int
	cancel  context.CancelFunc
}

// ErrClosed says that the cache was closed.
var ErrClosed = errors.New("the cache is closed")

// Peek gives what L1 holds; it neither waits nor builds. The bytes must not be changed.
func (c *Cache) Peek(key string) ([]byte, bool) {
	v, ok := c.near.GetIfPresent(key)
	if ok {
		c.hits.Add(1)
	}
	return v, ok
}

// Get gives the bytes of a key from L1, else from Redis, else from build, which runs once however many ask, here or at
// other servers on the same Redis: while one of them builds, the rest wait for it, but never longer than builds of the
// group have been seen to take; then they build themselves. The bytes are shared and must not be changed. A caller
// whose ctx ends leaves without hindering the others; when the last one has left, the build's context ends. Errors and
// panics of build are given to all who wait here and never kept.
func (c *Cache) Get(ctx context.Context, key string, group Group, build Build) ([]byte, error) {
	if v, ok := c.Peek(key); ok {
		return v, nil
	}
	f, err := c.join(ctx, key, group, build)
	if err != nil {
		return nil, err
	}
	select {
	case <-f.done:
		c.leave(key, f)
		return f.value, f.err
	case <-ctx.Done():
		c.leave(key, f)
		return nil, ctx.Err()
	}
}

func (c *Cache) join(ctx context.Context, key string, group Group, build Build) (*flight, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f := c.flights[key]; f != nil {
		f.waiters++
		return f, nil
	}
	// The work belongs to all who wait, so it outlives the first one's context but keeps its values.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{done: make(chan struct{}), waiters: 1, cancel: cancel}
	c.flights[key] = f
	c.running.Add(1)
	go c.fly(work, key, group, f, build)
	return f, nil
}

func (c *Cache) leave(key string, f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.waiters--
	if f.waiters == 0 {
		f.cancel()
		c.forget(key, f)
	}
}

// forget lets the next one begin anew; c.mu is held.
func (c *Cache) forget(key string, f *flight) {
	if c.flights[key] == f {
		delete(c.flights, key)
	}
}

func (c *Cache) fly(ctx context.Context, key string, group Group, f *flight, build Build) {
	defer c.running.Done()
	built, token := c.fill(ctx, key, group, f, build)
	c.mu.Lock()
	c.forget(key, f)
	c.mu.Unlock()
	close(f.done)
	// What follows is done although the last waiter may have left meanwhile: others will ask for it.
	switch {
	case c.far == nil:
	case built && f.err == nil && len(f.value) <= c.o.MaxValue:
		c.far.put(context.WithoutCancel(ctx), key, f.value, token)
	default:
		c.far.drop(ctx, key, token)
	}
}

// fill makes the flight's value; built tells that it is not from Redis, token is the lock that it was made under.
// Whatever build does, it returns.
func (c *Cache) fill(ctx context.Context, key string, group Group, f *flight, build Build) (built bool, token string) {
	finished := make(chan struct{})
	go func() { // its own goroutine: a build may end it with runtime.Goexit
		defer close(finished)
		f.err = errors.New("build ended without an answer")
		defer func() {
			if p := recover(); p != nil {
				// Of the panic only its type: its text may quote a value.
				slog.ErrorContext(ctx, "a build panicked", "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
				f.value, f.err = nil, errors.New("build panicked")
			}
		}()
		if v, ok := c.near.GetIfPresent(key); ok { // made between our look and our take-off
			f.value, f.err = v, nil
			return
		}
		var found bool
		if f.value, found, token = c.ask(ctx, key, group); found {
			f.err = nil
			return
		}
		if f.err = ctx.Err(); f.err != nil {
			return // everybody has left
		}
		built = true
		c.builds.Add(1)
		f.err = errors.New("build ended without an answer")
		began := time.Now()
		if f.value, f.err = build(ctx); f.err == nil {
			c.times[group].learn(time.Since(began))
		}
	}()
	<-finished
	if f.err != nil {
		f.value = nil
		c.errors.Add(1)
	} else if len(f.value) <= c.o.MaxValue {
		c.near.Set(key, f.value)
	}
	return built, token
}

// ask looks in Redis; what is not there another server may be making.
func (c *Cache) ask(ctx context.Context, key string, group Group) (value []byte, found bool, token string) {
	if c.far == nil {
		return nil, false, ""
	}
	value, found, answered := c.far.get(ctx, key)
	if !found && answered {
		value, found, token = c.far.turn(ctx, key, c.times[group].bound(c.o.Patience))
	}
	if found {
		c.farHits.Add(1)
	}
	return value, found, token
}

// Close waits for the builds under way; Get fails from then on. What L1 holds is freed.
func (c *Cache) Close() {
	c.mu.Lock()
	c.closed = true
	for _, f := range c.flights {
		f.cancel()
	}
	c.mu.Unlock()
	c.running.Wait()
	c.near.InvalidateAll()
}

// Status is the cache at one moment; the counters run since its beginning.
type Status struct {
	Entries, Bytes uint64 // in L1
	Hits           uint64 // found in L1
	FarHits        uint64 // found in Redis
	Builds         uint64 // made
	Errors         uint64 // builds that failed
	Redis          State
	RedisDetail    string // the last trouble, while there is one; safe to show
	Refused        uint64 // values that Redis did not take: full, read-only
	Foreign        uint64 // values of Redis that were not ours, or damaged
	Open           bool   // the breaker: Redis is not asked but once each Options.Pause
	Waits          uint64 // for a value that another server was making
	Overdue        uint64 // of them those that ended without it: then it was made here too
	Waited         time.Duration
}

// State is what the cache knows of Redis.
type State string

// The states. An absent Redis costs speed only.
const (
	StateOff  State = "off"  // none configured
	StateOK   State = "ok"   // it answered the last time
	StateAway State = "away" // it did not; it is tried again each Options.Pause
)

// Status reads the counters.
func (c *Cache) Status() Status {
	s := Status{
		Entries: uint64(c.near.EstimatedSize()), Bytes: c.near.WeightedSize(), Hits: c.hits.Load(),
		FarHits: c.farHits.Load(), Builds: c.builds.Load(), Errors: c.errors.Load(), Redis: StateOff,
	}
	if c.far != nil {
		c.far.status(&s)
	}
	return s
}

// Check asks Redis for a sign of life and gives the status after it; at most Options.Wait.
func (c *Cache) Check(ctx context.Context) Status {
	if c.far != nil {
		c.far.check(ctx)
	}
	return c.Status()
}
