package reader

import (
	"math"
	"slices"
	"strings"

	"github.com/paulmach/orb"
)

// topology holds the arcs of a TopoJSON file, which all its geometries share: 16 B a position.
//
// Format: https://github.com/topojson/topojson-specification (1.0).
type topology struct {
	want      string // the object asked for
	object    string // the object chosen
	single    bool   // it is one geometry, not a collection
	names     []string
	lone      map[string]bool // objects that are one geometry
	points    []orb.Point
	ends      []int32 // of each arc in points
	transform []byte
	quantised bool
	scale     orb.Point
	translate orb.Point
}

// maxArcPositions bounds the memory of arcs to 128 MiB; an arc counts as a position more.
const maxArcPositions = 8 << 20

// readArcs takes the positions as they stand; settle decodes them.
func (t *topology) readArcs(j *jsonReader) error {
	return j.in.elements(func() error {
		raw, big, err := j.in.frame(j.raw[:0], j.limits.RowBytes)
		if j.raw = raw; err != nil {
			return err
		}
		if big {
			return fail(ClassSize, "arc %d is longer than %d bytes", len(t.ends), j.limits.RowBytes)
		}
		c := &cursor{b: raw}
		f := c.needArray(func() *fault {
			p, f := c.position()
			t.points = append(t.points, p)
			return f
		})
		if f == nil && len(t.points)+len(t.ends) > maxArcPositions {
			f = fail(ClassSize, "the arcs have more than %d positions", maxArcPositions)
		}
		if f != nil {
			f = f.copy()
			f.reason = "an arc cannot be read: " + f.reason
			return f
		}
		t.ends = append(t.ends, int32(len(t.points)))
		return nil
	})
}

// readObjects takes the names of the objects and the columns of the one asked for.
func (t *topology) readObjects(j *jsonReader) error {
	t.lone = map[string]bool{}
	return j.in.members(func(name string) error {
		t.names = append(t.names, name)
		wanted := t.want == "" || t.want == name
		t.lone[name] = true
		if b, err := j.in.must(); err != nil || b != '{' {
			return fail(ClassJSON, "an object of the topology is not a geometry object")
		}
		return j.in.members(func(key string) error {
			b, err := j.in.must()
			if err != nil {
				return err
			}
			switch {
			case key == "geometries" && b == '[':
				t.lone[name] = false
				return j.in.elements(func() error {
					raw, big, err := j.in.frame(j.raw[:0], j.limits.RowBytes)
					if j.raw = raw; err == nil && !big && wanted {
						j.columns.scan(raw)
					}
					return err
				})
			case wanted && (key == "properties" || key == "id"):
				return j.rootMember(key, t)
			}
			return j.in.skip()
		})
	})
}

// settle chooses the object and decodes the arcs.
func (t *topology) settle(j *jsonReader) error {
	t.object = t.want
	switch {
	case len(t.names) == 0:
		return fail(ClassFormat, "the topology has no objects")
	case t.want == "" && len(t.names) > 1:
		return fail(ClassOption, "the topology has several objects; declare one of: %s", names(t.names))
	case t.want == "":
		t.object = t.names[0]
	case !slices.Contains(t.names, t.want):
		return fail(ClassOption, "the topology has no such object; it has: %s", names(t.names))
	}
	t.single = t.lone[t.object]
	if t.transform != nil {
		if f := t.readTransform(); f != nil {
			return fail(f.class, "the transform cannot be read: %s", f.reason)
		}
		var from int32
		for _, end := range t.ends {
			var x, y float64
			for i := from; i < end; i++ {
				x, y = x+t.points[i][0], y+t.points[i][1]
				t.points[i] = t.place(orb.Point{x, y})
			}
			from = end
		}
	}
	for _, p := range t.points {
		if f := finite(p); f != nil {
			return f
		}
	}
	return nil
}

// names lists at most twenty.
func names(all []string) string {
	if len(all) > 20 {
		return strings.Join(all[:20], ", ") + ", …"
	}
	return strings.Join(all, ", ")
}

func finite(p orb.Point) *fault {
	if v := p[0] - p[0] + p[1] - p[1]; v != 0 || math.IsNaN(v) {
		return fail(ClassNumber, "a coordinate is not a finite number")
	}
	return nil
}

func (t *topology) readTransform() *fault {
	c := &cursor{b: t.transform}
	if c.peek() == 'n' {
		return c.word("null")
	}
	var have int
	f := c.object(func(key string) (f *fault) {
		switch key {
		case "scale":
			have |= 1
			t.scale, f = c.position()
		case "translate":
			have |= 2
			t.translate, f = c.position()
		default:
			f = c.skip(0)
		}
		return f
	})
	if f == nil && have != 3 {
		f = fail(ClassJSON, "scale or translate is missing")
	}
	t.quantised = f == nil
	return f
}

