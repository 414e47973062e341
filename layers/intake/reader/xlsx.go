package reader

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/xuri/excelize/v2"
)

// xlsxReader reads one sheet row by row. Sheets above 16 MB go through a temporary file, which Close removes.
type xlsxReader struct {
	*source
	book   *excelize.File
	rows   *excelize.Rows
	header []string
	number int64
	total  int64        // rows of the longest sheet, for Progress
	at     atomic.Int64 // number, for Progress
	row    Row
	done   bool
}

func newXLSX(src *source, o Options) (x *xlsxReader, err error) {
	defer rescue(&err)
	longest, err := inspectXLSX(src)
	if err != nil {
		return nil, err
	}
	book, err := excelize.OpenFile(src.path, excelize.Options{UnzipSizeLimit: src.limits.FileBytes})
	if err != nil {
		return nil, fail(ClassFormat, "the workbook cannot be opened").because(err)
	}
	x = &xlsxReader{source: src, book: book, total: max(longest, 1)}
	if err := x.begin(o); err != nil {
		return nil, errors.Join(err, x.closeBook())
	}
	return x, nil
}

// rescue turns a panic of the library over a broken workbook into an error.
func rescue(err *error) {
	if p := recover(); p != nil {
		*err = fail(ClassFormat, "the workbook is broken").because(fmt.Errorf("excelize: %v", p))
	}
}

func (x *xlsxReader) begin(o Options) error {
	sheets := x.book.GetSheetList()
	if len(sheets) == 0 {
		return fail(ClassFormat, "the workbook has no sheet")
	}
	sheet := sheets[0]
	if o.Object != "" {
		if i, err := x.book.GetSheetIndex(o.Object); err != nil || i < 0 {
			return fail(ClassOption, "the workbook has no such sheet; it has: %s", names(sheets))
		}
		sheet = o.Object
	}
	if err := isoDates(x.book); err != nil {
		return err
	}
	rows, err := x.book.Rows(sheet)
	if err != nil {
		return fail(ClassFormat, "the sheet cannot be read").because(err)
	}
	x.rows = rows
	for {
		cells, ok, err := x.cells()
		switch {
		case err != nil:
			return err
		case !ok:
			return fail(ClassEmpty, "the sheet has no header row")
		case len(cells) > 0 && (o.HeaderRow <= 0 || int64(o.HeaderRow) == x.number):
			x.header = append([]string(nil), cells...)
			return checkHeader(x.header, x.limits.Columns)
		case o.HeaderRow > 0 && int64(o.HeaderRow) <= x.number:
			return fail(ClassColumns, "row %d of the sheet, the declared header, is empty", o.HeaderRow)
		}
	}
}

// cells gives the next row without the empty cells at its end.
func (x *xlsxReader) cells() (cells []string, ok bool, err error) {
	if !x.rows.Next() {
		return nil, false, x.rows.Error()
	}
	x.number++
	x.at.Store(x.number)
	cells, err = x.rows.Columns()
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	return cells, true, err
}

func (x *xlsxReader) Header() []string { return x.header }
func (x *xlsxReader) CRS() string      { return "" }

// Progress is by rows, since the library hides the bytes.
func (x *xlsxReader) Progress() (read, total int64) {
	return min(x.size, int64(float64(x.size)*float64(x.at.Load())/float64(x.total))), x.size
}

// Close removes the temporary files.
func (x *xlsxReader) Close() error {
	return errors.Join(x.closeBook(), x.source.Close())
}

func (x *xlsxReader) closeBook() error {
	if x.rows == nil {
		return x.book.Close()
	}
	return errors.Join(x.rows.Close(), x.book.Close())
}

// Next gives the next row that is not empty.
func (x *xlsxReader) Next() (row *Row, err error) {
	for !x.done {
		cells, ok, err := x.safeCells()
		if err != nil {
			x.done = true
			return nil, fileError(x.name, x.number, 0, fail(ClassFormat, "the sheet is broken").because(err))
		}
		if !ok {
			x.done = true
			x.at.Store(x.total)
			break
		}
		if len(cells) > 0 {
			return x.fill(cells), nil
		}
	}
	return nil, io.EOF
}

func (x *xlsxReader) safeCells() (cells []string, ok bool, err error) {
	defer rescue(&err)
	return x.cells()
}

// errorValues are what a formula leaves when it fails.
var errorValues = map[string]bool{
	"#N/A": true, "#DIV/0!": true, "#VALUE!": true, "#REF!": true, "#NAME?": true, "#NUM!": true, "#NULL!": true, "#SPILL!": true, "#CALC!": true,
}

func (x *xlsxReader) fill(cells []string) *Row {
	x.row = Row{Number: x.number, Values: x.row.Values[:0]}
	var f *fault
	if len(cells) > len(x.header) {
		f = fail(ClassColumns, "the row has %d columns, the header %d", len(cells), len(x.header))
	}
	var bytes int64
	for i, cell := range cells {
		if bytes += int64(len(cell)); f == nil && bytes > x.limits.RowBytes {
			f = fail(ClassSize, "the row is longer than %d bytes", x.limits.RowBytes)
		}
		if f == nil && errorValues[cell] {
			f = fail(ClassFormat, "the cell holds the error of a formula").in(x.header[i])
		}
	}
	if f != nil {
		x.row.Err = f.row()
		return &x.row
	}
	x.row.Values = append(x.row.Values, cells...)
	for len(x.row.Values) < len(x.header) {
		x.row.Values = append(x.row.Values, "")
	}
	return &x.row
}
