package city

import (
	"math"
	"math/rand/v2"
	"sort"

	"github.com/paulmach/orb"
)

// Feature is a part of the base map.
type Feature struct {
	Class        string
	Name, NameEn string
	MinZoom      int
	Shape        orb.Geometry
}

// street is a straight piece of a local street, along which addresses lie.
type street struct {
	a, b [2]float64
	grid int32
	name int
}

// ground is land, water, green and land use.
func (t *terrain) ground(industry []float64, label raster) []Feature {
	var out []Feature
	add := func(class string, zoom int, least int, is func(i int) bool) {
		for _, p := range outlines(is, least) {
			out = append(out, Feature{Class: class, MinZoom: zoom, Shape: p})
		}
	}
	parks := noise{t.seed ^ 9}
	park := func(i int) bool {
		x, y := middle(i)
		return t.dense[i] > 0.05 && parks.fractal(x, y, 2.4, 3) > 0.52
	}
	add("land", 0, 4, func(i int) bool { return t.land[i] })
	add("farmland", 9, 60, func(i int) bool {
		x, y := middle(i)
		return t.land[i] && t.dense[i] < 0.06 && t.hill[i] < 0.2 && parks.fractal(x+70, y, 6, 3) > -0.05
	})
	add("landuse_residential", 0, 40, func(i int) bool { return t.dense[i] > 0.16 && !park(i) })
	add("landuse_industrial", 9, 30, func(i int) bool {
		return t.dense[i] > 0.07 && t.dense[i] < 0.5 && label[i] >= 0 && industry[label[i]] > 0.55 && !park(i)
	})
	add("green", 0, 60, func(i int) bool { return t.land[i] && t.hill[i] > 0.22 })
	add("green", 11, 12, func(i int) bool { return t.land[i] && !t.water[i] && t.hill[i] <= 0.22 && park(i) })
	add("water", 0, 6, func(i int) bool { return t.water[i] })
	for i, r := range t.rivers {
		f := Feature{Class: "waterway", MinZoom: 8, Shape: line(r)}
		if i == 0 {
			f.Name, f.NameEn = "云江", "Yun River"
		}
		out = append(out, f)
	}
	return out
}

func line(points [][2]float64) orb.LineString {
	out := make(orb.LineString, len(points))
	for i, p := range points {
		out[i] = lonLat(p[0], p[1])
	}
	return out
}

// roads joins the towns by a ring, radials and trunk roads, the villages by primary and secondary ones.
func (t *terrain) roads(villageSeats [][2]float64, villageOf []int32) []Feature {
	var out []Feature
	sway := noise{t.seed ^ 10}
	curve := func(a, b [2]float64, amount float64) [][2]float64 {
		n := max(2, int(math.Hypot(b[0]-a[0], b[1]-a[1])/0.35))
		pts := make([][2]float64, n+1)
		for i := range pts {
			f := float64(i) / float64(n)
			x, y := a[0]+(b[0]-a[0])*f, a[1]+(b[1]-a[1])*f
			s := amount * math.Sin(math.Pi*f)
			pts[i] = [2]float64{x + s*sway.fractal(x, y, 7, 2), y + s*sway.fractal(x+200, y, 7, 2)}
		}
		return pts
	}
	add := func(class string, zoom int, points [][2]float64, zh, en string) {
		for _, part := range t.onLand(points) {
			out = append(out, Feature{Class: class, MinZoom: zoom, Name: zh, NameEn: en, Shape: line(part)})
		}
	}
	var ring [][2]float64
	for a := 0.0; a <= 2*math.Pi+0.02; a += 0.02 {
		x, y := 44+11.5*math.Cos(a), 34.5+9.5*math.Sin(a)
		w := 1.4 * sway.fractal(math.Cos(a)*6+20, math.Sin(a)*6, 4, 2)
		ring = append(ring, [2]float64{x + w*math.Cos(a), y + w*math.Sin(a)})
	}
	ring[len(ring)-1] = ring[0]
	add("road_motorway", 0, ring, "云东环城高速", "Yundong Ring Motorway")
	for _, end := range [][2]float64{{2, 20}, {30, -2}, {62, -2}, {97, 30}, {97, 58}, {62, 82}, {30, 82}} {
		a := math.Atan2((end[1]-34.5)/9.5, (end[0]-44)/11.5)
		start := [2]float64{44 + 11.5*math.Cos(a), 34.5 + 9.5*math.Sin(a)}
		add("road_motorway", 0, curve(start, end, 3.5), "", "")
	}
	seats := make([][2]float64, len(t.centres))
	for i, c := range t.centres {
		seats[i] = [2]float64{c.x, c.y}
	}
	for _, e := range network(seats, 1.35) {
		add("road_trunk", 7, curve(seats[e[0]], seats[e[1]], 1.6), "", "")
	}
	by := make([][]int, towns)
	for i, k := range villageOf {
		by[k] = append(by[k], i)
	}
	for k, members := range by {
		pts := [][2]float64{seats[k]}
		for _, m := range members {
			pts = append(pts, villageSeats[m])
		}
		for _, e := range network(pts, 1.15) {
			class, zoom := "road_secondary", 11
			if e[0] == 0 {
				class, zoom = "road_primary", 9
			}
			add(class, zoom, curve(pts[e[0]], pts[e[1]], 0.5), "", "")
		}
	}
	rail := curve([2]float64{97, 44}, [2]float64{46, 35}, 2)
	rail = append(rail, curve([2]float64{46, 35}, [2]float64{20, -2}, 3)...)
	add("rail", 8, rail, "", "")
	return out
}

