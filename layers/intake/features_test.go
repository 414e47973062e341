package intake

import (
	"fmt"
	"strings"
	"testing"
)

const siteMapping = `kind = "site"
datum = "WGS84"
key = ["id"]
[source]
code = "sites"
name = "sites"
[location]
x = "lon"
y = "lat"
[fields]
name = {column = "n"}
`

const shapeMapping = `kind = "site"
datum = "WGS84"
key = ["id"]
[source]
code = "shapes"
name = "shapes"
[location]
geometry = true
[fields]
name = {column = "n"}
class = {const = "park"}
[attributes]
size = {column = "size"}
`

const codeMapping = `kind = "place"
[source]
code = "codes"
name = "codes"
[location]
none = true
[fields]
code = {column = "code"}
level = {const = "2"}
parent = {const = "440000000000"}
name = {column = "name"}
`

const eventMapping = `kind = "event"
datum = "%s"
zone = "America/Vancouver"
key = ["id"]
[source]
code = "events"
name = "events"
department = "police"
[location]
x = "x"
y = "y"
[fields]
title = {column = "title"}
item = {column = "item"}
category = {column = "category"}
status = {column = "status", default = "report"}
reportedAt = {column = "at", formats = ["yyyy-MM-dd HH:mm"]}
closedAt = {column = "closed", formats = ["yyyy-MM-dd HH:mm"]}
`

func TestMovedAndChangedRows(t *testing.T) {
	b := newBench(t)
	text := peopleRows(12)
	m := b.mapping(people)
	b.run(m, b.file("people.csv", text))
	ids := b.value("select string_agg(key || ':' || id, ',' order by key) from person")
	moved := strings.Replace(strings.Replace(text, "3,n3,1980-01-01,男,,113.5500", "3,n3,1980-01-01,男,,114.5500", 1), "5,n5,", "5,neu,", 1)
	if moved == text {
		t.Fatal("the test changes nothing")
	}
	s := b.run(m, b.file("people.csv", moved+"99,new,1980-01-01,女,,113.5,23.0\n"))
	if f := s.Files[0]; f.Changed != 2 || f.New != 1 || f.Unchanged != 10 {
		t.Errorf("%+v", f)
	}
	three, five, last := b.deps.Keys.RowKey("3"), b.deps.Keys.RowKey("5"), b.deps.Keys.RowKey("99")
	b.is(ids, "select string_agg(key || ':' || id, ',' order by key) from person where key <> $1", last)
	b.is("3", "select place_id from person where key = $1", three)
	b.is("2", "select place_id from person where key = $1", five)
	if got := b.name(three) + " " + b.name(five); got != "n3 neu" {
		t.Errorf("names: %s", got)
	}
	// The second run's batches name exactly the rows that it put.
	b.is("3 true", `select count(distinct p.key) || ' ' || bool_and(p.key = any($1)) from change c, unnest(c.ids) r, person p
		where c.kind = 'person' and p.id <@ r and c.position > (select min(position) from person)
		and c.position > (select max(position) from person where key <> all($1))`, []string{three, five, last})
	b.is("true", "select bool_and(p.position in (select position from change)) from person p")
}

