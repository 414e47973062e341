package filter

import (
	"sort"
	"strconv"
	"strings"
	"time"

	"onepicture/layers"
)

// Filter is a parsed filter for the features of one kind. It is immutable.
type Filter struct {
	kind layers.Kind
	root node // nil: everything
}

// node is and, or, not over leaves.
type node interface{}

type (
	andNode struct{ list []node }
	orNode  struct{ list []node }
	notNode struct{ of node }
	// leaf compares one property: with a set of numbers (eq), or a range from ≤ value < to.
	leaf struct {
		property string
		column   column
		values   []int64 // for set membership; sorted
		from, to *int64  // for ranges, half open
		null     bool    // is null
		text     string  // canonical form
	}
)

// Parse reads a CQL2 text for a kind; codes are those of the catalogue. Times without offset are in zone. Empty text
// is everything. Errors are *layers.Error of field "filter" and tell where and what is allowed.
func Parse(kind layers.Kind, text string, c *layers.Catalogue, zone *time.Location) (*Filter, error) {
	if len(text) > MaxBytes {
		return nil, layers.Invalid("filter", "is longer than %d bytes", MaxBytes)
	}
	f := &Filter{kind: kind}
	if strings.TrimSpace(text) == "" {
		return f, nil
	}
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, properties: propertiesOf(kind, c), zone: zone}
	if f.root, err = p.or(0); err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != tokenEnd {
		return nil, problem(t.at, "expected and, or, or the end")
	}
	return f, nil
}

// All tells that the filter lets everything through.
func (f *Filter) All() bool { return f == nil || f.root == nil }

type parser struct {
	tokens     []token
	at         int
	terms      int
	properties map[string]property
	zone       *time.Location
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *parser) accept(kind tokenKind, text string) bool {
	if t := p.peek(); t.kind == kind && t.text == text {
		p.at++
		return true
	}
	return false
}

func (p *parser) or(depth int) (node, error) {
	return p.chain(depth, "or", p.and, func(l []node) node { return orNode{l} })
}

func (p *parser) and(depth int) (node, error) {
	return p.chain(depth, "and", p.not, func(l []node) node { return andNode{l} })
}

