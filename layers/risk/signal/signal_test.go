package signal

import (
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
