package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"onepicture/layers/filter"
	"onepicture/layers/tile"
)

// Document is the OpenAPI 3.1 document of the server, made without one: the client's types come from it. The same
// program gives the same bytes.
func Document() ([]byte, error) {
	gin.SetMode(gin.ReleaseMode)
	a := humagin.New(gin.New(), humaConfig(documentVersion))
	new(Server).register(a)
	b, err := json.Marshal(a.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("write the API's document: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return nil, fmt.Errorf("write the API's document: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// documentVersion stands in the checked-in document, which must not change with each build.
const documentVersion = "1"

// describe adds the routes that are not JSON to the document: tiles and the stream.
func describe(a huma.API) {
	text, whole := &huma.Schema{Type: "string"}, &huma.Schema{Type: "integer"}
	longest := filter.MaxBytes
	condition := &huma.Schema{Type: "string", MaxLength: &longest}
	path := func(name, doc string, of *huma.Schema) *huma.Param {
		return &huma.Param{Name: name, In: "path", Required: true, Description: doc, Schema: of}
	}
	other := func(in, name, doc string) *huma.Param {
		return &huma.Param{Name: name, In: in, Description: doc, Schema: text}
	}
	problem := &huma.Response{Description: "A problem", Content: map[string]*huma.MediaType{
		"application/problem+json": {Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}}}}
	add := func(id, at, summary, description, kind string, answers map[string]string, parameters ...*huma.Param) {
		op := get(id, at, summary)
		op.Description, op.Parameters, op.Responses = description, parameters, map[string]*huma.Response{"default": problem}
		for status, words := range answers {
			op.Responses[status] = &huma.Response{Description: words}
		}
		op.Responses["200"].Content = map[string]*huma.MediaType{kind: {}}
		a.OpenAPI().AddOperation(&op)
	}
	sets := path("layers", fmt.Sprintf("Codes of at most %d thematic layers with commas between, or base, or places", tile.MaxLayers), text)
	add("tilejson", "/tiles/{layers}.json", "What a set of tiles holds", "TileJSON 3.0.", "application/json",
		map[string]string{"200": "The description"}, sets)
	add("tile", "/tiles/{layers}/{z}/{x}/{y}.mvt", "A vector tile",
		"One MVT layer a code: cells with n where there is much, features where there is little.", tileType,
		map[string]string{"200": "The tile", "204": "An empty tile", "304": "The tile has not changed"}, sets,
		path("z", "Zoom", whole), path("x", "Column", whole), path("y", "Row from the north", whole),
		&huma.Param{Name: "filter", In: "query", Description: "CQL2 text over the properties of the layers' kind", Schema: condition},
		other("query", "from", "RFC 3339: only what is of this time or later"), other("query", "to", "RFC 3339: only what is earlier"),
		other("query", "at", "RFC 3339, counted in minutes: only events that were open then; their status is not told"),
		other("header", "If-None-Match", "ETag of the tile that is there already"))
	add("photo", "/api/photos/{id}/{size}", "A photo of an event", "Always a JPEG that the server has drawn anew.", "image/jpeg",
		map[string]string{"200": "The picture", "304": "It is there already"}, path("id", "The photo's", whole),
		path("size", "large (1,600 pixels a side) or small (320)", text))
	a.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "photo-part", Method: http.MethodPatch, Path: "/api/photos/{upload}/part", Summary: "Send a part of a photo",
		Description: "What has come when a connection breaks is kept. With the last byte the photo is checked and shown.",
		Parameters: []*huma.Param{path("upload", "From the photo's start", text),
			{Name: "offset", In: "query", Required: true, Description: "Bytes that are there already", Schema: whole}},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/octet-stream": {}}},
		Responses: map[string]*huma.Response{"default": problem, "200": {Description: "How far it has come",
			Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Ref: "#/components/schemas/PhotoUpload"}}}}},
	})
	add("stream", streamRoute, "Every change as it is committed",
		"Server-sent events: change, position (at least every 5 s), reset (load everything again). In gzip for clients that take it.", "text/event-stream",
		map[string]string{"200": "The events"}, other("query", "after", "Position after which to begin"),
		other("header", "Last-Event-ID", "Position after which to go on"))
}
