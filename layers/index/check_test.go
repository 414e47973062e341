package index

import (
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onepicture/geo"
	"onepicture/layers"
)

// check compares all answers of a snapshot with the model's.
func (m *model) check(t *rapid.T, r *rand.Rand, s *Snapshot) {
	if s.Len(m.kind) != len(m.rows) {
		t.Fatalf("%d rows, want %d", s.Len(m.kind), len(m.rows))
	}
	q := m.query(r)
	chosen := m.chosen(q)
	if got := s.Count(q); got != len(chosen) {
		t.Fatalf("count of %+v is %d, want %d", q, got, len(chosen))
	}
	m.checkTile(t, s, q, chosen, m.tile(r), uint8(r.IntN(7)))
	m.checkLatest(t, r, s, q)
	m.checkTimes(t, r, s, q, chosen)
	m.checkPlaces(t, s, q, chosen)
	for id, want := range m.rows {
		row, ok := s.Find(m.kind, q.Scope, id)
		if ok != q.Scope.Records(m.kind, want.Place, want.Department) || ok && (row.Record != want || row.Layers != m.bits.Of(m.kind, &want)) {
			t.Fatalf("found %+v, %v; want %+v", row, ok, want)
		}
		break
	}
	if _, ok := s.Find(m.kind, layers.Internal("test"), 1<<40); ok {
		t.Fatal("found what never was")
	}
}

func (m *model) checkTile(t *rapid.T, s *Snapshot, q Query, chosen []layers.Record, tile geo.Tile, depth uint8) {
	var want []layers.Record
	for _, r := range chosen {
		if in(tile, r.Key) {
			want = append(want, r)
		}
	}
	if got := s.CountTile(q, tile); got != len(want) {
		t.Fatalf("count of tile %v is %d, want %d", tile, got, len(want))
	}
	if tile.Z < geo.MaxZoom {
		children := 0
		for _, child := range tile.Children() {
			children += s.CountTile(q, child)
		}
		if children != len(want) {
			t.Fatalf("the children of %v count %d, itself %d", tile, children, len(want))
		}
	}
	cells := s.Cells(q, tile, depth)
	checkCells(t, cells, want, tile, depth)
	q.Unsorted = true
	for i := range cells {
		cells[i].Classes = nil
	}
	if got := s.Cells(q, tile, depth); !cmp.Equal(got, cells) {
		t.Fatalf("without classes: %s", cmp.Diff(cells, got))
	}
	m.checkScan(t, s, q, tile)
}

func checkCells(t *rapid.T, got []Cell, rows []layers.Record, tile geo.Tile, depth uint8) {
	cells := map[[2]uint32]*Cell{}
	for _, r := range rows {
		x, y := tile.CellOf(r.Key, depth)
		c := cells[[2]uint32{x, y}]
		if c == nil {
			c = &Cell{}
			cells[[2]uint32{x, y}] = c
		}
		px, py := tile.Project(r.Key)
		c.N, c.PX, c.PY = c.N+1, c.PX+px, c.PY+py
		c.Classes = addClass(c.Classes, ClassCount{r.Class, 1})
	}
	if len(got) != len(cells) {
		t.Fatalf("%d cells, want %d", len(got), len(cells))
	}
	for _, c := range got {
		w := cells[[2]uint32{c.X, c.Y}]
		if w == nil {
			t.Fatalf("cell %+v should not be", c)
		}
		sortClasses(w.Classes)
		if c.N != w.N || !cmp.Equal(c.Classes, w.Classes) {
			t.Fatalf("cell %+v, want %+v", c, w)
		}
		most := 1e-6
		if n := float64(w.N); max(c.PX-w.PX/n, w.PX/n-c.PX, c.PY-w.PY/n, w.PY/n-c.PY) > most {
			t.Fatalf("cell's mean is %v %v, want %v %v", c.PX, c.PY, w.PX/n, w.PY/n)
		}
	}
}

