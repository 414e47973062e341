package filter

import (
	"slices"
	"sort"

	"onepicture/layers"
)

// sortOf is what a property is compared as.
type sortOf uint8

const (
	sortCode    sortOf = iota // one of a closed set of codes
	sortBits                  // a set of codes: equality tests membership
	sortInt                   // a number
	sortAge                   // full years since a date of birth
	sortTime                  // an instant, in whole minutes
	sortOverdue               // true or false
)

// column is where the value of a property lies: in the record and in the table.
type column uint8

const (
	colClass column = iota
	colItem
	colStatus
	colLevel
	colChannel
	colCare
	colBirth
	colReported
	colDue
)

// names of the columns in the tables of person, site and event; a gender is in Record.Status.
var columnNames = [...]string{
	colClass: "class", colItem: "item_id", colStatus: "status", colLevel: "level", colChannel: "channel",
	colCare: "care", colBirth: "birth", colReported: "reported_at", colDue: "due_at",
}

// property is a name that a filter may use for a kind.
type property struct {
	name     string
	sort     sortOf
	column   column
	sql      string // column in the table, where it differs
	nullable bool   // SQL null, in the record 0 (item) or layers.NoTime (birth)
	codes    func(*layers.Catalogue) map[string][]uint16
}

func (p *property) sqlName() string {
	if p.sql != "" {
		return p.sql
	}
	return columnNames[p.column]
}

var properties = map[layers.Kind][]property{
	layers.KindPerson: {
		{name: "age", sort: sortAge, column: colBirth, nullable: true},
		{name: "gender", sort: sortCode, column: colStatus, sql: "gender", codes: genders},
		{name: "class", sort: sortCode, column: colClass, codes: classes(layers.KindPerson)},
		{name: "care", sort: sortBits, column: colCare, codes: careNeeds},
	},
	layers.KindSite: {
		{name: "class", sort: sortCode, column: colClass, codes: classes(layers.KindSite)},
		{name: "group", sort: sortCode, column: colClass, codes: groups},
		{name: "status", sort: sortCode, column: colStatus, codes: numbered(layers.SiteStatuses[:])},
	},
	layers.KindEvent: {
		{name: "category", sort: sortCode, column: colClass, codes: classes(layers.KindEvent)},
		{name: "item", sort: sortCode, column: colItem, nullable: true, codes: items},
		{name: "status", sort: sortCode, column: colStatus, codes: statuses},
		{name: "level", sort: sortInt, column: colLevel},
		{name: "channel", sort: sortCode, column: colChannel, codes: numbered(layers.Channels[:])},
		{name: "reported_at", sort: sortTime, column: colReported},
		{name: "overdue", sort: sortOverdue, column: colDue},
	},
	layers.KindPlace: {
		{name: "level", sort: sortInt, column: colLevel},
	},
}

func classes(k layers.Kind) func(*layers.Catalogue) map[string][]uint16 {
	return func(c *layers.Catalogue) map[string][]uint16 {
		out := map[string][]uint16{}
		for _, cl := range c.Classes {
			if cl.Kind == k {
				out[cl.Code] = []uint16{cl.ID}
			}
		}
		return out
	}
}

func groups(c *layers.Catalogue) map[string][]uint16 {
	out := map[string][]uint16{}
	for _, cl := range c.Classes {
		if cl.Kind == layers.KindSite && cl.Group != "" {
			out[cl.Group] = append(out[cl.Group], cl.ID)
		}
	}
	return out
}

// items names all versions of an item: an event keeps the version under which it was reported.
func items(c *layers.Catalogue) map[string][]uint16 {
	out := map[string][]uint16{}
	for _, it := range c.Items {
		out[it.Code] = append(out[it.Code], it.ID)
	}
	return out
}

func careNeeds(c *layers.Catalogue) map[string][]uint16 {
	out := map[string][]uint16{}
	for _, n := range c.CareNeeds {
		out[n.Code] = []uint16{uint16(n.Bit)}
	}
	return out
}

func genders(*layers.Catalogue) map[string][]uint16 {
	out := map[string][]uint16{}
	for code, n := range layers.Genders {
		out[code] = []uint16{uint16(n)}
	}
	return out
}

func numbered(codes []string) func(*layers.Catalogue) map[string][]uint16 {
	return func(*layers.Catalogue) map[string][]uint16 {
		out := map[string][]uint16{}
		for i, code := range codes {
			out[code] = []uint16{uint16(i)}
		}
		return out
	}
}

// statuses are the steps and two groups of them: closed (or void), and open for all others.
func statuses(c *layers.Catalogue) map[string][]uint16 {
	out := numbered(layers.Statuses[:])(c)
	ended := []uint16{uint16(layers.StatusClose), uint16(layers.StatusVoid)}
	out["closed"] = ended
	for i := range layers.Statuses {
		if !slices.Contains(ended, uint16(i)) {
			out["open"] = append(out["open"], uint16(i))
		}
	}
	return out
}

func names[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}
