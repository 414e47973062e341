package index

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"sync"
	"time"

	"onepicture/geo"
	"onepicture/layers"
)

// runRows is how many rows are sorted at once while they come in; 64 Ki of 56 B stay in a processor's cache.
const runRows = 1 << 16

// Builder gathers the rows of the first snapshot: read in one consistent view of the database, in any order, each
// feature once. Add may be called from several goroutines; sorting happens there, so it overlaps with reading.
type Builder struct {
	bits   Bits
	stages [3]stage // as layers.Kinds
	past   released
}

// stage is what has come in of one kind.
type stage struct {
	mu     sync.Mutex
	open   []staged
	runs   [][]staged // each sorted by spot
	pages  map[int64]*idPage
	shapes []shape
	floor  layers.Position
	known  bool // floor was given
}

type staged struct {
	Row
	at layers.Position
}

// NewBuilder makes an empty one; bits decide the layers of each row.
func NewBuilder(bits Bits) *Builder { return &Builder{bits: bits} }

// Add takes features of one kind.
func (b *Builder) Add(kind layers.Kind, puts []Put) {
	n := slot(kind)
	if n < 0 {
		return
	}
	words := make([]uint64, len(puts))
	for i := range puts {
		words[i] = b.bits.Of(kind, &puts[i].Record)
	}
	for _, run := range b.stages[n].add(puts, words) {
		sortRun(run)
	}
}

// add gives the runs that are full; they are already listed, and the caller sorts them outside the lock.
func (s *stage) add(puts []Put, words []uint64) (full [][]staged) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pages == nil {
		s.pages = map[int64]*idPage{}
	}
	var page *idPage
	number := int64(-1)
	for i := range puts {
		p := &puts[i]
		if s.open == nil {
			s.open = make([]staged, 0, runRows)
		}
		s.open = append(s.open, staged{Row{p.Record, words[i]}, p.Position})
		if len(s.open) == runRows {
			s.runs, full = append(s.runs, s.open), append(full, s.open)
			s.open = nil
		}
		if id := p.Record.ID; page == nil || id>>pageBits != number {
			number = id >> pageBits
			if page = s.pages[number]; page == nil {
				page = &idPage{}
				s.pages[number] = page
			}
		}
		page.low = append(page.low, uint16(p.Record.ID&pageMask))
		page.key = append(page.key, p.Record.Key)
		if p.Bound != nil {
			s.shapes = append(s.shapes, shapeOf(p.Record.ID, *p.Bound))
		}
	}
	return full
}

// sortRun sorts by spot: by radix on the keys, the bytes that differ only, which leaves rows of one key in the order in
// which they came. Where ids did not come in order, those few are sorted after it.
func sortRun(run []staged) {
	type ref struct {
		key geo.Key
		row uint32
	}
	refs, spare := make([]ref, len(run)), make([]ref, len(run))
	differ := geo.Key(0)
	for i := range run {
		refs[i] = ref{run[i].Key, uint32(i)}
		differ |= run[i].Key ^ run[0].Key
	}
	for shift := 0; shift < 64; shift += 8 {
		if differ>>shift&0xff == 0 {
			continue
		}
		var at [257]int
		for i := range refs {
			at[refs[i].key>>shift&0xff+1]++
		}
		for i := 1; i < len(at); i++ {
			at[i] += at[i-1]
		}
		for _, r := range refs {
			digit := r.key >> shift & 0xff
			spare[at[digit]] = r
			at[digit]++
		}
		refs, spare = spare, refs
	}
	sorted := make([]staged, len(run))
	for i, r := range refs {
		sorted[i] = run[r.row]
	}
	copy(run, sorted)
	for i := 0; i < len(run); {
		j, ordered := i+1, true
		for ; j < len(run) && run[j].Key == run[i].Key; j++ {
			ordered = ordered && run[j-1].ID < run[j].ID
		}
		if !ordered {
			slices.SortFunc(run[i:j], func(a, b staged) int { return cmp.Compare(a.ID, b.ID) })
		}
		i = j
	}
}

