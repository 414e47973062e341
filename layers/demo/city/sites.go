package city

import (
	"fmt"
	"math"

	"github.com/paulmach/orb"

	"onepicture/geo"
)

// SiteClass is what the generator must know of a class of sites.
type SiteClass struct {
	Code, Name, Group string
	Rate              float64 // relative frequency
}

// Site is an invented key site. ID counts from 1.
type Site struct {
	ID      int64
	Class   int // index among the classes
	Name    string
	Address string
	Shape   orb.Geometry
	Anchor  orb.Point
	Status  int16
	Grid    int
}

// Sites are about n sites of the given classes: shops where people are, factories and hazards where industry is, and
// the reservoirs, ponds and parks of the base map as areas.
func (c *City) Sites(n int, classes []SiteClass) []Site {
	r := source(c.Seed, "sites", 0)
	byPeople, byIndustry := make([]float64, grids), make([]float64, grids)
	var people, industry float64
	for g := range grids {
		if len(c.pixels[g]) > 0 {
			p := c.Grid(g)
			people += math.Pow(p.People, 0.9)
			industry += p.Industry * math.Sqrt(p.People)
		}
		byPeople[g], byIndustry[g] = people, industry
	}
	total := 0.0
	for _, k := range classes {
		total += k.Rate
	}
	var out []Site
	for i, k := range classes {
		count := int(math.Round(float64(n) * k.Rate / total))
		switch k.Code {
		case "reservoir", "pond", "park":
			out = append(out, c.areas(i, k.Code)...)
			continue
		}
		for j := range max(count, 1) {
			where := byPeople
			sum := people
			if k.Group == "hazard" || k.Code == "factory" || k.Code == "warehouse" || k.Code == "dormitory" || k.Code == "logistics" {
				where, sum = byIndustry, industry
			}
			g := pick(where, r.Float64()*sum)
			x, y, street := c.spot(r, g)
			s := Site{Class: i, Anchor: lonLat(x, y), Grid: g, Status: 1, Address: c.Grid(g).Name}
			s.Shape = s.Anchor
			if street >= 0 {
				s.Address = fmt.Sprintf("%s%d号", c.names[street], 1+r.IntN(180))
			}
			s.Name = c.siteName(r.IntN(len(heads)*len(tails)), k.Name, j)
			if r.IntN(40) == 0 {
				s.Status = 2
			}
			out = append(out, s)
		}
	}
	for i := range out {
		out[i].ID = int64(i + 1)
	}
	return out
}

func (c *City) siteName(n int, class string, j int) string {
	h, t := heads[n%len(heads)], tails[n/len(heads)%len(tails)]
	if j < len(heads)*len(tails) {
		return h.zh + t.zh + class
	}
	return fmt.Sprintf("%s%s第%d%s", h.zh, t.zh, 2+j/(len(heads)*len(tails)), class)
}

// areas takes lakes and parks from the base map.
func (c *City) areas(class int, code string) []Site {
	var out []Site
	for _, f := range c.Base {
		p, ok := f.Shape.(orb.Polygon)
		if !ok {
			continue
		}
		size := geo.AreaM2(orb.MultiPolygon{p})
		fits := f.Class == "water" && code == "reservoir" && size >= 300_000 && size < 8_000_000 ||
			f.Class == "water" && code == "pond" && size < 300_000 ||
			f.Class == "green" && f.MinZoom > 0 && code == "park" && size < 3_000_000
		label, found := geo.LabelPoint(orb.MultiPolygon{p})
		if !fits || !found {
			continue
		}
		g := c.GridAt(label)
		if g < 0 {
			continue
		}
		kind := map[string]string{"reservoir": "水库", "pond": "山塘", "park": "公园"}[code]
		out = append(out, Site{
			Class: class, Name: c.siteName(len(out)*37+5, kind, len(out)), Shape: p, Anchor: label, Status: 1, Grid: g,
			Address: c.Grid(g).Name,
		})
	}
	return out
}

// GridAt is the grid of a location by the pixels, −1 at sea; near a border the smoothed boundary may differ.
func (c *City) GridAt(p orb.Point) int {
	i, ok := pixelAt((p[0]-westLon)*kmPerLon, (northLat-p[1])*kmPerLat)
	if !ok {
		return -1
	}
	return int(c.label[i])
}
