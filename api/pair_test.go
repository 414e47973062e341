package api

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/cache"
	"onepicture/private"
)

// pair are servers on one database and one Redis that comes and goes.
type pair struct {
	t       *testing.T
	mu      sync.Mutex // of all below
	servers []*town
	redis   *private.Redis
	address string // of Redis, also while it is away
	folder  string
	done    int // steps of all clients
	seen    []sight
	ids     []int64 // of events that were made
	refused int
}

// sight is what a client saw of a tile, and the position that the server said it was of.
type sight struct {
	tile   geo.Tile
	server int
	at     layers.Position
	ids    []int64
}

func newPair(t *testing.T) *pair {
	t.Helper()
	dir, err := os.MkdirTemp("", "onepicture-pair-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // Redis runs as another user
		t.Fatal(err)
	}
	p := &pair{t: t, folder: filepath.Join(dir, "r")}
	p.redisOn(true)
	t.Cleanup(func() { p.redisOn(false) })
	first := newTown(t, p.cached)
	p.servers = []*town{first, openTown(t, first.pool, p.cached)}
	return p
}

// cached gives a server a cache of its own over the common Redis.
func (p *pair) cached(o *Options) {
	client, err := cache.OpenRedis(p.address)
	if err != nil {
		p.t.Fatal(err)
	}
	c, err := cache.New(cache.Options{Redis: client, Bytes: 64 << 10, Pause: 20 * time.Millisecond})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { c.Close(); _ = client.Close() })
	o.Cache = c
}

func (p *pair) redisOn(on bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if !on && p.redis != nil {
		if err := p.redis.Stop(ctx); err != nil {
			p.t.Error(err)
		}
		p.redis = nil
	}
	if on && p.redis == nil {
		var err error
		if p.redis, err = private.StartRedis(ctx, p.folder, 64); err != nil {
			p.t.Error(err)
			return
		}
		p.address = p.redis.URL()
	}
}

func (p *pair) flush() {
	client, err := cache.OpenRedis(p.address)
	if err != nil {
		p.t.Error(err)
		return
	}
	defer client.Close()
	if err := client.FlushAll(context.Background()).Err(); err != nil {
		p.t.Error(err)
	}
}

// tick counts the steps and lets happen to Redis what happens.
func (p *pair) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	switch p.done {
	case 150, 300, 700, 850:
		p.flush()
	case 400:
		p.redisOn(false)
	case 600:
		p.redisOn(true)
	}
}
