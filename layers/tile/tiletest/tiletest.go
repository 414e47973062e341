// Package tiletest reads vector tiles with decoders that are not ours, so that tests can say what others see in them:
// Mapbox's reference decoder, run by Node, and GDAL's reader. There is no stand-in: without them the tests fail and say
// what to run.
package tiletest

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/mvt"

	"onepicture/geo"
)

// Feature is a feature as a decoder read it.
type Feature struct {
	ID         int64             `json:"id"`         // 0: none
	Kind       string            `json:"kind"`       // point, line, polygon
	Properties map[string]string `json:"properties"` // values as text: whole numbers without a point, truths as 1 and 0
	// Parts are points and lines, each in a part of its own, or polygons with the outer ring first, in units of the
	// tile with y downward; rings come without their closing point.
	Parts [][][][2]int `json:"parts"`
}

// Decoded holds the layers of tiles by name.
type Decoded map[geo.Tile]map[string][]Feature

// Decode reads all tiles (not compressed) with three decoders, fails the test where they differ or where a tile is not
// as the specification (Mapbox Vector Tile 2.1) wants it, and gives what they agree on. Features keep their order.
// All tiles together cost one start of Node and one of GDAL.
func Decode(t testing.TB, tiles map[geo.Tile][]byte) Decoded {
	t.Helper()
	dir := t.TempDir()
	want := Decoded{}
	for tile, raw := range tiles {
		if err := os.WriteFile(filepath.Join(dir, fileName(tile)+".mvt"), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		layers, err := own(raw)
		if err != nil {
			t.Fatalf("tile %v: %v", tile, err)
		}
		want[tile] = layers
	}
	if len(tiles) == 0 {
		return want
	}
	for name, read := range map[string]func(testing.TB, string, Decoded) Decoded{"Mapbox's decoder": byNode, "GDAL": byGDAL} {
		got := read(t, dir, want)
		wrong := 0
		for tile := range tiles {
			if reflect.DeepEqual(want[tile], got[tile]) {
				continue // quickly: thousands of corners
			}
			if d := cmp.Diff(want[tile], got[tile], cmpopts.EquateEmpty()); d != "" && wrong < 3 {
				wrong++
				t.Errorf("tile %v: %s reads it otherwise (- ours, + theirs):\n%s", tile, name, d)
			}
		}
	}
	for tile, layers := range want {
		for name, list := range layers {
			for i := range list {
				if err := list[i].wellFormed(); err != nil {
					t.Errorf("tile %v, layer %s, feature %d: %v", tile, name, list[i].ID, err)
				}
			}
		}
	}
	return want
}

// fileName has no folders, so that one folder holds all tiles.
func fileName(t geo.Tile) string { return fmt.Sprintf("%d_%d_%d", t.Z, t.X, t.Y) }

func parseName(s string) (t geo.Tile, err error) {
	parts := strings.Split(s, "_")
	if len(parts) != 3 {
		return t, fmt.Errorf("%q is no name of a tile", s)
	}
	return geo.ParseTile(parts[0], parts[1], parts[2])
}

// own reads a tile with the decoder of our own house (orb).
func own(raw []byte) (map[string][]Feature, error) {
	list, err := mvt.Unmarshal(raw)
	if err != nil {
		return nil, err
	}
	out := map[string][]Feature{}
	for _, l := range list {
		if _, twice := out[l.Name]; twice || l.Version != 2 || l.Extent != geo.Extent || len(l.Features) == 0 {
			return nil, fmt.Errorf("layer %s: version %d, extent %d, %d features, there before: %v", l.Name, l.Version, l.Extent, len(l.Features), twice)
		}
		for _, f := range l.Features {
			n := Feature{Properties: map[string]string{}}
			if id, ok := f.ID.(float64); ok {
				n.ID = int64(id)
			}
			for key, v := range f.Properties {
				n.Properties[key] = textOf(v)
			}
			if n.Kind, n.Parts, err = parts(f.Geometry, tileUnits); err != nil {
				return nil, err
			}
			out[l.Name] = append(out[l.Name], n)
		}
	}
	return out, nil
}

func textOf(v any) string {
	switch v := v.(type) {
	case bool:
		return map[bool]string{true: "1", false: "0"}[v]
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func tileUnits(p orb.Point) [2]int { return [2]int{int(p[0]), int(p[1])} }

// parts takes a geometry apart, whatever types a decoder makes of one part and of many.
func parts(g orb.Geometry, at func(orb.Point) [2]int) (kind string, out [][][][2]int, err error) {
	path := func(list []orb.Point) (points [][2]int) {
		for _, p := range list {
			points = append(points, at(p))
		}
		return points
	}
	polygon := func(p orb.Polygon) (rings [][][2]int) {
		for _, r := range p {
			points := path(r)
			if n := len(points); n > 1 && points[0] == points[n-1] {
				points = points[:n-1]
			}
			rings = append(rings, points)
		}
		return rings
	}
	switch g := g.(type) {
	case orb.Point:
		return "point", [][][][2]int{{path([]orb.Point{g})}}, nil
	case orb.MultiPoint:
		for _, p := range g {
			out = append(out, [][][2]int{path([]orb.Point{p})})
		}
		return "point", out, nil
	case orb.LineString:
		return "line", [][][][2]int{{path(g)}}, nil
	case orb.MultiLineString:
		for _, l := range g {
			out = append(out, [][][2]int{path(l)})
		}
		return "line", out, nil
	case orb.Polygon:
		return "polygon", [][][][2]int{polygon(g)}, nil
	case orb.MultiPolygon:
		for _, p := range g {
			out = append(out, polygon(p))
		}
		return "polygon", out, nil
	}
	return "", nil, fmt.Errorf("a geometry of %T", g)
}

// wellFormed holds a feature against sections 4.3.4 and 4.4 of the specification.
func (f *Feature) wellFormed() error {
	if len(f.Parts) == 0 {
		return fmt.Errorf("nothing is drawn")
	}
	for _, part := range f.Parts {
		for i, ring := range part {
			least := map[string]int{"point": 1, "line": 2, "polygon": 3}[f.Kind]
			if len(ring) < least {
				return fmt.Errorf("a %s of %d points", f.Kind, len(ring))
			}
			if f.Kind == "polygon" && (doubleArea(ring) > 0) != (i == 0) {
				return fmt.Errorf("ring %d of %d has twice the area %d", i, len(part), doubleArea(ring))
			}
		}
	}
	return nil
}

// doubleArea is positive for outer rings: clockwise on the screen.
func doubleArea(ring [][2]int) (sum int) {
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		sum += a[0]*b[1] - b[0]*a[1]
	}
	return sum
}

// names are the layers of a tile, in order.
func names(layers map[string][]Feature) []string {
	var out []string
	for name := range layers {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
