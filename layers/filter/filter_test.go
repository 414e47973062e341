package filter

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onepicture/layers"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

func catalogue() *layers.Catalogue {
	return layers.NewCatalogue(layers.Catalogue{
		Classes: []layers.Class{
			{Kind: layers.KindPerson, ID: 1, Code: "registered"}, {Kind: layers.KindPerson, ID: 2, Code: "migrant"},
			{Kind: layers.KindSite, ID: 1, Code: "school", Group: "education"},
			{Kind: layers.KindSite, ID: 2, Code: "nursery", Group: "education"},
			{Kind: layers.KindSite, ID: 3, Code: "clinic", Group: "health"},
			{Kind: layers.KindEvent, ID: 1, Code: "fire"}, {Kind: layers.KindEvent, ID: 2, Code: "flood"},
		},
		CareNeeds: []layers.CareNeed{{Bit: 0, Code: "living_alone"}, {Bit: 3, Code: "disabled"}},
		Items:     []layers.Item{{ID: 7, Code: "F-1", Class: 1}, {ID: 8, Code: "F-1", Version: 2, Class: 1}},
	})
}

func TestPredicate(t *testing.T) {
	today := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	born := func(y, m, d int) int32 { return layers.Days(time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)) }
	old := layers.Record{Class: 1, Status: 2, Flags: 1, Time: born(1940, 3, 1)}
	nobody := layers.Record{Class: 2, Time: layers.NoTime}
	leap := layers.Record{Time: born(2008, 2, 29)}
	for _, c := range []struct {
		text   string
		kind   layers.Kind
		record layers.Record
		want   bool
	}{
		{"", layers.KindPerson, old, true},
		{"age >= 86", layers.KindPerson, old, true},
		{"age > 86", layers.KindPerson, old, false},
		{"age = 86", layers.KindPerson, old, true},
		{"AGE BETWEEN 80 AND 90 AND care = 'living_alone'", layers.KindPerson, old, true},
		{"care = 'disabled'", layers.KindPerson, old, false},
		{"care in ('disabled', 'living_alone')", layers.KindPerson, old, true},
		{"not (age < 18)", layers.KindPerson, nobody, false},
		{"age is null", layers.KindPerson, nobody, true},
		{"age is not null", layers.KindPerson, nobody, false},
		{"class <> 'registered'", layers.KindPerson, nobody, true},
		{"gender = 'female' or age < 3", layers.KindPerson, old, true},
		{"age = 18", layers.KindPerson, leap, true},
		{"group = 'education'", layers.KindSite, layers.Record{Class: 2, Status: 1}, true},
		{"group = 'education' and status = 'closed'", layers.KindSite, layers.Record{Class: 2, Status: 1}, false},
		{"status = 'open'", layers.KindEvent, layers.Record{Status: 3}, true},
		{"status = 'open'", layers.KindEvent, layers.Record{Status: 7}, false},
		{"item = 'F-1'", layers.KindEvent, layers.Record{Item: 8}, true},
		{"item <> 'F-1'", layers.KindEvent, layers.Record{}, false},
		{"item is null", layers.KindEvent, layers.Record{}, true},
		{"channel = 'patrol' and level <= 2", layers.KindEvent, layers.Record{Flags: 1 | layers.FlagLate, Level: 2}, true},
		{"reported_at >= '2026-01-01'", layers.KindEvent, layers.Record{Time: layers.Minutes(today)}, true},
		{"reported_at < TIMESTAMP('2026-01-01T00:00:00Z')", layers.KindEvent, layers.Record{Time: layers.Minutes(today)}, false},
	} {
		f, err := Parse(c.kind, c.text, catalogue(), time.UTC)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := f.Predicate(today)(&c.record); got != c.want {
			t.Errorf("%s: got %v", c.text, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"age >":                         "expected a whole number",
		"colour = 'red'":                "no property",
		"class = 'palace'":              "not among its codes",
		"class = 5":                     "one of its codes",
		"age = 'old'":                   "expected a whole number",
		"class > 'migrant'":             "has no order",
		"age = 1 age = 2":               "expected and, or",
		"(age = 1":                      "expected )",
		"age = 1; drop table person":    "no meaning",
		"age = 'unfinished":             "does not end",
		"age in ()":                     "expected a whole number",
		"age = 99999999999":             "whole number",
		strings.Repeat("(", 40) + "age": "nested",
		"age = 1" + strings.Repeat(" or age = 2", 80): "more than",
		strings.Repeat(" ", MaxBytes+1):               "longer than",
		"年龄 = 3":                                      "Latin",
		"\xff":                                        "UTF-8",
	} {
		_, err := Parse(layers.KindPerson, text, catalogue(), time.UTC)
		var e *layers.Error
		if !errors.As(err, &e) || e.Code != layers.CodeInvalid || e.Field != "filter" || !strings.Contains(e.Message, want) {
			t.Errorf("%.40q: got %v, want it to say %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"age >= 80 and care = 'living_alone'", "not (age in (1,2))", "age is null", "'", "((("} {
		f.Add(s)
	}
	today := time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		parsed, err := Parse(layers.KindPerson, s, catalogue(), time.UTC)
		if err != nil {
			return
		}
		var args []any
		text := parsed.SQL(&args, today)
		if strings.Contains(text, "'") {
			t.Fatalf("a value went into the SQL: %s", text)
		}
		parsed.Predicate(today)(&layers.Record{})
	})
}

// anyFilter draws a random filter text over persons.
func anyFilter(r *rand.Rand, depth int) string {
	if depth > 0 && r.IntN(2) == 0 {
		switch r.IntN(3) {
		case 0:
			return "not (" + anyFilter(r, depth-1) + ")"
		case 1:
			return "(" + anyFilter(r, depth-1) + " and " + anyFilter(r, depth-1) + ")"
		}
		return "(" + anyFilter(r, depth-1) + " or " + anyFilter(r, depth-1) + ")"
	}
	op := []string{"=", "<>", "<", "<=", ">", ">="}[r.IntN(6)]
	switch r.IntN(6) {
	case 0:
		return fmt.Sprintf("age between %d and %d", r.IntN(60), r.IntN(100))
	case 1:
		return "class = '" + []string{"registered", "migrant"}[r.IntN(2)] + "'"
	case 2:
		return "care in ('disabled', 'living_alone')"
	case 3:
		return "gender <> 'female'"
	case 4:
		return "age is null"
	}
	return fmt.Sprintf("age %s %d", op, r.IntN(100))
}

func TestPredicateAgreesWithSQL(t *testing.T) {
	pool := sqltest.DB(t)
	ctx := t.Context()
	if _, err := pool.Exec(ctx, `insert into source (code, name, kind) values ('s', 's', 'person');
		insert into person (source_id, key, class, gender, birth, care, geom, hash)
		select 1, i::text, i % 3, (array[0, 1, 2, 9])[1 + i % 4],
			case when i % 7 > 0 then date '1925-02-20' + (i * 37) end, i % 16, 'SRID=4326;POINT(113 23)', ''
		from generate_series(1, 1000) i`); err != nil {
		t.Fatal(err)
	}
	rows, err := pool.Query(ctx, `select id, class, gender, care, coalesce(birth - date '1970-01-01', $1::int4) from person`, layers.NoTime)
	if err != nil {
		t.Fatal(err)
	}
	var records []layers.Record
	for rows.Next() {
		var r layers.Record
		var class, gender int16
		var care int32
		if err := rows.Scan(&r.ID, &class, &gender, &care, &r.Time); err != nil {
			t.Fatal(err)
		}
		r.Class, r.Status, r.Flags = uint16(class), uint8(gender), uint32(care)
		records = append(records, r)
	}
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 4))
		text := anyFilter(r, 3)
		today := time.Date(2024, 2, 26+r.IntN(5), 0, 0, 0, 0, time.UTC).AddDate(r.IntN(3), 0, 0)
		f, err := Parse(layers.KindPerson, text, catalogue(), time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		match, n := f.Predicate(today), 0
		for i := range records {
			if match(&records[i]) {
				n++
			}
		}
		var args []any
		where := f.SQL(&args, today)
		var want int
		if err := pool.QueryRow(ctx, "select count(*) from person where "+where, args...).Scan(&want); err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		if n != want {
			t.Fatalf("%s on %v: predicate %d, SQL %d", text, today, n, want)
		}
	})
}

