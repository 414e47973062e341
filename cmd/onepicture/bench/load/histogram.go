package load

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// Histogram counts durations in buckets whose width is at most 1/64 of their value, from 1 µs on (the layout of
// HdrHistogram, https://hdrhistogram.org). Its zero value is empty. It is safe for concurrent use and takes 18 KB.
type Histogram struct {
	counts [buckets]atomic.Int64
	n      atomic.Int64
	most   atomic.Int64 // µs
}

const (
	exact   = 128                       // so many microseconds have a bucket each
	half    = exact / 2                 // buckets of each further power of two
	buckets = half*(longest-7) + 2*half // the last bucket holds what is longer too
	longest = 36                        // bits of the longest duration in µs: 19 hours
)

func bucketOf(us uint64) int {
	if us < exact {
		return int(us)
	}
	e := bits.Len64(us) - 7
	return min(half*e+int(us>>e), buckets-1)
}

// upTo is the longest duration of a bucket, in µs.
func upTo(bucket int) int64 {
	if bucket < exact {
		return int64(bucket)
	}
	e := bucket/half - 1
	return int64(bucket-half*e+1)<<e - 1
}

// Add counts a duration; a negative one counts as zero.
func (h *Histogram) Add(d time.Duration) {
	us := max(d.Microseconds(), 0)
	h.counts[bucketOf(uint64(us))].Add(1)
	h.n.Add(1)
	for {
		old := h.most.Load()
		if us <= old || h.most.CompareAndSwap(old, us) {
			return
		}
	}
}

// Merge adds everything that another one holds.
func (h *Histogram) Merge(other *Histogram) {
	for i := range other.counts {
		if c := other.counts[i].Load(); c > 0 {
			h.counts[i].Add(c)
		}
	}
	h.n.Add(other.n.Load())
	h.most.Store(max(h.most.Load(), other.most.Load()))
}

// N is how many durations were counted.
func (h *Histogram) N() int64 { return h.n.Load() }

// Max is the longest duration, to the microsecond.
func (h *Histogram) Max() time.Duration { return time.Duration(h.most.Load()) * time.Microsecond }

// Quantile is the duration that a part (0…1) of the counted ones do not exceed, at most 1/64 too long; 0 when empty.
func (h *Histogram) Quantile(part float64) time.Duration {
	n := h.n.Load()
	if n == 0 {
		return 0
	}
	rank := max(int64(math.Ceil(part*float64(n))), 1)
	for i := range h.counts {
		if rank -= h.counts[i].Load(); rank <= 0 && i < buckets-1 {
			return time.Duration(min(upTo(i), h.most.Load())) * time.Microsecond
		}
	}
	return h.Max()
}
