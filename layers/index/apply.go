package index

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/paulmach/orb"

	"onepicture/layers"
)

// Put is a feature as it is now.
type Put struct {
	Kind     layers.Kind
	Record   layers.Record
	Position layers.Position // of the change
	Bound    *orb.Bound      // of a line or an area, WGS 84; nil: a point
}

// Delete is a feature that is no more.
type Delete struct {
	Kind     layers.Kind
	ID       int64
	Position layers.Position
}

// Update is what became complete since the last one. Of several puts of one feature the last counts; a deleted
// feature stays deleted, because ids are never used again.
type Update struct {
	Through layers.Position // every change up to it is in this update or was in one before
	At      time.Time
	Puts    []Put
	Deletes []Delete
	Tree    *layers.Tree // nil: unchanged
	Bits    Bits         // nil: unchanged; else every row is looked at again
	Numbers []Numbers    // released since

	NumbersAt layers.Position // of the last release in the update; 0: there is none
}

// Effect is what an update did to one feature.
type Effect struct {
	Kind     layers.Kind
	ID       int64
	Position layers.Position
	Old, New *Row       // nil: did not exist before, does not exist after
	Bound    *orb.Bound // as it was put
}

// Apply makes the next snapshot and publishes it. It costs some 50 µs a change that comes alone and far less in a
// batch. An update that the index already reflects (Through not after its position) only moves the as-of time, and
// takes a new tree or new definitions, which may change with the date alone. Nil before the index is loaded.
func (x *Index) Apply(u Update) []Effect {
	x.write.Lock()
	defer x.write.Unlock()
	old := x.now.Load()
	if old == nil {
		return nil
	}
	next := *old
	if u.At.After(next.at) {
		next.at = u.At
	}
	var effects []Effect
	fresh := u.Through > old.position
	next.position = max(u.Through, old.position)
	if u.Tree != nil {
		next.tree, next.configured = u.Tree, next.position
	}
	if u.Bits != nil {
		next.bits, next.configured = u.Bits, next.position
	}
	for i, k := range layers.Kinds {
		if fresh {
			e := edit{kind: k, bits: next.bits, after: old.position, through: u.Through, table: next.tables[i]}
			e.gather(u)
			next.tables[i] = e.apply()
			effects = append(effects, e.effects...)
		}
		if u.Bits != nil {
			next.tables[i] = next.tables[i].relayered(k, u.Bits)
		}
	}
	if len(u.Numbers) > 0 {
		next.released = next.released.with(u.Numbers, u.NumbersAt)
		n := slot(layers.KindPerson)
		next.tables[n] = next.tables[n].releasedOf(u.Numbers)
	}
	x.publish(&next)
	return effects
}

// edit is the part of an update that concerns one table.
type edit struct {
	kind           layers.Kind
	bits           Bits
	after, through layers.Position
	table          *table
	versions       *versions
	wishes         []wish // one a feature
	effects        []Effect
}

// wish is what a feature shall be: as the last put says, or, without one, gone.
type wish struct {
	id  int64
	put *Put
	via []*Put          // what it was in between; another server may have shown that
	at  layers.Position // the last of its changes
}

func (e *edit) gather(u Update) {
	known := map[int64]int{}
	note := func(id int64, p *Put, at layers.Position) {
		i, ok := known[id]
		if !ok {
			i = len(e.wishes)
			known[id] = i
			e.wishes = append(e.wishes, wish{id: id})
		}
		w := &e.wishes[i]
		if w.put != nil {
			w.via = append(w.via, w.put)
		}
		w.put, w.at = p, max(w.at, e.clamp(at))
	}
	for i := range u.Puts {
		if p := &u.Puts[i]; p.Kind == e.kind {
			note(p.Record.ID, p, p.Position)
		}
	}
	for _, d := range u.Deletes {
		if d.Kind == e.kind {
			note(d.ID, nil, d.Position)
		}
	}
}

// clamp keeps a position within the update, so that no tile changes without its version rising.
func (e *edit) clamp(p layers.Position) layers.Position {
	if p <= e.after || p > e.through {
		return e.through
	}
	return p
}

func (e *edit) apply() *table {
	if len(e.wishes) == 0 {
		return e.table
	}
	t := *e.table
	e.versions = t.versions.copy()
	rows := make([]rowChange, 0, 2*len(e.wishes))
	ids := make([]idChange, 0, len(e.wishes))
	shapes := map[int64]*shape{}
	tallies := editTallies(t.tallies)
	for i := range e.wishes {
		w := &e.wishes[i]
		old, new := e.change(w)
		if old == nil && new == nil {
			continue // deleted before it was seen here
		}
		if old != nil {
			tallies.add(old, -1)
			t.rows--
			if new == nil || new.spot() != old.spot() {
				rows = append(rows, rowChange{old.spot(), nil})
			}
		}
		if new != nil {
			tallies.add(new, 1)
			t.rows++
			t.classes = max(t.classes, int(new.Class)+1)
			rows = append(rows, rowChange{new.spot(), new})
			ids = append(ids, idChange{id: w.id, key: new.Key})
		} else {
			ids = append(ids, idChange{id: w.id, gone: true})
		}
		e.shape(w, shapes, old, new)
		e.versions.bound()
	}
	t.first, t.chunks = t.with(rows)
	t.ids = t.ids.with(ids)
	t.shapes = withShapes(t.shapes, shapes)
	t.tallies = tallies.list
	t.versions = e.versions
	return &t
}

