package intake

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// plan is a mapping bound to the header of one file and to the catalogue: ready for rows, safe for concurrent use.
type plan struct {
	mapping *Mapping
	world   *world
	header  []string
	x, y    int
	key     []int
	content []int // the columns of a content key: all but the banned ones
	fields  map[string]*reading
	attrs   []*reading // by name
	rules   []boundRule
}

type boundRule struct {
	Rule
	index int
	and   []condition
}

type condition struct {
	index  int
	equals string
}

// notes is what was remarkable about rows that went in.
type notes struct{ twice int64 }

func newPlan(m *Mapping, w *world, header []string) (*plan, error) {
	p := &plan{mapping: m, world: w, header: header, x: -1, y: -1, fields: map[string]*reading{}}
	at := map[string]int{}
	for i, h := range header {
		if _, twice := at[h]; twice && slices.Contains(m.columns(), h) {
			return nil, fmt.Errorf("the file has the column %q twice, and the mapping reads it", h)
		}
		at[h] = i
	}
	for _, c := range m.columns() {
		if _, ok := at[c]; !ok {
			return nil, fmt.Errorf("the mapping reads the column %q, which the file has not; it has %s", c, quoted(header))
		}
	}
	if m.Location.X != "" {
		p.x, p.y = at[m.Location.X], at[m.Location.Y]
	}
	for _, k := range m.Key {
		p.key = append(p.key, at[k])
	}
	for i, h := range header {
		if m.ContentKey && banned(m.kind, h) == "" {
			p.content = append(p.content, i)
		}
	}
	for name, f := range m.Fields {
		r, err := m.bind(name, f, targets[m.kind][name], at)
		if err != nil {
			return nil, err
		}
		if err := w.checkCodes(r); err != nil {
			return nil, fmt.Errorf("mapping: fields.%s: %w", name, err)
		}
		p.fields[name] = r
	}
	return p, p.bindRest(at)
}

func (p *plan) bindRest(at map[string]int) error {
	m := p.mapping
	for name, f := range m.Attributes {
		r, err := m.bind(name, f, target{most: 1000}, at)
		if err != nil {
			return err
		}
		p.attrs = append(p.attrs, r)
	}
	slices.SortFunc(p.attrs, func(a, b *reading) int { return strings.Compare(a.name, b.name) })
	for _, r := range m.Refuse {
		b := boundRule{Rule: r, index: at[r.Column]}
		for c, equals := range r.And {
			b.and = append(b.and, condition{at[c], plainNumber(equals)})
		}
		b.In = slices.Clone(b.In)
		if b.Equals != nil {
			b.In = append(b.In, *b.Equals)
		}
		for i := range b.In {
			b.In[i] = plainNumber(b.In[i])
		}
		p.rules = append(p.rules, b)
	}
	return nil
}

// value is the trimmed text of a column; "" for none and for the mapping's empty values.
func (p *plan) value(values []string, i int) (string, *fault) {
	if i < 0 || i >= len(values) {
		return "", nil
	}
	s := trim(values[i])
	if p.mapping.empty[s] {
		return "", nil
	}
	if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
		return "", bad(p.header[i], faultText, "the text holds a NUL or is not valid in its encoding")
	}
	return s, nil
}

func trim(s string) string {
	if n := len(s); n > 0 && (s[0] <= ' ' || s[0] >= 0x80 || s[n-1] <= ' ' || s[n-1] >= 0x80) {
		return strings.TrimSpace(s) // full-width blanks too
	}
	return s
}

// refused is the first of the mapping's rules that sets the row aside.
func (p *plan) refused(values []string) *fault {
	for i := range p.rules {
		r := &p.rules[i]
		holds := slices.Contains(r.In, plainNumber(trim(values[r.index]))) != r.Not
		for _, c := range r.and {
			holds = holds && plainNumber(trim(values[c.index])) == c.equals
		}
		if holds {
			return bad(r.Column, r.As, "set aside by the mapping")
		}
	}
	return nil
}

// plainNumber drops a decimal part of zeros: "0.000" → "0".
func plainNumber(s string) string {
	dot := strings.IndexByte(s, '.')
	if dot <= 0 || strings.Trim(s[dot+1:], "0") != "" {
		return s
	}
	if _, err := strconv.ParseInt(s[:dot], 10, 64); err != nil {
		return s
	}
	return s[:dot]
}

// keyOf is the row's key within its source.
func (p *plan) keyOf(values []string, shape []byte) (string, *fault) {
	if p.mapping.ContentKey {
		return contentKey(values, p.content, shape), nil
	}
	key, f := p.value(values, p.key[0])
	for _, i := range p.key[1:] {
		if f != nil {
			break
		}
		var part string
		part, f = p.value(values, i)
		key += "\x1f" + part // the unit separator: no two keys run together
	}
	if f != nil {
		return "", f
	}
	if strings.Trim(key, "\x1f") == "" {
		return "", bad(p.header[p.key[0]], faultMissing, "the key is empty")
	}
	if len(key) > 400 {
		return "", bad(p.header[p.key[0]], faultText, "the key is longer than 400 bytes")
	}
	return key, nil
}

// number is the field's whole number, or unset when there is no value.
func (r *reading) number(p *plan, values []string, unset, least, most int) (int, *fault) {
	if r == nil {
		return unset, nil
	}
	s, f := r.text(p, values)
	if f != nil || s == "" {
		return unset, f
	}
	n, err := strconv.Atoi(plainNumber(s))
	if err != nil || n < least || n > most {
		return 0, bad(r.shown, faultNumber, "%s is not a whole number from %d to %d", r.name, least, most)
	}
	return n, nil
}

// optional is the field's text, "" when the mapping has no such field.
func (p *plan) optional(name string, values []string) (string, *fault) {
	r := p.fields[name]
	if r == nil {
		return "", nil
	}
	return r.text(p, values)
}

// code is the number that a closed set gives the field's code; unset when there is no value.
func (p *plan) code(name string, values []string, unset int, set map[string]int) (int, *fault) {
	s, f := p.optional(name, values)
	if f != nil || s == "" {
		return unset, f
	}
	n, ok := set[s]
	if !ok {
		return 0, bad(p.fields[name].shown, faultCode, "%s: no such code in the catalogue", name)
	}
	return n, nil
}

func quoted(names []string) string {
	const most = 30
	var b strings.Builder
	for i, n := range names {
		if i == most {
			fmt.Fprintf(&b, " … (%d columns)", len(names))
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", cut(n, 40))
	}
	if len(names) == 0 {
		return "no columns"
	}
	return b.String()
}

func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
