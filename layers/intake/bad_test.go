package intake

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/csv"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

// badInput is a file or a mapping with something wrong.
type badInput struct {
	what    string
	name    string // of the file
	content string
	mapping string
}

const head = "id,n,lon,lat\n1,good,113.5,23\n"

func withDatum(mapping, datum string) string { return strings.Replace(mapping, "WGS84", datum, 1) }

func withoutDatum(mapping string) string {
	return strings.Replace(mapping, "datum = \"WGS84\"\n", "", 1)
}

var polygon = `{"type":"Feature","properties":{"id":"1","n":"a","size":""},"geometry":{"type":"Polygon","coordinates":[%s]}}`

func badInputs() []badInput {
	e := fmt.Sprintf(eventMapping, "WGS84")
	const eventHead = "id,title,item,category,status,at,closed,x,y\n"
	shapes := func(features ...string) string { return collection(features...) }
	return []badInput{
		{"a file that is not there", "", "", siteMapping},
		{"an empty file", "a.csv", "", siteMapping},
		{"a header and no rows", "a.csv", "id,n,lon,lat\n", siteMapping},
		{"a format that is not read", "a.pdf", "%PDF", siteMapping},
		{"GB18030 declared as nothing", "a.csv", head + "2,\xb9\xab\xd4\xb0,113.5,23\n", siteMapping},
		{"an encoding that does not exist", "a.csv", head, siteMapping + "[file]\nencoding = \"klingon\"\n"},
		{"a NUL byte", "a.csv", head + "2,a\x00b,113.5,23\n", siteMapping},
		{"a column that the mapping reads is missing", "a.csv", "id,name,lon,lat\n1,a,113.5,23\n", siteMapping},
		{"a column twice in the header", "a.csv", "id,n,n,lon,lat\n1,a,b,113.5,23\n", siteMapping},
		{"the wrong delimiter", "a.csv", strings.ReplaceAll(head, ",", ";"), siteMapping},
		{"a row with too few columns, one with too many", "a.csv", head + "2,b,113.5\n3,c,113.5,23,x\n", siteMapping},
		{"a quote that is never closed", "a.csv", head + "2,\"b,113.5,23\n3,c,113.5,23\n", siteMapping},
		{"coordinates that are no numbers", "a.csv", head + "2,b,east,23\n3,c,\"113,5\",23\n4,d,NaN,23\n5,e,113.5,Inf\n6,f,1e400,23\n7,g,,23\n", siteMapping},
		{"swapped axes", "a.csv", head + "2,b,23,113.5\n", siteMapping},
		{"swapped axes of a projected system", "a.csv", "id,n,lon,lat\n1,a,2546848,474557\n", withDatum(siteMapping, "EPSG:4547")},
		{"degrees where metres were declared", "a.csv", head, withDatum(siteMapping, "EPSG:4547")},
		{"metres where degrees were declared", "a.csv", "id,n,lon,lat\n1,a,474557.6,2546848.5\n", siteMapping},
		{"no location at all", "a.csv", "id,n,lon,lat\n1,a,0,0\n", withDatum(siteMapping, "EPSG:4547")},
		{"GCJ-02 outside China", "a.csv", "id,n,lon,lat\n1,a,2.35,48.85\n", withDatum(siteMapping, "GCJ02")},
		{"no datum", "a.csv", head, withoutDatum(siteMapping)},
		{"no datum, but the file speaks of one", "a.geojson", strings.Replace(shapes(fmt.Sprintf(polygon, "[[113.1,23],[113.2,23],[113.2,23.1],[113.1,23]]")),
			`"features"`, `"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::4490"}},"features"`, 1), withoutDatum(shapeMapping)},
		{"another datum than the file's", "a.geojson", strings.Replace(shapes(fmt.Sprintf(polygon, "[[113.1,23],[113.2,23],[113.2,23.1],[113.1,23]]")),
			`"features"`, `"crs":{"type":"name","properties":{"name":"EPSG:4547"}},"features"`, 1), shapeMapping},
		{"an EPSG code that does not exist", "a.csv", head, withDatum(siteMapping, "EPSG:99999")},
		{"dates that do not exist", "a.csv", "id,name,birth,sex,care,lon,lat\n1,a,2023-02-29,男,,113.5,23\n2,b,1980-13-01,男,,113.5,23\n3,c,80-1-1,男,,113.5,23\n4,d,0001-01-01,男,,113.5,23\n", people},
		{"a time that the clocks skipped, and one in the future of the format", "a.csv", eventHead + "1,a,,city,,2023-03-12 02:30,,113.5,23\n2,b,,city,,2023-03-12T03:30,,113.5,23\n3,c,,city,,,,113.5,23\n", e},
		{"closed before it was reported", "a.csv", eventHead + "1,a,,city,,2023-03-12 12:30,2023-03-11 12:30,113.5,23\n", e},
		{"codes that are not in the catalogue", "a.csv", eventHead + "1,a,,flood,,2023-03-12 12:30,,113.5,23\n2,b,X-9,,,2023-03-12 12:30,,113.5,23\n3,c,,city,done,2023-03-12 12:30,,113.5,23\n4,d,,,,2023-03-12 12:30,,113.5,23\n", e},
		{"a code table that leads out of the catalogue", "a.csv", head, siteMapping + "class = {const = \"palace\"}\n"},
		{"a name missing, a name too long", "a.csv", head + "2,,113.5,23\n3," + strings.Repeat("长", 201) + ",113.5,23\n", siteMapping},
		{"an empty key, a key twice, a row twice", "a.csv", head + ",b,113.5,23\n1,other,113.5,23\n1,good,113.5,23\n", siteMapping},
		{"JSON with comments", "a.geojson", "{\"type\":\"FeatureCollection\", // all\n\"features\":[]}", shapeMapping},
		{"JSON that ends early", "a.geojson", shapes(fmt.Sprintf(polygon, "[[113.1,23],[113.2,23],[113.2,23.1],[113.1,23]]"))[:150], shapeMapping},
		{"a key twice in a feature", "a.geojson", strings.Replace(shapes(fmt.Sprintf(polygon, "[[113.1,23],[113.2,23],[113.2,23.1],[113.1,23]]"),
			strings.Replace(fmt.Sprintf(polygon, "[[113.1,23],[113.2,23],[113.2,23.1],[113.1,23]]"), `"1"`, `"2"`, 1)), `"n":"a"`, `"n":"a","n":"b"`, 1), shapeMapping},
		{"an unclosed ring and a wrong winding", "a.geojson", shapes(fmt.Sprintf(polygon, "[[113.1,23],[113.1,23.1],[113.2,23.1],[113.2,23]]")), shapeMapping},
		{"a self-crossing ring", "a.geojson", shapes(fmt.Sprintf(polygon, "[[113.1,23],[113.2,23.1],[113.2,23],[113.1,23.1],[113.1,23]]")), shapeMapping},
		{"a ring of two points", "a.geojson", shapes(fmt.Sprintf(polygon, "[[113.1,23],[113.2,23.1],[113.1,23]]")), shapeMapping},
		{"a feature without geometry", "a.geojson", shapes(`{"type":"Feature","properties":{"id":"1","n":"a","size":""},"geometry":null}`), shapeMapping},
		{"an area where a point is needed", "a.geojson", shapes(fmt.Sprintf(polygon, "[[113.1,23],[113.2,23],[113.2,23.1],[113.1,23]]")),
			strings.NewReplacer(`"site"`, `"person"`, `"shapes"`, `"p"`, "class = {const = \"park\"}\n[attributes]\nsize = {column = \"size\"}\n", "").Replace(shapeMapping)},
		{"coordinates of text", "a.geojson", shapes(`{"type":"Feature","properties":{"id":"1","n":"a","size":""},"geometry":{"type":"Point","coordinates":["113.1","23"]}}`), shapeMapping},
		{"TopoJSON without the object named", "a.topojson", `{"type":"Topology","objects":{"a":{"type":"GeometryCollection","geometries":[]},"b":{"type":"GeometryCollection","geometries":[]}},"arcs":[]}`, shapeMapping},
		{"a shapefile without .prj and without a declared datum", "a.zip", shapefile(100, false), withoutDatum(shapeMapping)},
		{"a shapefile whose .prj is of another system", "a.zip", shapefile(100, true), shapeMapping},
		{"a shapefile whose header claims 4 GB", "a.zip", shapefile(2_000_000_000, false), shapeMapping},
		{"not a zip", "a.zip", "PK\x03\x04 not really", shapeMapping},
		{"a zip bomb", "a.zip", zipped("a.shp", bytes.Repeat([]byte{0}, 64<<20), "a.dbf", bytes.Repeat([]byte{0}, 64<<20)), shapeMapping},
		{"a gzip bomb", "a.csv.gz", gzipped(append([]byte(head), bytes.Repeat([]byte{' '}, 64<<20)...)), siteMapping},
		{"gzip that ends early", "a.csv.gz", gzipped([]byte(peopleRows(5000)))[:1000], people},
		{"a workbook that is none", "a.xlsx", zipped("x.xml", []byte("<a/>")), siteMapping},
		{"a place with an 11-digit code", "a.csv", "code,name\n44000300000,a\n", codeMapping},
		{"a place without its parent", "a.csv", "code,name\n440003000000,a\n", strings.Replace(codeMapping, "440000000000", "450000000000", 1)},
		{"a place of another source", "a.csv", "code,name\n440002000000,a\n", codeMapping},
		{"a source that delivers another kind", "a.csv", head, strings.Replace(siteMapping, `"sites"`, `"tree"`, 1)},
		{"a department that does not exist", "a.csv", head, strings.Replace(siteMapping, "[location]", "department = \"magic\"\n[location]", 1)},
		{"religion asked for", "a.csv", "id,n,lon,lat,宗教\n1,a,113.5,23,x\n", siteMapping + "[attributes]\nfaith = {column = \"宗教\"}\n"},
		{"a mapping with an unknown key", "a.csv", head, siteMapping + "[fields.status]\ncolum = \"n\"\n"},
	}
}

