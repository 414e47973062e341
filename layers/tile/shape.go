package tile

import (
	"slices"

	"github.com/paulmach/orb"

	"onepicture/layers/index"
)

// buffer is how far a tile draws lines and areas beyond its frame, in units, so that strokes meet at the seams.
const buffer = index.BufferUnits

// shapeCommands writes a line or an area that is already cut and in the units of the tile; ok is false when nothing of
// it is left to see. PostGIS cuts and rounds to the grid, because what an area crosses or touches there must be mended
// in the same step, or the area is no longer valid.
func shapeCommands(g orb.Geometry) (kind uint8, commands []uint32, ok bool) {
	var p pen
	switch s := g.(type) {
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
	}
	return kind, p.commands, len(p.commands) > 0
}

func (p *pen) lines(list orb.MultiLineString) {
	for _, line := range list {
		if points := ints(line); len(points) > 1 {
			p.path(points, false)
		}
	}
}

// polygons writes each outer ring clockwise and its holes the other way.
func (p *pen) polygons(list orb.MultiPolygon) {
	for _, polygon := range list {
		for i, ring := range polygon {
			points := ints(ring)
			if len(points) > 1 && points[0] == points[len(points)-1] {
				points = points[:len(points)-1]
			}
			if len(points) < 3 {
				continue
			}
			if outer := i == 0; outer != (doubleArea(points) > 0) {
				slices.Reverse(points)
			}
			p.path(points, true)
		}
	}
}
