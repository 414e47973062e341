package index

import (
	"slices"
	"unsafe"

	"onepicture/geo"
	"onepicture/layers"
)

// versionDepth is the deepest zoom with versions of its own (600 m at the equator); deeper tiles share them.
const versionDepth = 16

// mostNodes bounds a pyramid: 32,768 nodes are 3 MB. The city of 60 km has 10,000 at the deepest level.
const mostNodes = 1 << 15

// versions is a quadtree that knows for each tile the position of the last change inside it, layer by layer. It may
// tell a later position than the true one, never an earlier: old branches are folded into their parents. It is
// immutable but for the writer that made it; copy gives one to change, which shares what stays.
type versions struct {
	base  layers.Position // every tile is at least at this
	root  *node
	nodes int
	edit  uint64 // nodes of this edit may be changed in place
}

type node struct {
	child [4]*node
	last  marks
	floor layers.Position // of every tile below: what was folded in, or covered them whole
	edit  uint64
}

func newVersions(base layers.Position) *versions {
	return &versions{base: base, root: &node{}, nodes: 1}
}

func (v *versions) copy() *versions {
	return &versions{base: v.base, root: v.root, nodes: v.nodes, edit: v.edit + 1}
}

func (v *versions) own(n *node) *node {
	switch {
	case n == nil:
		v.nodes++
		return &node{edit: v.edit}
	case n.edit == v.edit:
		return n
	}
	c := *n
	c.edit = v.edit
	return &c
}

// raise notes a change of features of these layers at a point.
func (v *versions) raise(k geo.Key, mask uint64, at layers.Position) {
	v.root = v.own(v.root)
	n := v.root
	for z := uint(1); ; z++ {
		n.last.raise(mask, at)
		if z > versionDepth {
			return
		}
		c := &n.child[k>>(64-2*z)&3]
		*c = v.own(*c)
		n = *c
	}
}

// box is a frame in key units, both ends included.
type box struct{ x0, y0, x1, y1 int64 }

// raiseBox notes a change of a line or an area in that frame: in each tile that it may reach with the buffer with
// which tiles are cut.
func (v *versions) raiseBox(b box, mask uint64, at layers.Position) {
	deepest := uint8(versionDepth)
	for deepest > 0 && max(b.x1-b.x0, b.y1-b.y0)>>(32-deepest) > 16 {
		deepest-- // a large frame is noted in coarse tiles
	}
	v.root = v.own(v.root)
	v.cover(v.root, geo.Tile{}, b, deepest, mask, at)
}

func (v *versions) cover(n *node, t geo.Tile, b box, deepest uint8, mask uint64, at layers.Position) {
	n.last.raise(mask, at)
	f := frameOf(t)
	if t.Z == deepest || b.x0 <= f.x0 && b.y0 <= f.y0 && b.x1 >= f.x1 && b.y1 >= f.y1 {
		n.floor = max(n.floor, at)
		return
	}
	for i, child := range t.Children() {
		if frameOf(child).buffered(child.Z).meets(b) {
			n.child[i] = v.own(n.child[i])
			v.cover(n.child[i], child, b, deepest, mask, at)
		}
	}
}

func frameOf(t geo.Tile) box {
	side := int64(1) << (32 - t.Z)
	x, y := int64(t.X)*side, int64(t.Y)*side
	return box{x, y, x + side - 1, y + side - 1}
}

// BufferUnits is how far beyond a tile's edge lines and areas are kept, of geo.Extent.
const BufferUnits = 64

func (b box) buffered(z uint8) box {
	d := int64(1) << (32 - z) * BufferUnits / geo.Extent
	return box{b.x0 - d, b.y0 - d, b.x1 + d, b.y1 + d}
}

func (b box) meets(o box) bool { return b.x0 <= o.x1 && o.x0 <= b.x1 && b.y0 <= o.y1 && o.y0 <= b.y1 }

// of is the version of a tile for a set of layers; 0: all of the kind, also features in no layer.
func (v *versions) of(mask uint64, t geo.Tile) layers.Position {
	out, n := v.base, v.root
	lo, _ := t.Range()
	for z := uint(1); z <= min(uint(t.Z), versionDepth); z++ {
		out = max(out, n.floor)
		if n = n.child[lo>>(64-2*z)&3]; n == nil {
			return out
		}
	}
	return max(out, n.last.of(mask))
}

// bound folds the older half of the nodes into their parents when there are too many.
func (v *versions) bound() {
	if v.nodes <= mostNodes {
		return
	}
	all := make([]layers.Position, 0, v.nodes)
	var walk func(*node)
	walk = func(n *node) {
		all = append(all, n.last.top)
		for _, c := range n.child {
			if c != nil {
				walk(c)
			}
		}
	}
	walk(v.root)
	slices.Sort(all)
	v.nodes = 1
	v.root = v.own(v.root)
	v.prune(v.root, all[len(all)/2])
}

func (v *versions) prune(n *node, upTo layers.Position) {
	for i, c := range n.child {
		switch {
		case c == nil:
		case c.last.top <= upTo:
			n.floor = max(n.floor, c.last.top)
			n.child[i] = nil
		default:
			v.nodes++
			n.child[i] = v.own(c)
			v.prune(n.child[i], upTo)
		}
	}
}

func (v *versions) bytes() int { return v.nodes * int(unsafe.Sizeof(node{})) }

// marks are the last positions of sets of layers that do not overlap, the latest first.
type marks struct {
	top  layers.Position // of all changes, also of features in no layer
	sets [4]mark
}

type mark struct {
	mask uint64
	at   layers.Position
}

func (m *marks) of(mask uint64) layers.Position {
	if mask == 0 {
		return m.top
	}
	for _, s := range m.sets {
		if s.mask&mask != 0 {
			return s.at
		}
	}
	return 0
}

// raise lifts the layers of the mask to at least that position. When there are more different positions than sets,
// the oldest two become one at the later of theirs.
func (m *marks) raise(mask uint64, at layers.Position) {
	m.top = max(m.top, at)
	var next [len(m.sets) + 1]mark
	n := 0
	add := func(s mark) {
		if s.mask == 0 {
			return
		}
		if n > 0 && next[n-1].at == s.at {
			next[n-1].mask |= s.mask
			return
		}
		next[n] = s
		n++
	}
	placed := false
	for _, s := range m.sets {
		if s.at > at {
			mask &^= s.mask
		} else {
			if !placed {
				add(mark{mask, at})
				placed = true
			}
			s.mask &^= mask
		}
		add(s)
	}
	if !placed {
		add(mark{mask, at})
	}
	if n > len(m.sets) {
		next[n-2].mask |= next[n-1].mask
	}
	copy(m.sets[:], next[:])
}