// badInputsTable is the golden file: a page of the documentation.
const badInputsTable = "../../docs/bad-inputs.md"

// TestBadInputs imports each and compares what is printed with the table in the documentation. A file that is refused
// leaves every table as it was.
func TestBadInputs(t *testing.T) {
	b := newBench(t)
	var table strings.Builder
	table.WriteString("# What bad inputs print\n\nWritten by `go test ./layers/intake -run BadInputs -update`, which imports each of them.\n" +
		"What is refused leaves every table as it was.\n\n| # | input | what is printed |\n| --- | --- | --- |\n")
	cases := badInputs()
	if len(cases) < 30 {
		t.Fatalf("only %d", len(cases))
	}
	for i, c := range cases {
		fmt.Fprintf(&table, "| %d | %s | `%s` |\n", i+1, c.what, b.try(c))
	}
	golden(t, badInputsTable, table.String())
}

// try imports one and gives the lines that are printed, as a cell of the table.
func (b *bench) try(c badInput) string {
	b.t.Helper()
	var out strings.Builder
	b.attempt(&out, c)
	return strings.NewReplacer("\n", "`<br>`", "|", `\|`).Replace(strings.TrimSpace(out.String()))
}

func (b *bench) attempt(out *strings.Builder, c badInput) {
	b.t.Helper()
	path := filepath.Join(b.dir, "nowhere.csv")
	if c.name != "" {
		path = b.file(c.name, c.content)
	}
	before := b.state()
	m, err := ParseMapping([]byte(c.mapping), b.dir)
	if err != nil {
		fmt.Fprintf(out, "mapping refused: %v\n", err)
		return
	}
	s, err := Run(b.t.Context(), b.deps, Options{Files: []string{path}, Mapping: m})
	b.adds(s)
	if err != nil {
		fmt.Fprintf(out, "refused: %v\n", err)
		if after := b.state(); after != before {
			b.t.Errorf("%s: refused, but changed\n%s\nto\n%s", c.what, before, after)
		}
		return
	}
	b.tell(out, s)
	if _, err := b.pool.Exec(b.t.Context(), "delete from site; delete from person; delete from event; delete from place where id > 3; delete from source where code <> 'tree' and id not in (select source_id from import_run)"); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) tell(out *strings.Builder, s Summary) {
	b.t.Helper()
	f := s.Files[0]
	if f.Report != "" {
		file, err := os.Open(f.Report)
		if err != nil {
			b.t.Fatal(err)
		}
		defer file.Close()
		rows, err := csv.NewReader(file).ReadAll()
		if err != nil {
			b.t.Fatal(err)
		}
		for _, r := range rows[1:] {
			fmt.Fprintf(out, "row %s", r[0])
			if r[1] != "" {
				fmt.Fprintf(out, ", column %s", r[1])
			}
			fmt.Fprintf(out, ": %s: %s\n", r[2], r[3])
		}
		b.is(fmt.Sprint(len(rows)-1), "select count(*) from rejected_row where run_id = $1", f.RunID)
	}
	for _, kind := range slices.Sorted(maps.Keys(f.Repairs)) {
		fmt.Fprintf(out, "repaired: %s: %d\n", kind, f.Repairs[kind])
	}
	fmt.Fprintf(out, "read %d = put %d + unchanged %d + rejected %d\n", f.Read, f.Put, f.Unchanged, f.Rejected)
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *updateGolden {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func gzipped(b []byte) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b) // to memory
	_ = w.Close()
	return out.String()
}