// change finds both states of a feature, notes the effect and raises the versions where it was and where it is, of the layers
// that it was in there and is in here.
func (e *edit) change(w *wish) (old, new *Row) {
	if r, ok := e.table.find(w.id); ok {
		old = &r
	}
	if p := w.put; p != nil {
		new = &Row{Record: p.Record, Layers: e.bits.Of(e.kind, &p.Record)}
	}
	e.passed(w)
	if old == nil && new == nil {
		return nil, nil
	}
	for _, r := range []*Row{old, new} {
		if r != nil {
			e.versions.raise(r.Key, r.Layers, w.at)
		}
	}
	effect := Effect{Kind: e.kind, ID: w.id, Position: w.at, Old: old, New: new}
	if w.put != nil {
		effect.Bound = w.put.Bound
	}
	e.effects = append(e.effects, effect)
	return old, new
}

// passed raises the versions where a feature was between two changes of one update. A server that took them one by one has
// tiles with it there; at the version of a neighbour's change in between these would be taken for tiles without it.
func (e *edit) passed(w *wish) {
	for _, p := range w.via {
		mask := e.bits.Of(e.kind, &p.Record)
		e.versions.raise(p.Record.Key, mask, w.at)
		if p.Bound != nil {
			s := shapeOf(w.id, *p.Bound)
			e.versions.raiseBox(s.box(), mask, w.at)
		}
	}
}

// shape raises the versions where the line or area was and where it is.
func (e *edit) shape(w *wish, changes map[int64]*shape, old, new *Row) {
	if s, ok := findShape(e.table.shapes, w.id); ok && old != nil {
		e.versions.raiseBox(s.box(), old.Layers, w.at)
		changes[w.id] = nil
	}
	if new != nil && w.put.Bound != nil {
		s := shapeOf(w.id, *w.put.Bound)
		e.versions.raiseBox(s.box(), new.Layers, w.at)
		changes[w.id] = &s
	}
}

// tallyEdit copies the tallies that change, once each.
type tallyEdit struct {
	list  []*tally
	owned map[layers.PlaceID]bool
}

func editTallies(list []*tally) *tallyEdit {
	return &tallyEdit{append([]*tally(nil), list...), map[layers.PlaceID]bool{}}
}

func (e *tallyEdit) add(r *Row, n int32) {
	for int(r.Place) >= len(e.list) {
		e.list = append(e.list, nil)
	}
	y := &e.list[r.Place]
	if !e.owned[r.Place] {
		e.owned[r.Place] = true
		if *y == nil {
			*y = &tally{}
		} else {
			*y = (*y).copy()
		}
	}
	(*y).add(r, n)
}

// relayered looks at every row again under new definitions.
func (t *table) relayered(k layers.Kind, bits Bits) *table {
	next := *t
	next.chunks = make([]*chunk, len(t.chunks))
	parts := inParallel(len(t.chunks), func(take func() (int, bool)) []*tally {
		tallies := &tallyEdit{list: make([]*tally, len(t.tallies)), owned: map[layers.PlaceID]bool{}}
		var rows []Row
		for i, ok := take(); ok; i, ok = take() {
			rows = t.chunks[i].appendRows(rows[:0], 0, t.chunks[i].len())
			for j := range rows {
				rows[j].Layers = bits.Of(k, &rows[j].Record)
				tallies.add(&rows[j], 1)
			}
			next.chunks[i] = newChunk(rows)
		}
		return tallies.list
	})
	next.tallies = sumTallies(parts)
	for id, y := range next.tallies {
		if y != nil && id < len(t.tallies) && t.tallies[id] != nil {
			y.sides = t.tallies[id].sides + y.distance(t.tallies[id])
		}
	}
	return &next
}

// releasedOf counts changes anew in the places whose numbers have been released.
func (t *table) releasedOf(numbers []Numbers) *table {
	next := *t
	next.tallies = append([]*tally(nil), t.tallies...)
	for i := range numbers {
		if id := int(numbers[i].Place); id < len(next.tallies) && next.tallies[id] != nil {
			next.tallies[id] = next.tallies[id].copy()
			next.tallies[id].sides = 0
		}
	}
	return &next
}

func sumTallies(parts [][]*tally) []*tally {
	var out []*tally
	for _, part := range parts {
		for id, y := range part {
			switch {
			case id == len(out):
				out = append(out, y)
			case out[id] == nil:
				out[id] = y
			default:
				out[id].sum(y)
			}
		}
	}
	return out
}

// inParallel runs work on all processors; take deals out the numbers below n, each once.
func inParallel[T any](n int, work func(take func() (int, bool)) T) []T {
	var next atomic.Int64
	take := func() (int, bool) {
		i := int(next.Add(1)) - 1
		return i, i < n
	}
	out := make([]T, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for i := range out {
		all.Go(func() { out[i] = work(take) })
	}
	all.Wait()
	return out
}
