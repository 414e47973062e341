package filter

import (
	"math"
	"strconv"
	"strings"
	"time"

	"onepicture/layers"
)

// parser is a recursive descent over: or → and → not → comparison or parentheses.
type parser struct {
	lexer
	kind      layers.Kind
	props     []property
	catalogue *layers.Catalogue
	tok       token // the one looked at
	depth     int
	terms     int
	codes     map[string]map[string][]uint16 // by property, filled when first asked for
}

func (p *parser) parse() (*node, error) {
	if err := p.step(); err != nil {
		return nil, err
	}
	if p.tok.kind == tokEnd {
		return nil, nil
	}
	n, err := p.junction(opOr, false)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEnd {
		return nil, p.expected("and, or, or the end")
	}
	return n, nil
}

func (p *parser) step() (err error) {
	p.tok, err = p.next()
	return err
}

func (p *parser) expected(what string) error {
	if p.tok.kind == tokEnd {
		return p.fail(p.tok.at, "the text ends where %s should follow", what)
	}
	return p.fail(p.tok.at, "%s should stand here", what)
}

// junction reads operands of or (those are junctions of and) or of and. A negated one is its opposite over negated
// operands.
func (p *parser) junction(o op, negate bool) (*node, error) {
	var kids []*node
	for {
		var n *node
		var err error
		if o == opOr {
			n, err = p.junction(opAnd, negate)
		} else {
			n, err = p.operand(negate)
		}
		if err != nil {
			return nil, err
		}
		kids = append(kids, n)
		if o == opOr && !p.tok.is("or") || o == opAnd && !p.tok.is("and") {
			break
		}
		if err := p.step(); err != nil {
			return nil, err
		}
	}
	if negate {
		o = opposite[o]
	}
	return junction(o, kids), nil
}

func (p *parser) operand(negate bool) (*node, error) {
	not := p.tok.is("not")
	if !not && !p.tok.symbol("(") {
		return p.comparison(negate)
	}
	if p.depth++; p.depth > MaxDepth {
		return nil, p.fail(p.tok.at, "nested deeper than %d", MaxDepth)
	}
	defer func() { p.depth-- }()
	if err := p.step(); err != nil {
		return nil, err
	}
	if not {
		return p.operand(!negate)
	}
	n, err := p.junction(opOr, negate)
	if err != nil {
		return nil, err
	}
	if !p.tok.symbol(")") {
		return nil, p.expected("and, or, or )")
	}
	return n, p.step()
}

func (p *parser) comparison(negate bool) (*node, error) {
	if p.terms++; p.terms > MaxTerms {
		return nil, p.fail(p.tok.at, "more than %d comparisons", MaxTerms)
	}
	if p.tok.kind != tokWord {
		return nil, p.expected("a property, not or (")
	}
	n := &node{}
	for i := range p.props {
		if p.props[i].name == p.tok.text {
			n.prop = &p.props[i]
		}
	}
	if n.prop == nil {
		var known []string
		for _, q := range p.props {
			known = append(known, q.name)
		}
		return nil, p.fail(p.tok.at, "a %s has no property of this name; use %s", p.kind, strings.Join(known, ", "))
	}
	if err := p.step(); err != nil {
		return nil, err
	}
	if err := p.operator(n); err != nil {
		return nil, err
	}
	if negate {
		n.op = opposite[n.op]
	}
	return n, nil
}

func (p *parser) operator(n *node) error {
	at := p.tok.at
	not := p.tok.is("not")
	if not {
		if err := p.step(); err != nil {
			return err
		}
	}
	o, symbol := symbols[p.tok.text]
	switch {
	case !not && p.tok.kind == tokSymbol && symbol:
		n.op = o
		if ordered := o != opEq && o != opNe; ordered && !n.prop.ordered() {
			return p.fail(at, "%s has no order: use =, <>, in or is null", n.prop.name)
		}
		if err := p.step(); err != nil {
			return err
		}
		return p.value(n)
	case p.tok.is("in"):
		return p.in(n, not)
	case p.tok.is("between"):
		if !n.prop.ordered() {
			return p.fail(at, "%s has no order: use =, <>, in or is null", n.prop.name)
		}
		return p.between(n, not)
	case !not && p.tok.is("is"):
		return p.null(n)
	}
	return p.expected("=, <>, <, <=, >, >=, in, between or is null")
}

func (p *property) ordered() bool { return p.sort == sortInt || p.sort == sortAge || p.sort == sortTime }

