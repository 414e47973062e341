package signal

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
)

// Case is one event of a scan: its unit, and its age in days (0: the last day).
type Case struct{ Unit, Age int32 }

// Scan is a space-time permutation scan statistic (Kulldorff et al., PLoS Medicine 2, 2005): it looks for the circle and
// the last days in which most more came than place and time by themselves would have led to expect. It needs no numbers
// of people: what is usual comes from the cases.
type Scan struct {
	// Near lists for each unit the units around it by distance, itself first: the circles that are looked at.
	Near [][]int32
	// Days is how many days back the cases reach; Longest is the longest window, at most half of them.
	Days, Longest int
	Permutations  int
	Seed          uint64
}

// Cluster is a circle and its last days.
type Cluster struct {
	Centre   int32
	Units    []int32
	Days     int
	Cases    int
	Expected float64
	Ratio    float64 // logarithm of the likelihood ratio
	P        float64 // from the permutations
}

// Clusters finds at most a number of clusters that share no unit, the most likely first, each with its p-value. The cost
// is units × circles × windows × permutations, a nanosecond each; the processors share it. Where chance alone is soon seen
// to do as well, few permutations are made.
func (s *Scan) Clusters(ctx context.Context, cases []Case, most int) ([]Cluster, error) {
	if len(cases) < 4 || s.Longest < 1 {
		return nil, ctx.Err()
	}
	w := s.newWindow(cases)
	found := w.best(most)
	if len(found) == 0 {
		return nil, ctx.Err()
	}
	highest, err := s.permuted(ctx, cases, w.limits(found[len(found)-1].Ratio), found[0].Ratio)
	if err != nil {
		return nil, err
	}
	for i := range found {
		found[i].P = sequential(highest, found[i].Ratio)
	}
	return found, nil
}

// plenty is how many permutations that are as high settle that a cluster is nothing.
const plenty = 25

// sequential is the p-value of Besag and Clifford (Biometrika 78, 1991): plenty over the number of permutations that it
// took to see as many that are as high; when all were made, the usual share of them, the cases themselves among them.
func sequential(highest []float64, ratio float64) float64 {
	high := 0
	for i, h := range highest {
		if h < ratio {
			continue
		}
		if high++; high == plenty {
			return plenty / float64(i+1)
		}
	}
	return float64(high+1) / float64(len(highest)+1)
}

// permuted gives the highest ratio of each permutation of the days among the cases, as far as the limits tell it: what
// is lower is 0, and from top on any such value will do. It ends when plenty have reached the top.
func (s *Scan) permuted(ctx context.Context, cases []Case, limits []int32, top float64) ([]float64, error) {
	const batch = 4 * plenty
	out := make([]float64, s.Permutations)
	workers := workers()
	windows := make([]*window, workers)
	high := 0
	for from := 0; from < len(out); from += batch {
		to := min(from+batch, len(out))
		var all sync.WaitGroup
		for k := range workers {
			all.Go(func() {
				if windows[k] == nil {
					windows[k] = s.newWindow(slices.Clone(cases))
				}
				for i := from + k; i < to && ctx.Err() == nil; i += workers {
					windows[k].shuffle(cases, rand.New(rand.NewPCG(s.Seed, uint64(i))))
					out[i] = windows[k].highest(limits, top)
				}
			})
		}
		all.Wait()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for _, h := range out[from:to] {
			if h >= top {
				high++
			}
		}
		if high >= plenty {
			return out[:to], nil
		}
	}
	return out, nil
}

// window counts the cases of each unit in the last 1 … Longest days.
type window struct {
	s      *Scan
	cases  []Case
	n      float64
	units  []int     // cases by unit, all days
	recent []int32   // by unit and length of the window
	byLen  []float64 // cases by length of the window, all units
	table  []float64 // k·log k
	busy   []bool    // units that have a case in the longest window
}

func (s *Scan) newWindow(cases []Case) *window {
	w := &window{
		s: s, cases: cases, n: float64(len(cases)), units: make([]int, len(s.Near)), recent: make([]int32, len(s.Near)*s.Longest),
		byLen: make([]float64, s.Longest), table: make([]float64, len(cases)+1), busy: make([]bool, len(s.Near)),
	}
	for k := 1; k < len(w.table); k++ {
		w.table[k] = float64(k) * math.Log(float64(k))
	}
	for _, c := range cases {
		w.units[c.Unit]++
	}
	w.count()
	return w
}

// shuffle gives the days of the original cases to the units anew.
func (w *window) shuffle(original []Case, r *rand.Rand) {
	copy(w.cases, original)
	for a := len(w.cases) - 1; a > 0; a-- {
		b := r.IntN(a + 1)
		w.cases[a].Age, w.cases[b].Age = w.cases[b].Age, w.cases[a].Age
	}
	w.count()
}

func (w *window) count() {
	clear(w.recent)
	clear(w.byLen)
	clear(w.busy)
	long := w.s.Longest
	for _, c := range w.cases {
		if int(c.Age) < long {
			w.recent[int(c.Unit)*long+int(c.Age)]++
			w.busy[c.Unit] = true
		}
	}
	for u := range w.busy {
		if !w.busy[u] {
			continue
		}
		row := w.recent[u*long : (u+1)*long]
		for l := 1; l < long; l++ {
			row[l] += row[l-1]
		}
		for l, n := range row {
			w.byLen[l] += float64(n)
		}
	}
}

