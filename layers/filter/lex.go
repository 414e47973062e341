// Package filter is the one filter language: a subset of CQL2 text (OGC 21-065r2), compiled to a predicate over index
// records and to SQL with arguments, which agree.
package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"onepicture/layers"
)

// Limits of a filter's text.
const (
	MaxBytes = 4096
	maxDepth = 32
	maxTerms = 64
)

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenNumber
	tokenString
	tokenSign // = <> < <= > >= ( ) ,
)

type token struct {
	kind tokenKind
	text string // of a string: unquoted
	at   int    // byte offset
}

func problem(at int, format string, args ...any) *layers.Error {
	e := layers.Invalid("filter", format, args...)
	e.Message = "at character " + itoa(at+1) + ": " + e.Message
	return e
}

func itoa(n int) string {
	if n >= 10 {
		return itoa(n/10) + itoa(n%10)
	}
	return string(rune('0' + n))
}

func lex(s string) ([]token, error) {
	var out []token
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size <= 1:
			return nil, problem(i, "is not valid UTF-8")
		case unicode.IsSpace(r):
			i += size
		case r == '\'':
			text, end, ok := quoted(s, i)
			if !ok {
				return nil, problem(i, "a quoted text does not end")
			}
			out = append(out, token{tokenString, text, i})
			i = end
		case r >= '0' && r <= '9' || r == '-' && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9':
			end := i + 1
			for end < len(s) && (s[end] >= '0' && s[end] <= '9' || s[end] == '.') {
				end++
			}
			out = append(out, token{tokenNumber, s[i:end], i})
			i = end
		case r == '_' || unicode.IsLetter(r):
			end := i
			for end < len(s) && (s[end] == '_' || s[end] >= '0' && s[end] <= '9' || s[end]|0x20 >= 'a' && s[end]|0x20 <= 'z') {
				end++
			}
			if end == i {
				return nil, problem(i, "names are written in Latin letters")
			}
			out = append(out, token{tokenName, strings.ToLower(s[i:end]), i})
			i = end
		default:
			sign := s[i : i+size]
			if two := s[i:min(len(s), i+2)]; two == "<>" || two == "<=" || two == ">=" {
				sign = two
			}
			if !strings.Contains(" = <> < <= > >= ( ) , ", " "+sign+" ") {
				return nil, problem(i, "%q has no meaning here", sign)
			}
			out = append(out, token{tokenSign, sign, i})
			i += len(sign)
		}
	}
	return append(out, token{tokenEnd, "", len(s)}), nil
}

// quoted reads 'it”s' from its opening quote on.
func quoted(s string, i int) (text string, end int, ok bool) {
	var b strings.Builder
	for j := i + 1; j < len(s); j++ {
		if s[j] != '\'' {
			b.WriteByte(s[j])
			continue
		}
		if j+1 < len(s) && s[j+1] == '\'' {
			b.WriteByte('\'')
			j++
			continue
		}
		return b.String(), j + 1, true
	}
	return "", 0, false
}