func TestEvents(t *testing.T) {
	b := newBench(t)
	s := b.run(b.mapping(fmt.Sprintf(eventMapping, "EPSG:26910")), b.file("e.csv", `id,title,item,category,status,at,closed,x,y
1,a,Sa-001,,report,2023-07-01 12:00,,490284.2663,5458343.1703
2,b,,city,close,2023-11-05 01:30,2023-11-05 08:00,490284.2663,5458343.1703
3,skipped hour,,city,,2023-03-12 02:30,,490284,5458343
4,degrees,,city,,2023-07-01 12:00,,-123.13,49.28
5,swapped,,city,,2023-07-01 12:00,,5458343,490284
6,item of another category,Sa-001,city,,2023-07-01 12:00,,490284,5458343
7,closed before,,city,close,2023-07-01 12:00,2023-06-01 12:00,490284,5458343
8,neither,,,,2023-07-01 12:00,,490284,5458343
9,far away,,city,,2023-07-01 12:00,,0,0
`))
	f := s.Files[0]
	if f.Put != 2 || f.Twice != 1 || f.Outside != 2 {
		t.Errorf("%+v", f)
	}
	want := "map[date:1 location:1 missing:1 order of times:1 outside area of use:1 swapped axes:1 unknown code:1]"
	if got := fmt.Sprint(f.Faults); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	b.is("1 1 2 1 2023-07-01 19:00:00+00 2023-07-02 19:00:00+00, 2 2 3 7 2023-11-05 08:30:00+00 -", `select string_agg(
		key || ' ' || class || ' ' || level || ' ' || status || ' ' || reported_at || ' ' || coalesce(due_at::text, '-'), ', ' order by key) from event`)
	// NAD83 / UTM 10N of the first, by Krüger's series turned round: 123.13358 W, 49.27777 N.
	b.is("-123.1336 49.2778 EPSG:26910 490284.2663 5458343.1703", `select round(st_x(geom)::numeric, 4) || ' ' || round(st_y(geom)::numeric, 4) || ' ' ||
		orig_datum || ' ' || orig_x || ' ' || orig_y from event where key = '1'`)
	b.is("police", "select d.code from source s join department d on d.id = s.department_id where s.code = 'events'")
	// The owner of its item answers for an event, until somebody gives it to another: a feed takes it back by another item alone.
	owners := "select string_agg(coalesce(department_id, 0)::text, ' ' order by key) from event"
	b.is("1 0", owners)
	if _, err := b.pool.Exec(t.Context(), "update event set department_id = 2 where key = '1'"); err != nil {
		t.Fatal(err)
	}
	changed := b.run(b.mapping(fmt.Sprintf(eventMapping, "EPSG:26910")), b.file("e.csv", `id,title,item,category,status,at,closed,x,y
1,a,Sa-001,,close,2023-07-01 12:00,2023-07-01 13:00,490284.2663,5458343.1703
2,b,Ci-001,,close,2023-11-05 01:30,2023-11-05 08:00,490284.2663,5458343.1703
`))
	b.is("2 2", owners)
	if changed.Files[0].Changed != 2 {
		t.Errorf("%+v", changed.Files[0])
	}
	b.is("2", "select version from event where key = '1'")
}

// TestDatums imports one point, given in each datum, to the same place within a metre.
func TestDatums(t *testing.T) {
	for datum, at := range map[string]string{
		"WGS84": "113.751799,23.020673", "CGCS2000": "113.751799,23.020673",
		// By the published formulas, computed apart from this program.
		"GCJ02": "113.756992045,23.017950413", "BD09": "113.763405916,23.024283832",
		// EPSG:4547, 3-degree Gauss-Kruger at 114° E: easting then northing, by Krüger's series.
		"EPSG:4547": "474557.6252,2546848.5429",
	} {
		t.Run(datum, func(t *testing.T) {
			b := newBench(t)
			m := b.mapping(strings.Replace(siteMapping, "WGS84", datum, 1))
			s := b.run(m, b.file("s.csv", "id,n,lon,lat\n1,a,"+at+"\n"))
			if s.Files[0].Put != 1 {
				t.Fatalf("%+v", s.Files[0])
			}
			b.is("true", "select st_distance(geom::geography, st_setsrid(st_point(113.751799, 23.020673), 4326)::geography) < 1 from site")
			want := "null"
			if datum != "WGS84" {
				want = datum + " " + strings.ReplaceAll(at, ",", " ")
			}
			b.is(want, "select orig_datum || ' ' || orig_x || ' ' || orig_y from site")
		})
	}
}

