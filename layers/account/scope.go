package account

import (
	"time"

	"onepicture/layers"
)

// Thresholds of counts of persons: across units, and within one's own town.
const (
	thresholdAcross = 10
	thresholdUnit   = 5
)

// Grant is a role on a place for a time, in force or to come.
type Grant struct {
	ID          int64
	Role        Role
	Place       layers.PlaceID // 0: everything that the server holds
	Department  int16          // 0: none
	From, Until time.Time      // Until zero: until it is revoked
}

// holds tells whether the grant is in force at that time.
func (g *Grant) holds(now time.Time) bool {
	return !now.Before(g.From) && (g.Until.IsZero() || now.Before(g.Until))
}

// scopeOf unites what the grants that are in force allow. It holds until the given time, when a grant begins or ends;
// zero: it does not change by itself. A grant on a place that is not in the tree allows nothing.
func scopeOf(actor string, grants []Grant, t *layers.Tree, now time.Time) (s layers.Scope, until time.Time) {
	s.Actor = actor
	units := unit{}
	for i := range grants {
		g := &grants[i]
		until = sooner(until, g.From, now)
		until = sooner(until, g.Until, now)
		rule := RuleOf(g.Role)
		if rule == nil || !g.holds(now) || g.Place != 0 && t.Place(g.Place) == nil {
			continue
		}
		s.Person = s.Person.With(rule.Person.sight(t, g))
		s.Site = s.Site.With(rule.Site.sight(t, g))
		s.Event = s.Event.With(rule.Event.sight(t, g))
		s.Rights |= rule.Rights
		s.Until = sooner(s.Until, g.Until, now)
		if rule.Person != (Sees{}) {
			units.add(rule, t, g.Place)
		}
	}
	s.Threshold = units.threshold()
	return s.Sealed(), until
}

// sooner is the earlier of two times of which the second must lie in the future to count.
func sooner(a, b, now time.Time) time.Time {
	if b.IsZero() || !b.After(now) || !a.IsZero() && a.Before(b) {
		return a
	}
	return b
}

func (s Sees) sight(t *layers.Tree, g *Grant) layers.Sight {
	out := layers.Sight{Counts: reach(s.Counts, t, g.Place), Records: reach(s.Records, t, g.Place)}
	if s.Owned > Nowhere && g.Department != 0 {
		out.Owned = []layers.Owned{{Department: g.Department, Reach: reach(s.Owned, t, g.Place)}}
	}
	return out
}

// reach is a place's surroundings with everything below them.
func reach(w Where, t *layers.Tree, p layers.PlaceID) layers.Reach {
	if w == Nowhere {
		return layers.Reach{}
	}
	if p == 0 {
		return layers.Everywhere()
	}
	var r layers.Reach
	lo, hi := t.Range(topOf(w, t, p).ID)
	for o := lo; o < hi; o++ {
		r.Places.Add(t.At(o).ID)
	}
	return r
}

// topOf is the highest place of a reach around a place; nil for 0, everywhere, and for one that is not in the tree.
func topOf(w Where, t *layers.Tree, p layers.PlaceID) *layers.Place {
	path := t.Path(p)
	switch {
	case len(path) == 0:
		return nil
	case w == Town:
		return townOn(path)
	case w == City:
		return path[0]
	}
	return path[len(path)-1]
}

// townOn is the town on the way to a place, or the place itself where there is none.
func townOn(path []*layers.Place) *layers.Place {
	for _, p := range path {
		if p.Level >= layers.LevelTown {
			return p
		}
	}
	return path[len(path)-1]
}

// unit finds out whether all grants that count persons lie within one town.
type unit struct {
	any, across bool
	town        layers.PlaceID
}

func (u *unit) add(rule *Rule, t *layers.Tree, p layers.PlaceID) {
	first := !u.any
	u.any = true
	path := t.Path(p)
	if !rule.Unit || p == 0 || path[len(path)-1].Level < layers.LevelTown {
		u.across = true
		return
	}
	town := townOn(path).ID
	u.across = u.across || !first && u.town != town
	u.town = town
}

func (u *unit) threshold() int {
	if u.any && !u.across {
		return thresholdUnit
	}
	return thresholdAcross
}