func zipped(pairs ...any) string {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i := 0; i < len(pairs); i += 2 {
		if f, err := w.Create(pairs[i].(string)); err == nil {
			_, _ = f.Write(pairs[i+1].([]byte)) // to memory
		}
	}
	_ = w.Close()
	return out.String()
}

// shapefile is a zip of one point, whose header claims that many bytes.
func shapefile(claimed uint32, prj bool) string {
	header := make([]byte, 100)
	binary.BigEndian.PutUint32(header, 9994)
	binary.BigEndian.PutUint32(header[24:], (100+28)/2)
	binary.LittleEndian.PutUint32(header[28:], 1000)
	binary.LittleEndian.PutUint32(header[32:], 1)
	record := make([]byte, 28)
	binary.BigEndian.PutUint32(record, 1)
	binary.BigEndian.PutUint32(record[4:], 10)
	binary.LittleEndian.PutUint32(record[8:], 1)
	binary.LittleEndian.PutUint64(record[12:], math.Float64bits(113.5))
	binary.LittleEndian.PutUint64(record[20:], math.Float64bits(23))
	if claimed > 100 {
		binary.BigEndian.PutUint32(header[24:], claimed)
		binary.BigEndian.PutUint32(record[4:], claimed)
	}
	shp := append(header, record...)
	fields := []string{"id", "n", "size"}
	dbf := make([]byte, 32)
	dbf[0] = 3
	binary.LittleEndian.PutUint32(dbf[4:], 1)
	binary.LittleEndian.PutUint16(dbf[8:], uint16(32+32*len(fields)+1))
	binary.LittleEndian.PutUint16(dbf[10:], uint16(1+4*len(fields)))
	for _, name := range fields {
		f := make([]byte, 32)
		copy(f, name)
		f[11], f[16] = 'C', 4
		dbf = append(dbf, f...)
	}
	dbf = append(dbf, 0x0d)
	dbf = append(dbf, " 1   a   b   \x1a"...)
	pairs := []any{"a.shp", shp, "a.dbf", dbf}
	if prj {
		pairs = append(pairs, "a.prj", []byte(`PROJCS["CGCS2000_3_Degree_GK_CM_114E",GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],PARAMETER["Central_Meridian",114.0],UNIT["Meter",1.0]]`))
	}
	return zipped(pairs...)
}
