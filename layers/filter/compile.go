package filter

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"onepicture/layers"
)

// truth is SQL's three-valued logic: a comparison with an unknown value is neither true nor false.
type truth int8

const (
	no      truth = -1
	unknown truth = 0
	yes     truth = 1
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// Predicate is the filter over index records, as SQL would decide it. Ages are full years on the civil date of today.
// It allocates nothing per call; a simple comparison takes a few nanoseconds.
func (f *Filter) Predicate(today time.Time) func(*layers.Record) bool {
	p := f.Parts(today)
	return p.Passes
}

func compile(n node, today time.Time) func(*layers.Record) truth {
	switch n := n.(type) {
	case andNode:
		tests := compileAll(n.list, today)
		return func(r *layers.Record) truth {
			least := yes
			for _, t := range tests {
				if least = min(least, t(r)); least == no {
					return no
				}
			}
			return least
		}
	case orNode:
		tests := compileAll(n.list, today)
		return func(r *layers.Record) truth {
			most := no
			for _, t := range tests {
				if most = max(most, t(r)); most == yes {
					return yes
				}
			}
			return most
		}
	case notNode:
		test := compile(n.of, today)
		return func(r *layers.Record) truth { return -test(r) }
	case leaf:
		return n.compile(today)
	}
	return func(*layers.Record) truth { return no }
}

func compileAll(list []node, today time.Time) []func(*layers.Record) truth {
	out := make([]func(*layers.Record) truth, len(list))
	for i, n := range list {
		out[i] = compile(n, today)
	}
	return out
}

func (l leaf) compile(today time.Time) func(*layers.Record) truth {
	switch l.column {
	case columnCare:
		var mask uint32
		for _, bit := range l.values {
			mask |= 1 << uint(bit)
		}
		if l.null {
			return func(*layers.Record) truth { return no }
		}
		return func(r *layers.Record) truth { return truthOf(r.Flags&mask != 0) }
	case columnAge:
		return l.age(today)
	case columnItem:
		// No item is null.
		test := l.test()
		if l.null {
			return func(r *layers.Record) truth { return truthOf(r.Item == 0) }
		}
		return func(r *layers.Record) truth {
			if r.Item == 0 {
				return unknown
			}
			return truthOf(test(int64(r.Item)))
		}
	}
	if l.null { // the other columns are never null
		return func(*layers.Record) truth { return no }
	}
	test := l.test()
	switch l.column {
	case columnClass:
		return func(r *layers.Record) truth { return truthOf(test(int64(r.Class))) }
	case columnStatus:
		return func(r *layers.Record) truth { return truthOf(test(int64(r.Status))) }
	case columnLevel:
		return func(r *layers.Record) truth { return truthOf(test(int64(r.Level))) }
	case columnChannel:
		return func(r *layers.Record) truth { return truthOf(test(int64(r.Flags & layers.ChannelMask))) }
	default:
		return func(r *layers.Record) truth { return truthOf(test(int64(r.Time))) }
	}
}

// age tests a person's age as ranges of birth dates: two comparisons.
func (l leaf) age(today time.Time) func(*layers.Record) truth {
	if l.null {
		return func(r *layers.Record) truth { return truthOf(r.Time == layers.NoTime) }
	}
	spans := l.births(today)
	return func(r *layers.Record) truth {
		if r.Time == layers.NoTime {
			return unknown
		}
		for _, s := range spans {
			if b := int64(r.Time); b >= s.from && b < s.to {
				return yes
			}
		}
		return no
	}
}

// span holds the birth dates in [from, to), in days since 1970.
type span struct{ from, to int64 }

// births turns a range or set of ages into ranges of birth dates, for the predicate and for SQL alike: both decide by
// the same dates, and PostgreSQL can use an index on them. Who is not born yet is younger than 0.
func (l leaf) births(today time.Time) []span {
	between := func(youngest, next *int64) span {
		s := span{-1_000_000, 2_000_000} // from before our era until the year 7445
		if youngest != nil {             // at least that old: born on or before that birthday
			s.to = bornBy(today, *youngest) + 1
		}
		if next != nil { // not yet that old
			s.from = bornBy(today, *next) + 1
		}
		return s
	}
	if l.values == nil {
		return []span{between(l.from, l.to)}
	}
	var spans []span
	for _, v := range l.values {
		next := v + 1
		spans = append(spans, between(&v, &next))
	}
	return spans
}

// bornBy is the last birth date, in days since 1970, of those who are that many full years old today. PostgreSQL's
// date arithmetic is followed: a month's missing day becomes its last one.
func bornBy(today time.Time, years int64) int64 {
	y, m, d := today.Date()
	y -= int(min(max(years, -2000), 2000))
	last := time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return int64(layers.Days(time.Date(y, m, min(d, last), 0, 0, 0, 0, time.UTC)))
}

func day(since1970 int64) time.Time { return time.Unix(since1970*86400, 0).UTC() }

func (l leaf) test() func(int64) bool {
	switch {
	case l.from != nil && l.to != nil:
		from, to := *l.from, *l.to
		return func(v int64) bool { return v >= from && v < to }
	case l.from != nil:
		from := *l.from
		return func(v int64) bool { return v >= from }
	case l.to != nil:
		to := *l.to
		return func(v int64) bool { return v < to }
	case len(l.values) == 1:
		one := l.values[0]
		return func(v int64) bool { return v == one }
	}
	values := l.values
	return func(v int64) bool { _, ok := slices.BinarySearch(values, v); return ok }
}

// SQL is the filter as a condition over the kind's table, with values only as arguments, which are appended to args.
func (f *Filter) SQL(args *[]any, today time.Time) string {
	if f.All() {
		return "true"
	}
	return f.sql(f.root, args, today)
}

func (f *Filter) sql(n node, args *[]any, today time.Time) string {
	switch n := n.(type) {
	case andNode:
		return f.join(n.list, " and ", args, today)
	case orNode:
		return f.join(n.list, " or ", args, today)
	case notNode:
		return "not (" + f.sql(n.of, args, today) + ")"
	case leaf:
		return f.leafSQL(n, args, today)
	}
	return "false"
}

func (f *Filter) join(list []node, word string, args *[]any, today time.Time) string {
	parts := make([]string, len(list))
	for i, n := range list {
		parts[i] = "(" + f.sql(n, args, today) + ")"
	}
	return strings.Join(parts, word)
}

func (f *Filter) leafSQL(l leaf, args *[]any, today time.Time) string {
	arg := func(v any) string {
		*args = append(*args, v)
		return fmt.Sprintf("$%d", len(*args))
	}
	var expression string
	switch l.column {
	case columnCare:
		var mask int32
		for _, bit := range l.values {
			mask |= 1 << uint(bit)
		}
		if l.null {
			return "care is null"
		}
		return "care & " + arg(mask) + "::int4 <> 0"
	case columnAge:
		if l.null {
			return "birth is null"
		}
		var parts []string
		for _, s := range l.births(today) {
			parts = append(parts, "birth >= "+arg(day(s.from))+"::date and birth < "+arg(day(s.to))+"::date")
		}
		return strings.Join(parts, " or ")
	case columnTime:
		expression = "floor(extract(epoch from reported_at) / 60)"
	case columnStatus:
		expression = "status"
		if f.kind == layers.KindPerson {
			expression = "gender"
		}
	default:
		expression = map[column]string{columnClass: "class", columnItem: "item_id", columnLevel: "level", columnChannel: "channel"}[l.column]
	}
	switch {
	case l.null:
		return expression + " is null"
	case l.values != nil:
		return expression + " = any(" + arg(l.values) + "::int8[])"
	}
	var parts []string
	if l.from != nil {
		parts = append(parts, expression+" >= "+arg(*l.from)+"::int8")
	}
	if l.to != nil {
		parts = append(parts, expression+" < "+arg(*l.to)+"::int8")
	}
	return strings.Join(parts, " and ")
}
