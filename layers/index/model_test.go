package index

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/filter"
)

// testTree is a city of two towns with three villages each, of two grids each. Place 99 is in no tree.
func testTree() *layers.Tree {
	places := []layers.Place{{ID: 1, Code: "1", Level: layers.LevelCity}}
	id := layers.PlaceID(2)
	add := func(code string, level uint8, parent layers.PlaceID) layers.PlaceID {
		places = append(places, layers.Place{ID: id, Code: code, Level: level, Parent: parent})
		id++
		return id - 1
	}
	for town := range 2 {
		townID := add(fmt.Sprintf("1%d", town), layers.LevelTown, 1)
		for village := range 3 {
			villageID := add(fmt.Sprintf("1%d%d", town, village), layers.LevelVillage, townID)
			for grid := range 2 {
				add(fmt.Sprintf("1%d%d%d", town, village, grid), layers.LevelGrid, villageID)
			}
		}
	}
	return layers.NewTree(places)
}

const lastTestPlace = 21

// testBits: classes 1 and 2, even levels, everything.
func testBits(k layers.Kind) Bits {
	return Bits{k: {
		{Bit: 0, Match: func(r *layers.Record) bool { return r.Class == 1 }},
		{Bit: 1, Match: func(r *layers.Record) bool { return r.Class == 2 }},
		{Bit: 5, Match: func(r *layers.Record) bool { return r.Level%2 == 0 }},
		{Bit: 63},
	}}
}

// model is the same city kept as a plain map.
type model struct {
	kind   layers.Kind
	bits   Bits
	tree   *layers.Tree
	rows   map[int64]layers.Record
	bounds map[int64]orb.Bound
	spread float64 // degrees
}

func (m *model) record(r *rand.Rand, id int64) layers.Record {
	lon, lat := 113.5+r.Float64()*m.spread, 23+r.Float64()*m.spread
	if r.IntN(3) == 0 { // an address that many share
		n := r.IntN(5)
		lon, lat = 113.5+float64(n)*m.spread/5, 23+float64(n)*m.spread/5
	}
	place := layers.PlaceID(r.IntN(lastTestPlace + 1))
	if r.IntN(20) == 0 {
		place = 99
	}
	return layers.Record{
		ID: id, Key: geo.KeyOf(lon, lat), Place: place, Class: uint16(r.IntN(4)), Item: uint16(r.IntN(2)),
		Status: uint8(r.IntN(9)), Level: uint8(r.IntN(4)), Flags: r.Uint32N(4), Time: int32(r.IntN(200) - 100),
		Due: int32(r.IntN(50)), Closed: int32(max(0, r.IntN(200)-100)), Department: int16(r.IntN(4)),
	}
}

func (m *model) takes(q Query, r *layers.Record) bool {
	counts, records := q.Scope.Counts(q.Kind, r.Place), q.Scope.Records(q.Kind, r.Place, r.Department)
	if !map[Part]bool{Seen: counts, Records: records, Beyond: counts && !records}[q.Part] {
		return false
	}
	if q.Layers != 0 && q.Layers&m.bits.Of(m.kind, r) == 0 {
		return false
	}
	if q.Statuses != 0 && q.Statuses>>r.Status&1 == 0 || q.Match != nil && !q.Match(r) {
		return false
	}
	if q.Filter != nil && !q.Filter.Passes(r) {
		return false
	}
	if (q.From != 0 || q.To != 0) && r.Time < q.From || q.To != 0 && r.Time >= q.To {
		return false
	}
	if closed := r.Closed != 0 && r.Closed < q.OpenAt || r.Closed == 0 && (r.Status == layers.StatusClose || r.Status == layers.StatusVoid); q.OpenAt != 0 && (closed || r.Time >= q.OpenAt) {
		return false
	}
	if q.Place == 0 {
		return true
	}
	lo, hi := m.tree.Range(q.Place)
	o := m.tree.Ordinal(r.Place)
	return o >= lo && o < hi
}

// chosen are the rows that the query chooses, by key and id.
func (m *model) chosen(q Query) []layers.Record {
	var out []layers.Record
	for _, r := range m.rows {
		if m.takes(q, &r) {
			out = append(out, r)
		}
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		return a.Key < b.Key || a.Key == b.Key && a.ID < b.ID
	})
	return out
}

// testScope sees records in some places, those of departments' own in some, and exact counts in some.
func testScope(r *rand.Rand) layers.Scope {
	var sight layers.Sight
	for range r.IntN(12) {
		sight.Records.Places.Add(layers.PlaceID(r.IntN(lastTestPlace + 1)))
	}
	for range r.IntN(12) {
		sight.Counts.Places.Add(layers.PlaceID(r.IntN(lastTestPlace + 1)))
	}
	sight.Counts.All = r.IntN(4) == 0
	for range r.IntN(3) {
		var at layers.Reach
		for range r.IntN(12) {
			at.Places.Add(layers.PlaceID(r.IntN(lastTestPlace + 1)))
		}
		at.All = r.IntN(6) == 0
		own := layers.Sight{Counts: at, Owned: []layers.Owned{{Department: int16(1 + r.IntN(3)), Reach: at}}}
		sight = sight.With(own)
	}
	return layers.Scope{Person: sight, Site: sight, Event: sight}
}

