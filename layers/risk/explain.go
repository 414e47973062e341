package risk

import (
	"context"
	"slices"
	"time"

	"onepicture/layers"
	"onepicture/layers/risk/model"
)

// Term is a part of a score. The parts of one score sum to it exactly.
type Term struct {
	TermKey
	Value    int64 // millionths of an event
	Rank, Of int   // among the places of its level
	Median   int64 // of the same term there
}

// Change is something that would change the score, and what it would be then.
type Change struct {
	Code     string // one_more, quiet_week, sources_back
	Expected int64
}

// Explanation says why a score is what it is.
type Explanation struct {
	Score
	Category  *Category
	Horizon   int
	Position  layers.Position
	At        time.Time
	Version   string
	Model     *Fitted
	From      int32 // first day that is estimated
	Terms     []Term
	Changes   []Change
	Reported  int // events here in the last 30 days: reported by residents and systems
	Patrolled int // found by patrols
	Curve     []DayCount
}

// DayCount is a day with its events.
type DayCount struct {
	Day   int32
	Count int
}

// curveDays is how far an explanation looks back.
const curveDays = 90

// Sees tells whether a scope may see the score of a place: it must be allowed to count events there.
func Sees(scope layers.Scope, place layers.PlaceID) bool {
	return scope.Counts(layers.KindEvent, place)
}

// find checks category, horizon and place under a scope.
func (p *Picture) find(scope layers.Scope, place layers.PlaceID, category string, horizon int) (*Category, *field, int32, error) {
	c := p.Category(category)
	if c == nil {
		return nil, nil, 0, layers.Invalid("category", "is not a category that is estimated")
	}
	f := p.fields[fieldKey{c.Class, horizon}]
	if f == nil {
		return nil, nil, 0, layers.Invalid("horizon", "must be 7 or 30 days")
	}
	node, ok := p.node[place]
	if !ok || !Sees(scope, place) {
		return nil, nil, 0, layers.NotFound("place")
	}
	return c, f, node, nil
}

// Score of a place.
func (p *Picture) Score(scope layers.Scope, place layers.PlaceID, category string, horizon int) (Score, error) {
	c, f, node, err := p.find(scope, place, category, horizon)
	if err != nil {
		return Score{}, err
	}
	s := p.score(f, p.daysBack(c, horizon, 7), c, node)
	s.Main = p.main(f, node)
	return s, nil
}

// Ranking are the scores of the places directly below one (0: everywhere) that the scope sees, highest first.
func (p *Picture) Ranking(scope layers.Scope, place layers.PlaceID, category string, horizon int) ([]Score, error) {
	c := p.Category(category)
	if c == nil {
		return nil, layers.Invalid("category", "is not a category that is estimated")
	}
	f := p.fields[fieldKey{c.Class, horizon}]
	if f == nil {
		return nil, layers.Invalid("horizon", "must be 7 or 30 days")
	}
	before := p.daysBack(c, horizon, 7)
	var out []Score
	for _, child := range p.Tree.Children(place) {
		if node, ok := p.node[child.ID]; ok && Sees(scope, child.ID) {
			s := p.score(f, before, c, node)
			s.Main = p.main(f, node)
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b Score) int {
		switch {
		case (a.Band == nil) != (b.Band == nil): // without enough data: last, not lowest
			if a.Band == nil {
				return 1
			}
			return -1
		case a.Expected != b.Expected:
			if a.Expected > b.Expected {
				return -1
			}
			return 1
		}
		return 0
	})
	return out, nil
}

// main is the term that is furthest above the median of its peers.
func (p *Picture) main(f *field, node int32) TermKey {
	best, most := 0, int64(-1)
	for t := range f.terms {
		if d := f.terms[t][node] - p.median(f.terms[t], p.level[node]); d > most {
			best, most = t, d
		}
	}
	return Terms[best]
}

func (p *Picture) median(values []int64, level uint8) int64 {
	peers := p.peers[level]
	list := make([]int64, len(peers))
	for i, n := range peers {
		list[i] = values[n]
	}
	slices.Sort(list)
	return list[len(list)/2]
}

