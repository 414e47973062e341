package sql_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

func TestGeometryRoundTrip(t *testing.T) {
	pool := sqltest.DB(t)
	ring := orb.Ring{{0, 0}, {4, 0}, {4, 4}, {0, 0}}
	hole := orb.Ring{{2, 1}, {3, 1}, {3, 2}, {2, 1}}
	cases := []struct {
		name string
		geom orb.Geometry
		text string // as PostGIS reads it
	}{
		{"point", orb.Point{113.75, 23.02}, "SRID=4326;POINT(113.75 23.02)"},
		{"multipoint", orb.MultiPoint{{1, 2}, {3, 4}}, "SRID=4326;MULTIPOINT((1 2),(3 4))"},
		{"line", orb.LineString{{1, 2}, {3, 4}}, "SRID=4326;LINESTRING(1 2,3 4)"},
		{"lines", orb.MultiLineString{{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}}, "SRID=4326;MULTILINESTRING((1 2,3 4),(5 6,7 8))"},
		{"polygon with a hole", orb.Polygon{ring, hole}, "SRID=4326;POLYGON((0 0,4 0,4 4,0 0),(2 1,3 1,3 2,2 1))"},
		{"multipolygon", orb.MultiPolygon{{ring}, {hole}}, "SRID=4326;MULTIPOLYGON(((0 0,4 0,4 4,0 0)),((2 1,3 1,3 2,2 1)))"},
		{"collection", orb.Collection{orb.Point{1, 2}, orb.LineString{{1, 2}, {3, 4}}}, "SRID=4326;GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(1 2,3 4))"},
		{"empty line", orb.LineString{}, "SRID=4326;LINESTRING EMPTY"},
		{"empty polygon", orb.Polygon{}, "SRID=4326;POLYGON EMPTY"},
		{"empty multipolygon", orb.MultiPolygon{}, "SRID=4326;MULTIPOLYGON EMPTY"},
		{"empty collection", orb.Collection{}, "SRID=4326;GEOMETRYCOLLECTION EMPTY"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var back orb.Geometry
			var text string
			if err := pool.QueryRow(t.Context(), `select $1::geometry, st_asewkt($1::geometry)`, c.geom).Scan(&back, &text); err != nil {
				t.Fatal(err)
			}
			if !sameWKT(t, pool, text, c.text) {
				t.Errorf("PostGIS read %s, want %s", text, c.text)
			}
			if diff := cmp.Diff(c.geom, back); diff != "" {
				t.Errorf("it came back otherwise (-sent +got):\n%s", diff)
			}
		})
	}
}

// Each concrete type scans its own kind and refuses the others, without touching what it held.
func TestGeometryScansIntoItsOwnTypeOnly(t *testing.T) {
	pool := sqltest.DB(t)
	targets := map[string]orb.Geometry{ // WKT → what it becomes
		"POINT(1 2)": orb.Point{1, 2}, "MULTIPOINT((1 2))": orb.MultiPoint{{1, 2}},
		"LINESTRING(1 2,3 4)": orb.LineString{{1, 2}, {3, 4}}, "MULTILINESTRING((1 2,3 4))": orb.MultiLineString{{{1, 2}, {3, 4}}},
		"POLYGON((0 0,1 0,1 1,0 0))":        orb.Polygon{{{0, 0}, {1, 0}, {1, 1}, {0, 0}}},
		"MULTIPOLYGON(((0 0,1 0,1 1,0 0)))": orb.MultiPolygon{{{{0, 0}, {1, 0}, {1, 1}, {0, 0}}}},
		"GEOMETRYCOLLECTION(POINT(1 2))":    orb.Collection{orb.Point{1, 2}},
	}
	for text, want := range targets {
		for _, srid := range []int{0, 4326, 4490} { // any reference system is read; only the numbers come through
			scan := func(target any) error {
				return pool.QueryRow(t.Context(), `select st_setsrid(st_geomfromtext($1), $2)`, text, srid).Scan(target)
			}
			var (
				point   orb.Point
				points  orb.MultiPoint
				line    orb.LineString
				lines   orb.MultiLineString
				polygon orb.Polygon
				area    orb.MultiPolygon
				all     orb.Collection
			)
			for _, into := range []struct {
				target any
				value  func() orb.Geometry
			}{
				{&point, func() orb.Geometry { return point }}, {&points, func() orb.Geometry { return points }},
				{&line, func() orb.Geometry { return line }}, {&lines, func() orb.Geometry { return lines }},
				{&polygon, func() orb.Geometry { return polygon }}, {&area, func() orb.Geometry { return area }},
				{&all, func() orb.Geometry { return all }},
			} {
				err := scan(into.target)
				fits := into.value().GeoJSONType() == want.GeoJSONType()
				if fits && (err != nil || !cmp.Equal(into.value(), want)) {
					t.Errorf("%s, srid %d: %v, %v", text, srid, into.value(), err)
				}
				if !fits && err == nil {
					t.Errorf("%s went into %T", text, into.target)
				}
			}
		}
	}
}

