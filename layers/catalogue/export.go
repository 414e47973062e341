package catalogue

import (
	"encoding/csv"
	"fmt"
	"io"

	"github.com/xuri/excelize/v2"
)

// WriteCSV writes rows in UTF-8 with a byte order mark, by which spreadsheets know it.
func WriteCSV(w io.Writer, rows [][]string) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return fmt.Errorf("write items: %w", err)
	}
	out := csv.NewWriter(w)
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write items: %w", err)
	}
	return nil
}

// WriteXLSX writes rows as the only sheet of a workbook, all cells text, the first row fixed.
func WriteXLSX(w io.Writer, rows [][]string) (err error) {
	book := excelize.NewFile()
	defer book.Close() //nolint:errcheck // it is in memory
	const sheet = "items"
	if err = book.SetSheetName(book.GetSheetName(0), sheet); err != nil {
		return fmt.Errorf("write items: %w", err)
	}
	stream, err := book.NewStreamWriter(sheet)
	if err != nil {
		return fmt.Errorf("write items: %w", err)
	}
	if err = stream.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return fmt.Errorf("write items: %w", err)
	}
	for i, row := range rows {
		cells := make([]any, len(row))
		for j, v := range row {
			cells[j] = v
		}
		if err = stream.SetRow(fmt.Sprintf("A%d", i+1), cells); err != nil {
			return fmt.Errorf("write items: %w", err)
		}
	}
	if err = stream.Flush(); err != nil {
		return fmt.Errorf("write items: %w", err)
	}
	if _, err = book.WriteTo(w); err != nil {
		return fmt.Errorf("write items: %w", err)
	}
	return nil
}
