package risk

import (
	"slices"
	"testing"

	"onepicture/layers"
)

// walker is a scope that reads the events of some places and counts those of the whole city.
func walker(ids ...layers.PlaceID) layers.Scope {
	var own layers.PlaceSet
	for _, id := range ids {
		own.Add(id)
	}
	return layers.Scope{Actor: "walker", Event: layers.Sight{Counts: layers.Everywhere(), Records: layers.Reach{Places: own}}}
}

func TestTodayTellsWhatStandsOut(t *testing.T) {
	pool, _ := newCity(t)
	w := start(t, pool)
	p := w.Picture()
	id := func(code string) layers.PlaceID { return layers.PlaceID(placeID(t, pool, code)) }
	busy, calm, village := id(gridCode(3)), id(gridCode(9)), id(villageCode(0))
	onlyThere := walker(calm)
	onlyThere.Event.Counts = layers.Reach{Places: onlyThere.Event.Records.Places}
	for _, c := range []struct {
		name          string
		scope         layers.Scope
		places        []layers.PlaceID
		looked, hints int
		grids         int
	}{
		{"the own busy grid", walker(busy), nil, 2, 2, 1},
		{"the own calm grid", walker(calm), nil, 2, 0, 1},
		{"both", walker(busy, calm), nil, 4, 2, 2},
		{"the grids of a chosen village", walker(calm), []layers.PlaceID{village}, 16, 2, 8},
		{"a place that is named twice is looked at once", walker(), []layers.PlaceID{village, busy}, 16, 2, 8},
		{"nobody sees nothing", layers.Scope{}, []layers.PlaceID{village}, 0, 0, 0},
		{"beyond what it may count", onlyThere, []layers.PlaceID{village}, 0, 0, 0},
		{"who sees all has nothing of their own", layers.Internal("all"), nil, 0, 0, 0},
		{"a place that is not there", walker(calm), []layers.PlaceID{0}, 0, 0, 0},
	} {
		got := p.Today(c.scope, nil, c.places)
		if got.Looked != c.looked || len(got.Hints) != c.hints || len(got.Places) != c.grids || got.Unknown != 0 {
			t.Errorf("%s: looked at %d in %d places, %d unknown, hints %+v", c.name, got.Looked, len(got.Places), got.Unknown, got.Hints)
		}
		for _, h := range got.Hints {
			if h.Place != busy || h.Band == nil || *h.Band < standsOut || h.Expected <= h.Usual || h.Reported+h.Patrolled == 0 || h.Signal != nil {
				t.Errorf("%s: a hint at %s: %+v", c.name, p.Tree.Place(h.Place).Code, h)
			}
		}
	}
	many := make([]layers.PlaceID, 0, 4)
	for v := range 4 {
		many = append(many, id(villageCode(v)))
	}
	if got := p.Today(walker(), nil, many); len(got.Hints) > mostHints || len(got.Places) != testGrids {
		t.Errorf("%d hints of %d places", len(got.Hints), len(got.Places))
	}
}

func TestAGridWithoutDataSpeaksThroughItsVillage(t *testing.T) {
	pool, _ := newCity(t)
	village := layers.PlaceID(placeID(t, pool, villageCode(0)))
	if _, err := pool.Exec(t.Context(), `delete from event where class = 1 and id % 20 <> 0
		and not (id % 5 = 0 and place_id in (select id from place where parent_id = $1))`, int32(village)); err != nil {
		t.Fatal(err)
	}
	p := start(t, pool).Picture()
	grid := layers.PlaceID(placeID(t, pool, gridCode(1)))
	got := p.Today(walker(grid, layers.PlaceID(placeID(t, pool, gridCode(2)))), nil, nil)
	if got.Unknown != 0 || len(got.Hints) != 1 || got.Hints[0].Place != village || got.Hints[0].Category != "flood" {
		t.Errorf("two grids of a village with more floods than others: %+v", got)
	}
	alone := walker(grid)
	alone.Event.Counts = layers.Reach{Places: alone.Event.Records.Places}
	if got := p.Today(alone, nil, nil); got.Unknown != 1 || len(got.Hints) != 0 {
		t.Errorf("who may not count in the village hears %+v", got)
	}
}

func TestASignalComesFirst(t *testing.T) {
	pool, _ := newCity(t)
	w := start(t, pool)
	var last layers.Position
	for d := range 5 {
		for range 4 {
			_, last = w.put(t, 0, 20, 0, layers.StatusReport, testNow.AddDate(0, 0, -1-d))
		}
	}
	p := w.reach(t, last)
	found, err := Watch(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	grid, busy := layers.PlaceID(placeID(t, pool, gridCode(20))), layers.PlaceID(placeID(t, pool, gridCode(3)))
	got := p.Today(walker(grid, busy), found, nil)
	if len(got.Hints) < 2 || got.Hints[0].Signal == nil || got.Hints[0].Category != "fire" || got.Hints[0].Signal.Observed < 15 {
		t.Fatalf("20 events in five days: %+v", got.Hints)
	}
	if !slices.ContainsFunc(got.Hints, func(h Hint) bool { return h.Place == grid && h.Signal != nil }) {
		t.Errorf("the grid itself is not named: %+v", got.Hints)
	}
	own := walker(grid)
	own.Event.Counts = layers.Reach{Places: own.Event.Records.Places}
	for _, h := range p.Today(own, found, nil).Hints {
		if h.Signal != nil && slices.ContainsFunc(h.Signal.Places, func(id layers.PlaceID) bool { return id != grid }) {
			t.Errorf("a signal of places beyond the scope: %+v", h.Signal)
		}
	}
}
