package api

import (
	"strings"
	"testing"

	"onepicture/layers"
)

// The page opens with the only city, or above several, or with nothing when there is no place yet.
func TestHome(t *testing.T) {
	for _, c := range []struct {
		name   string
		places []layers.Place
		want   string
	}{
		{"no place", nil, wholeCode},
		{"one city", []layers.Place{{ID: 1, Code: "a"}, {ID: 2, Code: "b", Parent: 1}}, "a"},
		{"two cities", []layers.Place{{ID: 1, Code: "a"}, {ID: 2, Code: "b"}}, wholeCode},
	} {
		if got := home(layers.NewTree(c.places)); got != c.want {
			t.Errorf("%s: opens with %q, want %q", c.name, got, c.want)
		}
	}
}

// A page opens where its reader's places are: never a scope that sees one village in a city of zeros.
func TestOwnHome(t *testing.T) {
	tree := layers.NewTree([]layers.Place{
		{ID: 1, Code: "city"}, {ID: 2, Code: "a", Parent: 1}, {ID: 3, Code: "b", Parent: 1},
		{ID: 4, Code: "a1", Parent: 2}, {ID: 5, Code: "a2", Parent: 2}, {ID: 6, Code: "a11", Parent: 4},
	})
	for _, c := range []struct {
		name   string
		places []layers.PlaceID
		want   string
		beyond string // codes of places that nothing is told of
	}{
		{"nowhere", nil, "city", "city a b a1 a2 a11"},
		{"the city", []layers.PlaceID{1, 2, 3, 4, 5, 6}, "city", ""},
		{"a town", []layers.PlaceID{2, 4, 5, 6}, "a", "b"},
		{"a village", []layers.PlaceID{4, 6}, "a1", "b a2"},
		{"a grid", []layers.PlaceID{6}, "a11", "b a2"},
		{"two villages of a town", []layers.PlaceID{4, 5, 6}, "a", "b"},
		{"two towns", []layers.PlaceID{3, 5}, "city", "a1 a11"},
	} {
		var r layers.Reach
		for _, id := range c.places {
			r.Places.Add(id)
		}
		for kind, scope := range map[string]layers.Scope{
			"person": {Person: layers.Sight{Counts: r}}, "site": {Site: layers.Sight{Records: r}}, "event": {Event: layers.Sight{Counts: r}},
		} {
			if got := ownHome(tree, scope); got != c.want {
				t.Errorf("%s, %s: opens with %q, want %q", c.name, kind, got, c.want)
			}
			var beyond []string
			for _, code := range []string{"city", "a", "b", "a1", "a2", "a11"} {
				if !reaches(tree, scope, tree.ByCode(code).ID) {
					beyond = append(beyond, code)
				}
			}
			if got := strings.Join(beyond, " "); got != c.beyond {
				t.Errorf("%s, %s: beyond reach %q, want %q", c.name, kind, got, c.beyond)
			}
		}
	}
	var town, village layers.Reach
	for _, id := range []layers.PlaceID{2, 4, 5, 6} {
		town.Places.Add(id)
	}
	village.Places.Add(5)
	clerk := layers.Scope{Person: layers.Sight{Counts: town, Records: village}, Event: layers.Sight{Counts: layers.Everywhere()}}
	if got := ownHome(tree, clerk); got != "a2" {
		t.Errorf("who looks after a village and may count around it opens with %q", got)
	}
	if got := ownHome(tree, layers.Loopback()); got != "city" {
		t.Errorf("who sees all opens with %q", got)
	}
}
