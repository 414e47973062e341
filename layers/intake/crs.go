package intake

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/sql"
)

var (
	systemSQL = sql.Text("intake/system.sql")
	extentSQL = sql.Text("intake/extent.sql")
)

// frame is the reference system in which a file's coordinates are declared, with the area in which it is used.
type frame struct {
	datum   geo.Datum // of the four in degrees; else ""
	epsg    int       // else this, through PostGIS
	name    string    // as declared
	degrees bool
	extent  orb.Bound // of raw coordinates: outside of it the system is not used
	wkt     string    // PostGIS's definition of the EPSG code
}

// china is where CGCS2000, GCJ-02 and BD-09 are used: the box of GCJ-02's published formulas, degrees.
var china = orb.Bound{Min: orb.Point{72.004, 0.8293}, Max: orb.Point{137.8347, 55.8271}}

func newFrame(ctx context.Context, q queryer, m *Mapping) (*frame, error) {
	f := &frame{datum: m.datum, epsg: m.epsg, name: m.Datum, degrees: true}
	switch m.datum {
	case geo.DatumWGS84:
		f.extent = orb.Bound{Min: orb.Point{-180, -90}, Max: orb.Point{180, 90}}
		return f, nil
	case geo.DatumCGCS2000, geo.DatumGCJ02, geo.DatumBD09:
		f.extent = china
		return f, nil
	}
	if m.epsg == 0 {
		return f, nil // places without boundaries need none
	}
	f.name = "EPSG:" + strconv.Itoa(m.epsg)
	var proj string
	err := q.QueryRow(ctx, systemSQL, m.epsg).Scan(&proj, &f.wkt)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && proj == "" {
		return nil, fmt.Errorf("datum: PostGIS does not know EPSG:%d", m.epsg)
	}
	if err != nil {
		return nil, fmt.Errorf("read EPSG:%d: %w", m.epsg, err)
	}
	f.degrees = strings.Contains(proj, "+proj=longlat")
	use := areaOfUse(proj, f.wkt)
	if f.degrees {
		f.extent = use
		return f, nil
	}
	var box orb.Geometry
	if err := q.QueryRow(ctx, extentSQL, m.epsg, use.Min[0], use.Min[1], use.Max[0], use.Max[1]).Scan(&box); err != nil {
		return nil, fmt.Errorf("find the extent of EPSG:%d: %w", m.epsg, err)
	}
	f.extent = box.Bound()
	return f, nil
}

var projParameter = regexp.MustCompile(`\+(\w+)(?:=(\S+))?`)

// areaOfUse is where a projected system serves, in degrees, wider by half a zone than its registration says: enough
// to tell swapped axes and wrong units. PostGIS 3.3 holds no registered areas, so the projection's own parameters
// say it: the central meridian and the latitudes of origin and of the standard parallels.
func areaOfUse(proj, wkt string) orb.Bound {
	p := map[string]float64{}
	kind := ""
	for _, m := range projParameter.FindAllStringSubmatch(proj, -1) {
		if m[1] == "proj" {
			kind = m[2]
		}
		if v, err := strconv.ParseFloat(m[2], 64); err == nil {
			p[m[1]] = v
		} else if m[2] == "" {
			p[m[1]] = 1
		}
	}
	lon, south, north, half := p["lon_0"], 0.0, 84.0, 3.5
	switch kind {
	case "utm":
		lon = p["zone"]*6 - 183
		if _, down := p["south"]; down {
			south, north = -80, 0
		}
	case "tmerc", "etmerc":
		if strings.Contains(wkt, "3-degree") {
			half = 2.25
		}
		if o := p["lat_0"]; o != 0 {
			south, north, half = max(o-5, -80), min(o+15, 84), 8 // national and state grids are wider than zones
		} else if p["y_0"] > 5e6 {
			south = -80
		}
	case "lcc", "aea", "omerc", "stere", "sterea", "laea", "cass", "poly", "somerc", "krovak":
		low, high := math.Inf(1), math.Inf(-1)
		for _, k := range []string{"lat_0", "lat_1", "lat_2"} {
			if v, ok := p[k]; ok {
				low, high = min(low, v), max(high, v)
			}
		}
		if math.IsInf(low, 0) {
			low, high = 0, 0
		}
		if v, ok := p["lonc"]; ok {
			lon = v
		}
		half, south, north = 15, max(low-10, -89), min(high+10, 89)
	default:
		return orb.Bound{Min: orb.Point{-180, -85}, Max: orb.Point{180, 85}}
	}
	return orb.Bound{Min: orb.Point{lon - half, south}, Max: orb.Point{lon + half, north}}
}

