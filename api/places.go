package api

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/geo"
	"onepicture/layers"
)

// PlaceDetail is a place with its size.
type PlaceDetail struct {
	PlaceRef
	AreaKm2 *float64 `json:"areaKm2" doc:"Of the boundary; null when only the code is known"`
}

// PlaceView is a place with what is above and below it.
type PlaceView struct {
	Place    PlaceDetail   `json:"place"`
	Path     []PlaceRef    `json:"path" doc:"From the root down to the place, itself included"`
	Children []PlaceDetail `json:"children"`
}

// PlaceHit is a place that was searched for.
type PlaceHit struct {
	PlaceRef
	Path string `json:"path" doc:"The places above it" example:"云东市 › 望江镇"`
}

// PlaceSearch is the answer to either question about places.
type PlaceSearch struct {
	Path   []PlaceRef `json:"path" doc:"For at: from the root down to the deepest place there"`
	Places []PlaceHit `json:"places" doc:"For q: best first"`
}

type placeInput struct {
	Code string `path:"code" maxLength:"20" doc:"Statistical division code, or all: everything that the server holds"`
}

type placesInput struct {
	At    string `query:"at" maxLength:"60" doc:"lon,lat in WGS 84: which places are there" example:"113.75,23.04"`
	Q     string `query:"q" maxLength:"60" doc:"Part of a name in either language, or the beginning of a code"`
	Limit int    `query:"limit" minimum:"1" maximum:"50" default:"10"`
}

func (s *Server) placeRoutes(a huma.API) {
	handle(a, get("place", "/api/places/{code}", "A place, the way to it and what is directly below"), s, s.place)
	handle(a, get("places", "/api/places", "Find places by location or by name"), s, s.places)
}

func (s *Server) place(_ context.Context, _ layers.Scope, in *placeInput) (*body[PlaceView], error) {
	snap, err := s.snapshot()
	if err != nil {
		return nil, err
	}
	t := snap.Tree()
	p, err := s.lookUp(t, in.Code)
	if err != nil {
		return nil, err
	}
	v := PlaceView{Place: placeDetail(p), Path: placeRefs(s.wayTo(t, p)), Children: []PlaceDetail{}}
	if p.ID == 0 {
		v.Place.Bounds = wholeBounds(t)
	}
	for _, child := range t.Children(p.ID) {
		v.Children = append(v.Children, placeDetail(child))
	}
	return &body[PlaceView]{v}, nil
}

func (s *Server) places(_ context.Context, _ layers.Scope, in *placesInput) (*body[PlaceSearch], error) {
	snap, err := s.snapshot()
	if err != nil {
		return nil, err
	}
	found := PlaceSearch{Path: []PlaceRef{}, Places: []PlaceHit{}}
	switch {
	case (in.At == "") == (in.Q == ""):
		return nil, layers.Invalid("q", "or at is needed, not both: a text to search, or lon,lat")
	case in.At != "":
		lon, lat, err := parseLonLat(in.At)
		if err != nil {
			return nil, err
		}
		found.Path = placeRefs(snap.Tree().Path(s.Store.PlaceAt(lon, lat)))
	default:
		found.Places = search(snap.Tree(), in.Q, in.Limit)
	}
	return &body[PlaceSearch]{found}, nil
}

func placeDetail(p *layers.Place) PlaceDetail {
	d := PlaceDetail{PlaceRef: placeRef(p)}
	if p.HasShape {
		km2 := p.AreaM2 / 1e6
		d.AreaKm2 = &km2
	}
	return d
}

func parseLonLat(text string) (lon, lat float64, err error) {
	a, b, ok := strings.Cut(text, ",")
	lon, err1 := strconv.ParseFloat(strings.TrimSpace(a), 64)
	lat, err2 := strconv.ParseFloat(strings.TrimSpace(b), 64)
	if !ok || err1 != nil || err2 != nil || geo.ValidLonLat(lon, lat) != nil {
		return 0, 0, layers.Invalid("at", "is not lon,lat in degrees, such as 113.75,23.04")
	}
	return lon, lat, nil
}

// search looks through all names (4,000 places: under a millisecond). Names that begin with the text come first, then
// larger places, then by code.
func search(t *layers.Tree, text string, limit int) []PlaceHit {
	text = strings.ToLower(strings.TrimSpace(text))
	hits := []PlaceHit{}
	if text == "" {
		return hits
	}
	type match struct {
		place *layers.Place
		rank  int
	}
	var found []match
	for o := range int32(t.Len()) {
		p := t.At(o)
		name, english := strings.ToLower(p.Name), strings.ToLower(p.NameEn)
		switch {
		case name == text || english == text || p.Code == text:
			found = append(found, match{p, 0})
		case strings.HasPrefix(name, text) || strings.HasPrefix(english, text):
			found = append(found, match{p, 1})
		case strings.Contains(name, text) || strings.Contains(english, text):
			found = append(found, match{p, 2})
		case strings.HasPrefix(p.Code, text):
			found = append(found, match{p, 3})
		}
	}
	slices.SortStableFunc(found, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.place.Level, b.place.Level), cmp.Compare(a.place.Code, b.place.Code))
	})
	for _, m := range found[:min(limit, len(found))] {
		path := t.Path(m.place.ID)
		hits = append(hits, PlaceHit{placeRef(m.place), joined(path[:len(path)-1], chineseName)})
	}
	return hits
}