// Floor says that up to this position features of the kind may have left tiles or layers that their rows no longer
// tell of: the position of the last deletion, move or change of layers before the load. Versions up to it are not told
// apart; later ones follow the rows' positions, so that servers which start at different times mostly agree. Without
// it the load's own position is taken, which is always safe.
func (b *Builder) Floor(kind layers.Kind, p layers.Position) {
	if n := slot(kind); n >= 0 {
		b.stages[n].floor, b.stages[n].known = p, true
	}
}

// Release gives the numbers of persons released so far, the position of the last release, and the secret by which numbers
// are rounded. Without it nothing is known to be released.
func (b *Builder) Release(secret []byte, numbers []Numbers, position layers.Position) {
	b.past.secret = secret
	b.past = *b.past.with(numbers, position)
}

// Load makes the builder's rows the current snapshot: the picture at that position; configured is the position of the
// last change of places, layers or catalogue before it. The builder is empty after it. An error: a feature was added
// twice; then nothing is loaded. 10 million rows need some 5 s on two processors and, beside the result, 56 B a row.
func (x *Index) Load(b *Builder, tree *layers.Tree, position, configured layers.Position, at time.Time) error {
	x.write.Lock()
	defer x.write.Unlock()
	// What committed while an older transaction still ran is in the rows, and is told again when the picture gets there.
	// Until then it counts as of the picture: a version above it would not rise with the older one's change.
	s := &Snapshot{
		position: position, at: at, tree: tree, configured: min(configured, position), bits: b.bits,
		released: b.past.with(nil, min(b.past.position, position)),
	}
	for i, k := range layers.Kinds {
		st := &b.stages[i]
		if !st.known {
			st.floor = position
		}
		t, err := st.table(position)
		if err != nil {
			return fmt.Errorf("load %ss: %w", k, err)
		}
		s.tables[i] = t
		*st = stage{}
	}
	x.publish(s)
	return nil
}

func (s *stage) table(position layers.Position) (*table, error) {
	if len(s.open) > 0 {
		sortRun(s.open)
		s.runs = append(s.runs, s.open)
	}
	t := newTable()
	var err error
	if t.ids, err = s.ids(); err != nil {
		return nil, err
	}
	cuts := s.cuts()
	pieces := make([]cutter, len(cuts)-1)
	tallies := inParallel(len(pieces), func(take func() (int, bool)) []*tally {
		mine := editTallies(nil)
		for i, ok := take(); ok; i, ok = take() {
			s.merge(cuts[i], cuts[i+1], &pieces[i], mine)
		}
		return mine.list
	})
	for _, p := range pieces {
		t.first, t.chunks = append(t.first, p.first...), append(t.chunks, p.chunks...)
	}
	t.first, t.chunks = slices.Clip(t.first), slices.Clip(t.chunks)
	t.tallies = sumTallies(tallies)
	for _, y := range t.tallies {
		if y != nil {
			y.sides = 0
			t.rows += int(y.total)
			t.classes = max(t.classes, len(y.classes))
		}
	}
	t.shapes = slices.Clip(s.shapes)
	slices.SortFunc(t.shapes, func(a, b shape) int { return cmp.Compare(a.id, b.id) })
	t.versions = s.versions(t.shapes, position)
	return t, nil
}

func (s *stage) ids() (*idIndex, error) {
	x := &idIndex{page: make([]int64, 0, len(s.pages))}
	for number := range s.pages {
		x.page = append(x.page, number)
	}
	slices.Sort(x.page)
	x.list = make([]*idPage, len(x.page))
	twice := inParallel(len(x.page), func(take func() (int, bool)) bool {
		for i, ok := take(); ok; i, ok = take() {
			page := s.pages[x.page[i]]
			sort.Sort(page)
			for j := 1; j < len(page.low); j++ {
				if page.low[j] == page.low[j-1] {
					return true
				}
			}
			x.list[i] = &idPage{append([]uint16(nil), page.low...), append([]geo.Key(nil), page.key...)}
		}
		return false
	})
	if slices.Contains(twice, true) {
		return nil, fmt.Errorf("a feature was added twice")
	}
	return x, nil
}