// onLand cuts a line where it would run into the sea; rivers are bridged.
func (t *terrain) onLand(points [][2]float64) [][][2]float64 {
	var parts [][][2]float64
	var part [][2]float64
	for _, p := range points {
		if i, ok := pixelAt(p[0], p[1]); ok && t.land[i] {
			part = append(part, p)
			continue
		}
		if len(part) > 2 {
			parts = append(parts, part)
		}
		part = nil
	}
	if len(part) > 1 {
		parts = append(parts, part)
	}
	return parts
}

// network joins points by their least spanning tree and by those further pairs that it would make walk more than
// detour times as far, the nearest neighbours only.
func network(p [][2]float64, detour float64) [][2]int {
	type edge struct {
		a, b int
		d    float64
	}
	var all []edge
	for i := range p {
		for j := range i {
			all = append(all, edge{j, i, math.Hypot(p[i][0]-p[j][0], p[i][1]-p[j][1])})
		}
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].d != all[j].d {
			return all[i].d < all[j].d
		}
		return all[i].a*len(p)+all[i].b < all[j].a*len(p)+all[j].b
	})
	far := make([][]float64, len(p))
	for i := range far {
		far[i] = make([]float64, len(p))
		for j := range far[i] {
			if i != j {
				far[i][j] = math.Inf(1)
			}
		}
	}
	var out [][2]int
	for _, e := range all {
		if far[e.a][e.b] <= e.d*detour+e.d*0.75 {
			continue
		}
		out = append(out, [2]int{e.a, e.b})
		for i := range far {
			for j := range far {
				far[i][j] = min(far[i][j], far[i][e.a]+e.d+far[e.b][j], far[i][e.b]+e.d+far[e.a][j])
			}
		}
	}
	return out
}

// streets fills the built-up part of each village with a grid of streets of its own direction.
func (t *terrain) streets(label raster, gridOf []int32, seats [][2]float64) ([]street, []Feature) {
	var list []street
	var out []Feature
	for v, c := range seats {
		r := source(t.seed, "streets", uint64(v))
		angle := r.Float64() * math.Pi / 2
		sin, cos := math.Sincos(angle)
		step := 0.12 + 0.07*r.Float64()
		named := 0
		for _, turn := range []bool{false, true} {
			for k := -14; k <= 14; k++ {
				run := t.run(label, gridOf, int32(v), c, float64(k)*step*(1+0.6*b2f(turn)), sin, cos, turn)
				for _, s := range run {
					zh, en := streetName(v, named, r)
					named++
					list = append(list, pieces(s, label, len(out))...)
					out = append(out, Feature{Class: "road_street", MinZoom: 13, Name: zh, NameEn: en, Shape: line([][2]float64{s[0], s[1]})})
				}
			}
		}
	}
	return list, out
}

func b2f(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// run is where one line of the street grid stays on dense, dry ground of its village.
func (t *terrain) run(label raster, gridOf []int32, v int32, c [2]float64, offset, sin, cos float64, turn bool) [][2][2]float64 {
	var out [][2][2]float64
	var from, last [2]float64
	open := false
	const stepKm = 0.05
	for s := -1.7; s <= 1.7; s += stepKm {
		u, w := s, offset
		if turn {
			u, w = offset, s
		}
		p := [2]float64{c[0] + u*cos - w*sin, c[1] + u*sin + w*cos}
		i, ok := pixelAt(p[0], p[1])
		fits := ok && label[i] >= 0 && gridOf[label[i]] == v && t.dense[i] > 0.10 && !t.water[i]
		switch {
		case fits && !open:
			from, open = p, true
		case !fits && open:
			if math.Hypot(last[0]-from[0], last[1]-from[1]) > 0.2 {
				out = append(out, [2][2]float64{from, last})
			}
			open = false
		}
		last = p
	}
	if open && math.Hypot(last[0]-from[0], last[1]-from[1]) > 0.2 {
		out = append(out, [2][2]float64{from, last})
	}
	return out
}

// pieces cuts a street where it passes from one grid to another.
func pieces(s [2][2]float64, label raster, name int) []street {
	var out []street
	n := max(1, int(math.Hypot(s[1][0]-s[0][0], s[1][1]-s[0][1])/0.06))
	at := func(i int) [2]float64 {
		f := float64(i) / float64(n)
		return [2]float64{s[0][0] + (s[1][0]-s[0][0])*f, s[0][1] + (s[1][1]-s[0][1])*f}
	}
	for i := range n {
		a, b := at(i), at(i+1)
		p, ok := pixelAt((a[0]+b[0])/2, (a[1]+b[1])/2)
		if !ok || label[p] < 0 {
			continue
		}
		if k := len(out) - 1; k >= 0 && out[k].grid == label[p] && out[k].b == a {
			out[k].b = b
			continue
		}
		out = append(out, street{a, b, label[p], name})
	}
	return out
}

func streetName(v, n int, r *rand.Rand) (zh, en string) {
	h := heads[(v*7+n*3)%len(heads)]
	k := []name{{"和路", "he Road"}, {"兴街", "xing Street"}, {"安路", "an Road"}, {"富街", "fu Street"}, {"民路", "min Road"}, {"景巷", "jing Lane"}}[r.IntN(6)]
	return h.zh + k.zh, h.en + k.en
}
