package catalogue

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/xuri/excelize/v2"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql/sqltest"
)

// kept is a database with the sample's departments and categories, and no items.
func kept(t testing.TB) (*pgxpool.Pool, *Keeper) {
	t.Helper()
	pool := sqltest.DB(t)
	c, err := Sample()
	if err != nil {
		t.Fatal(err)
	}
	c.Items = nil
	if _, err := ledger.New(pool).Write(t.Context(), ledger.Act{Actor: "test", Reason: "test"}, func(tx *ledger.Tx) error {
		return Put(t.Context(), tx, c)
	}); err != nil {
		t.Fatal(err)
	}
	serving := sqltest.Requests(t, pool)
	return pool, NewKeeper(serving, ledger.New(serving))
}

var steward = layers.Internal("steward")

func (k *Keeper) take(t *testing.T, in Import) Outcome {
	t.Helper()
	in.File = "f"
	o, err := k.Import(t.Context(), steward, in)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func csvOf(t testing.TB, rows [][]string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteCSV(&b, rows); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func xlsxOf(t testing.TB, rows [][]string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteXLSX(&b, rows); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func header() (h []string) {
	for _, c := range itemTitles {
		h = append(h, c[0])
	}
	return h
}

// synthetic is a catalogue of n invented items, all columns filled in some rows.
func synthetic(n int) [][]string {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	rows := [][]string{header()}
	for i := range n {
		rows = append(rows, []string{
			fmt.Sprintf("T-%04d", i), pick("safety", "fire", "city", "flood", "care", "dispute"), fmt.Sprintf("%s%s%d", pick("道路", "井盖", "消防通道", "树木"), pick("破损", "堵塞", "缺失"), i),
			pick("", fmt.Sprintf("Item %d", i)), pick("", "设施", "秩序"), pick("", "道路及附属设施"), pick("", "water", "fire_rescue"),
			pick("", "红线内由业主负责，\n红线外由本单位负责。"), fmt.Sprint(1 + r.IntN(4)), fmt.Sprint(1 + r.IntN(100)), pick("", "2/8/24/72"),
			pick("0", "1"), pick("", "核实；处置；反馈"), pick("", "feedback.place report.address"), fmt.Sprint(r.IntN(4)), pick("city", "town", "village"), pick("", "50", "5000"),
			pick("", "12", "8760"), pick("", "1", "366"), pick("", "2039-12-31"),
		})
	}
	return rows
}

func (k *Keeper) rows(t *testing.T, words bool) [][]string {
	t.Helper()
	rows, err := k.Rows(t.Context(), steward, words)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func count(t *testing.T, pool *pgxpool.Pool, query string) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCatalogueOf1301ItemsGoesInAtOnceAndRoundChangesNothing(t *testing.T) {
	pool, k := kept(t)
	rows := synthetic(1301)
	began := time.Now()
	if o := k.take(t, Import{Body: xlsxOf(t, rows)}); o.Added != 1301 || o.Receipt.Position == 0 || len(o.Faults) > 0 {
		t.Fatalf("%+v", o)
	}
	t.Logf("1,301 items in %v", time.Since(began))
	if got := k.rows(t, false); !slices.EqualFunc(got, rows, slices.Equal) {
		t.Error("what goes out is not what came in")
	}
	for name, body := range map[string][]byte{
		"CSV": csvOf(t, k.rows(t, false)), "CSV in Chinese": csvOf(t, k.rows(t, true)), "XLSX": xlsxOf(t, k.rows(t, false)), "XLSX in Chinese": xlsxOf(t, k.rows(t, true)),
	} {
		if o := k.take(t, Import{Body: body}); o.Same != 1301 || o.Added+o.Changed+o.Ended != 0 || o.Receipt.Position != 0 {
			t.Errorf("%s: %+v", name, o)
		}
	}
	if n := count(t, pool, `select count(*) from item`); n != 1301 {
		t.Errorf("%d rows", n)
	}
	if n := count(t, pool, `select count(*) from change where kind = 'catalogue'`); n != 2 {
		t.Errorf("%d changes of the catalogue, want the sample's and one", n)
	}
}

func TestVersionsFollowOneAnother(t *testing.T) {
	pool, k := kept(t)
	row := func(hours int, ends string) []byte {
		return csvOf(t, [][]string{{"code", "category", "name", "level", "deadline_hours", "ends"}, {"F-1", "fire", "占用消防通道", "2", fmt.Sprint(hours), ends}})
	}
	today := func(days int) string {
		var s string
		if err := pool.QueryRow(t.Context(), `select ((now() at time zone 'Asia/Shanghai')::date + $1::int)::text`, days).Scan(&s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	day := func(days int) time.Time {
		at, err := time.Parse(time.DateOnly, today(days))
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	state := func() (s string) {
		if err := pool.QueryRow(t.Context(), `select string_agg(format('%s:%sh %s–%s', version, deadline_hours, valid_from - (now() at time zone 'Asia/Shanghai')::date,
			coalesce((valid_to - (now() at time zone 'Asia/Shanghai')::date)::text, '')), ', ' order by version) from item`).Scan(&s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, c := range []struct {
		name string
		in   Import
		want Outcome
		then string
	}{
		{"first", Import{Body: row(8, "")}, Outcome{Added: 1}, "1:8h 0–"},
		{"the same", Import{Body: row(8, "")}, Outcome{Same: 1}, "1:8h 0–"},
		{"a dry run", Import{Body: row(9, ""), Dry: true}, Outcome{Changed: 1}, "1:8h 0–"},
		{"from a later day", Import{Body: row(9, ""), From: day(7)}, Outcome{Changed: 1}, "1:8h 0–7, 2:9h 7–"},
		{"ends one day", Import{Body: row(9, today(30))}, Outcome{Ended: 1}, "1:8h 0–7, 2:9h 7–30"},
		{"does not end", Import{Body: row(9, "")}, Outcome{Ended: 1}, "1:8h 0–7, 2:9h 7–"},
		{"overtaken before it began", Import{Body: row(10, ""), From: day(3)}, Outcome{Changed: 1}, "1:8h 0–3, 2:9h 7–7, 3:10h 3–"},
		{"ends today", Import{Body: row(10, today(3))}, Outcome{Ended: 1}, "1:8h 0–3, 2:9h 7–7, 3:10h 3–3"},
		{"had ended before it comes again", Import{Body: row(10, today(1)), From: day(3)}, Outcome{Same: 1}, "1:8h 0–3, 2:9h 7–7, 3:10h 3–3"},
		{"offered again", Import{Body: row(10, ""), From: day(5)}, Outcome{Changed: 1}, "1:8h 0–3, 2:9h 7–7, 3:10h 3–3, 4:10h 5–"},
	} {
		o := k.take(t, c.in)
		if (o.Receipt.Position != 0) != (c.want.Same == 0 && !c.in.Dry) {
			t.Errorf("%s: position %v", c.name, o.Receipt.Position)
		}
		o.Receipt = ledger.Receipt{}
		if fmt.Sprint(o) != fmt.Sprint(c.want) || state() != c.then {
			t.Errorf("%s: %+v and %s, want %+v and %s", c.name, o, state(), c.want, c.then)
		}
	}
	if _, err := k.Import(t.Context(), steward, Import{Body: row(11, ""), From: day(-1)}); layers.CodeOf(err) != layers.CodeInvalid {
		t.Errorf("from yesterday: %v", err)
	}
	without := steward
	without.Rights &^= layers.RightCatalogue
	if _, err := k.Import(t.Context(), without, Import{Body: row(12, "")}); layers.CodeOf(err) != layers.CodeForbidden {
		t.Errorf("without the right: %v", err)
	}
}

func TestTwoImportsAtOnceMakeOneVersionAfterTheOther(t *testing.T) {
	pool, k := kept(t)
	bodies := make([][]byte, 8)
	for i := range bodies {
		bodies[i] = csvOf(t, [][]string{{"code", "category", "name", "level", "deadline_hours"}, {"F-1", "fire", "占道", "2", fmt.Sprint(i + 1)}})
	}
	var wg sync.WaitGroup
	for _, body := range bodies {
		wg.Go(func() {
			if _, err := k.Import(context.WithoutCancel(t.Context()), steward, Import{Body: body}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := count(t, pool, `select count(*) from item`); n != 8 {
		t.Errorf("%d versions, want 8", n)
	}
	if n := count(t, pool, `select count(*) from item where valid_to is null`); n != 1 {
		t.Errorf("%d open versions, want 1", n)
	}
}

// bad are files with what is wrong: row, column, class.
func bad(t testing.TB) map[string]struct {
	body []byte
	want []string
} {
	const head = "code,category,name,level,deadline_hours"
	line := func(more string, lines ...string) []byte {
		return []byte(head + more + "\n" + strings.Join(lines, "\n") + "\n")
	}
	long := strings.Repeat("字", 61)
	var broken bytes.Buffer
	broken.Write(xlsxOf(t, synthetic(3))[:400])
	type c = struct {
		body []byte
		want []string
	}
	return map[string]c{
		"nothing":                     {nil, []string{"0  file"}},
		"no UTF-8":                    {[]byte("code\xbb\xf0"), []string{"0  file"}},
		"half a workbook":             {broken.Bytes(), []string{"0  file"}},
		"a zip that is no book":       {[]byte("PK\x03\x04 and so on"), []string{"0  file"}},
		"an empty sheet":              {xlsxOf(t, nil), []string{"0  file"}},
		"columns are missing":         {[]byte("code,name\na,b\n"), []string{"0  header", "0  header", "0  header"}},
		"an unknown column":           {line(",religion", "a,fire,b,1,2,x"), []string{"0  header"}},
		"a column twice":              {line(",name", "a,fire,b,1,2,x"), []string{"0  header"}},
		"in both languages twice":     {line(",事项名称", "a,fire,b,1,2,x"), []string{"0  header"}},
		"too few cells":               {line("", "a,fire,b,1"), []string{"2  cells"}},
		"an open quote":               {line("", `"a,fire,b,1,2`), []string{"2  cells"}},
		"empty cells":                 {line("", ",,,,"), []string{"2 code empty", "2 category empty", "2 name empty", "2 level empty", "2 deadline_hours empty"}},
		"bad numbers":                 {line("", "a,fire,b,x,1.5", "b,fire,b,5,0", "c,fire,b,-1,999999999999"), []string{"2 level number", "2 deadline_hours number", "3 level number", "3 deadline_hours number", "4 level number", "4 level number", "4 deadline_hours number", "4 deadline_hours number"}},
		"bad codes":                   {line("", "a b,fire,b,1,2", "é,fire,b,1,2", strings.Repeat("a", 61)+",fire,b,1,2"), []string{"2 code code", "3 code code", "4 code long"}},
		"a code twice":                {line("", "a,fire,b,1,2", "a,fire,c,1,2", "a,fire,d,1,2"), []string{"3 code twice", "4 code twice"}},
		"unknown names":               {line(",department", "a,war,b,1,2,nobody"), []string{"2 category reference", "2 department reference"}},
		"too long":                    {line("", "a,fire,"+long+",1,2"), []string{"2 name long"}},
		"a formula":                   {line("", "a,fire,=HYPERLINK(1),1,2", "b,fire,@x,1,2"), []string{"2 name text", "3 name text"}},
		"a control character":         {line("", "a,fire,b\x07,1,2"), []string{"2 name text"}},
		"deadlines of three levels":   {line(",level_hours", "a,fire,b,1,2,1/2/3", "b,fire,b,1,2,1/2/0/4"), []string{"2 level_hours number", "3 level_hours number"}},
		"what cannot be required":     {line(",requires", "a,fire,b,1,2,feedback.blood report.address"), []string{"2 requires choice"}},
		"who cannot verify":           {line(",verify_level", "a,fire,b,1,2,grid"), []string{"2 verify_level choice"}},
		"no such day":                 {line(",ends", "a,fire,b,1,2,2026-02-30", "b,fire,b,1,2,soon"), []string{"2 ends date", "3 ends date"}},
		"too many photos":             {line(",photos,round_clock", "a,fire,b,1,2,13,2"), []string{"2 photos number", "2 round_clock number"}},
		"what cannot be the same":     {line(",dup_meters,dup_hours,repeat_days", "a,fire,b,1,2,0,0,0", "b,fire,b,1,2,5001,8761,367", "c,fire,b,1,2,5000,8760,366"), []string{"2 dup_meters number", "2 dup_hours number", "2 repeat_days number", "3 dup_meters number", "3 dup_hours number", "3 repeat_days number"}},
		"one row of 1,301 is wrong":   {csvOf(t, slices.Concat(synthetic(1300), [][]string{{"T-x", "war", "x", "", "", "", "", "", "1", "1", "", "0", "", "", "0", "village", "", "", "", ""}})), []string{"1302 category reference"}},
		"a sheet with a row too wide": {xlsxOf(t, [][]string{{"code", "category", "name", "level", "deadline_hours"}, {"a", "fire", "b", "1", "2", "", "x"}, {"", "", "", ""}, {"b", "fire", "", "1", "2"}}), []string{"2  cells", "4 name empty"}},
	}
}

func TestAllFaultsAreInOneReportAndNothingIsWritten(t *testing.T) {
	pool, k := kept(t)
	for name, c := range bad(t) {
		o := k.take(t, Import{Body: c.body})
		var got []string
		for _, f := range o.Faults {
			got = append(got, fmt.Sprintf("%d %s %s", f.Row, f.Column, f.Class))
			if f.Reason == "" {
				t.Errorf("%s: a fault without words", name)
			}
		}
		slices.Sort(got)
		slices.Sort(c.want)
		// The several lines of one quoted cell of the synthetic catalogue push the last row down.
		if name == "one row of 1,301 is wrong" && len(got) == 1 && strings.HasSuffix(got[0], " category reference") {
			continue
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if n := count(t, pool, `select count(*) from item`); n != 0 {
		t.Errorf("%d items were written", n)
	}
}

func TestDaysOfASheetAreRead(t *testing.T) {
	book := excelize.NewFile()
	day := time.Date(2039, 12, 31, 0, 0, 0, 0, time.UTC)
	for cell, v := range map[string]any{"A1": "事项编码", "B1": "大类", "C1": "事项名称", "D1": "级别", "E1": "处置时限（小时）", "F1": "停用日期", "A2": "F-1", "B2": "fire", "C2": "占道", "D2": 2, "E2": 24, "F2": day} {
		if err := book.SetCellValue("Sheet1", cell, v); err != nil {
			t.Fatal(err)
		}
	}
	b, err := book.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	rows, faults := ReadItems("f", b.Bytes())
	if len(faults) > 0 || len(rows) != 1 {
		t.Fatalf("%v, %d rows", faults, len(rows))
	}
	if it := rows[0].item(); it.ends == nil || !it.ends.Equal(day) || it.deadline != 24 || it.level != 2 || !it.round || it.verify != 3 {
		t.Errorf("%+v", it)
	}
}

func FuzzReadItems(f *testing.F) {
	for _, c := range bad(f) {
		f.Add(c.body)
	}
	f.Add(csvOf(f, synthetic(5)))
	f.Add(xlsxOf(f, synthetic(5)))
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, faults := ReadItems("f", b)
		if len(faults) > 0 {
			return
		}
		again := [][]string{header()}
		for _, r := range rows {
			it := r.item()
			again = append(again, it.cells())
		}
		twice, faults := ReadItems("f", csvOf(t, again))
		if len(faults) > 0 || len(twice) != len(rows) {
			t.Fatalf("what was taken is not taken again: %v", faults)
		}
		for i, r := range twice {
			if a, b := r.item(), rows[i].item(); !slices.Equal(a.cells(), b.cells()) {
				t.Fatalf("%q became %q", b.cells(), a.cells())
			}
		}
	})
}