func (m *model) checkScan(t *rapid.T, s *Snapshot, q Query, tile geo.Tile) {
	q.Part = Records
	var want []layers.Record
	for _, r := range m.chosen(q) {
		if in(tile, r.Key) {
			want = append(want, r)
		}
	}
	var reaching []layers.Record
	for id, b := range m.bounds {
		r := m.rows[id]
		if !in(tile, r.Key) && m.takes(q, &r) && shapeOf(id, b).box().meets(frameOf(tile).buffered(tile.Z)) {
			reaching = append(reaching, r)
		}
	}
	sort.Slice(reaching, func(i, j int) bool { return reaching[i].ID < reaching[j].ID })
	want = append(want, reaching...)
	rows, ok := s.Scan(q, tile, len(want))
	var got []layers.Record
	for _, r := range rows {
		got = append(got, r.Record)
	}
	if !ok || !slices.Equal(got, want) {
		t.Fatalf("scan of %v: %v %v", tile, ok, cmp.Diff(want, got))
	}
	if len(want) > 0 {
		if rows, ok := s.Scan(q, tile, len(want)-1); ok || rows != nil {
			t.Fatal("a scan beyond the limit must say so and give nothing")
		}
	}
}

func (m *model) checkLatest(t *rapid.T, r *rand.Rand, s *Snapshot, q Query) {
	q.Part = Records
	want := m.chosen(q)
	sort.Slice(want, func(i, j int) bool { return older(want[j].Time, want[j].ID, want[i].Time, want[i].ID) })
	limit := 1 + r.IntN(20)
	var beforeTime int32
	var beforeID int64
	for at := 0; at < 4*limit; at += limit {
		got := s.Latest(q, limit, beforeTime, beforeID)
		page := want[min(at, len(want)):min(at+limit, len(want))]
		if !slices.Equal(got, page) {
			t.Fatalf("latest %d from %d: %s", limit, at, cmp.Diff(page, got))
		}
		if len(got) == 0 {
			return
		}
		beforeTime, beforeID = got[len(got)-1].Time, got[len(got)-1].ID
		if beforeTime == 0 && beforeID == 0 {
			return // would begin anew
		}
	}
}

func (m *model) checkTimes(t *rapid.T, r *rand.Rand, s *Snapshot, q Query, chosen []layers.Record) {
	from, step, n := int32(r.IntN(200)-100), int32(1+r.IntN(30)), 1+r.IntN(8)
	want := make([]int, n)
	for _, r := range chosen {
		if i := int(r.Time-from) / int(step); r.Time >= from && i < n {
			want[i]++
		}
	}
	if got := s.Histogram(q, from, step, n); !slices.Equal(got, want) {
		t.Fatalf("histogram from %d by %d is %v, want %v", from, step, got, want)
	}
}

func (m *model) checkPlaces(t *rapid.T, s *Snapshot, q Query, chosen []layers.Record) {
	byPlace := s.ByPlace(q)
	figures := s.FiguresByPlace(m.kind, q.Scope)
	inScope := m.chosen(Query{Kind: m.kind, Scope: q.Scope})
	for o := range m.tree.Len() {
		place := m.tree.At(int32(o)).ID
		lo, hi := m.tree.Range(place)
		under := func(rows []layers.Record) (out []layers.Record) {
			for _, r := range rows {
				if at := m.tree.Ordinal(r.Place); at >= lo && at < hi {
					out = append(out, r)
				}
			}
			return out
		}
		if want := len(under(chosen)); byPlace[o] != want {
			t.Fatalf("place %d has %d, want %d", place, byPlace[o], want)
		}
		below := under(inScope)
		m.checkFigures(t, below, figures[o])
		m.checkFigures(t, below, s.Figures(m.kind, q.Scope, place))
	}
	m.checkFigures(t, inScope, s.Figures(m.kind, q.Scope, 0))
}

func (m *model) checkFigures(t *rapid.T, rows []layers.Record, got PlaceCounts) {
	want := PlaceCounts{N: len(rows), Class: make([]int, len(got.Class))}
	for _, r := range rows {
		if m.kind == layers.KindEvent && r.Status != layers.StatusClose && r.Status != layers.StatusVoid {
			want.Open++
		}
		want.Class[r.Class]++
		for b, w := 0, m.bits.Of(m.kind, &r); b < 64; b++ {
			want.Layer[b] += int(w >> b & 1)
		}
	}
	if !cmp.Equal(got, want) {
		t.Fatalf("figures: %s", cmp.Diff(want, got))
	}
}
