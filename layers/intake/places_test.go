package intake

import (
	"fmt"
	"strings"
	"testing"
)

const treeMapping = `kind = "place"
datum = "WGS84"
[source]
code = "villages"
name = "villages"
[location]
geometry = true
[fields]
code = {column = "code"}
level = {column = "level"}
parent = {column = "parent"}
name = {column = "name"}
validFrom = {column = "from", formats = ["yyyy-MM-dd"]}
validTo = {column = "to", formats = ["yyyy-MM-dd"]}
`

func square(code, level, parent string, west, south, east, north float64, more string) string {
	return fmt.Sprintf(`{"type":"Feature","properties":{"code":"%s","level":%s,"parent":"%s","name":"n"%s},"geometry":{"type":"Polygon","coordinates":[[[%g,%g],[%g,%g],[%g,%g],[%g,%g],[%g,%g]]]}}`,
		code, level, parent, more, west, south, east, south, east, north, west, north, west, south)
}

func collection(features ...string) string {
	return `{"type":"FeatureCollection","features":[` + strings.Join(features, ",") + "]}"
}

func TestPlaces(t *testing.T) {
	b := newBench(t)
	b.run(b.mapping(people), b.file("people.csv", peopleRows(20)))
	b.is("10 10", "select count(*) filter (where place_id = 2) || ' ' || count(*) filter (where place_id = 3) from person")
	const from, open = `,"from":"","to":""`, `,"from":"2030-01-01","to":""`
	file := collection(
		square("440001001001001", "4", "440001001000", 113.0, 22.9, 113.2, 23.1, from), // a grid before its village
		square("440001001000", "3", "440001000000", 113.0, 22.5, 113.5, 23.5, from),
		square("440001002000", "3", "440001000000", 113.4, 22.5, 113.9, 23.5, from),    // overlaps the first
		square("440001003000", "3", "449999000000", 113.4, 22.5, 113.9, 23.5, from),    // no such parent
		square("440001003001001", "4", "440001003000", 113.4, 22.5, 113.9, 23.5, from), // its parent was set aside
		square("44000100400", "3", "440001000000", 113.4, 22.5, 113.9, 23.5, from),     // 11 digits
		square("440001001000", "3", "440001000000", 113.0, 22.5, 113.5, 23.5, from),    // equal to an earlier row
		square("440001002000", "3", "440001000000", 113.0, 22.5, 113.5, 23.5, from),    // same code, other content
		square("440002000000", "2", "440000000000", 114.0, 22.0, 115, 24, from),        // held by another source
		square("440001005000", "3", "440001000000", 113.0, 22.5, 113.5, 23.5, open),    // only valid later
		square("440001006000", "3", "440001000000", 113.4, 22.5, 113.9, 23.5, `,"from":"2020-01-01","to":"2020-01-01"`),
	)
	m := b.mapping(treeMapping)
	s := b.run(m, b.file("tree.geojson", file))
	f := s.Files[0]
	want := "put 4 map[duplicate:1 duplicate key:1 order of times:1 other source:1 place tree:2 unknown code:1]"
	if got := fmt.Sprintf("put %d %v", f.Put, f.Faults); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if len(s.Notes) != 1 || !strings.HasPrefix(s.Notes[0], "3 pairs of places of one level overlap") {
		t.Errorf("%q", s.Notes)
	}
	// Every feature is in the place that the locator finds now: the grid, else the smaller village, else the town.
	if s.Moved == 0 {
		t.Error("nobody moved")
	}
	b.is("0", `select count(*) from person p where place_id is distinct from (select id from place a
		where st_contains(a.geom, p.geom) and a.valid_from <= now() order by level desc, area_m2, code limit 1)`)
	b.is("true", "select count(*) > 0 from person p join place a on a.id = p.place_id where a.level = 4")
	b.is("true", `select (select count(distinct p.id) from change c, unnest(c.ids) r, person p
		where c.reason = 'places changed' and p.id <@ r) = $1::int8`, s.Moved)
	b.is("440001001000 440000000000", `select string_agg(p.code, ' ' order by p.code desc) from place g join place p on p.id = g.parent_id
		or p.level = 1 where g.code = '440001001001001'`)

	changes := b.value("select count(*) from change")
	again := b.run(m, b.file("tree.geojson", file))
	if f := again.Files[0]; f.Unchanged != 4 || f.Put != 0 || again.Moved != 0 {
		t.Errorf("%+v", again)
	}
	b.is(changes, "select count(*) from change")

	// A village that shrinks gives its people back to the town.
	s = b.run(m, b.file("tree.geojson", collection(square("440001002000", "3", "440001000000", 113.4, 22.5, 113.6, 23.5, from))))
	if f := s.Files[0]; f.Changed != 1 || s.Moved == 0 {
		t.Errorf("%+v", s)
	}
	b.is("0", `select count(*) from person p where place_id is distinct from (select id from place a
		where st_contains(a.geom, p.geom) and a.valid_from <= now() order by level desc, area_m2, code limit 1)`)
}

func TestCodesOnly(t *testing.T) {
	b := newBench(t)
	s := b.run(b.mapping(codeMapping), b.file("c.csv", "code,name\n440003000000,甲\n440004000000,\n"))
	if f := s.Files[0]; f.Put != 1 || f.Faults["missing"] != 1 {
		t.Errorf("%+v", f)
	}
	b.is("440003000000 true", "select code || ' ' || (geom is null and label is null) from place where name = '甲'")
}
