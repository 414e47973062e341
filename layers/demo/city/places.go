package city

import (
	"fmt"
	"math"
	"sort"

	"github.com/paulmach/orb"

	"onepicture/geo"
)

// Place is one unit of the invented tree.
type Place struct {
	Code         string
	Level        uint8 // 1 city … 4 grid
	Parent       int   // index among the places; −1 for the city
	Name, NameEn string
	Shape        orb.MultiPolygon
	Label        orb.Point
	AreaM2       float64
	People       float64 // weight: share of the city's people that live there (grids; sums above)
	Industry     float64 // 0…1
}

const (
	villages = 600
	grids    = 3000
	cityCode = "998800" // an unused division; the county's two digits are the city's own
)

// seat is the seed of a village or grid.
type seat struct {
	x, y   float64
	parent int32
}

// divide labels each pixel of land with its grid, and tells the parents of grids and villages.
func (t *terrain) divide() (label raster, gridOf, villageOf []int32) {
	warp := noise{t.seed ^ 7}
	bent := func(x, y float64) (float64, float64) {
		return x + 2.6*warp.fractal(x, y, 9, 6), y + 2.6*warp.fractal(x+500, y, 9, 6)
	}
	town := newRaster()
	for i := range town {
		if !t.land[i] {
			continue
		}
		x, y := bent(middle(i))
		best := math.MaxFloat64
		for k, c := range t.centres {
			reach := 1.0
			if k < 4 {
				reach = 1.25 // the inner towns are small and dense
			}
			if d := math.Hypot(c.x-x, c.y-y) * reach; d < best {
				best, town[i] = d, int32(k)
			}
		}
	}
	villageSeats := t.seats(town, towns, villages, "villages")
	village := t.nearest(town, villageSeats, towns, bent)
	gridSeats := t.seats(village, villages, grids, "grids")
	label = t.nearest(village, gridSeats, villages, bent)
	gridOf, villageOf = make([]int32, len(gridSeats)), make([]int32, len(villageSeats))
	for i, s := range gridSeats {
		gridOf[i] = s.parent
	}
	for i, s := range villageSeats {
		villageOf[i] = s.parent
	}
	label.clean(9, func(a, b int32) bool { return gridOf[a] == gridOf[b] })
	return label, gridOf, villageOf
}

// seats spreads n seats over the labelled land, at least one in each label, more where people live.
func (t *terrain) seats(label raster, labels, n int, purpose string) []seat {
	pixels := make([][]int, labels)
	weight := make([]float64, labels)
	total := 0.0
	for i, l := range label {
		if l >= 0 {
			pixels[l] = append(pixels[l], i)
			w := 0.012 + math.Pow(float64(t.dense[i]), 0.8)
			weight[l] += w
			total += w
		}
	}
	share := make([]int, labels)
	left := n
	for l := range share {
		share[l] = 1
		left--
	}
	type claim struct {
		label int
		rest  float64
	}
	claims := make([]claim, labels)
	given := 0
	for l := range share {
		want := weight[l] / total * float64(left)
		share[l] += int(want)
		given += int(want)
		claims[l] = claim{l, want - math.Floor(want)}
	}
	sort.SliceStable(claims, func(i, j int) bool { return claims[i].rest > claims[j].rest })
	for i := 0; given < left; i++ {
		share[claims[i%labels].label]++
		given++
	}
	var out []seat
	for l := range labels {
		r := source(t.seed, purpose, uint64(l))
		first := len(out)
		for range share[l] {
			var best seat
			score := -1.0
			for range 24 { // of some candidates the one farthest from the others, in units of local density
				p := pixels[l][r.IntN(len(pixels[l]))]
				x, y := middle(p)
				x, y = x+(r.Float64()-0.5)*pixelKm, y+(r.Float64()-0.5)*pixelKm
				d := 4.0
				for _, o := range out[first:] {
					d = min(d, math.Hypot(o.x-x, o.y-y))
				}
				if s := d * math.Pow(0.03+float64(t.dense[p]), 0.45); s > score {
					best, score = seat{x, y, int32(l)}, s
				}
			}
			out = append(out, best)
		}
	}
	return out
}

