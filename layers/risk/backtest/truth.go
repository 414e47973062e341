package backtest

import (
	"math"

	"onepicture/layers/risk/model"
)

// truth gathers forecasts beside the rates that events were drawn from.
type truth struct {
	n, x, y, xx, yy, xy, miss float64
}

func (t *truth) add(p *Problem, origin int32, mix *model.Mix) {
	for u, mean := range mix.Mean {
		real := p.Truth(u, origin, origin+int32(p.Horizon))
		t.n++
		t.x += real
		t.y += mean
		t.xx += real * real
		t.yy += mean * mean
		t.xy += real * mean
		t.miss += math.Abs(mean - real)
	}
}

// Recovered says how near the forecasts came to the true rates.
type Recovered struct {
	Correlation float64 `json:"correlation"`
	Slope       float64 `json:"slope"`  // of the truth on the forecast: 1 is right, less: forecasts too extreme
	Total       float64 `json:"total"`  // forecasts over truth, all summed
	Missed      float64 `json:"missed"` // mean distance over mean truth
}

func (t *truth) recovered() *Recovered {
	if t.n == 0 || t.x == 0 {
		return nil
	}
	cov, vx, vy := t.xy-t.x*t.y/t.n, t.xx-t.x*t.x/t.n, t.yy-t.y*t.y/t.n
	r := &Recovered{Total: t.y / t.x, Missed: t.miss / t.x}
	if vx > 0 && vy > 0 {
		r.Correlation, r.Slope = cov/math.Sqrt(vx*vy), cov/vy
	}
	return r
}
