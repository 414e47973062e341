package reader

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// jsonReader gives the features of GeoJSON and TopoJSON. The file is read twice: the survey learns what it is, its
// columns and reference system, then Next frames one feature after the other and parses it alone.
type jsonReader struct {
	*source
	survey
	in     *jsonStream
	number int64
	first  bool // no element has been read yet
	done   bool
	raw    []byte
	row    Row
	sep    byte // between records of lines
	coded  bool // decoded from another encoding than UTF-8
}

// survey is what one reading through the file has told.
type survey struct {
	kind    string // of the root: FeatureCollection, Feature, a geometry's type, Topology, or "lines"
	crs     string
	columns columns
	after   error // where the file is broken behind rows that can still be read
	topo    *topology
}

// columns gathers the names of properties.
type columns struct {
	names []string
	index map[string]int
	id    bool // some feature has an "id"
	idAt  int  // its column, or -1
	limit int
	err   error
}

func (c *columns) add(name string) {
	if _, have := c.index[name]; have || c.err != nil {
		return
	}
	switch {
	case len(name) > maxName:
		c.err = fail(ClassColumns, "the name of a property is longer than %d bytes", maxName)
		return
	case len(c.names) >= c.limit:
		c.err = fail(ClassSize, "the features have more than %d different properties", c.limit)
		return
	}
	c.index[name] = len(c.names)
	c.names = append(c.names, name)
}

// settle puts the column of the id behind the others.
func (c *columns) settle() error {
	c.idAt = -1
	if _, taken := c.index[FeatureID]; c.id && !taken {
		c.idAt = len(c.names)
		c.add(FeatureID)
	}
	return c.err
}

func newJSON(src *source, o Options) (*jsonReader, error) {
	j := &jsonReader{source: src, first: true, sep: '\n'}
	j.columns = columns{index: map[string]int{}, limit: src.limits.Columns}
	err := j.look(o)
	if err == nil {
		err = j.columns.settle()
	}
	if err == nil {
		err = j.begin(o.Encoding)
	}
	if err != nil {
		return nil, j.placed(err)
	}
	j.row.Values = make([]string, len(j.columns.names))
	return j, nil
}

// placed gives an error its place in the text.
func (j *jsonReader) placed(err error) error {
	if j.in == nil {
		return err
	}
	return fileError(j.name, 0, j.in.offset(), err)
}

func (j *jsonReader) Header() []string { return j.columns.names }
func (j *jsonReader) CRS() string      { return j.crs }

// stream begins a pass.
func (j *jsonReader) stream(encoding string) error {
	in, err := j.text(encoding)
	if err != nil {
		return err
	}
	j.in, j.coded = newJSONStream(in), in.encoding != "utf-8"
	return nil
}

// begin goes to the first row of the second pass.
func (j *jsonReader) begin(encoding string) error {
	if err := j.stream(encoding); err != nil {
		return err
	}
	var path []string
	switch {
	case j.kind == "FeatureCollection":
		path = []string{"features"}
	case j.kind == "Topology" && j.topo.single:
		path = []string{"objects", j.topo.object}
	case j.kind == "Topology":
		path = []string{"objects", j.topo.object, "geometries"}
	}
	for _, key := range path {
		if err := j.in.find(key); err != nil {
			return err
		}
	}
	if j.many() {
		return j.in.take('[')
	}
	return nil
}

// many tells a list of features from a single one and from lines.
func (j *jsonReader) many() bool {
	return j.kind == "FeatureCollection" || (j.kind == "Topology" && !j.topo.single)
}

// find goes to the value of a member of the object that begins here.
func (s *jsonStream) find(want string) error {
	if err := s.take('{'); err != nil {
		return err
	}
	for first := true; ; {
		ok, err := s.more(&first, '}')
		if err != nil {
			return err
		}
		if !ok {
			return fail(ClassJSON, "the file has no member %q", want)
		}
		key, err := s.key()
		if err != nil || key == want {
			return err
		}
		if err := s.skip(); err != nil {
			return err
		}
	}
}

// Next gives the next feature.
func (j *jsonReader) Next() (*Row, error) {
	ok, big, err := j.frameNext()
	if err != nil {
		j.done = true
		return nil, fileError(j.name, j.number+1, j.in.offset(), err)
	}
	if !ok {
		j.done = true
		j.read.Store(j.size)
		if j.after != nil {
			return nil, fileError(j.name, j.number+1, j.in.offset(), j.after)
		}
		return nil, io.EOF
	}
	j.number++
	j.row = Row{Number: j.number, Values: j.row.Values[:len(j.columns.names)]}
	clear(j.row.Values)
	f := fail(ClassSize, "the feature is longer than %d bytes", j.limits.RowBytes)
	if !big {
		f = j.parse()
	}
	if f != nil {
		j.row = Row{Number: j.number, Values: j.row.Values[:0], Err: f.row()}
	}
	return &j.row, nil
}

