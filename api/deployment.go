package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
)

// Deployment says what this server shows.
type Deployment struct {
	Named
	Zone      string        `json:"zone" doc:"IANA time zone in which times are shown and days counted"`
	Synthetic bool          `json:"synthetic" doc:"Some of the data is invented"`
	Version   string        `json:"version"`
	Roots     []string      `json:"roots" doc:"Codes of the places that are in no other"`
	Home      string        `json:"home" doc:"Code of the place that a page opens with: the lowest that holds all that the reader looks after, or may count; all above several roots"`
	Bounds    Maybe[Bounds] `json:"bounds"`
	Access    string        `json:"access" enum:"accounts" doc:"Who is let in"`
	Threshold int           `json:"threshold" doc:"Smaller counts of people, except 0, are not told"`
	Position  string        `json:"position"`
	AsOf      time.Time     `json:"asOf"`
	Statuses  []string      `json:"statuses"`
	Channels  []string      `json:"channels"`
}

func (s *Server) deploymentRoutes(a huma.API) {
	handle(a, get("deployment", "/api/deployment", "What this server shows"), s, s.deployment)
}

func (s *Server) deployment(_ context.Context, scope layers.Scope, _ *struct{}) (*body[Deployment], error) {
	snap, err := s.snapshot()
	if err != nil {
		return nil, err
	}
	w := s.Store.World()
	d := Deployment{
		Named: Named{w.Deployment.Name, w.Deployment.NameEn}, Zone: w.Deployment.Zone.String(),
		Synthetic: w.Deployment.Synthetic, Version: s.Version, Roots: []string{}, Home: ownHome(snap.Tree(), scope), Access: "accounts",
		Threshold: scope.Threshold, Position: snap.Position().String(), AsOf: utc(snap.At()),
		Statuses: layers.Statuses[:], Channels: layers.Channels[:],
	}
	for _, source := range w.Sources {
		d.Synthetic = d.Synthetic || source.Synthetic
	}
	for _, id := range snap.Tree().Roots() {
		d.Roots = append(d.Roots, snap.Tree().Place(id).Code)
	}
	d.Bounds = wholeBounds(snap.Tree())
	return &body[Deployment]{d}, nil
}

// wholeBounds holds all places; null when no boundary is known.
func wholeBounds(t *layers.Tree) Maybe[Bounds] {
	var whole Maybe[Bounds]
	for o := range int32(t.Len()) {
		p := t.At(o)
		switch {
		case !p.HasShape:
		case whole.value == nil:
			whole = Some(boundsOf(p.Bound))
		default:
			b := whole.value
			b[0], b[1] = min(b[0], p.Bound.Min[0]), min(b[1], p.Bound.Min[1])
			b[2], b[3] = max(b[2], p.Bound.Max[0]), max(b[3], p.Bound.Max[1])
		}
	}
	return whole
}
