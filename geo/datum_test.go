package geo

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// china draws a location well inside the box in which GCJ-02 shifts.
func china(t *rapid.T) (lon, lat float64) {
	return rapid.Float64Range(73, 136).Draw(t, "lon"), rapid.Float64Range(2, 54).Draw(t, "lat")
}

func near(t *rapid.T, what string, aLon, aLat, bLon, bLat, most float64) {
	if d := math.Max(math.Abs(aLon-bLon), math.Abs(aLat-bLat)); !(d <= most) {
		t.Fatalf("%s: off by %g degrees", what, d)
	}
}

func TestDatumsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lon, lat := china(t)
		w := WGS84{lon, lat}
		g := w.GCJ02()
		back := g.WGS84()
		near(t, "WGS84→GCJ02→WGS84", lon, lat, back.Lon, back.Lat, 1e-9)
		b := GCJ02(w).BD09()
		viaB := b.GCJ02()
		near(t, "GCJ02→BD09→GCJ02", lon, lat, viaB.Lon, viaB.Lat, 1e-9)
		round := w.BD09().WGS84()
		near(t, "WGS84→BD09→WGS84", lon, lat, round.Lon, round.Lat, 2e-9)
		if c := w.CGCS2000().WGS84(); c != w {
			t.Fatalf("CGCS2000 moved the point")
		}
	})
}

func TestGCJ02ShiftIs100To700Metres(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lon, lat := rapid.Float64Range(100, 122).Draw(t, "lon"), rapid.Float64Range(22, 42).Draw(t, "lat")
		g := WGS84{lon, lat}.GCJ02()
		const metres = 111_320
		d := math.Hypot((g.Lon-lon)*metres*math.Cos(lat*math.Pi/180), (g.Lat-lat)*metres)
		if d < 50 || d > 1000 {
			t.Fatalf("shift of %g m", d)
		}
	})
}

func TestPublishedPoints(t *testing.T) {
	gcj := func(lon, lat float64) (float64, float64) { g := WGS84{lon, lat}.GCJ02(); return g.Lon, g.Lat }
	bd := func(lon, lat float64) (float64, float64) { b := GCJ02{lon, lat}.BD09(); return b.Lon, b.Lat }
	for _, c := range []struct {
		name             string
		convert          func(lon, lat float64) (float64, float64)
		lon, lat         float64
		wantLon, wantLat float64
		within           float64
	}{
		// test/app.js of wandergis/coordtransform, same ellipsoid.
		{"coordtransform Beijing GCJ-02", gcj, 116.404, 39.915, 116.41024449916938, 39.91640428150164, 1e-12},
		{"coordtransform Beijing BD-09", bd, 116.404, 39.915, 116.41036949371029, 39.92133699351021, 1e-12},
		// python/test.py of googollee/eviltransform, which tests to six places.
		{"eviltransform Shanghai", gcj, 121.5272106, 31.1774276, 121.531541859215, 31.17530398364597, 5e-7},
		{"eviltransform Shenzhen", gcj, 113.912316, 22.543847, 113.9171764808363, 22.540796131694766, 5e-7},
		{"eviltransform Beijing", gcj, 116.377817, 39.911954, 116.38404722455657, 39.91334545536069, 5e-7},
	} {
		t.Run(c.name, func(t *testing.T) {
			lon, lat := c.convert(c.lon, c.lat)
			if math.Abs(lon-c.wantLon) > c.within || math.Abs(lat-c.wantLat) > c.within {
				t.Errorf("got %.14f %.14f, want %.14f %.14f", lon, lat, c.wantLon, c.wantLat)
			}
		})
	}
}

func TestGCJ02LeavesTheRestOfTheWorldAlone(t *testing.T) {
	for _, p := range []WGS84{{-123.1, 49.2}, {0, 0}, {72.0039, 30}, {137.8348, 30}, {100, 0.8292}, {100, 55.8272}, {-180, -90}} {
		if p.GCJ02() != GCJ02(p) || GCJ02(p).WGS84() != p {
			t.Errorf("%v was shifted", p)
		}
	}
}

