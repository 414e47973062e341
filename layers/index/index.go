package index

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/paulmach/orb"

	"onepicture/layers"
)

// LayerBit tells which records belong to a thematic layer.
type LayerBit struct {
	Bit   uint8
	Match func(*layers.Record) bool
}

// Bits are the layers of each kind.
type Bits map[layers.Kind][]LayerBit

// Of is the word of a record.
func (b Bits) Of(k layers.Kind, r *layers.Record) uint64 {
	var w uint64
	for _, l := range b[k] {
		if l.Match(r) {
			w |= 1 << l.Bit
		}
	}
	return w
}

// Index is the present snapshot and the one writer that replaces it.
type Index struct {
	mu       sync.Mutex // of the writer
	snapshot atomic.Pointer[Snapshot]
	bits     Bits
	changed  atomic.Pointer[chan struct{}] // closed when the snapshot is replaced
}

// New is an index that is not loaded yet.
func New() *Index {
	x := &Index{}
	c := make(chan struct{})
	x.changed.Store(&c)
	return x
}

// Snapshot is the picture at one position; nil until the index is loaded. It never changes.
func (x *Index) Snapshot() *Snapshot { return x.snapshot.Load() }

// Changed is closed when a newer snapshot than the present one is there; ask for it before looking at the snapshot.
func (x *Index) Changed() <-chan struct{} { return *x.changed.Load() }

func (x *Index) publish(s *Snapshot) {
	x.snapshot.Store(s)
	next := make(chan struct{})
	close(*x.changed.Swap(&next))
}

// Snapshot is an immutable picture of all kinds at one position.
type Snapshot struct {
	position   layers.Position
	at         time.Time
	tree       *layers.Tree
	tables     map[layers.Kind]*table
	configured layers.Position // last change of layers, places or catalogue: all tiles are newer than that
}

// Position is what the snapshot reflects: every change up to it.
func (s *Snapshot) Position() layers.Position { return s.position }

// At is the as-of time of the position.
func (s *Snapshot) At() time.Time { return s.at }

// Tree is the tree of places by which the snapshot counts.
func (s *Snapshot) Tree() *layers.Tree { return s.tree }

// Configured is the position of the last change of layers, places or catalogue: the version of what depends on them.
func (s *Snapshot) Configured() layers.Position { return s.configured }

// Len is the number of features of a kind.
func (s *Snapshot) Len(k layers.Kind) int {
	if t := s.tables[k]; t != nil {
		return t.rows()
	}
	return 0
}

// Bytes is about the memory that the columns take.
func (s *Snapshot) Bytes() int64 {
	var n int64
	for _, t := range s.tables {
		n += t.main.bytes() + t.delta.bytes()
	}
	return n
}

// Builder collects the rows of the first snapshot. Add may be called from several goroutines.
type Builder struct {
	mu    sync.Mutex
	kinds map[layers.Kind]*columns
	areas map[layers.Kind][]area
	floor map[layers.Kind]layers.Position
	bits  Bits
}

// NewBuilder is an empty one; bits decide the layers of each row.
func NewBuilder(bits Bits) *Builder {
	return &Builder{kinds: map[layers.Kind]*columns{}, areas: map[layers.Kind][]area{}, floor: map[layers.Kind]layers.Position{}, bits: bits}
}

// Put is one feature with the position of its last change; lines and areas come with their bounds.
type Put struct {
	Kind     layers.Kind
	Record   layers.Record
	Position layers.Position
	Bound    *orb.Bound
}

// Add takes rows of one kind.
func (b *Builder) Add(kind layers.Kind, puts []Put) {
	words := make([]uint64, len(puts)) // outside the lock: the costly part
	for i := range puts {
		words[i] = b.bits.Of(kind, &puts[i].Record)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.kinds[kind]
	if c == nil {
		c = &columns{}
		b.kinds[kind] = c
	}
	for i, p := range puts {
		c.push(&Row{Record: p.Record, Layers: words[i], Position: p.Position})
		if p.Bound != nil {
			b.areas[kind] = append(b.areas[kind], area{id: p.Record.ID, bound: *p.Bound, pos: p.Position})
		}
	}
}

// Floor says that features of the kind may have left unknown locations up to the position.
func (b *Builder) Floor(kind layers.Kind, p layers.Position) { b.floor[kind] = p }

// Load makes the builder's rows the present snapshot.
func (x *Index) Load(b *Builder, tree *layers.Tree, position, configured layers.Position, at time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.bits = b.bits
	s := &Snapshot{position: position, at: at, tree: tree, configured: configured, tables: map[layers.Kind]*table{}}
	var wg sync.WaitGroup
	for _, k := range layers.Kinds {
		c := b.kinds[k]
		if c == nil {
			c = &columns{}
		}
		t := &table{main: c, delta: &columns{}, areas: b.areas[k], floor: b.floor[k]}
		s.tables[k] = t
		wg.Go(func() {
			c.sortByKey()
			c.finish()
			t.recount()
		})
	}
	wg.Wait()
	b.kinds = nil
	runtime.GC() // the unsorted columns
	x.publish(s)
}

// recount makes the counters of all rows.
func (t *table) recount() {
	t.counts = counters{mine: map[layers.PlaceID]bool{}}
	for i := range t.main.len() {
		r := t.main.row(i)
		t.counts.add(&r, 1)
	}
}
