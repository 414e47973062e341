// Package layers holds the nouns of the situation map and their rules: places, persons, sites, events, items,
// thematic layers, scopes and changes. It does no I/O.
package layers

import "fmt"

// Kind is a kind of feature. The zero value is no kind.
type Kind string

// The kinds of features. Persons, sites and events are indexed; places are the tree that they are counted by.
const (
	KindPerson Kind = "person"
	KindSite   Kind = "site"
	KindEvent  Kind = "event"
	KindPlace  Kind = "place"
)

// Kinds that are counted, in the order in which screens show them.
var Kinds = []Kind{KindPerson, KindSite, KindEvent}

// ParseKind accepts the singular and the English plural ("people" for persons).
func ParseKind(s string) (Kind, error) {
	switch s {
	case "person", "persons", "people":
		return KindPerson, nil
	case "site", "sites":
		return KindSite, nil
	case "event", "events":
		return KindEvent, nil
	case "place", "places":
		return KindPlace, nil
	}
	return "", fmt.Errorf("unknown kind %q: use places, people, sites or events", s)
}
