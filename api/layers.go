package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"onepicture/layers"
	"onepicture/layers/store"
)

// LayerGroups are the thematic layers in the order in which they are shown.
type LayerGroups struct {
	Groups []LayerGroup `json:"groups"`
}

// LayerGroup is a heading with its layers.
type LayerGroup struct {
	Named
	Layers []LayerDefinition `json:"layers"`
}

// LayerDefinition is a thematic layer: what it holds, whose it is and how it is drawn.
type LayerDefinition struct {
	Code string `json:"code"`
	Kind string `json:"kind" enum:"person,site,event,place"`
	Named
	Color   string           `json:"color"`
	Shape   string           `json:"shape"`
	MinZoom uint8            `json:"minZoom"`
	Visible bool             `json:"visible" doc:"Shown when a page opens"`
	Filter  string           `json:"filter" doc:"CQL2 text; empty: all of the kind"`
	Owner   Maybe[Named]     `json:"owner"`
	Source  Maybe[SourceRef] `json:"source"`
}

// SourceRef is a data source in brief.
type SourceRef struct {
	Code string `json:"code"`
	Named
	LastAt *time.Time `json:"lastAt" doc:"When it last delivered"`
	Late   bool       `json:"late" doc:"Later than it promised"`
}

// Classes are the code tables.
type Classes struct {
	Classes   []Class    `json:"classes"`
	CareNeeds []CareNeed `json:"careNeeds"`
	Items     []Item     `json:"items"`
}

// Class is a class of persons or sites, or a category of events.
type Class struct {
	Kind string `json:"kind" enum:"person,site,event"`
	Code string `json:"code"`
	Named
	Group string `json:"group"`
	Color string `json:"color"`
	Shape string `json:"shape"`
}

// CareNeed is a need of care that a person may have.
type CareNeed struct {
	Code string `json:"code"`
	Named
}

// Item is an entry of the event catalogue.
type Item struct {
	Code     string `json:"code"`
	Category string `json:"category"`
	Named
	Pinyin        string       `json:"pinyin" doc:"Syllables of the name with blanks between, a character's readings with |: to search by"`
	Subclass      string       `json:"subclass"`
	Level         uint8        `json:"level" minimum:"1" maximum:"4" doc:"1 gravest … 4 slight"`
	DeadlineHours int          `json:"deadlineHours"`
	Department    Maybe[Named] `json:"department"`
	Photos        int          `json:"photos" doc:"That the feedback needs at least"`
	Requires      []string     `json:"requires" doc:"What its events must bring beside the usual, as step.input: report.address"`
}

func (s *Server) layerRoutes(a huma.API) {
	handle(a, get("layers", "/api/layers", "The thematic layers by group"), s, s.layers)
	handle(a, get("classes", "/api/classes", "Classes, care needs and the event catalogue"), s, s.classes)
}

// world is the present configuration, or the error that it is still being loaded.
func (s *Server) world() (*store.World, error) {
	if w := s.Store.World(); w != nil {
		return w, nil
	}
	return nil, s.Store.Loading()
}

func (s *Server) layers(_ context.Context, scope layers.Scope, _ *struct{}) (*body[LayerGroups], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	out := LayerGroups{Groups: []LayerGroup{}}
	at := map[string]int{}
	for i := range w.Catalogue.Layers {
		l := &w.Catalogue.Layers[i]
		if scope.Detail(l.Kind) == layers.DetailNone {
			continue
		}
		n, ok := at[l.Group]
		if !ok {
			n = len(out.Groups)
			at[l.Group] = n
			out.Groups = append(out.Groups, LayerGroup{Named: Named{l.Group, l.GroupEn}})
		}
		d := LayerDefinition{
			Code: l.Code, Kind: string(l.Kind), Named: Named{l.Name, l.NameEn}, Color: l.Color, Shape: l.Shape,
			MinZoom: l.MinZoom, Visible: l.Visible, Filter: l.Filter, Owner: department(w.Catalogue, l.DepartmentID),
		}
		if source, ok := w.Sources[l.SourceID]; ok {
			d.Source = Some(SourceRef{source.Code, Named{source.Name, source.NameEn}, maybeTime(source.LastAt), source.Late(s.Now())})
		}
		out.Groups[n].Layers = append(out.Groups[n].Layers, d)
	}
	return &body[LayerGroups]{out}, nil
}

func (s *Server) classes(context.Context, layers.Scope, *struct{}) (*body[Classes], error) {
	w, err := s.world()
	if err != nil {
		return nil, err
	}
	out := Classes{Classes: []Class{}, CareNeeds: []CareNeed{}, Items: []Item{}}
	for _, c := range w.Catalogue.Classes {
		out.Classes = append(out.Classes, Class{string(c.Kind), c.Code, Named{c.Name, c.NameEn}, c.Group, c.Color, c.Shape})
	}
	for _, n := range w.Catalogue.CareNeeds {
		out.CareNeeds = append(out.CareNeeds, CareNeed{n.Code, Named{n.Name, n.NameEn}})
	}
	for i := range w.Catalogue.Items {
		it := &w.Catalogue.Items[i]
		if w.Catalogue.ItemByCode(it.Code) != it { // not valid today
			continue
		}
		out.Items = append(out.Items, itemView(w.Catalogue, it))
	}
	return &body[Classes]{out}, nil
}

func itemView(c *layers.Catalogue, it *layers.Item) Item {
	return Item{
		it.Code, categoryCode(c, it.Class), Named{it.Name, it.NameEn}, it.Pinyin, it.Subclass, it.Level, it.DeadlineHours,
		department(c, it.DepartmentID), it.Photos, listed(it.Requires),
	}
}

func categoryCode(c *layers.Catalogue, id uint16) string {
	if k := c.Class(layers.KindEvent, id); k != nil {
		return k.Code
	}
	return ""
}
