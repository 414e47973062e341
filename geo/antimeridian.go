package geo

import (
	"math"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/clip"
)

// Split lays a closed ring between the longitudes −180 and 180: each edge goes the shorter way around, and what crosses
// the antimeridian becomes several polygons. A ring around a pole is none that a flat map can hold: ok is false.
func Split(ring orb.Ring) (mp orb.MultiPolygon, ok bool) {
	if len(ring) < 4 {
		return nil, false
	}
	flat := make(orb.Ring, len(ring))
	flat[0] = orb.Point{wrapped(ring[0][0]), ring[0][1]}
	for i := 1; i < len(ring); i++ {
		flat[i] = orb.Point{flat[i-1][0] + wrapped(ring[i][0]-ring[i-1][0]), ring[i][1]}
	}
	last := len(flat) - 1
	if math.Abs(flat[last][0]-flat[0][0]) > 1e-6 {
		return nil, false // once around the earth
	}
	flat[last] = flat[0]
	b := flat.Bound()
	if b.Min[0] >= -180 && b.Max[0] <= 180 {
		return orb.MultiPolygon{{flat}}, true
	}
	for _, shift := range []float64{-360, 0, 360} {
		moved := make(orb.Ring, len(flat))
		for i, p := range flat {
			moved[i] = orb.Point{p[0] + shift, p[1]}
		}
		part := clip.Ring(orb.Bound{Min: orb.Point{-180, -90}, Max: orb.Point{180, 90}}, moved)
		if len(part) >= 4 {
			mp = append(mp, orb.Polygon{part})
		}
	}
	return mp, len(mp) > 0
}

// wrapped is the same turn between −180 and 180 degrees.
func wrapped(degrees float64) float64 {
	if degrees >= -180 && degrees <= 180 {
		return degrees
	}
	return math.Remainder(degrees, 360)
}
