package reader

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// csvReader splits RFC 4180 text over one large buffer: one string a row, which the values share.
//
// Beyond the standard: any delimiter, LF and CRLF, empty lines are passed over. Stricter than encoding/csv: a quote in
// an unquoted field or text after a closing quote costs the row, a NUL or a lone CR too.
type csvReader struct {
	*source
	in      *text
	delim   string
	buf     []byte
	start   int // of the record in buf
	end     int // of the data in buf
	eof     error
	line    int64 // of the record at start
	base    int64 // bytes before buf
	header  []string
	row     Row
	field   []byte // unquoted text of the record
	ends    []int  // of the fields in it
	checked bool   // the text was decoded, so bad bytes have become U+FFFD
}

func newCSV(src *source, o Options) (*csvReader, error) {
	delim := o.Delimiter
	if delim == 0 {
		delim = ','
		if extension(src.name) == ".tsv" {
			delim = '\t'
		}
	}
	if delim == '"' || delim == '\r' || delim == '\n' || delim == utf8.RuneError || !utf8.ValidRune(delim) {
		return nil, fail(ClassOption, "this character cannot be a delimiter")
	}
	in, err := src.text(o.Encoding)
	if err != nil {
		return nil, err
	}
	c := &csvReader{source: src, in: in, delim: string(delim), buf: make([]byte, streamBuffer), line: 1, checked: in.encoding != "utf-8"}
	row, err := c.record(-1)
	switch {
	case err == io.EOF:
		return nil, fail(ClassEmpty, "the file has no header line")
	case err != nil:
		return nil, err
	case row.Err != nil:
		return nil, fail(row.Err.Class, "the header line cannot be read: %s", row.Err.Reason)
	}
	c.header = append([]string(nil), row.Values...)
	return c, checkHeader(c.header, src.limits.Columns)
}

// checkHeader refuses names that a mapping could not tell apart.
func checkHeader(names []string, limit int) error {
	if len(names) > limit {
		return fail(ClassSize, "the header has %d columns, more than %d", len(names), limit)
	}
	seen := make(map[string]int, len(names))
	for i, name := range names {
		switch first, again := seen[name]; {
		case strings.TrimSpace(name) == "":
			return fail(ClassColumns, "column %d of the header has no name", i+1)
		case len(name) > maxName:
			return fail(ClassColumns, "the name of column %d of the header is longer than %d bytes", i+1, maxName)
		case again:
			return fail(ClassColumns, "columns %d and %d of the header have the same name", first+1, i+1)
		}
		seen[name] = i
	}
	return nil
}

func (c *csvReader) Header() []string { return c.header }
func (c *csvReader) CRS() string      { return "" }

// Next gives the next record.
func (c *csvReader) Next() (*Row, error) {
	row, err := c.record(len(c.header))
	if err != nil && err != io.EOF {
		return nil, fileError(c.name, c.line, c.base+int64(c.start), err)
	}
	return row, err
}

var errTooLong = errors.New("the record is too long")

// until gives the length of the record's text up to and with the first LF at or after from, or to the end of the file;
// io.EOF when there is nothing at or after from.
func (c *csvReader) until(from int) (int, error) {
	for {
		i := bytes.IndexByte(c.buf[c.start+from:c.end], '\n')
		if i >= 0 && int64(from+i) <= c.limits.RowBytes {
			return from + i + 1, nil
		}
		from = c.end - c.start
		if int64(from) > c.limits.RowBytes {
			return from, errTooLong
		}
		if err := c.fill(); err != nil {
			if err == io.EOF && from > 0 {
				return from, nil
			}
			return from, err
		}
	}
}

// fill reads more, after moving the record to the front or doubling the buffer. Only data that have come make it grow.
func (c *csvReader) fill() error {
	if c.eof != nil {
		return c.eof
	}
	switch {
	case c.start > 0:
		copy(c.buf, c.buf[c.start:c.end])
		c.base += int64(c.start)
		c.end -= c.start
		c.start = 0
	case c.end == len(c.buf):
		c.buf = append(c.buf, make([]byte, len(c.buf))...)
	}
	n, err := io.ReadAtLeast(c.in, c.buf[c.end:], 1)
	c.end += n
	if err != nil {
		c.eof = err
		if n > 0 {
			return nil
		}
	}
	return err
}