// nearest labels each pixel with the nearest seat of its own parent.
func (t *terrain) nearest(parent raster, seats []seat, parents int, bent func(x, y float64) (float64, float64)) raster {
	by := make([][]int32, parents)
	for i, s := range seats {
		by[s.parent] = append(by[s.parent], int32(i))
	}
	bx, byy := make([]float64, len(seats)), make([]float64, len(seats))
	for i, s := range seats {
		bx[i], byy[i] = bent(s.x, s.y)
	}
	out := newRaster()
	for i, p := range parent {
		if p < 0 {
			continue
		}
		x, y := bent(middle(i))
		best := math.MaxFloat64
		for _, s := range by[p] {
			if d := (bx[s]-x)*(bx[s]-x) + (byy[s]-y)*(byy[s]-y); d < best {
				best, out[i] = d, s
			}
		}
	}
	return out
}

// places names and codes the tree and gives each place its exact shape: children tile their parent.
func (t *terrain) places() (list []Place, label raster, firstGrid int) {
	label, gridOf, villageOf := t.divide()
	arcs := label.arcs()
	shapes := func(n int, of func(grid int32) int32) []orb.MultiPolygon {
		return assemble(arcs, func(l int32) int32 {
			if l < 0 {
				return -1
			}
			return of(l)
		}, n)
	}
	city := shapes(1, func(int32) int32 { return 0 })
	townShapes := shapes(towns, func(g int32) int32 { return villageOf[gridOf[g]] })
	villageShapes := shapes(villages, func(g int32) int32 { return gridOf[g] })
	gridShapes := shapes(grids, func(g int32) int32 { return g })

	people, industry := t.weights(label)
	names := newNames(t.seed)
	add := func(p Place, shape orb.MultiPolygon) int {
		p.Shape = shape
		p.Label, _ = geo.LabelPoint(shape)
		p.AreaM2 = geo.AreaM2(shape)
		list = append(list, p)
		return len(list) - 1
	}
	root := add(Place{Code: cityCode + "000000", Level: 1, Parent: -1, Name: "云东市", NameEn: "Yundong"}, city[0])
	townAt := make([]int, towns)
	for i := range towns {
		n := names.town(i)
		townAt[i] = add(Place{Code: fmt.Sprintf("%s%03d000", cityCode, 101+i), Level: 2, Parent: root, Name: n.zh, NameEn: n.en}, townShapes[i])
	}
	villageAt, count := make([]int, villages), make([]int, towns)
	for i := range villages {
		k := villageOf[i]
		count[k]++
		n := names.village(i, t.urban(villageShapes[i]))
		villageAt[i] = add(Place{Code: fmt.Sprintf("%s%03d%03d", cityCode, 101+k, count[k]), Level: 3, Parent: townAt[k], Name: n.zh, NameEn: n.en}, villageShapes[i])
	}
	firstGrid = len(list)
	number := make([]int, villages)
	for i := range grids {
		v := gridOf[i]
		number[v]++
		at := villageAt[v]
		add(Place{
			Code: fmt.Sprintf("%s%03d", list[at].Code, number[v]), Level: 4, Parent: at,
			Name: fmt.Sprintf("%02d网格", number[v]), NameEn: fmt.Sprintf("Grid %02d", number[v]),
			People: people[i], Industry: industry[i],
		}, gridShapes[i])
	}
	for i := len(list) - 1; i > 0; i-- {
		list[list[i].Parent].People += list[i].People
	}
	return list, label, firstGrid
}

func (t *terrain) urban(shape orb.MultiPolygon) bool {
	p, ok := geo.LabelPoint(shape)
	if !ok {
		return false
	}
	i, ok := pixelAt((p[0]-westLon)*kmPerLon, (northLat-p[1])*kmPerLat)
	return ok && t.dense[i] > 0.16
}

// weights are each grid's share of the people, and how much industry there is.
func (t *terrain) weights(label raster) (people, industry []float64) {
	people, industry = make([]float64, grids), make([]float64, grids)
	works := noise{t.seed ^ 8}
	pixels := make([]float64, grids)
	total := 0.0
	for i, l := range label {
		if l < 0 {
			continue
		}
		x, y := middle(i)
		w := math.Pow(float64(t.dense[i]), 1.25)
		people[l] += w
		total += w
		pixels[l]++
		industry[l] += min(max(0.5+1.6*works.fractal(x, y, 8, 3)-1.2*float64(t.dense[i]), 0), 1)
	}
	for i := range people {
		people[i] /= total
		industry[i] /= max(pixels[i], 1)
	}
	return people, industry
}
