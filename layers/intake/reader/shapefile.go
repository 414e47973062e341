package reader

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"

	"github.com/paulmach/orb"
)

// shapeReader reads the .shp and the .dbf side by side, record by record; the .shx is not needed.
//
// Format: ESRI Shapefile Technical Description, July 1998.
type shapeReader struct {
	*source
	files  *shapeFiles
	shp    *bufio.Reader
	kind   int32 // of all records that are not null, less the Z or M variant
	typ    int32
	offset int64 // in the .shp
	dbf    *dbfReader
	crs    string
	number int64
	buf    bytes.Buffer
	row    Row
	done   bool
}

// The shape types; 10 more is with Z, 20 more with M.
const (
	shapeNull     = 0
	shapePoint    = 1
	shapeLine     = 3
	shapePolygon  = 5
	shapeMulti    = 8
	shapeFileCode = 9994
	shapeVersion  = 1000
	maxSidecar    = 64 << 10 // bytes of a .prj or .cpg
)

func newShapefile(src *source, o Options) (*shapeReader, error) {
	files, err := shapeFilesOf(src, o.Object)
	if err != nil {
		return nil, err
	}
	s := &shapeReader{source: src, files: files}
	if err := s.open(o); err != nil {
		return nil, errors.Join(err, files.Close())
	}
	return s, nil
}

func (s *shapeReader) open(o Options) error {
	prj, err := s.files.sidecar(".prj")
	if err != nil {
		return err
	}
	s.crs = string(bytes.TrimSpace(bytes.TrimPrefix(prj, []byte("\xef\xbb\xbf"))))
	cpg, err := s.files.sidecar(".cpg")
	if err != nil {
		return err
	}
	dbf, err := s.files.open(".dbf")
	if err != nil {
		return err
	}
	if s.dbf, err = newDBF(dbf, o.Encoding, string(cpg), s.limits); err != nil {
		return err
	}
	shp, err := s.files.open(".shp")
	if err != nil {
		return err
	}
	s.shp = bufio.NewReaderSize(shp, streamBuffer)
	return s.header()
}

// header reads the 100 bytes at the beginning; the length in it is not believed.
func (s *shapeReader) header() error {
	var h [100]byte
	if _, err := io.ReadFull(s.shp, h[:]); err != nil {
		return truncated(err, "the .shp ends within its header")
	}
	s.offset = int64(len(h))
	if binary.BigEndian.Uint32(h[:]) != shapeFileCode || binary.LittleEndian.Uint32(h[28:]) != shapeVersion {
		return fail(ClassFormat, "the .shp does not begin as a shapefile does")
	}
	s.typ = int32(binary.LittleEndian.Uint32(h[32:]))
	switch s.kind = s.typ % 10; {
	case s.typ < 0 || s.typ >= 30:
		return fail(ClassFormat, "the .shp holds shapes of type %d, which is not read", s.typ)
	case s.kind == shapeNull && s.typ == 0, s.kind == shapePoint, s.kind == shapeLine, s.kind == shapePolygon, s.kind == shapeMulti:
		return nil
	}
	return fail(ClassFormat, "the .shp holds shapes of type %d, which is not read", s.typ)
}

func truncated(err error, reason string) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fail(ClassTruncated, "%s", reason).because(io.ErrUnexpectedEOF)
	}
	return err
}

func (s *shapeReader) Header() []string { return s.dbf.header }
func (s *shapeReader) CRS() string      { return s.crs }

// Progress counts over all files of the shapefile.
func (s *shapeReader) Progress() (read, total int64) { return s.files.progress() }

// Close closes all files of the shapefile.
func (s *shapeReader) Close() error { return errors.Join(s.files.Close(), s.source.Close()) }

// Next gives the next record that is not marked as deleted.
func (s *shapeReader) Next() (*Row, error) {
	for !s.done {
		row, deleted, err := s.next()
		if err != nil {
			s.done = true
			if err == io.EOF {
				return nil, io.EOF
			}
			return nil, fileError(s.name, s.number, s.offset, err)
		}
		if !deleted {
			return row, nil
		}
	}
	return nil, io.EOF
}

func (s *shapeReader) next() (row *Row, deleted bool, err error) {
	s.number++
	s.row = Row{Number: s.number, Values: s.row.Values[:0]}
	big, errShape := s.record()
	errTable := s.dbf.next()
	switch {
	case errShape == io.EOF && errTable == io.EOF:
		return nil, false, io.EOF
	case errShape == io.EOF && errTable == nil:
		return nil, false, fail(ClassTruncated, "the .dbf has more records than the .shp")
	case errShape == nil && errTable == io.EOF:
		return nil, false, fail(ClassTruncated, "the .shp has more records than the .dbf")
	case errShape != nil:
		return nil, false, errShape
	case errTable != nil:
		return nil, false, errTable
	case s.dbf.deleted():
		return nil, true, nil
	}
	m := &mend{limit: s.limits.Vertices}
	f := fail(ClassSize, "the shape is longer than %d bytes", s.limits.RowBytes)
	if !big {
		s.row.Geometry, f = s.shape(s.buf.Bytes(), m)
	}
	if f == nil {
		s.row.Values, f = s.dbf.values(s.row.Values)
	}
	if f != nil {
		s.row = Row{Number: s.number, Values: s.row.Values[:0], Err: f.row()}
	}
	s.row.Repairs = m.repairs(nil)
	return &s.row, false, nil
}

