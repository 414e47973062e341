package filter

import (
	"math"
	"time"

	"onepicture/layers"
)

// span is lo ≤ x < hi in the unit of a column: a number, minutes since 1970 (reported_at), days since 1970 (birth).
type span struct{ lo, hi int64 }

const (
	lowest  = math.MinInt64
	highest = math.MaxInt64
)

// spans are the values of an ordered property that a comparison asks for; negated: all others that are not null.
func (n *node) spans(now time.Time) (list []span, negated bool) {
	var v []span
	for _, x := range n.values {
		v = append(v, x.span(now.Location()))
	}
	switch n.op {
	case opEq, opNe:
		list, negated = v[:1], n.op == opNe
	case opLt:
		list = []span{{lowest, v[0].lo}}
	case opLe:
		list = []span{{lowest, v[0].hi}}
	case opGt:
		list = []span{{v[0].hi, highest}}
	case opGe:
		list = []span{{v[0].lo, highest}}
	case opBetween, opNotBetween:
		list, negated = []span{{v[0].lo, v[1].hi}}, n.op == opNotBetween
	case opIn, opNotIn:
		list, negated = v, n.op == opNotIn
	}
	if n.prop.sort == sortAge {
		for i, s := range list {
			list[i] = births(s, now)
		}
	}
	return list, negated
}

// span is the range of whole units that equal the literal: a whole day for a date, none for a fraction.
func (v value) span(zone *time.Location) span {
	switch v.kind {
	case valDate:
		y, m, d := v.time.Date()
		return span{
			minutesUp(time.Date(y, m, d, 0, 0, 0, 0, zone)),
			minutesUp(time.Date(y, m, d+1, 0, 0, 0, 0, zone)),
		}
	case valInstant:
		return span{minutesUp(v.time), minutesDown(v.time) + 1}
	}
	const most = 1 << 52 // beyond every column, and exact
	x := min(max(v.number, -most), most)
	return span{int64(math.Ceil(x)), int64(math.Floor(x)) + 1}
}

func minutesDown(t time.Time) int64 {
	s := t.Unix()
	if s < 0 {
		s -= 59
	}
	return s / 60
}

func minutesUp(t time.Time) int64 {
	m := minutesDown(t)
	if t.After(time.Unix(m*60, 0)) {
		m++
	}
	return m
}

// births is the range of birth days of those whose age at the civil date of now is in the range of years. Somebody
// born on 29 February completes a year on 1 March of common years (as PostgreSQL's age() counts).
func births(ages span, now time.Time) span {
	var s span
	s.lo, s.hi = lowest, highest
	if ages.hi != highest {
		s.lo = lastBirth(ages.hi, now) + 1
	}
	if ages.lo != lowest {
		s.hi = lastBirth(ages.lo, now) + 1
	}
	return s
}

// lastBirth is the latest birth day of those who have completed that many years.
func lastBirth(years int64, now time.Time) int64 {
	const most = 4000 // keeps within PostgreSQL's dates
	y, m, d := now.Date()
	y -= int(min(max(years, -most), most))
	day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	if day.Month() != m { // 29 February of a common year
		day = time.Date(y, m, d-1, 0, 0, 0, 0, time.UTC)
	}
	return int64(layers.Days(day))
}

// ids are what the codes of a comparison stand for; negated: all others that are not null.
func (n *node) ids() (list []uint16, negated bool) {
	for _, v := range n.values {
		list = append(list, v.ids...)
	}
	return list, n.op == opNe || n.op == opNotIn
}

// truths tells which answers pass.
func (n *node) truths() (yes, no bool) {
	for _, v := range n.values {
		yes, no = yes || v.truth, no || !v.truth
	}
	if n.op == opNe || n.op == opNotIn {
		return !yes, !no
	}
	return yes, no
}
