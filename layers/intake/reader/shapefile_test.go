package reader

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

// shpFile builds a .shp of one type out of the contents of its records.
func shpFile(typ int, records ...[]byte) []byte {
	b := make([]byte, 100)
	binary.BigEndian.PutUint32(b, shapeFileCode)
	binary.LittleEndian.PutUint32(b[28:], shapeVersion)
	binary.LittleEndian.PutUint32(b[32:], uint32(typ))
	for i, r := range records {
		b = binary.BigEndian.AppendUint32(b, uint32(i+1))
		b = binary.BigEndian.AppendUint32(b, uint32(len(r)/2))
		b = append(b, r...)
	}
	binary.BigEndian.PutUint32(b[24:], uint32(len(b)/2))
	return b
}

func int32s(b []byte, v ...int) []byte {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, uint32(x))
	}
	return b
}

func floats(b []byte, v ...float64) []byte {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	return b
}

func shpPoint(x, y float64) []byte { return floats(int32s(nil, shapePoint), x, y) }

// shpParts is the content of a line or polygon; more adds that many numbers a point behind, as Z and M do.
func shpParts(typ int, more int, parts ...[]orb.Point) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	b := int32s(floats(int32s(nil, typ), 0, 0, 0, 0), len(parts), n)
	n = 0
	for _, p := range parts {
		b = int32s(b, n)
		n += len(p)
	}
	for _, part := range parts {
		for _, p := range part {
			b = floats(b, p[0], p[1])
		}
	}
	for range more {
		b = floats(b, -1e39, -1e39)
		for range n {
			b = floats(b, -1e39)
		}
	}
	return b
}

type column struct {
	name   string
	kind   byte
	length int
}

// dbfFile builds a table; a row is the text of its fields, as wide as they are, with the mark of deletion in front.
func dbfFile(language byte, columns []column, rows ...string) []byte {
	width := 1
	for _, c := range columns {
		width += c.length
	}
	b := make([]byte, 32)
	b[0] = 3
	binary.LittleEndian.PutUint32(b[4:], uint32(len(rows)))
	binary.LittleEndian.PutUint16(b[8:], uint16(33+32*len(columns)))
	binary.LittleEndian.PutUint16(b[10:], uint16(width))
	b[29] = language
	for _, c := range columns {
		d := make([]byte, 32)
		copy(d[:11], c.name)
		d[11], d[16] = c.kind, byte(c.length)
		b = append(b, d...)
	}
	b = append(b, '\r')
	for _, r := range rows {
		b = append(b, r...)
	}
	return append(b, 0x1a)
}

type files map[string][]byte

func zipped(f files) []byte {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	var names []string
	for name := range f {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		m, _ := w.Create(name)
		m.Write(f[name])
	}
	w.Close()
	return out.Bytes()
}

var text8 = []column{{"NAME", 'C', 8}}

// ring of a square, clockwise as outer rings of shapefiles are.
func sq(x, y, size float64) []orb.Point {
	return []orb.Point{{x, y}, {x, y + size}, {x + size, y + size}, {x + size, y}, {x, y}}
}

func reversed(p []orb.Point) []orb.Point {
	p = slices.Clone(p)
	slices.Reverse(p)
	return p
}

