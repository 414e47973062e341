package geo

import "math"

// Key is a Morton key: 32 bits of Web-Mercator x (even bits) interleaved with 32 bits of y (odd bits, from north to
// south). The unit is 2^-32 of the world's side, 9.3 mm at the equator. A tile is one contiguous range of keys.
type Key uint64

// MaxLat is the latitude at which Web Mercator becomes square, in degrees.
const MaxLat = 85.0511287798066

const world = 1 << 32

// KeyOf is the key of a WGS 84 location in degrees; latitudes beyond MaxLat are clamped, longitudes wrapped.
func KeyOf(lon, lat float64) Key {
	x := lon/360 + 0.5
	x -= math.Floor(x)
	sin := math.Sin(min(max(lat, -MaxLat), MaxLat) * math.Pi / 180)
	y := 0.5 - math.Log((1+sin)/(1-sin))/(4*math.Pi)
	return FromXY(unit(x), unit(y))
}

func unit(f float64) uint32 {
	v := f * world
	switch {
	case !(v > 0): // NaN too
		return 0
	case v >= world-1:
		return math.MaxUint32
	}
	return uint32(v)
}

// FromXY interleaves.
func FromXY(x, y uint32) Key { return Key(spread(x) | spread(y)<<1) }

// XY takes the two coordinates apart.
func (k Key) XY() (x, y uint32) { return gather(uint64(k)), gather(uint64(k) >> 1) }

// LonLat is the middle of the key's unit square, in degrees.
func (k Key) LonLat() (lon, lat float64) {
	x, y := k.XY()
	return lonOf((float64(x) + 0.5) / world), latOf((float64(y) + 0.5) / world)
}

func lonOf(x float64) float64 { return x*360 - 180 }

func latOf(y float64) float64 { return math.Atan(math.Sinh(math.Pi*(1-2*y))) * 180 / math.Pi }

// spread puts the bits of v at the even places.
func spread(v uint32) uint64 {
	x := uint64(v)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x | x<<4) & 0x0f0f0f0f0f0f0f0f
	x = (x | x<<2) & 0x3333333333333333
	x = (x | x<<1) & 0x5555555555555555
	return x
}

// gather is the inverse of spread; odd bits are ignored.
func gather(x uint64) uint32 {
	x &= 0x5555555555555555
	x = (x | x>>1) & 0x3333333333333333
	x = (x | x>>2) & 0x0f0f0f0f0f0f0f0f
	x = (x | x>>4) & 0x00ff00ff00ff00ff
	x = (x | x>>8) & 0x0000ffff0000ffff
	x = (x | x>>16) & 0x00000000ffffffff
	return uint32(x)
}
