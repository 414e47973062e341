package cache

import (
	"sync"
	"time"
)

// Group names values that take about as long to make, such as the tiles of one zoom. What is learnt of one group's
// time says nothing of another's.
type Group uint8

// Bounds of an estimate: below the least, a question to Redis costs more than it saves.
const (
	leastBound = 2 * time.Millisecond
	mostBound  = time.Second
)

// estimate learns how long making a value takes at most, as TCP learns when an answer is late (RFC 6298, section 2:
// smoothed mean and four times the smoothed deviation, with its factors 1/8 and 1/4).
type estimate struct {
	mu              sync.Mutex
	known           bool
	mean, deviation time.Duration
}

func (e *estimate) learn(took time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.known {
		e.known, e.mean, e.deviation = true, took, took/2
		return
	}
	e.deviation += ((took - e.mean).Abs() - e.deviation) / 4
	e.mean += (took - e.mean) / 8
}

// bound is the longest time that another server's making is worth; unknown while nothing has been learnt.
func (e *estimate) bound(unknown time.Duration) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.known {
		return unknown
	}
	return min(max(e.mean+4*e.deviation, leastBound), mostBound)
}
