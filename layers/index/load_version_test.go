package index

import (
	"testing"

	"onepicture/geo"
	"onepicture/layers"
)

// A load sees transactions that committed while an older one still ran. Its picture is named by the position before
// that older one, and no tile's version may lie above it: else the older one's change, when it comes, changes nothing.
func TestALoadBesideAnOpenTransactionHidesNoLaterChange(t *testing.T) {
	k, key := layers.KindSite, geo.KeyOf(113.5, 23)
	tile := geo.TileOf(key, 14)
	const loaded, open, committed = 50, 51, 60
	row := func(id int64, at layers.Position) Put {
		return Put{Kind: k, Record: layers.Record{ID: id, Key: key}, Position: at}
	}
	for _, c := range []struct {
		name              string
		floor, configured layers.Position
		row               layers.Position
	}{
		{"a row from after it", 4, 1, committed},
		{"a departure from after it", committed, 1, 40},
		{"a layer from after it", 4, committed, 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := NewBuilder(testBits(k))
			b.Add(k, []Put{row(1, c.row)})
			b.Floor(k, c.floor)
			x := New()
			if err := x.Load(b, testTree(), loaded, c.configured, testTime); err != nil {
				t.Fatal(err)
			}
			before := x.Snapshot().Version(k, 0, tile)
			if before > loaded {
				t.Errorf("the picture at %d has a tile of version %d", loaded, before)
			}
			x.Apply(Update{Through: open, Puts: []Put{row(2, open)}})
			if after := x.Snapshot().Version(k, 0, tile); after == before {
				t.Errorf("a feature came and the tile's version is still %d", after)
			}
		})
	}
}