// TestShapes takes areas: repaired where the meaning is certain, else set aside.
func TestShapes(t *testing.T) {
	feature := func(id, coordinates string) string {
		return `{"type":"Feature","properties":{"id":"` + id + `","n":"x","size":"1"},"geometry":{"type":"Polygon","coordinates":` + coordinates + `}}`
	}
	b := newBench(t)
	s := b.run(b.mapping(shapeMapping), b.file("s.geojson", `{"type":"FeatureCollection","features":[`+strings.Join([]string{
		feature("good", "[[[113.1,23],[113.2,23],[113.2,23.1],[113.1,23.1],[113.1,23]]]"),
		feature("open", "[[[113.1,23],[113.2,23],[113.2,23.1],[113.1,23.1]]]"),
		feature("clockwise", "[[[113.1,23],[113.1,23.1],[113.2,23.1],[113.2,23],[113.1,23]]]"),
		feature("bow-tie", "[[[113.1,23],[113.2,23.1],[113.2,23],[113.1,23.1],[113.1,23]]]"),
		feature("loop", "[[[113.1,23],[113.4,23],[113.4,23.2],[113.2,23.2],[113.2,22.9],[113.1,22.9],[113.1,23]]]"),
		feature("spike", "[[[113.1,23],[113.2,23],[113.3,23],[113.2,23],[113.2,23.1],[113.1,23.1],[113.1,23]]]"),
		feature("pinch", "[[[113.1,23],[113.2,23.1],[113.3,23],[113.3,23.2],[113.2,23.1],[113.1,23.2],[113.1,23]]]"),
		feature("hole outside", "[[[113.1,23],[113.2,23],[113.2,23.1],[113.1,23.1],[113.1,23]],[[113.5,23],[113.5,23.1],[113.6,23.1],[113.6,23],[113.5,23]]]"),
	}, ",")+"]}"))
	f := s.Files[0]
	if got := fmt.Sprint(f.Repairs, f.Faults); got != "map[closed ring:1 self-touching ring:2 wrong winding:1] map[geometry:3]" {
		t.Errorf("%s", got)
	}
	b.is("clockwise, good, open, pinch, spike", "select string_agg(key, ', ' order by key) from site")
	b.is("true", "select bool_and(st_isvalid(geom) and st_contains(geom, anchor)) from site")
}

func TestAgainInAnotherOrder(t *testing.T) {
	b := newBench(t)
	lines := strings.SplitAfter(strings.TrimSuffix(peopleRows(20), "\n")+"\n", "\n")
	b.run(b.mapping(people), b.file("a.csv", strings.Join(lines, "")))
	turned := []string{lines[0]}
	for i := len(lines) - 2; i > 0; i-- {
		turned = append(turned, lines[i])
	}
	s := b.run(b.mapping(people), b.file("b.csv", strings.Join(turned, "")))
	if f := s.Files[0]; f.Unchanged != 20 {
		t.Errorf("%+v", f)
	}
}

func TestDuplicates(t *testing.T) {
	const rows = "id,n,lon,lat\n1,a,113.5,23\n2,b,113.5,23\n1,a,113.5,23\n2,other,113.5,23\n3,c,113.5,23\n1,a,113.5,23\n"
	for policy, want := range map[string]string{
		"reject":    "put 3 unchanged 0 map[duplicate:2 duplicate key:1]",
		"unchanged": "put 3 unchanged 2 map[duplicate key:1]",
	} {
		b := newBench(t)
		m := b.mapping("duplicates = \"" + policy + "\"\n" + siteMapping)
		f := b.run(m, b.file("s.csv", rows)).Total()
		if got := fmt.Sprintf("put %d unchanged %d %v", f.Put, f.Unchanged, f.Faults); got != want {
			t.Errorf("%s: %s, want %s", policy, got, want)
		}
		b.is("a, b, c", "select string_agg(name, ', ' order by name) from site")
		// Equal rows of two files of one import are duplicates too.
		f = b.run(m, b.file("a.csv", "id,n,lon,lat\n1,a,113.5,23\n"), b.file("b.csv", "id,n,lon,lat\n1,a,113.5,23\n")).Total()
		if f.Put != 0 || f.Read != 2 {
			t.Errorf("%s: %+v", policy, f)
		}
	}
}
