package tile

import (
	"strings"

	"onepicture/layers"
)

// JSON is a TileJSON 3.0 document (github.com/mapbox/tilejson-spec).
type JSON struct {
	TileJSON     string        `json:"tilejson"`
	Name         string        `json:"name"`
	Tiles        []string      `json:"tiles"`
	MinZoom      int           `json:"minzoom"`
	MaxZoom      int           `json:"maxzoom"`
	Bounds       []float64     `json:"bounds,omitempty"`
	Attribution  string        `json:"attribution,omitempty"`
	VectorLayers []VectorLayer `json:"vector_layers"`
}

// VectorLayer tells of one layer in the tiles which fields its features may have.
type VectorLayer struct {
	ID          string            `json:"id"`
	Description string            `json:"description,omitempty"`
	Fields      map[string]string `json:"fields"`
}

// deepestThematic is the last zoom that is built; beyond it clients stretch tiles.
const deepestThematic = 18

// Describe is the TileJSON of a set of thematic layers, or of a built-in set; origin is like http://127.0.0.1:8080.
func Describe(origin, set string, list []*layers.Layer, bounds []float64) JSON {
	codes := make([]string, len(list))
	doc := JSON{TileJSON: "3.0.0", Name: set, MaxZoom: deepestThematic, Bounds: bounds, VectorLayers: []VectorLayer{}}
	for i, l := range list {
		codes[i] = l.Code
		doc.VectorLayers = append(doc.VectorLayers, VectorLayer{ID: l.Code, Description: l.Name, Fields: fieldsOf(l.Kind)})
	}
	path := strings.Join(codes, ",")
	named := map[string]string{"name": "String", "name_en": "String", "class": "String"}
	switch set {
	case Base:
		path, doc.MaxZoom = set, 16
		for _, id := range []string{"land", "water", "waterway", "green", "landuse", "road", "rail", "building"} {
			doc.VectorLayers = append(doc.VectorLayers, VectorLayer{ID: id, Fields: named})
		}
	case Places:
		path, doc.MaxZoom = set, 16
		fields := map[string]string{"code": "String", "level": "Number", "name": "String", "name_en": "String"}
		doc.VectorLayers = append(doc.VectorLayers, VectorLayer{ID: "place", Fields: fields}, VectorLayer{ID: "place_label", Fields: fields})
	default:
		doc.Name = path
	}
	doc.Tiles = []string{origin + "/tiles/" + path + "/{z}/{x}/{y}.mvt"}
	return doc
}

func fieldsOf(kind layers.Kind) map[string]string {
	f := map[string]string{"n": "Number", "cell": "Number"}
	switch kind {
	case layers.KindSite:
		f["name"], f["class"], f["status"] = "String", "String", "String"
	case layers.KindEvent:
		f["name"], f["category"], f["status"], f["item"] = "String", "String", "String", "String"
		f["level"], f["due"], f["at"] = "Number", "Number", "Number"
	}
	return f
}
