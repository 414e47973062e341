package reader

import (
	"fmt"
	"strings"
	"testing"
)

// features wraps them in a collection.
func features(f ...string) string {
	return `{"type":"FeatureCollection","features":[` + strings.Join(f, ",\n") + `]}`
}

func feature(geometry, properties string) string {
	return `{"type":"Feature","geometry":` + geometry + `,"properties":` + properties + `}`
}

const dot = `{"type":"Point","coordinates":[1,2]}`

func TestGeoJSONGood(t *testing.T) {
	runCases(t, []fileCase{
		{name: "collection", file: "a.geojson", in: features(feature(dot, `{"a":"x","n":1.50}`), feature(`null`, `{"b":true,"a":null}`)),
			header: []string{"a", "n", "b"}, rows: []string{"1|x|1.50||POINT(1 2)", "2|||true"}},
		{name: "gzip, byte order mark", file: "a.geojson.gz", in: string(gz([]byte("\ufeff" + features(feature(dot, `{}`))))), rows: []string{"1|POINT(1 2)"}},
		{name: "GB 18030", file: "a.json", in: gb18030(features(feature(dot, `{"名":"莞城"}`))), o: Options{Encoding: "gb18030"}, header: []string{"名"}, rows: []string{"1|莞城|POINT(1 2)"}},
		{name: "members in another order", file: "a.json", in: `{"features":[` + `{"properties":{"a":1},"geometry":{"coordinates":[1,2],"type":"Point"},"type":"Feature"}` + `],"name":"n","type":"FeatureCollection"}`, rows: []string{"1|1|POINT(1 2)"}},
		{name: "no features", file: "a.geojson", in: features()},
		{name: "one feature", file: "a.geojson", in: feature(dot, `{"a":"x"}`), header: []string{"a"}, rows: []string{"1|x|POINT(1 2)"}},
		{name: "one geometry", file: "a.geojson", in: " " + dot + "\n", rows: []string{"1|POINT(1 2)"}},
		{name: "lines", file: "a.geojsonl", in: feature(dot, `{"a":1}`) + "\n\n" + feature(dot, `{"b":2}`), header: []string{"a", "b"}, rows: []string{"1|1||POINT(1 2)", "2||2|POINT(1 2)"}},
		{name: "lines under the name of GeoJSON", file: "a.geojson", in: feature(dot, `{"a":1}`) + "\n" + feature(dot, `{"a":2}`) + "\n", rows: []string{"1|1|POINT(1 2)", "2|2|POINT(1 2)"}},
		{name: "text sequence", file: "a.geojson", in: "\x1e" + strings.ReplaceAll(feature(dot, `{"a":1}`), ",", ",\n") + "\n\x1e" + feature("null", `{"a":2}`) + "\n", rows: []string{"1|1|POINT(1 2)", "2|2"}},
		{name: "ids", file: "a.geojson", in: features(`{"type":"Feature","id":"k1","geometry":null,"properties":{"a":1}}`, `{"type":"Feature","id":7,"geometry":null,"properties":null}`),
			header: []string{"a", FeatureID}, rows: []string{"1|1|k1", "2||7"}},
		{name: "a property called as the id's column", file: "a.geojson", in: features(`{"type":"Feature","id":"k1","geometry":null,"properties":{"$id":"p"}}`), header: []string{"$id"}, rows: []string{"1|p"}},
		{name: "escapes", file: "a.geojson", in: features(feature("null", `{"\u0061":"\ud83d\ude00\"\\\/\n\u4e1c"}`)), header: []string{"a"}, rows: []string{"1|😀\"\\/\n东"}},
		{name: "nested values as JSON", file: "a.geojson", in: features(feature("null", `{"a":{"x":[1, 2]},"b":[]}`)), rows: []string{`1|{"x":[1, 2]}|[]`}},
		{name: "height dropped", file: "a.geojson", in: features(feature(`{"type":"LineString","coordinates":[[1,2,3],[3,4.5e0,1e2]]}`, "{}")), rows: []string{"1|LINESTRING(1 2,3 4.5)"}},
		{name: "empty coordinates", file: "a.geojson", in: features(feature(`{"type":"MultiPolygon","coordinates":[]}`, "{}"), feature(`{"type":"GeometryCollection","geometries":[]}`, "{}")), rows: []string{"1", "2"}},
		{name: "collection of geometries", file: "a.geojson", in: features(feature(`{"type":"GeometryCollection","geometries":[`+dot+`,{"type":"MultiPoint","coordinates":[[3,4]]}]}`, "{}")), rows: []string{"1|GEOMETRYCOLLECTION(POINT(1 2),MULTIPOINT((3 4)))"}},
		{name: "polygon as it should be", file: "a.geojson", in: features(feature(`{"type":"Polygon","coordinates":[[[0,0],[9,0],[9,9],[0,0]]]}`, "{}")), rows: []string{"1|POLYGON((0 0,9 0,9 9,0 0))"}},
		{name: "ring not closed", file: "a.geojson", in: features(feature(`{"type":"Polygon","coordinates":[[[0,0],[9,0],[9,9]]]}`, "{}")), rows: []string{"1|POLYGON((0 0,9 0,9 9,0 0))|closed ring"}},
		{name: "wrong winding", file: "a.geojson", in: features(feature(`{"type":"MultiPolygon","coordinates":[[[[0,0],[9,9],[9,0],[0,0]],[[3,1],[4,1],[4,2],[3,1]]]]}`, "{}")),
			rows: []string{"1|MULTIPOLYGON(((0 0,9 0,9 9,0 0),(3 1,4 2,4 1,3 1)))|wrong winding"}},
		{name: "self-crossing is not judged here", file: "a.geojson", in: features(feature(`{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}`, "{}")), rows: []string{"1|POLYGON((0 0,1 1,1 0,0 1,0 0))"}},
	})
}

