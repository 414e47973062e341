package index

import (
	"slices"

	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
)

// table is one kind at one moment: main columns, a small delta of rows put since, and the main rows that those or
// deletions made void. All of it is immutable.
type table struct {
	main  *columns
	delta *columns
	dead  []uint32 // rows of main, sorted
	// gone are keys from which a row was deleted or moved away, with the position of that; sorted by key.
	gone []departure
	// areas are the rows that are lines or areas, with their bounds: they show in tiles that do not hold their key.
	areas []area
	// floor is a position below which no tile's version lies: departures before the index was loaded are not known
	// one by one.
	floor  layers.Position
	counts counters
}

type departure struct {
	key geo.Key
	pos layers.Position
}

type area struct {
	id    int64
	bound orb.Bound
	pos   layers.Position
	gone  bool // it was there: only its version remains
}

// put is a row on its way in.
type put struct {
	row   Row
	bound *orb.Bound
}

// largestDelta is the size at which the delta is merged: large enough that merging costs little per change, small
// enough to be copied at each one.
func (t *table) largestDelta() int { return 4096 + t.main.len()/1000 }

func (t *table) rows() int { return t.main.len() - len(t.dead) + t.delta.len() }

// find is the present row of an id.
func (t *table) find(id int64) (Row, bool) {
	if i := t.delta.find(id); i >= 0 {
		return t.delta.row(i), true
	}
	if i := t.main.find(id); i >= 0 {
		if _, dead := slices.BinarySearch(t.dead, uint32(i)); !dead {
			return t.main.row(i), true
		}
	}
	return Row{}, false
}

// with is the table after the puts and deletions; ids are distinct. Cost O(delta + puts), now and then O(rows).
func (t *table) with(puts []put, deletes []departedID) (*table, []Effect) {
	next := &table{main: t.main, floor: t.floor, gone: t.gone, areas: t.areas, counts: t.counts.edit()}
	touched := make(map[int64]bool, len(puts)+len(deletes))
	effects := make([]Effect, 0, len(puts)+len(deletes))
	var gone []departure
	var areas []area
	dead := slices.Clone(t.dead)
	leave := func(id int64, at layers.Position, key *geo.Key) *Row {
		touched[id] = true
		old, ok := t.find(id)
		if !ok {
			return nil
		}
		if i := t.main.find(id); i >= 0 {
			dead = append(dead, uint32(i))
		}
		if key == nil || *key != old.Key {
			gone = append(gone, departure{old.Key, at})
		}
		next.counts.add(&old, -1)
		return &old
	}
	for i := range deletes {
		d := deletes[i]
		if old := leave(d.id, d.pos, nil); old != nil {
			effects = append(effects, Effect{ID: d.id, Old: old, Position: d.pos})
			areas = append(areas, area{id: d.id, pos: d.pos, gone: true})
		}
	}
	for i := range puts {
		p := &puts[i]
		old := leave(p.row.ID, p.row.Position, &p.row.Key)
		effects = append(effects, Effect{ID: p.row.ID, Old: old, New: &p.row, Bound: p.bound, Position: p.row.Position})
		next.counts.add(&p.row, 1)
		if p.bound != nil || old != nil {
			a := area{id: p.row.ID, pos: p.row.Position, gone: p.bound == nil}
			if p.bound != nil {
				a.bound = *p.bound
			}
			areas = append(areas, a)
		}
	}
	slices.Sort(dead)
	next.dead = slices.Compact(dead)
	next.gone = t.gone
	if len(gone) > 0 {
		next.gone = mergeDepartures(t.gone, gone)
	}
	next.areas = mergeAreas(t.areas, areas)
	next.delta = deltaWith(t.delta, puts, touched)
	if next.delta.len()+len(next.dead) > next.largestDelta() {
		next.merge()
	}
	return next, effects
}

// deltaWith is the old delta without the touched rows, with the puts.
func deltaWith(old *columns, puts []put, touched map[int64]bool) *columns {
	d := &columns{}
	d.grow(old.len() + len(puts))
	for i := range old.len() {
		if !touched[old.id[i]] {
			r := old.row(i)
			d.push(&r)
		}
	}
	for i := range puts {
		d.push(&puts[i].row)
	}
	d.sortByKey()
	d.finish()
	return d
}

// merge makes new main columns of main, delta and dead.
func (t *table) merge() {
	m := &columns{}
	m.grow(t.rows())
	dead, at := t.dead, 0
	// Main rows are copied in runs between dead ones and insertions.
	flush := func(to int) {
		for at < to {
			end := to
			if len(dead) > 0 && int(dead[0]) < to {
				end = int(dead[0])
			}
			m.copyRange(t.main, at, end)
			at = end
			if len(dead) > 0 && int(dead[0]) == at && at < to {
				dead, at = dead[1:], at+1
			}
		}
	}
	for i := range t.delta.len() {
		k, id := t.delta.key[i], t.delta.id[i]
		lo, hi := t.main.span(k, k)
		for lo < hi && t.main.id[lo] < id {
			lo++
		}
		flush(lo)
		r := t.delta.row(i)
		m.push(&r)
	}
	flush(t.main.len())
	m.finish()
	t.main, t.delta, t.dead = m, &columns{}, nil
}

// maxDepartures bounds the list; beyond it the older half becomes the floor.
const maxDepartures = 1 << 14

func mergeDepartures(old, fresh []departure) []departure {
	all := append(slices.Clone(old), fresh...)
	slices.SortFunc(all, func(a, b departure) int {
		switch {
		case a.key < b.key:
			return -1
		case a.key > b.key:
			return 1
		case a.pos > b.pos: // the newest first
			return -1
		case a.pos < b.pos:
			return 1
		}
		return 0
	})
	return slices.CompactFunc(all, func(a, b departure) bool { return a.key == b.key })
}

func mergeAreas(old, fresh []area) []area {
	if len(fresh) == 0 {
		return old
	}
	known := make(map[int64]int, len(fresh))
	out := slices.Clone(old)
	for _, f := range fresh {
		known[f.id] = -1
	}
	for i := range out {
		if _, ok := known[out[i].id]; ok {
			known[out[i].id] = i
		}
	}
	for _, f := range fresh {
		i := known[f.id]
		switch {
		case i < 0 && f.gone: // it never was an area
		case i < 0:
			out = append(out, f)
		case f.gone: // its bound stays, so that the tiles that showed it get a new version
			out[i].gone, out[i].pos = true, f.pos
		default:
			f.bound = f.bound.Union(out[i].bound) // tiles of the old bound change too
			out[i] = f
		}
	}
	return out
}