func TestShapefileGood(t *testing.T) {
	points := shpFile(1, shpPoint(1, 2), int32s(nil, 0), shpPoint(3, 4))
	names := dbfFile(0, text8, " 莞城  ", " 东城  ", " x       ")
	rows := []string{"1|莞城|POINT(1 2)", "2|东城", "3|x|POINT(3 4)"}
	gbk := dbfFile(0x4d, text8, " "+gb18030("莞城街道"), " "+gb18030("东城")+"    ", " x       ")
	gbkRows := []string{"1|莞城街道|POINT(1 2)", "2|东城", "3|x|POINT(3 4)"}
	silent := slices.Clone(gbk)
	silent[29] = 0x57
	for name, c := range map[string]struct {
		f    files
		o    Options
		want []string
	}{
		"plain":                          {files{"a.shp": points, "a.dbf": names}, Options{}, rows},
		"in a folder, capitals, shadows": {files{"x/A.SHP": points, "x/a.DBF": names, "__MACOSX/x/._A.SHP": nil, "x/readme.txt": nil}, Options{}, rows},
		"code page of the table":         {files{"a.shp": points, "a.dbf": gbk}, Options{}, gbkRows},
		"encoding of the .cpg":           {files{"a.shp": points, "a.dbf": silent, "a.cpg": []byte("GBK\r\n")}, Options{}, gbkRows},
		"code page of the .cpg":          {files{"a.shp": points, "a.dbf": silent, "a.cpg": []byte("936")}, Options{}, gbkRows},
		"declared encoding":              {files{"a.shp": points, "a.dbf": silent, "a.cpg": []byte("UTF-8")}, Options{Encoding: "gb18030"}, gbkRows},
		"wrong encoding":                 {files{"a.shp": points, "a.dbf": silent}, Options{}, []string{"1!encoding NAME", "2!encoding NAME", "3|x|POINT(3 4)"}},
		"deleted record":                 {files{"a.shp": points, "a.dbf": dbfFile(0, text8, " a       ", "*b       ", " c       ")}, Options{}, []string{"1|a|POINT(1 2)", "3|c|POINT(3 4)"}},
		"one of several":                 {files{"a.shp": points, "a.dbf": names, "b.shp": points, "b.dbf": gbk}, Options{Object: "b"}, gbkRows},
	} {
		t.Run(name, func(t *testing.T) {
			_, got := readFile(t, "a.zip", zipped(c.f), c.o)
			if !cmp.Equal(c.want, got.rows) {
				t.Error(cmp.Diff(c.want, got.rows))
			}
		})
	}
}