func TestGeoJSONCRS(t *testing.T) {
	for in, want := range map[string]string{
		`{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"EPSG:4547"}},"features":[]}`: "EPSG:4547",
		`{"type":"FeatureCollection","features":[],"crs":null}`:                                              "",
		`{"type":"FeatureCollection","features":[]}`:                                                         "",
	} {
		r, err := open(inMemory("a", []byte(in)), Options{Format: "geojson"})
		if err != nil || r.CRS() != want {
			t.Errorf("%v %q, want %q", err, r.CRS(), want)
		}
	}
}

// TestGeoJSONBadRows has a good feature behind each bad one: it must come.
func TestGeoJSONBadRows(t *testing.T) {
	deep := strings.Repeat(`[`, 10_000) + strings.Repeat(`]`, 10_000)
	good := feature(dot, `{"z":9}`)
	for name, c := range map[string]struct{ in, class string }{
		"comment":                   {`{"type":"Feature", /* ` + secret + ` */ "geometry":null}`, "json"},
		"NaN coordinate":            {feature(`{"type":"Point","coordinates":[NaN,1]}`, "{}"), "number"},
		"Infinity coordinate":       {feature(`{"type":"Point","coordinates":[1,-Infinity]}`, "{}"), "number"},
		"NaN property":              {feature("null", `{"z":NaN}`), "number z"},
		"coordinate beyond range":   {feature(`{"type":"Point","coordinates":[1e999,1]}`, "{}"), "number"},
		"coordinate as string":      {feature(`{"type":"Point","coordinates":["`+secret+`",1]}`, "{}"), "geometry"},
		"coordinate null":           {feature(`{"type":"Point","coordinates":[null,1]}`, "{}"), "geometry"},
		"one number":                {feature(`{"type":"Point","coordinates":[1]}`, "{}"), "geometry"},
		"four numbers":              {feature(`{"type":"Point","coordinates":[1,2,3,4]}`, "{}"), "geometry"},
		"leading zero":              {feature(`{"type":"Point","coordinates":[01,2]}`, "{}"), "json"},
		"no coordinates":            {feature(`{"type":"Point"}`, "{}"), "geometry"},
		"too shallow":               {feature(`{"type":"Polygon","coordinates":[[1,2]]}`, "{}"), "geometry"},
		"too deep":                  {feature(`{"type":"LineString","coordinates":[[[1,2]]]}`, "{}"), "geometry"},
		"10,000 deep coordinates":   {feature(`{"type":"Polygon","coordinates":`+deep+`}`, "{}"), "json"},
		"10,000 deep property":      {feature("null", `{"z":`+deep+`}`), "json z"},
		"collections in each other": {feature(strings.Repeat(`{"type":"GeometryCollection","geometries":[`, 500)+strings.Repeat(`]}`, 500), "{}"), "json"},
		"line of one position":      {feature(`{"type":"LineString","coordinates":[[1,2]]}`, "{}"), "geometry"},
		"ring of two positions":     {feature(`{"type":"Polygon","coordinates":[[[0,0],[1,1],[0,0],[1,1]]]}`, "{}"), "geometry"},
		"empty ring":                {feature(`{"type":"Polygon","coordinates":[[]]}`, "{}"), "geometry"},
		"polygon without rings":     {feature(`{"type":"MultiPolygon","coordinates":[[]]}`, "{}"), "geometry"},
		"unknown geometry":          {feature(`{"type":"`+secret+`","coordinates":[]}`, "{}"), "geometry"},
		"geometry without type":     {feature(`{"coordinates":[1,2]}`, "{}"), "geometry"},
		"geometry as array":         {feature(`[1,2]`, "{}"), "geometry"},
		"no geometry member":        {`{"type":"Feature","properties":{}}`, "geometry"},
		"properties as array":       {feature(dot, "[]"), "json"},
		"same property twice":       {feature(dot, `{"z":1,"z":2}`), "duplicate"},
		"same property by escape":   {feature(dot, `{"z":1,"\u007a":2}`), "duplicate"},
		"same key in nested value":  {feature(dot, `{"z":{"k":1,"k":1}}`), "duplicate z"},
		"same member twice":         {`{"type":"Feature","geometry":null,"geometry":null,"properties":{}}`, "duplicate"},
		"coordinates twice":         {feature(`{"type":"Point","coordinates":[1,2],"coordinates":[3,4]}`, "{}"), "duplicate"},
		"id as object":              {`{"type":"Feature","id":{},"geometry":null,"properties":{}}`, "json $id"},
		"not a feature":             {`{"type":"feature","geometry":null,"properties":{}}`, "json"},
		"null":                      {`null`, "json"},
		"text":                      {`"` + secret + `"`, "json"},
		"bad escape":                {feature("null", `{"z":"\x`+secret+`"}`), "json z"},
		"lone surrogate":            {feature("null", `{"z":"\ud800"}`), "json z"},
		"bare control character":    {feature("null", "{\"z\":\"\t\"}"), "json z"},
		"trailing comma":            {feature("null", `{"z":1,}`), "json"},
		"missing colon":             {feature("null", `{"z" 1}`), "json"},
		"single quotes":             {feature("null", `{'z':1}`), "json"},
		"mixed brackets":            {feature("null", `{"z":[1}]`), "json z"},
		"bad byte":                  {feature("null", `{"z":"`+secret+"\xff\"}"), "encoding"},
		"too many vertices":         {feature(`{"type":"MultiPoint","coordinates":[[1,2],[1,2],[1,2],[1,2],[1,2],[1,2]]}`, "{}"), "size"},
		"too long":                  {feature("null", `{"z":"`+strings.Repeat(secret, 20_000)+`"}`), "size"},
	} {
		o := Options{Limits: Limits{Vertices: 5, RowBytes: 50_000}}
		header := "z"
		if name == "id as object" {
			header = "z,$id"
		}
		want := []string{"1!" + c.class, "2" + strings.Repeat("|", strings.Count(header, ",")) + "|9|POINT(1 2)"}
		if header != "z" {
			want[1] = "2|9||POINT(1 2)"
		}
		for file, in := range map[string]string{"a.geojson": features(c.in, good), "a.geojsonl": c.in + "\n" + good} {
			t.Run(name+" in "+file, func(t *testing.T) {
				_, got := readFile(t, file, []byte(in), o)
				if fmt.Sprint(got.rows) != fmt.Sprint(want) {
					t.Errorf("%q\nwant %q", got.rows, want)
				}
			})
		}
	}
}

