package audit

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// maxMetered bounds the counters of a minute. What comes beyond is counted together.
const maxMetered = 10_000

// metered is what is counted together.
type metered struct {
	what         What
	actor, route string
}

type count struct{ requests, rows atomic.Int64 }

// meter counts what is not written one by one.
type meter struct{ now *atomic.Pointer[counts] }

type counts struct {
	by   sync.Map // metered → *count
	n    atomic.Int64
	from time.Time
}

func newMeter() meter {
	m := meter{now: new(atomic.Pointer[counts])}
	m.now.Store(&counts{from: time.Now()})
	return m
}

// Meter counts one request that shows nothing personal; it becomes a part of one row an actor, route and minute. It
// costs about 50 ns and never fails.
func (l *Log) Meter(what What, actor, route string, rows int) {
	l.meter.now.Load().add(metered{what, actor, route}, 1, int64(rows))
}

func (c *counts) add(key metered, requests, rows int64) {
	v, ok := c.by.Load(key)
	if !ok {
		if c.n.Load() >= maxMetered {
			key.actor, key.route = "many", "*"
		}
		var there bool
		if v, there = c.by.LoadOrStore(key, new(count)); !there {
			c.n.Add(1)
		}
	}
	n := v.(*count)
	n.requests.Add(requests)
	n.rows.Add(rows)
}

// flush writes the counters. What cannot be written is counted on.
func (l *Log) flush(ctx context.Context) {
	// A request that loaded the old counters just before may still add to them: so little is lost that it needs no lock.
	old := l.meter.now.Swap(&counts{from: time.Now()})
	var entries []Entry
	var keys []metered
	old.by.Range(func(k, v any) bool {
		key, n := k.(metered), v.(*count)
		e := Entry{
			Actor: key.actor, What: key.what, Subject: key.route, Rows: n.rows.Load(),
			Filter: fmt.Sprintf("requests=%d since=%s", n.requests.Load(), old.from.UTC().Format(time.RFC3339)),
		}
		entries, keys = append(entries, e.bounded()), append(keys, key)
		return true
	})
	for len(entries) > 0 {
		n := min(together, len(entries))
		writing, cancel := context.WithTimeout(ctx, writeTime)
		err := l.append(writing, entries[:n])
		cancel()
		if err != nil {
			slog.Error("the audit cannot be written; counting on", "deeds", len(entries), "error", err)
			break
		}
		entries, keys = entries[n:], keys[n:]
	}
	present := l.meter.now.Load()
	for _, key := range keys { // those that were not written
		v, _ := old.by.Load(key)
		n := v.(*count)
		present.add(key, n.requests.Load(), n.rows.Load())
	}
	if len(keys) > 0 {
		present.from = old.from
	}
}
