// Package geo is the pure geometry floor: datums, Morton keys, tiles and cells, covers of polygons by key ranges and
// the locator of places. Values in, values out; no I/O.
package geo

import (
	"fmt"
	"math"
	"strings"
)

// WGS84 is a longitude and latitude in degrees on WGS 84 (EPSG:4326), the datum in which everything is stored.
type WGS84 struct{ Lon, Lat float64 }

// CGCS2000 is a longitude and latitude in degrees on CGCS2000 (EPSG:4490). Its ellipsoid differs from WGS 84's by
// 0.1 mm in the minor axis, its frame by centimetres; for a city's map the two are equal.
type CGCS2000 struct{ Lon, Lat float64 }

// GCJ02 is a longitude and latitude in degrees on GCJ-02, the obfuscated datum of Chinese public maps: 100–700 m off.
type GCJ02 struct{ Lon, Lat float64 }

// BD09 is a longitude and latitude in degrees on BD-09, Baidu's further obfuscation of GCJ-02.
type BD09 struct{ Lon, Lat float64 }

// Datum names one of the four datums in degrees.
type Datum string

// The datums.
const (
	DatumWGS84    Datum = "WGS84"
	DatumCGCS2000 Datum = "CGCS2000"
	DatumGCJ02    Datum = "GCJ02"
	DatumBD09     Datum = "BD09"
)

// ParseDatum reads a datum's name, with or without hyphen, blank or underscore, in any case, or its EPSG code.
func ParseDatum(s string) (Datum, error) {
	switch strings.NewReplacer("-", "", " ", "", "_", "").Replace(strings.ToUpper(strings.TrimSpace(s))) {
	case "WGS84", "EPSG:4326":
		return DatumWGS84, nil
	case "CGCS2000", "EPSG:4490":
		return DatumCGCS2000, nil
	case "GCJ02":
		return DatumGCJ02, nil
	case "BD09":
		return DatumBD09, nil
	}
	return "", fmt.Errorf("unknown datum: use WGS84, CGCS2000, GCJ02 or BD09")
}

// ToWGS84 converts degrees on this datum. An unknown datum gives NaN, never a guess.
func (d Datum) ToWGS84(lon, lat float64) WGS84 {
	switch d {
	case DatumWGS84:
		return WGS84{lon, lat}
	case DatumCGCS2000:
		return CGCS2000{lon, lat}.WGS84()
	case DatumGCJ02:
		return GCJ02{lon, lat}.WGS84()
	case DatumBD09:
		return BD09{lon, lat}.WGS84()
	}
	return WGS84{math.NaN(), math.NaN()}
}

// ValidLonLat refuses what cannot be degrees of longitude and latitude, with a hint when the two look swapped.
func ValidLonLat(lon, lat float64) error {
	switch {
	case math.IsNaN(lon) || math.IsNaN(lat) || math.IsInf(lon, 0) || math.IsInf(lat, 0):
		return fmt.Errorf("a coordinate is not a number")
	case math.Abs(lon) <= 90 && math.Abs(lat) > 90 && math.Abs(lat) <= 180:
		return fmt.Errorf("the latitude is beyond 90°: longitude and latitude look swapped")
	case math.Abs(lat) > 90 || math.Abs(lon) > 180:
		return fmt.Errorf("not degrees of longitude and latitude (−180…180, −90…90): are these metres of a projected system?")
	}
	return nil
}

// The Krasovsky 1940 ellipsoid as GCJ-02's published formulas use it: semi-major axis in metres, first eccentricity
// squared.
const (
	gcjA  = 6378245.0
	gcjEE = 0.00669342162296594323
)

// bdX is the factor of BD-09's periodic term: 3000 periods a circle.
const bdX = math.Pi * 3000 / 180

// inGCJ tells whether the published formulas shift that location; outside this box GCJ-02 equals WGS 84.
func inGCJ(lon, lat float64) bool {
	return lon >= 72.004 && lon <= 137.8347 && lat >= 0.8293 && lat <= 55.8271
}