func TestGeoJSONBadFiles(t *testing.T) {
	one := feature(dot, `{"a":1}`)
	runCases(t, []fileCase{
		{name: "cut within a feature", file: "a.geojson", in: features(one, one)[:180], rows: []string{"1|1|POINT(1 2)", "FILE 2 truncated"}},
		{name: "cut within the first feature", file: "a.geojson", in: features(one, one)[:90], rows: []string{"FILE 1 truncated"}},
		{name: "cut behind the type", file: "a.geojson", in: `{"type":"FeatureCollection"`, rows: []string{"FILE 0 truncated"}},
		{name: "cut behind the last feature", file: "a.geojson", in: strings.TrimSuffix(features(one), "]}"), rows: []string{"1|1|POINT(1 2)", "FILE 2 truncated"}},
		{name: "cut before the type", file: "a.geojson", in: `{"features":[` + one, rows: []string{"1|1|POINT(1 2)", "FILE 2 truncated"}},
		{name: "root never closed", file: "a.geojson", in: strings.TrimSuffix(features(one), "}"), rows: []string{"1|1|POINT(1 2)", "FILE 2 truncated"}},
		{name: "gzip cut", file: "a.geojson.gz", in: cut(gz([]byte(features(one))), 9), rows: []string{"1|1|POINT(1 2)", "FILE 2 truncated"}},
		{name: "no comma between features", file: "a.geojson", in: features(one + one), rows: []string{"1|1|POINT(1 2)", "FILE 2 json"}},
		{name: "comma behind the last feature", file: "a.geojson", in: features(one + ","), rows: []string{"1|1|POINT(1 2)", "FILE 2 json"}},
		{name: "comment between features", file: "a.geojson", in: features(one, "// "+secret+"\n"+one), rows: []string{"1|1|POINT(1 2)", "FILE 2 json"}},
		{name: "comment at the beginning", file: "a.geojson", in: "// " + secret + "\n" + features(one), rows: []string{"FILE 0 json"}},
		{name: "something behind the end", file: "a.geojson", in: features(one) + " x", rows: []string{"1|1|POINT(1 2)", "FILE 2 json"}},
		{name: "collection in an array", file: "a.geojson", in: "[" + features(one) + "]", rows: []string{"FILE 0 format"}},
		{name: "features is an object", file: "a.geojson", in: `{"type":"FeatureCollection","features":{}}`, rows: []string{"FILE 0 json"}},
		{name: "two types", file: "a.geojson", in: `{"type":"FeatureCollection","type":"Feature","features":[]}`, rows: []string{"FILE 0 duplicate"}},
		{name: "two lists of features", file: "a.geojson", in: `{"type":"FeatureCollection","features":[` + one + `],"features":[` + one + `]}`, rows: []string{"1|1|POINT(1 2)", "FILE 2 duplicate"}},
		{name: "no type", file: "a.geojson", in: `{}`, rows: []string{"FILE 0 format"}},
		{name: "type unknown", file: "a.geojson", in: `{"type":"` + secret + `"}`, rows: []string{"FILE 0 format"}},
		{name: "type in small letters", file: "a.geojson", in: `{"type":"featurecollection","features":[]}`, rows: []string{"FILE 0 format"}},
		{name: "white space", file: "a.geojson", in: " \n", rows: []string{"FILE 0 empty"}},
		{name: "text", file: "a.geojson", in: `"` + secret + `"`, rows: []string{"FILE 0 format"}},
		{name: "10,000 deep root", file: "a.geojson", in: strings.Repeat(`{"a":`, 10_000), rows: []string{"FILE 0 truncated"}},
		{name: "too many properties", file: "a.geojson", in: features(feature("null", `{"a":1,"b":2,"c":3}`)), o: Options{Limits: Limits{Columns: 2}}, rows: []string{"FILE 0 size"}},
		{name: "long name of a property", file: "a.geojson", in: features(feature("null", `{"`+strings.Repeat("x", 2000)+`":1}`)), rows: []string{"FILE 0 columns"}},
		{name: "GB 18030 not declared", file: "a.geojson", in: gb18030(features(feature("null", `{"a":"莞城街道"}`))), rows: []string{"FILE 0 encoding"}},
		{name: "a collection in a line", file: "a.geojsonl", in: features(one) + "\n" + one + "\n", rows: []string{"1!json", "2|1|POINT(1 2)"}},
		{name: "a cut line", file: "a.geojsonl", in: one + "\n" + one[:50], rows: []string{"1|1|POINT(1 2)", "2!json"}},
	})
}

