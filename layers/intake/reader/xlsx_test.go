package reader

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// workbook builds a file out of rows of cells, beginning at A1.
func workbook(t testing.TB, build func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	build(f)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type cells = []interface{}

func setRows(t testing.TB, f *excelize.File, sheet string, from int, rows ...cells) {
	t.Helper()
	for i, r := range rows {
		at, _ := excelize.CoordinatesToCellName(1, from+i)
		if err := f.SetSheetRow(sheet, at, &r); err != nil {
			t.Fatal(err)
		}
	}
}

// style gives the cell a number format, built in or as a code.
func style(t testing.TB, f *excelize.File, cell string, builtIn int, code string) {
	t.Helper()
	s := &excelize.Style{NumFmt: builtIn}
	if code != "" {
		s.CustomNumFmt = &code
	}
	id, err := f.NewStyle(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetCellStyle("Sheet1", cell, cell, id); err != nil {
		t.Fatal(err)
	}
}

func TestXLSXGood(t *testing.T) {
	plain := func(rows ...cells) []byte {
		return workbook(t, func(f *excelize.File) { setRows(t, f, "Sheet1", 1, rows...) })
	}
	two := workbook(t, func(f *excelize.File) {
		setRows(t, f, "Sheet1", 1, cells{"a"}, cells{"1"})
		f.NewSheet("人口")
		setRows(t, f, "人口", 1, cells{"b"}, cells{"2"})
	})
	runCases(t, []fileCase{
		{name: "text and numbers", file: "a.xlsx", in: string(plain(cells{"名称", "n"}, cells{"莞城", 12.5}, cells{"东城", 13800138000}, cells{"x", 0.1}, cells{"", true})),
			header: []string{"名称", "n"}, rows: []string{"2|莞城|12.5", "3|东城|13800138000", "4|x|0.1", "5||TRUE"}},
		{name: "empty rows and cells", file: "a.xlsx", in: string(plain(cells{}, cells{"a", "b"}, cells{}, cells{nil, "2"}, cells{"1"})), rows: []string{"4||2", "5|1|"}},
		{name: "first sheet", file: "a.xlsx", in: string(two), rows: []string{"2|1"}},
		{name: "named sheet", file: "a.xlsx", in: string(two), o: Options{Object: "人口"}, header: []string{"b"}, rows: []string{"2|2"}},
		{name: "declared header row", file: "a.xlsx", in: string(plain(cells{"report of 2024"}, cells{"a", "b"}, cells{1, 2})), o: Options{HeaderRow: 2}, header: []string{"a", "b"}, rows: []string{"3|1|2"}},
	})
}

func TestXLSXDates(t *testing.T) {
	day := time.Date(2024, 2, 29, 13, 4, 5, 0, time.UTC)
	serial := 45351.0 + (13*3600+4*60+5)/86400.0
	for name, c := range map[string]struct {
		value   interface{}
		builtIn int
		code    string
		want    string
	}{
		"built-in date":       {serial, 14, "", "2024-02-29"},
		"built-in date, time": {serial, 22, "", "2024-02-29T13:04:05"},
		"built-in time":       {serial - 45351, 21, "", "13:04:05"},
		"a time of Go":        {day, 22, "", "2024-02-29T13:04:05"},
		"Chinese date":        {serial, 0, `yyyy"年"m"月"d"日";@`, "2024-02-29"},
		"Chinese date, time":  {serial, 0, `[$-804]yyyy/m/d h:mm`, "2024-02-29T13:04:05"},
		"American date":       {serial, 0, `m/d/yy`, "2024-02-29"},
		"month":               {serial, 0, `mmm`, "2024-02-29"},
		"clock":               {0.5, 0, `h:mm AM/PM`, "12:00:00"},
		"elapsed":             {1.5, 0, `[h]:mm`, "36:00:00"},
		"thousands":           {1234567.891, 4, "", "1234567.891"},
		"per cent":            {0.125, 10, "", "0.125"},
		"currency with a d":   {5.5, 0, `"dollar "#,##0`, "5.5"},
		"scientific":          {1234.5, 11, "", "1234.5"},
		"text":                {"20240229", 14, "", "20240229"},
	} {
		t.Run(name, func(t *testing.T) {
			b := workbook(t, func(f *excelize.File) {
				setRows(t, f, "Sheet1", 1, cells{"a"}, cells{c.value})
				style(t, f, "A2", c.builtIn, c.code)
			})
			_, got := readFile(t, "a.xlsx", b, Options{})
			if len(got.rows) != 1 || got.rows[0] != "2|"+c.want {
				t.Errorf("%q, want %q", got.rows, c.want)
			}
		})
	}
}

// rezip changes one part of a workbook.
func rezip(t testing.TB, b []byte, part string, change func(string) string) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	f := files{}
	for _, m := range z.File {
		r, err := m.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if f[m.Name] = content; m.Name == part {
			changed := change(string(content))
			if changed == string(content) {
				t.Fatalf("%s was not changed", part)
			}
			f[m.Name] = []byte(changed)
		}
	}
	return zipped(f)
}

func TestXLSXBad(t *testing.T) {
	good := workbook(t, func(f *excelize.File) {
		setRows(t, f, "Sheet1", 1, cells{"a", "b"}, cells{"1", secret}, cells{"2", "x"})
	})
	sheet := "xl/worksheets/sheet1.xml"
	plain := func(rows ...cells) string {
		return string(workbook(t, func(f *excelize.File) { setRows(t, f, "Sheet1", 1, rows...) }))
	}
	runCases(t, []fileCase{
		{name: "more cells than columns", file: "a.xlsx", in: plain(cells{"a"}, cells{1, secret}, cells{2}), rows: []string{"2!columns", "3|2"}},
		{name: "a formula's error", file: "a.xlsx", in: plain(cells{"a", "b"}, cells{secret, "#DIV/0!"}, cells{2, 3}), rows: []string{"2!format b", "3|2|3"}},
		{name: "header with a gap", file: "a.xlsx", in: plain(cells{"a", nil, "b"}), rows: []string{"FILE 0 columns"}},
		{name: "header twice", file: "a.xlsx", in: plain(cells{"a", "a"}), rows: []string{"FILE 0 columns"}},
		{name: "no rows", file: "a.xlsx", in: plain(), rows: []string{"FILE 0 empty"}},
		{name: "declared header is empty", file: "a.xlsx", in: plain(cells{"a"}, cells{}, cells{"b"}), o: Options{HeaderRow: 2}, rows: []string{"FILE 0 columns"}},
		{name: "no such sheet", file: "a.xlsx", in: string(good), o: Options{Object: "x"}, rows: []string{"FILE 0 option"}},
		{name: "cut archive", file: "a.xlsx", in: string(good[:len(good)-30]), rows: []string{"FILE 0 archive"}},
		{name: "text", file: "a.xlsx", in: "a,b\n1,2\n", rows: []string{"FILE 0 archive"}},
		{name: "old .xls", file: "a.xlsx", in: "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("x", 600), rows: []string{"FILE 0 format"}},
		{name: "sheet breaks off", file: "a.xlsx", in: string(rezip(t, good, sheet, func(s string) string { return s[:len(s)*2/3] })), rows: []string{"FILE 0 format"}},
		{name: "text that is not there", file: "a.xlsx", in: string(rezip(t, good, sheet, func(s string) string { return strings.Replace(s, "<v>0</v>", "<v>99</v>", 1) })), rows: []string{"FILE 0 format"}},
		{name: "text by no number", file: "a.xlsx", in: string(rezip(t, good, sheet, func(s string) string { return strings.Replace(s, "<v>0</v>", "<v>x</v>", 1) })), rows: []string{"FILE 0 format"}},
		{name: "long row", file: "a.xlsx", in: plain(cells{"a", "b", "c"}, cells{strings.Repeat("x", 30_000), strings.Repeat("y", 30_000), strings.Repeat("z", 30_000)}, cells{1}), o: Options{Limits: Limits{RowBytes: 60_000}}, rows: []string{"2!size", "3|1||"}},
		{name: "larger than may be", file: "a.xlsx", in: string(good), o: Options{Limits: Limits{FileBytes: 1000}}, rows: []string{"FILE 0 size"}},
	})
}

func FuzzXLSX(f *testing.F) {
	good := workbook(f, func(b *excelize.File) { setRows(f, b, "Sheet1", 1, cells{"a", "b"}, cells{"1", 2.5}) })
	z, err := zip.NewReader(bytes.NewReader(good), int64(len(good)))
	if err != nil {
		f.Fatal(err)
	}
	parts := files{}
	for _, m := range z.File {
		r, _ := m.Open()
		parts[m.Name], _ = io.ReadAll(r)
	}
	f.Add(parts["xl/worksheets/sheet1.xml"], parts["xl/sharedStrings.xml"], parts["xl/styles.xml"])
	f.Fuzz(func(t *testing.T, sheet, texts, styles []byte) {
		parts["xl/worksheets/sheet1.xml"], parts["xl/sharedStrings.xml"], parts["xl/styles.xml"] = sheet, texts, styles
		path := filepath.Join(t.TempDir(), "a.xlsx")
		if err := os.WriteFile(path, zipped(parts), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path, Options{Limits: Limits{FileBytes: 1 << 20}})
		if err != nil {
			describe(t, err)
			return
		}
		drain(t, r)
		r.Close()
	})
}
