package index

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onepicture/geo"
	"onepicture/layers"
)

// A patched chunk is to the last summary the one that is made of the same rows.
func TestPatchedChunksAreNewChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.Bool().Draw(t, "columns of zeros")
		row := func(id int64) Row {
			r := Row{Layers: rapid.Uint64Range(0, 7).Draw(t, "layers") << rapid.SampledFrom([]uint{0, 30, 61}).Draw(t, "bit")}
			r.ID, r.Key = id, geo.Key(rapid.Uint64Range(0, 40).Draw(t, "key"))<<40
			r.Place = layers.PlaceID(rapid.IntRange(0, 20).Draw(t, "place"))
			if !plain || rapid.IntRange(0, 9).Draw(t, "odd") == 0 {
				r.Time, r.Due, r.Closed = rapid.Int32().Draw(t, "time"), rapid.Int32Range(0, 1).Draw(t, "due"), rapid.Int32Range(0, 1).Draw(t, "closed")
				r.Status, r.Level, r.Flags = uint8(rapid.IntRange(0, 3).Draw(t, "status")), 1, 2
				r.Class, r.Item, r.Department = 3, 4, 5
			}
			return r
		}
		sorted := func(rows []Row) []Row {
			slices.SortFunc(rows, func(a, b Row) int { return a.spot().compare(b.spot()) })
			return rows
		}
		var rows []Row
		for id := range rapid.Int64Range(1, 60).Draw(t, "rows") {
			rows = append(rows, row(2*id))
		}
		sorted(rows)
		left := map[spot]Row{}
		for _, r := range rows {
			left[r.spot()] = r
		}
		var changes []rowChange
		change := func(s spot, r *Row) {
			if delete(left, s); r != nil {
				left[s] = *r
			}
			changes = append(changes, rowChange{s, r})
		}
		for i := range rows {
			switch rapid.IntRange(0, 5).Draw(t, "change") {
			case 0: // goes
				change(rows[i].spot(), nil)
			case 1: // becomes another at its spot
				r := row(rows[i].ID)
				r.Key = rows[i].Key
				change(r.spot(), &r)
			case 2: // one comes
				r := row(rows[i].ID + 1)
				change(r.spot(), &r)
			}
		}
		slices.SortFunc(changes, func(a, b rowChange) int { return a.compare(b.spot) })
		var after []Row
		for _, r := range left {
			after = append(after, r)
		}
		old := newChunk(rows)
		p := patchOf(old, changes)
		everything := cmp.AllowUnexported(chunk{}, mass{}, few{})
		if diff := cmp.Diff(sorted(after), p.rows(old, nil)); diff != "" {
			t.Fatalf("rows (-want +got):\n%s", diff)
		}
		if len(after) > 0 {
			if diff := cmp.Diff(newChunk(after), p.of(old), everything); diff != "" {
				t.Fatalf("chunk (-new +patched):\n%s", diff)
			}
		}
		if diff := cmp.Diff(newChunk(rows), old, everything); diff != "" {
			t.Fatalf("the old chunk has changed:\n%s", diff)
		}
	})
}
