package risk

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"onepicture/layers"
	"onepicture/layers/risk/signal"
)

// Kinds of signals.
const (
	Rise    = "rise"    // more than expected in one place
	Cluster = "cluster" // more than place and day explain, in some places together over the last days
	HotSpot = "hot"     // places with more than expected that lie together
)

// FalseRate is the stated share of false ones among the signals of a kind.
const FalseRate = 0.05

// Signal is something unusual, with its evidence.
type Signal struct {
	Kind     string
	Category string
	Places   []layers.PlaceID // the first is the middle or the most remarkable
	Days     int              // how far back it reaches
	Observed int
	Expected float64
	P        float64
	Method   string // cusum, c2, scan, gi
	Curve    []DayCount
}

// Signals of one day.
type Signals struct {
	Day      int32
	At       time.Time
	Position layers.Position
	Looked   int // places times categories that were looked at for a rise
	List     []Signal
}

// Signals are the last ones found; nil before the first look.
func (l *Live) Signals() *Signals { return l.signals.Load() }

// What is looked at.
const (
	riseDays    = 60 // of the cumulative sum; what is expected is known from before
	enoughDays  = 365
	scanDays    = 28
	scanLongest = 14
	scanAround  = 40
	scanTimes   = 999
	hotAround   = 8
	mostOfKind  = 5 // clusters a category
	fewestHot   = 3 // events of a hot spot: fewer are no pattern
)

// watch looks for signals beside the estimate, on one picture.
func (w *worker) watch(ctx context.Context) {
	l, p := w.l, w.l.Picture()
	if !l.watching.CompareAndSwap(false, true) {
		return
	}
	w.watched = time.Now()
	l.work.Go(func() {
		defer l.watching.Store(false)
		if s, err := Watch(ctx, p); err == nil {
			l.signals.Store(s)
		}
	})
}

// watchEvery is how often the picture is looked at anew while nothing else asks for it.
const watchEvery = 30 * time.Minute

