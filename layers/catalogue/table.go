package catalogue

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// Limits of a file.
const (
	MaxBytes  = 8 << 20
	maxRows   = 20_000
	maxNumber = 100_000
	// maxUnzipped is what a workbook may become when it is unpacked: a bomb is refused.
	maxUnzipped = 128 << 20
)

// table is a file's header and its rows, each with where it stands.
type table struct {
	header []string
	lines  []int
	cells  [][]string
}

func fileFault(file, format string, args ...any) *Fault {
	return &Fault{File: file, Class: ClassFile, Reason: fmt.Sprintf(format, args...)}
}

// readCSV reads UTF-8, with or without a byte order mark.
func readCSV(file string, b []byte) (t table, faults Faults) {
	if !utf8.Valid(b) {
		return t, Faults{fileFault(file, "is not UTF-8: save it as “CSV UTF-8”, or as XLSX")}
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff"))))
	header, err := r.Read()
	if err != nil {
		return t, Faults{fileFault(file, "has no header line")}
	}
	t.header = header
	r.FieldsPerRecord = -1 // told below, for each row that is wrong
	for {
		cells, err := r.Read()
		if err != nil {
			var parse *csv.ParseError
			if errors.As(err, &parse) {
				faults = append(faults, &Fault{File: file, Row: parse.Line, Class: ClassCells, Reason: parse.Err.Error()})
			}
			return t, faults
		}
		line, _ := r.FieldPos(0)
		if len(cells) != len(header) {
			faults = append(faults, &Fault{File: file, Row: line, Class: ClassCells,
				Reason: fmt.Sprintf("has %d cells, the header has %d", len(cells), len(header))})
			continue
		}
		t.lines, t.cells = append(t.lines, line), append(t.cells, cells)
	}
}

// readXLSX reads the first sheet of a workbook. Empty rows are passed over.
func readXLSX(file string, b []byte) (t table, faults Faults) {
	defer func() {
		if p := recover(); p != nil { // the library over a broken workbook
			faults = append(faults, fileFault(file, "is a broken workbook"))
		}
	}()
	book, err := excelize.OpenReader(bytes.NewReader(b), excelize.Options{UnzipSizeLimit: maxUnzipped, UnzipXMLSizeLimit: maxUnzipped, RawCellValue: true})
	if err != nil {
		return t, Faults{fileFault(file, "is not a workbook that can be opened")}
	}
	defer book.Close() //nolint:errcheck // it was only read
	sheets := book.GetSheetList()
	if len(sheets) == 0 {
		return t, Faults{fileFault(file, "has no sheet")}
	}
	rows, err := book.Rows(sheets[0])
	if err != nil {
		return t, Faults{fileFault(file, "has a sheet that cannot be read")}
	}
	defer rows.Close() //nolint:errcheck // it was only read
	for line := 1; rows.Next(); line++ {
		cells, err := rows.Columns()
		if err != nil {
			return t, append(faults, &Fault{File: file, Row: line, Class: ClassCells, Reason: "cannot be read"})
		}
		for len(cells) > 0 && strings.TrimSpace(cells[len(cells)-1]) == "" {
			cells = cells[:len(cells)-1]
		}
		switch {
		case len(cells) == 0:
			continue
		case t.header == nil:
			t.header = cells
			continue
		case len(cells) > len(t.header):
			faults = append(faults, &Fault{File: file, Row: line, Class: ClassCells,
				Reason: fmt.Sprintf("has %d cells, the header has %d", len(cells), len(t.header))})
			continue
		}
		t.lines = append(t.lines, line)
		t.cells = append(t.cells, append(cells, make([]string, len(t.header)-len(cells))...))
		if len(t.lines) > maxRows {
			return t, append(faults, fileFault(file, "has more than %d rows", maxRows))
		}
	}
	if err := rows.Error(); err != nil {
		faults = append(faults, fileFault(file, "has a sheet that cannot be read to its end"))
	}
	if t.header == nil {
		faults = append(faults, fileFault(file, "has no header line"))
	}
	return t, faults
}

// rows checks header and cells against the format of that name.
func (t table) rows(file, name string) (rows []Row, faults Faults) {
	if t.header == nil {
		return nil, nil // told already
	}
	if len(t.lines) > maxRows {
		return nil, Faults{fileFault(file, "has more than %d rows", maxRows)}
	}
	header := make([]string, len(t.header))
	for i, h := range t.header {
		if header[i] = strings.TrimSpace(h); name == "items" {
			header[i] = itemColumn(header[i])
		}
	}
	columns, faults := checkHeader(file, name, header)
	if faults != nil {
		return nil, faults
	}
	seen := map[string]int{}
	for n, cells := range t.cells {
		row := Row{values: map[string]string{}, file: file, line: t.lines[n]}
		for i, v := range cells {
			row.values[header[i]] = strings.TrimSpace(v)
		}
		faults = append(faults, row.checkValues(columns)...)
		if code := row.Get("code"); code != "" {
			if first, twice := seen[code]; twice {
				faults = append(faults, row.fault("code", ClassTwice, "%q stands on line %d already", code, first))
			} else {
				seen[code] = row.line
			}
		}
		rows = append(rows, row)
	}
	return rows, faults
}
