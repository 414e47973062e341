package dispatch

import (
	"fmt"
	"testing"
	"time"

	"onepicture/geo"
	"onepicture/layers"
)

// Positions are told of those alone who share them this shift, to desks alone, and of the places that the desk commands.
func TestPresence(t *testing.T) {
	h := newHub(t)
	if _, err := h.pool.Exec(t.Context(), `delete from presence; update worker set on_duty = false`); err != nil {
		t.Fatal(err)
	}
	seen := func(by layers.Scope, place layers.PlaceID) string {
		t.Helper()
		list, err := h.Presence(t.Context(), by, place)
		if err != nil {
			return string(layers.CodeOf(err))
		}
		out := ""
		for _, p := range list {
			out += fmt.Sprintf("%d@%.3f,%.3f ", p.ID, p.Lon, p.Lat)
		}
		return out
	}
	duty := func(by layers.Scope, on, share bool, at ...float64) {
		t.Helper()
		var p *geo.WGS84
		if len(at) > 0 {
			p = &geo.WGS84{Lon: at[0], Lat: at[1]}
		}
		if err := h.Duty(t.Context(), by, on, share, p); err != nil {
			t.Fatal(err)
		}
	}
	duty(ann, true, false)
	if got := seen(dan, 0); got != "" {
		t.Errorf("who does not share is seen: %s", got)
	}
	if err := h.Duty(t.Context(), ann, true, false, &geo.WGS84{Lon: 113.05, Lat: 23.05}); layers.CodeOf(err) != layers.CodeInvalid {
		t.Errorf("a position that is not shared is kept: %v", err)
	}
	duty(ann, true, true, 113.05049, 23.05051) // told to 0.001 degrees
	duty(bob, true, true, 113.15, 23.05)
	duty(cho, true, true, 113.25, 23.05) // in the other town
	for _, c := range []struct {
		name  string
		by    layers.Scope
		place layers.PlaceID
		want  string
	}{
		{"the village's desk", dan, 0, "1@113.050,23.051 2@113.150,23.050 "},
		{"the village's desk, of a grid", dan, 5, "2@113.150,23.050 "},
		{"the town's desk, of the other town", eve, 6, ""},
		{"the other town's desk", other, 0, "3@113.250,23.050 "},
		{"the city's desk", mayor, 0, "1@113.050,23.051 2@113.150,23.050 3@113.250,23.050 "},
		{"a worker", ann, 0, "forbidden"},
		{"who reports", citizen, 0, "forbidden"},
		{"nobody", layers.Scope{}, 0, "forbidden"},
	} {
		if got := seen(c.by, c.place); got != c.want {
			t.Errorf("%s is told %q, want %q", c.name, got, c.want)
		}
	}
	h.at = h.at.Add(time.Hour)
	duty(bob, true, true) // the shift goes on, without a new position
	if got := seen(dan, 5); got != "2@113.150,23.050 " {
		t.Errorf("an hour later: %s", got)
	}
	duty(bob, true, false)
	if got := seen(dan, 5); got != "" {
		t.Errorf("who shares no more is seen: %s", got)
	}
	duty(ann, false, true, 113.05, 23.05)
	h.at = h.at.Add(Forgotten)
	if got := seen(mayor, 0); got != "" {
		t.Errorf("who is off duty, or was seen yesterday: %s", got)
	}
	var kept int
	if err := h.pool.QueryRow(t.Context(), `select count(*) from presence`).Scan(&kept); err != nil || kept != 1 {
		t.Errorf("%d positions are kept, %v; want the one of the shift that was not ended", kept, err)
	}
}

// To a desk those workers alone are suggested who stand where it sees the records of events, however near the others are.
func TestNearestAreOfTheScope(t *testing.T) {
	h := newHub(t)
	near := func(by layers.Scope, id int64) string {
		t.Helper()
		list, err := h.Nearest(t.Context(), by, id, 8)
		if err != nil {
			return string(layers.CodeOf(err))
		}
		out := ""
		for _, c := range list {
			out += fmt.Sprintf("%d@%dm ", c.ID, c.Meters)
		}
		return out
	}
	id := h.file(ann, "F-1")
	for _, at := range []struct {
		by  layers.Scope
		lon float64
	}{{ann, 113.19}, {bob, 113.201}, {cho, 113.35}} { // in the village, in the next town, in no place
		if err := h.Duty(t.Context(), at.by, true, true, &geo.WGS84{Lon: at.lon, Lat: 23.05}); err != nil {
			t.Fatal(err)
		}
	}
	whole := mayor
	whole.Event.Records = layers.Everywhere()
	for name, c := range map[string]struct {
		by   layers.Scope
		want string
	}{
		"the village's desk":                     {dan, "1@14324m "},
		"the town's desk":                        {eve, "1@14324m "},
		"the city's desk":                        {mayor, "1@14324m 2@15450m "},
		"the city's desk, also outside the city": {whole, "1@14324m 2@15450m 3@30695m "},
		"the other town's desk":                  {other, "not_found"},
	} {
		if got := near(c.by, id); got != c.want {
			t.Errorf("%s is suggested %q, want %q", name, got, c.want)
		}
	}
}
