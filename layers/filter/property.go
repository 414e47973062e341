package filter

import (
	"sort"
	"strconv"
	"strings"

	"onepicture/layers"
)

// column is what a property reads.
type column uint8

const (
	columnClass column = iota
	columnItem
	columnStatus
	columnLevel
	columnChannel
	columnCare // values are bits
	columnAge
	columnTime // minutes
)

// property is what a name may be compared with.
type property struct {
	column  column
	ordered bool
	codes   map[string][]int64
	words   map[string][]int64
}

func (p property) expects() string {
	switch {
	case p.codes != nil:
		return "one of its codes in quotes: " + names(p.codes)
	case p.column == columnTime:
		return "a date or time in quotes"
	}
	return "a whole number"
}

func propertiesOf(kind layers.Kind, c *layers.Catalogue) map[string]property {
	classes, groups := map[string][]int64{}, map[string][]int64{}
	for _, k := range c.Classes {
		if k.Kind == kind {
			classes[k.Code] = []int64{int64(k.ID)}
			groups[k.Group] = append(groups[k.Group], int64(k.ID))
		}
	}
	switch kind {
	case layers.KindPerson:
		care, genders := map[string][]int64{}, map[string][]int64{}
		for _, n := range c.CareNeeds {
			care[n.Code] = []int64{int64(n.Bit)}
		}
		for code, n := range layers.Genders {
			genders[code] = []int64{int64(n)}
		}
		return map[string]property{
			"age":    {column: columnAge, ordered: true},
			"gender": {column: columnStatus, codes: genders},
			"class":  {column: columnClass, codes: classes},
			"care":   {column: columnCare, codes: care},
		}
	case layers.KindSite:
		return map[string]property{
			"class":  {column: columnClass, codes: classes},
			"group":  {column: columnClass, codes: groups},
			"status": {column: columnStatus, codes: numbered(layers.SiteStatuses[:])},
		}
	case layers.KindEvent:
		items := map[string][]int64{}
		for _, it := range c.Items {
			items[it.Code] = append(items[it.Code], int64(it.ID)) // all versions of the item
		}
		statuses := numbered(layers.Statuses[:])
		for i := range layers.Statuses {
			if n := uint8(i); n != layers.StatusClose && n != layers.StatusVoid {
				statuses["open"] = append(statuses["open"], int64(i))
			}
		}
		return map[string]property{
			"category":    {column: columnClass, codes: classes},
			"item":        {column: columnItem, codes: items},
			"status":      {column: columnStatus, codes: statuses},
			"level":       {column: columnLevel, ordered: true},
			"channel":     {column: columnChannel, codes: numbered(layers.Channels[:])},
			"reported_at": {column: columnTime, ordered: true},
		}
	}
	return map[string]property{"level": {column: columnLevel, ordered: true}}
}

func numbered(codes []string) map[string][]int64 {
	m := map[string][]int64{}
	for i, c := range codes {
		m[c] = []int64{int64(i)}
	}
	return m
}

// done sorts the values and writes the canonical form.
func (l leaf) done() leaf {
	sort.Slice(l.values, func(i, j int) bool { return l.values[i] < l.values[j] })
	var b strings.Builder
	b.WriteString(l.property)
	switch {
	case l.null:
		b.WriteString("~")
	case l.from != nil || l.to != nil:
		b.WriteByte('[')
		if l.from != nil {
			b.WriteString(strconv.FormatInt(*l.from, 10))
		}
		b.WriteByte(',')
		if l.to != nil {
			b.WriteString(strconv.FormatInt(*l.to, 10))
		}
		b.WriteByte(')')
	default:
		b.WriteByte('{')
		for i, v := range l.values {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.FormatInt(v, 10))
		}
		b.WriteByte('}')
	}
	l.text = b.String()
	return l
}

// Key is a canonical form for cache keys: equal keys mean equal filters of a kind under one catalogue.
func (f *Filter) Key() string {
	if f.All() {
		return ""
	}
	return key(f.root)
}

func key(n node) string {
	switch n := n.(type) {
	case andNode:
		return "&" + keys(n.list)
	case orNode:
		return "|" + keys(n.list)
	case notNode:
		return "!" + key(n.of)
	case leaf:
		return n.text
	}
	return ""
}

func keys(list []node) string {
	parts := make([]string, len(list))
	for i, n := range list {
		parts[i] = key(n)
	}
	return "(" + strings.Join(parts, " ") + ")"
}
