package reader

import (
	"bytes"
	"io"
)

// jsonStream walks the outer levels of a JSON text and hands out inner values as bytes, one at a time, so that only
// one of them is ever in memory. It checks the commas and brackets that it walks over; the values are for the cursor.
type jsonStream struct {
	in   io.Reader
	buf  []byte
	i, n int
	base int64 // bytes before buf
}

func newJSONStream(in io.Reader) *jsonStream {
	return &jsonStream{in: in, buf: make([]byte, streamBuffer)}
}

// offset of the next byte in the text.
func (s *jsonStream) offset() int64 { return s.base + int64(s.i) }

// fill reads more when all is consumed.
func (s *jsonStream) fill() error {
	s.base += int64(s.n)
	s.i, s.n = 0, 0
	n, err := io.ReadAtLeast(s.in, s.buf, 1)
	s.n = n
	if n > 0 {
		return nil
	}
	return err
}

// peek passes white space over; io.EOF at the end.
func (s *jsonStream) peek() (byte, error) {
	for {
		for ; s.i < s.n; s.i++ {
			switch b := s.buf[s.i]; b {
			case ' ', '\t', '\r', '\n':
			default:
				return b, nil
			}
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
}

var errEndsEarly = fail(ClassTruncated, "the file ends within the JSON text")

// must is peek where the text may not end.
func (s *jsonStream) must() (byte, error) {
	b, err := s.peek()
	if err == io.EOF {
		err = errEndsEarly
	}
	return b, err
}

// take consumes one expected sign.
func (s *jsonStream) take(want byte) error {
	b, err := s.must()
	if err != nil {
		return err
	}
	if b != want {
		return unexpected(b, want)
	}
	s.i++
	return nil
}

func unexpected(b, want byte) *fault {
	if b == '/' || b == '#' {
		return faultComment
	}
	return fail(ClassJSON, "the text is not JSON: %q is expected", want)
}

// more tells whether another member or element follows, and consumes the comma before it or the end sign.
func (s *jsonStream) more(first *bool, end byte) (bool, error) {
	b, err := s.must()
	if err != nil {
		return false, err
	}
	was := *first
	*first = false
	switch {
	case b == end:
		s.i++
		return false, nil
	case !was:
		if err := s.take(','); err != nil {
			return false, err
		}
		b, err = s.must()
	}
	switch {
	case err != nil:
	case b == end:
		err = fail(ClassJSON, "the text is not JSON: a comma before %q", end)
	case b == '/' || b == '#':
		err = faultComment
	}
	return err == nil, err
}

// key takes a member's name and its colon.
func (s *jsonStream) key() (string, error) {
	b, err := s.must()
	if err == nil && b != '"' {
		err = unexpected(b, '"')
	}
	if err != nil {
		return "", err
	}
	raw, big, err := s.frame(nil, maxName)
	if err != nil {
		return "", err
	}
	if big {
		return "", fail(ClassSize, "a key is longer than %d bytes", maxName)
	}
	c := cursor{b: raw}
	name, f := c.str()
	if f != nil {
		return "", f
	}
	return name, s.take(':')
}

// members calls visit at each value of an object, which must consume it. A key twice is an error.
func (s *jsonStream) members(visit func(key string) error) error {
	if err := s.take('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for first := true; ; {
		ok, err := s.more(&first, '}')
		if !ok || err != nil {
			return err
		}
		key, err := s.key()
		if err != nil {
			return err
		}
		if seen[key] {
			return fail(ClassDuplicate, "an object has the same key twice")
		}
		if len(seen) >= 100_000 {
			return fail(ClassSize, "an object has more than %d members", len(seen))
		}
		seen[key] = true
		if err := visit(key); err != nil {
			return err
		}
	}
}

// elements calls visit at each value of an array, which must consume it.
func (s *jsonStream) elements(visit func() error) error {
	if err := s.take('['); err != nil {
		return err
	}
	for first := true; ; {
		ok, err := s.more(&first, ']')
		if !ok || err != nil {
			return err
		}
		if err := visit(); err != nil {
			return err
		}
	}
}

// skip passes a value over.
func (s *jsonStream) skip() error {
	_, _, err := s.frame(nil, -1)
	return err
}

// special marks the signs that matter for finding the end of a value.
var special = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true}

// frame appends the next value to dst, found by brackets and quotes alone. Beyond the limit (not when it is < 0, then
// nothing is kept) the value is passed over and big is true.
func (s *jsonStream) frame(dst []byte, limit int64) (out []byte, big bool, err error) {
	b, err := s.must()
	if err != nil {
		return dst, false, err
	}
	f := framer{scalar: b != '{' && b != '[' && b != '"'}
	from := int64(len(dst))
	for {
		used, done := f.scan(s.buf[s.i:s.n])
		switch {
		case limit < 0 || big:
		case int64(len(dst))-from+int64(used) > limit:
			big = true
			dst = dst[:from]
		default:
			dst = append(dst, s.buf[s.i:s.i+used]...)
		}
		s.i += used
		if done {
			return dst, big, nil
		}
		if err := s.fill(); err == io.EOF && f.scalar {
			return dst, big, nil
		} else if err == io.EOF {
			return dst, big, errEndsEarly
		} else if err != nil {
			return dst, big, err
		}
	}
}

// framer keeps where in a value the scan is.
type framer struct {
	depth           int
	quoted, escaped bool
	scalar          bool
}

// scan gives the number of bytes that belong to the value and whether it ends there.
func (f *framer) scan(b []byte) (int, bool) {
	if f.scalar {
		i := bytes.IndexAny(b, ",]}{[\" \t\r\n:")
		if i == 0 {
			return 1, true // a sign where a value should be: the cursor will refuse it
		}
		return max(i, 0) + len(b)*b2i(i < 0), i > 0
	}
	for i := 0; i < len(b); i++ {
		c := b[i]
		if f.quoted {
			switch {
			case f.escaped:
				f.escaped = false
			case c == '\\':
				f.escaped = true
			case c == '"':
				f.quoted = false
				if f.depth == 0 {
					return i + 1, true
				}
			}
			continue
		}
		if !special[c] {
			continue
		}
		switch c {
		case '"':
			f.quoted = true
		case '{', '[':
			f.depth++
		default:
			if f.depth--; f.depth <= 0 {
				return i + 1, true
			}
		}
	}
	return len(b), false
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// line appends the text up to sep to dst, without it; io.EOF when there is nothing more.
func (s *jsonStream) line(dst []byte, sep byte, limit int64) (out []byte, big bool, err error) {
	for any := false; ; any = true {
		if s.i == s.n {
			if err := s.fill(); err == io.EOF && any {
				return dst, big, nil
			} else if err != nil {
				return dst, big, err
			}
		}
		rest := s.buf[s.i:s.n]
		at := bytes.IndexByte(rest, sep)
		part := rest
		if at >= 0 {
			part = rest[:at]
		}
		if big = big || int64(len(dst)+len(part)) > limit; !big {
			dst = append(dst, part...)
		}
		s.i += len(part)
		if at >= 0 {
			s.i++
			return dst, big, nil
		}
	}
}