// The polynomial has a root of the distance to 105° E in it, whose slope there is without bound.
func TestGCJ02InverseAtTheRootsKink(t *testing.T) {
	for _, off := range []float64{0, 1e-15, 1e-13, 1e-11, 1e-9, 1e-6, 1e-3} {
		for _, lon := range []float64{105 - off, 105 + off} {
			w := WGS84{lon, 31}
			back := w.GCJ02().WGS84()
			if math.Abs(back.Lon-w.Lon) > 1e-9 || math.Abs(back.Lat-w.Lat) > 1e-9 {
				t.Errorf("%v came back as %v", w, back)
			}
		}
	}
}

func TestToWGS84GoesByName(t *testing.T) {
	const lon, lat = 113.75, 23.02
	for d, want := range map[Datum]WGS84{
		DatumWGS84: {lon, lat}, DatumCGCS2000: {lon, lat}, DatumGCJ02: GCJ02{lon, lat}.WGS84(), DatumBD09: BD09{lon, lat}.WGS84(),
	} {
		if got := d.ToWGS84(lon, lat); got != want {
			t.Errorf("%s: got %v, want %v", d, got, want)
		}
	}
	if (GCJ02{lon, lat}).WGS84() == (BD09{lon, lat}).WGS84() {
		t.Error("GCJ-02 and BD-09 are not the same")
	}
	for _, d := range []Datum{"", "EPSG:4547", "wgs84"} {
		if got := d.ToWGS84(lon, lat); !math.IsNaN(got.Lon) || !math.IsNaN(got.Lat) {
			t.Errorf("the unknown datum %q gave %v: it must never be guessed", d, got)
		}
	}
}

func TestParseDatum(t *testing.T) {
	for in, want := range map[string]Datum{
		"WGS84": DatumWGS84, "wgs 84": DatumWGS84, "EPSG:4326": DatumWGS84, "CGCS2000": DatumCGCS2000,
		"epsg:4490": DatumCGCS2000, "GCJ-02": DatumGCJ02, "gcj02": DatumGCJ02, "bd_09": DatumBD09,
	} {
		if got, err := ParseDatum(in); err != nil || got != want {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
	for _, bad := range []string{"", "WGS", "GCJ", "EPSG:4547", "84"} {
		if got, err := ParseDatum(bad); err == nil {
			t.Errorf("%q was taken for %q: a datum must never be guessed", bad, got)
		}
	}
}

func FuzzParseDatum(f *testing.F) {
	f.Add("WGS84")
	f.Add("EPSG:")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDatum(s)
		if (err == nil) != (d != "") {
			t.Fatalf("%q: %q, %v", s, d, err)
		}
	})
}

func TestValidLonLat(t *testing.T) {
	for _, c := range []struct {
		name     string
		lon, lat float64
		says     string // a part of the error; empty: valid
	}{
		{"Dongguan", 113.75, 23.02, ""},
		{"Vancouver", -123.1, 49.2, ""},
		{"the corner", -180, 90, ""},
		{"the other corner", 180, -90, ""},
		{"Dongguan swapped", 23.02, 113.75, "swapped"},
		{"Vancouver swapped", 49.2, -123.1, "swapped"},
		{"metres", 491000, 5458000, "metres"},
		{"just beyond", 180.0001, 0, "metres"},
		{"NaN", math.NaN(), 1, "not a number"},
		{"NaN latitude", 1, math.NaN(), "not a number"},
		{"infinite", 1, math.Inf(1), "not a number"},
		{"minus infinite", math.Inf(-1), 1, "not a number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := ValidLonLat(c.lon, c.lat)
			switch {
			case c.says == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.says != "" && err == nil:
				t.Error("taken")
			case c.says != "" && !strings.Contains(err.Error(), c.says):
				t.Errorf("%q does not say %q", err, c.says)
			case err != nil && strings.ContainsAny(err.Error(), "2345"):
				t.Errorf("%q tells the location", err)
			}
		})
	}
}