func (p *parser) in(n *node, not bool) error {
	n.op = opIn
	if not {
		n.op = opNotIn
	}
	if err := p.step(); err != nil {
		return err
	}
	if !p.tok.symbol("(") {
		return p.expected("(")
	}
	for {
		if err := p.step(); err != nil {
			return err
		}
		if err := p.value(n); err != nil {
			return err
		}
		if p.tok.symbol(")") {
			list(n)
			return p.step()
		}
		if !p.tok.symbol(",") {
			return p.expected(", or )")
		}
	}
}

func (p *parser) between(n *node, not bool) error {
	n.op = opBetween
	if not {
		n.op = opNotBetween
	}
	if err := p.step(); err != nil {
		return err
	}
	if err := p.value(n); err != nil {
		return err
	}
	if !p.tok.is("and") {
		return p.expected("and")
	}
	if err := p.step(); err != nil {
		return err
	}
	return p.value(n)
}

func (p *parser) null(n *node) error {
	n.op = opNull
	if err := p.step(); err != nil {
		return err
	}
	if p.tok.is("not") {
		n.op = opNotNull
		if err := p.step(); err != nil {
			return err
		}
	}
	if !p.tok.is("null") {
		return p.expected("null")
	}
	return p.step()
}

// value reads one literal that fits the property and appends it.
func (p *parser) value(n *node) error {
	v := value{}
	var err error
	switch n.prop.sort {
	case sortCode, sortBits:
		v, err = p.code(n.prop)
	case sortInt, sortAge:
		if p.tok.kind != tokNumber {
			return p.expected("a number")
		}
		v.kind = valNumber
		v.number, err = strconv.ParseFloat(p.tok.text, 64)
		if err != nil || math.IsInf(v.number, 0) {
			return p.fail(p.tok.at, "this is not a number")
		}
	case sortTime:
		v, err = p.time()
	case sortOverdue:
		v.kind, v.truth = valBool, p.tok.is("true")
		if !v.truth && !p.tok.is("false") {
			return p.expected("true or false")
		}
	}
	if err != nil {
		return err
	}
	n.values = append(n.values, v)
	return p.step()
}

func (p *parser) code(prop *property) (value, error) {
	if p.tok.kind != tokString {
		return value{}, p.expected("a code in quotes, such as 'x',")
	}
	codes, ok := p.codes[prop.name]
	if !ok {
		if p.codes == nil {
			p.codes = map[string]map[string][]uint16{}
		}
		codes = prop.codes(p.catalogue)
		p.codes[prop.name] = codes
	}
	ids, ok := codes[p.tok.text]
	if !ok {
		const most = 24
		known := names(codes)
		more := ""
		if len(known) > most {
			known, more = known[:most], " …"
		}
		return value{}, p.fail(p.tok.at, "%s has no such code; use %s%s", prop.name, strings.Join(known, ", "), more)
	}
	return value{kind: valCode, code: p.tok.text, ids: ids}, nil
}

// time reads DATE('…'), TIMESTAMP('…') or either in bare quotes; the current token stays on the last one.
func (p *parser) time() (value, error) {
	date, instant := p.tok.is("date"), p.tok.is("timestamp")
	wrapped := date || instant
	if wrapped {
		if err := p.step(); err != nil {
			return value{}, err
		}
		if !p.tok.symbol("(") {
			return value{}, p.expected("(")
		}
		if err := p.step(); err != nil {
			return value{}, err
		}
	}
	if p.tok.kind != tokString {
		return value{}, p.expected("a date such as DATE('2026-01-31') or TIMESTAMP('2026-01-31T08:00:00Z')")
	}
	v := value{kind: valDate}
	var err error
	if instant || !date && strings.ContainsRune(p.tok.text, 'T') {
		v.kind = valInstant
		v.time, err = time.Parse(time.RFC3339, p.tok.text)
	} else {
		v.time, err = time.Parse(time.DateOnly, p.tok.text)
	}
	if err != nil || v.time.Year() < 1900 || v.time.Year() > 2999 {
		return value{}, p.fail(p.tok.at, "this is no date of the years 1900 to 2999, such as 2026-01-31 or 2026-01-31T08:00:00Z")
	}
	if wrapped {
		if err := p.step(); err != nil {
			return value{}, err
		}
		if !p.tok.symbol(")") {
			return value{}, p.expected(")")
		}
	}
	return v, nil
}
