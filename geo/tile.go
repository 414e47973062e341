package geo

import (
	"fmt"
	"strconv"

	"github.com/paulmach/orb"
)

// MaxZoom is the deepest tile that is served: 9.5 m at the equator at 22.
const MaxZoom = 22

// Extent is the number of units a tile's side has in vector tiles (MVT 2.1).
const Extent = 4096

// Tile is a square of the Web-Mercator pyramid, y counted from the north.
type Tile struct {
	Z    uint8
	X, Y uint32
}

// ParseTile reads the three numbers of a tile's path: decimal digits only, no sign, no leading zero, within the pyramid.
func ParseTile(z, x, y string) (Tile, error) {
	var n [3]uint64
	for i, s := range []string{z, x, y} {
		if s == "" || len(s) > 8 || s[0] == '0' && len(s) > 1 {
			return Tile{}, fmt.Errorf("a tile is z/x/y in decimal digits")
		}
		for _, c := range []byte(s) {
			if c < '0' || c > '9' {
				return Tile{}, fmt.Errorf("a tile is z/x/y in decimal digits")
			}
		}
		v, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			return Tile{}, fmt.Errorf("a tile is z/x/y in decimal digits")
		}
		n[i] = v
	}
	if n[0] > MaxZoom {
		return Tile{}, fmt.Errorf("the deepest zoom is %d", MaxZoom)
	}
	t := Tile{uint8(n[0]), uint32(n[1]), uint32(n[2])}
	if !t.Valid() {
		return Tile{}, fmt.Errorf("at zoom %d x and y are below %d", t.Z, uint64(1)<<t.Z)
	}
	return t, nil
}

// Valid tells whether the tile lies in the pyramid.
func (t Tile) Valid() bool { return t.Z <= MaxZoom && t.X < 1<<t.Z && t.Y < 1<<t.Z }

// String is z/x/y.
func (t Tile) String() string { return fmt.Sprintf("%d/%d/%d", t.Z, t.X, t.Y) }

// TileOf is the tile of a zoom that holds the key.
func TileOf(k Key, z uint8) Tile {
	x, y := k.XY()
	return Tile{z, uint32(uint64(x) >> (32 - z)), uint32(uint64(y) >> (32 - z))}
}

// Range is the inclusive range of the keys in the tile.
func (t Tile) Range() (lo, hi Key) {
	shift := 64 - 2*uint(t.Z)
	if shift == 64 {
		return 0, ^Key(0)
	}
	lo = FromXY(t.X, t.Y) << shift
	return lo, lo | (Key(1)<<shift - 1)
}

// Parent is the tile one zoom up; the world's is itself.
func (t Tile) Parent() Tile {
	if t.Z == 0 {
		return t
	}
	return Tile{t.Z - 1, t.X >> 1, t.Y >> 1}
}

// Children are the four tiles one zoom down, in Morton order.
func (t Tile) Children() [4]Tile {
	return [4]Tile{
		{t.Z + 1, 2 * t.X, 2 * t.Y}, {t.Z + 1, 2*t.X + 1, 2 * t.Y},
		{t.Z + 1, 2 * t.X, 2*t.Y + 1}, {t.Z + 1, 2*t.X + 1, 2*t.Y + 1},
	}
}

// Bound is the tile's frame in degrees.
func (t Tile) Bound() orb.Bound {
	side := float64(uint64(1) << t.Z)
	return orb.Bound{
		Min: orb.Point{lonOf(float64(t.X) / side), latOf(float64(t.Y+1) / side)},
		Max: orb.Point{lonOf(float64(t.X+1) / side), latOf(float64(t.Y) / side)},
	}
}

// Project is the key's position in the tile, 0…Extent from the north-west corner; outside it for keys of neighbours.
func (t Tile) Project(k Key) (px, py float64) {
	x, y := k.XY()
	scale := Extent / float64(uint64(1)<<(32-t.Z))
	x0, y0 := uint64(t.X)<<(32-t.Z), uint64(t.Y)<<(32-t.Z)
	return (float64(x) - float64(x0)) * scale, (float64(y) - float64(y0)) * scale
}

// ProjectLonLat is the same for a WGS 84 location.
func (t Tile) ProjectLonLat(lon, lat float64) (px, py float64) { return t.Project(KeyOf(lon, lat)) }

// CellOf is the cell of a tile divided into 2^depth × 2^depth that holds the key; the key must lie in the tile.
func (t Tile) CellOf(k Key, depth uint8) (cx, cy uint32) {
	x, y := k.XY()
	shift := 32 - uint(t.Z) - uint(depth)
	mask := uint32(1)<<depth - 1
	return x >> shift & mask, y >> shift & mask
}
