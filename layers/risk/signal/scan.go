package signal

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"runtime"
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
// is units × circles × windows × permutations; the processors share it.
func (s *Scan) Clusters(ctx context.Context, cases []Case, most int) ([]Cluster, error) {
	if len(cases) < 4 || s.Longest < 1 {
		return nil, ctx.Err()
	}
	w := s.newWindow(cases)
	found := w.best(most)
	if len(found) == 0 {
		return nil, ctx.Err()
	}
	highest, err := s.permuted(ctx, cases)
	if err != nil {
		return nil, err
	}
	for i := range found {
		c := &found[i]
		n := 1
		for _, h := range highest {
			if h >= c.Ratio {
				n++
			}
		}
		c.P = float64(n) / float64(len(highest)+1)
	}
	return found, nil
}

// permuted gives the highest ratio of each permutation of the days among the cases.
func (s *Scan) permuted(ctx context.Context, cases []Case) ([]float64, error) {
	out := make([]float64, s.Permutations)
	var all sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for k := range workers {
		all.Go(func() {
			mine := slices.Clone(cases)
			w := s.newWindow(mine)
			for i := k; i < len(out) && ctx.Err() == nil; i += workers {
				r := rand.New(rand.NewPCG(s.Seed, uint64(i)))
				for a := len(mine) - 1; a > 0; a-- {
					b := r.IntN(a + 1)
					mine[a].Age, mine[b].Age = mine[b].Age, mine[a].Age
				}
				w.count(mine)
				out[i] = w.highest()
			}
		})
	}
	all.Wait()
	return out, ctx.Err()
}

// window counts the cases of each unit in the last 1 … Longest days.
type window struct {
	s      *Scan
	n      float64
	units  []float64 // cases by unit, all days
	recent []int32   // by unit and length of the window
	byLen  []float64 // cases by length of the window, all units
	table  []float64 // k·log k
	busy   []bool    // units that have a case in the longest window
}

func (s *Scan) newWindow(cases []Case) *window {
	w := &window{
		s: s, n: float64(len(cases)), units: make([]float64, len(s.Near)), recent: make([]int32, len(s.Near)*s.Longest),
		byLen: make([]float64, s.Longest), table: make([]float64, len(cases)+1), busy: make([]bool, len(s.Near)),
	}
	for k := 1; k < len(w.table); k++ {
		w.table[k] = float64(k) * math.Log(float64(k))
	}
	for _, c := range cases {
		w.units[c.Unit]++
	}
	w.count(cases)
	return w
}

func (w *window) count(cases []Case) {
	clear(w.recent)
	clear(w.byLen)
	clear(w.busy)
	long := w.s.Longest
	for _, c := range cases {
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
	long := w.s.Longest
	acc := make([]int32, long)
	for centre, near := range w.s.Near {
		clear(acc)
		all := 0.0
		for size, u := range near {
			if all += w.units[u]; 2*all > w.n {
				break
			}
			if !w.busy[u] {
				continue // the same cases in a larger circle: never better
			}
			for l, n := range w.recent[int(u)*long : (int(u)+1)*long] {
				acc[l] += n
			}
			for l, k := range acc {
				if e := all * w.byLen[l] / w.n; k > 1 && float64(k) > e {
					do(int32(centre), size+1, l+1, k, e)
				}
			}
		}
	}
}

func (w *window) highest() float64 {
	most := 0.0
	w.each(func(_ int32, _, _ int, k int32, e float64) { most = max(most, w.ratio(k, e)) })
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