// frameNext brings the text of the next feature into raw.
func (j *jsonReader) frameNext() (ok, big bool, err error) {
	switch {
	case j.done:
		return false, false, nil
	case j.kind == "lines":
		j.raw, big, err = j.nextLine()
		if err == io.EOF {
			return false, false, nil
		}
		return err == nil, big, err
	case j.many():
		if ok, err = j.in.more(&j.first, ']'); !ok || err != nil {
			return false, false, err
		}
	default:
		j.done = true
	}
	j.raw, big, err = j.in.frame(j.raw[:0], j.limits.RowBytes)
	return err == nil, big, err
}

// nextLine passes over blank records.
func (j *jsonReader) nextLine() (raw []byte, big bool, err error) {
	for {
		raw, big, err = j.in.line(j.raw[:0], j.sep, j.limits.RowBytes)
		if err != nil || big || len(bytes.TrimSpace(raw)) > 0 {
			return raw, big, err
		}
	}
}

// parse makes the row out of raw.
func (j *jsonReader) parse() *fault {
	switch {
	case !j.coded && !utf8.Valid(j.raw):
		return faultUTF8
	case j.coded && bytes.Contains(j.raw, []byte("\uFFFD")):
		return fail(ClassEncoding, "the feature holds bytes that are not of the declared encoding")
	}
	m := &mend{limit: j.limits.Vertices}
	c := &cursor{b: j.raw}
	var f *fault
	if j.topo != nil {
		f = j.topoFeature(c, m)
	} else {
		f = j.feature(c, m)
	}
	if f == nil {
		f = c.end()
	}
	j.row.Repairs = m.repairs(nil)
	return f
}

// feature reads a Feature, or a geometry alone.
func (j *jsonReader) feature(c *cursor, m *mend) *fault {
	if b := c.peek(); b != '{' {
		return fail(ClassJSON, "the feature is %s, not an object", kindOf(b))
	}
	var kind string
	var located bool
	f := c.object(func(key string) *fault {
		switch key {
		case "type":
			if b := c.peek(); b != '"' {
				return fail(ClassJSON, "the feature's type is %s, not a string", kindOf(b))
			}
			var f *fault
			kind, f = c.str()
			return f
		case "geometry":
			located = true
			if c.null() {
				return nil
			}
			var f *fault
			j.row.Geometry, f = c.geometry(m, 0)
			return f
		case "properties":
			return j.properties(c)
		case "id":
			return j.id(c)
		}
		return c.skip(0)
	})
	switch {
	case f != nil:
		return f
	case isGeometry(kind):
		c.i = 0
		*m = mend{limit: m.limit}
		clear(j.row.Values)
		j.row.Geometry, f = c.geometry(m, 0)
		return f
	case kind != "Feature":
		return fail(ClassJSON, "the object is neither a Feature nor a geometry (capitals count)")
	case !located:
		return fail(ClassGeometry, "the feature has no member \"geometry\"")
	}
	return nil
}

func isGeometry(kind string) bool { return builders[kind] != nil || kind == "GeometryCollection" }

// properties fills the values.
func (j *jsonReader) properties(c *cursor) *fault {
	if c.peek() == 'n' {
		return c.word("null")
	}
	if b := c.peek(); b != '{' {
		return fail(ClassJSON, "the properties are %s, not an object", kindOf(b))
	}
	return c.object(func(key string) *fault {
		at, ok := j.columns.index[key]
		if !ok {
			return fail(ClassColumns, "the file has changed while it was read")
		}
		v, f := c.value()
		if f != nil {
			return f.copy().in(key)
		}
		j.row.Values[at] = v
		return nil
	})
}

// id keeps the feature's id, unless a property has its column's name.
func (j *jsonReader) id(c *cursor) *fault {
	b := c.peek()
	if b != '"' && b != '-' && b != 'n' && (b < '0' || b > '9') {
		return fail(ClassJSON, "the feature's id is %s, neither a string nor a number", kindOf(b)).in(FeatureID)
	}
	v, f := c.value()
	if f == nil && j.columns.idAt >= 0 {
		j.row.Values[j.columns.idAt] = v
	}
	return f
}

// crsName reads the "crs" member of GeoJSON 2008 and TopoJSON: its name, or "".
func crsName(raw []byte) string {
	c := cursor{b: raw}
	if c.peek() != '{' {
		return ""
	}
	var name string
	f := c.object(func(key string) *fault {
		if key != "properties" || c.peek() != '{' {
			return c.skip(0)
		}
		return c.object(func(key string) *fault {
			if key != "name" || c.peek() != '"' {
				return c.skip(0)
			}
			var f *fault
			name, f = c.str()
			return f
		})
	})
	if f != nil {
		return ""
	}
	return strings.TrimSpace(name)
}

var errLines = errors.New("the file is newline-delimited")

// plural writes a count with its noun.
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
