package intake

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"onepicture/geo"
)

// errNoDatum asks for the datum and tells what the file itself says.
func errNoDatum(said string) error {
	if said == "" {
		said = "The file itself says nothing"
	} else {
		said = "The file itself says " + strconv.Quote(cut(said, 80))
	}
	return errors.New("the datum is not declared, and it is never guessed: add to the mapping " + DatumChoices + ". " + said +
		". (Chinese public maps are mostly GCJ02 or BD09 whatever their files say)")
}

// agree compares what the mapping declares with what the file says of itself: a .prj text, a GeoJSON crs member.
// GCJ-02 and BD-09 have no code and no .prj, so such files often claim WGS 84; the mapping is believed then.
// WGS 84 and CGCS2000 are equal within centimetres.
func (f *frame) agree(said string) error {
	said = strings.TrimSpace(said)
	if said == "" {
		return nil
	}
	mismatch := func(why string) error {
		return fmt.Errorf("the mapping declares %s, but the file says %q: %s. Correct the one that is wrong", f.name, cut(said, 80), why)
	}
	if strings.Contains(said, "[") {
		return f.agreeWKT(said, mismatch)
	}
	degrees := strings.HasSuffix(strings.ToUpper(said), "CRS84")
	n, isEPSG := parseEPSG(said)
	if d, err := geo.ParseDatum(said); err == nil || degrees {
		if degrees {
			d = geo.DatumWGS84
		}
		if f.datum == "" && f.epsg != 0 && !(f.degrees && n == f.epsg) {
			return mismatch("these are different systems")
		}
		if f.datum == geo.DatumWGS84 && (d == geo.DatumGCJ02 || d == geo.DatumBD09) {
			return mismatch("these are different datums")
		}
		return nil
	}
	if isEPSG && n != f.epsg {
		return mismatch("these are different systems")
	}
	return nil
}

var (
	wktParameter = regexp.MustCompile(`(?i)PARAMETER\[\s*"([^"]+)"\s*,\s*([-+0-9.eE]+)`)
	wktUnit      = regexp.MustCompile(`(?i)UNIT\[\s*"[^"]*"\s*,\s*([-+0-9.eE]+)`)
	wktDatum     = regexp.MustCompile(`(?i)DATUM\[\s*"([^"]+)"`)
)

// system is what two definitions of a reference system are compared by.
type system struct {
	projected  bool
	parameters map[string]float64
	unit       float64 // of projected coordinates, in metres
	datum      string  // letters and digits of the datum's name, without ESRI's "D"
}

func readWKT(text string) system {
	s := system{projected: strings.HasPrefix(strings.ToUpper(text), "PROJCS") || strings.HasPrefix(strings.ToUpper(text), "PROJCRS"),
		parameters: map[string]float64{}}
	for _, m := range wktParameter.FindAllStringSubmatch(text, -1) {
		if v, err := strconv.ParseFloat(m[2], 64); err == nil {
			s.parameters[strings.ToLower(m[1])] = v
		}
	}
	if units := wktUnit.FindAllStringSubmatch(text, -1); len(units) > 0 && s.projected {
		s.unit, _ = strconv.ParseFloat(units[len(units)-1][1], 64)
	}
	if m := wktDatum.FindStringSubmatch(text); m != nil {
		name := strings.ToLower(m[1])
		name = strings.TrimPrefix(name, "d_")
		s.datum = strings.NewReplacer("_", "", " ", "", "world", "w", "geodetic", "g", "system", "s").Replace(name)
	}
	return s
}

// datumAliases are names of one datum in ESRI's and in EPSG's spelling, after readWKT.
var datumAliases = map[string]string{
	"wgs1984": "wgs84", "china2000": "cgcs2000", "northamerican1983": "nad83", "northamericandatum1983": "nad83",
	"northamerican1927": "nad27", "northamericandatum1927": "nad27", "beijing1954": "beijing54", "xian1980": "xian80",
}

func datumName(s string) string {
	if a, ok := datumAliases[s]; ok {
		return a
	}
	return s
}

func (f *frame) agreeWKT(said string, mismatch func(string) error) error {
	file := readWKT(said)
	if f.datum != "" {
		if file.projected {
			return mismatch("a projected system, not degrees")
		}
		switch datumName(file.datum) {
		case "wgs84", "cgcs2000", "":
			return nil
		}
		return mismatch("a different datum")
	}
	declared := readWKT(f.wkt)
	if file.projected != declared.projected {
		return mismatch("one is projected, the other in degrees")
	}
	a, b := datumName(file.datum), datumName(declared.datum)
	near := func(s string) bool { return s == "wgs84" || s == "cgcs2000" }
	if a != "" && b != "" && a != b && !(near(a) && near(b)) {
		return mismatch("a different datum")
	}
	if file.unit != 0 && declared.unit != 0 && math.Abs(file.unit-declared.unit) > 1e-6 {
		return mismatch("a different unit")
	}
	for name, v := range declared.parameters {
		if w, ok := file.parameters[name]; ok && math.Abs(v-w) > 1e-6*max(1, math.Abs(v)) {
			return mismatch(strings.ReplaceAll(name, "_", " ") + " differs")
		}
	}
	return nil
}
