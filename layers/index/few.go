package index

import (
	"slices"
	"sort"
)

// newestShare of a chunk's rows are listed as its newest. What panels ask most is of the last weeks, of events of years.
const newestShare = 16

// few are the rows of a chunk that questions ask for most, in order: a question for some of them reads no others.
type few struct {
	newest  []uint16 // all with Time ≥ since; about one in newestShare
	since   int32
	unusual []uint16 // all whose status is another than usual, which most have
	usual   uint8
}

// summarise lists the few of a chunk whose columns are there: 4 µs.
func (f *few) summarise(c *chunk) {
	if c.minTime < c.maxTime {
		f.since = newestSince(c.time)
		f.newest = chosen(len(c.time), func(i int) bool { return c.time[i] >= f.since })
	}
	if c.status == nil {
		return
	}
	var by [256]int
	for _, s := range c.status {
		by[s]++
	}
	for s, n := range by {
		if n > by[f.usual] {
			f.usual = uint8(s)
		}
	}
	f.unusual = chosen(len(c.status), func(i int) bool { return c.status[i] != f.usual })
}

// newestSince is a time that about one in newestShare has reached, by a sample of the rows: any time is right, this one
// makes the list short enough and far enough.
func newestSince(times []int32) int32 {
	const most = 128
	sample := make([]int32, 0, most)
	step := (len(times) + most - 1) / most
	for i := 0; i < len(times); i += step {
		sample = append(sample, times[i])
	}
	slices.Sort(sample)
	return sample[len(sample)-1-(len(sample)-1)/newestShare]
}

// chosen are the rows that hold; nil when they are so many that to list them saves nothing.
func chosen(n int, holds func(int) bool) []uint16 {
	var list [mostRows]uint16
	k := 0
	for i := range n {
		if holds(i) {
			list[k] = uint16(i)
			k++
		}
	}
	if k > n/4 {
		return nil
	}
	return append(make([]uint16, 0, k), list[:k]...)
}

// few are the rows of the span among which all are that the plan can choose; ok is false when no list tells.
func (p *plan) few(sp span) (rows []uint16, ok bool) {
	f := &sp.chunk.few
	if p.timed && f.newest != nil && p.From >= f.since {
		rows, ok = f.newest, true
	}
	if p.Statuses != 0 && f.unusual != nil && p.Statuses>>f.usual&1 == 0 && (!ok || len(f.unusual) < len(rows)) {
		rows, ok = f.unusual, true
	}
	lo := sort.Search(len(rows), func(i int) bool { return int(rows[i]) >= sp.lo })
	hi := lo + sort.Search(len(rows)-lo, func(i int) bool { return int(rows[lo+i]) >= sp.hi })
	return rows[lo:hi], ok
}

// recent is a time since when the chunks that list their newest rows list all; ok is false when none does.
func recent(spans []span) (since int32, ok bool) {
	for _, sp := range spans {
		if f := &sp.chunk.few; f.newest != nil && (!ok || f.since > since) {
			since, ok = f.since, true
		}
	}
	return since, ok
}
