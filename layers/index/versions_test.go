package index

import (
	"math/rand/v2"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"onepicture/geo"
	"onepicture/layers"
)

func TestVersionsAreNeverTooLow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		m, x := newModel(t, r)
		at := layers.Position(10)
		tiles := make([]geo.Tile, 60)
		for i := range tiles {
			tiles[i] = m.tile(r)
		}
		masks := []uint64{0, 1, 2, 1 << 5, 1 << 63}
		for range 5 {
			before := x.Snapshot()
			var was []layers.Position
			for _, tile := range tiles {
				was = append(was, before.Version(m.kind, 1<<5, tile))
			}
			at += 3
			effects := x.Apply(m.update(r, at))
			after := x.Snapshot()
			for i, tile := range tiles {
				if now := before.Version(m.kind, 1<<5, tile); now != was[i] {
					t.Fatalf("an old snapshot's version went from %d to %d", was[i], now)
				}
				for _, mask := range masks {
					a, b := before.Version(m.kind, mask, tile), after.Version(m.kind, mask, tile)
					if b < a {
						t.Fatalf("the version of %v fell from %d to %d", tile, a, b)
					}
					if touches(effects, before, after, tile, mask) && b <= before.Position() {
						t.Fatalf("%v layers %x changed after %d, but its version is %d", tile, mask, before.Position(), b)
					}
				}
			}
		}
	})
}

// touches tells whether an effect may be seen in the tile.
func touches(effects []Effect, before, after *Snapshot, tile geo.Tile, mask uint64) bool {
	for _, e := range effects {
		for i, r := range []*Row{e.Old, e.New} {
			if r == nil || mask != 0 && r.Layers&mask == 0 {
				continue
			}
			shapes := []*Snapshot{before, after}[i].tables[slot(e.Kind)].shapes
			s, ok := findShape(shapes, e.ID)
			if in(tile, r.Key) || ok && s.box().meets(frameOf(tile).buffered(tile.Z)) {
				return true
			}
		}
	}
	return false
}

func TestVersionsStayBoundedAndSafe(t *testing.T) {
	v := newVersions(3)
	r := rand.New(rand.NewPCG(1, 1))
	far := geo.TileOf(geo.KeyOf(-70, -30), 12)
	truth := map[geo.Key]layers.Position{}
	for i := range 60_000 {
		v = v.copy()
		k, at := geo.KeyOf(110+10*r.Float64(), 20+10*r.Float64()), layers.Position(10+i)
		v.raise(k, 1<<(i%3), at)
		v.bound()
		truth[k] = at
		if v.nodes > mostNodes+versionDepth {
			t.Fatalf("%d nodes", v.nodes)
		}
	}
	for k, at := range truth {
		for _, z := range []uint8{0, 5, 11, 16, 20} {
			if got := v.of(0, geo.TileOf(k, z)); got < at {
				t.Fatalf("zoom %d: version %d, changed at %d", z, got, at)
			}
		}
	}
	if got := newVersions(3).of(0, far); got != 3 {
		t.Errorf("an untouched tile is at %d, want the base", got)
	}
}

func TestMarksFollowEachLayer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m marks
		var truth [64]layers.Position
		for i := range rapid.IntRange(1, 30).Draw(t, "n") {
			mask := rapid.Uint64().Draw(t, "mask") & rapid.Uint64().Draw(t, "and")
			at := layers.Position(rapid.IntRange(1, 20).Draw(t, "at"))
			before := m
			m.raise(mask, at)
			for b := range truth {
				if mask>>b&1 == 1 {
					truth[b] = max(truth[b], at)
				}
				got := m.of(1 << b)
				if got < truth[b] || got < before.of(1<<b) {
					t.Fatalf("layer %d at %d, want at least %d", b, got, max(truth[b], before.of(1<<b)))
				}
				if i < len(m.sets) && got != truth[b] {
					t.Fatalf("layer %d at %d, want exactly %d while there is room", b, got, truth[b])
				}
			}
		}
	})
}

func TestLoadedVersions(t *testing.T) {
	here, there := geo.KeyOf(113.5, 23), geo.KeyOf(114.5, 23)
	put := Put{Kind: layers.KindSite, Record: layers.Record{ID: 1, Key: here}, Position: 40}
	for _, c := range []struct {
		name  string
		floor bool
		key   geo.Key
		want  layers.Position
	}{
		{"without a floor every tile is at the load", false, there, 50},
		{"with a floor a tile is at its latest row", true, here, 40},
		{"and an empty one at the floor", true, there, 4},
	} {
		s := load(t, nil, c.floor, put).Snapshot()
		if got := s.Version(layers.KindSite, 1, geo.TileOf(c.key, 14)); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestVersionsRiseBeyondWhatWasTold(t *testing.T) {
	k, key := layers.KindSite, geo.KeyOf(113.5, 23)
	tile := geo.TileOf(key, 14)
	for _, position := range []layers.Position{0, 3, 50, 55, 60, 61, 1000} {
		x := load(t, nil, false)
		x.Apply(Update{Through: 60, Puts: []Put{{Kind: k, Record: layers.Record{ID: 1, Key: key}, Position: position}}})
		if v := x.Snapshot().Version(k, 0, tile); v <= 50 || v > 60 {
			t.Errorf("a put at %d in the update 50–60 gives version %d", position, v)
		}
	}
}

func TestAreasReachIntoTheBuffer(t *testing.T) {
	k, tile := layers.KindSite, geo.Tile{Z: 15, X: 26700, Y: 14200}
	b := tile.Bound()
	w := b.Max[0] - b.Min[0]
	for _, c := range []struct {
		name  string
		gap   float64 // of the tile's width, between the tile and the area
		drawn bool
	}{{"touching", 0, true}, {"in the buffer", 0.015, true}, {"beyond it", 0.017, false}} {
		x := load(t, nil, true)
		area := orb.Bound{Min: orb.Point{b.Max[0] + c.gap*w, b.Min[1]}, Max: orb.Point{b.Max[0] + c.gap*w + w/3, b.Max[1]}}
		centre := area.Center()
		x.Apply(Update{Through: 60, Puts: []Put{{
			Kind: k, Record: layers.Record{ID: 1, Key: geo.KeyOf(centre[0], centre[1])}, Position: 60, Bound: &area,
		}}})
		s := x.Snapshot()
		rows, _ := s.Scan(Query{Kind: k, Scope: layers.Internal("test")}, tile, 10)
		if v := s.Version(k, 0, tile); (len(rows) == 1) != c.drawn || (v == 60) != c.drawn {
			t.Errorf("an area %s: %d rows, version %d", c.name, len(rows), v)
		}
	}
}
