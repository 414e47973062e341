package tile

import (
	"slices"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/clip"
	"github.com/paulmach/orb/simplify"

	"onepicture/geo"
	"onepicture/layers/index"
)

// buffer is how far a tile draws lines and areas beyond its frame, in units, so that strokes meet at the seams.
const buffer = index.BufferUnits

// shapeCommands clips a line or area to the tile with its buffer and simplifies it to the pixel (a unit is 1/8 of a
// CSS pixel). ok is false when nothing of it is left to see.
func shapeCommands(g orb.Geometry, t geo.Tile) (kind uint8, commands []uint32, ok bool) {
	frame := orb.Bound{Min: orb.Point{-buffer, -buffer}, Max: orb.Point{geo.Extent + buffer, geo.Extent + buffer}}
	projected := project(orb.Clone(g), t)
	clipped := clip.Geometry(frame, projected)
	if clipped == nil {
		return 0, nil, false
	}
	var p pen
	switch s := clipped.(type) {
	case orb.LineString:
		p.lines(orb.MultiLineString{s})
		kind = typeLine
	case orb.MultiLineString:
		p.lines(s)
		kind = typeLine
	case orb.Polygon:
		p.polygons(orb.MultiPolygon{s})
		kind = typePolygon
	case orb.MultiPolygon:
		p.polygons(s)
		kind = typePolygon
	case orb.MultiPoint:
		points := ints(s)
		p.commands = append(p.commands, moveTo|uint32(len(points))<<3)
		for _, at := range points {
			p.to(at)
		}
		kind = typePoint
	}
	return kind, p.commands, len(p.commands) > 0
}

func (p *pen) lines(list orb.MultiLineString) {
	thin := simplify.DouglasPeucker(1)
	for _, line := range list {
		if points := ints(thin.LineString(line)); len(points) > 1 {
			p.path(points, false)
		}
	}
}

// polygons writes each outer ring clockwise and its holes the other way; what has shrunk to nothing is left out, a
// polygon without its outer ring wholly.
func (p *pen) polygons(list orb.MultiPolygon) {
	thin := simplify.DouglasPeucker(1)
	for _, polygon := range list {
		for i, ring := range polygon {
			points := ints(thin.Ring(ring))
			if len(points) > 1 && points[0] == points[len(points)-1] {
				points = points[:len(points)-1]
			}
			area := int64(0)
			if len(points) > 2 {
				area = doubleArea(points)
			}
			if area == 0 {
				if i == 0 {
					break
				}
				continue
			}
			if outer := i == 0; outer != (area > 0) {
				slices.Reverse(points)
			}
			p.path(points, true)
		}
	}
}

// project moves the geometry, which is the caller's own, into the units of the tile.
func project(g orb.Geometry, t geo.Tile) orb.Geometry {
	at := func(p orb.Point) orb.Point {
		x, y := t.ProjectLonLat(p[0], p[1])
		return orb.Point{x, y}
	}
	switch s := g.(type) {
	case orb.Point:
		return at(s)
	case orb.MultiPoint:
		each(s, at)
	case orb.LineString:
		each(s, at)
	case orb.MultiLineString:
		for _, l := range s {
			each(l, at)
		}
	case orb.Polygon:
		for _, r := range s {
			each(r, at)
		}
	case orb.MultiPolygon:
		for _, p := range s {
			for _, r := range p {
				each(r, at)
			}
		}
	}
	return g
}

func each(list []orb.Point, at func(orb.Point) orb.Point) {
	for i := range list {
		list[i] = at(list[i])
	}
}
