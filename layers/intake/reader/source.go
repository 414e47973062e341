package reader

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

// blob is the stored bytes of a file.
type blob interface {
	io.ReaderAt
	io.Closer
}

// source is one stored file that can be read several times; it counts what is read of it.
type source struct {
	name     string
	path     string // "" for bytes in memory
	size     int64
	blob     blob
	limits   Limits
	read     atomic.Int64
	siblings func() (map[string]*source, error) // of a bare .shp, by extension
}

// ReadAt counts; a second pass begins with rewind.
func (s *source) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.blob.ReadAt(p, off)
	s.read.Add(int64(n))
	return n, err
}

func (s *source) rewind() { s.read.Store(0) }

// Progress is the part of the file that has been read.
func (s *source) Progress() (read, total int64) { return min(s.read.Load(), s.size), s.size }

// Close closes the stored file.
func (s *source) Close() error { return s.blob.Close() }

// guard refuses data that grow past the limits.
type guard struct {
	from   io.Reader
	stored func() int64 // compressed bytes that have gone in so far
	limits Limits
	out    int64
}

func (g *guard) Read(p []byte) (int, error) {
	n, err := g.from.Read(p)
	g.out += int64(n)
	if g.out > g.limits.FileBytes {
		return 0, fail(ClassSize, "the decompressed file is larger than %d bytes", g.limits.FileBytes)
	}
	if g.out > ratioFree && g.out/int64(g.limits.Ratio) > g.stored() {
		return 0, fail(ClassSize, "the compressed data grow more than %d times: they are refused as a bomb", g.limits.Ratio)
	}
	if err != nil && err != io.EOF {
		err = compressionFault(err)
	}
	return n, err
}

func compressionFault(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fail(ClassTruncated, "the compressed data end too early").because(err)
	case errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return fail(ClassArchive, "the compressed data are damaged").because(err)
	}
	return err
}

// encodings are those that Options may name, less UTF-8. GBK and GB 2312 are read as GB 18030, which contains them.
var encodings = map[string]encoding.Encoding{
	"gb18030": simplifiedchinese.GB18030, "gbk": simplifiedchinese.GB18030, "gb2312": simplifiedchinese.GB18030,
	"big5":         traditionalchinese.Big5,
	"utf-16le":     unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	"utf-16be":     unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	"windows-1252": charmap.Windows1252,
	"iso-8859-1":   charmap.ISO8859_1,
}

// Encodings lists what Options.Encoding may name.
func Encodings() []string {
	return []string{"utf-8", "gb18030", "gbk", "gb2312", "big5", "utf-16", "utf-16le", "utf-16be", "windows-1252", "iso-8859-1"}
}

// encodingName is the canonical form; "" stays "".
func encodingName(name string) (string, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	name = strings.ReplaceAll(name, "_", "-")
	switch name {
	case "utf8":
		name = "utf-8"
	case "utf16":
		name = "utf-16"
	case "gb-18030":
		name = "gb18030"
	case "gb-2312":
		name = "gb2312"
	case "cp936":
		name = "gbk"
	}
	if name == "" || name == "utf-8" || name == "utf-16" || encodings[name] != nil {
		return name, nil
	}
	return "", fail(ClassOption, "the declared encoding is not known; known are %s", strings.Join(Encodings(), ", "))
}

// text is decompressed and decoded UTF-8 without a byte order mark.
type text struct {
	io.Reader
	encoding string // from which it was decoded; "utf-8" is passed on unchecked
}

const (
	streamBuffer = 256 << 10
	sniffBytes   = 64 << 10
)

// text begins to read the file as text in the named encoding.
func (s *source) text(name string) (*text, error) {
	s.rewind()
	name, err := encodingName(name)
	if err != nil {
		return nil, err
	}
	stored := bufio.NewReaderSize(io.NewSectionReader(s, 0, s.size), sniffBytes)
	br := stored
	if magic, _ := stored.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		zr, err := gzip.NewReader(stored)
		if err != nil {
			return nil, compressionFault(err)
		}
		br = bufio.NewReaderSize(&guard{from: zr, stored: s.read.Load, limits: s.limits}, streamBuffer)
	}
	head, err := br.Peek(sniffBytes)
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull && len(head) == 0 {
		return nil, err
	}
	name, bom, err := sniff(head, name)
	if err != nil {
		return nil, err
	}
	if _, err := br.Discard(bom); err != nil {
		return nil, err
	}
	if name == "utf-8" {
		return &text{br, name}, nil
	}
	return &text{encodings[name].NewDecoder().Reader(br), name}, nil
}

// sniff settles the encoding by the byte order mark and finds out what was forgotten to be declared.
func sniff(head []byte, declared string) (name string, bom int, err error) {
	switch {
	case len(head) == 0:
		return "", 0, fail(ClassEmpty, "the file is empty")
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}) && (declared == "" || declared == "utf-8"):
		return "utf-8", 3, nil
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}) && (declared == "" || declared == "utf-16" || declared == "utf-16le"):
		return "utf-16le", 2, nil
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}) && (declared == "" || declared == "utf-16" || declared == "utf-16be"):
		return "utf-16be", 2, nil
	case declared == "utf-16":
		return "", 0, fail(ClassEncoding, "UTF-16 without a byte order mark: declare utf-16le or utf-16be")
	case declared != "" && declared != "utf-8":
		return declared, 0, nil
	}
	if order := utf16Order(head); order != "" {
		return "", 0, fail(ClassEncoding, "every second byte is NUL: this looks like UTF-16 without a byte order mark; declare the encoding %s", order)
	}
	if declared == "" && mostlyNotUTF8(head) && looksGB18030(head) {
		return "", 0, fail(ClassEncoding, "the text is not UTF-8 but looks like GB 18030 (GBK): declare the encoding gb18030")
	}
	return "utf-8", 0, nil
}

// utf16Order tells UTF-16 with ASCII in it by where the NULs are; "" when it is not so.
func utf16Order(head []byte) string {
	head = head[:min(len(head), 512)&^1]
	var even, odd int
	for i, b := range head {
		if b == 0 && i%2 == 0 {
			even++
		} else if b == 0 {
			odd++
		}
	}
	switch pairs := len(head) / 2; {
	case pairs < 2:
		return ""
	case odd > pairs/3 && even == 0:
		return "utf-16le"
	case even > pairs/3 && odd == 0:
		return "utf-16be"
	}
	return ""
}

// mostlyNotUTF8 is true when more bytes are not UTF-8 than there are characters of three bytes and more, as Chinese ones
// are: a text in another encoding, and not one with a damaged row. Characters of two bytes prove nothing, since many
// of GB 18030 look so; one cut at the end does not count.
func mostlyNotUTF8(b []byte) bool {
	b = b[:len(b)-cutTail(b)]
	var good, bad int
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if n > 2 {
			good++
		} else if r == utf8.RuneError {
			bad++
		}
		b = b[n:]
	}
	return bad > good
}

// cutTail is the length of an incomplete character at the end.
func cutTail(b []byte) int {
	for i := 1; i <= min(3, len(b)); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-i:]) {
				return i
			}
			return 0
		}
	}
	return 0
}

// looksGB18030 is true when all bytes decode; three bytes at the end may be a cut character.
func looksGB18030(b []byte) bool {
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(b)
	if err != nil {
		return false
	}
	at := bytes.Index(out, []byte("\uFFFD"))
	return at < 0 || (len(b) == sniffBytes && at >= len(out)-4*3)
}
