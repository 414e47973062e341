package alert

import (
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
)

// maxRadius bounds a circle, in kilometres: the error of the drawn ring is stated up to here.
const maxRadius = 1000

func (r *reading) area(at string, in *Info) error {
	field := fmt.Sprintf("%sarea[%d].", at, len(in.Areas))
	var a Area
	err := r.each(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "areaDesc":
			return r.words(field+"areaDesc", &a.Description)
		case "polygon":
			return r.shape(field+"polygon", &a, polygon)
		case "circle":
			return r.shape(field+"circle", &a, circle)
		case "geocode":
			return r.value(field+"geocode", &a.Geocodes)
		case "altitude", "ceiling":
			return r.skip()
		}
		r.m.unspecified = true
		return r.skip()
	})
	if err != nil {
		return err
	}
	if r.m.areas++; r.m.areas > maxAreas {
		r.fault(layers.Invalid(field+"areaDesc", "is one of more than %d areas", maxAreas))
		return nil
	}
	in.Areas = append(in.Areas, a)
	return nil
}

func (r *reading) shape(field string, a *Area, read func(*Message, *Area, string) string) error {
	text, err := r.text(field, maxShape)
	if err != nil {
		return r.soft(err)
	}
	if r.m.shapes++; r.m.shapes > maxShapes {
		r.fault(layers.Invalid(field, "is one of more than %d polygons and circles", maxShapes))
		return nil
	}
	if text == "" {
		return nil // an empty element says nothing
	}
	if wrong := read(r.m, a, text); wrong != "" {
		r.fault(layers.Invalid(field, "%s", wrong))
	}
	return nil
}

// polygon reads "lat,lon lat,lon …", closed, on WGS 84.
func polygon(m *Message, a *Area, text string) string {
	pairs := strings.Fields(text)
	if m.vertices += len(pairs); m.vertices > maxVertices {
		return fmt.Sprintf("is of more than %d vertices with those before", maxVertices)
	}
	ring := make(orb.Ring, 0, len(pairs)+1)
	for _, pair := range pairs {
		p, ok := position(pair)
		if !ok {
			return "holds what is no pair of latitude and longitude in degrees"
		}
		ring = append(ring, p)
	}
	if len(ring) > 0 && ring[0] != ring[len(ring)-1] {
		ring = append(ring, ring[0])
		m.Notes = append(m.Notes, "a polygon that was not closed was closed")
	}
	if len(ring) < 4 {
		return "has less than four positions"
	}
	mp, ok := geo.Split(ring)
	if !ok {
		return "goes around a pole, which no map here can show"
	}
	a.Polygons = append(a.Polygons, mp...)
	return ""
}

// circle reads "lat,lon radius", the radius in kilometres.
func circle(m *Message, a *Area, text string) string {
	center, radius, _ := strings.Cut(text, " ")
	p, ok := position(center)
	km, err := strconv.ParseFloat(strings.TrimSpace(radius), 64)
	switch {
	case !ok || err != nil || math.IsNaN(km) || km < 0:
		return "is not a latitude and longitude in degrees and a radius in kilometres"
	case km > maxRadius:
		return fmt.Sprintf("has a radius of more than %d km", maxRadius)
	case km == 0:
		a.Points = append(a.Points, p)
		return ""
	}
	if m.vertices += geo.CircleEdges; m.vertices > maxVertices {
		return fmt.Sprintf("is of more than %d vertices with those before", maxVertices)
	}
	mp, ok := geo.Split(geo.Circle(geo.WGS84{Lon: p[0], Lat: p[1]}, km*1000))
	if !ok {
		return "goes around a pole, which no map here can show"
	}
	a.Polygons = append(a.Polygons, mp...)
	return ""
}

func position(pair string) (orb.Point, bool) {
	first, second, ok := strings.Cut(pair, ",")
	lat, err1 := strconv.ParseFloat(first, 64)
	lon, err2 := strconv.ParseFloat(second, 64)
	if !ok || err1 != nil || err2 != nil || !(lat >= -90 && lat <= 90) || !(lon >= -180 && lon <= 180) {
		return orb.Point{}, false
	}
	return orb.Point{lon, lat}, true
}

// foreign are lists of codes whose numbers could be taken for division codes.
var foreign = []string{"SAME", "FIPS", "UGC", "NUTS", "EMMA"}

// PlaceCode is the code of the place that a geocode names, 12 or 15 digits, when it is a division code: whole, or cut
// after the county or the town.
func PlaceCode(v Value) (string, bool) {
	code := v.Value
	for _, c := range code {
		if c < '0' || c > '9' {
			return "", false
		}
	}
	switch len(code) {
	case 12, 15:
		return code, true
	case 6, 9:
		for _, list := range foreign {
			if strings.Contains(strings.ToUpper(v.Name), list) {
				return "", false
			}
		}
		return code + "000000000000"[:12-len(code)], true
	}
	return "", false
}
