package signal

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"onepicture/layers/risk/model"
)

// A small edition of what `onepicture risk signals` measures over 200 years.
func TestFalseAlarmsStayBelowTheStatedRate(t *testing.T) {
	trial := Trial{Units: 40, Mean: 1, Years: 12, Rate: 0.05, Seed: 1, Spread: 28}
	quiet, err := trial.Quiet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range quiet[:2] {
		if q.Days > trial.Rate || q.Flags > trial.Rate {
			t.Errorf("%s: flags on %.4f of the days, %.6f of the unit-days; stated is %.2f", q.Detector, q.Days, q.Flags, trial.Rate)
		}
	}
	if c1 := quiet[2]; c1.Days < 0.2 {
		t.Errorf("EARS C1 without a correction flags on %.3f of the days only: the comparison is not what it was", c1.Days)
	}
	found, err := trial.Outbreaks(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if f := found[0]; f.Share < 0.9 || f.Delay > 10 {
		t.Errorf("an outbreak of three times: %.2f found, after %.0f days", f.Share, f.Delay)
	}
}

func TestCUSUM(t *testing.T) {
	for _, c := range []struct {
		name string
		days []int
		want func(p float64) bool
	}{
		{"what is expected raises nothing", []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, func(p float64) bool { return p > 0.2 }},
		{"nothing at all raises nothing", []int{0, 0, 0, 0, 0}, func(p float64) bool { return p == 1 }},
		{"twice as many for two weeks is rare", []int{2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, func(p float64) bool { return p < 0.02 }},
		{"a burst is rare at once", []int{12}, func(p float64) bool { return p < 0.001 }},
	} {
		var s CUSUM
		for _, y := range c.days {
			s.Add(y, model.NegBin{Mean: 1, Size: math.Inf(1)})
		}
		if !c.want(s.P()) {
			t.Errorf("%s: p = %v", c.name, s.P())
		}
	}
	var s CUSUM
	s.Add(5, model.NegBin{})
	if s.S != 0 {
		t.Error("without an expectation there is no evidence")
	}
}

func TestEARSAgainstTheirDefinition(t *testing.T) {
	days := []int{9, 9, 2, 4, 4, 4, 5, 5, 7, 3, 9, 20}
	// C1: the seven days before the last: 4 4 5 5 7 3 9, mean 5.2857, sd 2.0587. C2: 2 4 4 4 5 5 7, mean 4.4286, sd 1.5119.
	e := NewEARS(days)
	if math.Abs(e.C1-(20-37.0/7)/2.0587) > 0.01 || math.Abs(e.C2-(20-31.0/7)/1.5119) > 0.01 {
		t.Errorf("C1 %.4f, C2 %.4f", e.C1, e.C2)
	}
	if e.C3 < e.C2-1 {
		t.Errorf("C3 %.4f holds less than the last day", e.C3)
	}
	if (NewEARS(days[:11]) != EARS{}) || C2P(days[:11]) != 1 {
		t.Error("eleven days are too few")
	}
}

func TestDiscoveries(t *testing.T) {
	for _, c := range []struct {
		name string
		p    []float64
		want int
	}{
		{"none", []float64{0.2, 0.9, 0.5}, 0},
		{"one of four at 0.05/4", []float64{0.0124, 0.5, 0.9, 0.3}, 1},
		{"not at a little more", []float64{0.0126, 0.5, 0.9, 0.3}, 0},
		{"the third lifts the others", []float64{0.03, 0.03, 0.03, 0.9}, 3},
		{"nothing to look at", nil, 0},
	} {
		if got := count(Discoveries(c.p, 0.05)); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

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

func TestHotSpots(t *testing.T) {
	x, y := square(12)
	near := Nearest(x, y, 9)
	r := rand.New(rand.NewPCG(2, 3))
	value := make([]float64, 144)
	for i := range value {
		value[i] = r.Float64()
	}
	p := func() []float64 {
		hot, err := HotSpots(t.Context(), value, near, 8, 199, 4)
		if err != nil {
			t.Fatal(err)
		}
		var out []float64
		for _, h := range hot {
			out = append(out, h.P)
		}
		return out
	}
	if n := count(Discoveries(p(), 0.05)); n > 0 {
		t.Errorf("%d hot spots among noise", n)
	}
	for _, i := range []int{65, 66, 67, 77, 78, 79} {
		value[i] += 4
	}
	hot := Discoveries(p(), 0.05)
	if !hot[66] || !hot[78] || hot[0] || hot[143] {
		t.Error("the hot spot is not where it was planted")
	}
	flat, err := HotSpots(t.Context(), make([]float64, 144), near, 8, 19, 4)
	if err != nil || flat[5].P != 1 || flat[5].Z != 0 {
		t.Errorf("where all are equal nothing is hot: %+v", flat[5])
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

// The scan of the city for measurements: 3,000 units, 28 days, as many events as one of six categories has there.
func BenchmarkScan(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	x, y := square(55)
	s := Scan{Near: Nearest(x, y, 40), Days: 28, Longest: 14, Permutations: 999, Seed: 9}
	var cases []Case
	for range 21_000 {
		cases = append(cases, Case{int32(r.IntN(55 * 55)), int32(r.IntN(28))})
	}
	for b.Loop() {
		if _, err := s.Clusters(b.Context(), cases, 5); err != nil {
			b.Fatal(err)
		}
	}
}
