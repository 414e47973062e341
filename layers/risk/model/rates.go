package model

// Parts of a rate, which are its terms. They add up.
const (
	Surroundings = iota // what is usual in the places above
	Own                 // what the place's own history adds
	Spilled             // long-run rate of the neighbours
	Lately              // what happened here lately
	Nearby              // what happened nearby lately
	Parts
)

// Rates are events a day on a day of factor 1, by part and leaf.
type Rates struct {
	Part [Parts][]float64
	// Shape is how sure the long-run rate is, by leaf: of the Gamma that is left. 0: the base does not tell.
	Shape []float64
	// Expected is how many events the places above would have led to expect in the time that was observed.
	Expected []float64
	Counted  []float64 // how many there were
}

// Total is the rate of a leaf.
func (r *Rates) Total(i int) float64 {
	t := 0.0
	for p := range r.Part {
		t += r.Part[p][i]
	}
	return t
}

// half is added to raw counts, so that nothing ever counts as impossible (Jeffreys' prior of a Poisson rate).
const half = 0.5

// Rates from what is known. The kernel belongs to the model's bandwidth; it may be nil for models that look at no
// neighbours. A few operations a leaf and neighbour.
func (p *Params) Rates(a *Areas, k *Kernel, s *State) *Rates {
	r := &Rates{Shape: make([]float64, a.Leaves), Expected: make([]float64, a.Leaves), Counted: s.all.n}
	for i := range r.Part {
		r.Part[i] = make([]float64, a.Leaves)
	}
	p.long(a, k, s, r)
	if p.Spec.Terms.Spill && k != nil {
		p.nearby(k, &s.faded, p.Theta[fSpill], r.Part[Spilled])
	}
	if p.Spec.Terms.Recent {
		if k != nil {
			p.nearby(k, &s.recent, p.Theta[fNear], r.Part[Nearby])
		}
		for i, n := range s.recent.n {
			r.Part[Lately][i] = p.Theta[fRecent] * n / s.recent.exposure(i)
		}
	}
	return r
}

// long fills the base.
func (p *Params) long(a *Areas, k *Kernel, s *State, r *Rates) {
	c := &s.all
	switch p.Spec.Base {
	case Random:
		total, area := sum(c.n), sum(a.AreaM2)
		for i, m2 := range a.AreaM2 {
			r.Part[Surroundings][i] = (total + half) / c.days * m2 / area
		}
	case Year, History:
		if p.Spec.Base == Year {
			c = &s.year
		}
		for i, n := range c.n {
			r.Part[Surroundings][i] = half / c.exposure(i)
			r.Part[Own][i] = n / c.exposure(i)
		}
	case KDE:
		p.smoothed(a, k, c, r.Part[Own], r.Part[Spilled], r.Part[Surroundings])
	case Shrunk:
		p.shrunk(a, s, r)
	}
	if p.Spec.Base != Shrunk {
		mean := (sum(c.n) + half) / float64(max(1, a.Leaves))
		for i := range r.Expected {
			r.Expected[i] = mean * c.exposure(i) / c.days
		}
	}
}

// smoothed spreads each event over the leaves around it, so that the sum stays.
func (p *Params) smoothed(a *Areas, k *Kernel, c *column, own, spilled, rest []float64) {
	weight := k.around(a.AreaM2)
	per := make([]float64, a.Leaves)
	const uniform = 0.001 // share spread evenly: nothing is impossible
	for i := range per {
		per[i] = (1 - uniform) * c.n[i] / c.exposure(i) / (weight[i] + a.AreaM2[i])
	}
	around := k.around(per)
	total, area := sum(c.n)/c.days, sum(a.AreaM2)
	for i, m2 := range a.AreaM2 {
		own[i], spilled[i] = per[i]*m2, around[i]*m2
		rest[i] = (uniform*total + half/c.days) * m2 / area
	}
}

// tree are counts and exposures rolled up, and the rate of each place above the leaves.
type tree struct {
	n, x []float64
	rate []float64 // events a day and unit of exposure
}

// shrunk is the Gamma–Poisson chain: each place's rate relative to the one above is Gamma(shape, shape), so its mean is
// (shape + n) / (shape / rate above + exposure).
func (p *Params) shrunk(a *Areas, s *State, r *Rates) {
	t := p.roll(a, &s.faded)
	depth := a.depths()
	for i := range a.Leaves {
		above, shape := t.above(a, i), p.shape(depth[i])
		e, x := p.Exposure[i], t.x[i]
		whole := shape/above + x
		theta := p.Theta[fBase]
		r.Part[Surroundings][i] = theta * e * shape / whole
		r.Part[Own][i] = theta * e * t.n[i] / whole
		r.Shape[i] = shape + t.n[i]
		r.Expected[i] = above * e * s.all.exposure(i)
	}
}

func (p *Params) roll(a *Areas, c *column) *tree {
	t := &tree{make([]float64, len(a.Parent)), make([]float64, len(a.Parent)), make([]float64, len(a.Parent))}
	for i := range a.Leaves {
		t.n[i], t.x[i] = c.n[i], p.Exposure[i]*c.exposure(i)
	}
	for i, up := range a.Parent {
		if up >= 0 {
			t.n[up] += t.n[i]
			t.x[up] += t.x[i]
		}
	}
	depth := a.depths()
	for i := len(a.Parent) - 1; i >= a.Leaves; i-- { // from the top down
		if a.Parent[i] < 0 {
			t.rate[i] = (t.n[i] + half) / max(t.x[i], 1e-9)
			continue
		}
		shape := p.shape(depth[i])
		t.rate[i] = (shape + t.n[i]) / (shape/t.rate[a.Parent[i]] + t.x[i])
	}
	return t
}

// above is the rate of the place above; of a leaf at the top its own.
func (t *tree) above(a *Areas, i int) float64 {
	if up := a.Parent[i]; up >= 0 {
		return t.rate[up]
	}
	return (t.n[i] + half) / max(t.x[i], 1e-9)
}

func (p *Params) shape(depth int) float64 {
	if depth < len(p.Shape) && p.Shape[depth] > 0 {
		return p.Shape[depth]
	}
	return 1
}

// depths counts the places above.
func (a *Areas) depths() []int {
	out := make([]int, len(a.Parent))
	for i := len(a.Parent) - 1; i >= 0; i-- {
		if up := a.Parent[i]; up >= 0 {
			out[i] = out[up] + 1
		}
	}
	return out
}

// nearby is what the neighbours' rate for their exposure would mean for one's own.
func (p *Params) nearby(k *Kernel, c *column, theta float64, out []float64) {
	if theta == 0 {
		return
	}
	x := make([]float64, len(c.n))
	for i := range x {
		x[i] = p.Exposure[i] * c.exposure(i)
	}
	n, e := k.around(c.n), k.around(x)
	for i := range out {
		if e[i] > 0 {
			out[i] = theta * p.Exposure[i] * n[i] / e[i]
		}
	}
}
