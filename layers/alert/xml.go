package alert

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"

	"onepicture/layers"
)

// Limits of a document. The largest public alerts have some hundred kilobytes; a feed of a country's alerts a megabyte
// or two.
const (
	MaxBytes    = 4 << 20
	maxDepth    = 32
	maxElements = 100_000
	maxText     = 64 << 10 // of description and instruction, in bytes
	maxWords    = 4 << 10  // of everything else but polygons
	maxShape    = 1 << 20  // text of one polygon
)

// stream reads XML element by element. It refuses document types, so that no entity is defined and nothing outside is
// named; encoding/xml itself fetches nothing and knows only XML's own five entities.
type stream struct {
	d        *xml.Decoder
	depth    int
	elements int
}

func newStream(r io.Reader) *stream {
	d := xml.NewDecoder(&bounded{r: r, left: MaxBytes})
	d.Strict = true
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		switch strings.ToLower(label) {
		case "utf-8", "us-ascii", "ascii":
			return in, nil
		case "iso-8859-1", "latin1":
			return charmap.ISO8859_1.NewDecoder().Reader(in), nil
		case "windows-1252":
			return charmap.Windows1252.NewDecoder().Reader(in), nil
		case "gb18030", "gbk", "gb2312":
			return simplifiedchinese.GB18030.NewDecoder().Reader(in), nil
		}
		return nil, errors.New("this encoding is not read: use UTF-8, GB18030 or ISO-8859-1")
	}
	return &stream{d: d}
}

// bounded is a reader that fails beyond a limit, instead of ending there as if that were all.
type bounded struct {
	r    io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if len(p) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, &layers.Error{Code: layers.CodeTooLarge, Message: fmt.Sprintf("the document is larger than %d MiB", MaxBytes>>20)}
	}
	return n, err
}

// token is the next one that matters: elements and text.
func (s *stream) token() (xml.Token, error) {
	for {
		t, err := s.d.Token()
		if err != nil {
			return nil, s.problem(err)
		}
		switch t.(type) {
		case xml.Directive:
			return nil, refuse("the document declares a document type (DOCTYPE); such documents are refused, because entities could be hidden in it")
		case xml.StartElement:
			s.depth++
			s.elements++
			if s.depth > maxDepth {
				return nil, refuse("elements are nested deeper than %d", maxDepth)
			}
			if s.elements > maxElements {
				return nil, refuse("the document has more than %d elements", maxElements)
			}
			return t, nil
		case xml.EndElement:
			s.depth--
			return t, nil
		case xml.CharData:
			return t, nil
		}
	}
}

// problem puts what the decoder says into words that hold nothing of the document.
func (s *stream) problem(err error) error {
	var ours *layers.Error
	var syntax *xml.SyntaxError
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.Is(err, io.EOF):
		return refuse("the document ends before an element begins")
	case errors.As(err, &syntax) && syntax.Msg == "unexpected EOF":
		return refuse("the document ends before its last element is closed")
	case errors.As(err, &syntax):
		what := "is not well-formed XML"
		if strings.Contains(syntax.Msg, "entity") {
			what = "uses an entity that XML does not define"
		}
		return refuse("line %d %s", syntax.Line, what)
	}
	return refuse("it cannot be read as XML")
}

func refuse(format string, args ...any) *layers.Error {
	return &layers.Error{Code: layers.CodeInvalid, Message: fmt.Sprintf(format, args...)}
}

// each calls fn for every child of the element that was just begun; fn reads the child to its end.
func (s *stream) each(fn func(xml.StartElement) error) error {
	for {
		t, err := s.token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if err := fn(t); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

// text is the text of the element that was just begun, without that of elements within it.
func (s *stream) text(field string, most int) (string, error) {
	var b strings.Builder
	long := false
	for depth := 0; ; {
		t, err := s.token()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			if depth == 0 {
				if long {
					return "", layers.Invalid(field, "is longer than %d bytes", most)
				}
				return strings.TrimSpace(b.String()), nil
			}
			depth--
		case xml.CharData:
			if long = long || b.Len()+len(t) > most; depth == 0 && !long {
				b.Write(t)
			}
		}
	}
}

// skip reads the element that was just begun to its end.
func (s *stream) skip() error {
	return s.each(func(xml.StartElement) error { return s.skip() })
}
