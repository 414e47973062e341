package index

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"onepicture/geo"
	"onepicture/layers"
)

// releasedCity has persons of two layers and three classes in many places, and its numbers released.
func releasedCity(t interface {
	Helper()
	Fatal(...any)
}, seed uint64, people int) *Index {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 9))
	list := []layers.Place{{ID: 1, Code: "1", Level: 1}}
	for i := 2; i < 60; i++ {
		p := layers.Place{ID: layers.PlaceID(i), Parent: layers.PlaceID(1 + r.IntN(i-1)), Code: string(rune('a' + i)), Level: 2}
		if r.IntN(4) > 0 {
			p.HasShape, p.Label = true, orb.Point{113.5 + r.Float64()/10, 23 + r.Float64()/10}
		}
		list = append(list, p)
	}
	bits := Bits{layers.KindPerson: {{Bit: 0}, {Bit: 3, Match: func(r *layers.Record) bool { return r.Flags&1 == 1 }}}}
	b := NewBuilder(bits)
	b.Release([]byte("a secret"), nil, 0)
	for i := range people {
		place := layers.PlaceID(float64(len(list)) * r.Float64() * r.Float64())
		b.Add(layers.KindPerson, []Put{{Kind: layers.KindPerson, Record: layers.Record{
			ID: int64(i + 1), Key: geo.KeyOf(113.5+r.Float64()/10, 23+r.Float64()/10), Place: place,
			Class: uint16(1 + r.IntN(3)), Flags: uint32(min(1, r.IntN(5))) ^ 1,
		}}})
	}
	x := New()
	if err := x.Load(b, layers.NewTree(list), 7, 3, testTime); err != nil {
		t.Fatal(err)
	}
	x.Apply(Update{Through: 8, Numbers: x.Snapshot().Due(), NumbersAt: 8})
	return x
}

func countsOnly(k int) layers.Scope {
	return layers.Scope{Person: layers.Sight{Counts: layers.Everywhere()}, Threshold: k}
}

// Whatever is asked of persons without a right to records, the answer is a sum over the released table.
func TestRoundedAnswersAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		r := rand.New(rand.NewPCG(seed, 10))
		x := releasedCity(t, seed, r.IntN(4000))
		s := x.Snapshot()
		k := []int{5, 10}[r.IntN(2)]
		scope := countsOnly(k)
		q := Query{Kind: layers.KindPerson, Scope: scope}
		bit := -1
		if r.IntN(2) == 0 {
			q.Layers, bit = 1<<3, 3
		}
		of := func(c PlaceCounts) int {
			if bit >= 0 {
				return c.Layer[bit]
			}
			return c.N
		}
		whole := s.Figures(layers.KindPerson, scope, 0)
		if of(whole)%k != 0 || !whole.Rounded && whole.N > 0 {
			t.Fatalf("%d (rounded: %v) for a threshold of %d", of(whole), whole.Rounded, k)
		}
		if got := s.Count(q); got != of(whole) {
			t.Fatalf("counted %d, figures %d", got, of(whole))
		}
		anchored := 0
		s.roundedPart(q, func(id layers.PlaceID, n uint32) {
			if _, ok := s.anchor(id); ok {
				anchored += int(n)
			}
		})
		area := orb.MultiPolygon{orb.Bound{Min: orb.Point{113, 22}, Max: orb.Point{114, 24}}.ToPolygon()}
		if got, _ := s.CountIn(q, geo.Cover(area, 6), geo.Prepare(area)); got != anchored {
			t.Fatalf("in the area %d, anchored %d", got, anchored)
		}
		tile := geo.TileOf(geo.KeyOf(113.55, 23.05), uint8(8+r.IntN(7)))
		sum := 0
		for _, c := range s.Cells(q, tile, uint8(r.IntN(7))) {
			if !c.Rounded || c.N%k != 0 || c.Classes != nil {
				t.Fatalf("cell %+v", c)
			}
			sum += c.N
		}
		children := 0
		for _, child := range tile.Children() {
			children += s.CountTile(q, child)
		}
		if got := s.CountTile(q, tile); got != sum || got != children {
			t.Fatalf("tile %d, its cells %d, its children %d", got, sum, children)
		}
		for o, c := range s.FiguresByPlace(layers.KindPerson, scope) {
			if id := s.tree.At(int32(o)).ID; of(c) != of(s.Figures(layers.KindPerson, scope, id)) {
				t.Fatalf("place %d: %d by place", id, of(c))
			}
		}
		rows, _ := s.Scan(q, tile, 10_000)
		if rows != nil || s.Latest(q, 10, 0, 0) != nil || slices.Max(s.ByPlace(q)) != 0 || s.Histogram(q, -1000, 1000, 2)[0] != 0 {
			t.Fatal("rows are seen")
		}
	})
}

