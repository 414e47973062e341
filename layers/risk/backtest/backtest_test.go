package backtest

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"onepicture/layers/risk/model"
)

// invented is a square of side × side leaves under four parents, with a true rate that varies by leaf, and bursts.
func invented(side int, days int32, burst bool) *Problem {
	r := rand.New(rand.NewPCG(7, 7))
	n := side * side
	a := &model.Areas{Leaves: n}
	for i := range n {
		x, y := i%side, i/side
		a.X, a.Y, a.AreaM2 = append(a.X, float64(x)*200), append(a.Y, float64(y)*200), append(a.AreaM2, 40_000)
		a.Parent = append(a.Parent, int32(n+2*(2*y/side)+2*x/side))
	}
	a.Parent = append(a.Parent, int32(n+4), int32(n+4), int32(n+4), int32(n+4), -1)
	rate := make([]float64, n)
	for i := range rate {
		rate[i] = 0.02 * math.Exp(0.8*r.NormFloat64()) * (1 + float64(a.Parent[i]-int32(n)))
	}
	hot := make([]float64, n)
	p := &Problem{
		Category: "invented", Areas: a, Names: []string{"a", "b", "c", "d"}, Panels: []model.Panel{{Start: 100, Days: make([][]int32, n)}},
		TrainEnd: 100 + 2*days/3, TestEnd: 100 + days, Horizon: 7,
	}
	truth := make([][]float64, days)
	for d := range days {
		if burst && d%20 == 0 {
			hot[r.IntN(n)] = 40
		}
		truth[d] = make([]float64, n)
		for i := range n {
			hot[i] *= 0.93
			truth[d][i] = rate[i] * (1 + hot[i])
			for range poisson(r, truth[d][i]) {
				p.Panels[0].Days[i] = append(p.Panels[0].Days[i], 100+d)
			}
		}
	}
	p.Truth = func(leaf int, lo, hi int32) float64 {
		s := 0.0
		for d := lo; d < hi; d++ {
			s += truth[d-100][leaf]
		}
		return s
	}
	return p
}

func poisson(r *rand.Rand, mean float64) int {
	limit, p, n := math.Exp(-mean), r.Float64(), 0
	for p > limit {
		p *= r.Float64()
		n++
	}
	return n
}

func TestModelsWithTheTermsThatAreTrueWin(t *testing.T) {
	got, err := Run(t.Context(), invented(16, 900, true), nil)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]Score{}
	for _, s := range got.Scores {
		by[s.Model] = s
		t.Logf("%-32s log %.4f hit %.3f [%.3f %.3f] PEI %.2f cover %.3f shown %.3f stable %.2f bias %.3f  Δlog %.4f [%.4f %.4f] Δhit %.4f [%.4f %.4f] %+v", s.Model, s.Log.Value,
			s.Hit[1].Value, s.Hit[1].Lo, s.Hit[1].Hi, s.PEI[1], s.Cover.Value, s.Shown, s.Stable, s.Bias, s.LogBeats.Value, s.LogBeats.Lo, s.LogBeats.Hi, s.HitBeats.Value, s.HitBeats.Lo, s.HitBeats.Hi, s.Recovered)
	}
	for _, d := range got.Why {
		t.Logf("%+v", d)
	}
	t.Logf("ships %s", got.Ships.Name())
	if !got.Ships.Terms.Recent {
		t.Error("the bursts are true, and their term is off")
	}
	if got.Ships.Terms.Season || got.Ships.Terms.Week {
		t.Error("a rhythm that there is not was switched on")
	}
	ships := by[got.Ships.Name()]
	if c := ships.Cover.Value; c < 0.88 || c > 0.92 {
		t.Errorf("the 90 %% intervals cover %.3f", c)
	}
	if ships.Recovered.Correlation < 0.65 || math.Abs(ships.Recovered.Total-1) > 0.1 {
		t.Errorf("the true rates are missed: %+v", *ships.Recovered)
	}
	if h := by["random"].Hit[1]; h.Lo > 0.05 || h.Hi < 0.05 {
		t.Errorf("random hits %.3f in 5 %% of the area", h.Value)
	}
	if by["random"].PAI[1] > 1.2 {
		t.Errorf("random has a PAI of %.2f", by["random"].PAI[1])
	}
}

func TestNothingBeatsTheBaselineWhereNothingIsToBeKnown(t *testing.T) {
	p := invented(10, 600, false)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range p.Panels[0].Days { // the same rate everywhere
		p.Panels[0].Days[i] = nil
		for d := int32(100); d < 700; d++ {
			for range poisson(r, 0.05) {
				p.Panels[0].Days[i] = append(p.Panels[0].Days[i], d)
			}
		}
	}
	p.Truth = nil
	got, err := Run(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Ships.Baseline() {
		t.Errorf("%s ships: there is nothing that it could know", got.Ships.Name())
	}
	if got.BestLog != "random" {
		t.Errorf("the best baseline is %s", got.BestLog)
	}
}

func TestTheTestIsNotSeenBefore(t *testing.T) {
	a, b := invented(8, 600, false), invented(8, 600, false)
	for i, days := range b.Panels[0].Days { // another future after the first test week
		for k, d := range days {
			if d >= b.TrainEnd+7 {
				b.Panels[0].Days[i] = days[:k]
				break
			}
		}
	}
	spec := model.Spec{Base: model.Shrunk, Terms: model.Terms{Spill: true, Recent: true}}
	first := func(p *Problem) float64 {
		w, err := p.run(t.Context(), spec, p.course())
		if err != nil {
			t.Fatal(err)
		}
		return w.log[0]
	}
	if x, y := first(a), first(b); x != y {
		t.Errorf("the forecast of the first week depends on what came later: %v, %v", x, y)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, invented(6, 400, false), nil); err == nil {
		t.Error("it went on")
	}
}

func TestHits(t *testing.T) {
	flat := make([]float64, 20)
	for i := range flat {
		flat[i] = 100
	}
	value := make([]float64, 20)
	y := make([]int32, 20)
	y[3], y[7] = 6, 4
	for _, c := range []struct {
		name string
		set  func(v []float64)
		want [4]float64
	}{
		{"all equal: as much as of the area", func([]float64) {}, [4]float64{0.1, 0.5, 1, 2}},
		{"the best first", func(v []float64) { v[3], v[7] = 2, 1 }, [4]float64{1.2, 6, 10, 10}},
		{"the worst first", func(v []float64) { v[3], v[7] = -2, -1 }, [4]float64{0, 0, 0, 0}},
		{"two share a rank", func(v []float64) { v[3], v[7] = 1, 1 }, [4]float64{1, 5, 10, 10}},
	} {
		clear(value)
		c.set(value)
		got := hitsAt(value, flat, y)
		for i := range got {
			if math.Abs(got[i]-c.want[i]) > 1e-9 {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
				break
			}
		}
	}
}

func TestIntervalsOfBlocks(t *testing.T) {
	w := resample(104)
	for _, row := range w {
		if total(row) != 104 {
			t.Fatalf("a draw has %v steps", total(row))
		}
	}
	same := ones(104)
	if got := ratio(same, same, w); got != (Interval{1, 1, 1}) {
		t.Errorf("a constant is uncertain: %+v", got)
	}
	x := make([]float64, 104)
	for i := range x {
		x[i] = float64(i%2)*2 - 1
	}
	if got := ratio(x, same, w); got.Above() || got.Lo > 0 || got.Hi < 0 {
		t.Errorf("nothing is something: %+v", got)
	}
}
