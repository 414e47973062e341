package tile

import (
	"encoding/binary"
	"math"

	"github.com/paulmach/orb"

	"onepicture/geo"
)

// mvtLayer writes one layer of a Mapbox Vector Tile, version 2.1 (github.com/mapbox/vector-tile-spec), straight into
// protobuf bytes. Features keep the order in which they are added.
type mvtLayer struct {
	name     string
	features []byte
	keys     map[string]uint32
	keyList  []byte
	values   map[value]uint32
	valList  []byte
	tags     []uint32
	count    int
}

// value is a property's value: a text, a whole number or a truth.
type value struct {
	kind uint8
	text string
	n    int64
}

const (
	valueText uint8 = iota
	valueInt
	valueBool
)

func text(s string) value { return value{valueText, s, 0} }
func integer(n int) value { return value{valueInt, "", int64(n)} }

func newLayer(name string) *mvtLayer {
	return &mvtLayer{name: name, keys: map[string]uint32{}, values: map[value]uint32{}}
}

// tag adds a property to the feature that is added next.
func (l *mvtLayer) tag(key string, v value) {
	k, ok := l.keys[key]
	if !ok {
		k = uint32(len(l.keys))
		l.keys[key] = k
		l.keyList = appendBytes(l.keyList, 3, []byte(key))
	}
	n, ok := l.values[v]
	if !ok {
		n = uint32(len(l.values))
		l.values[v] = n
		l.valList = appendBytes(l.valList, 4, v.encode())
	}
	l.tags = append(l.tags, k, n)
}

func (v value) encode() []byte {
	switch v.kind {
	case valueText:
		return appendBytes(nil, 1, []byte(v.text))
	case valueInt:
		return binary.AppendUvarint([]byte{5 << 3}, uint64(v.n)) // uint_value; counts are never negative
	}
	return binary.AppendUvarint([]byte{7 << 3}, uint64(v.n))
}

// Geometry types of the specification.
const (
	typePoint   = 1
	typeLine    = 2
	typePolygon = 3
)

// add ends a feature with the tags given before; id 0 is none.
func (l *mvtLayer) add(id int64, kind uint8, commands []uint32) {
	var f []byte
	if id > 0 {
		f = binary.AppendUvarint(append(f, 1<<3), uint64(id))
	}
	f = appendPacked(f, 2, l.tags)
	f = append(f, 3<<3, kind)
	f = appendPacked(f, 4, commands)
	l.features = appendBytes(l.features, 2, f)
	l.tags = l.tags[:0]
	l.count++
}

// appendTo writes the layer as a field of a tile; an empty layer is left out, as the specification asks.
func (l *mvtLayer) appendTo(tile []byte) []byte {
	if l.count == 0 {
		return tile
	}
	b := append([]byte{15 << 3}, 2) // version
	b = appendBytes(b, 1, []byte(l.name))
	b = append(b, l.features...)
	b = append(b, l.keyList...)
	b = append(b, l.valList...)
	b = binary.AppendUvarint(append(b, 5<<3), geo.Extent)
	return appendBytes(tile, 3, b)
}

func appendBytes(to []byte, field uint8, b []byte) []byte {
	to = append(to, field<<3|2)
	to = binary.AppendUvarint(to, uint64(len(b)))
	return append(to, b...)
}

func appendPacked(to []byte, field uint8, list []uint32) []byte {
	n := 0
	for _, v := range list {
		n += uvarintLen(v)
	}
	to = append(to, field<<3|2)
	to = binary.AppendUvarint(to, uint64(n))
	for _, v := range list {
		to = binary.AppendUvarint(to, uint64(v))
	}
	return to
}

func uvarintLen(v uint32) int {
	n := 1
	for v >= 0x80 {
		v >>= 7
		n++
	}
	return n
}

const (
	moveTo    = 1
	lineTo    = 2
	closePath = 7
)

// pen writes geometry commands; positions are relative to the last one.
type pen struct {
	commands []uint32
	x, y     int32
}

func (p *pen) to(at [2]int32) {
	p.commands = append(p.commands, zigzag(at[0]-p.x), zigzag(at[1]-p.y))
	p.x, p.y = at[0], at[1]
}

func zigzag(n int32) uint32 { return uint32(n<<1) ^ uint32(n>>31) }

func pointCommands(x, y float64) []uint32 {
	var p pen
	p.commands = []uint32{moveTo | 1<<3}
	p.to([2]int32{int32(math.Round(x)), int32(math.Round(y))})
	return p.commands
}

// path writes a line of at least two points, or a ring (without its closing point) of at least three.
func (p *pen) path(points [][2]int32, ring bool) {
	p.commands = append(p.commands, moveTo|1<<3)
	p.to(points[0])
	p.commands = append(p.commands, lineTo|uint32(len(points)-1)<<3)
	for _, at := range points[1:] {
		p.to(at)
	}
	if ring {
		p.commands = append(p.commands, closePath|1<<3)
	}
}

// ints rounds to the tile's grid and drops repeated points.
func ints(list []orb.Point) [][2]int32 {
	out := make([][2]int32, 0, len(list))
	for _, p := range list {
		at := [2]int32{int32(math.Round(p[0])), int32(math.Round(p[1]))}
		if len(out) == 0 || out[len(out)-1] != at {
			out = append(out, at)
		}
	}
	return out
}

// doubleArea is positive for rings that run clockwise on the screen (y downward): outer rings in a vector tile.
func doubleArea(ring [][2]int32) int64 {
	var sum int64
	for i, a := range ring {
		b := ring[(i+1)%len(ring)]
		sum += int64(a[0])*int64(b[1]) - int64(b[0])*int64(a[1])
	}
	return sum
}
