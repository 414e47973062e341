package geo

import (
	"math"
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

func TestGCJ02KnownPoints(t *testing.T) {
	// Beijing and Shenzhen as public converters give them (eviltransform's test table).
	for _, c := range []struct {
		name               string
		lon, lat, glo, gla float64
	}{
		{"Shanghai", 121.472113, 31.234914, 121.4765861, 31.2330000},
		{"Beijing", 116.397477, 39.908692, 116.4037213, 39.9100966},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := WGS84{c.lon, c.lat}.GCJ02()
			if math.Abs(g.Lon-c.glo) > 5e-4 || math.Abs(g.Lat-c.gla) > 5e-4 {
				t.Errorf("got %.6f %.6f, want about %.6f %.6f", g.Lon, g.Lat, c.glo, c.gla)
			}
		})
	}
	if p := (WGS84{-123.1, 49.2}); p.GCJ02() != GCJ02(p) {
		t.Error("GCJ-02 must not shift what lies outside China")
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
		ok       bool
	}{
		{"Dongguan", 113.75, 23.02, true},
		{"edge", -180, 90, true},
		{"swapped", 23.02, 113.75, false},
		{"metres", 491000, 5458000, false},
		{"NaN", math.NaN(), 1, false},
		{"infinite", 1, math.Inf(1), false},
	} {
		if err := ValidLonLat(c.lon, c.lat); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
