// Package risk tells where trouble is likely, why, how sure that is and what would change it: for places, never for
// persons. It estimates from the events of the index, keeps what was shown, and holds its models against what came.
package risk

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/risk/model"
)

// Division cuts the city into leaves under the tree of places.
type Division struct {
	Areas   *model.Areas
	Nodes   []layers.PlaceID         // by index of Areas: of leaves 0 when they are squares
	leaf    map[layers.PlaceID]int32 // of places that hold events
	squares *squares
}

// frame turns degrees into metres around the middle of a city; a few parts in a thousand at 100 km.
type frame struct{ lon, lat, perLon, perLat float64 }

const metresPerDegree = 111_320

func newFrame(b orb.Bound) frame {
	c := b.Center()
	return frame{c[0], c[1], metresPerDegree * math.Cos(c[1]*math.Pi/180), metresPerDegree}
}

func (f frame) metres(p orb.Point) (x, y float64) {
	return (p[0] - f.lon) * f.perLon, (p[1] - f.lat) * f.perLat
}

func (f frame) lonLat(x, y float64) orb.Point {
	return orb.Point{f.lon + x/f.perLon, f.lat + y/f.perLat}
}

// boundOf all places with a boundary.
func boundOf(t *layers.Tree) (b orb.Bound, ok bool) {
	for o := range int32(t.Len()) {
		if p := t.At(o); p.HasShape {
			if !ok {
				b, ok = p.Bound, true
			}
			b = b.Union(p.Bound)
		}
	}
	return b, ok
}

// ByPlace takes the lowest places as leaves. With rest a place with others below it has a leaf of its own for what lies
// in none of them; without, such events are left out. Exposure columns are by place.
func ByPlace(t *layers.Tree, rest bool, exposure []map[layers.PlaceID]float64) *Division {
	d := &Division{Areas: &model.Areas{}, leaf: map[layers.PlaceID]int32{}}
	bound, _ := boundOf(t)
	f := newFrame(bound)
	inner := d.inner(t, func(p *layers.Place) {
		d.leaf[p.ID] = int32(len(d.Nodes))
		d.addLeaf(p, f, p.ID)
	}, func(p *layers.Place) bool { return len(t.Children(p.ID)) == 0 })
	for _, p := range inner {
		if !rest {
			break
		}
		d.leaf[p.ID] = int32(len(d.Nodes))
		d.addLeaf(&layers.Place{}, f, p.ID)
	}
	d.close(t, inner, func(i int) layers.PlaceID {
		if p := t.Place(d.Nodes[i]); len(t.Children(p.ID)) == 0 {
			return p.Parent
		}
		return d.Nodes[i]
	})
	for _, column := range exposure {
		values := make([]float64, d.Areas.Leaves)
		for i := range values {
			values[i] = column[d.Nodes[i]]
		}
		d.Areas.Exposure = append(d.Areas.Exposure, values)
	}
	return d
}

// inner calls leaf for the leaves in pre-order and returns the other places, lowest levels first.
func (d *Division) inner(t *layers.Tree, leaf func(*layers.Place), isLeaf func(*layers.Place) bool) (rest []*layers.Place) {
	for o := range int32(t.Len()) {
		if p := t.At(o); isLeaf(p) {
			leaf(p)
		} else {
			rest = append(rest, p)
		}
	}
	depth := func(p *layers.Place) int { return len(t.Path(p.ID)) }
	slices.SortStableFunc(rest, func(a, b *layers.Place) int { return cmp.Compare(depth(b), depth(a)) })
	return rest
}

func (d *Division) addLeaf(p *layers.Place, f frame, id layers.PlaceID) {
	x, y, area := math.NaN(), math.NaN(), p.AreaM2
	if p.HasShape {
		x, y = f.metres(p.Label)
	}
	a := d.Areas
	a.X, a.Y, a.AreaM2 = append(a.X, x), append(a.Y, y), append(a.AreaM2, max(area, 1))
	d.Nodes = append(d.Nodes, id)
}

