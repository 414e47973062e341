// Package reader turns files into rows, one after the other and with bounded memory: CSV, GeoJSON (whole, newline
// delimited, text sequences), TopoJSON, Shapefile and XLSX.
//
// A file is never believed: nothing is allocated by a number in a header, compressed data may not grow past a ratio,
// and what cannot be read is refused with its row and a reason that repeats no value of the file.
package reader

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/paulmach/orb"
)

// Row is one record of a file. The Row, its Values and its Repairs are valid until the next call of Next; the strings
// in it and the Geometry stay valid.
type Row struct {
	// Number is 1-based: the line of the record's first character for CSV (the header is line 1), the index of the
	// feature for GeoJSON, TopoJSON and Shapefile, the row of the sheet for XLSX.
	Number int64
	// Values are by Header; "" is absent or null. Empty when Err is set.
	Values []string
	// Geometry is in the file's own reference system and order of coordinates; nil when there is none. Rings are
	// closed, outer ones counter-clockwise and inner ones clockwise (RFC 7946, 3.1.6).
	Geometry orb.Geometry
	// Err says why this record cannot be read; the next one can be.
	Err *RowError
	// Repairs lists what was mended, each kind once.
	Repairs []string
}

// The repairs.
const (
	RepairClosed  = "closed ring"
	RepairWinding = "wrong winding"
)

// FeatureID is the column of a feature's "id" member (GeoJSON, TopoJSON). It is in the Header when any feature has
// one and no property is called so.
const FeatureID = "$id"

// Reader gives the rows of one file. It is for one goroutine, save Progress, which any may call.
type Reader interface {
	// Header names the columns: unique and not empty. For GeoJSON and TopoJSON it is the union of the properties, in
	// the order of their first appearance, found by reading the file once in Open.
	Header() []string
	// CRS is "" (unknown), a name such as "EPSG:26910" (the "crs" member of JSON, as written) or the text of a .prj.
	CRS() string
	// Next gives the next row, io.EOF after the last one, or a *FileError: then reading cannot go on.
	Next() (*Row, error)
	// Progress is in bytes of the file as stored; read never exceeds total.
	Progress() (read, total int64)
	Close() error
}

// Options say how to read a file. The zero value fits a UTF-8 file of a known extension.
type Options struct {
	Format    string // csv, geojson, geojsonl, topojson, shapefile, xlsx; "" by extension (less ".gz")
	Encoding  string // "" is UTF-8 (or by byte order mark, .cpg, code page of the DBF); see Encodings
	Delimiter rune   // of CSV; 0 is a comma, or a tab for .tsv
	Object    string // TopoJSON object, XLSX sheet or the .shp of a .zip; needed when there are several, save for XLSX
	HeaderRow int    // of XLSX, 1-based; 0 is the first
	Limits    Limits
}

// Limits bound what one file may cost. A zero field takes its default.
type Limits struct {
	RowBytes  int64 // of one record as text; default 16 MiB
	FileBytes int64 // decompressed; default 64 GiB
	Ratio     int   // decompressed to compressed bytes, after the first 16 MiB; default 200
	Columns   int   // default 4096
	Vertices  int   // of one geometry; default 2 million
}

const (
	ratioFree = 16 << 20 // decompressed bytes before the ratio is looked at
	maxName   = 1 << 10  // bytes of a column's name
	maxDepth  = 64       // nesting of JSON

	maxCollections = 8 // nesting of geometry collections, each level of which is read again
)

func (l Limits) withDefaults() Limits {
	if l.RowBytes <= 0 {
		l.RowBytes = 16 << 20
	}
	if l.FileBytes <= 0 {
		l.FileBytes = 64 << 30
	}
	if l.Ratio <= 0 {
		l.Ratio = 200
	}
	if l.Columns <= 0 {
		l.Columns = 4096
	}
	if l.Vertices <= 0 {
		l.Vertices = 2_000_000
	}
	return l
}

// Open begins to read a file. GeoJSON and TopoJSON are read once through to learn their columns, as fast as they
// decompress; TopoJSON keeps the file's arcs in memory, 16 B a position and at most 8 million; XLSX is checked whole. Errors are *FileError.
func Open(path string, o Options) (Reader, error) {
	src, err := openSource(path, o.Limits.withDefaults())
	if err != nil {
		return nil, fileError(filepath.Base(path), 0, 0, err)
	}
	if o.Format == "" {
		o.Format = formatOf(src.name)
	}
	src.siblings = func() (map[string]*source, error) { return siblings(path, src.limits) }
	r, err := open(src, o)
	if err != nil {
		return nil, fileError(src.name, 0, 0, errors.Join(err, src.Close()))
	}
	return r, nil
}

// openSource opens a regular file.
func openSource(path string, limits Limits) (*source, error) {
	info, err := os.Stat(path) // before opening, which waits if it is a pipe
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fail(ClassIO, "it is not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &source{name: filepath.Base(path), path: path, size: info.Size(), blob: file, limits: limits}, nil
}

// open chooses the reader by format; the reader closes the source.
func open(src *source, o Options) (Reader, error) {
	src.limits = o.Limits.withDefaults()
	if src.size == 0 {
		return nil, fileError(src.name, 0, 0, fail(ClassEmpty, "the file is empty"))
	}
	var r Reader
	var err error
	switch o.Format {
	case "csv":
		r, err = newCSV(src, o)
	case "geojson", "geojsonl", "topojson":
		r, err = newJSON(src, o)
	case "shapefile":
		r, err = newShapefile(src, o)
	case "xlsx":
		r, err = newXLSX(src, o)
	default:
		err = fail(ClassFormat, "the format is not known: declare one of csv, geojson, geojsonl, topojson, shapefile, xlsx")
	}
	if err != nil {
		return nil, fileError(src.name, 0, 0, err)
	}
	return r, nil
}

var formats = map[string]string{
	".csv": "csv", ".tsv": "csv", ".txt": "csv",
	".geojson": "geojson", ".json": "geojson",
	".geojsonl": "geojsonl", ".geojsons": "geojsonl", ".geojsonseq": "geojsonl", ".ndjson": "geojsonl", ".jsonl": "geojsonl",
	".topojson": "topojson",
	".zip":      "shapefile", ".shp": "shapefile",
	".xlsx": "xlsx", ".xlsm": "xlsx",
}

func formatOf(name string) string { return formats[extension(name)] }

// extension is in lower case and looks through ".gz".
func extension(name string) string {
	return filepath.Ext(strings.TrimSuffix(strings.ToLower(name), ".gz"))
}