// A page under construction is sorted by id; one that came in order costs one comparison an id.
func (p *idPage) Len() int           { return len(p.low) }
func (p *idPage) Less(i, j int) bool { return p.low[i] < p.low[j] }
func (p *idPage) Swap(i, j int) {
	p.low[i], p.low[j] = p.low[j], p.low[i]
	p.key[i], p.key[j] = p.key[j], p.key[i]
}

// pieceRows is about how many rows one piece of the merge has.
const pieceRows = 1 << 18

// cuts divide all spots into ranges of about pieceRows rows, by a sample of the runs: n+1 bounds of n half-open ranges.
func (s *stage) cuts() []spot {
	var sample []spot
	rows := 0
	for _, run := range s.runs {
		rows += len(run)
		for i := 0; i < len(run); i += 1 << 10 {
			sample = append(sample, run[i].spot())
		}
	}
	slices.SortFunc(sample, spot.compare)
	out := []spot{{0, -1 << 63}}
	for i, n := 1, rows/pieceRows; i <= n; i++ {
		if at := sample[i*len(sample)/(n+1)]; out[len(out)-1].before(at) {
			out = append(out, at)
		}
	}
	return append(out, spot{^geo.Key(0), 1<<63 - 1})
}

// merge writes the rows of one range of spots, in order, to chunks and counts them by place.
func (s *stage) merge(lo, hi spot, out *cutter, tallies *tallyEdit) {
	var heads [][]staged // of the runs, a heap by first spot
	for _, run := range s.runs {
		from := sort.Search(len(run), func(i int) bool { return !run[i].spot().before(lo) })
		to := from + sort.Search(len(run)-from, func(i int) bool { return !run[from+i].spot().before(hi) })
		if from < to {
			heads = append(heads, run[from:to])
		}
	}
	for i := len(heads)/2 - 1; i >= 0; i-- {
		sink(heads, i)
	}
	out.rows = make([]Row, 0, 8*chunkRows)
	for len(heads) > 0 {
		r := &heads[0][0].Row
		out.rows = append(out.rows, *r)
		tallies.add(r, 1)
		if len(out.rows) == cap(out.rows) {
			out.spill(mostRows)
		}
		if heads[0] = heads[0][1:]; len(heads[0]) == 0 {
			heads[0] = heads[len(heads)-1]
			heads = heads[:len(heads)-1]
		}
		sink(heads, 0)
	}
	out.flush()
	out.rows = nil
}

func sink(heads [][]staged, i int) {
	for {
		child := 2*i + 1
		if child >= len(heads) {
			return
		}
		if child+1 < len(heads) && heads[child+1][0].spot().before(heads[child][0].spot()) {
			child++
		}
		if !heads[child][0].spot().before(heads[i][0].spot()) {
			return
		}
		heads[i], heads[child] = heads[child], heads[i]
		i = child
	}
}

// versions notes the positions of the rows after the floor, none above the picture's. A row's layers before its last
// change are not known, so each counts for all layers.
func (s *stage) versions(shapes []shape, position layers.Position) *versions {
	v := newVersions(min(s.floor, position))
	const shift = 64 - 2*versionDepth
	for _, run := range s.runs {
		var cell geo.Key
		var last layers.Position
		for i := range run {
			r := &run[i]
			at := min(r.at, position)
			if at <= v.base {
				continue
			}
			if r.Key>>shift != cell || at > last {
				cell, last = r.Key>>shift, at
				v.raise(r.Key, ^uint64(0), at)
			}
			if sh, ok := findShape(shapes, r.ID); ok {
				v.raiseBox(sh.box(), ^uint64(0), at)
			}
		}
		v.bound()
	}
	return v
}