func TestShapefileBeside(t *testing.T) {
	dir := t.TempDir()
	for name, b := range (files{"town.shp": shpFile(1, shpPoint(1, 2)), "TOWN.DBF": dbfFile(0, text8, " a       "), "town.prj": []byte("GEOGCS[\"x\"]\n"), "townhall.dbf": nil}) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Open(filepath.Join(dir, "town.shp"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.CRS() != `GEOGCS["x"]` {
		t.Errorf("CRS %q", r.CRS())
	}
	if got := drain(t, r); !cmp.Equal(got.rows, []string{"1|a|POINT(1 2)"}) {
		t.Error(got.rows)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(dir, "TOWN.DBF")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(dir, "town.shp"), Options{}); describe(t, err) != "FILE 0 format" {
		t.Error(err)
	}
}

func TestShapefileGeometries(t *testing.T) {
	outer, hole, island := sq(0, 0, 10), reversed(sq(2, 2, 6)), sq(4, 4, 1)
	square := func(x, y, s float64) string {
		return fmt.Sprintf("(%g %g,%g %g,%g %g,%g %g,%g %g)", x, y, x+s, y, x+s, y+s, x, y+s, x, y)
	}
	holeText := "(2 2,2 8,8 8,8 2,2 2)"
	type shape struct {
		typ  int
		b    []byte
		want string
	}
	for name, c := range map[string]shape{
		"line":                     {3, shpParts(3, 0, []orb.Point{{1, 2}, {3, 4}}), "1||LINESTRING(1 2,3 4)"},
		"lines":                    {3, shpParts(3, 0, []orb.Point{{1, 2}, {3, 4}}, []orb.Point{{5, 6}, {7, 8}}), "1||MULTILINESTRING((1 2,3 4),(5 6,7 8))"},
		"line of one point":        {3, shpParts(3, 0, []orb.Point{{1, 2}}), "1!geometry"},
		"point with Z and M":       {11, floats(int32s(nil, 11), 1, 2, 3, 4), "1||POINT(1 2)"},
		"point with M":             {21, floats(int32s(nil, 21), 1, 2, 3), "1||POINT(1 2)"},
		"points":                   {8, floats(int32s(floats(int32s(nil, 8), 0, 0, 0, 0), 2), 1, 2, 3, 4), "1||MULTIPOINT((1 2),(3 4))"},
		"polygon with Z and M":     {15, shpParts(15, 2, outer), "1||POLYGON(" + square(0, 0, 10) + ")"},
		"polygon with M":           {25, shpParts(25, 1, outer), "1||POLYGON(" + square(0, 0, 10) + ")"},
		"hole":                     {5, shpParts(5, 0, outer, hole), "1||POLYGON(" + square(0, 0, 10) + "," + holeText + ")"},
		"hole before its ring":     {5, shpParts(5, 0, hole, outer), "1||POLYGON(" + square(0, 0, 10) + "," + holeText + ")"},
		"island in the hole":       {5, shpParts(5, 0, outer, hole, island), "1||MULTIPOLYGON((" + square(0, 0, 10) + "," + holeText + "),(" + square(4, 4, 1) + "))"},
		"two rings":                {5, shpParts(5, 0, outer, sq(20, 0, 1)), "1||MULTIPOLYGON((" + square(0, 0, 10) + "),(" + square(20, 0, 1) + "))"},
		"rings with a common edge": {5, shpParts(5, 0, outer, sq(10, 0, 10)), "1||MULTIPOLYGON((" + square(0, 0, 10) + "),(" + square(10, 0, 10) + "))"},
		"hole at the edge":         {5, shpParts(5, 0, outer, reversed(sq(0, 0, 5))), "1||POLYGON(" + square(0, 0, 10) + ",(0 0,0 5,5 5,5 0,0 0))"},
		"hole as wide as its ring": {5, shpParts(5, 0, outer, []orb.Point{{0, 0}, {10, 0}, {0, 10}, {0, 0}}), "1||POLYGON(" + square(0, 0, 10) + ",(0 0,0 10,10 0,0 0))"},
		"wrong winding":            {5, shpParts(5, 0, reversed(outer)), "1||POLYGON((0 0,10 0,10 10,0 10,0 0))|wrong winding"},
		"hole outside":             {5, shpParts(5, 0, outer, reversed(sq(20, 0, 1))), "1||MULTIPOLYGON((" + square(0, 0, 10) + "),((20 0,21 0,21 1,20 1,20 0)))|wrong winding"},
		"outer ring in another":    {5, shpParts(5, 0, outer, sq(2, 2, 6)), "1!geometry"},
		"the same ring twice":      {5, shpParts(5, 0, outer, outer), "1!geometry"},
		"open ring":                {5, shpParts(5, 0, outer[:4]), "1||POLYGON(" + square(0, 0, 10) + ")|closed ring"},
		"ring of two points":       {5, shpParts(5, 0, []orb.Point{{0, 0}, {1, 1}, {0, 0}}), "1!geometry"},
		"no parts":                 {5, shpParts(5, 0), "1|"},
		"NaN":                      {1, shpPoint(math.NaN(), 1), "1!geometry number"},
		"Infinity":                 {1, shpPoint(1, math.Inf(1)), "1!geometry number"},
		"another type":             {5, shpPoint(1, 2), "1!geometry"},
		"short point":              {1, int32s(nil, 1, 0), "1!geometry"},
		"claims 4 billion points":  {5, int32s(floats(int32s(nil, 5), 0, 0, 0, 0), 1, -1, 0), "1!geometry"},
		"claims 4 billion parts":   {5, int32s(floats(int32s(nil, 5), 0, 0, 0, 0), -1, 1, 0), "1!geometry"},
		"parts out of order":       {3, func() []byte { b := shpParts(3, 0, outer, outer); return int32s(b[:44], 5, 0) }(), "1!geometry"},
		"part beyond the points":   {3, func() []byte { b := shpParts(3, 0, outer, outer); copy(b[48:], int32s(nil, 99)); return b }(), "1!geometry"},
		"too many points":          {3, shpParts(3, 0, slices.Repeat(outer, 5)), "1!size"},
		"too long a record":        {3, shpParts(3, 0, slices.Repeat(outer, 50)), "1!size"},
	} {
		t.Run(name, func(t *testing.T) {
			f := files{"a.shp": shpFile(c.typ, c.b), "a.dbf": dbfFile(0, text8, "         ")}
			_, got := readFile(t, "a.zip", zipped(f), Options{Limits: Limits{Vertices: 20, RowBytes: 1000}})
			want := []string{strings.Replace(c.want, "geometry number", "number", 1)}
			if !cmp.Equal(want, got.rows) {
				t.Error(cmp.Diff(want, got.rows))
			}
		})
	}
}

func TestDBFValues(t *testing.T) {
	columns := []column{{"C", 'C', 4}, {"N", 'N', 6}, {"F", 'F', 6}, {"D", 'D', 8}, {"L", 'L', 1}}
	row := func(c, n, f, d, l string) string { return fmt.Sprintf(" %-4s%6s%6s%-8s%1s", c, n, f, d, l) }
	for name, c := range map[string]struct{ in, want string }{
		"values":           {row("a b", "12", "-1.5e3", "20240229", "T"), "1|a b|12|-1.5e3|2024-02-29|true"},
		"empty":            {row("", "", "", "", "?"), "1|||||"},
		"overflow, zeros":  {row("\x00", "******", "+0.5", "00000000", "f"), "1|||0.5||false"},
		"text as number":   {row("", "x"+secret[:5], "", "", ""), "1!number N"},
		"point as number":  {row("", ".", "", "", ""), "1!number N"},
		"no such day":      {row("", "", "", "20230229", ""), "1!date D"},
		"text as date":     {row("", "", "", secret, ""), "1!date D"},
		"neither yes, no":  {row("", "", "", "", "x"), "1!format L"},
		"NUL within":       {row("a\x00b", "", "", "", ""), "1!encoding C"},
		"NaN":              {row("", "", "NaN", "", ""), "1!number F"},
		"hexadecimal":      {row("", "0x10", "", "", ""), "1!number N"},
		"exponent without": {row("", "", "1e", "", ""), "1!number F"},
	} {
		t.Run(name, func(t *testing.T) {
			f := files{"a.shp": shpFile(1, int32s(nil, 0)), "a.dbf": dbfFile(0, columns, c.in)}
			_, got := readFile(t, "a.zip", zipped(f), Options{})
			if !cmp.Equal([]string{c.want}, got.rows) {
				t.Error(cmp.Diff([]string{c.want}, got.rows))
			}
		})
	}
}

// patched changes bytes of a copy.
func patched(b []byte, at int, v ...byte) []byte {
	b = slices.Clone(b)
	copy(b[at:], v)
	return b
}

func TestShapefileBadFiles(t *testing.T) {
	shp, dbf := shpFile(1, shpPoint(1, 2), shpPoint(3, 4)), dbfFile(0, text8, " a       ", " b       ")
	first := "1|a|POINT(1 2)"
	both := []string{first, "2|b|POINT(3 4)"}
	for name, c := range map[string]struct {
		f    files
		want []string
	}{
		"no .dbf":                   {files{"a.shp": shp}, []string{"FILE 0 format"}},
		"no .shp":                   {files{"a.dbf": dbf}, []string{"FILE 0 format"}},
		"several":                   {files{"a.shp": shp, "a.dbf": dbf, "b.shp": shp}, []string{"FILE 0 option"}},
		"two tables":                {files{"a.shp": shp, "a.dbf": dbf, "a.DBF": dbf}, []string{"FILE 0 archive"}},
		"a name that climbs":        {files{"../a.shp": shp, "../a.dbf": dbf}, []string{"FILE 0 archive"}},
		"a name from the root":      {files{"/a.shp": shp, "/a.dbf": dbf}, []string{"FILE 0 archive"}},
		"a name of Windows":         {files{`x\..\..\a.shp`: shp}, []string{"FILE 0 archive"}},
		"a drive":                   {files{`C:\a.shp`: shp}, []string{"FILE 0 archive"}},
		"not a shapefile":           {files{"a.shp": make([]byte, 200), "a.dbf": dbf}, []string{"FILE 0 format"}},
		"cut header":                {files{"a.shp": shp[:50], "a.dbf": dbf}, []string{"FILE 0 truncated"}},
		"multipatch":                {files{"a.shp": patched(shp, 32, 31), "a.dbf": dbf}, []string{"FILE 0 format"}},
		"unknown type":              {files{"a.shp": patched(shp, 32, 7), "a.dbf": dbf}, []string{"FILE 0 format"}},
		"cut record":                {files{"a.shp": shp[:len(shp)-4], "a.dbf": dbf}, []string{first, "FILE 2 truncated"}},
		"cut record header":         {files{"a.shp": shp[:132], "a.dbf": dbf}, []string{first, "FILE 2 truncated"}},
		"record claims 8 GB":        {files{"a.shp": patched(shp, 132, 0xff, 0xff, 0xff, 0xff), "a.dbf": dbf}, []string{first, "FILE 2 truncated"}},
		"record of no bytes":        {files{"a.shp": patched(shp, 132, 0, 0, 0, 0), "a.dbf": dbf}, []string{first, "FILE 2 format"}},
		"file length is a lie":      {files{"a.shp": patched(shp, 24, 0xff, 0xff, 0xff, 0xff), "a.dbf": dbf}, both},
		"more shapes than rows":     {files{"a.shp": shp, "a.dbf": dbfFile(0, text8, " a       ")}, []string{first, "FILE 2 truncated"}},
		"more rows than shapes":     {files{"a.shp": shpFile(1, shpPoint(1, 2)), "a.dbf": dbf}, []string{first, "FILE 2 truncated"}},
		"cut table":                 {files{"a.shp": shp, "a.dbf": dbf[:len(dbf)-5]}, []string{first, "FILE 2 truncated"}},
		"cut table header":          {files{"a.shp": shp, "a.dbf": dbf[:40]}, []string{"FILE 0 truncated"}},
		"table claims 4 billion":    {files{"a.shp": shp, "a.dbf": patched(dbf, 4, 0xff, 0xff, 0xff, 0xff)}, both},
		"records of no length":      {files{"a.shp": shp, "a.dbf": patched(dbf, 10, 0, 0)}, []string{"FILE 0 format"}},
		"header of no length":       {files{"a.shp": shp, "a.dbf": patched(dbf, 8, 0, 0)}, []string{"FILE 0 format"}},
		"columns beyond the record": {files{"a.shp": shp, "a.dbf": patched(dbf, 10, 5, 0)}, []string{"FILE 0 format"}},
		"column of no width":        {files{"a.shp": shp, "a.dbf": patched(dbf, 48, 0)}, []string{"FILE 0 format"}},
		"memo":                      {files{"a.shp": shp, "a.dbf": patched(dbf, 43, 'M')}, []string{"FILE 0 format"}},
		"names twice":               {files{"a.shp": shpFile(1), "a.dbf": dbfFile(0, []column{{"A", 'C', 1}, {"A", 'C', 1}})}, []string{"FILE 0 columns"}},
		"unknown .cpg":              {files{"a.shp": shp, "a.dbf": dbf, "a.cpg": []byte("klingon")}, []string{"FILE 0 encoding"}},
		"endless .prj":              {files{"a.shp": shp, "a.dbf": dbf, "a.prj": bytes.Repeat([]byte("x"), maxSidecar+1)}, []string{"FILE 0 size"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, got := readFile(t, "a.zip", zipped(c.f), Options{})
			if !cmp.Equal(c.want, got.rows) {
				t.Error(cmp.Diff(c.want, got.rows))
			}
		})
	}
	whole := zipped(files{"a.shp": shp, "a.dbf": dbf})
	runCases(t, []fileCase{
		{name: "cut archive", file: "a.zip", in: string(whole[:len(whole)-10]), rows: []string{"FILE 0 archive"}},
		{name: "no archive", file: "a.zip", in: "hello", rows: []string{"FILE 0 format"}},
	})
	_, err := open(inMemory("a.zip", zipped(files{"x/a.shp": shp, "b.shp": shp})), Options{Format: "shapefile"})
	if err == nil || !strings.Contains(err.Error(), "b.shp, x/a.shp") {
		t.Errorf("%v names no choice", err)
	}
}

// TestZipDamaged has a byte of the compressed shapes changed: the sum over them must tell.
func TestZipDamaged(t *testing.T) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, b := range (files{"a.shp": shpFile(1, shpPoint(1, 2)), "a.dbf": dbfFile(0, text8, " a       ")}) {
		m, _ := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		m.Write(b)
	}
	w.Close()
	b := out.Bytes()
	at := bytes.Index(b, floats(nil, 1, 2))
	b[at] ^= 1
	_, got := readFile(t, "a.zip", b, Options{})
	if !slices.Contains(got.rows, "FILE 1 archive") && !slices.Contains(got.rows, "FILE 2 archive") {
		t.Error(got.rows)
	}
}

// TestShapefileRoundTrip writes polygons with holes and reads the same.
func TestShapefileRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 6).Draw(t, "shapes")
		var records [][]byte
		var rows []string
		var want []orb.Geometry
		for i := range n {
			var parts [][]orb.Point
			var polygons orb.MultiPolygon
			for k := range rapid.IntRange(1, 4).Draw(t, "polygons") {
				x := float64(k * 100)
				p := orb.Polygon{reversed(sq(x, float64(i), 50))}
				parts = append(parts, sq(x, float64(i), 50))
				for h := range rapid.IntRange(0, 3).Draw(t, "holes") {
					hole := reversed(sq(x+1+float64(h*10), float64(i)+1, 5))
					parts = append(parts, hole)
					p = append(p, reversed(hole))
				}
				polygons = append(polygons, p)
			}
			typ := 5
			records = append(records, shpParts(typ, 0, parts...))
			rows = append(rows, fmt.Sprintf(" %-8d", i))
			if want = append(want, polygons); len(polygons) == 1 {
				want[i] = polygons[0]
			}
		}
		r, err := open(inMemory("a.zip", zipped(files{"a.shp": shpFile(5, records...), "a.dbf": dbfFile(0, text8, rows...)})), Options{Format: "shapefile"})
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range want {
			row, err := r.Next()
			if err != nil || row.Err != nil || len(row.Repairs) > 0 || row.Values[0] != fmt.Sprint(i) {
				t.Fatal(err, row)
			}
			if !sameRings(w, row.Geometry) {
				t.Fatalf("%v, want %v", row.Geometry, w)
			}
		}
		if _, err := r.Next(); err != io.EOF {
			t.Fatal(err)
		}
	})
}

