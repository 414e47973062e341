package geo

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func anyKey(t *rapid.T) Key { return Key(rapid.Uint64().Draw(t, "key")) }

func TestKeyRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := anyKey(t)
		if FromXY(k.XY()) != k {
			t.Fatal("interleaving does not invert")
		}
		lon, lat := rapid.Float64Range(-180, 179.999).Draw(t, "lon"), rapid.Float64Range(-85, 85).Draw(t, "lat")
		lon2, lat2 := KeyOf(lon, lat).LonLat()
		if math.Abs(lon-lon2) > 1e-7 || math.Abs(lat-lat2) > 1e-7 {
			t.Fatalf("%v %v came back as %v %v", lon, lat, lon2, lat2)
		}
	})
}

func TestTileIsOneRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, z := anyKey(t), uint8(rapid.IntRange(0, MaxZoom-1).Draw(t, "z"))
		tile := TileOf(k, z)
		lo, hi := tile.Range()
		if k < lo || k > hi {
			t.Fatalf("%v does not hold its key", tile)
		}
		if lo > 0 && TileOf(lo-1, z) == tile || hi < math.MaxUint64 && TileOf(hi+1, z) == tile {
			t.Fatalf("%v reaches beyond its range", tile)
		}
		next := lo
		for _, c := range tile.Children() {
			clo, chi := c.Range()
			if clo != next || c.Parent() != tile {
				t.Fatalf("%v: child %v does not follow", tile, c)
			}
			next = chi + 1
		}
		if next != hi+1 {
			t.Fatalf("%v: the children do not fill it", tile)
		}
		px, py := tile.Project(k)
		if px < 0 || px >= Extent || py < 0 || py >= Extent {
			t.Fatalf("%v: projected to %v %v", tile, px, py)
		}
		cx, cy := tile.CellOf(k, 6)
		if uint32(px/64) != cx || uint32(py/64) != cy {
			t.Fatalf("%v: cell %d %d but position %v %v", tile, cx, cy, px, py)
		}
	})
}

func TestParseTile(t *testing.T) {
	if got, err := ParseTile("10", "834", "444"); err != nil || got != (Tile{10, 834, 444}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range [][3]string{
		{"", "0", "0"}, {"1", "2", "0"}, {"23", "0", "0"}, {"-1", "0", "0"}, {"01", "0", "0"}, {"1", " 0", "0"},
		{"1", "0", "0.5"}, {"1e1", "0", "0"}, {"22", "99999999999999999999", "0"}, {"1", "٣", "0"},
	} {
		if got, err := ParseTile(bad[0], bad[1], bad[2]); err == nil {
			t.Errorf("%v was taken for %v", bad, got)
		}
	}
}

func FuzzParseTile(f *testing.F) {
	f.Add("0", "0", "0")
	f.Add("22", "4194303", "4194303")
	f.Fuzz(func(t *testing.T, z, x, y string) {
		tile, err := ParseTile(z, x, y)
		if err == nil && (!tile.Valid() || tile.String() != z+"/"+x+"/"+y) {
			t.Fatalf("%s/%s/%s became %v", z, x, y, tile)
		}
	})
}

func BenchmarkKeyOf(b *testing.B) {
	var sum Key
	for i := range b.N {
		sum += KeyOf(113+float64(i%1000)/1000, 23)
	}
	_ = sum
}
