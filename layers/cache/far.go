package cache

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// A value in Redis begins with this mark and a CRC-32C (Castagnoli, RFC 3720) over key and bytes, so that foreign,
// truncated or misplaced values are taken for absent.
const (
	mark   = "1pc1"
	header = len(mark) + crc32.Size
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(key string, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(append([]byte(key), 0), castagnoli), castagnoli, value)
}

func seal(key string, value []byte) []byte {
	b := make([]byte, 0, header+len(value))
	b = append(b, mark...)
	b = binary.BigEndian.AppendUint32(b, checksum(key, value))
	return append(b, value...)
}

func unseal(key string, b []byte) ([]byte, bool) {
	if len(b) < header || string(b[:len(mark)]) != mark {
		return nil, false
	}
	value := b[header:]
	return value, binary.BigEndian.Uint32(b[len(mark):]) == checksum(key, value)
}

// far is Redis behind a bounded wait and a breaker.
type far struct {
	o       Options
	client  redis.UniversalClient
	fails   atomic.Int64 // in a row
	until   atomic.Int64 // the breaker is open until then, Unix nanoseconds; 0: closed
	refused atomic.Uint64
	foreign atomic.Uint64
	waits   atomic.Uint64 // for another server's making
	overdue atomic.Uint64 // of them in vain
	waited  atomic.Int64  // in all, nanoseconds
	mu      sync.Mutex
	detail  string
}

func newFar(o Options) *far { return &far{o: o, client: o.Redis} }

// allowed lets everybody through while the breaker is closed and one at a time after each pause.
func (f *far) allowed() bool {
	until := f.until.Load()
	if until == 0 {
		return true
	}
	now := time.Now().UnixNano()
	return now > until && f.until.CompareAndSwap(until, now+int64(f.o.Pause))
}

// told notes how Redis did. An end of the caller's own context says nothing about Redis.
func (f *far) told(caller context.Context, err error) {
	switch {
	case err == nil || errors.Is(err, redis.Nil):
		f.fails.Store(0)
		f.until.Store(0)
	case caller.Err() != nil:
	default:
		if f.fails.Add(1) >= int64(f.o.Failures) {
			f.until.Store(time.Now().UnixNano() + int64(f.o.Pause))
		}
		detail := "it does not answer"
		var reply redis.Error
		if errors.As(err, &reply) {
			detail = "it answers with an error"
		}
		f.mu.Lock()
		f.detail = detail
		f.mu.Unlock()
	}
}

// get looks for a value; answered tells that Redis is there.
func (f *far) get(ctx context.Context, key string) (value []byte, found, answered bool) {
	if !f.allowed() {
		return nil, false, false
	}
	bounded, cancel := context.WithTimeout(ctx, f.o.Wait)
	defer cancel()
	b, err := f.client.Get(bounded, f.name(key)).Bytes()
	if redis.HasErrorPrefix(err, "WRONGTYPE") { // not even a string
		f.foreign.Add(1)
		f.told(ctx, nil)
		return nil, false, true
	}
	f.told(ctx, err)
	if err != nil {
		return nil, false, errors.Is(err, redis.Nil)
	}
	if value, found = unseal(key, b); !found {
		f.foreign.Add(1)
	}
	return value, found, true
}

// put stores the value and then gives the lock back, if there is one, in one round trip.
func (f *far) put(ctx context.Context, key string, value []byte, token string) {
	if !f.allowed() {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, f.o.Wait)
	defer cancel()
	pipe := f.client.Pipeline()
	set := pipe.Set(bounded, f.name(key), seal(key, value), f.o.TTL)
	if token != "" {
		pipe.Eval(bounded, release, []string{f.lockName(key)}, token)
	}
	_, err := pipe.Exec(bounded)
	var reply redis.Error
	if errors.As(set.Err(), &reply) { // full or read-only: it still serves reads
		f.refused.Add(1)
	}
	if errors.As(err, &reply) {
		err = nil
	}
	f.told(ctx, err)
}

func (f *far) check(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, f.o.Wait)
	defer cancel()
	f.told(ctx, f.client.Ping(bounded).Err())
}

func (f *far) status(s *Status) {
	s.Redis, s.Refused, s.Foreign = StateOK, f.refused.Load(), f.foreign.Load()
	s.Waits, s.Overdue, s.Waited = f.waits.Load(), f.overdue.Load(), time.Duration(f.waited.Load())
	s.Open = f.until.Load() != 0
	if f.fails.Load() > 0 {
		s.Redis = StateAway
		f.mu.Lock()
		s.RedisDetail = f.detail
		f.mu.Unlock()
	}
}
