package index

import (
	"cmp"
	"slices"
	"sort"

	"onepicture/geo"
)

// A page holds the keys of the features whose ids share all but the last pageBits bits.
const (
	pageBits = 11
	pageMask = 1<<pageBits - 1
)

type idPage struct {
	low []uint16 // the last bits of the ids, ascending
	key []geo.Key
}

// idIndex finds a feature's key, and by it its row, from its id: 10 B a feature when ids are dense. It is immutable;
// with makes a changed copy that shares the pages that stayed.
type idIndex struct {
	page []int64 // ascending
	list []*idPage
}

func (x *idIndex) find(id int64) (geo.Key, bool) {
	p, ok := slices.BinarySearch(x.page, id>>pageBits)
	if !ok {
		return 0, false
	}
	page := x.list[p]
	i, ok := slices.BinarySearch(page.low, uint16(id&pageMask))
	if !ok {
		return 0, false
	}
	return page.key[i], true
}

// idChange gives a feature a key, or forgets it.
type idChange struct {
	id   int64
	key  geo.Key
	gone bool
}

// with applies changes of different ids.
func (x *idIndex) with(changes []idChange) *idIndex {
	slices.SortFunc(changes, func(a, b idChange) int { return cmp.Compare(a.id, b.id) })
	out := &idIndex{
		page: make([]int64, 0, len(x.page)+1),
		list: make([]*idPage, 0, len(x.list)+1),
	}
	next := 0
	keep := func(until int) {
		out.page = append(out.page, x.page[next:until]...)
		out.list = append(out.list, x.list[next:until]...)
		next = until
	}
	for len(changes) > 0 {
		number := changes[0].id >> pageBits
		n := sort.Search(len(changes), func(i int) bool { return changes[i].id>>pageBits > number })
		at, found := slices.BinarySearch(x.page, number)
		keep(at)
		old := &idPage{}
		if found {
			old = x.list[at]
			next = at + 1
		}
		if page := old.with(changes[:n]); len(page.low) > 0 {
			out.page = append(out.page, number)
			out.list = append(out.list, page)
		}
		changes = changes[n:]
	}
	keep(len(x.page))
	return out
}

func (p *idPage) with(changes []idChange) *idPage {
	n := len(p.low) + len(changes)
	out := &idPage{low: make([]uint16, 0, n), key: make([]geo.Key, 0, n)}
	i := 0
	put := func(low uint16, key geo.Key) {
		out.low = append(out.low, low)
		out.key = append(out.key, key)
	}
	for _, c := range changes {
		low := uint16(c.id & pageMask)
		for ; i < len(p.low) && p.low[i] < low; i++ {
			put(p.low[i], p.key[i])
		}
		if i < len(p.low) && p.low[i] == low {
			i++
		}
		if !c.gone {
			put(low, c.key)
		}
	}
	for ; i < len(p.low); i++ {
		put(p.low[i], p.key[i])
	}
	return &idPage{low: slices.Clip(out.low), key: slices.Clip(out.key)}
}

func (x *idIndex) bytes() int {
	n := 16 * cap(x.page)
	for _, p := range x.list {
		n += 48 + 2*cap(p.low) + 8*cap(p.key)
	}
	return n
}
