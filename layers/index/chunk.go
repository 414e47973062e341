package index

import (
	"cmp"
	"slices"
	"sort"
	"unsafe"

	"onepicture/geo"
	"onepicture/layers"
)

// Rows of a chunk. A change copies one chunk, a query skips or takes one whole: 1,024 rows are 45 KB and some three
// grids of a city. A chunk is cut in two when it has grown by more than half, and joined to its neighbour when small.
const (
	chunkRows = 1024
	uncutRows = chunkRows + chunkRows/2
	mostRows  = 2 * chunkRows
	leastRows = chunkRows / 4
)

// fewPlaces is how many different places a chunk's summary lists.
const fewPlaces = 12

// Row is what the index holds of one feature.
type Row struct {
	layers.Record
	Layers uint64 // bits of the thematic layers of its kind
}

// spot is a row's place in the order of a table: by key, then by id, because many people share one address.
type spot struct {
	key geo.Key
	id  int64
}

func (r *Row) spot() spot { return spot{r.Key, r.ID} }

func (a spot) before(b spot) bool { return a.key < b.key || a.key == b.key && a.id < b.id }

func (a spot) compare(b spot) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.id, b.id)) }

// chunk is a run of rows in columns, ordered by spot; immutable. A column that would hold only zeros is nil: people
// have no due time, sites no item.
type chunk struct {
	key        []geo.Key
	id         []int64
	layers     []uint64
	place      []layers.PlaceID
	time       []int32
	flags      []uint32
	due        []int32
	closed     []int32
	class      []uint16
	item       []uint16
	status     []uint8
	level      []uint8
	department []int16

	any, all         uint64 // layers that some row, that every row belongs to
	minTime, maxTime int32
	places           []layers.PlaceID // the different ones; nil: more than fewPlaces
	masses           []mass           // of the layers in any, by bit, and last of all rows
	few              few
}

func newChunk(rows []Row) *chunk {
	c := &chunk{
		key: make([]geo.Key, len(rows)), id: make([]int64, len(rows)),
		layers:     column(rows, func(r *Row) uint64 { return r.Layers }),
		place:      column(rows, func(r *Row) layers.PlaceID { return r.Place }),
		time:       column(rows, func(r *Row) int32 { return r.Time }),
		flags:      column(rows, func(r *Row) uint32 { return r.Flags }),
		due:        column(rows, func(r *Row) int32 { return r.Due }),
		closed:     column(rows, func(r *Row) int32 { return r.Closed }),
		class:      column(rows, func(r *Row) uint16 { return r.Class }),
		item:       column(rows, func(r *Row) uint16 { return r.Item }),
		status:     column(rows, func(r *Row) uint8 { return r.Status }),
		level:      column(rows, func(r *Row) uint8 { return r.Level }),
		department: column(rows, func(r *Row) int16 { return r.Department }),
	}
	for i := range rows {
		c.key[i], c.id[i] = rows[i].Key, rows[i].ID
	}
	c.summarise(weightsOf(rows))
	return c
}

func column[T comparable](rows []Row, of func(*Row) T) []T {
	var zero T
	for i := range rows {
		if of(&rows[i]) == zero {
			continue
		}
		out := make([]T, len(rows))
		for j := i; j < len(rows); j++ {
			out[j] = of(&rows[j])
		}
		return out
	}
	return nil
}

// summarise works out what the columns say of the rows.
func (c *chunk) summarise(w *weights) {
	c.weigh(w)
	if c.time != nil {
		c.minTime, c.maxTime = slices.Min(c.time), slices.Max(c.time)
	}
	c.places = make([]layers.PlaceID, 0, 4)
	last := layers.PlaceID(-1)
	for i := range c.len() {
		p := at(c.place, i)
		if p == last || c.places == nil {
			continue
		}
		last = p
		c.note(last)
	}
	c.few.summarise(c)
}

func (c *chunk) note(p layers.PlaceID) {
	for _, q := range c.places {
		if p == q {
			return
		}
	}
	if len(c.places) == fewPlaces {
		c.places = nil
		return
	}
	c.places = append(c.places, p)
}

func (c *chunk) len() int { return len(c.key) }

func at[T any](column []T, i int) T {
	if column == nil {
		var zero T
		return zero
	}
	return column[i]
}

// row puts the columns of one row together.
func (c *chunk) row(i int) Row {
	var r Row
	c.record(i, &r.Record)
	r.Layers = at(c.layers, i)
	return r
}

func (c *chunk) record(i int, r *layers.Record) {
	r.ID, r.Key = c.id[i], c.key[i]
	r.Place, r.Class, r.Item = at(c.place, i), at(c.class, i), at(c.item, i)
	r.Status, r.Level, r.Flags = at(c.status, i), at(c.level, i), at(c.flags, i)
	r.Time, r.Due, r.Closed, r.Department = at(c.time, i), at(c.due, i), at(c.closed, i), at(c.department, i)
}

// records puts the columns of some rows together, column by column, which takes half the time of row by row. Columns
// that the chunk does not have are left as they are: zero.
func (c *chunk) records(rows []uint16, out []layers.Record) {
	out = out[:len(rows)]
	for i, r := range rows {
		out[i].ID, out[i].Key = c.id[r], c.key[r]
	}
	if c.place != nil {
		for i, r := range rows {
			out[i].Place = c.place[r]
		}
	}
	if c.class != nil {
		for i, r := range rows {
			out[i].Class = c.class[r]
		}
	}
	if c.item != nil {
		for i, r := range rows {
			out[i].Item = c.item[r]
		}
	}
	if c.status != nil {
		for i, r := range rows {
			out[i].Status = c.status[r]
		}
	}
	if c.level != nil {
		for i, r := range rows {
			out[i].Level = c.level[r]
		}
	}
	if c.department != nil {
		for i, r := range rows {
			out[i].Department = c.department[r]
		}
	}
	if c.flags != nil {
		for i, r := range rows {
			out[i].Flags = c.flags[r]
		}
	}
	if c.time != nil {
		for i, r := range rows {
			out[i].Time = c.time[r]
		}
	}
	if c.due != nil {
		for i, r := range rows {
			out[i].Due = c.due[r]
		}
	}
	if c.closed != nil {
		for i, r := range rows {
			out[i].Closed = c.closed[r]
		}
	}
}

// appendRows takes a chunk apart again.
func (c *chunk) appendRows(out []Row, lo, hi int) []Row {
	for i := lo; i < hi; i++ {
		out = append(out, c.row(i))
	}
	return out
}

// search is the first row that is not before s.
func (c *chunk) search(s spot) int {
	return sort.Search(c.len(), func(i int) bool { return !(spot{c.key[i], c.id[i]}).before(s) })
}

// searchKey is the first row with a key ≥ k.
func (c *chunk) searchKey(k geo.Key) int {
	return sort.Search(c.len(), func(i int) bool { return c.key[i] >= k })
}

func (c *chunk) bytes() int {
	return int(unsafe.Sizeof(*c)) + 8*cap(c.key) + 8*cap(c.id) + 8*cap(c.layers) + 4*cap(c.place) + 4*cap(c.time) +
		4*cap(c.flags) + 4*cap(c.due) + 4*cap(c.closed) + 2*cap(c.class) + 2*cap(c.item) + 2*cap(c.department) + cap(c.status) + cap(c.level) + 4*cap(c.places) +
		int(unsafe.Sizeof(mass{}))*cap(c.masses) + 2*cap(c.few.newest) + 2*cap(c.few.unusual)
}
