package signal

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// square is a net of side × side units, 1 apart.
func square(side int) (x, y []float64) {
	for i := range side * side {
		x, y = append(x, float64(i%side)), append(y, float64(i/side))
	}
	return x, y
}

func TestScanFindsWhatWasPlantedAndNothingElse(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	x, y := square(10)
	s := Scan{Near: Nearest(x, y, 20), Days: 28, Longest: 14, Permutations: 199, Seed: 9}
	var cases []Case
	for u := range int32(100) {
		for range 6 {
			cases = append(cases, Case{u, int32(r.IntN(28))})
		}
	}
	quiet, err := s.Clusters(t.Context(), cases, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range quiet {
		if c.P < 0.02 {
			t.Errorf("a cluster where there is none: %+v", c)
		}
	}
	for _, u := range []int32{44, 45, 54, 55} {
		for range 8 {
			cases = append(cases, Case{u, int32(r.IntN(4))})
		}
	}
	found, err := s.Clusters(t.Context(), cases, 3)
	if err != nil {
		t.Fatal(err)
	}
	c := found[0]
	if c.P > 0.01 || c.Days > 6 || len(c.Units) > 9 || float64(c.Cases) < 2*c.Expected {
		t.Errorf("the planted cluster: %+v", c)
	}
	in := map[int32]bool{}
	for _, u := range c.Units {
		in[u] = true
	}
	if !in[44] || !in[55] {
		t.Errorf("the cluster lies elsewhere: %v", c.Units)
	}
	for _, other := range found[1:] {
		for _, u := range other.Units {
			if in[u] {
				t.Error("two clusters share a unit")
			}
		}
	}
	again, err := s.Clusters(t.Context(), cases, 3)
	if err != nil || again[0].P != c.P || again[0].Ratio != c.Ratio {
		t.Errorf("the same cases give another answer: %+v", again)
	}
}

// The ratio of each circle and window, counted anew from the cases.
func TestScanAgainstPlainCounting(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	x, y := square(4)
	s := Scan{Near: Nearest(x, y, 8), Days: 10, Longest: 5, Permutations: 9, Seed: 1}
	var cases []Case
	for range 120 {
		cases = append(cases, Case{int32(r.IntN(16)), int32(r.IntN(10))})
	}
	best := 0.0
	for c := range s.Near {
		for size := 1; size <= 8; size++ {
			in := map[int32]bool{}
			for _, u := range s.Near[c][:size] {
				in[u] = true
			}
			for l := int32(1); l <= 5; l++ {
				var k, zone, days float64
				for _, e := range cases {
					if in[e.Unit] {
						zone++
					}
					if e.Age < l {
						days++
					}
					if in[e.Unit] && e.Age < l {
						k++
					}
				}
				n := float64(len(cases))
				if mu := zone * days / n; 2*zone <= n && k > mu && k > 1 {
					best = max(best, k*math.Log(k/mu)+(n-k)*math.Log((n-k)/(n-mu)))
				}
			}
		}
	}
	found, err := s.Clusters(t.Context(), cases, 1)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(found[0].Ratio-best) > 1e-9 {
		t.Errorf("%v, by plain counting %v", found[0].Ratio, best)
	}
}

// What a permutation tells with the limits is what all circles and windows tell, as far as it matters.
func TestLimitsLoseNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	x, y := square(7)
	reached := 0
	for run := range 40 {
		s := Scan{Near: Nearest(x, y, 12), Days: 20, Longest: 9}
		var cases []Case
		for range 30 + r.IntN(300) {
			u := r.IntN(49)
			cases = append(cases, Case{int32(u * u / 49), int32(r.IntN(20))})
		}
		w := s.newWindow(cases)
		most := 0.0
		w.each(func(_ int32, _, _ int, k int32, e float64) { most = max(most, w.ratio(k, e)) })
		for _, least := range []float64{most / 3, most, most * 1.0001} {
			want := most
			if least > most {
				want = 0
			} else {
				reached++
			}
			if got := w.highest(w.limits(least), math.Inf(1)); got != want {
				t.Errorf("run %d: with limits of %v the highest is %v, want %v", run, least, got, want)
			}
		}
		if got := w.highest(w.limits(most/3), most/2); got < most/2 {
			t.Errorf("run %d: it ended at %v, before %v", run, got, most/2)
		}
	}
	if reached == 0 {
		t.Error("nothing was compared")
	}
}

func TestSequentialP(t *testing.T) {
	row := func(n, high int) []float64 { // the high ones first
		out := make([]float64, n)
		for i := range high {
			out[i] = 5
		}
		return out
	}
	for _, c := range []struct {
		name    string
		highest []float64
		want    float64
	}{
		{"none of 999 is as high", row(999, 0), 0.001},
		{"one of 999", row(999, 1), 0.002},
		{"equal counts as high", []float64{4, 4, 0, 0}, 0.6},
		{"one less than plenty", row(999, plenty-1), 0.025},
		{"plenty at once", row(999, plenty), 1},
		{"the rest is not looked at", append(row(50, plenty-1), 9, 9, 9), plenty / 51.0},
		{"there were none", nil, 1},
	} {
		if got := sequential(c.highest, 4); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: p = %v, want %v", c.name, got, c.want)
		}
	}
}

// Where nothing is, a small p is as rare as it says.
func TestScanOfNothingIsRarelySure(t *testing.T) {
	x, y := square(6)
	sure, runs := 0, 300
	for run := range runs {
		r := rand.New(rand.NewPCG(uint64(run), 4))
		s := Scan{Near: Nearest(x, y, 10), Days: 14, Longest: 7, Permutations: 99, Seed: uint64(run)}
		var cases []Case
		for range 120 {
			cases = append(cases, Case{int32(r.IntN(36)), int32(r.IntN(14))})
		}
		found, err := s.Clusters(t.Context(), cases, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > 0 && found[0].P <= 0.05 {
			sure++
		}
	}
	if sure > 26 { // 15 are expected; more than 26 in one of 300 such tests
		t.Errorf("%d of %d have p ≤ 0.05", sure, runs)
	}
}

func TestCancelledScan(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	x, y := square(5)
	s := Scan{Near: Nearest(x, y, 5), Days: 28, Longest: 14, Permutations: 99}
	if _, err := s.Clusters(ctx, []Case{{1, 1}, {1, 1}, {1, 1}, {2, 20}, {3, 25}}, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("it went on: %v", err)
	}
}

// The scan of the city for measurements: 3,025 units, 28 days, as many events as one of six categories has there. In a
// quiet city few permutations settle it; a real cluster takes all of them.
func BenchmarkScan(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	x, y := square(55)
	var cases []Case
	for range 21_000 {
		cases = append(cases, Case{int32(r.IntN(55 * 55)), int32(r.IntN(28))})
	}
	planted := cases
	for range 40 {
		planted = append(planted, Case{int32(1500 + r.IntN(3)), int32(r.IntN(4))})
	}
	for _, c := range []struct {
		name  string
		cases []Case
	}{{"quiet", cases}, {"planted", planted}} {
		b.Run(c.name, func(b *testing.B) {
			s := Scan{Near: Nearest(x, y, 40), Days: 28, Longest: 14, Permutations: 999, Seed: 9}
			for b.Loop() {
				if _, err := s.Clusters(b.Context(), c.cases, 5); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
