package reader

import (
	"bytes"
	"io"
)

// quoted reads the record at start, whose first line has n bytes and holds a quote.
func (c *csvReader) quoted(n, want int) (*Row, error) {
	c.field, c.ends = c.field[:0], c.ends[:0]
	lines := int64(1)
	i := 0
	for {
		var f *fault
		var err error
		if rec := c.buf[c.start : c.start+n]; i < n && rec[i] == '"' {
			i, n, lines, err = c.quotedField(i+1, n, lines)
		} else {
			i, f = c.plainField(rec, i)
		}
		if err == errTooLong {
			return c.tooLong() // from the record's first line on: what a quote swallowed is read again
		}
		if err != nil {
			return nil, err
		}
		c.ends = append(c.ends, len(c.field))
		rest := trimEnd(c.buf[c.start+i : c.start+n])
		if f == nil && len(rest) > 0 && !bytes.HasPrefix(rest, []byte(c.delim)) {
			f = fail(ClassQuote, "text follows a closing quote (field %d)", len(c.ends))
		}
		if f != nil || len(rest) == 0 {
			return c.finish(f, n, lines, want)
		}
		i += len(c.delim)
	}
}

// finish passes over the record and makes its values.
func (c *csvReader) finish(f *fault, n int, lines int64, want int) (*Row, error) {
	if f != nil && lines > 1 {
		f.reason += "; the row spans " + plural(lines, "line")
	}
	c.start += n
	c.line += lines
	if f == nil {
		f = c.check(c.field, false)
	}
	if f == nil {
		f = c.counted(len(c.ends), want)
	}
	if f != nil {
		return c.refuse(f)
	}
	s, from := string(c.field), 0
	for _, end := range c.ends {
		c.row.Values = append(c.row.Values, s[from:end])
		from = end
	}
	return &c.row, nil
}

// quotedField takes the text after an opening quote, over lines if need be; i is then after the closing quote.
func (c *csvReader) quotedField(i, n int, lines int64) (int, int, int64, error) {
	for {
		rec := c.buf[c.start : c.start+n]
		j := bytes.IndexByte(rec[i:], '"')
		if j < 0 {
			c.field = append(c.field, rec[i:]...)
			i = n
			more, err := c.until(n)
			if err == nil && more == n {
				err = io.EOF
			}
			if err == io.EOF {
				err = fail(ClassTruncated, "the file ends within quotes")
			}
			if err != nil {
				return i, n, lines, err
			}
			n = more
			lines++
			continue
		}
		c.field = append(c.field, rec[i:i+j]...)
		i += j + 1
		if i >= n || rec[i] != '"' {
			return i, n, lines, nil
		}
		c.field = append(c.field, '"')
		i++
	}
}

// plainField takes the text up to the delimiter or the end of the line.
func (c *csvReader) plainField(rec []byte, i int) (int, *fault) {
	body := trimEnd(rec[i:])
	if j := bytes.Index(body, []byte(c.delim)); j >= 0 {
		body = body[:j]
	}
	c.field = append(c.field, body...)
	switch {
	case bytes.IndexByte(body, '"') >= 0:
		return i, fail(ClassQuote, "a quote stands within an unquoted field (field %d)", len(c.ends)+1)
	case bytes.IndexByte(body, '\r') >= 0:
		return i, fail(ClassQuote, "the row holds a carriage return outside quotes")
	}
	return i + len(body), nil
}
