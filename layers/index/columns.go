// Package index is the columnar index in memory: one table a kind, sorted by Morton key, from which counts, cells,
// scans and versions are answered. Readers take an immutable Snapshot; one writer applies changes.
package index

import (
	"cmp"
	"slices"
	"sort"

	"onepicture/geo"
	"onepicture/layers"
)

// blockRows is how many rows share one summary; a power of two.
const blockRows = 1024

// columns are rows of one kind sorted by (key, id), column by column: 54 B a row, summaries included.
type columns struct {
	key    []geo.Key
	id     []int64
	place  []layers.PlaceID
	class  []uint16
	item   []uint16
	status []uint8
	level  []uint8
	flags  []uint32
	time   []int32
	due    []int32
	layers []uint64 // bits of the thematic layers
	pos    []layers.Position
	blocks []summary
	byID   []uint32 // rows ordered by id
}

// summary tells of a block of rows what lets a scan skip it or take it whole.
type summary struct {
	any, all uint64 // layer bits of some row, of every row
	from, to int32  // least and greatest time
	newest   layers.Position
}

// Row is one record with what the index knows beside it.
type Row struct {
	layers.Record
	Layers   uint64
	Position layers.Position
}

func (c *columns) len() int { return len(c.key) }

func (c *columns) record(i int) layers.Record {
	return layers.Record{
		ID: c.id[i], Key: c.key[i], Place: c.place[i], Class: c.class[i], Item: c.item[i], Status: c.status[i],
		Level: c.level[i], Flags: c.flags[i], Time: c.time[i], Due: c.due[i],
	}
}

func (c *columns) row(i int) Row {
	return Row{Record: c.record(i), Layers: c.layers[i], Position: c.pos[i]}
}

// grow makes room for n more rows at once.
func (c *columns) grow(n int) {
	c.key, c.id, c.place = slices.Grow(c.key, n), slices.Grow(c.id, n), slices.Grow(c.place, n)
	c.class, c.item = slices.Grow(c.class, n), slices.Grow(c.item, n)
	c.status, c.level = slices.Grow(c.status, n), slices.Grow(c.level, n)
	c.flags, c.time, c.due = slices.Grow(c.flags, n), slices.Grow(c.time, n), slices.Grow(c.due, n)
	c.layers, c.pos = slices.Grow(c.layers, n), slices.Grow(c.pos, n)
}

func (c *columns) push(r *Row) {
	c.key, c.id, c.place = append(c.key, r.Key), append(c.id, r.ID), append(c.place, r.Place)
	c.class, c.item = append(c.class, r.Class), append(c.item, r.Item)
	c.status, c.level = append(c.status, r.Status), append(c.level, r.Level)
	c.flags, c.time, c.due = append(c.flags, r.Flags), append(c.time, r.Time), append(c.due, r.Due)
	c.layers, c.pos = append(c.layers, r.Layers), append(c.pos, r.Position)
}

// copyRange appends the rows [i, j) of another table.
func (c *columns) copyRange(o *columns, i, j int) {
	c.key, c.id, c.place = append(c.key, o.key[i:j]...), append(c.id, o.id[i:j]...), append(c.place, o.place[i:j]...)
	c.class, c.item = append(c.class, o.class[i:j]...), append(c.item, o.item[i:j]...)
	c.status, c.level = append(c.status, o.status[i:j]...), append(c.level, o.level[i:j]...)
	c.flags, c.time, c.due = append(c.flags, o.flags[i:j]...), append(c.time, o.time[i:j]...), append(c.due, o.due[i:j]...)
	c.layers, c.pos = append(c.layers, o.layers[i:j]...), append(c.pos, o.pos[i:j]...)
}

// sortByKey orders rows that were pushed in any order; it needs 16 B a row beside them for a moment.
func (c *columns) sortByKey() {
	type pair struct {
		key geo.Key
		row uint32
	}
	pairs := make([]pair, c.len())
	for i, k := range c.key {
		pairs[i] = pair{k, uint32(i)}
	}
	byKey := func(a, b pair) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		return cmp.Compare(c.id[a.row], c.id[b.row])
	}
	if half := len(pairs) / 2; half > 1<<16 { // two cores where it pays
		done := make(chan struct{})
		go func() { slices.SortFunc(pairs[:half], byKey); close(done) }()
		slices.SortFunc(pairs[half:], byKey)
		<-done
		pairs = mergePairs(pairs[:half], pairs[half:], byKey)
	} else {
		slices.SortFunc(pairs, byKey)
	}
	order := make([]uint32, len(pairs))
	for i, p := range pairs {
		order[i] = p.row
	}
	c.key, c.id, c.place = take(c.key, order), take(c.id, order), take(c.place, order)
	c.class, c.item = take(c.class, order), take(c.item, order)
	c.status, c.level = take(c.status, order), take(c.level, order)
	c.flags, c.time, c.due = take(c.flags, order), take(c.time, order), take(c.due, order)
	c.layers, c.pos = take(c.layers, order), take(c.pos, order)
}

func mergePairs[T any](a, b []T, less func(a, b T) int) []T {
	out := make([]T, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if less(b[0], a[0]) < 0 {
			out, b = append(out, b[0]), b[1:]
		} else {
			out, a = append(out, a[0]), a[1:]
		}
	}
	return append(append(out, a...), b...)
}

func take[T any](from []T, order []uint32) []T {
	out := make([]T, len(order))
	for i, j := range order {
		out[i] = from[j]
	}
	return out
}

// finish computes the summaries and the order by id, after which the columns are never changed.
func (c *columns) finish() {
	n := c.len()
	c.blocks = make([]summary, (n+blockRows-1)/blockRows)
	for b := range c.blocks {
		i, j := b*blockRows, min(n, (b+1)*blockRows)
		s := summary{all: ^uint64(0), from: c.time[i], to: c.time[i]}
		for ; i < j; i++ {
			s.any |= c.layers[i]
			s.all &= c.layers[i]
			s.from, s.to = min(s.from, c.time[i]), max(s.to, c.time[i])
			s.newest = max(s.newest, c.pos[i])
		}
		c.blocks[b] = s
	}
	c.byID = make([]uint32, n)
	for i := range c.byID {
		c.byID[i] = uint32(i)
	}
	slices.SortFunc(c.byID, func(a, b uint32) int { return cmp.Compare(c.id[a], c.id[b]) })
}

// find is the row of an id, or -1. O(log n).
func (c *columns) find(id int64) int {
	i := sort.Search(len(c.byID), func(i int) bool { return c.id[c.byID[i]] >= id })
	if i < len(c.byID) && c.id[c.byID[i]] == id {
		return int(c.byID[i])
	}
	return -1
}

// span are the rows whose keys lie in the inclusive range.
func (c *columns) span(lo, hi geo.Key) (i, j int) {
	i = sort.Search(len(c.key), func(i int) bool { return c.key[i] >= lo })
	j = i + sort.Search(len(c.key)-i, func(k int) bool { return c.key[i+k] > hi })
	return i, j
}

// bytes is the memory of the columns.
func (c *columns) bytes() int64 {
	return int64(cap(c.key))*54 + int64(len(c.blocks))*32
}
