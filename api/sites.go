package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
)

// SiteDetail is a key site whole.
type SiteDetail struct {
	ID          int64                      `json:"id"`
	Name        string                     `json:"name"`
	Class       string                     `json:"class"`
	ClassName   string                     `json:"className"`
	ClassNameEn string                     `json:"classNameEn"`
	Status      string                     `json:"status" enum:"planned,open,suspended,closed"`
	Address     *string                    `json:"address"`
	Attributes  map[string]json.RawMessage `json:"attributes"`
	Lon         float64                    `json:"lon"`
	Lat         float64                    `json:"lat"`
	Place       Maybe[PlaceRef]            `json:"place"`
	PlacePath   string                     `json:"placePath"`
	PlacePathEn string                     `json:"placePathEn"`
	Source      Named                      `json:"source"`
	UpdatedAt   time.Time                  `json:"updatedAt"`
	Position    string                     `json:"position" doc:"Of its last change"`
}

func (s *Server) siteRoutes(a huma.API) {
	one := get("site", "/api/sites/{id}", "A key site")
	one.Errors = []int{http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	handle(a, one, s, s.site)
}

func (s *Server) site(ctx context.Context, scope layers.Scope, in *idInput) (*body[SiteDetail], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	t, err := s.Store.Site(ctx, scope, in.ID)
	if err != nil {
		return nil, err
	}
	v := SiteDetail{
		ID: t.ID, Name: t.Name, Status: codeAt(layers.SiteStatuses[:], t.Status), Address: maybeString(t.Address),
		Attributes: attributes(t.Attributes), Lon: round(t.Point[0]), Lat: round(t.Point[1]),
		Place: maybePlace(w.Tree, t.Place), PlacePath: placePath(w.Tree, t.Place), PlacePathEn: placePathEn(w.Tree, t.Place), Source: Named{t.Source, t.SourceEn},
		UpdatedAt: utc(t.UpdatedAt), Position: t.Position.String(),
	}
	if c := w.Catalogue.Class(layers.KindSite, t.Class); c != nil {
		v.Class, v.ClassName, v.ClassNameEn = c.Code, c.Name, c.NameEn
	}
	return &body[SiteDetail]{v}, nil
}
