package intake

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"onepicture/layers/intake/reader"
)

// mostCodes bounds a code table in a file.
const mostCodes = 1_000_000

// readTables reads the code tables that lie in files of their own.
func (m *Mapping) readTables() error {
	m.tables = map[string]coding{}
	for _, fields := range []map[string]Field{m.Fields, m.Attributes} {
		for name, f := range fields {
			if f.TableFile == nil {
				continue
			}
			t, err := readTable(m.dir, *f.TableFile)
			if err != nil {
				return fmt.Errorf("%s: code table %s: %w", name, f.TableFile.File, err)
			}
			m.tables[name] = t
		}
	}
	return nil
}

func readTable(dir string, t TableFile) (_ coding, err error) {
	path := t.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	r, err := reader.Open(path, reader.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	from, to := -1, -1
	for i, h := range r.Header() {
		switch h {
		case t.From:
			from = i
		case t.To:
			to = i
		}
	}
	if from < 0 || to < 0 {
		return nil, fmt.Errorf("it has no columns %q and %q; it has %s", t.From, t.To, quoted(r.Header()))
	}
	out := coding{}
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if row.Err != nil {
			return nil, fmt.Errorf("row %d: %s", row.Number, row.Err.Reason)
		}
		if old, ok := out[row.Values[from]]; ok && old != row.Values[to] {
			return nil, fmt.Errorf("row %d: the same code stands for two values", row.Number)
		}
		out[row.Values[from]] = row.Values[to]
		if len(out) > mostCodes {
			return nil, fmt.Errorf("more than %d codes", mostCodes)
		}
	}
}