// check refuses coordinates that cannot be in this frame, with a hint where the mistake shows.
func (f *frame) check(x, y float64) *fault {
	if math.IsNaN(x) || math.IsNaN(y) || math.IsInf(x, 0) || math.IsInf(y, 0) {
		return bad("", faultNumber, "a coordinate is not a finite number")
	}
	if !f.degrees && math.Abs(x) <= 180 && math.Abs(y) <= 180 {
		if x == 0 && y == 0 {
			return bad("", faultLocation, "both coordinates are 0: no location")
		}
		return bad("", faultArea, "looks like degrees, but %s is declared, whose unit is a length", f.name)
	}
	if f.extent.Contains(orb.Point{x, y}) {
		return nil
	}
	swapped := f.extent.Contains(orb.Point{y, x})
	switch {
	case f.degrees && swapped:
		return bad("", faultSwapped, "longitude and latitude look swapped: name the column of longitudes as x")
	case f.degrees && (math.Abs(x) > 180 || math.Abs(y) > 180):
		return bad("", faultArea, "not degrees of longitude and latitude: are these metres of a projected system? declare its EPSG code")
	case f.degrees:
		return bad("", faultArea, "outside the area where %s is used", f.name)
	case swapped:
		return bad("", faultSwapped, "easting and northing look swapped: name the column of eastings as x (the standard may list northing first)")
	}
	return bad("", faultArea, "outside the area where %s is used", f.name)
}

// checkShape checks every vertex.
func (f *frame) checkShape(g orb.Geometry) *fault {
	var found *fault
	eachPoint(g, func(p orb.Point) orb.Point {
		if found == nil {
			found = f.check(p[0], p[1])
		}
		return p
	})
	return found
}

// eachPoint replaces every vertex of a copy of the geometry.
func eachPoint(g orb.Geometry, do func(orb.Point) orb.Point) orb.Geometry {
	line := func(in []orb.Point) []orb.Point {
		out := make([]orb.Point, len(in))
		for i, p := range in {
			out[i] = do(p)
		}
		return out
	}
	switch g := g.(type) {
	case orb.Point:
		return do(g)
	case orb.MultiPoint:
		return orb.MultiPoint(line(g))
	case orb.LineString:
		return orb.LineString(line(g))
	case orb.Ring:
		return orb.Ring(line(g))
	case orb.MultiLineString:
		out := make(orb.MultiLineString, len(g))
		for i := range g {
			out[i] = line(g[i])
		}
		return out
	case orb.Polygon:
		out := make(orb.Polygon, len(g))
		for i := range g {
			out[i] = line(g[i])
		}
		return out
	case orb.MultiPolygon:
		out := make(orb.MultiPolygon, len(g))
		for i := range g {
			out[i] = eachPoint(g[i], do).(orb.Polygon)
		}
		return out
	case orb.Collection:
		out := make(orb.Collection, len(g))
		for i := range g {
			out[i] = eachPoint(g[i], do)
		}
		return out
	}
	return g
}

var epsgForm = regexp.MustCompile(`(?i)^(?:urn:ogc:def:crs:)?EPSG:(?:[0-9.]*:)?([0-9]{4,6})$`)

func parseEPSG(s string) (int, bool) {
	m := epsgForm.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil
}
