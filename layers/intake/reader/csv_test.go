package reader

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/encoding/simplifiedchinese"
	"pgregory.net/rapid"
)

func utf16le(s string, bom bool) string {
	var b []byte
	if bom {
		b = []byte{0xff, 0xfe}
	}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

func gb18030(s string) string {
	out, err := simplifiedchinese.GB18030.NewEncoder().String(s)
	if err != nil {
		panic(err)
	}
	return out
}

func TestCSVGood(t *testing.T) {
	town := "名称,人口\n莞城,12\n东城,34\n"
	rows := []string{"2|莞城|12", "3|东城|34"}
	header := []string{"名称", "人口"}
	runCases(t, []fileCase{
		{name: "plain", file: "a.csv", in: town, header: header, rows: rows},
		{name: "byte order mark", file: "a.csv", in: "\ufeff" + town, header: header, rows: rows},
		{name: "gzip", file: "a.csv.gz", in: string(gz([]byte(town))), header: header, rows: rows},
		{name: "gzip without its extension", file: "a.csv", in: string(gz([]byte(town))), header: header, rows: rows},
		{name: "GB 18030", file: "a.csv", in: gb18030(town), o: Options{Encoding: "GB18030"}, header: header, rows: rows},
		{name: "GBK", file: "a.csv", in: gb18030(town), o: Options{Encoding: "gbk"}, header: header, rows: rows},
		{name: "UTF-16 with mark", file: "a.csv", in: utf16le(town, true), header: header, rows: rows},
		{name: "UTF-16 declared", file: "a.csv", in: utf16le(town, false), o: Options{Encoding: "utf-16le"}, header: header, rows: rows},
		{name: "CRLF", file: "a.csv", in: "a,b\r\n1,2\r\n\"3\",4\r\n", rows: []string{"2|1|2", "3|3|4"}},
		{name: "no end of line at the end", file: "a.csv", in: "a,b\n1,2", rows: []string{"2|1|2"}},
		{name: "empty lines", file: "a.csv", in: "\n\na,b\n\n1,2\n\r\n\n", rows: []string{"5|1|2"}},
		{name: "empty fields", file: "a.csv", in: "a,b\n,\n\"\",\n", rows: []string{"2||", "3||"}},
		{name: "quotes", file: "a.csv", in: "a,b\n\"x, \"\"y\"\"\",\"1\n2\r\n3\"\nz,w\n", rows: []string{"2|x, \"y\"|1\n2\r\n3", "5|z|w"}},
		{name: "tab by extension", file: "a.tsv", in: "a\tb\n1,5\t2\n", rows: []string{"2|1,5|2"}},
		{name: "semicolon", file: "a.csv", in: "a;b\n1,5;\"2;3\"\n", o: Options{Delimiter: ';'}, rows: []string{"2|1,5|2;3"}},
		{name: "wide delimiter", file: "a.csv", in: "a，b\n1,5，2\n\"，\"，4\n", o: Options{Delimiter: '，'}, rows: []string{"2|1,5|2", "3|，|4"}},
		{name: "header alone", file: "a.csv", in: "a,b\n", header: []string{"a", "b"}},
		{name: "U+FFFD is a character", file: "a.csv", in: "a\n\uFFFD\n", rows: []string{"2|\uFFFD"}},
	})
}

func TestCSVBad(t *testing.T) {
	small := Options{Limits: Limits{RowBytes: 300 << 10, Columns: 3}}
	runCases(t, []fileCase{
		{name: "too few and too many columns", file: "a.csv", in: "a,b\n" + secret + "\n1,2,3\n4,5\n", rows: []string{"2!columns", "3!columns", "4|4|5"}},
		{name: "quote within a field", file: "a.csv", in: "a,b\nx" + secret + "\"y,1\n4,5\n", rows: []string{"2!quote", "3|4|5"}},
		{name: "text after a quote", file: "a.csv", in: "a,b\n\"" + secret + "\"y,1\n4,5\n", rows: []string{"2!quote", "3|4|5"}},
		{name: "text after a quote over lines", file: "a.csv", in: "a,b\n\"x\n\"y,1\n4,5\n", rows: []string{"2!quote", "4|4|5"}},
		{name: "quote never closed", file: "a.csv", in: "a,b\n1,2\n\"" + secret + ",1\n4,5\n", rows: []string{"2|1|2", "FILE 3 truncated"}},
		{name: "quote never closed in a long file", file: "a.csv", in: "a,b\n\"" + secret + ",1\n" + strings.Repeat("4,5\n", 1<<17), o: Options{Limits: Limits{RowBytes: 1 << 10}},
			rows: append([]string{"2!size"}, numbered(3, 1<<17, "|4|5")...)},
		{name: "long line", file: "a.csv", in: "a\n1\n" + strings.Repeat("x", 2<<20) + "\n2\n", o: small, rows: []string{"2|1", "3!size", "4|2"}},
		{name: "NUL", file: "a.csv", in: "a,b\n" + secret + "\x00,1\n4,5\n", rows: []string{"2!encoding", "3|4|5"}},
		{name: "NUL within quotes", file: "a.csv", in: "a,b\n\"" + secret + "\x00\",1\n4,5\n", rows: []string{"2!encoding", "3|4|5"}},
		{name: "lone CR", file: "a.csv", in: "a,b\n1,2\r3,4\n4,5\n", rows: []string{"2!quote", "3|4|5"}},
		{name: "one bad byte", file: "a.csv", in: "a,b\n1," + secret + "\xff,\n1," + secret + "\xff\n4,5\n", rows: []string{"2!encoding b", "3!encoding b", "4|4|5"}},
		{name: "GB 18030 not declared", file: "a.csv", in: "id,name\n1," + gb18030("莞城街道") + "\n", rows: []string{"FILE 0 encoding"}},
		{name: "a cut character that could be GB 18030", file: "a.csv", in: "名,b\n东城,2\n\xe8\x8e,1\n", rows: []string{"2|东城|2", "3!encoding 名"}},
		{name: "GB 18030 declared as UTF-8", file: "a.csv", in: "id,name\n1," + gb18030("莞城街道") + "\n", o: Options{Encoding: "utf-8"}, rows: []string{"2!encoding name"}},
		{name: "not GB 18030", file: "a.csv", in: "a,b\n1," + secret + "\xff\n4,5\n", o: Options{Encoding: "gb18030"}, rows: []string{"2!encoding b", "3|4|5"}},
		{name: "lone surrogate", file: "a.csv", in: utf16le("a\nx", true) + "\x00\xd8" + utf16le("\ny\n", false), rows: []string{"2!encoding a", "3|y"}},
		{name: "UTF-16 without mark", file: "a.csv", in: utf16le("name,count\n1,2\n", false), rows: []string{"FILE 0 encoding"}},
		{name: "UTF-16 of no order", file: "a.csv", in: utf16le("a,b\n", false), o: Options{Encoding: "utf-16"}, rows: []string{"FILE 0 encoding"}},
		{name: "same name twice", file: "a.csv", in: "a,b,a\n1,2,3\n", rows: []string{"FILE 0 columns"}},
		{name: "column without a name", file: "a.csv", in: "a, \n1,2\n", rows: []string{"FILE 0 columns"}},
		{name: "column at the end without a name", file: "a.csv", in: "a,\n1,2\n", rows: []string{"FILE 0 columns"}},
		{name: "bad header", file: "a.csv", in: "a,b\"\n1,2\n", rows: []string{"FILE 0 quote"}},
		{name: "too many columns", file: "a.csv", in: "a,b,c,d\n", o: small, rows: []string{"FILE 0 size"}},
		{name: "only empty lines", file: "a.csv", in: "\n\n", rows: []string{"FILE 0 empty"}},
		{name: "quote as delimiter", file: "a.csv", in: "a\n", o: Options{Delimiter: '"'}, rows: []string{"FILE 0 option"}},
		{name: "gzip cut", file: "a.csv.gz", in: cut(gz([]byte("a,b\n1,2\n3,4\n")), 12), rows: []string{"2|1|2", "3|3|4", "FILE 4 truncated"}},
		{name: "gzip damaged", file: "a.csv.gz", in: cut(gz([]byte("a,b\n1,2\n")), 8) + "xxxxxxxx", rows: []string{"2|1|2", "FILE 3 archive"}},
		{name: "gzip header alone", file: "a.csv.gz", in: "\x1f\x8b", rows: []string{"FILE 0 truncated"}},
	})
}

func cut(b []byte, n int) string { return string(b[:len(b)-n]) }

func numbered(from, n int, rest string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(from+i) + rest
	}
	return out
}

