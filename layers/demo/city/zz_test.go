package city

import (
	"fmt"
	"github.com/paulmach/orb"
	"os"
	"testing"
	"time"
)

func TestZZ(t *testing.T) {
	s := time.Now()
	c := Generate(1)
	fmt.Println(time.Since(s), len(c.Places), len(c.Base))
	nv := 0
	empty := 0
	for i := range c.Places {
		for _, p := range c.Places[i].Shape {
			for _, r := range p {
				nv += len(r)
			}
		}
		if len(c.Places[i].Shape) == 0 {
			empty++
			fmt.Println("empty", c.Places[i].Level, c.Places[i].Code)
		}
	}
	fmt.Println("vertices", nv, "empty", empty)
	f, _ := os.Create("/tmp/look/city.svg")
	defer f.Close()
	W, H := 1600.0, 1600*heightKm/widthKm
	fmt.Fprintf(f, "<svg xmlns='http://www.w3.org/2000/svg' width='%v' height='%v'><rect width='100%%' height='100%%' fill='#0b1a2b'/>", W, H)
	pt := func(p orb.Point) string {
		return fmt.Sprintf("%.1f,%.1f", (p[0]-westLon)*kmPerLon/widthKm*W, (northLat-p[1])*kmPerLat/heightKm*H)
	}
	ring := func(r []orb.Point) string {
		s := "M"
		for i, p := range r {
			if i > 0 {
				s += "L"
			}
			s += pt(p)
		}
		return s
	}
	col := map[string]string{"land": "#16263a", "water": "#0b1a2b", "green": "#173d33", "farmland": "#1b3340", "landuse_residential": "#2b3a50", "landuse_industrial": "#37344f"}
	rc := map[string]string{"road_motorway": "#d9a05b;2", "road_trunk": "#9aa7b5;1.2", "road_primary": "#7d8b9a;.8", "road_secondary": "#5d6b7a;.5", "road_street": "#45525f;.3", "waterway": "#0b1a2b;2", "rail": "#888;1"}
	for _, x := range c.Base {
		switch g := x.Shape.(type) {
		case orb.Polygon:
			d := ""
			for _, r := range g {
				d += ring(r) + "Z"
			}
			fmt.Fprintf(f, "<path d='%s' fill='%s' fill-rule='evenodd'/>", d, col[x.Class])
		case orb.LineString:
			var cc string
			var w string
			fmt.Sscanf(rc[x.Class], "%7s", &cc)
			w = rc[x.Class]
			for i := range w {
				if w[i] == ';' {
					cc = w[:i]
					w = w[i+1:]
					break
				}
			}
			fmt.Fprintf(f, "<path d='%s' fill='none' stroke='%s' stroke-width='%s'/>", ring(g), cc, w)
		}
	}
	for i := range c.Places {
		p := &c.Places[i]
		w := map[uint8]string{1: "2", 2: "1.2", 3: ".4", 4: ".15"}[p.Level]
		for _, q := range p.Shape {
			d := ""
			for _, r := range q {
				d += ring(r) + "Z"
			}
			fmt.Fprintf(f, "<path d='%s' fill='none' stroke='#cfe8ff' stroke-opacity='.6' stroke-width='%s'/>", d, w)
		}
	}
	fmt.Fprint(f, "</svg>")
}
