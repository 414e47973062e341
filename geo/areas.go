package geo

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/paulmach/orb"
)

// Area is one multipolygon of a locator.
type Area struct {
	ID     int32
	Rank   int // the highest wins: deeper levels of places have higher ranks
	AreaM2 float64
	Code   string
	Shape  orb.MultiPolygon
}

// Areas finds the area in which a point falls among many that nest, touch, overlap or leave gaps. It divides the
// plane into Morton squares until a square lies wholly inside the areas that touch it or holds only few of their
// edges; most points are found without a geometry test. It is immutable and keeps nothing of what it was built from.
type Areas struct {
	members []member // best first: by rank, then smaller, then lower code
	leaves  []leaf   // sorted by key
	lists   []int32  // indexes of members; ^index: wholly inside, no test needed

	// Where to begin in leaves: at buckets[i] for the keys from base + i<<shift on.
	base    Key
	shift   uint
	buckets []uint32
}

// member is an area as the locator keeps it.
type member struct {
	shape Prepared
	rank  int
	id    int32
}

// leaf holds the keys from lo to the next leaf's lo.
type leaf struct {
	lo    Key
	first uint32 // in lists
	count uint32
}

// A square stops being divided with this few edges in it: a border that six levels of places share still counts as
// few. From the depth fine on (306 m at the equator) four edges for each border will do, so that many areas with one
// border in common do not divide it to the end; at the depth deepest (1.2 m) it stops in any case.
const (
	fewEdges = 24
	fine     = 17
	deepest  = 25
)

// NewAreas builds the locator: about a second for 8,000 areas with 2,000,000 vertices in all; it keeps about
// 60 B a vertex.
func NewAreas(areas []Area) *Areas {
	sorted := slices.Clone(areas)
	slices.SortStableFunc(sorted, func(p, q Area) int {
		return cmp.Or(cmp.Compare(q.Rank, p.Rank), cmp.Compare(p.AreaM2, q.AreaM2), cmp.Compare(p.Code, q.Code))
	})
	a := &Areas{members: make([]member, len(sorted))}
	root := make([]piece, 0, len(sorted))
	var all orb.Bound
	for i, area := range sorted {
		edges := segments(area.Shape)
		m := member{shape: prepare(edges), rank: area.Rank, id: area.ID}
		a.members[i] = m
		if len(edges) == 0 {
			continue
		}
		if len(root) == 0 {
			all = m.shape.bound
		}
		all = all.Union(m.shape.bound)
		root = append(root, piece{area: int32(i), edges: edges})
	}
	if len(root) == 0 {
		return a
	}
	d := divider{contains: func(i int32, lon, lat float64) bool { return a.members[i].shape.Contains(lon, lat) }, emit: a.emit}
	top := holding(all, deepest)
	d.divide(top, root)
	a.seal(top)
	return a
}

func (a *Areas) emit(t Tile, pieces []piece) {
	if n := len(a.leaves); n > 0 && len(pieces) == 0 && a.leaves[n-1].count == 0 {
		return // an empty square after an empty one
	}
	lo, _ := t.Range()
	a.leaves = append(a.leaves, leaf{lo: lo, first: uint32(len(a.lists)), count: uint32(len(pieces))})
	for _, p := range pieces {
		if len(p.edges) == 0 {
			a.lists = append(a.lists, ^p.area)
		} else {
			a.lists = append(a.lists, p.area)
		}
	}
}

// seal gives up spare memory and fills the buckets, about one a leaf.
func (a *Areas) seal(top Tile) {
	a.leaves, a.lists = slices.Clip(slices.Clone(a.leaves)), slices.Clip(slices.Clone(a.lists))
	lo, hi := top.Range()
	a.base = lo
	a.shift = uint(max(0, bits.Len64(uint64(hi-lo))-bits.Len(uint(len(a.leaves)))))
	a.buckets = make([]uint32, uint64(hi-lo)>>a.shift+2)
	i := 0
	for b := range a.buckets {
		for i+1 < len(a.leaves) && (a.leaves[i+1].lo-lo)>>a.shift < Key(b) {
			i++
		}
		a.buckets[b] = uint32(i)
	}
}

// leafOf is the leaf that holds the key.
func (a *Areas) leafOf(k Key) (leaf, bool) {
	b := uint64(k-a.base) >> a.shift
	if k < a.base || len(a.leaves) == 0 || b+1 >= uint64(len(a.buckets)) {
		return leaf{}, false
	}
	// The leaf sought is the last one in [i, j] that begins at or before the key.
	i, j := a.buckets[b], a.buckets[b+1]
	for i < j {
		m := (i + j + 1) / 2
		if a.leaves[m].lo <= k {
			i = m
		} else {
			j = m - 1
		}
	}
	return a.leaves[i], true
}

// Find is the area that contains the WGS 84 point and wins: highest rank, then smallest, then lowest code. overlaps
// counts the other areas of the same rank that contain it too; a gap gives ok = false. Longitudes are −180…180; points
// beyond ±MaxLat are in no area. 250–400 ns for points at random among 4,000–8,000 areas, no memory.
func (a *Areas) Find(lon, lat float64) (id int32, overlaps int, ok bool) {
	l, found := a.leafOf(KeyOf(lon, lat))
	if !found || lat > MaxLat || lat < -MaxLat {
		return 0, 0, false
	}
	rank := 0
	for _, e := range a.lists[l.first : l.first+l.count] {
		inside := e < 0
		if inside {
			e = ^e
		}
		m := &a.members[e]
		if ok && m.rank != rank {
			break
		}
		if !inside && !m.shape.Contains(lon, lat) {
			continue
		}
		if ok {
			overlaps++
		} else {
			id, rank, ok = m.id, m.rank, true
		}
	}
	return id, overlaps, ok
}

// Len is the number of areas.
func (a *Areas) Len() int { return len(a.members) }
