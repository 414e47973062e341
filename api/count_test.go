package api

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geojson"
	"pgregory.net/rapid"

	"onepicture/layers"
)

func TestCount(t *testing.T) {
	scope := layers.Loopback()
	w := newTown(t, func(o *Options) { o.Scope = func(*http.Request) layers.Scope { return scope } })
	t.Run("numbers", func(t *testing.T) { testCount(t, w) })
	t.Run("people", func(t *testing.T) { testCountOfPeople(t, w) })
	t.Run("refusals", func(t *testing.T) { testCountRefuses(t, w) })
	t.Run("neighbours", func(t *testing.T) { testNeighboursCountOnce(t, w) })
	t.Run("what was seen", func(t *testing.T) { testCountReflectsWhatWasSeen(t, w) })
	t.Run("scopes", func(t *testing.T) { testCountUnderScopes(t, w, &scope) })
}

func testCount(t *testing.T, w *town) {
	grid := `{"type":"MultiPolygon","coordinates":[[[[113.04,23.04],[113.06,23.04],[113.06,23.06],[113.04,23.06],[113.04,23.04]]]]}`
	parkOnly := `{"type":"Polygon","coordinates":[[[113,23.0515],[113.1,23.0515],[113.1,23.06],[113,23.06],[113,23.0515]]]}`
	holed := `{"type":"Polygon","coordinates":[[[112,22],[114,22],[114,24],[112,24],[112,22]],[[113.0505,23],[113.06,23],[113.06,23.1],[113.0505,23.1],[113.0505,23]]]}`
	for _, c := range []struct {
		name, body   string
		site, events string // count, and count/open/overdue
		layers       string
	}{
		{"everything", `{"area":` + everything + `,"layers":["events","sites","schools","fires"]}`, "3", "3/2/1", "3 3 2 2"},
		{"the grid", `{"area":` + grid + `,"layers":["schools"]}`, "3", "3/2/1", "2"},
		{"the park", `{"area":` + parkOnly + `,"layers":["schools","sites"]}`, "1", "1/0/0", "0 1"},
		{"all but a hole", `{"area":` + holed + `}`, "0", "3/2/1", ""},
		{"sites alone", `{"area":` + everything + `,"kind":"site"}`, "3", "", ""},
		{"schools by filter", `{"area":` + everything + `,"kind":"site","filter":"class='school'","layers":["sites"]}`, "2", "", "2"},
		{"open fires", `{"area":` + everything + `,"kind":"event","filter":"category='fire' and status='open'","layers":["events","fires"]}`, "", "1/1/1", "1 1"},
		{"of long ago", `{"area":` + everything + `,"kind":"event","to":"2001-01-01T00:00:00Z"}`, "", "0/0/0", ""},
		{"of a window", `{"area":` + everything + `,"kind":"event","from":"2001-01-01T00:00:00Z","to":"2999-01-01T00:00:00Z","layers":["fires"]}`, "", "3/2/1", "2"},
	} {
		got := answer[AreaCounts](t, w.count(c.body))
		var site, events string
		for _, k := range got.Kinds {
			switch k.Kind {
			case "site":
				site = fmt.Sprint(*k.Count)
			case "event":
				events = fmt.Sprintf("%d/%d/%d", *k.Count, *k.Open, *k.Overdue)
			}
			if k.Kind != "event" && (k.Open != nil || k.Overdue != nil) || k.Rounded != (k.Kind == "person") {
				t.Errorf("%s: %+v", c.name, k)
			}
		}
		var counts []string
		for _, l := range got.Layers {
			counts = append(counts, fmt.Sprint(*l.Count))
		}
		if list := strings.Join(counts, " "); site != c.site || events != c.events || list != c.layers {
			t.Errorf("%s: sites %s, events %s, layers %s; want %s, %s, %s", c.name, site, events, list, c.site, c.events, c.layers)
		}
		if got.Position == "0" || got.Position == "" || got.AsOf.IsZero() {
			t.Errorf("%s: as of nothing: %+v", c.name, got)
		}
	}
}

