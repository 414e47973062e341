package reader

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// dbfReader reads the table of a shapefile (dBASE III+).
//
// Format: https://www.dbase.com/Knowledgebase/INT/db7_file_fmt.htm and, for level 3 and the language driver byte,
// ESRI's list of code pages.
type dbfReader struct {
	in      *bufio.Reader
	header  []string
	fields  []dbfField
	record  []byte
	records uint32 // claimed
	count   uint32
	decode  func([]byte) (string, bool)
}

type dbfField struct {
	kind   byte
	offset int
	length int
}

// languages are the language driver bytes that say something; 0x57, "ANSI", does not.
var languages = map[byte]string{
	0x03: "windows-1252", 0x4d: "gb18030", 0x7a: "gb18030", 0x4f: "big5", 0x78: "big5",
}

// codePages are what a .cpg may say, beside the names of encodings.
var codePages = map[string]string{
	"65001": "utf-8", "utf8": "utf-8", "936": "gb18030", "cp936": "gb18030", "ms936": "gb18030", "ansi 936": "gb18030", "54936": "gb18030",
	"950": "big5", "cp950": "big5", "ansi 950": "big5", "big-5": "big5",
	"1252": "windows-1252", "cp1252": "windows-1252", "ansi 1252": "windows-1252", "88591": "iso-8859-1", "iso 8859-1": "iso-8859-1", "iso8859-1": "iso-8859-1",
}

// tableEncoding settles the encoding: as declared, else by the .cpg, else by the language driver, else UTF-8.
func tableEncoding(declared, cpg string, language byte) (string, error) {
	declared, err := encodingName(declared)
	if declared != "" || err != nil {
		return declared, err
	}
	cpg = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(cpg, "\ufeff")))
	if page := codePages[cpg]; page != "" {
		return page, nil
	}
	if cpg != "" {
		if name, err := encodingName(cpg); err == nil {
			return name, nil
		}
		return "", fail(ClassEncoding, "the encoding named in the .cpg is not known; declare one of %s", strings.Join(Encodings(), ", "))
	}
	if name := languages[language]; name != "" {
		return name, nil
	}
	return "utf-8", nil
}

