package api

import (
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
