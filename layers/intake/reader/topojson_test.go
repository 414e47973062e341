package reader

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geojson"
	"pgregory.net/rapid"
)

const square = `"arcs":[[[0,0],[10,0],[0,10]],[[10,10],[-10,0],[0,-10]]],"transform":{"scale":[0.5,0.5],"translate":[100,20]}`

func topo(objects, rest string) string {
	return `{"type":"Topology","objects":{` + objects + `},` + rest + `}`
}

func geometries(list ...string) string {
	return `{"type":"GeometryCollection","geometries":[` + strings.Join(list, ",") + `]}`
}

func TestTopoJSONGood(t *testing.T) {
	polygon := `{"type":"Polygon","arcs":[[0,1]],"properties":{"a":"x"},"id":5}`
	want := "1|x|5|POLYGON((100 20,105 20,105 25,100 25,100 20))"
	runCases(t, []fileCase{
		{name: "quantised", file: "a.topojson", in: topo(`"o":`+geometries(polygon), square), header: []string{"a", FeatureID}, rows: []string{want}},
		{name: "recognised as .json.gz", file: "a.json.gz", in: string(gz([]byte(topo(`"o":`+geometries(polygon), square)))), rows: []string{want}},
		{name: "arcs before the type", file: "a.json", in: `{` + square + `,"objects":{"o":` + geometries(polygon) + `},"type":"Topology"}`, rows: []string{want}},
		{name: "an object alone", file: "a.topojson", in: topo(`"o":`+polygon, square), rows: []string{want}},
		{name: "a chosen object", file: "a.topojson", in: topo(`"p":`+geometries(`{"type":null,"properties":{"q":1}}`)+`,"o":`+geometries(polygon), square), o: Options{Object: "o"}, header: []string{"a", FeatureID}, rows: []string{want}},
		{name: "backwards is turned without a word", file: "a.topojson", in: topo(`"o":`+geometries(`{"type":"MultiPolygon","arcs":[[[-2,-1]]]}`), square), rows: []string{"1|MULTIPOLYGON(((100 20,105 20,105 25,100 25,100 20)))"}},
		{name: "lines", file: "a.topojson", in: topo(`"o":`+geometries(`{"type":"LineString","arcs":[0]}`, `{"type":"MultiLineString","arcs":[[~],[0,1]]}`), square), rows: []string{"1|LINESTRING(100 20,105 20,105 25)", "2!json"}},
		{name: "reversed line", file: "a.topojson", in: topo(`"o":`+geometries(`{"type":"MultiLineString","arcs":[[-1],[0,1]]}`), square), rows: []string{"1|MULTILINESTRING((105 25,105 20,100 20),(100 20,105 20,105 25,100 25,100 20))"}},
		{name: "points are quantised", file: "a.topojson", in: topo(`"o":`+geometries(`{"type":"Point","coordinates":[2,4]}`, `{"type":"MultiPoint","coordinates":[[2,4],[2,4]]}`), square), rows: []string{"1|POINT(101 22)", "2|MULTIPOINT((101 22),(101 22))"}},
		{name: "not quantised", file: "a.topojson", in: topo(`"o":`+geometries(`{"type":"LineString","arcs":[0]}`), `"arcs":[[[1.5,2],[3,4]]]`), rows: []string{"1|LINESTRING(1.5 2,3 4)"}},
		{name: "null and empty", file: "a.topojson", in: topo(`"o":`+geometries(`{"type":null}`, `{"type":"Polygon","arcs":[]}`), square), rows: []string{"1", "2"}},
		{name: "open ring", file: "a.topojson", in: topo(`"o":`+geometries(`{"type":"Polygon","arcs":[[0]]}`), square), rows: []string{"1|POLYGON((100 20,105 20,105 25,100 20))|closed ring"}},
	})
}

func TestTopoJSONBad(t *testing.T) {
	good := `{"type":"Point","coordinates":[2,4]}`
	var cases []fileCase
	for name, in := range map[string]string{
		"arc out of range":          `{"type":"LineString","arcs":[2]}`,
		"reversed arc out of range": `{"type":"LineString","arcs":[-3]}`,
		"arc beyond any number":     `{"type":"LineString","arcs":[1e300]}`,
		"arc of no whole number":    `{"type":"LineString","arcs":[0.5]}`,
		"arcs that do not meet":     `{"type":"LineString","arcs":[0,0]}`,
		"no arcs":                   `{"type":"LineString"}`,
		"arcs too shallow":          `{"type":"Polygon","arcs":[0]}`,
		"unknown type":              `{"type":"` + secret + `","arcs":[0]}`,
	} {
		cases = append(cases, fileCase{name: name, file: "a.topojson", in: topo(`"o":`+geometries(in, good), square), rows: []string{"1!geometry", "2|POINT(101 22)"}})
	}
	o := `"o":` + geometries(good)
	cases = append(cases,
		fileCase{name: "too many vertices by the same arc", file: "a.topojson", in: topo(`"o":`+geometries(`{"type":"MultiLineString","arcs":[[0],[0],[0]]}`), square), o: Options{Limits: Limits{Vertices: 8}}, rows: []string{"1!size"}},
		fileCase{name: "several objects", file: "a.topojson", in: topo(o+`,"p":`+geometries(), square), rows: []string{"FILE 0 option"}},
		fileCase{name: "no such object", file: "a.topojson", in: topo(o, square), o: Options{Object: "x"}, rows: []string{"FILE 0 option"}},
		fileCase{name: "no objects", file: "a.topojson", in: `{"type":"Topology","arcs":[]}`, rows: []string{"FILE 0 format"}},
		fileCase{name: "object is no object", file: "a.topojson", in: topo(`"o":[]`, square), rows: []string{"FILE 0 json"}},
		fileCase{name: "GeoJSON called TopoJSON", file: "a.topojson", in: features(), rows: []string{"FILE 0 format"}},
		fileCase{name: "bad arc", file: "a.topojson", in: topo(o, `"arcs":[[["`+secret+`",1]]]`), rows: []string{"FILE 0 geometry"}},
		fileCase{name: "bad transform", file: "a.topojson", in: topo(o, `"arcs":[],"transform":{"scale":[1,1]}`), rows: []string{"FILE 0 json"}},
		fileCase{name: "positions beyond numbers", file: "a.topojson", in: topo(o, `"arcs":[[[1e308,0],[1e308,0]]],"transform":{"scale":[1,1],"translate":[0,0]}`), rows: []string{"FILE 0 number"}},
		fileCase{name: "cut", file: "a.topojson", in: topo(o, square)[:150], rows: []string{"FILE 0 truncated"}},
	)
	runCases(t, cases)
}