// place turns a quantised position into coordinates.
func (t *topology) place(p orb.Point) orb.Point {
	if !t.quantised {
		return p
	}
	return orb.Point{p[0]*t.scale[0] + t.translate[0], p[1]*t.scale[1] + t.translate[1]}
}

// topoFeature reads a geometry object with its properties.
func (j *jsonReader) topoFeature(c *cursor, m *mend) *fault {
	if b := c.peek(); b != '{' {
		return fail(ClassJSON, "the object is %s, not a geometry object", kindOf(b))
	}
	f := c.object(func(key string) *fault {
		switch key {
		case "properties":
			return j.properties(c)
		case "id":
			return j.id(c)
		}
		return c.leap()
	})
	if f != nil {
		return f
	}
	c.i = 0
	j.row.Geometry, f = j.topo.geometry(c, m, 0)
	return f
}

// geometry reads one geometry object; a null type and empty arcs are no geometry (nil).
func (t *topology) geometry(c *cursor, m *mend, depth int) (orb.Geometry, *fault) {
	if depth > maxCollections {
		return nil, faultDepth
	}
	s, f := c.shape(depth)
	if f != nil {
		return nil, f
	}
	at, member := s.arcs, "arcs"
	switch s.kind {
	case "":
		return nil, nil
	case "GeometryCollection":
		at, member = s.geometries, "geometries"
	case "Point", "MultiPoint":
		at, member = s.coordinates, "coordinates"
	}
	in, f := c.member(at, member)
	if f != nil {
		return nil, f
	}
	if in.emptyArray() {
		return nil, nil
	}
	switch s.kind {
	case "GeometryCollection":
		return collection(in, func() (orb.Geometry, *fault) { return t.geometry(in, m, depth+1) })
	case "Point", "MultiPoint":
		return t.dots(in, m, s.kind)
	case "LineString":
		return geometryOr(t.line(in, m))
	case "MultiLineString":
		lines, f := list(in, func() (orb.LineString, *fault) { return t.line(in, m) })
		return geometryOr(orb.MultiLineString(lines), f)
	case "Polygon":
		return geometryOr(t.polygon(in, m))
	case "MultiPolygon":
		polygons, f := list(in, func() (orb.Polygon, *fault) { return t.polygon(in, m) })
		return geometryOr(orb.MultiPolygon(polygons), f)
	}
	return nil, fail(ClassGeometry, "the geometry's type is not one of TopoJSON (capitals count)")
}

// dots are quantised, but not each by the one before it.
func (t *topology) dots(c *cursor, m *mend, kind string) (orb.Geometry, *fault) {
	g, f := builders[kind](c, m)
	if f != nil {
		return nil, f
	}
	if p, ok := g.(orb.Point); ok {
		p = t.place(p)
		return geometryOr(p, finite(p))
	}
	points := g.(orb.MultiPoint)
	for i, p := range points {
		points[i] = t.place(p)
		if f := finite(points[i]); f != nil {
			return nil, f
		}
	}
	return points, nil
}

func (t *topology) line(c *cursor, m *mend) (orb.LineString, *fault) {
	p, f := t.path(c, m)
	if f != nil {
		return nil, f
	}
	return line(p)
}

func (t *topology) polygon(c *cursor, m *mend) (orb.Polygon, *fault) {
	rings, f := list(c, func() (orb.Ring, *fault) {
		p, f := t.path(c, m)
		return orb.Ring(p), f
	})
	if f != nil {
		return nil, f
	}
	return m.polygon(rings, false) // TopoJSON asks for no winding
}

// path joins arcs end to end; ^i is arc i backwards.
func (t *topology) path(c *cursor, m *mend) ([]orb.Point, *fault) {
	var out []orb.Point
	f := c.needArray(func() *fault {
		v, f := c.float()
		if f != nil {
			return f
		}
		if v != math.Trunc(v) || v >= float64(len(t.ends)) || -v > float64(len(t.ends)) {
			return fail(ClassGeometry, "an arc is referred to that the file does not have (it has %d)", len(t.ends))
		}
		i, back := int(v), false
		if i < 0 {
			i, back = ^i, true
		}
		var from int32
		if i > 0 {
			from = t.ends[i-1]
		}
		arc := t.points[from:t.ends[i]]
		if f := m.count(len(arc)); f != nil {
			return f
		}
		out, f = join(out, arc, back)
		return f
	})
	return out, f
}

// join appends an arc, whose first position is the path's last.
func join(path, arc []orb.Point, back bool) ([]orb.Point, *fault) {
	if len(arc) == 0 {
		return nil, fail(ClassGeometry, "an arc has no positions")
	}
	n := len(path)
	path = append(path, arc...)
	if back {
		slices.Reverse(path[n:])
	}
	if n == 0 {
		return path, nil
	}
	if path[n] != path[n-1] {
		return nil, fail(ClassGeometry, "two arcs of a line do not meet")
	}
	return append(path[:n], path[n+1:]...), nil
}
