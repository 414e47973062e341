package city

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/paulmach/orb"
)

// Item is what the generator must know of an event item.
type Item struct {
	Category      int // index among the categories
	Name          string
	Level         int16
	DeadlineHours int
}

// Event is an invented event.
type Event struct {
	Grid       int
	Category   int
	Item       int // index among the items
	Channel    int16
	Status     int16
	ReportedAt time.Time
	DueAt      time.Time
	ClosedAt   time.Time // zero: open
	Point      orb.Point
	Address    string
}

// Categories of events, in the catalogue's order.
const (
	Safety = iota
	Fire
	Appearance
	Flood
	Care
	Dispute
	categories
)

// History days: three years.
const Days = 3 * 365

// hotSpot raises the rate of one category around a place for a while; its middle drifts.
type hotSpot struct {
	category   int
	x, y       float64
	dx, dy     float64 // km a day
	radius     float64
	start, end int
	factor     float64
}

// Rates is the true rate of events: by grid, category and day of the history. It is known, so that what is estimated
// from the events can be compared with it.
type Rates struct {
	city     *City
	base     [][categories]float64 // events a day and grid before the factors
	day      [categories][Days]float64
	spots    []hotSpot
	start    time.Time         // local midnight of day 0
	until    time.Time         // nothing is reported from this moment on
	category [categories][]int // items by category
	items    []Item
}

// Rates for about total events in the three years that end with the day of now, as far as that has come.
func (c *City) Rates(total int, now time.Time, items []Item) *Rates {
	y, m, d := now.Date()
	r := &Rates{city: c, start: time.Date(y, m, d+1-Days, 0, 0, 0, 0, now.Location()), until: now, items: items}
	for i, it := range items {
		r.category[it.Category] = append(r.category[it.Category], i)
	}
	random := source(c.Seed, "rates", 0)
	r.seasons(random)
	r.hotSpots(random)
	share := [categories]float64{0.14, 0.16, 0.38, 0.09, 0.13, 0.10}
	r.base = make([][categories]float64, grids)
	for k := range categories {
		sum := 0.0
		for g := range grids {
			if len(c.pixels[g]) == 0 {
				continue
			}
			p := c.Grid(g)
			w := math.Pow(p.People, 0.85) * math.Exp(0.45*random.NormFloat64())
			switch k {
			case Fire:
				w *= 0.6 + 1.4*p.Industry
			case Flood:
				w *= 0.25 + 2.5*c.low(g)
			}
			r.base[g][k] = w
			sum += w
		}
		days := 0.0
		for _, d := range r.day[k] {
			days += d
		}
		for g := range grids {
			r.base[g][k] *= float64(total) * share[k] / sum / days
		}
	}
	return r
}

// low tells how near a grid is to the river.
func (c *City) low(g int) float64 {
	best := math.MaxFloat64
	p := c.Grid(g).Label
	x, y := (p[0]-westLon)*kmPerLon, (northLat-p[1])*kmPerLat
	for _, river := range c.terrain.rivers {
		for i := 0; i < len(river); i += 4 {
			best = min(best, math.Hypot(river[i][0]-x, river[i][1]-y))
		}
	}
	return math.Exp(-best / 2.5)
}

// seasons are the daily factors: yearly and weekly rhythm, rain for floods, holidays.
func (r *Rates) seasons(random *rand.Rand) {
	rain := 0.0
	for d := range Days {
		date := r.start.AddDate(0, 0, d)
		year := float64(date.YearDay()) / 365.25 * 2 * math.Pi
		wet := math.Exp(1.3 * math.Cos(year-2*math.Pi*170/365.25)) // most in June
		rain = rain*0.45 + b2f(random.Float64() < 0.10*wet)*math.Exp(random.NormFloat64()*0.7)
		weekend := date.Weekday() == time.Saturday || date.Weekday() == time.Sunday
		week := 1.0
		if weekend {
			week = 0.82
		}
		holiday := date.Month() == time.October && date.Day() <= 7 || date.Month() == time.May && date.Day() <= 3
		r.day[Safety][d] = week * (1 + 0.10*math.Cos(year-1))
		r.day[Fire][d] = (1 + 0.35*math.Cos(year-0.1)) * (1 + 0.2*b2f(holiday))
		r.day[Appearance][d] = week * (1 + 0.12*math.Cos(year-3.4)) * (1 + 0.3*b2f(holiday))
		r.day[Flood][d] = 0.35 + 3.2*rain
		r.day[Care][d] = (1.15 - 0.3*b2f(weekend)) * (1 + 0.18*math.Cos(year))
		r.day[Dispute][d] = 0.9 + 0.25*b2f(weekend)
	}
}

func (r *Rates) hotSpots(random *rand.Rand) {
	for range 70 {
		c := r.city.terrain.centres[random.IntN(towns)]
		start := random.IntN(Days + 40)
		length := 20 + random.IntN(100)
		r.spots = append(r.spots, hotSpot{
			category: random.IntN(categories),
			x:        c.x + 2.5*random.NormFloat64(), y: c.y + 2.5*random.NormFloat64(),
			dx: 0.02 * random.NormFloat64(), dy: 0.02 * random.NormFloat64(),
			radius: 0.6 + 1.4*random.Float64(), start: start - length/2, end: start + length/2,
			factor: 2 + 6*random.Float64(),
		})
	}
	// One that burns now, so that the present has something to show.
	c := r.city.terrain.centres[1]
	r.spots = append(r.spots, hotSpot{category: Flood, x: c.x, y: c.y, radius: 1.6, start: Days - 12, end: Days + 60, factor: 6})
}

