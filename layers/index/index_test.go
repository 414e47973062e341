package index

import (
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"onepicture/geo"
	"onepicture/layers"
)

func TestAnswersEqualAPlainMapThroughAnyChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		m, x := newModel(t, r)
		m.check(t, r, x.Snapshot())
		at := layers.Position(10)
		for range rapid.IntRange(0, 6).Draw(t, "updates") {
			at += layers.Position(1 + r.IntN(5))
			u := m.update(r, at)
			if r.IntN(5) == 0 {
				m.bits = Bits{m.kind: {{Bit: uint8(r.IntN(64)), Match: func(r *layers.Record) bool { return r.Class > 0 }}}}
				u.Bits = m.bits
			}
			x.Apply(u)
			s := x.Snapshot()
			if s.Position() != at || !s.At().Equal(u.At) {
				t.Fatalf("at %v %v, want %v %v", s.Position(), s.At(), at, u.At)
			}
			m.check(t, r, s)
			x.Apply(u) // again: nothing changes
			m.check(t, r, x.Snapshot())
		}
		checkTables(t, x.Snapshot())
	})
}

// checkTables tests what the structures promise.
func checkTables(t *rapid.T, s *Snapshot) {
	for _, table := range s.tables {
		rows, small := 0, 0
		var last spot
		for i, c := range table.chunks {
			rows += c.len()
			if c.len() > mostRows || c.len() == 0 {
				t.Fatalf("a chunk of %d rows", c.len())
			}
			if c.len() < leastRows {
				small++
			}
			if table.first[i] != (spot{c.key[0], c.id[0]}) {
				t.Fatal("the list of first spots is wrong")
			}
			for j := range c.len() {
				now := spot{c.key[j], c.id[j]}
				if rows-c.len()+j > 0 && !last.before(now) {
					t.Fatal("rows out of order")
				}
				if key, ok := table.ids.find(now.id); !ok || key != now.key {
					t.Fatal("a row is not found by its id")
				}
				last = now
			}
		}
		if rows != table.rows || small > 1 { // only the last may stay small
			t.Fatalf("%d rows, want %d; %d small chunks of %d", rows, table.rows, small, len(table.chunks))
		}
	}
}

func TestOldSnapshotsNeverChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		m, x := newModel(t, r)
		type kept struct {
			model *model
			snap  *Snapshot
		}
		var old []kept
		var readers sync.WaitGroup
		q := Query{Kind: m.kind, Scope: layers.Internal("test"), Layers: 1 << 63}
		at := layers.Position(10)
		for range 4 {
			copied := *m
			copied.rows, copied.bounds = maps.Clone(m.rows), maps.Clone(m.bounds)
			s := x.Snapshot()
			old = append(old, kept{&copied, s})
			n := s.Count(q)
			readers.Go(func() {
				for range 20 {
					if s.Count(q) != n {
						t.Error("a snapshot's count changed while updates were applied")
					}
				}
			})
			at++
			x.Apply(m.update(r, at))
		}
		readers.Wait()
		for _, k := range old {
			k.model.check(t, r, k.snap)
		}
	})
}

func TestCrowdsAtATilesCorners(t *testing.T) {
	tile := geo.Tile{Z: 14, X: 13350, Y: 7100}
	lo, hi := tile.Range()
	k := layers.KindPerson
	var puts []Put
	for i, key := range []geo.Key{lo - 1, lo, hi, hi + 1} {
		for j := range 5000 {
			puts = append(puts, Put{Kind: k, Record: layers.Record{ID: int64(i*5000 + j), Key: key}})
		}
	}
	s := load(t, nil, false, puts...).Snapshot()
	q := Query{Kind: k, Scope: layers.Internal("test")}
	if n := s.CountTile(q, tile); n != 10_000 {
		t.Errorf("the tile counts %d", n)
	}
	cells := s.Cells(q, tile, 6)
	if len(cells) != 2 || cells[0].N != 5000 || cells[1].N != 5000 || cells[0].X+cells[0].Y != 0 || cells[1].X+cells[1].Y != 126 {
		t.Errorf("cells %+v", cells)
	}
}

