package dispatch

import (
	"context"
	"math"
	"slices"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	similarSQL = sql.Text("dispatch/similar.sql")
	repeatsSQL = sql.Text("dispatch/repeats.sql")
)

// alike is from which likeness of words on reports of different items of one category may be about the same.
const alike = 0.3

// Sample is what possible duplicates are looked for.
type Sample struct {
	Lon, Lat float64 // WGS 84
	Category string  // may be left out when Item is given
	Item     string  // "": not chosen yet
	Words    string  // what it says, as far as it is written
	At       time.Time
}

// Similar is an open event that may be about the same, with what speaks for it.
type Similar struct {
	Event    int64
	Meters   int
	Apart    time.Duration // between the two reports
	SameItem bool
	Words    float64 // likeness of the words, 0 to 1
	Status   uint8
	score    float64
}

// Repeat tells that it happens again at a place.
type Repeat struct {
	Nth    int // of Days days, this one included
	Days   int
	Meters int
}

// Similar are open events that may be about the same as what is about to be reported, the likeliest first. The item's
// radius and time decide (layers.Item.Near); of the same category they count when the item is the same or not yet known,
// or when the words are alike. One query of a box, at most 200 rows.
func (d *Desk) Similar(ctx context.Context, scope layers.Scope, s Sample) ([]Similar, error) {
	e := event{Report: Report{Category: s.Category, Item: s.Item}}
	if err := e.checkKind(d.picture.Catalogue()); err != nil {
		return nil, err
	}
	if s.At.IsZero() {
		s.At = d.now()
	}
	list, err := d.similar(ctx, scope, probe{point: orb.Point{s.Lon, s.Lat}, class: e.class, item: e.item, words: s.Words, at: s.At})
	return list, ledger.Problem("events", err)
}

// SimilarTo are open events that an event may be about too.
func (d *Desk) SimilarTo(ctx context.Context, scope layers.Scope, id int64, words string) ([]Similar, error) {
	e, err := d.inScope(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	list, err := d.similar(ctx, scope, probe{e.point, e.class, e.item, words, e.reported, id})
	return list, ledger.Problem("events", err)
}

type probe struct {
	point orb.Point
	class uint16
	item  uint16
	words string
	at    time.Time
	but   int64
}

func (d *Desk) similar(ctx context.Context, scope layers.Scope, p probe) ([]Similar, error) {
	c := d.picture.Catalogue()
	meters, within := c.Item(p.item).Near()
	box := boxAround(p.point, meters)
	rows, err := d.reads(scope).Query(ctx, similarSQL, p.point, box.Min[0], box.Min[1], box.Max[0], box.Max[1], int16(p.class),
		p.at.Add(-within), p.at.Add(within), p.but)
	if err != nil {
		return nil, err
	}
	own := pairs(p.words)
	out := []Similar{}
	var id int64
	var item, status int16
	var title, description string
	var at time.Time
	var place layers.PlaceID
	var department int16
	var away float64
	_, err = pgx.ForEachRow(rows, []any{&id, &item, &title, &description, &at, &place, &department, &away, &status}, func() error {
		if away > meters || !scope.Records(layers.KindEvent, place, department) {
			return nil
		}
		s := Similar{
			Event: id, Meters: int(math.Round(away)), Apart: p.at.Sub(at).Abs(), Status: uint8(status),
			SameItem: item != 0 && sameCode(c, uint16(item), p.item), Words: likeness(own, pairs(title+description)),
		}
		if !s.SameItem && item != 0 && p.item != 0 && s.Words < alike {
			return nil
		}
		s.score = 2 - away/meters - float64(s.Apart)/float64(within) + s.Words
		if s.SameItem {
			s.score++
		}
		out = append(out, s)
		return nil
	})
	slices.SortStableFunc(out, func(a, b Similar) int {
		switch {
		case a.score != b.score && a.score > b.score:
			return -1
		case a.score != b.score:
			return 1
		}
		return int(a.Event - b.Event)
	})
	return out[:min(len(out), 8)], err
}

// sameCode tells that two items are one, perhaps in different versions.
func sameCode(c *layers.Catalogue, a, b uint16) bool {
	x, y := c.Item(a), c.Item(b)
	return x != nil && y != nil && x.Code == y.Code
}

// repeat tells how often an event's item came to its place within the item's days; nil: this is the first.
func (d *Desk) repeat(ctx context.Context, scope layers.Scope, e *state) (*Repeat, error) {
	it := d.picture.Catalogue().Item(e.item)
	if it == nil {
		return nil, nil
	}
	meters, _ := it.Near()
	r := Repeat{Nth: 1, Days: it.Repeat(), Meters: int(meters)}
	box := boxAround(e.point, meters)
	rows, err := d.reads(scope).Query(ctx, repeatsSQL, e.point, box.Min[0], box.Min[1], box.Max[0], box.Max[1], meters,
		int16(e.item), e.reported.AddDate(0, 0, -r.Days), e.reported, e.id)
	if err != nil {
		return nil, err
	}
	var id int64
	var place layers.PlaceID
	var department int16
	if _, err = pgx.ForEachRow(rows, []any{&id, &place, &department}, func() error {
		if scope.Records(layers.KindEvent, place, department) {
			r.Nth++
		}
		return nil
	}); err != nil || r.Nth == 1 {
		return nil, err
	}
	return &r, nil
}

// boxAround is a box in degrees that holds the circle of so many metres. A degree of latitude is 110.57 km at least
// (WGS 84, at the equator); one of longitude is that times the cosine of the latitude, to 1 %.
func boxAround(p orb.Point, meters float64) orb.Bound {
	dy := meters / 110_000
	dx := dy / math.Max(0.05, math.Cos(p[1]*math.Pi/180))
	return orb.Bound{Min: orb.Point{p[0] - dx, p[1] - dy}, Max: orb.Point{p[0] + dx, p[1] + dy}}
}

// pairs are the pairs of neighbouring letters of a text, spaces and punctuation left out: in Chinese most words have two.
func pairs(text string) map[[2]rune]bool {
	out := map[[2]rune]bool{}
	var last rune
	for _, r := range text {
		if r = unicode.ToLower(r); !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			continue
		}
		if last != 0 {
			out[[2]rune{last, r}] = true
		}
		last = r
	}
	return out
}

// likeness is Dice's coefficient of two sets of pairs (Dice 1945): 0 nothing in common, 1 the same.
func likeness(a, b map[[2]rune]bool) float64 {
	if len(a)+len(b) == 0 {
		return 0
	}
	both := 0
	for p := range a {
		if b[p] {
			both++
		}
	}
	return 2 * float64(both) / float64(len(a)+len(b))
}
