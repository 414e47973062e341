package model

import "context"

// Shared is the size of the negative binomial of the whole city's events: how far all places move together. It is fitted
// as Fit fits the rest, on the last year before end.
func Shared(ctx context.Context, a *Areas, panels []Panel, params []*Params, end int32, horizon int) (float64, error) {
	var means, seen []float64
	for k := range panels {
		f := &fitter{ctx: ctx, areas: a, panel: &panels[k], end: end, horizon: horizon, kernels: map[float64]*Kernel{}}
		f.weeks()
		if means == nil {
			means, seen = make([]float64, len(f.origins)), make([]float64, len(f.origins))
		}
		f.forecasts(params[k], func(i int, r *Rates, factor float64) {
			for u := range f.seen[i] {
				means[i] += factor * r.Total(u)
				seen[i] += f.seen[i][u]
			}
		})
	}
	size := maximise(1, 1e6, func(size float64) float64 {
		total := 0.0
		for i := range means {
			total += NegBin{means[i], size}.LogDensity(seen[i])
		}
		return total
	})
	return size, ctx.Err()
}
