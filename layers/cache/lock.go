package cache

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// Both keys of a value have one hash tag, so that a cluster keeps them together and answers in order.
func (f *far) name(key string) string     { return f.o.Prefix + "{" + key + "}" }
func (f *far) lockName(key string) string { return f.o.Prefix + "lock:{" + key + "}" }

// release deletes a lock that is still one's own: it may have run out and be another's by now.
const release = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`

// Between two looks at another server's lock, at first and at most.
const (
	firstLook = 500 * time.Microsecond
	lastLook  = 20 * time.Millisecond
)

// turn waits for the value while another server makes it, and no longer than bound. Without a value it is one's turn
// to make it, because one has the lock, or Redis failed, or the other was too slow. A token has to be given back.
func (f *far) turn(ctx context.Context, key string, bound time.Duration) (value []byte, found bool, token string) {
	mine := rand.Text()
	waiting, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	// The first question is Redis's own affair; what follows belongs to the wait.
	a := f.claim(ctx, key, mine, 2*bound)
	if !a.taken {
		return a.value, a.found, a.token
	}
	f.waits.Add(1)
	began := time.Now()
	defer func() { f.waited.Add(int64(time.Since(began))) }()
	pause := time.NewTimer(firstLook)
	defer pause.Stop()
	for look := firstLook; a.taken; look = min(look*3/2, lastLook) {
		pause.Reset(look)
		select {
		case <-waiting.Done():
			a.taken = false
		case <-pause.C:
			a = f.claim(waiting, key, mine, 2*bound)
		}
	}
	if !a.found && !a.won && ctx.Err() == nil {
		f.overdue.Add(1)
	}
	return a.value, a.found, a.token
}

// claimed is what came of asking for a lock.
type claimed struct {
	value []byte
	found bool   // the value is there, so nobody needs the lock
	won   bool   // one has the lock
	taken bool   // another has it
	token string // to give back: of a lock that one has, or may have without having been told
}

// claim asks for the lock and, after it, for the value, in one round trip: the value may have come since one looked.
func (f *far) claim(ctx context.Context, key, token string, ttl time.Duration) claimed {
	if !f.allowed() {
		return claimed{}
	}
	bounded, cancel := context.WithTimeout(ctx, f.o.Wait)
	defer cancel()
	pipe := f.client.Pipeline()
	lock := pipe.SetArgs(bounded, f.lockName(key), token, redis.SetArgs{Mode: "NX", TTL: ttl})
	stored := pipe.Get(bounded, f.name(key))
	_, err := pipe.Exec(bounded)
	var reply redis.Error
	if errors.As(err, &reply) {
		err = nil // each command's own answer tells
	}
	f.told(ctx, err)
	if err != nil {
		return claimed{token: token}
	}
	a := claimed{won: lock.Err() == nil, taken: errors.Is(lock.Err(), redis.Nil)} // neither: full or read-only
	if b, err := stored.Bytes(); err == nil {
		a.value, a.found = unseal(key, b) // a foreign one was counted when one looked first
	}
	if a.won {
		a.token = token
	}
	a.taken = a.taken && !a.found
	return a
}

// drop gives a lock back.
func (f *far) drop(ctx context.Context, key, token string) {
	if token == "" || !f.allowed() {
		return
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.o.Wait)
	defer cancel()
	err := f.client.Eval(bounded, release, []string{f.lockName(key)}, token).Err()
	var reply redis.Error
	if errors.As(err, &reply) { // read-only since, or no scripts there: it runs out by itself
		err = nil
	}
	f.told(ctx, err)
}