func (p *parser) chain(depth int, word string, below func(int) (node, error), join func([]node) node) (node, error) {
	first, err := below(depth)
	if err != nil {
		return nil, err
	}
	list := []node{first}
	for p.accept(tokenName, word) {
		n, err := below(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	if len(list) == 1 {
		return first, nil
	}
	return join(list), nil
}

func (p *parser) not(depth int) (node, error) {
	if depth++; depth > maxDepth {
		return nil, problem(p.peek().at, "nested more than %d deep", maxDepth)
	}
	if p.accept(tokenName, "not") {
		n, err := p.not(depth)
		return notNode{n}, err
	}
	if p.accept(tokenSign, "(") {
		n, err := p.or(depth)
		if err != nil {
			return nil, err
		}
		if !p.accept(tokenSign, ")") {
			return nil, problem(p.peek().at, "expected )")
		}
		return n, nil
	}
	return p.term()
}

func (p *parser) term() (node, error) {
	t := p.next()
	if t.kind != tokenName {
		return nil, problem(t.at, "expected the name of a property")
	}
	if p.terms++; p.terms > maxTerms {
		return nil, problem(t.at, "more than %d comparisons", maxTerms)
	}
	prop, ok := p.properties[t.text]
	if !ok {
		return nil, problem(t.at, "no property %q; there are %s", t.text, names(p.properties))
	}
	negated := p.accept(tokenName, "not")
	n, err := p.comparison(t.text, prop, negated)
	if err == nil && negated {
		n = notNode{n}
	}
	return n, err
}

func (p *parser) comparison(name string, prop property, negated bool) (node, error) {
	l := leaf{property: name, column: prop.column}
	op := p.next()
	switch {
	case op.kind == tokenName && op.text == "in":
		if !p.accept(tokenSign, "(") {
			return nil, problem(p.peek().at, "expected ( after in")
		}
		for {
			v, err := p.value(prop)
			if err != nil {
				return nil, err
			}
			l.values = append(l.values, v...)
			if p.terms++; p.terms > maxTerms {
				return nil, problem(op.at, "more than %d values", maxTerms)
			}
			if p.accept(tokenSign, ")") {
				return l.done(), nil
			}
			if !p.accept(tokenSign, ",") {
				return nil, problem(p.peek().at, "expected , or )")
			}
		}
	case op.kind == tokenName && op.text == "between":
		return p.between(l, prop)
	case negated:
		return nil, problem(op.at, "expected in or between after not")
	case op.kind == tokenName && op.text == "is":
		not := p.accept(tokenName, "not")
		if !p.accept(tokenName, "null") {
			return nil, problem(p.peek().at, "expected null")
		}
		l.null = true
		if not {
			return notNode{l.done()}, nil
		}
		return l.done(), nil
	case op.kind != tokenSign:
		return nil, problem(op.at, "expected a comparison: = <> < <= > >= in between is")
	}
	v, err := p.value(prop)
	if err != nil {
		return nil, err
	}
	return compare(l, prop, op, v)
}

func compare(l leaf, prop property, op token, v []int64) (node, error) {
	switch op.text {
	case "=":
		l.values = v
		return l.done(), nil
	case "<>":
		l.values = v
		// Not equal holds only for what is known, as in SQL.
		return andNode{[]node{notNode{l.done()}, notNode{leaf{property: l.property, column: l.column, null: true}.done()}}}, nil
	}
	if !prop.ordered || len(v) != 1 {
		return nil, problem(op.at, "%s has no order: use = <> or in", l.property)
	}
	one, next := v[0], v[0]+1
	switch op.text {
	case "<":
		l.to = &one
	case "<=":
		l.to = &next
	case ">":
		l.from = &next
	case ">=":
		l.from = &one
	default:
		return nil, problem(op.at, "expected a comparison: = <> < <= > >= in between is")
	}
	return l.done(), nil
}

func (p *parser) between(l leaf, prop property) (node, error) {
	at := p.peek().at
	lo, err := p.value(prop)
	if err != nil {
		return nil, err
	}
	if !p.accept(tokenName, "and") {
		return nil, problem(p.peek().at, "expected and")
	}
	hi, err := p.value(prop)
	if err != nil {
		return nil, err
	}
	if !prop.ordered || len(lo) != 1 || len(hi) != 1 {
		return nil, problem(at, "%s has no order: use = <> or in", l.property)
	}
	next := hi[0] + 1
	l.from, l.to = &lo[0], &next
	return l.done(), nil
}

// value reads a literal; a code may stand for several numbers.
func (p *parser) value(prop property) ([]int64, error) {
	t := p.next()
	if t.kind == tokenName && (t.text == "date" || t.text == "timestamp") && prop.column == columnTime {
		if !p.accept(tokenSign, "(") {
			return nil, problem(p.peek().at, "expected (")
		}
		t = p.next()
		if !p.accept(tokenSign, ")") {
			return nil, problem(p.peek().at, "expected )")
		}
	}
	switch {
	case t.kind == tokenString && prop.column == columnTime:
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02"} {
			if at, err := time.ParseInLocation(layout, t.text, p.zone); err == nil {
				return []int64{int64(layers.Minutes(at))}, nil
			}
		}
		return nil, problem(t.at, "expected a date or time such as '2026-01-31' or '2026-01-31T08:00:00+08:00'")
	case t.kind == tokenString && prop.codes != nil:
		if v, ok := prop.codes[t.text]; ok {
			return v, nil
		}
		return nil, problem(t.at, "%q is not among its codes: %s", t.text, names(prop.codes))
	case t.kind == tokenName && (t.text == "true" || t.text == "false") && prop.codes == nil:
		if v, ok := prop.words[t.text]; ok {
			return v, nil
		}
	case t.kind == tokenNumber && prop.ordered && prop.column != columnTime:
		n, err := strconv.ParseInt(t.text, 10, 32)
		if err != nil {
			return nil, problem(t.at, "expected a whole number")
		}
		return []int64{n}, nil
	}
	return nil, problem(t.at, "expected %s", prop.expects())
}

func names[V any](m map[string]V) string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	sort.Strings(list)
	if len(list) > 12 {
		list = append(list[:12], "…")
	}
	return strings.Join(list, ", ")
}
