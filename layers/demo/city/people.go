package city

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"time"

	"github.com/paulmach/orb"
)

// Address is an invented standard address. ID counts from 1 through the city.
type Address struct {
	ID    int64
	Grid  int
	Text  string
	Point orb.Point
}

// Person is an invented resident. ID counts from 1 through the city.
type Person struct {
	ID       int64
	Address  int64
	Grid     int
	Name     string
	IDNumber string // of an unused division, with a right check digit
	Phone    string // of an unused prefix
	Class    int    // 0 registered, 1 migrant, 2 overseas
	Gender   int16  // GB/T 2261.1
	Birth    time.Time
	Care     int32 // bits as in the care needs' catalogue
	Point    orb.Point
}

// The mean number of people at an address.
const perAddress = 29.4

// Population spreads a number of people over the city as of a day.
type Population struct {
	city      *City
	People    int
	today     time.Time
	before    []int64 // by grid: people in the grids before it
	addresses []int64 // by grid: addresses in the grids before it
}

// Population of n people on a day; the same n gives the same people.
func (c *City) Population(n int, now time.Time) *Population {
	y, m, d := now.Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	p := &Population{city: c, People: n, today: today}
	total := c.shares[grids-1]
	var people, addresses int64
	for g := range grids {
		p.before = append(p.before, people)
		p.addresses = append(p.addresses, addresses)
		next := int64(math.Round(c.shares[g] / total * float64(n)))
		if here := next - people; here > 0 {
			addresses += max(1, int64(math.Round(float64(here)/perAddress)))
		}
		people = next
	}
	p.before, p.addresses = append(p.before, people), append(p.addresses, addresses)
	return p
}

// PeopleIn is the number of people in the grids [from, to).
func (p *Population) PeopleIn(from, to int) int64 { return p.before[to] - p.before[from] }

// FirstPerson is the id of the first person of a grid.
func (p *Population) FirstPerson(grid int) int64 { return p.before[grid] + 1 }

// spot is a random location in a grid: at a street where there is one, else on dry ground.
func (c *City) spot(r *rand.Rand, grid int) (x, y float64, street int) {
	if list := c.streets[grid]; len(list) > 0 {
		s := list[r.IntN(len(list))]
		f, off := r.Float64(), (0.012+0.02*r.Float64())*float64(1-2*r.IntN(2))
		dx, dy := s.b[0]-s.a[0], s.b[1]-s.a[1]
		l := math.Hypot(dx, dy)
		x, y = s.a[0]+f*dx-off*dy/l, s.a[1]+f*dy+off*dx/l
		if i, ok := pixelAt(x, y); ok && c.label[i] == int32(grid) {
			return x, y, s.name
		}
	}
	i := int(c.pixels[grid][r.IntN(len(c.pixels[grid]))])
	x, y = middle(i)
	return x + (r.Float64()-0.5)*pixelKm*0.5, y + (r.Float64()-0.5)*pixelKm*0.5, -1
}

// Addresses are those of one grid.
func (p *Population) Addresses(grid int) []Address {
	r := source(p.city.Seed, "addresses", uint64(grid))
	n := p.addresses[grid+1] - p.addresses[grid]
	out := make([]Address, n)
	for i := range out {
		x, y, street := p.city.spot(r, grid)
		text := fmt.Sprintf("%s%d号", p.city.Grid(grid).Name, i+1)
		if street >= 0 {
			text = fmt.Sprintf("%s%d号", p.city.names[street], 1+r.IntN(180))
		}
		out[i] = Address{ID: p.addresses[grid] + int64(i) + 1, Grid: grid, Text: text, Point: lonLat(x, y)}
	}
	return out
}

// In are the people of one grid.
func (p *Population) In(grid int) iter.Seq[Person] {
	return func(yield func(Person) bool) {
		addresses := p.Addresses(grid)
		if len(addresses) == 0 {
			return
		}
		r := source(p.city.Seed, "people", uint64(grid))
		sizes := make([]float64, len(addresses)) // cumulative; few houses hold many
		sum := 0.0
		for i := range sizes {
			sum += math.Exp(0.9 * r.NormFloat64())
			sizes[i] = sum
		}
		industry := p.city.Grid(grid).Industry
		for id := p.before[grid] + 1; id <= p.before[grid+1]; id++ {
			a := &addresses[pick(sizes, r.Float64()*sum)]
			if !yield(p.person(r, id, a, industry)) {
				return
			}
		}
	}
}

// pick is the first index whose cumulative weight reaches v.
func pick(cumulative []float64, v float64) int {
	lo, hi := 0, len(cumulative)-1
	for lo < hi {
		mid := (lo + hi) / 2
		if cumulative[mid] < v {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

func (p *Population) person(r *rand.Rand, id int64, a *Address, industry float64) Person {
	n := Person{ID: id, Address: a.ID, Grid: a.Grid, Name: personName(r), Point: a.Point, Gender: 1}
	if r.Float64() < 0.35+0.5*industry {
		n.Class = 1
	} else if r.IntN(180) == 0 {
		n.Class = 2
	}
	if r.Float64() < 0.483 {
		n.Gender = 2
	}
	age := age(r, n.Class == 1)
	n.Birth = p.today.AddDate(0, 0, -int(age*365.25)-1)
	n.Care = care(r, age, n.Class == 1, n.Gender == 2)
	n.IDNumber = idNumber(n.Birth, int(id%1000))
	n.Phone = fmt.Sprintf("100%08d", r.IntN(100_000_000))
	return n
}

// age follows the pyramid of an industrial city: migrants are mostly of working age, residents of all ages.
func age(r *rand.Rand, migrant bool) float64 {
	u := r.Float64()
	switch {
	case migrant && u < 0.80:
		return min(max(31+8.5*r.NormFloat64(), 16), 64)
	case migrant && u < 0.93:
		return 15 * r.Float64()
	case u < 0.19:
		return 15 * r.Float64()
	case u < 0.60:
		return 15 + 30*r.Float64()
	case u < 0.84:
		return 45 + 17*r.Float64()
	}
	return min(62-14*math.Log(1-r.Float64()), 104)
}

// care draws needs at rates of the order of national statistics, raised with age.
func care(r *rand.Rand, age float64, migrant, woman bool) int32 {
	var bits int32
	set := func(bit int, rate float64) {
		if r.Float64() < rate {
			bits |= 1 << bit
		}
	}
	if migrant && age < 60 {
		set(1, 0.004)
		set(2, b2f(age < 16)*0.02)
		set(6, b2f(woman && age > 20 && age < 40)*0.025)
		return bits
	}
	set(0, b2f(age >= 70)*0.08+b2f(age >= 80)*0.12)
	set(1, 0.012+b2f(age >= 60)*0.03)
	set(2, b2f(age < 16)*0.012)
	set(3, min(max(age-35, 0)*0.009, 0.4)*0.6)
	set(4, 0.013)
	set(5, b2f(age >= 75)*0.05)
	set(6, b2f(woman && age > 20 && age < 42)*0.02)
	set(7, b2f(age > 55)*0.02)
	return bits
}

// idNumber is formed like a citizen identity number (GB 11643-1999), with a division code that does not exist.
func idNumber(birth time.Time, n int) string {
	s := cityCode + birth.Format("20060102") + fmt.Sprintf("%03d", n)
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += int(s[i]-'0') * w
	}
	return s + string("10X98765432"[sum%11])
}
