package risk

import (
	"cmp"
	"slices"

	"onepicture/layers"
)

// Hint says that a kind of event is worth a look in a place, to somebody who walks there anyway.
type Hint struct {
	Score
	Category  string
	Usual     int64 // millionths that places of its level have on the average
	Reported  int   // events there in the last 30 days: reported by residents and systems
	Patrolled int   // found by patrols
	Signal    *Signal
}

// Today is what stands out in some places over the next seven days.
type Today struct {
	Places  []layers.PlaceID // the lowest ones that were looked at
	Looked  int              // places times categories
	Unknown int              // of those, without enough data
	Hints   []Hint           // signals first, then by band
}

const (
	todayHorizon = 7
	standsOut    = 6              // band from which a place is worth a look without a signal: one and a half times the average
	fewestAhead  = Millionths / 4 // expected in the seven days: what comes less than once a month is no help on foot
	mostHints    = 5              // more is no help to somebody on foot
	mostLowest   = 60             // a village has some ten grids
)

// Today looks at the lowest places in the given ones, as far as the scope sees them; without any at those whose events
// the scope may read one by one, which are its own. A grid without enough data speaks through its village.
func (p *Picture) Today(scope layers.Scope, found *Signals, places []layers.PlaceID) Today {
	t := Today{Places: p.lowest(scope, places), Hints: []Hint{}}
	var signals []Signal
	if found != nil {
		signals = found.SeenBy(scope, p.Tree, 0)
	}
	for _, id := range t.Places {
		for i := range p.Model.Categories {
			t.Looked++
			if !p.look(scope, id, &p.Model.Categories[i], signals, &t) {
				t.Unknown++
			}
		}
	}
	slices.SortStableFunc(t.Hints, compareHints)
	t.Hints = t.Hints[:min(len(t.Hints), mostHints)]
	return t
}

// look at one category in a lowest place and its village; false: neither has enough data.
func (p *Picture) look(scope layers.Scope, id layers.PlaceID, c *Category, signals []Signal, t *Today) (known bool) {
	at := []layers.PlaceID{id}
	if up := p.Tree.Place(p.Tree.Place(id).Parent); up != nil && up.Level >= layers.LevelVillage {
		at = append(at, up.ID)
	}
	for _, place := range at {
		s, err := p.Score(scope, place, c.Code, todayHorizon)
		if err != nil { // the scope does not reach up to the village
			continue
		}
		k := slices.IndexFunc(signals, func(s Signal) bool { return s.Category == c.Code && slices.Contains(s.Places, place) })
		told := slices.ContainsFunc(t.Hints, func(h Hint) bool { return h.Place == place && h.Category == c.Code })
		often := !known && s.Band != nil && *s.Band >= standsOut && s.Expected >= fewestAhead
		if (k >= 0 || often) && !told {
			h := Hint{Score: s, Category: c.Code, Usual: millionths(c.Reference[p.Tree.Place(place).Level] * todayHorizon / referenceDays)}
			x := Explanation{Category: c, From: p.Input.Day}
			p.history(&x, p.node[place])
			h.Reported, h.Patrolled = x.Reported, x.Patrolled
			if k >= 0 {
				h.Signal = &signals[k]
			}
			t.Hints = append(t.Hints, h)
		}
		known = known || s.Band != nil
	}
	return known
}

func (p *Picture) lowest(scope layers.Scope, places []layers.PlaceID) (out []layers.PlaceID) {
	add := func(lo, hi int32, in func(layers.PlaceID) bool) {
		for o := lo; o < hi && len(out) < mostLowest; o++ {
			id := p.Tree.At(o).ID
			if _, end := p.Tree.Range(id); end == o+1 && in(id) && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	if own := scope.Event.Records; len(places) == 0 && !own.All {
		add(0, int32(p.Tree.Len()), own.Has)
	}
	for _, id := range places {
		lo, hi := p.Tree.Range(id)
		add(lo, hi, func(id layers.PlaceID) bool { return Sees(scope, id) })
	}
	return out
}

func compareHints(a, b Hint) int {
	rank := func(h *Hint) (signal, band int) {
		if h.Signal != nil {
			signal = 1
		}
		if h.Band != nil {
			band = *h.Band
		}
		return signal, band
	}
	as, ab := rank(&a)
	bs, bb := rank(&b)
	return cmp.Or(cmp.Compare(bs, as), cmp.Compare(bb, ab), cmp.Compare(b.Expected, a.Expected))
}
