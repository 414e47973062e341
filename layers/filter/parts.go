package filter

import (
	"math"
	"time"

	"onepicture/layers"
)

// Parts is a filter taken apart: all of its conditions must hold. Those on time, status and class can be tested in a
// column alone, at some nanoseconds a feature; Rest takes whole records.
type Parts struct {
	From, Last int32                     // From ≤ Time ≤ Last
	Statuses   uint16                    // bit by Record.Status
	Classes    []bool                    // by Record.Class, false beyond its end; nil: any
	Rest       func(*layers.Record) bool // nil: nothing else; called from several goroutines
}

// Any are parts that everything passes.
var Any = Parts{From: math.MinInt32, Last: math.MaxInt32, Statuses: ^uint16(0)}

// Parts takes the filter apart.
func (f *Filter) Parts(today time.Time) Parts {
	out := Any
	if f.All() {
		return out
	}
	list := []node{f.root}
	if and, ok := f.root.(andNode); ok {
		list = and.list
	}
	var rest []node
	for _, n := range list {
		if l, ok := n.(leaf); !ok || !out.take(l, today) {
			rest = append(rest, n)
		}
	}
	switch len(rest) {
	case 0:
		return out
	case 1:
		test := compile(rest[0], today)
		out.Rest = func(r *layers.Record) bool { return test(r) == yes }
	default:
		test := compile(andNode{rest}, today)
		out.Rest = func(r *layers.Record) bool { return test(r) == yes }
	}
	return out
}

// open are the statuses in which somebody must still handle an event.
const open = ^uint16(1<<layers.StatusClose | 1<<layers.StatusVoid)

// Past are the parts as of a moment that is past, of events that were open then: what their status is now says nothing of
// then, so that condition is left out. Where it asks for more than whether they are open, nobody knows, and nothing passes.
func (p Parts) Past() Parts {
	known := uint16(1)<<len(layers.Statuses) - 1
	if p.Statuses&open&known == open&known {
		p.Statuses = Any.Statuses
	} else {
		p.Statuses = 0
	}
	return p
}

// take notes a condition when a column alone decides it.
func (p *Parts) take(l leaf, today time.Time) bool {
	if l.null {
		return false
	}
	switch l.column {
	case columnAge:
		spans := l.births(today)
		if len(spans) != 1 {
			return false
		}
		p.during(spans[0].from, spans[0].to) // who has no birth date is before all of them
	case columnTime:
		if l.values != nil {
			return false
		}
		from, to := int64(math.MinInt32), int64(math.MaxInt32)+1
		if l.from != nil {
			from = *l.from
		}
		if l.to != nil {
			to = *l.to
		}
		p.during(from, to)
	case columnStatus:
		test, mask := l.test(), uint16(0)
		for i := range 16 {
			if test(int64(i)) {
				mask |= 1 << i
			}
		}
		p.Statuses &= mask
	case columnClass:
		if l.values == nil || p.Classes != nil {
			return false
		}
		p.Classes = []bool{}
		for _, v := range l.values {
			for int(v) >= len(p.Classes) {
				p.Classes = append(p.Classes, false)
			}
			p.Classes[v] = true
		}
	default:
		return false
	}
	return true
}

// during narrows the time to from ≤ Time < to.
func (p *Parts) during(from, to int64) {
	p.From = int32(min(max(from, int64(p.From)), math.MaxInt32))
	p.Last = int32(max(min(to-1, int64(p.Last)), math.MinInt32))
	if from > math.MaxInt32 || to <= math.MinInt32 {
		p.From, p.Last = math.MaxInt32, math.MinInt32
	}
}

// Passes tells whether a record passes all parts.
func (p *Parts) Passes(r *layers.Record) bool {
	return r.Time >= p.From && r.Time <= p.Last && p.Statuses>>r.Status&1 == 1 &&
		(p.Classes == nil || int(r.Class) < len(p.Classes) && p.Classes[r.Class]) && (p.Rest == nil || p.Rest(r))
}