// record reads one; want < 0 takes any number of columns.
func (c *csvReader) record(want int) (*Row, error) {
	for {
		n, err := c.until(0)
		if err == errTooLong {
			return c.tooLong()
		}
		if err != nil {
			return nil, err
		}
		rec := c.buf[c.start : c.start+n]
		body := trimEnd(rec)
		if len(body) == 0 {
			c.start += n
			c.line++
			continue
		}
		c.row = Row{Number: c.line, Values: c.row.Values[:0]}
		if bytes.IndexByte(body, '"') >= 0 {
			return c.quoted(n, want)
		}
		c.start += n
		c.line++
		if f := c.check(body, bytes.IndexByte(body, '\r') >= 0); f != nil {
			return c.refuse(f)
		}
		columns := bytes.Count(body, []byte(c.delim)) + 1 // before a slice is made of a million commas
		if f := c.counted(columns, want); f != nil {
			return c.refuse(f)
		}
		c.split(string(body))
		return &c.row, nil
	}
}

func trimEnd(rec []byte) []byte {
	if n := len(rec); n > 0 && rec[n-1] == '\n' {
		rec = rec[:n-1]
	}
	if n := len(rec); n > 0 && rec[n-1] == '\r' {
		rec = rec[:n-1]
	}
	return rec
}

// split cuts a record without quotes.
func (c *csvReader) split(s string) {
	values := c.row.Values
	if len(c.delim) > 1 {
		for {
			before, after, more := strings.Cut(s, c.delim)
			values = append(values, before)
			if !more {
				c.row.Values = values
				return
			}
			s = after
		}
	}
	d, from := c.delim[0], 0
	for i := 0; i < len(s); i++ { // fields are short: quicker than a call for each
		if s[i] == d {
			values = append(values, s[from:i])
			from = i + 1
		}
	}
	c.row.Values = append(values, s[from:])
}

// check looks for what no field may hold.
func (c *csvReader) check(b []byte, loneCR bool) *fault {
	switch {
	case bytes.IndexByte(b, 0) >= 0:
		return fail(ClassEncoding, "the row holds a NUL byte")
	case c.checked && bytes.Contains(b, []byte("\uFFFD")):
		return fail(ClassEncoding, "the row holds bytes that are not %s", c.in.encoding).in(c.columnOf(b, func(f []byte) bool {
			return bytes.Contains(f, []byte("\uFFFD"))
		}))
	case !c.checked && !utf8.Valid(b):
		return fail(ClassEncoding, "the row holds bytes that are not UTF-8; if the file is GB 18030 (GBK), declare the encoding gb18030").in(
			c.columnOf(b, func(f []byte) bool { return !utf8.Valid(f) }))
	case loneCR:
		return fail(ClassQuote, "the row holds a carriage return outside quotes")
	}
	return nil
}

// columnOf names the column of the first bad field of a record without quotes.
func (c *csvReader) columnOf(b []byte, bad func([]byte) bool) string {
	if bytes.IndexByte(b, '"') >= 0 {
		return ""
	}
	for i, field := range bytes.Split(b, []byte(c.delim)) {
		if bad(field) && i < len(c.header) {
			return c.header[i]
		}
	}
	return ""
}

func (c *csvReader) refuse(f *fault) (*Row, error) {
	c.row.Values, c.row.Err = c.row.Values[:0], f.row()
	return &c.row, nil
}

func (c *csvReader) counted(n, want int) *fault {
	switch {
	case want >= 0 && n != want:
		return fail(ClassColumns, "the row has %d columns, the header %d", n, want)
	case n > c.limits.Columns:
		return fail(ClassSize, "the row has %d columns, more than %d", n, c.limits.Columns)
	}
	return nil
}

// tooLong passes over a record beyond the limit, to the end of its line.
func (c *csvReader) tooLong() (*Row, error) {
	c.row = Row{Number: c.line, Values: c.row.Values[:0]}
	for {
		data := c.buf[c.start:c.end]
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			c.line++
			c.start += i + 1
			break
		}
		c.start = c.end
		if err := c.fill(); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
	}
	return c.refuse(fail(ClassSize, "the row is longer than %d bytes, or a quote in it is never closed", c.limits.RowBytes))
}
