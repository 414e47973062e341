package tile

import (
	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/index"
)

// finestCounts is the zoom of the finest square in which is counted what may not be seen one by one: 2^-18 of the world, 150 m at the
// equator. Tiles above it have fewer cells; a tile below it is a part of one such square.
const finestCounts = 18

// view moves positions from the tile that was counted to the tile that is drawn: the same one, or a part of it.
type view struct {
	counted geo.Tile
	depth   uint8
	side    int     // of a cell, in units of the drawn tile
	scale   float64 // of the counted tile's units in the drawn tile
	x, y    float64 // of the counted tile's corner in the drawn tile
}

// viewOf is how a part of what a scope sees is counted for a tile. Persons are never seen one by one on a map, nor
// so closely that a square is a home.
func viewOf(k layers.Kind, part index.Part, t geo.Tile, depth uint8) view {
	v := view{counted: t, depth: depth, scale: 1}
	if k == layers.KindPerson || part != index.Records {
		v.depth = min(depth, uint8(max(0, finestCounts-int(t.Z))))
		for v.counted.Z > finestCounts {
			v.counted = v.counted.Parent()
		}
	}
	down := t.Z - v.counted.Z
	v.scale = float64(uint32(1) << down)
	v.x = -float64(t.X-v.counted.X<<down) * geo.Extent
	v.y = -float64(t.Y-v.counted.Y<<down) * geo.Extent
	v.side = geo.Extent << down >> v.depth
	return v
}

func (v view) point(px, py float64) (x, y float64, inside bool) {
	x, y = px*v.scale+v.x, py*v.scale+v.y
	return x, y, x >= 0 && y >= 0 && x < geo.Extent && y < geo.Extent
}

// crowd is how many persons it takes to show where in a square they are: the mean of fewer could be a home.
const crowd = 10

// cells writes squares with their count at the mean of the locations, of few persons at the square's middle. A square that is larger than the tile is in that
// tile alone that holds its point, so that the counts of neighbours still sum to the whole.
func (b *Builder) cells(out *mvtLayer, s *index.Snapshot, q index.Query, t geo.Tile, depth uint8) {
	v := viewOf(q.Kind, q.Part, t, depth)
	list := s.Cells(q, v.counted, v.depth)
	names := b.classNames(q.Kind, list)
	counted := float64(geo.Extent) / float64(uint(1)<<v.depth) // a cell's side in the counted tile
	for i := range list {
		cell := &list[i]
		n, told := q.Scope.Told(cell.N, cell.Rounded)
		px, py := cell.PX, cell.PY
		if q.Kind == layers.KindPerson && !cell.Rounded && n < crowd {
			px, py = (float64(cell.X)+0.5)*counted, (float64(cell.Y)+0.5)*counted
		}
		x, y, inside := v.point(px, py)
		if !inside || !told {
			continue
		}
		out.tag("cell", integer(v.side))
		out.tag("n", integer(n))
		if len(names) > 1 {
			for _, k := range cell.Classes {
				if name := names[k.Class]; name != "" {
					out.tag(name, integer(k.N))
				}
			}
		}
		out.add(0, typePoint, pointCommands(x, y))
	}
}

// classNames are the properties that tell the count of each class present. Persons have none: the classes of few
// among many would tell what their sum may not.
func (b *Builder) classNames(k layers.Kind, list []index.Cell) map[uint16]string {
	if k == layers.KindPerson {
		return nil
	}
	c := b.catalogue()
	names := map[uint16]string{}
	for i := range list {
		for _, n := range list[i].Classes {
			if _, known := names[n.Class]; known {
				continue
			}
			names[n.Class] = ""
			if class := c.Class(k, n.Class); class != nil {
				names[n.Class] = "c_" + class.Code
			}
		}
	}
	return names
}
