package reader

import "github.com/paulmach/orb"

// shape holds the members of a geometry object, whose order is free: where their values begin, 0 when absent.
type shape struct {
	kind                          string // "" when the type is null
	coordinates, geometries, arcs int
}

// shape reads a geometry object, checking all of it.
func (c *cursor) shape(depth int) (s shape, f *fault) {
	if b := c.peek(); b != '{' {
		return s, fail(ClassGeometry, "the geometry is %s, not an object", kindOf(b))
	}
	typed := false
	f = c.object(func(key string) *fault {
		c.peek()
		switch key {
		case "type":
			typed = true
			if c.null() {
				return nil
			}
			if c.peek() != '"' {
				return fail(ClassGeometry, "the geometry's type is not a string")
			}
			var f *fault
			s.kind, f = c.str()
			return f
		case "coordinates":
			s.coordinates = c.i
		case "geometries":
			s.geometries = c.i
		case "arcs":
			s.arcs = c.i
		}
		return c.skip(depth + 1)
	})
	if f == nil && !typed {
		f = fail(ClassGeometry, "the geometry has no type")
	}
	return s, f
}

// member gives a cursor at a member's value.
func (c *cursor) member(at int, name string) (*cursor, *fault) {
	if at == 0 {
		return nil, fail(ClassGeometry, "the geometry has no member %q", name)
	}
	return &cursor{b: c.b, i: at}, nil
}

// geometry reads a GeoJSON geometry object (RFC 7946, 3.1). Empty coordinates are no geometry (nil).
func (c *cursor) geometry(m *mend, depth int) (orb.Geometry, *fault) {
	if depth > maxCollections {
		return nil, faultDepth
	}
	s, f := c.shape(depth)
	if f != nil {
		return nil, f
	}
	if s.kind == "GeometryCollection" {
		in, f := c.member(s.geometries, "geometries")
		if f != nil {
			return nil, f
		}
		return collection(in, func() (orb.Geometry, *fault) { return in.geometry(m, depth+1) })
	}
	build := builders[s.kind]
	if build == nil {
		return nil, fail(ClassGeometry, "the geometry's type is not one of GeoJSON (capitals count)")
	}
	in, f := c.member(s.coordinates, "coordinates")
	if f != nil {
		return nil, f
	}
	if in.emptyArray() {
		return nil, nil
	}
	return build(in, m)
}

// collection gathers geometries; null and empty ones are left out.
func collection(in *cursor, next func() (orb.Geometry, *fault)) (orb.Geometry, *fault) {
	var out orb.Collection
	f := in.needArray(func() *fault {
		g, f := next()
		if g != nil {
			out = append(out, g)
		}
		return f
	})
	if f != nil || len(out) == 0 {
		return nil, f
	}
	return out, nil
}

// emptyArray looks ahead.
func (c *cursor) emptyArray() bool {
	ahead := *c
	return ahead.take('[') == nil && ahead.peek() == ']'
}

// builders make geometries out of coordinates, by type.
var builders = map[string]func(*cursor, *mend) (orb.Geometry, *fault){
	"Point": func(c *cursor, m *mend) (orb.Geometry, *fault) {
		if f := m.count(1); f != nil {
			return nil, f
		}
		return geometryOr(c.position())
	},
	"MultiPoint": func(c *cursor, m *mend) (orb.Geometry, *fault) {
		p, f := c.positions(m)
		return geometryOr(orb.MultiPoint(p), f)
	},
	"LineString": func(c *cursor, m *mend) (orb.Geometry, *fault) {
		return geometryOr(c.lineString(m))
	},
	"MultiLineString": func(c *cursor, m *mend) (orb.Geometry, *fault) {
		lines, f := list(c, func() (orb.LineString, *fault) { return c.lineString(m) })
		return geometryOr(orb.MultiLineString(lines), f)
	},
	"Polygon": func(c *cursor, m *mend) (orb.Geometry, *fault) {
		return geometryOr(c.polygon(m))
	},
	"MultiPolygon": func(c *cursor, m *mend) (orb.Geometry, *fault) {
		polygons, f := list(c, func() (orb.Polygon, *fault) { return c.polygon(m) })
		return geometryOr(orb.MultiPolygon(polygons), f)
	},
}

// geometryOr keeps a typed nil out of the interface.
func geometryOr[G orb.Geometry](g G, f *fault) (orb.Geometry, *fault) {
	if f != nil {
		return nil, f
	}
	return g, nil
}

// needArray is array with a word on what else stands there.
func (c *cursor) needArray(visit func() *fault) *fault {
	if b := c.peek(); b != '[' {
		return fail(ClassGeometry, "the coordinates do not fit the geometry's type: an array is expected, not %s", kindOf(b))
	}
	return c.array(visit)
}

func list[T any](c *cursor, next func() (T, *fault)) ([]T, *fault) {
	var out []T
	f := c.needArray(func() *fault {
		v, f := next()
		out = append(out, v)
		return f
	})
	return out, f
}

func kindOf(b byte) string {
	switch {
	case b == '"':
		return "a string"
	case b == '{':
		return "an object"
	case b == '[':
		return "an array"
	case b == 'n':
		return "null"
	case b == 't' || b == 'f':
		return "a boolean"
	case b == '-' || (b >= '0' && b <= '9'):
		return "a number"
	}
	return "something that is not JSON"
}

func (c *cursor) lineString(m *mend) (orb.LineString, *fault) {
	p, f := c.positions(m)
	if f != nil {
		return nil, f
	}
	return line(p)
}

func (c *cursor) polygon(m *mend) (orb.Polygon, *fault) {
	rings, f := list(c, func() (orb.Ring, *fault) {
		p, f := c.positions(m)
		return orb.Ring(p), f
	})
	if f != nil {
		return nil, f
	}
	return m.polygon(rings, true)
}

func (c *cursor) positions(m *mend) ([]orb.Point, *fault) {
	return list(c, func() (orb.Point, *fault) {
		if f := m.count(1); f != nil {
			return orb.Point{}, f
		}
		return c.position()
	})
}

// position takes two numbers; a third, the height, is dropped.
func (c *cursor) position() (p orb.Point, f *fault) {
	n := 0
	f = c.needArray(func() *fault {
		if b := c.peek(); b == '"' || b == '{' || b == '[' || b == 't' || b == 'f' {
			return fail(ClassGeometry, "a coordinate is %s, not a number", kindOf(b))
		}
		if c.peek() == 'n' && c.null() {
			return fail(ClassGeometry, "a coordinate is null")
		}
		v, f := c.float()
		if n < 2 {
			p[n] = v
		}
		if n++; f == nil && n > 3 {
			f = fail(ClassGeometry, "a position has more than 3 numbers")
		}
		return f
	})
	if f == nil && n < 2 {
		f = fail(ClassGeometry, "a position has fewer than 2 numbers")
	}
	return p, f
}
