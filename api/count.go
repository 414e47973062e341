package api

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/audit"
	"onepicture/layers/filter"
	"onepicture/layers/index"
	"onepicture/layers/store"
)

const countRoute = "/api/count"

// maxCountLayers is how many layers one request may count: all that a kind can have.
const maxCountLayers = 64

// coverLevels is how finely an area is covered (geo.Cover): 500 to 2,000 ranges, of which the border is 1 or 2 %.
const coverLevels = 7

// AreaQuery says what to count where.
type AreaQuery struct {
	Area   Area       `json:"area"`
	Kind   string     `json:"kind,omitempty" enum:"person,site,event" doc:"Default: all kinds"`
	Layers []string   `json:"layers,omitempty" maxItems:"64" doc:"Codes of thematic layers to count beside the kinds; of the kind, when there is one"`
	Filter string     `json:"filter,omitempty" maxLength:"4096" doc:"CQL2 text over the properties of the kind, which must be given; at most 64 comparisons"`
	From   *time.Time `json:"from,omitempty" doc:"Only events reported in that minute or later; the kind must be event"`
	To     *time.Time `json:"to,omitempty" doc:"Only events reported before that minute"`
}

// AreaCounts are the numbers of an area at one position. They agree with tiles and figures of the same position.
type AreaCounts struct {
	Position  string       `json:"position"`
	AsOf      time.Time    `json:"asOf"`
	Threshold int          `json:"threshold"`
	AreaKm2   float64      `json:"areaKm2"`
	Kinds     []KindCount  `json:"kinds"`
	Layers    []LayerCount `json:"layers" doc:"As they were asked for"`
}

// KindCount is how many features of a kind are in an area.
type KindCount struct {
	Kind    string `json:"kind" enum:"person,site,event"`
	Count   *int   `json:"count" doc:"null when it may not be told"`
	Rounded bool   `json:"rounded" doc:"The number is the sum of the released numbers of the places whose label lies in the area; else it is exact"`
	Open    *int   `json:"open" doc:"Of events: those that somebody must still handle; null for other kinds"`
	Overdue *int   `json:"overdue" doc:"Of those: beyond their deadline; null for other kinds"`
}

type countInput struct {
	Body AreaQuery
}

func (s *Server) countRoutes(a huma.API) {
	handle(a, as(huma.Operation{
		OperationID: "count", Method: http.MethodPost, Path: countRoute, Summary: "Count in an area", MaxBodyBytes: maxAreaBody,
		Description: "Counts what lies in a polygon, from memory, at one position. Nothing is written.",
		Errors: []int{
			http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusServiceUnavailable,
		},
	}, audit.Search), s, s.count)
}

func (s *Server) count(ctx context.Context, scope layers.Scope, in *countInput) (*body[AreaCounts], error) {
	snap, err := s.snapshot()
	if err != nil {
		return nil, err
	}
	q, err := readAreaQuery(&in.Body, s.Store.World(), scope, s.Store.Today())
	if err != nil {
		return nil, err
	}
	c := counter{
		areaQuery: q, ctx: ctx, store: s.Store, snap: snap, minute: layers.Minutes(s.Now()), ranges: geo.Cover(q.shape, coverLevels), exact: geo.Prepare(q.shape),
	}
	out := AreaCounts{
		Position: snap.Position().String(), AsOf: utc(snap.At()), Threshold: scope.Threshold,
		AreaKm2: math.Round(geo.AreaM2(q.shape)/100) / 1e4, Kinds: []KindCount{}, Layers: []LayerCount{},
	}
	for _, k := range q.kinds {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out.Kinds = append(out.Kinds, c.kind(k))
	}
	for _, l := range q.layers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		query := c.query(l.Kind)
		query.Layers = 1 << l.Bit
		out.Layers = append(out.Layers, LayerCount{l.Code, c.told(query)})
	}
	return &body[AreaCounts]{out}, nil
}

// areaQuery is a query whose parts have been checked.
type areaQuery struct {
	scope    layers.Scope
	shape    orb.MultiPolygon
	kinds    []layers.Kind
	layers   []*layers.Layer
	filter   *filter.Parts // nil: all
	from, to int32         // minutes; 0: none
}

