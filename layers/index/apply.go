package index

import (
	"time"

	"github.com/paulmach/orb"

	"onepicture/layers"
)

// Update is what one batch of the ledger does to the index.
type Update struct {
	Through layers.Position
	At      time.Time
	Puts    []Put
	Deletes []Delete
	Tree    *layers.Tree // nil: as before
	Bits    Bits         // nil: as before; else the layers of every row are decided anew
}

// Delete takes a feature out.
type Delete struct {
	Kind     layers.Kind
	ID       int64
	Position layers.Position
}

type departedID struct {
	id  int64
	pos layers.Position
}

// Effect is what a put or a delete changed: the row before and after.
type Effect struct {
	Kind     layers.Kind
	ID       int64
	Position layers.Position
	Old, New *Row // nil: was not there, is not there any more
	Bound    *orb.Bound
}

// Apply makes the next snapshot. Of several puts of one feature the last wins. Applying an update twice changes
// nothing but the position. Nothing is applied before the index is loaded.
func (x *Index) Apply(u Update) []Effect {
	x.mu.Lock()
	defer x.mu.Unlock()
	old := x.snapshot.Load()
	if old == nil {
		return nil
	}
	next := &Snapshot{
		position: max(u.Through, old.position), at: old.at, tree: old.tree, configured: old.configured,
		tables: make(map[layers.Kind]*table, len(old.tables)),
	}
	if u.At.After(old.at) {
		next.at = u.At
	}
	for k, t := range old.tables {
		next.tables[k] = t
	}
	if u.Tree != nil {
		next.tree, next.configured = u.Tree, u.Through
	}
	if u.Bits != nil {
		x.bits, next.configured = u.Bits, u.Through
		for k, t := range next.tables {
			next.tables[k] = t.relayered(k, x.bits)
		}
	}
	puts, deletes := x.latest(u)
	var effects []Effect
	for _, k := range layers.Kinds {
		if len(puts[k]) == 0 && len(deletes[k]) == 0 {
			continue
		}
		t, done := next.tables[k].with(puts[k], deletes[k])
		if len(t.gone) > maxDepartures {
			for _, d := range t.gone {
				t.floor = max(t.floor, d.pos)
			}
			t.gone = nil
		}
		for i := range done {
			done[i].Kind = k
		}
		next.tables[k] = t
		effects = append(effects, done...)
	}
	x.publish(next)
	return effects
}

// latest keeps the last word on each feature.
func (x *Index) latest(u Update) (puts map[layers.Kind][]put, deletes map[layers.Kind][]departedID) {
	puts, deletes = map[layers.Kind][]put{}, map[layers.Kind][]departedID{}
	type name struct {
		kind layers.Kind
		id   int64
	}
	seen := make(map[name]bool, len(u.Puts))
	for i := len(u.Puts) - 1; i >= 0; i-- {
		p := u.Puts[i]
		if n := (name{p.Kind, p.Record.ID}); !seen[n] {
			seen[n] = true
			row := Row{Record: p.Record, Layers: x.bits.Of(p.Kind, &p.Record), Position: p.Position}
			puts[p.Kind] = append(puts[p.Kind], put{row, p.Bound})
		}
	}
	for _, d := range u.Deletes {
		if n := (name{d.Kind, d.ID}); !seen[n] {
			seen[n] = true
			deletes[d.Kind] = append(deletes[d.Kind], departedID{d.ID, d.Position})
		}
	}
	return puts, deletes
}

// relayered is the table with the layers of every row decided anew.
func (t *table) relayered(k layers.Kind, bits Bits) *table {
	next := *t
	next.merge()
	fresh := make([]uint64, next.main.len())
	for i := range fresh {
		r := next.main.record(i)
		fresh[i] = bits.Of(k, &r)
	}
	main := *next.main
	main.layers = fresh
	main.finish()
	next.main = &main
	next.recount()
	return &next
}
