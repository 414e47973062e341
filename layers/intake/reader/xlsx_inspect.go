package reader

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/xml"
	"io"
	"path"
	"strconv"
	"strings"
)

// maxBookParts bounds what of a workbook is kept in memory: everything but its sheets and shared texts.
const maxBookParts = 256 << 20

// inspectXLSX reads the sheets and shared texts of a workbook once through, under guard: the library neither notices
// XML that breaks off nor an index of a text that does not exist. It gives the rows of the longest sheet.
func inspectXLSX(src *source) (longest int64, err error) {
	var magic [8]byte
	if _, err := src.ReadAt(magic[:], 0); err == nil && bytes.Equal(magic[:], []byte{0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1}) {
		return 0, fail(ClassFormat, "the file is an old .xls or an encrypted workbook: save it as .xlsx without a password")
	}
	z, err := zip.NewReader(src, src.size)
	if err != nil {
		return 0, fail(ClassArchive, "the file is no .xlsx, or it is damaged or cut").because(err)
	}
	var kept, all uint64
	texts, highest := -1, -1
	for _, f := range z.File {
		name := strings.ToLower(strings.ReplaceAll(f.Name, `\`, "/"))
		shared := name == "xl/sharedstrings.xml"
		if all += f.UncompressedSize64; all > uint64(src.limits.FileBytes) || f.UncompressedSize64 > uint64(src.limits.FileBytes) {
			return 0, fail(ClassSize, "the decompressed workbook is larger than %d bytes", src.limits.FileBytes)
		}
		if !shared && !(strings.HasPrefix(name, "xl/worksheets/") && path.Ext(name) == ".xml") {
			if kept += f.UncompressedSize64; kept > maxBookParts {
				return 0, fail(ClassSize, "the workbook holds more than %d bytes beside its sheets (pictures?)", maxBookParts)
			}
			continue
		}
		sheet, err := inspectPart(src, f, shared)
		if err != nil {
			return 0, err
		}
		if shared {
			texts = sheet.texts
		}
		highest, longest = max(highest, sheet.highest), max(longest, sheet.rows)
	}
	if highest >= 0 && highest >= texts {
		return 0, fail(ClassFormat, "a cell refers to a shared text that the workbook does not have")
	}
	return longest, nil
}

// inspected is what one part of a workbook has.
type inspected struct {
	rows    int64
	texts   int // shared ones
	highest int // index of a shared text in a cell

	shared      bool  // it is the part of the shared texts
	text, value bool  // within a cell of shared text, within its value
	begun       int64 // offset of the row or text
}

// inspectPart checks that the XML is whole.
func inspectPart(src *source, f *zip.File, shared bool) (*inspected, error) {
	got := &inspected{highest: -1, shared: shared}
	in, err := f.Open()
	if err != nil {
		return got, fail(ClassArchive, "a part of the workbook cannot be read").because(err)
	}
	defer in.Close()
	stored := int64(min(f.CompressedSize64, uint64(src.size)))
	part := &tokenGuard{from: &guard{from: in, stored: func() int64 { return stored }, limits: src.limits}, limit: src.limits.RowBytes}
	decoder := xml.NewDecoder(bufio.NewReaderSize(part, streamBuffer))
	for {
		part.since = 0
		token, err := decoder.Token()
		if err == io.EOF {
			return got, nil
		}
		if err != nil {
			return got, xmlFault(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			got.start(t, decoder.InputOffset())
		case xml.EndElement:
			got.value = false
			if name := t.Name.Local; (name == "row" || name == "si") && decoder.InputOffset()-got.begun > src.limits.RowBytes {
				return got, fail(ClassSize, "a row of the workbook is longer than %d bytes", src.limits.RowBytes)
			}
		case xml.CharData:
			n, err := strconv.Atoi(string(bytes.TrimSpace(t)))
			if got.value && err != nil {
				return got, fail(ClassFormat, "a cell refers to a shared text by something that is no number")
			}
			if got.value {
				got.highest = max(got.highest, n)
			}
		}
	}
}

func (i *inspected) start(t xml.StartElement, offset int64) {
	switch t.Name.Local {
	case "row":
		i.rows++
		i.begun = offset
	case "si":
		i.texts += b2i(i.shared)
		i.begun = offset
	case "c":
		i.text = false
		for _, a := range t.Attr {
			i.text = i.text || (a.Name.Local == "t" && a.Value == "s")
		}
	case "v":
		i.value = i.text
	}
}

// tokenGuard refuses a token of XML that is too long: the decoder keeps it whole.
type tokenGuard struct {
	from         io.Reader
	since, limit int64
}

func (g *tokenGuard) Read(p []byte) (int, error) {
	if g.since > g.limit {
		return 0, fail(ClassSize, "a cell of the workbook is longer than %d bytes", g.limit)
	}
	n, err := g.from.Read(p)
	g.since += int64(n)
	return n, err
}

func xmlFault(err error) error {
	if _, syntax := err.(*xml.SyntaxError); syntax {
		return fail(ClassFormat, "a sheet of the workbook is not XML, or breaks off").because(err)
	}
	return compressionFault(err)
}