// record brings the content of the next record into buf, which grows with what has come and never by the claim.
func (s *shapeReader) record() (big bool, err error) {
	var h [8]byte
	n, err := io.ReadFull(s.shp, h[:])
	if err == io.EOF {
		return false, io.EOF
	}
	if err != nil {
		return false, truncated(err, "the .shp ends within the header of a record")
	}
	s.offset += int64(n)
	length := 2 * int64(binary.BigEndian.Uint32(h[4:]))
	s.buf.Reset()
	if length < 4 {
		return false, fail(ClassFormat, "a record of the .shp is shorter than a shape can be")
	}
	to := io.Writer(&s.buf)
	if big = length > s.limits.RowBytes; big {
		to = io.Discard
	}
	got, err := io.CopyN(to, s.shp, length)
	s.offset += got
	if err == io.EOF {
		return false, fail(ClassTruncated, "a record claims %d bytes, the .shp ends after %d", length, got).because(io.ErrUnexpectedEOF)
	}
	return big, err
}

// shape reads the content of a record. Z and M stand behind x and y and are dropped.
func (s *shapeReader) shape(b []byte, m *mend) (orb.Geometry, *fault) {
	typ := int32(binary.LittleEndian.Uint32(b))
	if typ == shapeNull {
		return nil, nil
	}
	if typ != s.typ {
		return nil, fail(ClassGeometry, "the shape is of type %d in a file of type %d", typ, s.typ)
	}
	b = b[4:]
	switch s.kind {
	case shapePoint:
		if len(b) < 16 {
			return nil, errShort
		}
		p := point(b)
		return geometryOr(p, finite(p))
	case shapeMulti:
		if len(b) < 36 {
			return nil, errShort
		}
		return geometryOr(multi(points(b[36:], binary.LittleEndian.Uint32(b[32:]), m)))
	}
	parts, f := parts(b, m)
	if f != nil || len(parts) == 0 {
		return nil, f
	}
	if s.kind == shapePolygon {
		return polygons(parts, m)
	}
	lines := make(orb.MultiLineString, len(parts))
	for i, p := range parts {
		if lines[i], f = line(p); f != nil {
			return nil, f
		}
	}
	if len(lines) == 1 {
		return lines[0], nil
	}
	return lines, nil
}

func multi(p []orb.Point, f *fault) (orb.MultiPoint, *fault) { return p, f }

var errShort = fail(ClassGeometry, "the shape is shorter than its counts say")

func point(b []byte) orb.Point {
	return orb.Point{
		math.Float64frombits(binary.LittleEndian.Uint64(b)),
		math.Float64frombits(binary.LittleEndian.Uint64(b[8:])),
	}
}

func points(b []byte, n uint32, m *mend) ([]orb.Point, *fault) {
	if uint64(n)*16 > uint64(len(b)) {
		return nil, errShort
	}
	if f := m.count(int(n)); f != nil {
		return nil, f
	}
	out := make([]orb.Point, n)
	for i := range out {
		out[i] = point(b[16*i:])
		if f := finite(out[i]); f != nil {
			return nil, f
		}
	}
	return out, nil
}

// parts cuts the points of a line or polygon: box (32 bytes), number of parts, number of points, first point of each
// part, points.
func parts(b []byte, m *mend) ([][]orb.Point, *fault) {
	if len(b) < 40 {
		return nil, errShort
	}
	nParts, nPoints := binary.LittleEndian.Uint32(b[32:]), binary.LittleEndian.Uint32(b[36:])
	b = b[40:]
	if uint64(nParts)*4 > uint64(len(b)) {
		return nil, errShort
	}
	all, f := points(b[4*nParts:], nPoints, m)
	if f != nil {
		return nil, f
	}
	if nParts == 0 && nPoints > 0 {
		return nil, fail(ClassGeometry, "the shape has points but no part")
	}
	out := make([][]orb.Point, nParts)
	for i := range out {
		from, to := binary.LittleEndian.Uint32(b[4*i:]), nPoints
		if i+1 < len(out) {
			to = binary.LittleEndian.Uint32(b[4*i+4:])
		}
		if from > to || to > nPoints || (i == 0 && from != 0) {
			return nil, fail(ClassGeometry, "the parts of the shape do not follow one another")
		}
		out[i] = all[from:to:to]
	}
	return out, nil
}
