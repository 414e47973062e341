package reader

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// look is the first pass: what the file is, its columns and reference system.
func (j *jsonReader) look(o Options) error {
	if err := j.stream(o.Encoding); err != nil {
		return err
	}
	b, err := j.in.peek()
	switch {
	case err == io.EOF:
		return fail(ClassEmpty, "the file holds only white space")
	case err != nil:
		return err
	case b == recordSeparator || o.Format == "geojsonl":
		return j.lookLines(o.Encoding)
	case b != '{':
		return wrongRoot(b)
	}
	err = j.lookRoot(o)
	if errors.Is(err, errLines) {
		j.columns = columns{index: map[string]int{}, limit: j.limits.Columns}
		return j.lookLines(o.Encoding)
	}
	return err
}

// recordSeparator begins each text of a sequence (RFC 8142).
const recordSeparator = 0x1e

func wrongRoot(b byte) error {
	switch b {
	case '[':
		return fail(ClassFormat, "the file's root is an array; it must be one object: take the collection out of the array")
	case '/', '#':
		return faultComment
	}
	return fail(ClassFormat, "the file's root is %s, not an object", kindOf(b))
}

// lookLines surveys newline-delimited JSON or a text sequence.
func (j *jsonReader) lookLines(encoding string) error {
	if err := j.stream(encoding); err != nil {
		return err
	}
	j.kind = "lines"
	if b, err := j.in.peek(); err == nil && b == recordSeparator {
		j.sep = recordSeparator
	}
	for {
		var big bool
		var err error
		if j.raw, big, err = j.nextLine(); err == io.EOF {
			return nil
		} else if err != nil {
			return nil // the second pass will meet it behind the rows before it
		}
		if !big {
			j.columns.scan(j.raw)
		}
	}
}

// scan adds the names in one feature; what is wrong in it is for the second pass to say.
func (c *columns) scan(raw []byte) {
	in := &cursor{b: raw}
	if in.peek() != '{' {
		return
	}
	in.object(func(key string) *fault {
		switch b := in.peek(); {
		case key == "properties" && b == '{':
			return in.object(func(name string) *fault {
				c.add(name)
				return in.leap()
			})
		case key == "id" && b != 'n':
			c.id = true
		}
		return in.leap()
	})
}

// leap passes over a value without checking it.
func (c *cursor) leap() *fault {
	b := c.peek()
	f := framer{scalar: b != '{' && b != '[' && b != '"'}
	n, _ := f.scan(c.b[c.i:])
	c.i += n
	return nil
}

// lookRoot surveys one object: GeoJSON or TopoJSON.
func (j *jsonReader) lookRoot(o Options) error {
	t := &topology{want: o.Object}
	features := false
	err := j.in.members(func(key string) error {
		b, err := j.in.must()
		if err != nil {
			return err
		}
		switch {
		case key == "features" && b == '[':
			features = true
			return j.in.elements(func() error {
				raw, big, err := j.in.frame(j.raw[:0], j.limits.RowBytes)
				if j.raw = raw; err != nil {
					return err
				}
				if !big {
					j.columns.scan(raw)
				}
				return nil
			})
		case key == "arcs" && b == '[' && j.couldBe("Topology"):
			return t.readArcs(j)
		case key == "objects" && b == '{' && j.couldBe("Topology"):
			return t.readObjects(j)
		}
		return j.rootMember(key, t)
	})
	if err != nil && features && j.couldBe("FeatureCollection") {
		j.kind, j.after = "FeatureCollection", err
		return nil
	}
	if err != nil {
		return err
	}
	return j.settleRoot(o, t, features)
}

func (j *jsonReader) couldBe(kind string) bool { return j.kind == "" || j.kind == kind }

// rootMember reads the small members that matter.
func (j *jsonReader) rootMember(key string, t *topology) error {
	switch key {
	case "type", "crs", "transform", "properties", "id":
	default:
		return j.in.skip()
	}
	raw, big, err := j.in.frame(nil, j.limits.RowBytes)
	if err != nil || big {
		return err
	}
	c := &cursor{b: raw}
	switch key {
	case "type":
		if c.peek() != '"' {
			return fail(ClassFormat, "the type of the file's root is %s, not a string", kindOf(c.peek()))
		}
		kind, f := c.str()
		if f != nil {
			return f
		}
		j.kind = kind
	case "crs":
		j.crs = crsName(raw)
	case "transform":
		t.transform = bytes.Clone(raw)
	case "properties":
		j.columns.scan(append(append([]byte(`{"properties":`), raw...), '}'))
	case "id":
		j.columns.id = c.peek() != 'n'
	}
	return nil
}

// settleRoot decides what the root is.
func (j *jsonReader) settleRoot(o Options, t *topology, features bool) error {
	b, err := j.in.peek()
	switch {
	case err != nil && err != io.EOF:
		j.after = err
	case err == nil && b == '{' && (j.kind == "Feature" || isGeometry(j.kind)):
		return errLines
	case err == nil:
		j.after = fail(ClassJSON, "something follows the end of the JSON text")
	}
	switch {
	case j.kind == "Topology":
		if j.after != nil {
			return j.after
		}
		j.topo = t
		return t.settle(j)
	case o.Format == "topojson":
		return fail(ClassFormat, "the file is not TopoJSON: the type of its root is not Topology")
	case j.kind == "FeatureCollection" && !features:
		return fail(ClassJSON, "the FeatureCollection has no array \"features\"")
	case j.kind == "FeatureCollection":
		return nil
	case j.kind == "Feature", isGeometry(j.kind):
		return nil
	case j.kind == "":
		return fail(ClassFormat, "the file's root has no type: it is neither GeoJSON nor TopoJSON")
	}
	return fail(ClassFormat, "the type of the file's root is none of GeoJSON's %s, nor Topology (capitals count)",
		strings.Join([]string{"FeatureCollection", "Feature", "geometries"}, ", "))
}
