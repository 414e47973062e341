package geo

import (
	"math"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/maptile"
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
		if KeyOf(k.LonLat()) != k {
			t.Fatalf("the middle of the unit of %x lies in that of %x", k, KeyOf(k.LonLat()))
		}
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

// orb's tiles are computed in another way.
func TestTilesAreTheWorlds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := orb.Point{rapid.Float64Range(-180, 179.9999).Draw(t, "lon"), rapid.Float64Range(-85, 85).Draw(t, "lat")}
		z := rapid.IntRange(0, MaxZoom).Draw(t, "z")
		want := maptile.At(p, maptile.Zoom(z))
		got := TileOf(KeyOf(p[0], p[1]), uint8(z))
		if got != (Tile{uint8(z), want.X, want.Y}) {
			t.Fatalf("%v is in %v, not in %v", p, want, got)
		}
		a, b := got.Bound(), want.Bound()
		for i := range 2 {
			if math.Abs(a.Min[i]-b.Min[i]) > 1e-9 || math.Abs(a.Max[i]-b.Max[i]) > 1e-9 {
				t.Fatalf("%v: bound %v, want %v", got, a, b)
			}
		}
		if px, py := got.ProjectLonLat(p[0], p[1]); px < 0 || px >= Extent || py < 0 || py >= Extent {
			t.Fatalf("%v projects to %v %v in its own tile", p, px, py)
		}
	})
}

func TestKeyOfTheEdgesOfTheWorld(t *testing.T) {
	const most = math.MaxUint32
	for _, c := range []struct {
		name     string
		lon, lat float64
		x, y     uint32
	}{
		{"middle", 0, 0, 1 << 31, 1 << 31},
		{"north-west", -180, MaxLat, 0, 0},
		{"north pole", -180, 90, 0, 0},
		{"south pole", -180, -90, 0, most},
		{"the date line is one line", 180, 0, 0, 1 << 31},
		{"no number is no crash", math.NaN(), math.NaN(), 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, y := KeyOf(c.lon, c.lat).XY()
			if d := int64(x) - int64(c.x); d < -1 || d > 1 {
				t.Errorf("x is %d, want %d", x, c.x)
			}
			if d := int64(y) - int64(c.y); d < -1 || d > 1 {
				t.Errorf("y is %d, want %d", y, c.y)
			}
		})
	}
}

func TestProjectReachesNeighbours(t *testing.T) {
	tile := Tile{10, 834, 444}
	lo, hi := Tile{10, 833, 444}.Range()
	if px, py := tile.Project(lo); px != -Extent || py != 0 {
		t.Errorf("the western neighbour's corner is at %v %v", px, py)
	}
	if px, py := tile.Project(hi); px >= 0 || px < -1 || py >= Extent || py < Extent-1 {
		t.Errorf("the western neighbour's last unit is at %v %v", px, py)
	}
}

func TestWorldTile(t *testing.T) {
	world := Tile{}
	if lo, hi := world.Range(); lo != 0 || hi != math.MaxUint64 {
		t.Errorf("the world is %x…%x", lo, hi)
	}
	if world.Parent() != world || !world.Valid() {
		t.Error("the world is its own parent and valid")
	}
	for _, bad := range []Tile{{0, 1, 0}, {0, 0, 1}, {3, 8, 0}, {3, 0, 8}, {23, 0, 0}, {255, 0, 0}} {
		if bad.Valid() {
			t.Errorf("%v is in no pyramid", bad)
		}
	}
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
