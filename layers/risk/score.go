package risk

import (
	"onepicture/layers"
)

// Cuts are where bands begin, as multiples of what a place of the same level has on the average at the time of the fit:
// below the first lies band 0, above the last band 10. They are fixed, so that a colour means the same from day to day.
var Cuts = [10]float64{0.125, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4.5, 7}

// band of an expected number.
func band(expected, reference float64) int {
	if reference <= 0 {
		return 0
	}
	b := 0
	for b < len(Cuts) && expected/reference >= Cuts[b] {
		b++
	}
	return b
}

// Grades of how much a score can be relied on; D is not enough data, and no band is told then.
const (
	GradeA = "A"
	GradeB = "B"
	GradeC = "C"
	GradeD = "D"
)

// enough is how many events the surroundings must have led to expect, in the time observed, for a quiet place to be
// called quiet: with five expected, none has a chance below 1 %.
const enough = 5

// grade from volume, events ever seen, completeness and silence. A place of which nothing was ever reported may be one
// that nobody reports from.
func grade(volume, seen, complete, silent float64) string {
	switch {
	case volume < enough || seen == 0 || silent > 0.6:
		return GradeD
	case volume >= 100 && complete >= 0.95 && silent < 0.1:
		return GradeA
	case volume >= 30 && complete >= 0.8 && silent < 0.3:
		return GradeB
	}
	return GradeC
}

// Score is what is told of a place. Numbers of events are in millionths.
type Score struct {
	Place    layers.PlaceID
	Expected int64
	Lo, Hi   int  // of the 90 % interval of the number of events
	Band     *int // nil: not enough data
	Grade    string
	Volume   float64
	Silent   float64 // share of what is usual here whose source is silent
	Rank, Of int     // among the places of its level, 1 the highest
	LastWeek *int64  // what was expected a week before, as the same model says
	Main     TermKey // the term that lifts it most above its peers
}

func (p *Picture) score(f, before *field, c *Category, node int32) Score {
	d := f.forecast(node)
	s := Score{Place: p.Division.Nodes[node], Expected: f.total[node], Volume: f.volume[node], Silent: f.silent[node]}
	s.Lo, s.Hi = d.Interval(0.9)
	s.Grade = grade(s.Volume, f.seen[node], c.Complete, s.Silent)
	level := p.Tree.Place(s.Place).Level
	if s.Grade != GradeD {
		b := band(d.Mean, c.Reference[level]*float64(p.horizonOf(f))/referenceDays)
		s.Band = &b
	}
	if before != nil {
		v := before.total[node]
		s.LastWeek = &v
	}
	s.Rank, s.Of = p.rank(f.total, node)
	return s
}

// rank of a node's value among those of its level.
func (p *Picture) rank(values []int64, node int32) (rank, of int) {
	rank = 1
	for _, other := range p.peers[p.level[node]] {
		of++
		if values[other] > values[node] {
			rank++
		}
	}
	return rank, of
}
