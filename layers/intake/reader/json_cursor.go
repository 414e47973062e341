package reader

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// cursor parses one JSON value (RFC 8259) that lies in memory, strictly: no comments, no NaN, no bare control
// characters, no lone surrogates, no key twice in one object.
type cursor struct {
	b []byte
	i int
}

var (
	faultComment = fail(ClassJSON, "a comment stands in the text: JSON has no comments")
	faultJSON    = fail(ClassJSON, "the text is not JSON")
	faultDepth   = fail(ClassJSON, "the JSON is nested deeper than %d, or collections of geometries deeper than %d", maxDepth, maxCollections)
	faultTwice   = fail(ClassDuplicate, "an object has the same key twice")
	faultUTF8    = fail(ClassEncoding, "the text holds bytes that are not UTF-8; if the file is GB 18030 (GBK), declare the encoding gb18030")
)

// peek passes white space over; 0 at the end.
func (c *cursor) peek() byte {
	for ; c.i < len(c.b); c.i++ {
		switch b := c.b[c.i]; b {
		case ' ', '\t', '\r', '\n':
		default:
			return b
		}
	}
	return 0
}

func (c *cursor) take(want byte) *fault {
	if b := c.peek(); b != want {
		return unexpected(b, want)
	}
	c.i++
	return nil
}

// end makes sure that nothing follows.
func (c *cursor) end() *fault {
	if c.peek() != 0 || c.i < len(c.b) {
		return fail(ClassJSON, "the text is not JSON: something follows the value")
	}
	return nil
}

// more is as that of jsonStream.
func (c *cursor) more(first *bool, end byte) (bool, *fault) {
	b := c.peek()
	was := *first
	*first = false
	switch {
	case b == end:
		c.i++
		return false, nil
	case was:
		return true, nil
	}
	if f := c.take(','); f != nil {
		return false, f
	}
	if c.peek() == end {
		return false, fail(ClassJSON, "the text is not JSON: a comma before %q", end)
	}
	return true, nil
}

// object calls visit at each value, which must consume it.
func (c *cursor) object(visit func(key string) *fault) *fault {
	if f := c.take('{'); f != nil {
		return f
	}
	var keys keySet
	for first := true; ; {
		ok, f := c.more(&first, '}')
		if !ok || f != nil {
			return f
		}
		if b := c.peek(); b != '"' {
			return unexpected(b, '"')
		}
		key, f := c.str()
		if f != nil {
			return f
		}
		if !keys.add(key) {
			return faultTwice
		}
		if f := c.take(':'); f != nil {
			return f
		}
		if f := visit(key); f != nil {
			return f
		}
	}
}

// keySet finds a key that comes again: by looking through a few, by a map for many.
type keySet struct {
	few  [16]string
	n    int
	many map[string]bool
}

func (k *keySet) add(key string) bool {
	for _, have := range k.few[:k.n] {
		if have == key {
			return false
		}
	}
	if k.n < len(k.few) {
		k.few[k.n] = key
		k.n++
		return true
	}
	if k.many == nil {
		k.many = map[string]bool{}
	}
	if k.many[key] {
		return false
	}
	k.many[key] = true
	return true
}

// array calls visit at each value, which must consume it.
func (c *cursor) array(visit func() *fault) *fault {
	if f := c.take('['); f != nil {
		return f
	}
	for first := true; ; {
		ok, f := c.more(&first, ']')
		if !ok || f != nil {
			return f
		}
		if f := visit(); f != nil {
			return f
		}
	}
}

// skip passes over a value of any type, checking it wholly.
func (c *cursor) skip(depth int) *fault {
	if depth > maxDepth {
		return faultDepth
	}
	switch c.peek() {
	case '{':
		return c.object(func(string) *fault { return c.skip(depth + 1) })
	case '[':
		return c.array(func() *fault { return c.skip(depth + 1) })
	case '"':
		_, f := c.rawString()
		return f
	case 't':
		return c.word("true")
	case 'f':
		return c.word("false")
	case 'n':
		return c.word("null")
	}
	_, f := c.numeral()
	return f
}

func (c *cursor) word(w string) *fault {
	if !bytes.HasPrefix(c.b[c.i:], []byte(w)) {
		return c.bad()
	}
	c.i += len(w)
	return nil
}

