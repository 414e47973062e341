package city

import (
	"math"

	"github.com/paulmach/orb"
)

// terrain is the ground of the city: what is land, how hilly and how built up it is, where water runs.
type terrain struct {
	seed    uint64
	land    []bool
	hill    []float32 // 0 flat … 1 mountain
	dense   []float32 // how densely people live and work, 0…1
	water   []bool    // river, lakes and reservoirs, on land
	rivers  [][][2]float64
	centres []centre
}

// centre is the middle of a town with its weight: how many live around it, and how far it spreads.
type centre struct {
	x, y, weight, spread float64
}

const towns = 33

func newTerrain(seed uint64) *terrain {
	t := &terrain{
		seed: seed, land: make([]bool, columns*rows), hill: make([]float32, columns*rows),
		dense: make([]float32, columns*rows), water: make([]bool, columns*rows),
	}
	t.shape()
	t.place()
	t.flow()
	t.settle()
	return t
}

// shape decides land and hills: a city of some 2,600 km² on a bay that opens to the south-west, with islands.
func (t *terrain) shape() {
	outline, coast, relief := noise{t.seed ^ 1}, noise{t.seed ^ 2}, noise{t.seed ^ 3}
	for i := range t.land {
		x, y := middle(i)
		// An irregular blob, from which the bay is taken.
		dx, dy := (x-50)/44, (y-38)/35
		edge := 1 - math.Hypot(dx, dy) + 0.34*outline.fractal(x, y, 24, 7)
		bay := math.Hypot((x-9)/30, (y-74)/27) - 1 + 0.52*coast.fractal(x, y, 13, 7)
		t.land[i] = edge > 0 && bay > 0
		if bay <= 0 && edge > 0 { // islands
			t.land[i] = coast.fractal(x+300, y, 7, 5) > 0.30 && bay > -0.55
		}
		ridge := 1.25*relief.fractal(x, y, 22, 6) + 0.5*(x-48)/48 - 0.25*(1-math.Hypot(x-42, y-36)/45)
		t.hill[i] = float32(min(max((ridge-0.12)*2.6, 0), 1))
	}
}

// place chooses the town centres: four of the inner city, the others apart from each other, on flat land.
func (t *terrain) place() {
	r := source(t.seed, "towns", 0)
	inner := [][2]float64{{40, 33}, {45.5, 36}, {41, 39.5}, {47, 30}}
	for i, c := range inner {
		t.centres = append(t.centres, centre{c[0], c[1], 1.9 - 0.25*float64(i), 4.6})
	}
	for apart := 11.5; len(t.centres) < towns; apart *= 0.97 {
		for range 200 {
			x, y := r.Float64()*widthKm, r.Float64()*heightKm
			p, _ := pixelAt(x, y)
			if len(t.centres) == towns || !t.land[p] || t.hill[p] > 0.25 || !t.inland(x, y, 1.5) {
				continue
			}
			near := false
			for _, c := range t.centres {
				near = near || math.Hypot(c.x-x, c.y-y) < apart
			}
			if !near {
				t.centres = append(t.centres, centre{x, y, 0.28 + 0.75*r.Float64()*r.Float64(), 2 + 2.4*r.Float64()})
			}
		}
	}
}

func (t *terrain) inland(x, y, km float64) bool {
	for a := 0.0; a < 2*math.Pi; a += math.Pi / 4 {
		p, ok := pixelAt(x+km*math.Cos(a), y+km*math.Sin(a))
		if !ok || !t.land[p] {
			return false
		}
	}
	return true
}

// flow draws the main river with two branches to the bay, and lakes in the hills.
func (t *terrain) flow() {
	wander := noise{t.seed ^ 4}
	course := func(points [][2]float64, phase float64) [][2]float64 {
		var out [][2]float64
		for i := 1; i < len(points); i++ {
			a, b := points[i-1], points[i]
			n := int(math.Hypot(b[0]-a[0], b[1]-a[1]) / 0.25)
			for k := range n {
				f := float64(k) / float64(n)
				x, y := a[0]+(b[0]-a[0])*f, a[1]+(b[1]-a[1])*f
				out = append(out, [2]float64{
					x + 2.3*wander.fractal(x+phase, y, 9, 3), y + 2.3*wander.fractal(x, y+90+phase, 9, 3),
				})
			}
		}
		return out
	}
	main := course([][2]float64{{97, 14}, {76, 20}, {58, 26}, {44, 26}, {31, 34}, {26, 47}, {18, 58}}, 0)
	t.rivers = [][][2]float64{
		main,
		course([][2]float64{{57, 26}, {54, 38}, {45, 49}, {34, 55}, {22, 62}}, 40),
		course([][2]float64{{84, 50}, {70, 47}, {55, 46}, {47, 47.5}}, 80),
		course([][2]float64{{48, 0}, {45, 12}, {46, 26}}, 120),
	}
	for n, river := range t.rivers {
		widest := []float64{0.34, 0.24, 0.12, 0.13}[n]
		for i, p := range river {
			half := widest * (0.45 + 0.75*float64(i)/float64(len(river)))
			t.disc(p[0], p[1], half)
		}
	}
	lakes := noise{t.seed ^ 5}
	for i := range t.water {
		x, y := middle(i)
		if h := t.hill[i]; h > 0.08 && h < 0.75 && lakes.fractal(x, y, 6, 3) > 0.50 {
			t.water[i] = true
		}
		t.water[i] = t.water[i] && t.land[i]
	}
}

func (t *terrain) disc(x, y, radius float64) {
	n := int(radius/pixelKm) + 1
	for a := -n; a <= n; a++ {
		for b := -n; b <= n; b++ {
			px, py := x+float64(a)*pixelKm, y+float64(b)*pixelKm
			if p, ok := pixelAt(px, py); ok && math.Hypot(px-x, py-y) <= radius {
				t.water[p] = true
			}
		}
	}
}

// settle spreads density around the centres, more along the valleys, none in water and mountains.
func (t *terrain) settle() {
	texture := noise{t.seed ^ 6}
	for i := range t.dense {
		if !t.land[i] || t.water[i] {
			continue
		}
		x, y := middle(i)
		d := 0.0
		for _, c := range t.centres {
			r := math.Hypot(c.x-x, c.y-y) / c.spread
			if r < 4 {
				d += c.weight * math.Exp(-r*1.5)
			}
		}
		d *= 0.72 + 0.75*texture.fractal(x, y, 2.2, 3)
		d *= 1 - float64(t.hill[i])
		t.dense[i] = float32(min(max(d, 0.004), 1))
	}
}

// outlines are the polygons of the pixels for which is holds, without specks.
func outlines(is func(i int) bool, least int) []orb.Polygon {
	r := newRaster()
	for i := range r {
		if is(i) {
			r[i] = 0
		}
	}
	r.clean(least, func(_, _ int32) bool { return false })
	list := r.arcs()
	shapes := assemble(list, func(l int32) int32 { return l }, 1)
	return shapes[0]
}
