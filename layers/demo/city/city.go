package city

import (
	"github.com/paulmach/orb"
)

// City is the invented city without its people: the same for every number of them.
type City struct {
	Seed   uint64
	Places []Place // city, towns, villages, grids, in that order
	Base   []Feature

	terrain   *terrain
	label     raster // grid number by pixel
	firstGrid int
	streets   [][]street // by grid
	names     []string   // of streets
	pixels    [][]int32  // by grid: dry pixels, to fall back on where there is no street
	shares    []float64  // by grid: cumulative share of the people
}

// Generate invents the city of a seed; some seconds.
func Generate(seed uint64) *City {
	t := newTerrain(seed)
	c := &City{Seed: seed, terrain: t}
	c.Places, c.label, c.firstGrid = t.places()
	gridOf, villageOf := make([]int32, grids), make([]int32, villages)
	firstVillage := 1 + towns
	seats := make([][2]float64, villages)
	for i := range grids {
		gridOf[i] = int32(c.Places[c.firstGrid+i].Parent - firstVillage)
	}
	for i := range villages {
		p := &c.Places[firstVillage+i]
		villageOf[i] = int32(p.Parent - 1)
		seats[i] = t.busiest(p.Shape, p.Label)
	}
	industry := make([]float64, grids)
	for i := range industry {
		industry[i] = c.Grid(i).Industry
	}
	c.Base = t.ground(industry, c.label)
	c.Base = append(c.Base, t.roads(seats, villageOf)...)
	streets, features := t.streets(c.label, gridOf, seats)
	c.streets = make([][]street, grids)
	for _, s := range streets {
		c.streets[s.grid] = append(c.streets[s.grid], s)
	}
	for _, f := range features {
		c.names = append(c.names, f.Name)
	}
	c.Base = append(c.Base, features...)
	c.pixels = make([][]int32, grids)
	for i, l := range c.label {
		if l >= 0 && !t.water[i] {
			c.pixels[l] = append(c.pixels[l], int32(i))
		}
	}
	sum := 0.0
	for i := range grids {
		if len(c.pixels[i]) > 0 {
			sum += c.Grid(i).People
		}
		c.shares = append(c.shares, sum)
	}
	return c
}

// Grids is the number of grids.
func (c *City) Grids() int { return grids }

// Grid is the place of a grid's number.
func (c *City) Grid(i int) *Place { return &c.Places[c.firstGrid+i] }

// PlaceIndex is the index among Places of a grid's number.
func (c *City) PlaceIndex(grid int) int { return c.firstGrid + grid }

// busiest is the densest spot near the label of a village.
func (t *terrain) busiest(shape orb.MultiPolygon, label orb.Point) [2]float64 {
	x, y := (label[0]-westLon)*kmPerLon, (northLat-label[1])*kmPerLat
	best, most := [2]float64{x, y}, float32(-1)
	for dx := -0.5; dx <= 0.5; dx += 0.1 {
		for dy := -0.5; dy <= 0.5; dy += 0.1 {
			if i, ok := pixelAt(x+dx, y+dy); ok && t.dense[i] > most {
				best, most = [2]float64{x + dx, y + dy}, t.dense[i]
			}
		}
	}
	return best
}