// Explain gives the terms of a place's score and what would change it.
func (p *Picture) Explain(scope layers.Scope, place layers.PlaceID, category string, horizon int) (*Explanation, error) {
	c, f, node, err := p.find(scope, place, category, horizon)
	if err != nil {
		return nil, err
	}
	x := &Explanation{
		Score: p.score(f, p.daysBack(c, horizon, 7), c, node), Category: c, Horizon: horizon, Position: p.Position, At: p.At,
		Version: p.Version(), Model: p.Model, From: p.Input.Day,
	}
	x.Main = p.main(f, node)
	for t := range f.terms {
		if v := f.terms[t][node]; v != 0 {
			rank, of := p.rank(f.terms[t], node)
			x.Terms = append(x.Terms, Term{Terms[t], v, rank, of, p.median(f.terms[t], p.level[node])})
		}
	}
	x.Changes = p.changes(c, horizon, node)
	p.history(x, node)
	return x, nil
}

// changes computes anew what the score would be.
func (p *Picture) changes(c *Category, horizon int, node int32) []Change {
	in := p.Input
	at := func(panels *[channels]model.Panel, day int32, underway bool, silences []Silence) int64 {
		return newEstimate(p.Division, c, panels, p.kernels[c.Class], day, underway, silences).over(horizon).total[node]
	}
	panels := p.panels[c.Class]
	out := []Change{
		{"one_more", at(p.withOne(c, node), in.Day, true, in.Silences)},
		{"quiet_week", at(panels, in.Day+7, false, in.Silences)},
	}
	if len(in.Silences) > 0 {
		out = append(out, Change{"sources_back", at(panels, in.Day, true, nil)})
	}
	return out
}

// withOne has one event more today, reported in the node's first leaf.
func (p *Picture) withOne(c *Category, node int32) *[channels]model.Panel {
	out := *p.panels[c.Class]
	g := Reported
	if c.Params[g] == nil {
		g = Patrolled
	}
	leaf := p.leaves(node)[0]
	out[g].Days = slices.Clone(out[g].Days)
	out[g].Days[leaf] = append(slices.Clip(out[g].Days[leaf]), p.Input.Day-1)
	slices.Sort(out[g].Days[leaf])
	return &out
}

// leaves of a node, which has at least one.
func (p *Picture) leaves(node int32) (out []int32) {
	if int(node) < p.Division.Areas.Leaves {
		return []int32{node}
	}
	for u := range int32(p.Division.Areas.Leaves) {
		for up := p.Division.Areas.Parent[u]; up >= 0; up = p.Division.Areas.Parent[up] {
			if up == node {
				out = append(out, u)
				break
			}
		}
	}
	return out
}

func (p *Picture) history(x *Explanation, node int32) {
	first := x.From - curveDays
	days := make([]int, curveDays)
	for _, u := range p.leaves(node) {
		for g := range p.panels[x.Category.Class] {
			for _, d := range p.panels[x.Category.Class][g].Days[u] {
				if d < first || d >= x.From {
					continue
				}
				days[d-first]++
				if d < x.From-30 {
					continue
				}
				if g == Patrolled {
					x.Patrolled++
				} else {
					x.Reported++
				}
			}
		}
	}
	for i, n := range days {
		x.Curve = append(x.Curve, DayCount{first + int32(i), n})
	}
}

// Past are the bands of the places directly below one, some days back, for a film of the last weeks: by place, -1 where
// there is not enough data.
func (p *Picture) Past(ctx context.Context, scope layers.Scope, place layers.PlaceID, category string, horizon int, back []int) ([]map[layers.PlaceID]int, error) {
	c := p.Category(category)
	if c == nil {
		return nil, layers.Invalid("category", "is not a category that is estimated")
	}
	if p.fields[fieldKey{c.Class, horizon}] == nil {
		return nil, layers.Invalid("horizon", "must be 7 or 30 days")
	}
	out := make([]map[layers.PlaceID]int, len(back))
	for i, days := range back {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f := p.daysBack(c, horizon, days)
		out[i] = map[layers.PlaceID]int{}
		for _, child := range p.Tree.Children(place) {
			node, ok := p.node[child.ID]
			if !ok || !Sees(scope, child.ID) {
				continue
			}
			out[i][child.ID] = -1
			if grade(f.volume[node], f.seen[node], c.Complete, f.silent[node]) != GradeD {
				out[i][child.ID] = band(f.forecast(node).Mean, c.Reference[child.Level]*float64(horizon)/referenceDays)
			}
		}
	}
	return out, nil
}
