package geo

import (
	"math"
	"testing"

	"github.com/paulmach/orb"
)

// Known lines: Vincenty's own (Flinders Peak to Buninyong), and degrees of the meridian and of the equator.
func TestTowardFollowsKnownGeodesics(t *testing.T) {
	for _, c := range []struct {
		name            string
		from, to        WGS84
		azimuth, metres float64
	}{
		{"Flinders Peak to Buninyong", WGS84{144.424867889, -37.951033417}, WGS84{143.926495528, -37.652821139}, 306.868158333, 54972.271},
		{"along the equator", WGS84{0, 0}, WGS84{1, 0}, 90, 111319.491},
		{"along the meridian", WGS84{113, 0}, WGS84{113, 1}, 0, 110574.389},
		{"nowhere", WGS84{113, 23}, WGS84{113, 23}, 45, 0},
		{"over the antimeridian", WGS84{179.5, 0}, WGS84{180.5, 0}, 90, 111319.491},
	} {
		got := Toward(c.from, c.azimuth, c.metres)
		// The Australian line is on WGS 84's ellipsoid but for 0.1 mm of its flattening.
		if math.Abs(got.Lon-c.to.Lon) > 2e-8 || math.Abs(got.Lat-c.to.Lat) > 2e-8 {
			t.Errorf("%s: %.9f %.9f, want %.9f %.9f", c.name, got.Lon, got.Lat, c.to.Lon, c.to.Lat)
		}
	}
}

// The drawn ring holds the circle, and reaches no further than is promised.
func TestCircleHoldsItsCircleAndLittleMore(t *testing.T) {
	for _, lat := range []float64{0, 23, -45, 60} {
		for _, radius := range []float64{1, 500, 25_000, 300_000, 1_000_000} {
			center := WGS84{100, lat}
			shape := orb.MultiPolygon{{Circle(center, radius)}}
			for i := range 720 {
				in, out := Toward(center, float64(i)/2, radius*0.99999), Toward(center, float64(i)/2, radius*(1+CircleError))
				if !Contains(shape, in.Lon, in.Lat) {
					t.Fatalf("%g m at %g: %v of the circle is outside", radius, lat, in)
				}
				if Contains(shape, out.Lon, out.Lat) {
					t.Fatalf("%g m at %g: %v lies further than is promised", radius, lat, out)
				}
			}
		}
	}
}

func TestSplitAtTheAntimeridian(t *testing.T) {
	for _, c := range []struct {
		name    string
		ring    orb.Ring
		parts   int
		ok      bool
		in, out []orb.Point
	}{
		{"far from it", orb.Ring{{1, 1}, {2, 1}, {2, 2}, {1, 1}}, 1, true, []orb.Point{{1.9, 1.5}}, []orb.Point{{-179, 1.5}}},
		{"across it", orb.Ring{{170, 50}, {-170, 50}, {-170, 60}, {170, 60}, {170, 50}}, 2, true, []orb.Point{{175, 55}, {-175, 55}}, []orb.Point{{0, 55}, {165, 55}}},
		{"beyond 180", Circle(WGS84{179.9, 10}, 50_000), 2, true, []orb.Point{{179.9, 10}, {-179.9, 10}}, []orb.Point{{178, 10}}},
		{"along it", orb.Ring{{170, 0}, {180, 0}, {180, 5}, {170, 5}, {170, 0}}, 1, true, []orb.Point{{175, 2}}, []orb.Point{{-175, 2}}},
		{"around the pole", Circle(WGS84{0, 89}, 500_000), 0, false, nil, nil},
		{"around the earth", orb.Ring{{0, 10}, {120, 10}, {-120, 10}, {0, 10}}, 0, false, nil, nil},
		{"no ring", orb.Ring{{0, 0}, {1, 1}, {0, 0}}, 0, false, nil, nil},
	} {
		mp, ok := Split(c.ring)
		if ok != c.ok || len(mp) != c.parts {
			t.Errorf("%s: %d parts, %v", c.name, len(mp), ok)
			continue
		}
		for _, p := range c.in {
			if !Contains(mp, p[0], p[1]) {
				t.Errorf("%s: %v is not in it", c.name, p)
			}
		}
		for _, p := range c.out {
			if Contains(mp, p[0], p[1]) {
				t.Errorf("%s: %v is in it", c.name, p)
			}
		}
		if b := mp.Bound(); ok && (b.Min[0] < -180 || b.Max[0] > 180) {
			t.Errorf("%s: reaches from %v to %v", c.name, b.Min, b.Max)
		}
	}
}