// sameRings compares polygons whose holes may begin elsewhere and come in another order.
func sameRings(a, b orb.Geometry) bool {
	key := func(g orb.Geometry) []string {
		mp, ok := g.(orb.MultiPolygon)
		if p, single := g.(orb.Polygon); single {
			mp, ok = orb.MultiPolygon{p}, true
		}
		if !ok {
			return []string{"no polygon"}
		}
		var out []string
		for i, p := range mp {
			for k, r := range p {
				out = append(out, fmt.Sprint(i, k == 0, r.Bound(), math.Abs(area(r)), r.Orientation() == orb.CCW == (k == 0)))
			}
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(key(a), key(b))
}

// TestManyRings has islands in a number that comparing all with all would not end in time for.
func TestManyRings(t *testing.T) {
	var parts [][]orb.Point
	for x := range 150 {
		for y := range 150 {
			parts = append(parts, sq(float64(x*2), float64(y*2), 1))
		}
	}
	m := &mend{limit: 1 << 30}
	g, f := polygons(parts, m)
	if f != nil || len(g.(orb.MultiPolygon)) != len(parts) {
		t.Fatal(f)
	}
	parts = parts[:0]
	for i := range 20_000 { // each within all before it
		parts = append(parts, sq(float64(i), float64(i), float64(100_000-2*i)))
	}
	if _, f := polygons(parts, m); f == nil || f.class != ClassSize {
		t.Fatal(f)
	}
}

func FuzzShapefile(f *testing.F) {
	outer := sq(0, 0, 10)
	for _, s := range [][]byte{
		shpFile(1, shpPoint(1, 2), int32s(nil, 0)), shpFile(5, shpParts(5, 0, outer, reversed(sq(2, 2, 3)))), shpFile(15, shpParts(15, 2, outer)),
		shpFile(3, shpParts(3, 0, outer, outer)), shpFile(8, floats(int32s(floats(int32s(nil, 8), 0, 0, 0, 0), 2), 1, 2, 3, 4)),
	} {
		f.Add(s, dbfFile(0, text8, " a       ", " b       "), []byte("utf-8"))
		f.Add(s, dbfFile(0x4d, []column{{"N", 'N', 3}, {"D", 'D', 8}, {"L", 'L', 1}}, "  1220240101T"), []byte(""))
	}
	f.Fuzz(func(t *testing.T, shp, dbf, cpg []byte) {
		src := inMemory("a.shp", shp)
		src.siblings = func() (map[string]*source, error) {
			return map[string]*source{".dbf": inMemory("a.dbf", dbf), ".cpg": inMemory("a.cpg", cpg)}, nil
		}
		r, err := open(src, Options{Format: "shapefile", Limits: Limits{RowBytes: 1 << 12, Vertices: 1000}})
		if err != nil {
			describe(t, err)
			return
		}
		drain(t, r)
	})
}

func FuzzZip(f *testing.F) {
	f.Add(zipped(files{"a.shp": shpFile(1, shpPoint(1, 2)), "a.dbf": dbfFile(0, text8, " a       "), "a.prj": []byte("x")}))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := open(inMemory("a.zip", b), Options{Format: "shapefile", Limits: Limits{RowBytes: 1 << 12, FileBytes: 1 << 20}})
		if err != nil {
			describe(t, err)
			return
		}
		drain(t, r)
		r.Close()
	})
}
