package filter

import (
	"testing"
	"time"

	"onepicture/layers"
)

// Of a moment that is past the status of now says nothing: a filter for what is open passes what was open then.
func TestPast(t *testing.T) {
	c := layers.NewCatalogue(layers.Catalogue{Classes: []layers.Class{{Kind: layers.KindEvent, ID: 1, Code: "fire"}, {Kind: layers.KindEvent, ID: 2, Code: "flood"}}})
	closedFire := layers.Record{Class: 1, Status: layers.StatusClose}
	for text, passes := range map[string]bool{
		"":                                       true,
		"status = 'open'":                        true,
		"category = 'fire' and status = 'open'":  true,
		"category = 'flood' and status = 'open'": false,
		"status <> 'void'":                       true,
		"status = 'close'":                       false, // of then only what was open is asked for
		"category = 'fire' and status = 'report'": false, // who was where on the way nobody knows
	} {
		f, err := Parse(layers.KindEvent, text, c, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		if p := f.Parts(time.Time{}).Past(); p.Passes(&closedFire) != passes {
			t.Errorf("%q passes a fire that is closed now: %v", text, !passes)
		}
	}
}