func readAreaQuery(b *AreaQuery, w *store.World, scope layers.Scope, today time.Time) (q areaQuery, err error) {
	q.scope, q.kinds = scope, layers.Kinds
	if q.shape, err = b.Area.multiPolygon("area"); err != nil {
		return q, err
	}
	kind := layers.Kind(b.Kind)
	switch {
	case kind != "":
		q.kinds = []layers.Kind{kind}
	case b.Filter != "" || b.From != nil || b.To != nil:
		return q, layers.Invalid("kind", "must be given with filter, from or to")
	}
	if q.layers, err = countedLayers(b, w.Catalogue, scope); err != nil {
		return q, err
	}
	if b.Filter != "" {
		if scope.Rounds(kind) {
			return q, unfiltered
		}
		f, err := filter.Parse(kind, b.Filter, w.Catalogue, w.Deployment.Zone)
		if err != nil {
			return q, err
		}
		parts := f.Parts(today)
		q.filter = &parts
	}
	q.from, q.to, err = window(kind, b.From, b.To)
	return q, err
}

func countedLayers(b *AreaQuery, c *layers.Catalogue, scope layers.Scope) (list []*layers.Layer, err error) {
	if len(b.Layers) > maxCountLayers {
		return nil, layers.Invalid("layers", "are more than %d", maxCountLayers)
	}
	for i, code := range b.Layers {
		field := fmt.Sprintf("layers[%d]", i)
		l := c.Layer(code)
		switch {
		case l == nil || l.Kind == layers.KindPlace || scope.Detail(l.Kind) == layers.DetailNone:
			return nil, layers.Invalid(field, "is not the code of a thematic layer")
		case b.Kind != "" && b.Kind != string(l.Kind):
			return nil, layers.Invalid(field, "is not a layer of the kind %s", b.Kind)
		case slices.Contains(list, l):
			return nil, layers.Invalid(field, "names a layer twice")
		}
		list = append(list, l)
	}
	return list, nil
}

// window is a window of time as the index takes it; a window has a beginning before its end, in the years that are
// kept.
func window(kind layers.Kind, from, to *time.Time) (lo, hi int32, err error) {
	if from == nil && to == nil {
		return 0, 0, nil
	}
	if kind != layers.KindEvent {
		return 0, 0, layers.Invalid("kind", "must be event with from or to: only events have a time")
	}
	lo, hi = math.MinInt32, math.MaxInt32
	for _, end := range []struct {
		field string
		at    *time.Time
		to    *int32
	}{{"from", from, &lo}, {"to", to, &hi}} {
		if end.at == nil {
			continue
		}
		if y := end.at.Year(); y < 1971 || y > 2999 {
			return 0, 0, layers.Invalid(end.field, "is not between the years 1971 and 2999")
		}
		*end.to = layers.Minutes(*end.at)
	}
	if from != nil && to != nil && !from.Before(*to) {
		return 0, 0, layers.Invalid("to", "is not later than from")
	}
	return lo, hi, nil
}

// counter counts in one area on one snapshot.
type counter struct {
	areaQuery
	ctx    context.Context
	store  *store.Store
	snap   *index.Snapshot
	minute int32 // now
	ranges []geo.Range
	exact  *geo.Prepared
}

func (c *counter) query(k layers.Kind) index.Query {
	return index.Query{Kind: k, Scope: c.scope, Filter: c.filter, From: c.from, To: c.to}
}

func (c *counter) kind(k layers.Kind) KindCount {
	q := c.query(k)
	out := KindCount{Kind: string(k), Count: c.told(q), Rounded: c.rounded(k)}
	if k != layers.KindEvent {
		return out
	}
	q.Statuses = openStatuses
	out.Open = c.told(q)
	q.Match = func(e *layers.Record) bool { return e.Due != 0 && e.Due < c.minute }
	out.Overdue = c.told(q)
	return out
}

// told is the number as the scope may know it. The scope decides that alone: a number of persons beyond the records is
// a sum of released ones, so no combination of areas tells more than the release does.
func (c *counter) told(q index.Query) *int {
	if c.scope.Detail(q.Kind) == layers.DetailNone {
		return nil
	}
	return count(c.scope, c.store.CountIn(c.ctx, c.snap, q, c.ranges, c.exact), c.rounded(q.Kind))
}

// rounded tells whether released numbers may be among the sum: in some place the scope counts without seeing records.
func (c *counter) rounded(k layers.Kind) bool {
	if !c.scope.Rounds(k) {
		return false
	}
	sight, t := c.scope.Sight(k), c.snap.Tree()
	beyond := func(p layers.PlaceID) bool { return sight.Counts.Has(p) && !sight.Records.Has(p) }
	for o := range int32(t.Len()) {
		if beyond(t.At(o).ID) {
			return true
		}
	}
	return beyond(0)
}

// openStatuses are those in which somebody must still handle an event.
const openStatuses = ^uint16(1<<layers.StatusClose | 1<<layers.StatusVoid)