// Enough rows for several goroutines must give what the quarters, each for one, add up to.
func TestManyRowsAreCountedLikeFew(t *testing.T) {
	s := benchBuild(t, 600_000).Snapshot()
	q := Query{Kind: layers.KindPerson, Scope: townScope(), Layers: 0xf, Match: func(r *layers.Record) bool { return r.Time%3 != 0 }}
	tile := geo.TileOf(geo.KeyOf(benchWest+benchSide/2, benchSouth+benchSide/2), 6)
	want := map[[2]uint32]Cell{}
	n := 0
	var quarters func(t geo.Tile, depth uint8)
	quarters = func(t geo.Tile, depth uint8) {
		if depth > 0 {
			for _, child := range t.Children() {
				quarters(child, depth-1)
			}
			return
		}
		for _, c := range s.Cells(q, t, 0) {
			want[[2]uint32{t.X - tile.X<<6, t.Y - tile.Y<<6}] = c
			n += c.N
		}
	}
	quarters(tile, 6)
	cells := s.Cells(q, tile, 6)
	if len(cells) != len(want) || n < 100_000 {
		t.Fatalf("%d cells, want %d; %d rows", len(cells), len(want), n)
	}
	for _, c := range cells {
		if w := want[[2]uint32{c.X, c.Y}]; w.N != c.N || !cmp.Equal(w.Classes, c.Classes) {
			t.Fatalf("cell %+v, want %+v", c, w)
		}
	}
	total := 0
	for _, k := range s.Histogram(q, -14000, 1000, 33) {
		total += k
	}
	inTree := q
	inTree.Place = 1
	if s.Count(q) != n || s.CountTile(q, tile) != n || total != n || s.ByPlace(q)[0] != s.Count(inTree) {
		t.Errorf("%d by tiles, %d in all, %d by time", n, s.Count(q), total)
	}
}

func load(t testing.TB, bits Bits, floor bool, puts ...Put) *Index {
	t.Helper()
	b := NewBuilder(bits)
	for _, p := range puts {
		b.Add(p.Kind, []Put{p})
	}
	if floor {
		for _, k := range layers.Kinds {
			b.Floor(k, 4)
		}
	}
	x := New()
	if err := x.Load(b, testTree(), 50, 2, testTime); err != nil {
		t.Fatal(err)
	}
	return x
}

func TestUpdates(t *testing.T) {
	k := layers.KindEvent
	key := geo.KeyOf(113.5, 23)
	x := load(t, testBits(k), false, Put{Kind: k, Record: layers.Record{ID: 7, Key: key, Class: 1, Place: 3}, Position: 9})
	moved := layers.Record{ID: 7, Key: geo.KeyOf(113.6, 23), Class: 2, Place: 4}
	effects := x.Apply(Update{Through: 60, At: testTime, Puts: []Put{
		{Kind: k, Record: layers.Record{ID: 7, Key: key, Class: 3}, Position: 58}, {Kind: k, Record: moved, Position: 55},
	}, Deletes: []Delete{{k, 1234, 60}}})
	want := []Effect{{
		Kind: k, ID: 7, Position: 58,
		Old: &Row{layers.Record{ID: 7, Key: key, Class: 1, Place: 3}, 1 | 1<<5 | 1<<63},
		New: &Row{moved, 2 | 1<<5 | 1<<63},
	}}
	if d := cmp.Diff(want, effects); d != "" {
		t.Errorf("the last put of a feature counts, and what never was leaves no effect: %s", d)
	}
	before := x.Snapshot()
	if again := x.Apply(Update{Through: 59, At: testTime.Add(time.Hour), Deletes: []Delete{{k, 7, 59}}}); again != nil {
		t.Errorf("an update of the past had effects: %v", again)
	}
	s := x.Snapshot()
	if s.Position() != 60 || s.Len(k) != 1 || !s.At().Equal(testTime.Add(time.Hour)) || before.At().Equal(s.At()) {
		t.Errorf("an old update must move the as-of time only: %v %v %v", s.Position(), s.Len(k), s.At())
	}
	if effects = x.Apply(Update{Through: 61, Puts: []Put{{Kind: k, Record: moved}}, Deletes: []Delete{{k, 7, 61}}}); len(effects) != 1 || effects[0].New != nil {
		t.Errorf("a feature put and deleted is deleted: %v", effects)
	}
	if x.Snapshot().Len(k) != 0 {
		t.Error("it is still there")
	}
}

