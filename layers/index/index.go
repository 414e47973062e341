// Package index holds every person, site and event in memory, in columns ordered by Morton key, and answers counts,
// cells, lists and versions from them. It is fed with what the ledger says was committed and knows the position that
// it reflects; it does no I/O.
package index

import (
	"sync"
	"sync/atomic"
	"time"

	"onepicture/geo"
	"onepicture/layers"
)

// LayerBit is a thematic layer as the index needs it: its bit and what belongs to it.
type LayerBit struct {
	Bit   uint8                     // 0–63
	Match func(*layers.Record) bool // nil: every feature of the kind; called from several goroutines
}

// Bits are the thematic layers by kind.
type Bits map[layers.Kind][]LayerBit

// Of are the bits of the layers that a record belongs to.
func (b Bits) Of(k layers.Kind, r *layers.Record) uint64 {
	var out uint64
	for _, l := range b[k] {
		if l.Match == nil || l.Match(r) {
			out |= 1 << l.Bit
		}
	}
	return out
}

// Index is the current snapshot and the one writer's way to make the next. It is safe for concurrent use.
type Index struct {
	now     atomic.Pointer[Snapshot]
	changed atomic.Pointer[chan struct{}] // closed when the snapshot is replaced
	write   sync.Mutex                    // held while the next snapshot is made
}

// New is an index without a snapshot; Load gives it the first.
func New() *Index {
	x := &Index{}
	c := make(chan struct{})
	x.changed.Store(&c)
	return x
}

// Snapshot is the current one; nil until the index is loaded. It never blocks.
func (x *Index) Snapshot() *Snapshot { return x.now.Load() }

// Changed is closed when there is a newer snapshot than now. Ask for it before looking at the snapshot.
func (x *Index) Changed() <-chan struct{} { return *x.changed.Load() }

func (x *Index) publish(s *Snapshot) {
	x.now.Store(s)
	next := make(chan struct{})
	close(*x.changed.Swap(&next))
}

// Snapshot is the picture at one position. It is immutable: its answers never change and agree with each other.
type Snapshot struct {
	position   layers.Position
	at         time.Time
	tree       *layers.Tree
	configured layers.Position
	bits       Bits
	tables     [3]*table // as layers.Kinds
	released   *released
}

// Position is the one that the snapshot reflects: every change up to it and none after it.
func (s *Snapshot) Position() layers.Position { return s.position }

// At is the as-of time: the database's clock when that position was complete.
func (s *Snapshot) At() time.Time { return s.at }

// Tree is the tree of places that counts are rolled up by.
func (s *Snapshot) Tree() *layers.Tree { return s.tree }

// Configured is the position of the last change of places, layers or catalogue.
func (s *Snapshot) Configured() layers.Position { return s.configured }

// Len is the number of features of a kind.
func (s *Snapshot) Len(k layers.Kind) int {
	if n := slot(k); n >= 0 {
		return s.tables[n].rows
	}
	return 0
}

// Bytes is the memory that the features take, all structures counted.
func (s *Snapshot) Bytes() int64 {
	n := 0
	for _, t := range s.tables {
		n += t.bytes()
	}
	return int64(n)
}

// Version is a position not before the last change inside the tile of features of those layers, where they were or
// where they went; lines and areas count wherever they reach. 0 layers: all features of the kind. A change of places,
// layers or catalogue changes every version; it is all that changes those of places. It never falls from one snapshot
// to the next. 100 ns.
func (s *Snapshot) Version(k layers.Kind, mask uint64, tile geo.Tile) layers.Position {
	if n := slot(k); n >= 0 {
		return max(s.configured, s.tables[n].versions.of(mask, tile))
	}
	return s.configured
}

// Find is a feature by id; false also when the scope may not see that record.
func (s *Snapshot) Find(k layers.Kind, scope layers.Scope, id int64) (Row, bool) {
	n := slot(k)
	if n < 0 {
		return Row{}, false
	}
	r, ok := s.tables[n].find(id)
	if !ok || !scope.Records(k, r.Place, r.Department) {
		return Row{}, false
	}
	return r, true
}