// bad tells the frequent ways of not being JSON apart.
func (c *cursor) bad() *fault {
	rest := bytes.TrimLeft(c.b[c.i:], "+-")
	for _, w := range []string{"NaN", "nan", "Infinity", "inf"} {
		if bytes.HasPrefix(rest, []byte(w)) {
			return fail(ClassNumber, "NaN or Infinity stands where a value is expected: JSON has none")
		}
	}
	if len(rest) > 0 && (rest[0] == '/' || rest[0] == '#') {
		return faultComment
	}
	return faultJSON
}

// null consumes a null if there is one.
func (c *cursor) null() bool {
	return c.peek() == 'n' && c.word("null") == nil
}

// numeral gives the text of a number.
func (c *cursor) numeral() ([]byte, *fault) {
	c.peek()
	from := c.i
	c.accept("-")
	switch {
	case c.accept("0"):
	case c.digits() == 0:
		c.i = from
		return nil, c.bad()
	}
	if c.accept(".") && c.digits() == 0 {
		return nil, faultJSON
	}
	if c.accept("eE") {
		c.accept("+-")
		if c.digits() == 0 {
			return nil, faultJSON
		}
	}
	return c.b[from:c.i], nil
}

func (c *cursor) accept(set string) bool {
	if c.i < len(c.b) && strings.IndexByte(set, c.b[c.i]) >= 0 {
		c.i++
		return true
	}
	return false
}

func (c *cursor) digits() int {
	from := c.i
	for c.i < len(c.b) && c.b[c.i]-'0' <= 9 {
		c.i++
	}
	return c.i - from
}

// float is a finite number.
func (c *cursor) float() (float64, *fault) {
	text, f := c.numeral()
	if f != nil {
		return 0, f
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, fail(ClassNumber, "a number is beyond the range of 64-bit floating point")
	}
	return v, nil
}

// rawString gives what stands between the quotes, checked but still escaped.
func (c *cursor) rawString() ([]byte, *fault) {
	if f := c.take('"'); f != nil {
		return nil, f
	}
	from := c.i
	for c.i < len(c.b) {
		switch b := c.b[c.i]; {
		case b == '"':
			c.i++
			return c.b[from : c.i-1], nil
		case b < 0x20:
			return nil, fail(ClassJSON, "the text is not JSON: a control character within a string")
		case b == '\\':
			n, _ := escape(c.b[c.i:])
			if n == 0 {
				return nil, fail(ClassJSON, "the text is not JSON: a bad escape within a string")
			}
			c.i += n
		default:
			c.i++
		}
	}
	return nil, fail(ClassJSON, "the text is not JSON: a string is not closed")
}

// str gives a string's text.
func (c *cursor) str() (string, *fault) {
	raw, f := c.rawString()
	if f != nil {
		return "", f
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw), nil
	}
	out := make([]byte, 0, len(raw))
	for len(raw) > 0 {
		if raw[0] != '\\' {
			out = append(out, raw[0])
			raw = raw[1:]
			continue
		}
		n, r := escape(raw)
		out = utf8.AppendRune(out, r)
		raw = raw[n:]
	}
	return string(out), nil
}

var escapes = map[byte]rune{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape decodes an escape at the beginning of b: its length (0 when it is bad) and its character. A lone surrogate
// is bad.
func escape(b []byte) (int, rune) {
	if len(b) < 2 {
		return 0, 0
	}
	if r, ok := escapes[b[1]]; ok {
		return 2, r
	}
	r, ok := hex4(b)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return 6, r
	}
	low, ok := hex4(b[6:])
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		return 0, 0
	}
	return 12, r
}

// hex4 reads \uXXXX.
func hex4(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(v), err == nil
}

// value gives a property's value as text: a string's text, a number or a boolean as written, "" for null, and an
// object or array as its JSON.
func (c *cursor) value() (string, *fault) {
	switch c.peek() {
	case '"':
		return c.str()
	case 'n':
		return "", c.word("null")
	}
	from := c.i
	if f := c.skip(0); f != nil {
		return "", f
	}
	return string(c.b[from:c.i]), nil
}