// Watch looks at a picture: rises, clusters, hot spots.
func Watch(ctx context.Context, p *Picture) (*Signals, error) {
	s := &Signals{Day: p.Input.Day, At: p.At, Position: p.Position}
	p.rises(s)
	near := signal.Nearest(p.Division.Areas.X, p.Division.Areas.Y, scanAround)
	for i := range p.Model.Categories {
		c := &p.Model.Categories[i]
		if err := p.clusters(ctx, s, c, near); err != nil {
			return nil, err
		}
		if err := p.hot(ctx, s, c, near); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(s.List, func(a, b Signal) int { return cmp.Compare(a.P, b.P) })
	return s, nil
}

// daily are a node's events by day from lo to before hi.
func (p *Picture) daily(class uint16, leaves []int32, lo, hi int32) []int {
	out := make([]int, hi-lo)
	for _, u := range leaves {
		for g := range p.panels[class] {
			for _, d := range p.panels[class][g].Days[u] {
				if d >= lo && d < hi {
					out[d-lo]++
				}
			}
		}
	}
	return out
}

func (p *Picture) curve(class uint16, leaves []int32) []DayCount {
	first := p.Input.Day - curveDays
	var out []DayCount
	for i, n := range p.daily(class, leaves, first, p.Input.Day) {
		out = append(out, DayCount{first + int32(i), n})
	}
	return out
}

// rises looks at all villages, or at the lowest places where there are none.
func (p *Picture) rises(s *Signals) {
	level := layers.LevelVillage
	for level > layers.LevelCity && len(p.peers[level]) == 0 {
		level--
	}
	under := p.allLeaves()
	type look struct {
		c    *Category
		node int32
		seen []int
		mean float64
	}
	var looks []look
	var ps []float64
	from, to := p.Input.Day-1-riseDays, p.Input.Day-1 // whole days: today is not over
	young := from-p.Model.Start < enoughDays-riseDays
	for i := range p.Model.Categories {
		c := &p.Model.Categories[i]
		e := newEstimate(p.Division, c, p.panels[c.Class], p.kernels[c.Class], from, false, p.Input.Silences)
		day, all := e.over(1), e.over(riseDays)
		for _, node := range p.peers[level] {
			seen := p.daily(c.Class, under[node], from, to)
			mean := float64(all.total[node]) / Millionths / riseDays
			looks = append(looks, look{c, node, seen, mean})
			if young {
				ps = append(ps, signal.C2P(seen))
				continue
			}
			expected := day.forecast(node)
			expected.Size *= mean / max(expected.Mean, 1e-12) // the same spread for the mean day of the span
			expected.Mean = mean
			var sum signal.CUSUM
			for _, y := range seen {
				sum.Add(y, expected)
			}
			ps = append(ps, sum.P())
		}
	}
	s.Looked = len(looks)
	method := "cusum"
	if young {
		method = "c2"
	}
	for i, found := range signal.Discoveries(ps, FalseRate) {
		if !found {
			continue
		}
		k := looks[i]
		n := 0
		days := min(14, len(k.seen))
		for _, y := range k.seen[len(k.seen)-days:] {
			n += y
		}
		s.List = append(s.List, Signal{
			Kind: Rise, Category: k.c.Code, Places: []layers.PlaceID{p.Division.Nodes[k.node]}, Days: days, Observed: n,
			Expected: k.mean * float64(days), P: ps[i], Method: method, Curve: p.curve(k.c.Class, under[k.node]),
		})
	}
}

// allLeaves of every node.
func (p *Picture) allLeaves() [][]int32 {
	out := make([][]int32, len(p.Division.Nodes))
	for u := range int32(p.Division.Areas.Leaves) {
		out[u] = []int32{u}
		for up := p.Division.Areas.Parent[u]; up >= 0; up = p.Division.Areas.Parent[up] {
			out[up] = append(out[up], u)
		}
	}
	return out
}

func (p *Picture) placesOf(leaves []int32) []layers.PlaceID {
	out := make([]layers.PlaceID, len(leaves))
	for i, u := range leaves {
		out[i] = p.Division.Nodes[u]
	}
	return out
}

// clusters by the scan statistic. Each category is looked at apart, so the level is divided by their number.
func (p *Picture) clusters(ctx context.Context, s *Signals, c *Category, near [][]int32) error {
	var cases []signal.Case
	last := p.Input.Day - 1
	for g := range p.panels[c.Class] {
		for u, days := range p.panels[c.Class][g].Days {
			for _, d := range days {
				if age := last - d; age >= 0 && age < scanDays {
					cases = append(cases, signal.Case{Unit: int32(u), Age: age})
				}
			}
		}
	}
	scan := signal.Scan{Near: near, Days: scanDays, Longest: scanLongest, Permutations: scanTimes, Seed: uint64(last)}
	found, err := scan.Clusters(ctx, cases, mostOfKind)
	if err != nil {
		return err
	}
	for _, f := range found {
		if f.P <= FalseRate/float64(len(p.Model.Categories)) {
			s.List = append(s.List, Signal{
				Kind: Cluster, Category: c.Code, Places: p.placesOf(f.Units), Days: f.Days, Observed: f.Cases, Expected: f.Expected, P: f.P,
				Method: "scan", Curve: p.curve(c.Class, f.Units),
			})
		}
	}
	return nil
}

// hot spots of what came beyond what was expected, over four weeks.
func (p *Picture) hot(ctx context.Context, s *Signals, c *Category, near [][]int32) error {
	from := p.Input.Day - 1 - scanDays
	f := newEstimate(p.Division, c, p.panels[c.Class], p.kernels[c.Class], from, false, p.Input.Silences).over(scanDays)
	n := p.Division.Areas.Leaves
	value, expected := make([]float64, n), make([]float64, n)
	seen := make([]int, n)
	for u := range int32(n) {
		for _, y := range p.daily(c.Class, []int32{u}, from, p.Input.Day-1) {
			seen[u] += y
		}
		expected[u] = float64(f.total[u]) / Millionths
		value[u] = (float64(seen[u]) - expected[u]) / math.Sqrt(expected[u]+0.25)
	}
	hot, err := signal.HotSpots(ctx, value, near, hotAround, scanTimes, uint64(p.Input.Day))
	if err != nil {
		return err
	}
	ps := make([]float64, n)
	for u := range hot {
		ps[u] = hot[u].P
	}
	byParent := map[int32][]int32{}
	for u, found := range signal.Discoveries(ps, FalseRate) {
		if found && float64(seen[u]) > expected[u] { // its neighbours alone do not make it hot
			up := p.Division.Areas.Parent[u]
			byParent[up] = append(byParent[up], int32(u))
		}
	}
	for _, units := range byParent {
		slices.SortFunc(units, func(a, b int32) int { return cmp.Or(cmp.Compare(ps[a], ps[b]), cmp.Compare(a, b)) })
		k := Signal{Kind: HotSpot, Category: c.Code, Places: p.placesOf(units), Days: scanDays, P: ps[units[0]], Method: "gi", Curve: p.curve(c.Class, units)}
		for _, u := range units {
			k.Observed += seen[u]
			k.Expected += expected[u]
		}
		if k.Observed >= fewestHot {
			s.List = append(s.List, k)
		}
	}
	return nil
}

// SeenBy are the signals all of whose places the scope sees.
func (s *Signals) SeenBy(scope layers.Scope, t *layers.Tree, within layers.PlaceID) []Signal {
	lo, hi := t.Range(within)
	out := []Signal{}
	for i := range s.List {
		in := func(id layers.PlaceID) bool {
			o := t.Ordinal(id)
			return o >= 0 && Sees(scope, id) && (within == 0 || o >= lo && o < hi)
		}
		if !slices.ContainsFunc(s.List[i].Places, func(id layers.PlaceID) bool { return !in(id) }) {
			out = append(out, s.List[i])
		}
	}
	return out
}
