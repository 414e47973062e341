package index

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"sync"

	"onepicture/geo"
	"onepicture/layers"
)

// Those who may not see the records of persons are told of one released table: for each place (the lowest that persons
// are counted in) a number in all, by layer and by class, each rounded at random to a multiple of Step. Whatever they
// ask, the answer is a sum over this table, so no combination of questions tells more than the table does.
// See docs/decisions/0018.

// Step is what released numbers are multiples of.
const Step = 5

// mixedSides is how many rows must have come or gone before a place's numbers are released anew: what changes then is
// never one person's doing. A person who changes is one row gone and one come.
const mixedSides = 20

// Numbers are the released numbers of persons in one place, without those below it.
type Numbers struct {
	Place      layers.PlaceID
	Exact      int32           // how many there were: never told, it measures how much has changed since
	Configured layers.Position // the definitions by which layers and classes were counted
	Total      int32
	Layers     []int32 // by bit
	Classes    []int32 // by class
}

// released is the table with what is derived of it. Immutable but for the coarser tables, made when first asked for.
type released struct {
	position layers.Position // of the last release
	secret   []byte
	rows     []*Numbers // by place
	mu       sync.Mutex
	coarse   map[int][]*tally
}

func (r *released) with(rows []Numbers, position layers.Position) *released {
	next := &released{position: position, secret: r.secret, rows: append([]*Numbers(nil), r.rows...)}
	for i := range rows {
		for int(rows[i].Place) >= len(next.rows) {
			next.rows = append(next.rows, nil)
		}
		next.rows[rows[i].Place] = &rows[i]
	}
	return next
}

// tallies are the numbers by place for a threshold, as multiples of it.
func (r *released) tallies(threshold int) []*tally {
	if r == nil {
		return nil
	}
	threshold = max(1, (threshold+Step-1)/Step) * Step
	r.mu.Lock()
	defer r.mu.Unlock()
	if list, ok := r.coarse[threshold]; ok {
		return list
	}
	list := make([]*tally, len(r.rows))
	for i, row := range r.rows {
		if row != nil {
			list[i] = row.rounded(int32(threshold), r.secret)
		}
	}
	if r.coarse == nil {
		r.coarse = map[int][]*tally{}
	}
	r.coarse[threshold] = list
	return list
}

func (n *Numbers) rounded(step int32, secret []byte) *tally {
	if step == Step {
		return &tally{total: uint32(n.Total), layers: unsigned(n.Layers), classes: unsigned(n.Classes)}
	}
	o := offsets{secret: secret, place: n.Place, step: step}
	y := &tally{total: uint32(o.round(n.Total))}
	for _, v := range n.Layers {
		y.layers = append(y.layers, uint32(o.round(v)))
	}
	for _, v := range n.Classes {
		y.classes = append(y.classes, uint32(o.round(v)))
	}
	return y
}

func unsigned(list []int32) []uint32 {
	out := make([]uint32, len(list))
	for i, v := range list {
		out[i] = uint32(v)
	}
	return out
}

// offsets are secret and fixed: the same number of a place is always rounded the same way, so asking again teaches nothing,
// nor does another column that holds the same persons (all, and a layer of all); and on the average over places nothing is
// lost (random rounding, as census offices do it).
type offsets struct {
	secret []byte
	place  layers.PlaceID
	step   int32
}

// round gives step × ⌊(n + u) / step⌋ with a u in [0, step) of the place and the number: n itself on the average, less than
// step away.
func (o *offsets) round(n int32) int32 {
	h := hmac.New(sha256.New, o.secret)
	var b [12]byte
	binary.LittleEndian.PutUint32(b[0:], uint32(o.place))
	binary.LittleEndian.PutUint32(b[4:], uint32(o.step))
	binary.LittleEndian.PutUint32(b[8:], uint32(n))
	h.Write(b[:])
	var sum [sha256.Size]byte
	u := int32(binary.LittleEndian.Uint16(h.Sum(sum[:0]))) * o.step >> 16
	return (n + u) / o.step * o.step
}

// Due are the numbers of persons that may be released now: of places where enough has changed since the last time.
// They take the present counts; nothing else of this package gives rounded numbers from exact ones.
func (s *Snapshot) Due() []Numbers {
	var out []Numbers
	list := s.tables[slot(layers.KindPerson)].tallies
	for id := range max(len(list), len(s.released.rows)) {
		now, old := &tally{}, (*Numbers)(nil)
		if id < len(list) && list[id] != nil {
			now = list[id]
		}
		if id < len(s.released.rows) {
			old = s.released.rows[id]
		}
		if s.due(now, old) {
			out = append(out, s.release(layers.PlaceID(id), now))
		}
	}
	return out
}

func (s *Snapshot) due(now *tally, old *Numbers) bool {
	exact, before, redefined := int32(now.total), int32(0), false
	if old != nil {
		before, redefined = old.Exact, old.Configured < s.configured
	}
	changed := max(now.sides, uint32(max(exact-before, before-exact)))
	return changed >= mixedSides || redefined && exact >= mixedSides
}

func (s *Snapshot) release(id layers.PlaceID, now *tally) Numbers {
	o := offsets{secret: s.released.secret, place: id, step: Step}
	n := Numbers{
		Place: id, Exact: int32(now.total), Configured: s.configured, Total: o.round(int32(now.total)),
		Layers: make([]int32, len(now.layers)), Classes: make([]int32, len(now.classes)),
	}
	for i, v := range now.layers {
		n.Layers[i] = o.round(int32(v))
	}
	for i, v := range now.classes {
		n.Classes[i] = o.round(int32(v))
	}
	return n
}

// Untold says that numbers of persons are due and none has ever been released: the zeros that are told of persons are not
// yet true.
func (s *Snapshot) Untold() bool { return len(s.released.rows) == 0 && len(s.Due()) > 0 }

// Released is the position of the last release of numbers of persons; answers for scopes that round reflect it.
func (s *Snapshot) Released() layers.Position { return max(s.configured, s.released.position) }

// roundedPart calls each for the places beyond the records that the query sees, with what is released of them. A
// filter, a time or several layers at once find nothing: the released table does not hold such numbers.
func (s *Snapshot) roundedPart(q Query, each func(id layers.PlaceID, n uint32)) {
	if q.Part == Records || q.Match != nil || q.Filter != nil || q.From != 0 || q.To != 0 || q.Statuses != 0 || bits.OnesCount64(q.Layers) > 1 {
		return
	}
	list := s.released.tallies(q.Scope.Threshold)
	sight := q.Scope.Sight(q.Kind)
	q.Part = Beyond
	var allowed []bool
	if !q.everywhere(sight) || q.Place != 0 {
		allowed = s.allowed(&q, sight, len(list))
	}
	for id, y := range list {
		if y == nil || allowed != nil && !allowed[id] {
			continue
		}
		n := y.total
		if q.Layers != 0 {
			bit := bits.TrailingZeros64(q.Layers)
			if bit >= len(y.layers) {
				continue
			}
			n = y.layers[bit]
		}
		if n > 0 {
			each(layers.PlaceID(id), n)
		}
	}
}

// anchor is where a place's released numbers stand on the map: an inner point of it or, without a boundary, of the
// next place above that has one.
func (s *Snapshot) anchor(id layers.PlaceID) (geo.Key, bool) {
	for p := s.tree.Place(id); p != nil; p = s.tree.Place(p.Parent) {
		if p.HasShape {
			return geo.KeyOf(p.Label[0], p.Label[1]), true
		}
	}
	return 0, false
}