// The numbers of people of an area are those of the places in it, as figures tell them; alone and few they are not told.
func testCountOfPeople(t *testing.T, w *town) {
	person := func(area string) *int {
		return answer[AreaCounts](t, w.count(`{"area":`+area+`,"kind":"person","layers":["elderly"]}`)).Kinds[0].Count
	}
	told := answer[Figures](t, w.get("/api/places/"+cityCode+"/figures")).Totals.Person
	if got := person(everything); got == nil || told == nil || *got != *told || *got%10 != 0 {
		t.Errorf("the city has %v, figures say %v", got, told)
	}
	// All who live there and nobody else, but no place's label.
	if got := person(`{"type":"Polygon","coordinates":[[[113.04,23.045],[113.06,23.045],[113.06,23.06],[113.04,23.06],[113.04,23.045]]]}`); got != nil {
		t.Errorf("a house tells of %d people", *got)
	}
	p := refusal(t, w.count(`{"area":`+everything+`,"kind":"person","filter":"age>80"}`))
	if p.Status != http.StatusUnprocessableEntity || p.Errors[0].Location != "body.filter" {
		t.Errorf("people by a condition of one's own: %+v", p)
	}
}

func testCountUnderScopes(t *testing.T, w *town, scope *layers.Scope) {
	*scope = layers.Scope{}
	all := `{"area":` + everything + `}`
	if p := refusal(t, w.count(all)); p.Status != http.StatusForbidden {
		t.Errorf("the zero scope counts: %d", p.Status)
	}
	var b layers.Reach
	b.Places.Add(3)
	*scope = layers.Scope{Event: layers.Sight{Counts: b}, Person: layers.Sight{Records: b}, Threshold: 10}
	got := answer[AreaCounts](t, w.count(all))
	if got.Kinds[0].Count == nil || *got.Kinds[0].Count != 5 || got.Kinds[0].Rounded || got.Kinds[1].Count != nil || *got.Kinds[2].Count != 0 {
		t.Errorf("the second town's scope gets %s", encoded(t, got))
	}
	if p := refusal(t, w.count(`{"area":`+everything+`,"layers":["sites"]}`)); p.Errors[0].Location != "body.layers[0]" {
		t.Errorf("a layer of a kind that it may not see: %+v", p)
	}
	*scope = layers.Internal("test")
	if got := answer[AreaCounts](t, w.count(all)); *got.Kinds[0].Count != 35 || got.Kinds[0].Rounded {
		t.Errorf("who sees all gets %s", encoded(t, got))
	}
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Counting waits for what the caller has seen, and writes nothing.
func testCountReflectsWhatWasSeen(t *testing.T, w *town) {
	r := answer[Reported](t, w.report(t, reportBody, ""))
	rq := call(http.MethodPost, countRoute, strings.NewReader(`{"area":`+everything+`,"kind":"event"}`))
	rq.Header.Set("Content-Type", "application/json")
	rq.Header.Set(minPosition, r.Position)
	if got := answer[AreaCounts](t, w.do(rq)); *got.Kinds[0].Count != 4 {
		t.Errorf("after a report: %s", encoded(t, got))
	}
	rq.Header.Set(minPosition, "x")
	if p := refusal(t, w.do(rq)); p.Errors[0].Location != "header."+minPosition {
		t.Errorf("a bad position: %+v", p)
	}
}

func testCountRefuses(t *testing.T, w *town) {
	ring := func(points int) string { // around the town
		var b strings.Builder
		for i := range points {
			s, c := math.Sincos(2 * math.Pi * float64(i%(points-1)) / float64(points-1))
			fmt.Fprintf(&b, ",[%.7f,%.7f]", 113.1+c/5, 23.05+s/5)
		}
		return "[" + b.String()[1:] + "]"
	}
	area := func(coordinates string) string {
		return `{"area":{"type":"Polygon","coordinates":` + coordinates + `}}`
	}
	with := func(more string) string { return `{"area":` + everything + `,` + more + `}` }
	if rec := w.count(area("[" + ring(maxVertices) + "]")); rec.Code != http.StatusOK {
		t.Errorf("%d vertices: %s", maxVertices, rec.Body)
	}
	if rec := w.count(with(`"kind":"site","filter":"` + terms(64) + `"`)); rec.Code != http.StatusOK {
		t.Errorf("64 comparisons: %s", rec.Body)
	}
	for _, c := range []struct {
		name, body string
		status     int
		location   string
	}{
		{"no area", `{}`, 422, "body"},
		{"a point", `{"area":{"type":"Point","coordinates":[1,2]}}`, 422, "body.area.type"},
		{"no ring", area(`[]`), 422, "body.area.coordinates"},
		{"numbers", area(`[[[113,23]]]`), 422, "body.area.coordinates[0][0]"},
		{"a Polygon that is a MultiPolygon", area(`[[[[0,0],[1,0],[1,1],[0,0]]]]`), 422, "body.area.coordinates"},
		{"words", area(`[[["a","b"]]]`), 422, "body.area.coordinates"},
		{"not closed", area(`[[[0,0],[1,0],[1,1],[0,1]]]`), 422, "body.area.coordinates[0][3]"},
		{"beyond the world", area(`[[[0,0],[181,0],[1,1],[0,0]]]`), 422, "body.area.coordinates[0][1]"},
		{"northing first", area(`[[[23,113],[24,113],[24,114],[23,113]]]`), 422, "body.area.coordinates[0][0]"},
		{"infinite", area(`[[[0,0],[1e999,0],[1,1],[0,0]]]`), 400, "body"},
		{"a position of one number", area(`[[[0],[1,0],[1,1],[0,0]]]`), 422, "body.area.coordinates[0][0]"},
		{"a bow tie", area(`[[[0,0],[1,1],[1,0],[0,1],[0,0]]]`), 422, "body.area.coordinates[0][2]"},
		{"a hole outside", area(`[[[0,0],[1,0],[1,1],[0,0]],[[5,5],[6,5],[6,6],[5,5]]]`), 422, "body.area.coordinates"},
		{"one within the other", `{"area":{"type":"MultiPolygon","coordinates":[[[[0,0],[9,0],[9,9],[0,0]]],[[[5,1],[6,1],[6,2],[5,1]]]]}}`, 422, "body.area.coordinates"},
		{"too many vertices", area("[" + ring(maxVertices+1) + "]"), 422, "body.area.coordinates"},
		{"too many rings", area("[" + strings.Repeat("[[0,0],[1,0],[1,1],[0,0]],", maxRings) + "[[0,0],[1,0],[1,1],[0,0]]]"), 422, "body.area.coordinates"},
		{"too large", area("[" + strings.Repeat(" ", maxAreaBody) + "]"), 413, ""},
		{"another reference system", `{"area":{"type":"Polygon","coordinates":[],"crs":{}}}`, 422, "body.area.crs"},
		{"an unknown kind", with(`"kind":"place"`), 422, "body.kind"},
		{"an unknown layer", with(`"layers":["sites","palaces"]`), 422, "body.layers[1]"},
		{"a layer of places", with(`"layers":["towns"]`), 422, "body.layers[0]"},
		{"a layer twice", with(`"layers":["sites","sites"]`), 422, "body.layers[1]"},
		{"a layer of another kind", with(`"kind":"site","layers":["events"]`), 422, "body.layers[0]"},
		{"too many layers", with(`"layers":["sites"` + strings.Repeat(`,"sites"`, maxCountLayers) + `]`), 422, "body.layers"},
		{"a filter of no kind", with(`"filter":"class='school'"`), 422, "body.kind"},
		{"a bad filter", with(`"kind":"site","filter":"class="`), 422, "body.filter"},
		{"a filter too long", with(`"kind":"site","filter":"` + strings.Repeat(" ", 4097) + `"`), 422, "body.filter"},
		{"a filter of too many terms", with(`"kind":"site","filter":"` + terms(65) + `"`), 422, "body.filter"},
		{"a time of sites", with(`"kind":"site","from":"2026-01-01T00:00:00Z"`), 422, "body.kind"},
		{"a window that ends before it begins", with(`"kind":"event","from":"2026-01-02T00:00:00Z","to":"2026-01-01T00:00:00Z"`), 422, "body.to"},
		{"an empty window", with(`"kind":"event","from":"2026-01-02T00:00:00Z","to":"2026-01-02T00:00:00Z"`), 422, "body.to"},
		{"a time out of all years", with(`"kind":"event","to":"1969-01-01T00:00:00Z"`), 422, "body.to"},
		{"no time", with(`"kind":"event","to":"yesterday"`), 422, "body.to"},
	} {
		rec := w.count(c.body)
		if rec.Code != c.status {
			t.Errorf("%s: status %d: %.300s", c.name, rec.Code, rec.Body)
			continue
		}
		p := refusal(t, rec)
		if c.location != "" && !slices.ContainsFunc(p.Errors, func(e FieldError) bool { return e.Location == c.location }) {
			t.Errorf("%s: %+v, want %s", c.name, p.Errors, c.location)
		}
	}
}

func terms(n int) string { return strings.TrimPrefix(strings.Repeat(" or status='open'", n), " or ") }

// crowd puts features at random places of a square around the town into the database.
const crowd = `
select setseed(0.4);
insert into person (source_id, key, class, birth, geom, place_id, hash)
	select 2, 'c' || i, 1, date '1930-01-01' + (random() * 30000)::int, st_setsrid(st_makepoint(113 + random() / 5, 23 + random() / 10), 4326), 5, '' from generate_series(1, 1500) i;
insert into site (source_id, key, name, class, geom, anchor, place_id, hash)
	select 3, 'c' || i, '', 1 + i % 2, p, p, case when i % 3 > 0 then 5 end, '' from (select i, st_setsrid(st_makepoint(113 + random() / 5, 23 + random() / 10), 4326) p from generate_series(1, 1500) i) x;
insert into event (source_id, key, class, status, level, title, reported_at, geom, place_id, hash)
	select 3, 'c' || i, 1 + i % 2, i % 9, 3, '', timestamptz '2026-01-01' + i * interval '1 hour', st_setsrid(st_makepoint(113 + random() / 5, 23 + random() / 10), 4326), 5, '' from generate_series(1, 1500) i;`

// Over random areas, kinds, filters, windows and layers the counts are those of SQL. Places are kept to a centimetre,
// so what lies within two of the border may fall on either side; PostGIS itself tells a border's points apart only by
// the name of the function.
func TestCountsAreThoseOfSQL(t *testing.T) {
	w := newTown(t, func(o *Options) {
		o.Scope = func(*http.Request) layers.Scope { return layers.Internal("test") }
		pool, ok := o.Postgres.(*pgxpool.Pool)
		if !ok {
			t.Fatal("no pool")
		}
		if _, err := pool.Exec(t.Context(), crowd); err != nil {
			t.Fatal(err)
		}
	})
	conditions := map[layers.Kind][][3]string{ // filter, layer, the same in SQL
		layers.KindPerson: {{"", "", "true"}, {"", "elderly", "age(current_date, birth) >= interval '60 years'"}},
		layers.KindSite:   {{"", "", "true"}, {"class='park'", "", "class = 2"}, {"", "schools", "class = 1"}},
		layers.KindEvent: {
			{"", "", "true"}, {"status='close'", "", "status = 7"}, {"category='flood' or status='report'", "", "(class = 2 or status = 1)"},
			{"status<>'close'", "fires", "class = 1 and status <> 7"},
		},
	}
	rapid.Check(t, func(rt *rapid.T) {
		shape := drawArea(rt)
		kind := rapid.SampledFrom(layers.Kinds).Draw(rt, "kind")
		c := rapid.SampledFrom(conditions[kind]).Draw(rt, "condition")
		q := AreaQuery{Area: geoJSON(rt, shape), Kind: string(kind), Filter: c[0]}
		if c[1] != "" {
			q.Layers = []string{c[1]}
		}
		where := c[2]
		if kind == layers.KindEvent && rapid.Bool().Draw(rt, "timed") {
			from := time.Date(2026, 1, 1, rapid.IntRange(0, 1500).Draw(rt, "from"), 0, 0, 0, time.UTC)
			to := from.Add(time.Duration(rapid.IntRange(1, 900).Draw(rt, "hours")) * time.Hour)
			q.From, q.To = &from, &to
			where += fmt.Sprintf(" and reported_at >= '%s' and reported_at < '%s'", from.Format(time.RFC3339), to.Format(time.RFC3339))
		}
		got := answer[AreaCounts](t, w.count(encoded(t, q)))
		n := got.Kinds[0].Count
		if len(got.Layers) > 0 {
			n = got.Layers[0].Count
		}
		var surely, perhaps int
		point := map[layers.Kind]string{layers.KindPerson: "geom", layers.KindSite: "anchor", layers.KindEvent: "geom"}[kind]
		if err := w.pool.QueryRow(t.Context(), fmt.Sprintf(`select
			count(*) filter (where st_contains($1, %[1]s) and not st_dwithin(st_boundary($1), %[1]s, 2e-7)),
			count(*) filter (where st_dwithin($1, %[1]s, 2e-7))
			from %[2]s where %[3]s`, point, kind, where), shape).Scan(&surely, &perhaps); err != nil {
			rt.Fatal(err)
		}
		if *n < surely || *n > perhaps || perhaps-surely > 3 {
			rt.Fatalf("%s: %d, SQL says %d to %d", encoded(t, q), *n, surely, perhaps)
		}
	})
}

// drawArea draws one or two stars apart, each perhaps with a hole.
func drawArea(t *rapid.T) orb.MultiPolygon {
	var mp orb.MultiPolygon
	for i := range rapid.IntRange(1, 2).Draw(t, "polygons") {
		centre := orb.Point{113.05 + float64(i)*0.1, 23.05}
		points := rapid.IntRange(3, 60).Draw(t, "points")
		var outer, inner orb.Ring
		for v := range points {
			s, c := math.Sincos(2 * math.Pi * (float64(v) + 0.4) / float64(points))
			r := rapid.Float64Range(0.02, 0.048).Draw(t, "radius")
			outer = append(outer, orb.Point{centre[0] + r*c, centre[1] + r*s})
			inner = append(inner, orb.Point{centre[0] + 0.009*c, centre[1] + 0.009*s})
		}
		polygon := orb.Polygon{append(outer, outer[0])}
		if points > 8 && rapid.Bool().Draw(t, "hole") {
			slices.Reverse(inner)
			polygon = append(polygon, append(inner, inner[0]))
		}
		mp = append(mp, polygon)
	}
	return mp
}

func geoJSON(t *rapid.T, shape orb.MultiPolygon) Area {
	var g orb.Geometry = shape
	if len(shape) == 1 {
		g = shape[0]
	}
	b, err := json.Marshal(geojson.NewGeometry(g))
	if err != nil {
		t.Fatal(err)
	}
	var a Area
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// Areas that share a border count each feature once, also those on the border.
func testNeighboursCountOnce(t *testing.T, w *town) {
	count := func(x0, y0, x1, y1 float64) int {
		got := answer[AreaCounts](t, w.count(fmt.Sprintf(
			`{"kind":"site","area":{"type":"Polygon","coordinates":[[[%[1]v,%[2]v],[%[3]v,%[2]v],[%[3]v,%[4]v],[%[1]v,%[4]v],[%[1]v,%[2]v]]]}}`, x0, y0, x1, y1)))
		return *got.Kinds[0].Count
	}
	// A school lies at 113.051, 23.05, the park at 113.0515, 23.052.
	for _, x := range []float64{113.0505, 113.051, 113.0515, 113.06} {
		for _, y := range []float64{23.049, 23.05, 23.052} {
			parts := []int{count(113, 23, x, y), count(x, 23, 113.2, y), count(113, y, x, 23.1), count(x, y, 113.2, 23.1)}
			if sum := parts[0] + parts[1] + parts[2] + parts[3]; sum != 3 {
				t.Errorf("cut at %v, %v: %v", x, y, parts)
			}
		}
	}
}

// Whatever is sent as an area is refused with a place in it, or is one.
func FuzzArea(f *testing.F) {
	for _, seed := range []string{
		everything, `{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}`, `{"type":"MultiPolygon","coordinates":[]}`,
		`{"type":"MultiPolygon","coordinates":[[[[0,0],[9,0],[9,9],[0,0]]],[[[5,1],[6,1],[6,2],[5,1]]]]}`, `{"type":"Polygon","coordinates":[[[0,0,1],[1,0],[1,1],[0,0]],null]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var a Area
		if json.Unmarshal([]byte(text), &a) != nil {
			return
		}
		mp, err := a.multiPolygon("area")
		if err != nil {
			if layers.CodeOf(err) != layers.CodeInvalid {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		for _, polygon := range mp {
			for _, ring := range polygon {
				if len(ring) < 4 || ring[0] != ring[len(ring)-1] {
					t.Fatalf("%v is no ring", ring)
				}
			}
		}
		if len(mp) == 0 {
			t.Fatal("nothing is an area")
		}
	})
}
