package filter

import (
	"strings"
	"unicode/utf8"

	"onepicture/layers"
)

type tokenKind uint8

const (
	tokEnd    tokenKind = iota
	tokWord             // a name or a keyword
	tokString           // text holds it without quotes
	tokNumber
	tokSymbol // = <> < <= > >= ( ) ,
)

type token struct {
	kind tokenKind
	text string
	at   int // byte offset
}

// is compares a keyword whatever its case.
func (t token) is(keyword string) bool {
	return t.kind == tokWord && strings.EqualFold(t.text, keyword)
}

func (t token) symbol(s string) bool { return t.kind == tokSymbol && t.text == s }

// lexer cuts the text into tokens.
type lexer struct {
	text string
	at   int
}

// fail is an error at a byte offset.
func (l *lexer) fail(at int, format string, args ...any) error {
	e := layers.Invalid("filter", format, args...)
	prefix := layers.Invalid("", "at character %d: ", utf8.RuneCountInString(l.text[:at])+1)
	e.Message = prefix.Message + e.Message
	return e
}

func (l *lexer) next() (token, error) {
	for l.at < len(l.text) && strings.IndexByte(" \t\r\n", l.text[l.at]) >= 0 {
		l.at++
	}
	start := l.at
	if start == len(l.text) {
		return token{kind: tokEnd, at: start}, nil
	}
	c := l.text[start]
	switch {
	case c == '\'':
		return l.quoted()
	case letter(c):
		l.skip(func(c byte) bool { return letter(c) || digit(c) })
		return token{tokWord, l.text[start:l.at], start}, nil
	case digit(c) || strings.IndexByte("+-.", c) >= 0:
		l.number()
		return token{tokNumber, l.text[start:l.at], start}, nil
	}
	for _, s := range []string{"<>", "<=", ">=", "=", "<", ">", "(", ")", ","} {
		if strings.HasPrefix(l.text[start:], s) {
			l.at += len(s)
			return token{tokSymbol, s, start}, nil
		}
	}
	return token{}, l.fail(start, "this character has no meaning here")
}

// quoted reads a string; a quote inside it is written twice.
func (l *lexer) quoted() (token, error) {
	start := l.at
	var b strings.Builder
	for i := start + 1; i < len(l.text); i++ {
		if l.text[i] != '\'' {
			b.WriteByte(l.text[i])
			continue
		}
		if i+1 < len(l.text) && l.text[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		l.at = i + 1
		if !utf8.ValidString(b.String()) {
			return token{}, l.fail(start, "the string is not valid UTF-8")
		}
		return token{tokString, b.String(), start}, nil
	}
	return token{}, l.fail(start, "the string is not closed: a quote ' is missing")
}

// number takes what may belong to a number; whether it is one, strconv decides.
func (l *lexer) number() {
	for first := true; l.at < len(l.text); first = false {
		c := l.text[l.at]
		sign := c == '+' || c == '-'
		if !digit(c) && c != '.' && c|0x20 != 'e' && !(sign && (first || l.text[l.at-1]|0x20 == 'e')) {
			return
		}
		l.at++
	}
}

func (l *lexer) skip(in func(byte) bool) {
	for l.at < len(l.text) && in(l.text[l.at]) {
		l.at++
	}
}

func letter(c byte) bool { return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' }
func digit(c byte) bool  { return '0' <= c && c <= '9' }