// ratio is the logarithm of the likelihood ratio of k cases where e were expected; 0 when there were not more.
func (w *window) ratio(k int32, e float64) float64 {
	c := float64(k)
	if k < 2 || c <= e {
		return 0
	}
	rest := int(w.n) - int(k)
	return w.table[k] - c*math.Log(e) + w.table[rest] - float64(rest)*math.Log(w.n-e)
}

// each calls do for every circle and window that holds more cases than expected. A circle ends at half of the cases.
func (w *window) each(do func(centre int32, size, length int, k int32, e float64)) {
	acc := make([]int32, w.s.Longest)
	for centre, near := range w.s.Near {
		clear(acc)
		all := 0
		for size, u := range near {
			if all += w.units[u]; 2*all > len(w.cases) {
				break
			}
			if !w.busy[u] {
				continue // the same cases in a larger circle: never better
			}
			for l, n := range w.row(u) {
				acc[l] += n
			}
			for l, k := range acc {
				if e := w.expected(all, l); k > 1 && float64(k) > e {
					do(int32(centre), size+1, l+1, k, e)
				}
			}
		}
	}
}

// row are a unit's cases by length of the window.
func (w *window) row(u int32) []int32 {
	return w.recent[int(u)*w.s.Longest : (int(u)+1)*w.s.Longest]
}

// expected in the window of index l, in a circle that has so many cases of all days.
func (w *window) expected(all, l int) float64 { return float64(all) * w.byLen[l] / w.n }

// limits are the fewest cases whose ratio is least or more, by cases of all days in the circle and length of the window:
// with them a permutation needs no logarithm but for what matters. They are the same for all permutations, because those
// change neither what a circle holds over all days nor how many cases a day has.
func (w *window) limits(least float64) []int32 {
	long := w.s.Longest
	largest := 0
	for _, near := range w.s.Near {
		all := 0
		for _, u := range near {
			if 2*(all+w.units[u]) > len(w.cases) {
				break
			}
			all += w.units[u]
		}
		largest = max(largest, all)
	}
	out := make([]int32, (largest+1)*long)
	for l := range long {
		k := int32(2) // more cases in the circle never need fewer recent ones
		for all := range largest + 1 {
			for e := w.expected(all, l); int(k) <= all && w.ratio(k, e) < least; {
				k++
			}
			out[all*long+l] = k
		}
	}
	return out
}

// highest ratio of all circles and windows that reach the limits, 0 when none does; it looks no further than the top.
func (w *window) highest(limits []int32, top float64) float64 {
	long, half := w.s.Longest, len(w.cases)/2
	most := 0.0
	acc := make([]int32, long)
	for _, near := range w.s.Near {
		clear(acc)
		all := 0
		for _, u := range near {
			if all += w.units[u]; all > half {
				break
			}
			if !w.busy[u] {
				continue
			}
			row, limit := w.row(u)[:len(acc)], limits[all*long:][:len(acc)]
			for l := range acc {
				acc[l] += row[l]
				if acc[l] >= limit[l] {
					most = max(most, w.ratio(acc[l], w.expected(all, l)))
				}
			}
			if most >= top {
				return most
			}
		}
	}
	return most
}

// best are the clusters of the highest ratio that share no unit.
func (w *window) best(most int) []Cluster {
	type candidate struct {
		centre       int32
		size, length int
		k            int32
		e, ratio     float64
	}
	byCentre := map[int32]candidate{}
	w.each(func(centre int32, size, length int, k int32, e float64) {
		if r := w.ratio(k, e); r > byCentre[centre].ratio {
			byCentre[centre] = candidate{centre, size, length, k, e, r}
		}
	})
	var all []candidate
	for _, c := range byCentre {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.ratio, a.ratio), cmp.Compare(a.size, b.size), cmp.Compare(a.centre, b.centre))
	})
	taken := map[int32]bool{}
	var out []Cluster
	for _, c := range all {
		units := w.s.Near[c.centre][:c.size]
		if slices.ContainsFunc(units, func(u int32) bool { return taken[u] }) {
			continue
		}
		for _, u := range units {
			taken[u] = true
		}
		out = append(out, Cluster{Centre: c.centre, Units: slices.Clone(units), Days: c.length, Cases: int(c.k), Expected: c.e, Ratio: c.ratio})
		if len(out) == most {
			break
		}
	}
	return out
}

// Nearest lists the units by distance from each, itself first, at most a number; those without a location stand alone.
func Nearest(x, y []float64, most int) [][]int32 {
	out := make([][]int32, len(x))
	type far struct {
		u int32
		d float64
	}
	for i := range x {
		if math.IsNaN(x[i]) {
			out[i] = []int32{int32(i)}
			continue
		}
		list := []far{{int32(i), -1}}
		for j := range x {
			d := (x[i]-x[j])*(x[i]-x[j]) + (y[i]-y[j])*(y[i]-y[j])
			if j == i || math.IsNaN(d) || len(list) == most && d >= list[most-1].d {
				continue
			}
			at, _ := slices.BinarySearchFunc(list, d, func(f far, d float64) int { return cmp.Or(cmp.Compare(f.d, d), -1) })
			if list = slices.Insert(list, at, far{int32(j), d}); len(list) > most {
				list = list[:most]
			}
		}
		for _, f := range list {
			out[i] = append(out[i], f.u)
		}
	}
	return out
}