func TestNullGeometry(t *testing.T) {
	pool := sqltest.DB(t)
	g, p := orb.Geometry(orb.Point{1, 2}), &orb.Point{1, 2}
	if err := pool.QueryRow(t.Context(), `select null::geometry, null::geometry`).Scan(&g, &p); err != nil || g != nil || p != nil {
		t.Errorf("null became %v, %v: %v", g, p, err)
	}
	var point orb.Point
	if err := pool.QueryRow(t.Context(), `select null::geometry`).Scan(&point); err == nil {
		t.Error("null became the point 0 0, which lies in the sea off Ghana")
	}
	var isNull bool
	if err := pool.QueryRow(t.Context(), `select $1::geometry is null`, orb.Geometry(nil)).Scan(&isNull); err != nil || !isNull {
		t.Errorf("nil is not null: %v", err)
	}
}

func TestEmptyPointAndHeight(t *testing.T) {
	pool := sqltest.DB(t)
	var p orb.Point
	err := pool.QueryRow(t.Context(), `select 'POINT EMPTY'::geometry`).Scan(&p)
	if err == nil && (!math.IsNaN(p[0]) || !math.IsNaN(p[1])) {
		t.Errorf("an empty point became %v", p)
	}
	var g orb.Geometry
	if err := pool.QueryRow(t.Context(), `select 'POINT Z (1 2 3)'::geometry`).Scan(&g); err == nil && !orb.Equal(g, orb.Point{1, 2}) {
		t.Errorf("a height moved the point: %v", g)
	}
}

// Every point, to the last bit, by COPY and by argument.
func TestGeometryKeepsEveryBit(t *testing.T) {
	pool := sqltest.DB(t)
	rapid.Check(t, func(r *rapid.T) {
		sent := orb.MultiPolygon{}
		degree := rapid.Float64Range(-180, 180)
		for range rapid.IntRange(1, 3).Draw(r, "polygons") {
			ring := orb.Ring{}
			for range rapid.IntRange(3, 6).Draw(r, "corners") {
				ring = append(ring, orb.Point{degree.Draw(r, "x"), degree.Draw(r, "y")})
			}
			sent = append(sent, orb.Polygon{append(ring, ring[0])})
		}
		point := sent[0][0][0]
		var area orb.MultiPolygon
		var back orb.Point
		var srid int
		if err := pool.QueryRow(t.Context(), `select $1::geometry, $2::geometry, st_srid($2::geometry)`, sent, point).
			Scan(&area, &back, &srid); err != nil {
			r.Fatal(err)
		}
		if !cmp.Equal(sent, area) || point != back || srid != 4326 {
			r.Fatalf("sent %v and %v, got %v and %v in %d", sent, point, area, back, srid)
		}
	})
}