func TestTheZeroScopeSeesNothing(t *testing.T) {
	world := orb.MultiPolygon{orb.Bound{Min: orb.Point{100, 10}, Max: orb.Point{120, 30}}.ToPolygon()}
	inWorld := func(s *Snapshot, q Query) int {
		n, _ := s.CountIn(q, geo.Cover(world, 5), geo.Prepare(world))
		return n
	}
	key := geo.KeyOf(113.5, 23)
	for _, k := range layers.Kinds {
		s := load(t, testBits(k), false, Put{Kind: k, Record: layers.Record{ID: 7, Key: key, Place: 3, Time: 5}}).Snapshot()
		q, tile := Query{Kind: k}, geo.TileOf(key, 10)
		rows, _ := s.Scan(q, tile, 10)
		_, found := s.Find(k, layers.Scope{}, 7)
		f := s.Figures(k, layers.Scope{}, 0)
		if s.Count(q) != 0 || s.CountTile(q, tile) != 0 || inWorld(s, q) != 0 ||
			s.Cells(q, tile, 6) != nil || rows != nil || s.Latest(q, 5, 0, 0) != nil || found || f.N != 0 ||
			s.Histogram(q, 0, 10, 1)[0] != 0 || s.ByPlace(q)[0] != 0 || s.FiguresByPlace(k, layers.Scope{})[0].N != 0 {
			t.Errorf("%s: something is seen", k)
		}
		q.Scope = layers.Internal("test")
		if s.Count(q) != 1 || inWorld(s, q) != 1 {
			t.Errorf("%s: the test sees nothing either", k)
		}
	}
}

func TestScopesWithCountsGetNoRecords(t *testing.T) {
	k, key := layers.KindPerson, geo.KeyOf(113.5, 23)
	s := load(t, nil, false, Put{Kind: k, Record: layers.Record{ID: 7, Key: key, Place: 3}}).Snapshot()
	q := Query{Kind: k, Scope: layers.Scope{Person: layers.Sight{Counts: layers.Everywhere()}}}
	rows, ok := s.Scan(q, geo.TileOf(key, 10), 10)
	if _, found := s.Find(k, q.Scope, 7); rows != nil || !ok || found || s.Latest(q, 5, 0, 0) != nil {
		t.Error("a person is told")
	}
	if s.Count(q) != 1 {
		t.Error("persons are counted")
	}
}

func TestAFeatureAddedTwiceIsRefused(t *testing.T) {
	b := NewBuilder(nil)
	p := Put{Kind: layers.KindSite, Record: layers.Record{ID: 7}}
	b.Add(layers.KindSite, []Put{p, p})
	x := New()
	if err := x.Load(b, testTree(), 1, 1, testTime); err == nil || x.Snapshot() != nil {
		t.Error("loaded")
	}
}

func TestNothingBeforeTheLoad(t *testing.T) {
	x := New()
	changed := x.Changed()
	if x.Snapshot() != nil || x.Apply(Update{Through: 1}) != nil || x.Snapshot() != nil {
		t.Fatal("an index that is not loaded has a snapshot")
	}
	if err := x.Load(NewBuilder(nil), testTree(), 5, 5, testTime); err != nil {
		t.Fatal(err)
	}
	<-changed
	next := x.Changed()
	x.Apply(Update{Through: 6, At: testTime})
	<-next
	if x.Snapshot().Position() != 6 {
		t.Error("not at 6")
	}
}

func TestCountInAPolygon(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 4))
		m, x := newModel(t, r)
		a, b := 113.5+m.spread*r.Float64(), 23+m.spread*r.Float64()
		shape := orb.MultiPolygon{{{{a, b}, {a + m.spread, b + m.spread/3}, {a - m.spread/4, b + m.spread}, {a, b}}}}
		prepared := geo.Prepare(shape)
		q := m.query(r)
		want := 0
		for _, row := range m.chosen(q) {
			if prepared.Contains(row.Key.LonLat()) {
				want++
			}
		}
		if got, _ := x.Snapshot().CountIn(q, geo.Cover(shape, 6), prepared); got != want {
			t.Fatalf("%d inside, want %d", got, want)
		}
	})
}

func TestChunksJoinWhenTheyShrink(t *testing.T) {
	k := layers.KindEvent
	r := rand.New(rand.NewPCG(1, 1))
	var puts []Put
	for id := range 20_000 {
		puts = append(puts, Put{Kind: k, Record: layers.Record{ID: int64(id), Key: geo.KeyOf(113+r.Float64(), 23)}})
	}
	x := load(t, nil, false, puts...)
	order := r.Perm(len(puts))
	at := layers.Position(100)
	for ; len(order) > 600; order = order[min(500, len(order)-600):] {
		at++
		u := Update{Through: at}
		for _, id := range order[:min(500, len(order)-600)] {
			u.Deletes = append(u.Deletes, Delete{k, int64(id), at})
		}
		x.Apply(u)
	}
	table := x.Snapshot().tables[slot(k)]
	if table.rows != 600 || len(table.chunks) > 3 {
		t.Errorf("%d rows in %d chunks", table.rows, len(table.chunks))
	}
}