func TestNumbersAreRoundedBothWays(t *testing.T) {
	const k, cells = 10, 20_000
	for n := int32(0); n < 3*k; n++ {
		sum, ups := 0, 0
		for place := range cells {
			o := offsets{secret: []byte("s"), place: layers.PlaceID(place), step: k}
			v := o.round(n)
			if v%k != 0 || v <= n-k || v >= n+k || v < 0 || n == 0 && v != 0 {
				t.Fatalf("%d becomes %d", n, v)
			}
			again := offsets{secret: []byte("s"), place: layers.PlaceID(place), step: k}
			if again.round(n) != v {
				t.Fatal("the same number is rounded in two ways")
			}
			sum += int(v)
			if v > n {
				ups++
			}
		}
		if mean := float64(sum) / cells; mean < float64(n)-0.2 || mean > float64(n)+0.2 {
			t.Errorf("%d is %.2f on the average", n, mean)
		}
		if n%k != 0 && (ups == 0 || ups == cells) {
			t.Errorf("%d is always rounded one way", n)
		}
	}
}

func TestAFilterOnRoundedNumbersFindsNothing(t *testing.T) {
	s := releasedCity(t, 1, 3000).Snapshot()
	for name, q := range map[string]Query{
		"a filter":   {Match: func(*layers.Record) bool { return true }},
		"a time":     {From: -1 << 30, To: 1 << 30},
		"statuses":   {Statuses: ^uint16(0)},
		"two layers": {Layers: 1<<3 | 1},
		"records":    {Part: Records},
	} {
		q.Kind, q.Scope = layers.KindPerson, countsOnly(5)
		if n := s.Count(q); n != 0 {
			t.Errorf("%s: %d", name, n)
		}
	}
}

// One person's coming or going must not show at once: it waits until it is one of many.
func TestOneChangeReleasesNothing(t *testing.T) {
	x := releasedCity(t, 2, 3000)
	before := x.Snapshot().Figures(layers.KindPerson, countsOnly(5), 0)
	at := layers.Position(10)
	put := func(id int64) {
		at++
		x.Apply(Update{Through: at, Puts: []Put{{Kind: layers.KindPerson, Record: layers.Record{ID: id, Place: 2, Class: 1, Flags: 1}}}})
	}
	for id := range int64(mixedSides - 1) {
		put(10_000 + id)
		if due := x.Snapshot().Due(); len(due) != 0 {
			t.Fatalf("due after %d changes", id+1)
		}
	}
	if after := x.Snapshot().Figures(layers.KindPerson, countsOnly(5), 0); after.N != before.N || after.Layer != before.Layer {
		t.Error("the numbers changed by themselves")
	}
	put(20_000)
	due := x.Snapshot().Due()
	if len(due) != 1 || due[0].Place != 2 {
		t.Fatalf("due: %+v", due)
	}
	at++
	x.Apply(Update{Through: at, Numbers: due, NumbersAt: at})
	if len(x.Snapshot().Due()) != 0 || x.Snapshot().Released() != at {
		t.Error("released twice, or at no position")
	}
	if after := x.Snapshot().Figures(layers.KindPerson, countsOnly(5), 0); after.N == before.N {
		t.Error("twenty persons more, and nothing told")
	}
}
