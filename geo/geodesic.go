package geo

import (
	"math"

	"github.com/paulmach/orb"
)

// WGS 84's ellipsoid (EPSG:7030), in metres.
const (
	semiMajor  = 6378137.0
	flattening = 1 / 298.257223563
	semiMinor  = semiMajor * (1 - flattening)
)

// Toward is the point at a distance in metres from a point, along the geodesic that begins at an azimuth in degrees
// from north (Vincenty 1975, direct). Exact to a millimetre. The longitude may lie beyond ±180.
func Toward(from WGS84, azimuth, metres float64) WGS84 {
	sinA, cosA := math.Sincos(azimuth * math.Pi / 180)
	tanU := (1 - flattening) * math.Tan(from.Lat*math.Pi/180)
	cosU := 1 / math.Hypot(1, tanU)
	sinU := tanU * cosU
	sigma1 := math.Atan2(tanU, cosA)
	sinAlpha := cosU * sinA
	cos2Alpha := 1 - sinAlpha*sinAlpha
	u2 := cos2Alpha * (semiMajor*semiMajor - semiMinor*semiMinor) / (semiMinor * semiMinor)
	a := 1 + u2/16384*(4096+u2*(-768+u2*(320-175*u2)))
	b := u2 / 1024 * (256 + u2*(-128+u2*(74-47*u2)))
	first := metres / (semiMinor * a)
	sigma := first
	var sin, cos, mid float64
	for range 100 { // converges in a few rounds: each is some 300 times nearer
		sin, cos = math.Sincos(sigma)
		mid = math.Cos(2*sigma1 + sigma)
		next := first + b*sin*(mid+b/4*(cos*(-1+2*mid*mid)-b/6*mid*(-3+4*sin*sin)*(-3+4*mid*mid)))
		done := math.Abs(next-sigma) < 1e-13
		sigma = next
		if done {
			break
		}
	}
	sin, cos = math.Sincos(sigma)
	mid = math.Cos(2*sigma1 + sigma)
	x := sinU*sin - cosU*cos*cosA
	lat := math.Atan2(sinU*cos+cosU*sin*cosA, (1-flattening)*math.Hypot(sinAlpha, x))
	lambda := math.Atan2(sin*sinA, cosU*cos-sinU*sin*cosA)
	c := flattening / 16 * cos2Alpha * (4 + flattening*(4-3*cos2Alpha))
	l := lambda - (1-c)*flattening*sinAlpha*(sigma+c*sin*(mid+c*cos*(-1+2*mid*mid)))
	return WGS84{from.Lon + l*180/math.Pi, lat * 180 / math.Pi}
}

// CircleEdges is how many edges a circle is drawn with, and CircleError by what part of its radius the drawn edge lies
// outside of the circle at most, up to 1,000 km and 60 degrees of latitude. Nothing of the circle lies outside of what
// is drawn.
const (
	CircleEdges = 90
	CircleError = 0.003
)

// Circle draws a circle around a point, its radius in metres, as a closed ring whose longitudes may lie beyond ±180. Its
// corners lie a little outside (1/cos(π/CircleEdges), 0.06 %, and 0.1 % for edges straight in degrees), so that it holds
// the whole circle.
func Circle(center WGS84, metres float64) orb.Ring {
	const straight = 1.001
	reach := metres * straight / math.Cos(math.Pi/CircleEdges)
	ring := make(orb.Ring, 0, CircleEdges+1)
	for i := range CircleEdges {
		p := Toward(center, -360*float64(i)/CircleEdges, reach) // against the clock
		ring = append(ring, orb.Point{p.Lon, p.Lat})
	}
	return append(ring, ring[0])
}