// decoder gives text and whether all bytes were of the encoding.
func decoder(name string) func([]byte) (string, bool) {
	if name == "utf-8" {
		return func(b []byte) (string, bool) { return string(b), utf8.Valid(b) }
	}
	d := encodings[name].NewDecoder()
	return func(b []byte) (string, bool) {
		if ascii(b) {
			return string(b), true
		}
		out, err := d.Bytes(b)
		return string(out), err == nil && !bytes.Contains(out, []byte("\uFFFD"))
	}
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func newDBF(in io.Reader, declared, cpg string, limits Limits) (*dbfReader, error) {
	d := &dbfReader{in: bufio.NewReaderSize(in, streamBuffer)}
	var h [32]byte
	if _, err := io.ReadFull(d.in, h[:]); err != nil {
		return nil, truncated(err, "the .dbf ends within its header")
	}
	d.records = binary.LittleEndian.Uint32(h[4:])
	headerLength, recordLength := int(binary.LittleEndian.Uint16(h[8:])), int(binary.LittleEndian.Uint16(h[10:]))
	if headerLength < 33 || recordLength < 1 {
		return nil, fail(ClassFormat, "the .dbf has a header of %d bytes and records of %d bytes: it is no table", headerLength, recordLength)
	}
	name, err := tableEncoding(declared, cpg, h[29])
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(name, "utf-16") {
		return nil, fail(ClassEncoding, "the text of a .dbf cannot be UTF-16")
	}
	d.decode = decoder(name)
	rest := make([]byte, headerLength-len(h)) // at most 64 KiB
	if _, err := io.ReadFull(d.in, rest); err != nil {
		return nil, truncated(err, "the .dbf ends within its header")
	}
	if err := d.describe(rest, recordLength, name); err != nil {
		return nil, err
	}
	d.record = make([]byte, recordLength)
	return d, checkHeader(d.header, limits.Columns)
}

// describe reads the fields' descriptors, 32 bytes each up to a CR.
func (d *dbfReader) describe(b []byte, recordLength int, encoding string) error {
	offset := 1 // behind the mark of deletion
	for ; len(b) >= 32 && b[0] != '\r'; b = b[32:] {
		raw, _, _ := bytes.Cut(b[:11], []byte{0})
		name, ok := d.decode(raw)
		for cut := 1; !ok && cut < 4 && cut < len(raw); cut++ { // names are cut at 10 bytes, maybe within a character
			name, ok = d.decode(raw[:len(raw)-cut])
		}
		if !ok {
			return fail(ClassEncoding, "the name of column %d of the .dbf is not %s; declare its encoding", len(d.fields)+1, encoding)
		}
		f := dbfField{kind: b[11], offset: offset, length: int(b[16])}
		switch f.kind {
		case 'C':
			f.length |= int(b[17]) << 8 // long texts keep the high byte where numbers keep their decimals
		case 'N', 'F', 'D', 'L':
		default:
			return fail(ClassFormat, "column %d of the .dbf is of a type that is not read (read are C, N, F, D and L)", len(d.fields)+1)
		}
		if offset += f.length; f.length == 0 || offset > recordLength {
			return fail(ClassFormat, "the columns of the .dbf do not fit into its records of %d bytes", recordLength)
		}
		d.header = append(d.header, strings.TrimSpace(name))
		d.fields = append(d.fields, f)
	}
	return nil
}

// next reads a record; io.EOF after as many as the header claims, or at the mark of the end.
func (d *dbfReader) next() error {
	if d.count == d.records {
		return io.EOF
	}
	if b, err := d.in.Peek(1); err == nil && b[0] == 0x1a {
		return io.EOF
	}
	d.count++
	if _, err := io.ReadFull(d.in, d.record); err != nil {
		return truncated(err, "the .dbf ends before the last of its records")
	}
	return nil
}

func (d *dbfReader) deleted() bool { return d.record[0] == '*' }

// values appends the record's values as text.
func (d *dbfReader) values(to []string) ([]string, *fault) {
	for i, field := range d.fields {
		v, f := d.value(field.kind, d.record[field.offset:field.offset+field.length])
		if f != nil {
			return to, f.in(d.header[i])
		}
		to = append(to, v)
	}
	return to, nil
}

func (d *dbfReader) value(kind byte, b []byte) (string, *fault) {
	b = bytes.TrimRight(b, " \x00")
	if kind != 'C' {
		b = bytes.TrimLeft(b, " ")
	}
	switch {
	case len(b) == 0:
		return "", nil
	case kind == 'C':
		s, ok := d.decode(b)
		if !ok {
			return "", fail(ClassEncoding, "the text is not of the table's encoding; declare the right one (gb18030, …)")
		}
		if strings.IndexByte(s, 0) >= 0 {
			return "", fail(ClassEncoding, "the text holds a NUL byte")
		}
		return s, nil
	case kind == 'D':
		return dbfDate(b)
	case kind == 'L':
		return dbfBool(b)
	}
	return dbfNumber(b)
}

// dbfNumber passes a number as written; stars are an overflow of the writer and so no value.
func dbfNumber(b []byte) (string, *fault) {
	if len(bytes.Trim(b, "*")) == 0 {
		return "", nil
	}
	c := cursor{b: bytes.TrimPrefix(b, []byte("+"))}
	c.accept("-")
	whole := c.digits()
	part := 0
	if c.accept(".") {
		part = c.digits()
	}
	ok := whole+part > 0
	if ok && c.accept("eE") {
		c.accept("+-")
		ok = c.digits() > 0
	}
	if !ok || c.i != len(c.b) {
		return "", fail(ClassNumber, "the value is no number (text of %d bytes)", len(b))
	}
	return string(c.b), nil
}

// dbfDate turns YYYYMMDD into ISO 8601; zeros are no value.
func dbfDate(b []byte) (string, *fault) {
	if len(bytes.Trim(b, "0")) == 0 {
		return "", nil
	}
	day, err := time.Parse("20060102", string(b))
	if err != nil {
		return "", fail(ClassDate, "the value is no date of the calendar as YYYYMMDD (text of %d bytes)", len(b))
	}
	return day.Format(time.DateOnly), nil
}

func dbfBool(b []byte) (string, *fault) {
	switch string(b) {
	case "T", "t", "Y", "y", "1":
		return "true", nil
	case "F", "f", "N", "n", "0":
		return "false", nil
	case "?":
		return "", nil
	}
	return "", fail(ClassFormat, "the value is neither true nor false (text of %d bytes)", len(b))
}