// close adds the places above the leaves.
func (d *Division) close(t *layers.Tree, inner []*layers.Place, above func(leaf int) layers.PlaceID) {
	a := d.Areas
	a.Leaves = len(d.Nodes)
	node := map[layers.PlaceID]int32{}
	for i, p := range inner {
		node[p.ID] = int32(a.Leaves + i)
		d.Nodes = append(d.Nodes, p.ID)
	}
	up := func(id layers.PlaceID) int32 {
		if n, ok := node[id]; ok {
			return n
		}
		return -1
	}
	for i := range a.Leaves {
		a.Parent = append(a.Parent, up(above(i)))
	}
	for _, p := range inner {
		a.Parent = append(a.Parent, up(p.Parent))
	}
}

// LeafOf is the leaf in which a place's own events count; false when it has none.
func (d *Division) LeafOf(id layers.PlaceID) (int32, bool) {
	i, ok := d.leaf[id]
	return i, ok
}

// squares is a division by a net of equal squares.
type squares struct {
	frame
	side        float64
	west, south float64
	wide, high  int
	leaf        []int32 // by square; -1: none
}

// BySquares takes as leaves the squares of a net whose middle lies in a place that has none below it, or in a place.
func BySquares(t *layers.Tree, areas *geo.Areas, side float64) (*Division, error) {
	bound, ok := boundOf(t)
	if !ok || areas == nil {
		return nil, fmt.Errorf("squares need places with boundaries")
	}
	q := &squares{frame: newFrame(bound), side: side}
	q.west, q.south = q.metres(bound.Min)
	east, north := q.metres(bound.Max)
	q.wide, q.high = int((east-q.west)/side)+1, int((north-q.south)/side)+1
	const most = 200_000
	if n := q.wide * q.high; n > most {
		return nil, fmt.Errorf("squares of %g m would be %d: take larger ones, at most %d", side, n, most)
	}
	d := &Division{Areas: &model.Areas{}, squares: q}
	var above []layers.PlaceID
	for y := range q.high {
		for x := range q.wide {
			at := q.middle(x, y)
			id, _, found := areas.Find(at[0], at[1])
			q.leaf = append(q.leaf, -1)
			if !found {
				continue
			}
			q.leaf[len(q.leaf)-1] = int32(len(d.Nodes))
			mx, my := q.metres(at)
			a := d.Areas
			a.X, a.Y, a.AreaM2 = append(a.X, mx), append(a.Y, my), append(a.AreaM2, side*side)
			d.Nodes, above = append(d.Nodes, 0), append(above, layers.PlaceID(id))
		}
	}
	inner := d.inner(t, nil, func(*layers.Place) bool { return false })
	d.close(t, inner, func(i int) layers.PlaceID { return above[i] })
	return d, nil
}

func (q *squares) middle(x, y int) orb.Point {
	return q.lonLat(q.west+(float64(x)+0.5)*q.side, q.south+(float64(y)+0.5)*q.side)
}

// at is the leaf of a location; events on the border may lie in a square whose middle is outside: then the nearest of
// the eight around counts.
func (q *squares) at(p orb.Point) (int32, bool) {
	mx, my := q.metres(p)
	cx, cy := int(math.Floor((mx-q.west)/q.side)), int(math.Floor((my-q.south)/q.side))
	best, near := int32(-1), math.Inf(1)
	for dy := -1; dy <= 1; dy++ {
		for dx := -1; dx <= 1; dx++ {
			x, y := cx+dx, cy+dy
			if x < 0 || y < 0 || x >= q.wide || y >= q.high || q.leaf[y*q.wide+x] < 0 {
				continue
			}
			d := math.Hypot(q.west+(float64(x)+0.5)*q.side-mx, q.south+(float64(y)+0.5)*q.side-my)
			if d < near {
				best, near = q.leaf[y*q.wide+x], d
			}
		}
	}
	return best, best >= 0
}

// Names of the places above the leaves, for tables.
func (d *Division) Names(t *layers.Tree) []string {
	var out []string
	for _, id := range d.Nodes[d.Areas.Leaves:] {
		p := t.Place(id)
		out = append(out, cmp.Or(p.NameEn, p.Name))
	}
	return out
}
