package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
)

// Sources are the feeds of the deployment.
type Sources struct {
	Sources []Source `json:"sources"`
}

// Source is a feed with what it promised and when it last delivered.
type Source struct {
	Code string `json:"code"`
	Named
	Department     Maybe[Named] `json:"department"`
	Kind           string       `json:"kind"`
	CadenceSeconds *int64       `json:"cadenceSeconds" doc:"Promised interval; null: none"`
	LastAt         *time.Time   `json:"lastAt"`
	Late           bool         `json:"late"`
	Synthetic      bool         `json:"synthetic"`
}

func (s *Server) sourceRoutes(a huma.API) {
	handle(a, get("sources", "/api/sources", "The data sources and how fresh they are"), s, s.sources)
}

func (s *Server) sources(context.Context, layers.Scope, *struct{}) (*body[Sources], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	out := Sources{Sources: []Source{}}
	for _, x := range w.Sources {
		v := Source{
			Code: x.Code, Named: Named{x.Name, x.NameEn}, Department: department(w.Catalogue, x.DepartmentID), Kind: x.Kind,
			LastAt: maybeTime(x.LastAt), Late: x.Late(s.Now()), Synthetic: x.Synthetic,
		}
		if x.Cadence > 0 {
			seconds := int64(x.Cadence / time.Second)
			v.CadenceSeconds = &seconds
		}
		out.Sources = append(out.Sources, v)
	}
	slices.SortFunc(out.Sources, func(a, b Source) int { return cmp.Compare(a.Code, b.Code) })
	return &body[Sources]{out}, nil
}
