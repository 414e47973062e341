package reader

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
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

// endless is a text of a head and then one piece again and again, made while it is read.
type endless struct {
	head, piece string
	left        int64
	rest        string
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && e.left > 0 {
		if e.rest == "" {
			if e.rest = e.piece; e.head != "" {
				e.rest, e.head = e.head, ""
			}
		}
		k := copy(p[n:], e.rest)
		e.rest = e.rest[k:]
		n, e.left = n+k, e.left-int64(k)
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func gzEndless(t *testing.T, e *endless) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.Copy(w, e); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return b.Bytes()
}

// TestBombs opens data that grow beyond the ratio: they are refused, and memory stays bounded.
func TestBombs(t *testing.T) {
	const size = 64 << 20
	bombs := map[string]struct {
		format string
		b      []byte
	}{
		"rows":        {"csv", gzEndless(t, &endless{head: "a,b\n", piece: "1,2\n", left: size})},
		"one line":    {"csv", gzEndless(t, &endless{head: "a,b\n", piece: strings.Repeat("x", 4096), left: size})},
		"one quote":   {"csv", gzEndless(t, &endless{head: "a,b\n\"", piece: strings.Repeat("x\n", 2048), left: size})},
		"features":    {"geojson", gzEndless(t, &endless{head: `{"type":"FeatureCollection","features":[1`, piece: `,"` + strings.Repeat("x", 500) + `"`, left: size})},
		"one feature": {"geojson", gzEndless(t, &endless{head: `{"type":"FeatureCollection","features":[{"a":[1`, piece: ",1", left: size})},
		"one text":    {"geojson", gzEndless(t, &endless{head: `{"type":"`, piece: strings.Repeat("x", 4096), left: size})},
		"brackets":    {"geojson", gzEndless(t, &endless{head: `{"a":`, piece: "[", left: size})},
		"arcs":        {"topojson", gzEndless(t, &endless{head: `{"type":"Topology","arcs":[[[1,2]]`, piece: ",[[1,2]]", left: size})},
		"lines":       {"geojsonl", gzEndless(t, &endless{piece: strings.Repeat("x", 500) + "\n", left: size})},
		"shapes":      {"shapefile", zipEndless(t, "a.shp", shpFile(1, shpPoint(1, 2)), size)},
		"sheet":       {"xlsx", zipEndless(t, "xl/worksheets/sheet1.xml", []byte("<worksheet><sheetData>"), size)},
	}
	for name, c := range bombs {
		t.Run(name, func(t *testing.T) {
			var last error
			used := peak(func(step func()) {
				r, err := open(inMemory("a", c.b), Options{Format: c.format, Limits: Limits{Ratio: 100}})
				for n := 0; err == nil; n++ {
					if _, err = r.Next(); n%250_000 == 0 {
						step()
					}
				}
				last = err
				step()
			})
			if got := describe(t, last); !strings.HasSuffix(got, " size") {
				t.Errorf("%s: %v", got, last)
			}
			if used > 128<<20 {
				t.Errorf("%d MiB used", used>>20)
			}
			t.Logf("%d bytes stored, %d MiB used: %v", len(c.b), used>>20, last)
		})
	}
}

// zipEndless has one file of spaces behind a head, the others of a shapefile beside it.
func zipEndless(t *testing.T, name string, head []byte, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for other, content := range (files{"a.shp": shpFile(1, shpPoint(1, 2)), "a.dbf": dbfFile(0, text8, " a       ")}) {
		if other != name {
			m, _ := w.Create(other)
			m.Write(content)
		}
	}
	m, _ := w.Create(name)
	piece := strings.Repeat(" ", 4096)
	if name == "a.shp" {
		head = append(head, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff) // a record of 8 GB
	}
	if _, err := io.Copy(m, &endless{head: string(head), piece: piece, left: size}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return b.Bytes()
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
	const features = 300_000
	for i := range features {
		fmt.Fprintf(&lots, "%s,\n", strings.Replace(one, "[1,2]", fmt.Sprintf("[%d,%d]", i%180, i%90), 1))
	}
	list := strings.TrimSuffix(lots.String(), ",\n")
	for name, c := range map[string]struct {
		b    []byte
		rows int
	}{
		"csv":      {benchCSV(500_000), 500_000},
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
