package api

import (
	"encoding/json"
	"fmt"

	"github.com/danielgtaylor/huma/v2"
	"github.com/paulmach/orb"
	"github.com/peterstace/simplefeatures/geom"

	"onepicture/geo"
	"onepicture/layers"
)

// Limits of an area. 10,000 vertices hold the boundary of a city as surveys and OpenStreetMap draw it (hundreds to a
// few thousands), and keep the check of the worst shape near 0.1 s; a line takes some 25 bytes for a vertex, so that
// 1 MiB holds them also when they are written with altitudes and blanks.
const (
	maxAreaBody = 1 << 20
	maxVertices = 10_000
	maxRings    = 1_000
)

// Area is a GeoJSON geometry (RFC 7946): a Polygon or a MultiPolygon in WGS 84.
type Area struct {
	Type        string    `json:"type" enum:"Polygon,MultiPolygon"`
	Coordinates positions `json:"coordinates"`
}

// positions are the coordinates as they were sent; multiPolygon reads them.
type positions json.RawMessage

// UnmarshalJSON keeps them for later.
func (p *positions) UnmarshalJSON(b []byte) error {
	*p = append((*p)[:0], b...)
	return nil
}

// MarshalJSON gives them as they are.
func (p positions) MarshalJSON() ([]byte, error) { return json.RawMessage(p).MarshalJSON() }

// Schema describes them to huma as deep as Polygon and MultiPolygon are alike.
func (positions) Schema(huma.Registry) *huma.Schema {
	array := func(of *huma.Schema) *huma.Schema { return &huma.Schema{Type: huma.TypeArray, Items: of} }
	s := array(array(array(&huma.Schema{})))
	least := 1
	s.MinItems = &least
	s.Description = fmt.Sprintf("Rings of [longitude, latitude] in degrees, WGS 84; each ring ends where it begins. At most %d vertices "+
		"in %d rings. Edges are straight in longitude and latitude. An area over the antimeridian is sent as two polygons.", maxVertices, maxRings)
	return s
}

// multiPolygon reads and checks the area. Errors name the place within the field.
func (a Area) multiPolygon(field string) (orb.MultiPolygon, error) {
	at := field + ".coordinates"
	var sent [][][][]float64
	one := a.Type == "Polygon"
	if one {
		var polygon [][][]float64
		if err := json.Unmarshal(a.Coordinates, &polygon); err != nil {
			return nil, layers.Invalid(at, "are not the rings of a Polygon: [[[lon, lat], …], …]")
		}
		sent = append(sent, polygon)
	} else if err := json.Unmarshal(a.Coordinates, &sent); err != nil {
		return nil, layers.Invalid(at, "are not the polygons of a MultiPolygon: [[[[lon, lat], …], …], …]")
	}
	name := func(e geo.EdgeName) string {
		if one {
			return fmt.Sprintf("%s[%d][%d]", at, e.Ring, e.Vertex)
		}
		return fmt.Sprintf("%s[%d][%d][%d]", at, e.Polygon, e.Ring, e.Vertex)
	}
	mp, err := readRings(sent, at, name)
	if err != nil {
		return nil, err
	}
	if c, bad := geo.FirstCrossing(mp); bad {
		return nil, layers.Invalid(name(c.Other), "the edge that begins here meets that of %s at %.6f, %.6f: the area must not cross or touch itself", name(c.One), c.At[0], c.At[1])
	}
	if err := nested(mp); err != nil {
		return nil, layers.Invalid(at, "are no area: %v", err)
	}
	return mp, nil
}

// readRings checks rings one by one: enough positions, closed, in range, within the limits.
func readRings(sent [][][][]float64, at string, name func(geo.EdgeName) string) (mp orb.MultiPolygon, err error) {
	vertices, rings := 0, 0
	for p, polygon := range sent {
		var out orb.Polygon
		for r, ring := range polygon {
			rings++
			vertices += len(ring)
			switch {
			case rings > maxRings:
				return nil, layers.Invalid(at, "have more than %d rings", maxRings)
			case vertices > maxVertices:
				return nil, layers.Invalid(at, "have more than %d vertices: simplify the area", maxVertices)
			case len(ring) < 4:
				return nil, layers.Invalid(name(geo.EdgeName{Polygon: p, Ring: r}), "a ring has at least four positions, the last like the first")
			}
			line := make(orb.Ring, len(ring))
			for v, position := range ring {
				if len(position) < 2 || len(position) > 3 || !inWorld(position[0], position[1]) {
					return nil, layers.Invalid(name(geo.EdgeName{Polygon: p, Ring: r, Vertex: v}), "is not a position: longitude from -180 to 180, then latitude from -90 to 90")
				}
				line[v] = orb.Point{position[0], position[1]}
			}
			if line[0] != line[len(line)-1] {
				return nil, layers.Invalid(name(geo.EdgeName{Polygon: p, Ring: r, Vertex: len(line) - 1}), "the ring is not closed: its last position is not its first")
			}
			out = append(out, line)
		}
		if len(out) == 0 {
			return nil, layers.Invalid(at, "have a polygon without a ring")
		}
		mp = append(mp, out)
	}
	if len(mp) == 0 {
		return nil, layers.Invalid(at, "have no polygon")
	}
	return mp, nil
}

func inWorld(lon, lat float64) bool { return lon >= -180 && lon <= 180 && lat >= -90 && lat <= 90 }

// nested checks how rings that do not cross lie in one another, as OGC's simple features ask: holes within their
// polygon, not in one another; polygons apart.
func nested(mp orb.MultiPolygon) error {
	polygons := make([]geom.Polygon, len(mp))
	for p, polygon := range mp {
		rings := make([]geom.LineString, len(polygon))
		for r, ring := range polygon {
			flat := make([]float64, 0, 2*len(ring))
			for _, at := range ring {
				flat = append(flat, at[0], at[1])
			}
			rings[r] = geom.NewLineString(geom.NewSequence(flat, geom.DimXY))
		}
		polygons[p] = geom.NewPolygon(rings)
	}
	return geom.NewMultiPolygon(polygons).Validate()
}
