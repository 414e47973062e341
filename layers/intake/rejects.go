package intake

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// rejects writes FILE.rejected.csv: row, column, class, reason; never a value. The file appears when the import of
// its file has ended and only when a row was set aside; an older one is removed.
type rejects struct {
	path string
	out  *os.File
	buf  *bufio.Writer
	csv  *csv.Writer
	n    int64
}

func newRejects(path string) (*rejects, error) {
	out, err := os.Create(path + ".part")
	if err != nil {
		return nil, fmt.Errorf("the report of rejected rows cannot be written: %w", err)
	}
	w := &rejects{path: path, out: out, buf: bufio.NewWriterSize(out, 1<<16)}
	w.csv = csv.NewWriter(w.buf)
	return w, w.csv.Write([]string{"row", "column", "class", "reason"})
}

func (w *rejects) write(p *prepared) error {
	w.n++
	if err := w.csv.Write([]string{strconv.FormatInt(p.number, 10), p.fault.column, p.fault.class, p.fault.reason}); err != nil {
		return fmt.Errorf("write the report of rejected rows: %w", err)
	}
	return nil
}

func (w *rejects) close(s *FileSummary) error {
	w.csv.Flush()
	err := errors.Join(w.csv.Error(), w.buf.Flush(), w.out.Close())
	if err == nil && w.n > 0 {
		s.Report = w.path
		err = os.Rename(w.path+".part", w.path)
	} else {
		err = errors.Join(err, os.Remove(w.path+".part"))
		if gone := os.Remove(w.path); gone != nil && !errors.Is(gone, os.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	if err != nil {
		return fmt.Errorf("write the report of rejected rows: %w", err)
	}
	return nil
}

// putRejects writes the chunk's rows that were set aside into the table.
func putRejects(ctx context.Context, tx pgx.Tx, runID int64, chunk []prepared) error {
	var rows [][]any
	for i := range chunk {
		if f := chunk[i].fault; f != nil {
			rows = append(rows, []any{runID, chunk[i].number, f.column, f.class, f.reason})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"rejected_row"}, []string{"run_id", "row", "column", "class", "reason"}, pgx.CopyFromRows(rows))
	if err != nil {
		return fmt.Errorf("write rejected rows: %w", err)
	}
	return nil
}