// TrueRate is the expected number of events of a category in a grid on a day of the history (0 … Days−1).
func (r *Rates) TrueRate(grid, category, day int) float64 {
	return r.base[grid][category] * r.day[category][min(day, Days-1)] * (1 + r.heat(grid, category, day))
}

func (r *Rates) heat(grid, category, day int) float64 {
	sum := 0.0
	for i := range r.spots {
		h := &r.spots[i]
		if h.category != category || day < h.start || day >= h.end {
			continue
		}
		p := r.city.Grid(grid).Label
		x, y := (p[0]-westLon)*kmPerLon, (northLat-p[1])*kmPerLat
		t := float64(day - h.start)
		d := math.Hypot(h.x+h.dx*t-x, h.y+h.dy*t-y) / h.radius
		if d < 3 {
			swell := math.Sin(math.Pi * (t + 0.5) / float64(h.end-h.start))
			sum += h.factor * swell * math.Exp(-d*d/2)
		}
	}
	return sum
}

// In draws the events of a grid, by day.
func (r *Rates) In(grid int) []Event {
	random := source(r.city.Seed, "events", uint64(grid))
	var out []Event
	if len(r.city.pixels[grid]) == 0 {
		return nil
	}
	var warm [categories]bool
	for k := range categories {
		for d := 0; d < Days && !warm[k]; d += 10 {
			warm[k] = r.heat(grid, k, d) > 0
		}
	}
	for k := range categories {
		for d := range Days {
			rate := r.base[grid][k] * r.day[k][d]
			if warm[k] {
				rate *= 1 + r.heat(grid, k, d)
			}
			for range poisson(random, rate) {
				if e := r.event(random, grid, k, r.start.AddDate(0, 0, d)); e.ReportedAt.Before(r.until) {
					out = append(out, e)
				}
			}
		}
	}
	return out
}

// poisson is Knuth's method in parts of at most 30 expected.
func poisson(r *rand.Rand, mean float64) int {
	n := 0
	for mean > 30 {
		mean -= 30
		n += poisson(r, 30)
	}
	limit, p := math.Exp(-mean), r.Float64()
	for p > limit {
		p *= r.Float64()
		n++
	}
	return n
}

// hours are how likely each hour of the day is, by channel.
var hours = [4][24]float64{
	1: {0, 0, 0, 0, 0, 0, 1, 3, 9, 11, 10, 7, 3, 4, 9, 11, 10, 7, 3, 2, 2, 1, 0, 0},
	2: {2, 1, 1, 1, 1, 2, 4, 7, 8, 8, 7, 7, 6, 6, 6, 7, 7, 8, 9, 10, 10, 8, 5, 3},
	3: {4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 4, 4, 4, 4, 4, 4, 4},
}

func (r *Rates) event(random *rand.Rand, grid, category int, day time.Time) Event {
	list := r.category[category]
	item := list[min(int(float64(len(list))*math.Pow(random.Float64(), 1.7)), len(list)-1)]
	e := Event{Grid: grid, Category: category, Item: item, Channel: 1}
	switch u := random.Float64(); {
	case category == Care || category == Dispute:
		if u < 0.6 {
			e.Channel = 2
		}
	case u < 0.30:
		e.Channel = 2
	case u < 0.36 || category == Flood && u < 0.5:
		e.Channel = 3
	}
	var cumulative [24]float64
	sum := 0.0
	for h, w := range hours[e.Channel] {
		sum += w
		cumulative[h] = sum
	}
	minute := pick(cumulative[:], random.Float64()*sum)*60 + random.IntN(60)
	e.ReportedAt = day.Add(time.Duration(minute) * time.Minute)
	x, y, street := r.city.spot(random, grid)
	e.Point, e.Address = lonLat(x, y), r.city.Grid(grid).Name
	if street >= 0 {
		e.Address = r.city.names[street]
	}
	it := &r.items[item]
	e.DueAt = e.ReportedAt.Add(time.Duration(it.DeadlineHours) * time.Hour)
	r.progress(random, &e, it)
	return e
}

// progress decides how far an event has come by now.
func (r *Rates) progress(random *rand.Rand, e *Event, it *Item) {
	took := time.Duration(float64(it.DeadlineHours) * math.Exp(0.65*random.NormFloat64()-0.75) * float64(time.Hour))
	took = took.Round(time.Minute)
	age := r.until.Sub(e.ReportedAt)
	if age > 30*24*time.Hour && random.IntN(400) > 0 {
		took = min(took, 29*24*time.Hour) // hardly anything stays open for a month
	}
	switch {
	case random.IntN(60) == 0:
		e.Status = 8
		e.ClosedAt = e.ReportedAt.Add(min(age, time.Hour))
	case took < age:
		e.Status = 7
		e.ClosedAt = e.ReportedAt.Add(took)
	default:
		e.Status = int16(min(1+int(float64(age)/float64(took+1)*(3+3*random.Float64())), 6))
	}
}

// Now draws one event of the present, as it would come in live, on the rates of the last day.
func (r *Rates) Now(n uint64, at time.Time) Event {
	random := source(r.city.Seed, "live", n)
	var sums []float64
	sum := 0.0
	for g := range grids {
		for k := range categories {
			sum += r.TrueRate(g, k, Days-1)
			sums = append(sums, sum)
		}
	}
	i := pick(sums, random.Float64()*sum)
	e := r.event(random, i/categories, i%categories, at)
	e.ReportedAt, e.Status, e.ClosedAt = at, 1, time.Time{}
	e.DueAt = at.Add(time.Duration(r.items[e.Item].DeadlineHours) * time.Hour)
	return e
}
