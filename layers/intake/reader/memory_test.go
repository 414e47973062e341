package reader

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// peak runs work and gives by how many bytes the heap was ever larger than before, as seen at each step of it.
func peak(work func(step func())) uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, most := m.HeapAlloc, m.HeapAlloc
	work(func() {
		runtime.GC()
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
	})
	return most - before
}

// bomb is a gzip file of a head and then a piece again and again, 1 GiB in all: 8 MiB of pieces are compressed once and
// stand in it 128 times, which the format allows.
func bomb(t *testing.T, head, piece string) []byte {
	t.Helper()
	part := gz([]byte(strings.Repeat(piece, 8<<20/len(piece))))
	return append(gz([]byte(head)), bytes.Repeat(part, 128)...)
}

// TestBombs opens data that grow beyond the ratio: they are refused, and memory stays bounded.
func TestBombs(t *testing.T) {
	bombs := map[string]struct {
		format string
		b      []byte
	}{
		"rows":        {"csv", bomb(t, "a,b\n", "1,2\n")},
		"one line":    {"csv", bomb(t, "a,b\n", strings.Repeat("x", 4096))},
		"one quote":   {"csv", bomb(t, "a,b\n\"", strings.Repeat("x\n", 2048))},
		"features":    {"geojson", bomb(t, `{"type":"FeatureCollection","features":[1`, `,"`+strings.Repeat("x", 500)+`"`)},
		"one feature": {"geojson", bomb(t, `{"type":"FeatureCollection","features":[{"a":[1`, ",1")},
		"one text":    {"geojson", bomb(t, `{"type":"`, strings.Repeat("x", 4096))},
		"brackets":    {"geojson", bomb(t, `{"a":`, "[")},
		"arcs":        {"topojson", bomb(t, `{"type":"Topology","arcs":[[[1,2]]`, ",[[1,2]]")},
		"lines":       {"geojsonl", bomb(t, "", strings.Repeat("x", 500)+"\n")},
		"shapes":      {"shapefile", zipBomb(t, "a.shp", shpFile(1, shpPoint(1, 2)))},
		"sheet":       {"xlsx", zipBomb(t, "xl/worksheets/sheet1.xml", []byte("<worksheet><sheetData>"))},
	}
	for name, c := range bombs {
		t.Run(name, func(t *testing.T) {
			var last error
			used := peak(func(step func()) {
				r, err := open(inMemory("a", c.b), Options{Format: c.format})
				for n := 0; err == nil; n++ {
					if _, err = r.Next(); n%1_000_000 == 0 {
						step()
					}
				}
				last = err
				step()
			})
			if got := describe(t, last); !strings.HasSuffix(got, " size") {
				t.Errorf("%s: %v", got, last)
			}
			if used > 96<<20 {
				t.Errorf("%d MiB used", used>>20)
			}
			t.Logf("%d bytes stored, %d MiB used: %v", len(c.b), used>>20, last)
		})
	}
}

// zipBomb has one file of 64 MiB of spaces behind a head, the others of a shapefile beside it.
func zipBomb(t *testing.T, name string, head []byte) []byte {
	t.Helper()
	if name == "a.shp" {
		head = append(head, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff) // a record of 8 GB
	}
	f := files{"a.shp": shpFile(1, shpPoint(1, 2)), "a.dbf": dbfFile(0, text8, " a       ")}
	f[name] = append(head, bytes.Repeat([]byte(" "), 64<<20)...)
	return zipped(f)
}

// TestClaims has headers claim gigabytes: nothing is allocated by a claim.
func TestClaims(t *testing.T) {
	four := []byte{0xff, 0xff, 0xff, 0xff}
	polygon := shpParts(5, 0, sq(0, 0, 1))
	dbf := dbfFile(0, text8, " a       ")
	for name, b := range map[string][]byte{
		"length of a record":     zipped(files{"a.shp": patched(shpFile(1, shpPoint(1, 2)), 104, four...), "a.dbf": dbf}),
		"points of a polygon":    zipped(files{"a.shp": shpFile(5, patched(polygon, 40, four...)), "a.dbf": dbf}),
		"parts of a polygon":     zipped(files{"a.shp": shpFile(5, patched(polygon, 36, four...)), "a.dbf": dbf}),
		"points of a multipoint": zipped(files{"a.shp": shpFile(8, append(floats(int32s(nil, 8), 0, 0, 0, 0), four...)), "a.dbf": dbf}),
		"rows of a table":        zipped(files{"a.shp": shpFile(1, shpPoint(1, 2)), "a.dbf": patched(dbf, 4, four...)}),
	} {
		t.Run(name, func(t *testing.T) {
			used := peak(func(step func()) {
				r, err := open(inMemory("a.zip", b), Options{Format: "shapefile"})
				if err != nil {
					t.Fatal(err)
				}
				step()
				drain(t, r)
				step()
			})
			if used > 8<<20 {
				t.Errorf("%d MiB used", used>>20)
			}
		})
	}
}

// TestStreams reads large text files in little memory.
func TestStreams(t *testing.T) {
	one := feature(dot, `{"a":"some text that is not the same"}`)
	var lots strings.Builder
	const features = 100_000
	for i := range features {
		fmt.Fprintf(&lots, "%s,\n", strings.Replace(one, "[1,2]", fmt.Sprintf("[%d,%d]", i%180, i%90), 1))
	}
	list := strings.TrimSuffix(lots.String(), ",\n")
	for name, c := range map[string]struct {
		b    []byte
		rows int
	}{
		"csv":      {benchCSV(200_000), 200_000},
		"geojson":  {[]byte(`{"type":"FeatureCollection","features":[` + list + `]}`), features},
		"geojsonl": {[]byte(strings.ReplaceAll(list, ",\n", "\n")), features},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			used := peak(func(step func()) {
				r, err := open(inMemory("a", c.b), Options{Format: name})
				if err != nil {
					t.Fatal(err)
				}
				for row, err := r.Next(); err == nil; row, err = r.Next() {
					if row.Err == nil {
						n++
					}
					if n%50_000 == 0 {
						step()
					}
				}
			})
			if n != c.rows || used > 4<<20 {
				t.Errorf("%d rows of %d, %d KiB used for a file of %d", n, c.rows, used>>10, len(c.b))
			}
		})
	}
}