// TestCSVHints shows the sentences that name the way out.
func TestCSVHints(t *testing.T) {
	for in, want := range map[string]string{
		"id,name\n1," + gb18030("莞城街道") + "\n": "declare the encoding gb18030",
		utf16le("name,count\n1,2\n", false):    "declare the encoding utf-16le",
	} {
		_, err := open(inMemory("a.csv", []byte(in)), Options{Format: "csv"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func field() *rapid.Generator[string] {
	return rapid.StringMatching(`[a-c0-9 ,;\t|"\n漢é]{0,6}`)
}

// TestCSVRoundTrip writes any text with any delimiter, quoting and line end and reads the same.
func TestCSVRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		delim := rapid.SampledFrom([]rune{',', ';', '\t', '|', '，', '^'}).Draw(t, "delimiter")
		eol := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "end of line")
		columns := rapid.IntRange(1, 5).Draw(t, "columns")
		rows := rapid.SliceOfN(rapid.SliceOfN(field(), columns, columns), 0, 8).Draw(t, "rows")
		always := rapid.Bool().Draw(t, "quote always")
		var b strings.Builder
		for i := range columns {
			if i > 0 {
				b.WriteRune(delim)
			}
			fmt.Fprintf(&b, "c%d", i)
		}
		b.WriteString(eol)
		for _, row := range rows {
			for i, v := range row {
				if i > 0 {
					b.WriteRune(delim)
				}
				if always || strings.ContainsRune(v, delim) || strings.ContainsAny(v, "\"\r\n") || (columns == 1 && v == "") {
					v = `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
				}
				b.WriteString(v)
			}
			b.WriteString(eol)
		}
		r, err := open(inMemory("a.csv", []byte(b.String())), Options{Format: "csv", Delimiter: delim})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range rows {
			row, err := r.Next()
			if err != nil || row.Err != nil || !slices.Equal(row.Values, want) {
				t.Fatalf("%v %v %q, want %q", err, row.Err, row.Values, want)
			}
		}
		if _, err := r.Next(); err != io.EOF {
			t.Fatal(err)
		}
	})
}

// TestCSVAcrossBuffers has records lie over every border of the buffer.
func TestCSVAcrossBuffers(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("n,text\n")
	const rows = 3000
	for i := range rows {
		fmt.Fprintf(&b, "%d,\"%s\n\"\"\"\n", i, strings.Repeat("é", i%700))
	}
	r, err := open(inMemory("a.csv", b.Bytes()), Options{Format: "csv"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		row, err := r.Next()
		if err != nil || row.Err != nil {
			t.Fatal(i, err, row.Err)
		}
		if row.Number != int64(2+2*i) || row.Values[0] != fmt.Sprint(i) || row.Values[1] != strings.Repeat("é", i%700)+"\n\"" {
			t.Fatalf("row %d: %q", row.Number, row.Values)
		}
	}
}

// FuzzCSV compares with encoding/csv wherever that accepts and is no laxer than this package.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "a\n\"x\"\"\ny\"\n", "a,b\r\n\r\n1,\"2\"\r\n", "a,b\n\"x\"y,1\n", "\ufeffa\n1", "a\n\"", "a,b\n1,\r2\n", "\x1f\x8b\x08", "a\x00b\x00", "a\n\xff\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := open(inMemory("a.csv", b), Options{Format: "csv", Limits: Limits{RowBytes: 1 << 12, FileBytes: 1 << 20}})
		if err != nil {
			describe(t, err)
			return
		}
		got := drain(t, r)
		if bytes.ContainsAny(b, "\r") || bytes.HasPrefix(b, []byte{0x1f, 0x8b}) || r.(*csvReader).checked {
			return
		}
		std := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff"))))
		std.Read()
		for _, line := range got.rows {
			want, err := std.Read()
			if strings.Contains(line, "!") || strings.HasPrefix(line, "FILE") {
				return
			}
			at, _ := std.FieldPos(0)
			if text := strings.Join(append([]string{fmt.Sprint(at)}, want...), "|"); err != nil || text != line {
				t.Fatalf("%q, encoding/csv has %q (%v)", line, text, err)
			}
		}
		if _, err := std.Read(); err != io.EOF {
			t.Fatalf("encoding/csv goes on: %v", err)
		}
	})
}

// benchCSV has ten short columns, as a register of people has.
func benchCSV(rows int) []byte {
	var b bytes.Buffer
	b.WriteString("id,name,sex,birth,town,village,grid,lon,lat,flag\n")
	for i := range rows {
		fmt.Fprintf(&b, "%d,陈%d,F,1980-01-%02d,441900%03d,%d,%d,113.%06d,22.%06d,1\n", i, i%9999, i%28+1, i%33, i%609, i%3000, i%1000000, i*7%1000000)
	}
	return b.Bytes()
}

func BenchmarkCSV(b *testing.B) {
	const rows = 100_000
	data := benchCSV(rows)
	report := func(b *testing.B) {
		b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	}
	b.Run("reader", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			r, err := open(inMemory("a.csv", data), Options{Format: "csv"})
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for row, err := r.Next(); err == nil; row, err = r.Next() {
				n += b2i(row.Err == nil)
			}
			if n != rows {
				b.Fatal(n)
			}
		}
		report(b)
	})
	b.Run("stdlib", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			r := csv.NewReader(bytes.NewReader(data))
			r.ReuseRecord = true
			n := 0
			for _, err := r.Read(); err == nil; _, err = r.Read() {
				n++
			}
			if n != rows+1 {
				b.Fatal(n)
			}
		}
		report(b)
	})
}
