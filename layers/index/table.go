package index

import (
	"slices"
	"sort"

	"onepicture/geo"
	"onepicture/layers"
)

// table holds all features of one kind: chunks in the order of their spots, found by the first spot of each. It is
// immutable. A change copies the few chunks that it touches and the list of chunks, so there is no second structure
// of recent changes beside it that every query would have to look into, and nothing to merge.
type table struct {
	rows     int
	first    []spot
	chunks   []*chunk
	ids      *idIndex
	shapes   []shape
	tallies  []*tally // by place
	versions *versions
	classes  int // one more than the largest class
}

func newTable() *table { return &table{ids: &idIndex{}, versions: newVersions(0)} }

// chunkOf is the chunk that holds s if any does.
func (t *table) chunkOf(s spot) int {
	return max(0, sort.Search(len(t.first), func(i int) bool { return s.before(t.first[i]) })-1)
}

func (t *table) find(id int64) (Row, bool) {
	key, ok := t.ids.find(id)
	if !ok {
		return Row{}, false
	}
	s := spot{key, id}
	c := t.chunks[t.chunkOf(s)]
	return c.row(c.search(s)), true
}

// span is a part of one chunk. Exact: its rows must still be tested against the polygon.
type span struct {
	chunk  *chunk
	lo, hi int
	exact  bool
}

// spans appends the parts of the chunks that hold keys in lo…hi, both included.
func (t *table) spans(out []span, lo, hi geo.Key, exact bool) []span {
	from := max(0, sort.Search(len(t.first), func(i int) bool { return t.first[i].key >= lo })-1)
	for i := from; i < len(t.first) && t.first[i].key <= hi; i++ {
		c := t.chunks[i]
		a, b := 0, c.len()
		if c.key[0] < lo {
			a = c.searchKey(lo)
		}
		if c.key[b-1] > hi {
			b = c.searchKey(hi + 1)
		}
		if a < b {
			out = append(out, span{c, a, b, exact})
		}
	}
	return out
}

func (t *table) whole() []span {
	out := make([]span, len(t.chunks))
	for i, c := range t.chunks {
		out[i] = span{chunk: c, hi: c.len()}
	}
	return out
}

func (t *table) bytes() int {
	n := 24*cap(t.first) + t.ids.bytes() + shapeBytes*cap(t.shapes) + t.versions.bytes()
	for _, c := range t.chunks {
		n += c.bytes()
	}
	for _, y := range t.tallies {
		n += y.bytes()
	}
	return n
}

// slot is the number of a kind's table; -1: kinds without one.
func slot(k layers.Kind) int {
	for i, other := range layers.Kinds {
		if k == other {
			return i
		}
	}
	return -1
}

// cutter turns rows in order into chunks.
type cutter struct {
	first  []spot
	chunks []*chunk
	rows   []Row // not cut yet
}

func (c *cutter) keep(first []spot, chunks []*chunk) {
	c.first = append(c.first, first...)
	c.chunks = append(c.chunks, chunks...)
}

// flush cuts all that has gathered into chunks.
func (c *cutter) flush() { c.spill(0) }

// spill cuts chunks off until no more than so many rows are left.
func (c *cutter) spill(left int) {
	rest := c.rows
	for len(rest) > left {
		n := cutAt(rest)
		c.first = append(c.first, rest[0].spot())
		c.chunks = append(c.chunks, newChunk(rest[:n]))
		rest = rest[n:]
	}
	c.rows = c.rows[:copy(c.rows, rest)]
}

// cutAt is how many rows the next chunk takes: about chunkRows, and so that it ends where the largest square does. Then
// many chunks lie in one cell of a tile, and few reach over the border of a town.
func cutAt(rows []Row) int {
	if len(rows) <= uncutRows {
		return len(rows)
	}
	best, widest := 0, geo.Key(0)
	for i := chunkRows / 2; i <= min(uncutRows, len(rows)-leastRows); i++ {
		if step := rows[i-1].Key ^ rows[i].Key; step > widest || best == 0 {
			best, widest = i, step
		}
	}
	return best
}

// rowChange puts a row at its spot, or removes what is there.
type rowChange struct {
	spot
	row *Row // nil: remove
}

// with applies changes of different spots to the rows.
func (t *table) with(changes []rowChange) (first []spot, chunks []*chunk) {
	slices.SortFunc(changes, func(a, b rowChange) int { return a.compare(b.spot) })
	out := cutter{
		first: make([]spot, 0, len(t.first)+4), chunks: make([]*chunk, 0, len(t.chunks)+4),
		rows: make([]Row, 0, mostRows+leastRows),
	}
	next := 0
	for len(changes) > 0 {
		at := t.chunkOf(changes[0].spot)
		if len(out.rows) > 0 {
			at = next // a small rest waits to be joined to the next chunk
		}
		out.keep(t.first[next:at], t.chunks[next:at])
		n := len(changes)
		if at+1 < len(t.first) {
			n = sort.Search(n, func(i int) bool { return !changes[i].before(t.first[at+1]) })
		}
		old := &chunk{}
		if at < len(t.chunks) {
			old = t.chunks[at]
		}
		p := patchOf(old, changes[:n])
		changes = changes[n:]
		next = min(at+1, len(t.chunks))
		if len(out.rows) == 0 && old.len() > 0 && p.n >= leastRows && p.n <= uncutRows {
			one := p.of(old)
			out.keep([]spot{{one.key[0], one.id[0]}}, []*chunk{one})
			continue
		}
		out.rows = p.rows(old, out.rows)
		if len(out.rows) >= leastRows || next == len(t.chunks) {
			out.flush()
		}
	}
	if len(out.rows) > 0 {
		out.rows = t.chunks[next].appendRows(out.rows, 0, t.chunks[next].len())
		next++
		out.flush()
	}
	out.keep(t.first[next:], t.chunks[next:])
	return out.first, out.chunks
}