func FuzzGeoJSON(f *testing.F) {
	for _, s := range []string{
		features(feature(dot, `{"a":"x"}`)), feature(dot, `{"a":1}`) + "\n" + feature("null", "{}"), "\x1e" + dot + "\n\x1e" + dot, dot,
		features(feature(`{"type":"Polygon","coordinates":[[[0,0],[9,0],[9,9]]]}`, `{"a":[{"b":"\ud83d\ude00"}]}`)),
		features(feature(`{"type":"GeometryCollection","geometries":[`+dot+`]}`, `{"$id":1}`)), `{"type":"FeatureCollection","crs":{"properties":{"name":"x"}},"features":[null]} x`,
	} {
		f.Add([]byte(s))
	}
	fuzzJSON(f, "geojson")
}

// fuzzJSON wants no panic, an end, and rows and errors that hold together.
func fuzzJSON(f *testing.F, format string) {
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := open(inMemory("a", b), Options{Format: format, Limits: Limits{RowBytes: 1 << 12, FileBytes: 1 << 20, Vertices: 1000}})
		if err != nil {
			describe(t, err)
			return
		}
		drain(t, r)
	})
}

func BenchmarkGeoJSON(b *testing.B) {
	var list []string
	const rows = 20_000
	for i := range rows {
		list = append(list, feature(fmt.Sprintf(`{"type":"Point","coordinates":[113.%06d,22.%06d]}`, i, i*3), fmt.Sprintf(`{"id":%d,"name":"店%d","kind":"shop","open":true}`, i, i)))
	}
	data := []byte(features(list...))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := open(inMemory("a", data), Options{Format: "geojson"})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for row, err := r.Next(); err == nil; row, err = r.Next() {
			n += b2i(row.Err == nil)
		}
		if n != rows {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
