package reader

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/paulmach/orb/encoding/wkt"
)

// secret is put into bad inputs where a value stands: no error may repeat it.
const secret = "5eCr3t"

// read is all of a file as text: a line a row ("number|value|…|geometry|repairs" or "number!class"), and the error's
// class at the end ("FILE row class") if there is one.
type read struct {
	header []string
	rows   []string
}

// memory is a file's bytes.
type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

func inMemory(name string, b []byte) *source {
	return &source{name: name, size: int64(len(b)), blob: memory{bytes.NewReader(b)}}
}

// drain reads to the end and checks what holds for every reader.
func drain(t testing.TB, r Reader) read {
	t.Helper()
	got := read{header: r.Header()}
	last := int64(0)
	for {
		row, err := r.Next()
		if at, total := r.Progress(); at < 0 || at > total {
			t.Fatalf("progress %d of %d", at, total)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			got.rows = append(got.rows, describe(t, err))
			break
		}
		if row.Number <= last {
			t.Fatalf("row %d after row %d", row.Number, last)
		}
		last = row.Number
		got.rows = append(got.rows, describeRow(t, r, row))
	}
	if _, err := r.Next(); err == nil {
		t.Fatal("a row after the end")
	}
	return got
}

func describe(t testing.TB, err error) string {
	t.Helper()
	var f *FileError
	if !errors.As(err, &f) {
		t.Fatalf("%v is no FileError", err)
	}
	if f.Reason == "" || strings.Contains(err.Error(), secret) || filepath.Base(f.File) != f.File {
		t.Fatalf("error %q", err)
	}
	return fmt.Sprintf("FILE %d %s", f.Row, f.Class)
}

func describeRow(t testing.TB, r Reader, row *Row) string {
	t.Helper()
	if row.Err != nil {
		if row.Err.Reason == "" || strings.Contains(row.Err.Error(), secret) {
			t.Fatalf("error %q", row.Err)
		}
		if len(row.Values) != 0 || row.Geometry != nil {
			t.Fatal("a bad row has values")
		}
		return strings.TrimSuffix(fmt.Sprintf("%d!%s %s", row.Number, row.Err.Class, row.Err.Column), " ")
	}
	if len(row.Values) != len(r.Header()) {
		t.Fatalf("%d values for %d columns", len(row.Values), len(r.Header()))
	}
	out := append([]string{fmt.Sprint(row.Number)}, row.Values...)
	if row.Geometry != nil {
		out = append(out, wkt.MarshalString(row.Geometry))
	}
	return strings.Join(append(out, row.Repairs...), "|")
}

// readFile writes the bytes to a file of that name and reads it.
func readFile(t *testing.T, name string, b []byte, o Options) (Reader, read) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path, o)
	if err != nil {
		return nil, read{rows: []string{describe(t, err)}}
	}
	got := drain(t, r)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return r, got
}

func gz(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

// fileCase is one named input; header is not looked at when nil.
type fileCase struct {
	name   string
	file   string
	in     string
	o      Options
	header []string
	rows   []string
}

func runCases(t *testing.T, cases []fileCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, got := readFile(t, c.file, []byte(c.in), c.o)
			if c.header != nil && !cmp.Equal(c.header, got.header) {
				t.Error(cmp.Diff(c.header, got.header))
			}
			if !cmp.Equal(c.rows, got.rows) {
				t.Error(cmp.Diff(c.rows, got.rows))
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none.csv"), Options{}); err == nil || err.Error() != "none.csv: there is no such file" {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Open(dir, Options{Format: "csv"}); err == nil {
		t.Error("a folder was opened")
	}
	runCases(t, []fileCase{
		{name: "unknown extension", file: "a.doc", in: "a,b\n", rows: []string{"FILE 0 format"}},
		{name: "declared format", file: "a.doc", in: "a,b\n1,2\n", o: Options{Format: "csv"}, rows: []string{"2|1|2"}},
		{name: "nothing", file: "a.csv", in: "", rows: []string{"FILE 0 empty"}},
		{name: "unknown encoding", file: "a.csv", in: "a\n", o: Options{Encoding: "klingon"}, rows: []string{"FILE 0 option"}},
	})
}

// TestStringsStayValid keeps the values of a row while others are read.
func TestStringsStayValid(t *testing.T) {
	for format, in := range map[string]string{
		"csv":      "a\nfirst\n\"sec\"\"ond\"\nthird\n",
		"geojsonl": feature("null", `{"a":"first"}`) + "\n" + feature("null", `{"a":"sec\"ond"}`) + "\n" + feature("null", `{"a":"third"}`),
	} {
		r, err := open(inMemory("a", []byte(in)), Options{Format: format})
		if err != nil {
			t.Fatal(err)
		}
		var kept []string
		for row, err := r.Next(); err == nil; row, err = r.Next() {
			kept = append(kept, row.Values...)
		}
		if want := []string{"first", `sec"ond`, "third"}; !cmp.Equal(kept, want) {
			t.Errorf("%s: %q", format, kept)
		}
	}
}