// gcjShift is GCJ-02 minus WGS 84 in degrees at a WGS 84 location, by the reverse-engineered polynomial that public
// libraries share (eviltransform, coordtransform); no official formula is published. Their agreement with the
// providers' own converters is better than 1 m.
func gcjShift(lon, lat float64) (dLon, dLat float64) {
	x, y := lon-105, lat-35
	wave := 20*math.Sin(6*x*math.Pi) + 20*math.Sin(2*x*math.Pi)
	root := math.Sqrt(math.Abs(x))
	dLat = -100 + 2*x + 3*y + 0.2*y*y + 0.1*x*y + 0.2*root +
		(wave+20*math.Sin(y*math.Pi)+40*math.Sin(y/3*math.Pi)+160*math.Sin(y/12*math.Pi)+320*math.Sin(y*math.Pi/30))*2/3
	dLon = 300 + x + 2*y + 0.1*x*x + 0.1*x*y + 0.1*root +
		(wave+20*math.Sin(x*math.Pi)+40*math.Sin(x/3*math.Pi)+150*math.Sin(x/12*math.Pi)+300*math.Sin(x/30*math.Pi))*2/3
	sin, cos := math.Sincos(lat * math.Pi / 180)
	magic := 1 - gcjEE*sin*sin
	root = math.Sqrt(magic)
	dLat = dLat * 180 / (gcjA * (1 - gcjEE) / (magic * root) * math.Pi)
	dLon = dLon * 180 / (gcjA / root * cos * math.Pi)
	return dLon, dLat
}

// GCJ02 converts by the published polynomial; exact by definition of that polynomial.
func (p WGS84) GCJ02() GCJ02 {
	if !inGCJ(p.Lon, p.Lat) {
		return GCJ02(p)
	}
	dLon, dLat := gcjShift(p.Lon, p.Lat)
	return GCJ02{p.Lon + dLon, p.Lat + dLat}
}

// inverseSteps bounds the fixed-point iterations. The shift's derivative is below 0.01, so each step gains at least
// two digits: eight reach the limit of float64.
const inverseSteps = 8

// WGS84 inverts GCJ-02 by fixed-point iteration; the residual is below 1e-9 degree (0.1 mm), except within a shift's
// width of the box's edge, where GCJ-02 is discontinuous and no inverse need exist.
func (p GCJ02) WGS84() WGS84 {
	if !inGCJ(p.Lon, p.Lat) {
		return WGS84(p)
	}
	w := WGS84(p)
	for range inverseSteps {
		dLon, dLat := gcjShift(w.Lon, w.Lat)
		w = WGS84{p.Lon - dLon, p.Lat - dLat}
	}
	return w
}

// BD09 converts by the reverse-engineered formula that public libraries share (coordtransform, eviltransform); Baidu
// publishes none. Exact by definition of that formula, which the provider's own converter follows to about 1 m.
func (p GCJ02) BD09() BD09 {
	z := math.Hypot(p.Lon, p.Lat) + 0.00002*math.Sin(p.Lat*bdX)
	theta := math.Atan2(p.Lat, p.Lon) + 0.000003*math.Cos(p.Lon*bdX)
	sin, cos := math.Sincos(theta)
	return BD09{z*cos + 0.0065, z*sin + 0.006}
}

// GCJ02 inverts BD-09 by fixed-point iteration; the residual is below 1e-9 degree.
func (p BD09) GCJ02() GCJ02 {
	g := GCJ02{p.Lon - 0.0065, p.Lat - 0.006}
	for range inverseSteps { // the periodic terms' derivative is below 0.04: more than a digit a step
		b := g.BD09()
		g = GCJ02{g.Lon + p.Lon - b.Lon, g.Lat + p.Lat - b.Lat}
	}
	return g
}

// WGS84 goes by way of GCJ-02; the residual is below 2e-9 degree.
func (p BD09) WGS84() WGS84 { return p.GCJ02().WGS84() }

// BD09 goes by way of GCJ-02.
func (p WGS84) BD09() BD09 { return p.GCJ02().BD09() }

// WGS84 is the identity: within centimetres.
func (p CGCS2000) WGS84() WGS84 { return WGS84(p) }

// CGCS2000 is the identity: within centimetres.
func (p WGS84) CGCS2000() CGCS2000 { return CGCS2000(p) }
