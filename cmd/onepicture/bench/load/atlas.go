package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sort"

	"github.com/paulmach/orb"
)

// spot is a village or community where people look, the more of them the more people live there.
type spot struct {
	code, town string
	name       []rune
	at         orb.Point
	upTo       int // people here and in the spots before
}

// atlas is what the clients know of the city. It comes through the server's own API.
type atlas struct {
	spots      []spot
	bound      orb.Bound
	layers     []string // thematic, by code
	shown      []string // those that the page shows at first
	people     []string // layers of people, and of events: for filters of their kind
	events     []string
	categories []string
	polygons   bool // the server counts in drawn polygons
	filters    bool // people may be filtered
}

type placeRef struct {
	Code   string      `json:"code"`
	Name   string      `json:"name"`
	Label  *orb.Point  `json:"label"`
	Bounds *[4]float64 `json:"bounds"`
}

// ask reads JSON into a value.
func ask(ctx context.Context, c *conn, path string, into any) error {
	a, err := c.do(ctx, request{method: http.MethodGet, path: path})
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("%s answers %d", path, a.status)
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// survey reads the tree down to the villages, with the people in each, and the catalogue.
func survey(ctx context.Context, c *conn) (*atlas, error) {
	a := &atlas{}
	var d struct {
		Roots  []string    `json:"roots"`
		Bounds *[4]float64 `json:"bounds"`
	}
	if err := ask(ctx, c, "/api/deployment", &d); err != nil {
		return nil, err
	}
	if len(d.Roots) == 0 || d.Bounds == nil {
		return nil, errors.New("the server holds no city: fill its database first")
	}
	a.bound = orb.Bound{Min: orb.Point{d.Bounds[0], d.Bounds[1]}, Max: orb.Point{d.Bounds[2], d.Bounds[3]}}
	for _, root := range d.Roots {
		towns, _, err := below(ctx, c, root)
		if err != nil {
			return nil, err
		}
		for _, town := range towns {
			villages, people, err := below(ctx, c, town.Code)
			if err != nil {
				return nil, err
			}
			a.add(town.Code, villages, people)
		}
	}
	if len(a.spots) == 0 {
		return nil, errors.New("the city has no places below its towns")
	}
	return a, a.readCatalogue(ctx, c)
}

func (a *atlas) add(town string, villages []placeRef, people map[string]int) {
	for _, v := range villages {
		if v.Label == nil {
			continue
		}
		last := 0
		if n := len(a.spots); n > 0 {
			last = a.spots[n-1].upTo
		}
		a.spots = append(a.spots, spot{code: v.Code, town: town, name: []rune(v.Name), at: *v.Label, upTo: last + people[v.Code] + 1})
	}
}

// below are the places under a place and the people in each.
func below(ctx context.Context, c *conn, code string) ([]placeRef, map[string]int, error) {
	var p struct {
		Children []placeRef `json:"children"`
	}
	if err := ask(ctx, c, "/api/places/"+code, &p); err != nil {
		return nil, nil, err
	}
	var f struct {
		Children []struct {
			Code   string `json:"code"`
			Person *int   `json:"person"`
		} `json:"children"`
	}
	if err := ask(ctx, c, "/api/places/"+code+"/figures", &f); err != nil {
		return nil, nil, err
	}
	people := map[string]int{}
	for _, child := range f.Children {
		if child.Person != nil {
			people[child.Code] = *child.Person
		}
	}
	return p.Children, people, nil
}

func (a *atlas) readCatalogue(ctx context.Context, c *conn) error {
	var l struct {
		Groups []struct {
			Layers []struct {
				Code    string `json:"code"`
				Kind    string `json:"kind"`
				Visible bool   `json:"visible"`
			} `json:"layers"`
		} `json:"groups"`
	}
	if err := ask(ctx, c, "/api/layers", &l); err != nil {
		return err
	}
	for _, g := range l.Groups {
		for _, layer := range g.Layers {
			a.layers = append(a.layers, layer.Code)
			if layer.Visible {
				a.shown = append(a.shown, layer.Code)
			}
			switch layer.Kind {
			case "person":
				a.people = append(a.people, layer.Code)
			case "event":
				a.events = append(a.events, layer.Code)
			}
		}
	}
	var k struct {
		Classes []struct{ Kind, Code string } `json:"classes"`
	}
	if err := ask(ctx, c, "/api/classes", &k); err != nil {
		return err
	}
	for _, class := range k.Classes {
		if class.Kind == "event" {
			a.categories = append(a.categories, class.Code)
		}
	}
	if len(a.layers) == 0 || len(a.people) == 0 || len(a.events) == 0 || len(a.categories) == 0 {
		return errors.New("the city's catalogue has no layers of people, of events or no categories of events")
	}
	slices.Sort(a.layers)
	return a.readRights(ctx, c)
}

// readRights tries what not every server or account can.
func (a *atlas) readRights(ctx context.Context, c *conn) error {
	counted, err := c.do(ctx, polygonRequest(a.spots[0].at, 0.01))
	if err != nil {
		return err
	}
	filtered, err := c.do(ctx, request{method: http.MethodGet, path: "/tiles/" + a.people[0] + "/0/0/0.mvt?filter=" + url.QueryEscape(peopleFilters[0])})
	a.polygons, a.filters = counted.status == http.StatusOK, filtered.status == http.StatusOK
	return err
}

// anySpot draws a village by its people.
func (a *atlas) anySpot(r *rand.Rand) *spot {
	n := r.IntN(a.spots[len(a.spots)-1].upTo)
	return &a.spots[sort.Search(len(a.spots), func(i int) bool { return a.spots[i].upTo > n })]
}

// near is a location around the middle of a village, most within half a kilometre.
func (s *spot) near(r *rand.Rand) orb.Point {
	const degrees = 0.0025 // 250 m
	return orb.Point{s.at[0] + r.NormFloat64()*degrees, s.at[1] + r.NormFloat64()*degrees}
}