func (m *model) query(r *rand.Rand) Query {
	q := Query{Kind: m.kind, Scope: layers.Internal("test")}
	if r.IntN(2) == 0 {
		q.Scope = testScope(r)
		q.Part = Part(r.IntN(3))
	}
	if r.IntN(2) == 0 {
		q.Layers = []uint64{1, 2, 1 << 5, 3, 1 << 63, 1 << 40}[r.IntN(6)]
	}
	if r.IntN(3) == 0 {
		q.Place = layers.PlaceID(1 + r.IntN(lastTestPlace))
	}
	if r.IntN(3) == 0 {
		q.From, q.To = int32(r.IntN(200)-100), int32(r.IntN(200)-100)
	}
	if r.IntN(3) == 0 {
		q.OpenAt = int32(r.IntN(100))
	}
	if r.IntN(4) == 0 {
		q.Statuses = uint16(r.IntN(512))
	}
	if r.IntN(3) == 0 {
		q.Match = func(r *layers.Record) bool { return r.Flags&1 == 1 }
	}
	if r.IntN(3) == 0 {
		q.Filter = testFilter(r)
	}
	return q
}

func testFilter(r *rand.Rand) *filter.Parts {
	f := filter.Any
	if r.IntN(2) == 0 {
		f.From, f.Last = int32(r.IntN(200)-100), int32(r.IntN(200)-100)
	}
	if r.IntN(2) == 0 {
		f.Statuses = uint16(r.IntN(512))
	}
	if r.IntN(2) == 0 {
		f.Classes = make([]bool, r.IntN(4))
		for i := range f.Classes {
			f.Classes[i] = r.IntN(2) == 0
		}
	}
	if r.IntN(2) == 0 {
		f.Rest = func(r *layers.Record) bool { return r.Level > 1 }
	}
	return &f
}

// tile draws one that holds some of the city, at zoom 7 to 22.
func (m *model) tile(r *rand.Rand) geo.Tile {
	return geo.TileOf(geo.KeyOf(113.5+r.Float64()*m.spread, 23+r.Float64()*m.spread), uint8(7+r.IntN(16)))
}

func in(t geo.Tile, k geo.Key) bool {
	lo, hi := t.Range()
	return k >= lo && k <= hi
}

var testTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// newModel draws a loaded city, at position 10.
func newModel(t *rapid.T, r *rand.Rand) (*model, *Index) {
	m := &model{
		kind:   layers.Kinds[rapid.IntRange(0, 2).Draw(t, "kind")],
		tree:   testTree(),
		rows:   map[int64]layers.Record{},
		bounds: map[int64]orb.Bound{},
		spread: rapid.SampledFrom([]float64{0.5, 0.05, 0.001}).Draw(t, "spread"),
	}
	m.bits = testBits(m.kind)
	n := rapid.SampledFrom([]int{0, 1, 300, 6000}).Draw(t, "rows")
	puts := make([]Put, n)
	for i := range puts {
		puts[i] = m.put(r, int64(i*4/3), 5)
	}
	r.Shuffle(len(puts), func(i, j int) { puts[i], puts[j] = puts[j], puts[i] })
	b := NewBuilder(m.bits)
	for part := range slices.Chunk(puts, 1000) {
		b.Add(m.kind, part)
	}
	x := New()
	if err := x.Load(b, m.tree, 10, 1, testTime); err != nil {
		t.Fatal(err)
	}
	return m, x
}

// put changes the model and gives the same change for the index.
func (m *model) put(r *rand.Rand, id int64, at layers.Position) Put {
	p := Put{Kind: m.kind, Record: m.record(r, id), Position: at}
	if old, ok := m.rows[id]; ok && r.IntN(2) == 0 {
		p.Record.Key = old.Key // changed where it was
	}
	m.rows[id] = p.Record
	delete(m.bounds, id)
	if r.IntN(30) == 0 {
		lon, lat := p.Record.Key.LonLat()
		w, h := r.Float64()*m.spread/5, r.Float64()*m.spread/5
		b := orb.Bound{Min: orb.Point{lon - w, lat - h}, Max: orb.Point{lon + h, lat + w}}
		p.Bound = &b
		m.bounds[id] = b
	}
	return p
}

// update draws changes and makes them in the model.
func (m *model) update(r *rand.Rand, at layers.Position) Update {
	u := Update{Through: at, At: testTime.Add(time.Duration(at) * time.Second)}
	for range r.IntN(60) {
		id := int64(r.IntN(9000))
		u.Puts = append(u.Puts, m.put(r, id, at-layers.Position(r.IntN(3))))
	}
	if r.IntN(6) == 0 { // a crowd at one spot
		key := geo.KeyOf(113.5+r.Float64()*m.spread, 23)
		for i := range 3000 {
			p := m.put(r, int64(20000+i), at)
			p.Record.Key = key
			m.rows[p.Record.ID] = p.Record
			u.Puts = append(u.Puts, p)
		}
	}
	most := r.IntN(100)
	if r.IntN(4) == 0 {
		most = len(m.rows)
	}
	for id := range m.rows {
		if most--; most < 0 {
			break
		}
		delete(m.rows, id)
		delete(m.bounds, id)
		u.Deletes = append(u.Deletes, Delete{m.kind, id, at})
	}
	return u
}
