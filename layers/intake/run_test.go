package intake

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPeople(t *testing.T) {
	b := newBench(t)
	path := b.file("people.csv", peopleCSV)
	s := b.run(b.mapping(people), path)
	f := s.Files[0]
	want := FileSummary{
		RunID: 1, File: "people.csv", State: "done", Total: 9, Read: 9, Put: 5, New: 5, Rejected: 4, Outside: 1, Overlapping: 1,
		Repairs: map[string]int64{}, Faults: map[string]int64{"date": 1, "unknown code": 1, "number": 1, "swapped axes": 1},
		Report: path + ".rejected.csv", Elapsed: f.Elapsed,
	}
	if d := cmp.Diff(want, f); d != "" {
		t.Error(d)
	}
	b.is("5", "select count(*) from person")
	b.is("1:1950-02-01:9:2, 2:1980-12-31:0:3, 3:-:0:2, 5:1999-01-01:0:-, 7:1999-01-01:2:2", `select string_agg(k || ':' ||
		coalesce(birth::text, '-') || ':' || care || ':' || coalesce(place_id::text, '-'), ', ' order by k)
		from (select *, array_position($1::text[], key) as k from person) p`, b.rowKeys(9))
	b.is("1:1, 2:2, 3:0, 5:2, 7:2", `select string_agg(k || ':' || gender, ', ' order by k)
		from (select *, array_position($1::text[], key) as k from person) p`, b.rowKeys(9))
	b.is("5 4 5 0", "select put || ' ' || rejected || ' ' || (select count(*) from person where position > '0') || ' ' || unchanged from import_run")
	got, err := os.ReadFile(f.Report)
	if err != nil {
		t.Fatal(err)
	}
	report := `row,column,class,reason
5,birth,date,birth: this date does not exist
7,care,unknown code,care: no such code in the catalogue
9,lon,number,a coordinate is not a finite number
10,lon,swapped axes,longitude and latitude look swapped: name the column of longitudes as x
`
	if d := cmp.Diff(report, string(got)); d != "" {
		t.Error(d)
	}
	// Every put row is in exactly one batch of the ledger.
	b.is("true", `select (select range_agg(r) from change, unnest(ids) r where kind = 'person') =
		(select range_agg(int8range(id, id, '[]')) from person)`)

	before := b.state()
	again := b.run(b.mapping(people), path)
	if f := again.Files[0]; f.Unchanged != 5 || f.Put != 0 || f.Rejected != 4 {
		t.Errorf("again: %+v", f)
	}
	b.is("true", "select (select count(*) from change where kind = 'person') = 3")
	if before == b.state() {
		t.Error("the second run left no record")
	}
}