// Both sides of the property above take ages from the same ranges of birth dates; here PostgreSQL's own age() decides.
func TestAgeIsPostgreSQLs(t *testing.T) {
	pool := sqltest.DB(t)
	for _, today := range []string{"2023-02-28", "2024-02-28", "2024-02-29", "2024-03-01", "2025-02-28", "2025-03-01", "2026-12-31"} {
		on, err := time.Parse(time.DateOnly, today)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := pool.Query(t.Context(), `select d::date - date '1970-01-01', extract(year from age($1::date, d))::int
			from generate_series($1::date - 4 * 366, $1::date, interval '1 day') d
			union all select d::date - date '1970-01-01', extract(year from age($1::date, d))::int
			from generate_series($1::date - 90 * 366, $1::date - 89 * 365, interval '1 day') d`, on)
		if err != nil {
			t.Fatal(err)
		}
		people := 0
		for rows.Next() {
			var r layers.Record
			var age int
			if err := rows.Scan(&r.Time, &age); err != nil {
				t.Fatal(err)
			}
			people++
			for year, want := range map[int]bool{age: true, age - 1: false, age + 1: false} {
				f, err := Parse(layers.KindPerson, fmt.Sprintf("age = %d", year), catalogue(), time.UTC)
				if year < 0 {
					continue // the language knows no negative number
				}
				if err != nil {
					t.Fatal(err)
				}
				if f.Predicate(on)(&r) != want {
					t.Fatalf("on %s, born on day %d, age %d: age = %d is %v", today, r.Time, age, year, !want)
				}
			}
		}
		if rows.Err() != nil || people < 1400 {
			t.Fatalf("%d people: %v", people, rows.Err())
		}
	}
	f, err := Parse(layers.KindPerson, "age >= 0", catalogue(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	today := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	if f.Predicate(today)(&layers.Record{Time: layers.Days(today) + 1}) {
		t.Error("who is born tomorrow has an age today")
	}
}

func BenchmarkPredicate(b *testing.B) {
	f, err := Parse(layers.KindPerson, "age >= 80 and care = 'living_alone'", catalogue(), time.UTC)
	if err != nil {
		b.Fatal(err)
	}
	match := f.Predicate(time.Now())
	r := layers.Record{Time: -12000, Flags: 1}
	for b.Loop() {
		match(&r)
	}
}