// TestTopoJSONIsGeoJSON writes the cells of a grid both ways: the rows are the same.
func TestTopoJSONIsGeoJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 5).Draw(t, "w"), rapid.IntRange(1, 5).Draw(t, "h")
		quantised := rapid.Bool().Draw(t, "quantised")
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		at := func(x, y int) [2]int { return [2]int{x * 10, y * 10} }
		var arcs [][][2]int
		edges := map[[4]int]int{}
		arc := func(x0, y0, x1, y1 int) int { // each edge once, in a random direction
			if i, ok := edges[[4]int{x0, y0, x1, y1}]; ok {
				return i
			}
			a := [][2]int{at(x0, y0), {(x0+x1)*5 + rnd.IntN(3) - 1, (y0+y1)*5 + rnd.IntN(3) - 1}, at(x1, y1)}
			i, back := len(arcs), ^len(arcs)
			if rnd.IntN(2) == 0 {
				slices.Reverse(a)
				i, back = back, i
			}
			arcs = append(arcs, a)
			edges[[4]int{x0, y0, x1, y1}], edges[[4]int{x1, y1, x0, y0}] = i, back
			return i
		}
		fc := geojson.NewFeatureCollection()
		var list []string
		for x := range w {
			for y := range h {
				ring := []int{arc(x, y, x+1, y), arc(x+1, y, x+1, y+1), arc(x+1, y+1, x, y+1), arc(x, y+1, x, y)}
				var r orb.Ring
				for _, i := range ring {
					a := slices.Clone(arcs[max(i, ^i)])
					if i < 0 {
						slices.Reverse(a)
					}
					for k, p := range a {
						if k > 0 || len(r) == 0 {
							r = append(r, orb.Point{float64(p[0])*0.25 + 100, float64(p[1])*0.25 + 20})
						}
					}
				}
				f := geojson.NewFeature(orb.Polygon{r})
				f.Properties["n"] = fmt.Sprint(x, ",", y)
				fc.Append(f)
				b, _ := json.Marshal(ring)
				list = append(list, fmt.Sprintf(`{"type":"Polygon","arcs":[%s],"properties":{"n":%q}}`, b, f.Properties["n"]))
			}
		}
		one, err := fc.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		want := drainAll(t, "geojson", one)
		got := drainAll(t, "topojson", []byte(topo(`"o":`+geometries(list...), gridArcs(arcs, quantised))))
		if !cmp.Equal(want, got) {
			t.Fatal(cmp.Diff(want, got))
		}
	})
}

func drainAll(t *rapid.T, format string, b []byte) []string {
	r, err := open(inMemory("a", b), Options{Format: format})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for row, err := r.Next(); err == nil; row, err = r.Next() {
		if row.Err != nil || len(row.Repairs) > 0 {
			t.Fatal(row.Err, row.Repairs)
		}
		out = append(out, fmt.Sprint(row.Number, row.Values, row.Geometry))
	}
	return out
}

// gridArcs writes arcs as differences with a transform, or as they are.
func gridArcs(arcs [][][2]int, quantised bool) string {
	if !quantised {
		out := make([][][2]float64, len(arcs))
		for i, a := range arcs {
			for _, p := range a {
				out[i] = append(out[i], [2]float64{float64(p[0])*0.25 + 100, float64(p[1])*0.25 + 20})
			}
		}
		b, _ := json.Marshal(out)
		return `"arcs":` + string(b)
	}
	for i, a := range arcs {
		d := slices.Clone(a)
		for k := 1; k < len(a); k++ {
			d[k] = [2]int{a[k][0] - a[k-1][0], a[k][1] - a[k-1][1]}
		}
		arcs[i] = d
	}
	b, _ := json.Marshal(arcs)
	return `"transform":{"scale":[0.25,0.25],"translate":[100,20]},"arcs":` + string(b)
}

func FuzzTopoJSON(f *testing.F) {
	for _, s := range []string{
		topo(`"o":`+geometries(`{"type":"Polygon","arcs":[[0,1]],"properties":{"a":1},"id":2}`, `{"type":"MultiLineString","arcs":[[-1],[0]]}`), square),
		topo(`"o":{"type":"Point","coordinates":[1,2]}`, square),
		`{"type":"Topology","objects":{"o":{"type":null}},"arcs":[[]]}`,
		`{"type":"Topology","objects":{"o":{"type":"MultiPolygon","arcs":[[[0]]]}},"arcs":[[[1e308,1],[2,3]]],"transform":null}`,
	} {
		f.Add([]byte(s))
	}
	fuzzJSON(f, "topojson")
}
