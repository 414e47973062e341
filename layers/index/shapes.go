package index

import (
	"sort"
	"unsafe"

	"github.com/paulmach/orb"

	"onepicture/geo"
)

// shape is the frame of a line or an area in key units. Such features are few (parks, roads, depots), so those that
// reach into a tile are found by trying all: 100,000 take 0.1 ms.
type shape struct {
	id             int64
	x0, y0, x1, y1 uint32
}

const shapeBytes = int(unsafe.Sizeof(shape{}))

func shapeOf(id int64, b orb.Bound) shape {
	x0, y0 := geo.KeyOf(b.Min[0], b.Max[1]).XY()
	x1, y1 := geo.KeyOf(b.Max[0], b.Min[1]).XY()
	return shape{id, x0, y0, x1, y1}
}

func (s shape) box() box { return box{int64(s.x0), int64(s.y0), int64(s.x1), int64(s.y1)} }

func searchShape(list []shape, id int64) int {
	return sort.Search(len(list), func(i int) bool { return list[i].id >= id })
}

func findShape(list []shape, id int64) (shape, bool) {
	if i := searchShape(list, id); i < len(list) && list[i].id == id {
		return list[i], true
	}
	return shape{}, false
}

// withShapes sets the frames of features; nil: the feature has none now.
func withShapes(list []shape, changes map[int64]*shape) []shape {
	if len(changes) == 0 {
		return list
	}
	out := make([]shape, 0, len(list)+len(changes))
	for _, s := range list {
		if _, changed := changes[s.id]; !changed {
			out = append(out, s)
		}
	}
	for _, s := range changes {
		if s != nil {
			out = append(out, *s)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].id < out[j].id })
	return out
}
