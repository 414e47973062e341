package api

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/index"
	"onepicture/sql/sqltest"
)

// hamlets are how many persons live in the grids of the synthetic village. Of them i mod 8 are old, and the half are of the
// second class: whole grids are small, and parts of large ones.
var hamlets = []int{1, 3, 5, 9, 14, 19, 20, 20, 21, 22, 22, 23, 24, 25, 26, 27, 40, 61}

// hamletsSQL are grids side by side, each 0.005° wide, below the first town's village, with their persons.
func hamletsSQL() string {
	var b strings.Builder
	b.WriteString("delete from person;")
	for i, n := range hamlets {
		west := 113.001 + float64(i)*0.005
		fmt.Fprintf(&b, `insert into place (id, code, level, parent_id, name, geom, label, area_m2, source_id) values (%[1]d, '990101001000%03[1]d', 4, 4, 'g',
			st_multi(st_makeenvelope(%[2]v, 23.01, %[3]v, 23.02, 4326)), st_setsrid(st_makepoint(%[4]v, 23.015), 4326), 1e5, 1);
			insert into person (source_id, key, class, birth, geom, place_id, hash)
			select 2, 'h%[1]d.' || j, 1 + j %% 2, case when j <= %[6]d then date '1940-01-01' else date '2000-01-01' end,
				st_setsrid(st_makepoint(%[4]v, 23.015), 4326), %[1]d, '' from generate_series(1, %[5]d) j;`,
			100+i, west, west+0.005, west+0.0025, n, truth(i, "old"))
	}
	b.WriteString("insert into class (kind, id, code, name) values ('person', 2, 'migrant', '流动')")
	return b.String()
}

// attacker is somebody who asks by any of several accounts, and remembers.
type attacker struct {
	*town
	t     *testing.T
	scope *layers.Scope
	r     *rand.Rand
	cells map[string]int // account's k, grid, column → the number that a question about it alone told
	asked int
	nulls int
	wrong int
}

// accounts differ in k and in the grids that they see; colluding, they see the same grids under both.
func (a *attacker) accounts() (out []layers.Scope) {
	for _, k := range []int{10, 5} {
		sees := func(places ...layers.PlaceID) layers.Scope {
			var r layers.Reach
			for _, p := range places {
				r.Places.Add(p)
			}
			return layers.Scope{Actor: fmt.Sprint("k", k), Person: layers.Sight{Counts: r}, Threshold: k}
		}
		all := sees()
		all.Person.Counts = layers.Everywhere()
		out = append(out, all)
		var half []layers.PlaceID
		for i := range hamlets {
			out = append(out, sees(layers.PlaceID(100+i)))
			if i%2 == 0 {
				half = append(half, layers.PlaceID(100+i))
			}
		}
		out = append(out, sees(half...))
	}
	return out
}

func label(i int) float64 { return 113.001 + float64(i)*0.005 + 0.0025 }

func (a *attacker) polygon(w, e float64, layer string) *int {
	body := fmt.Sprintf(`{"area":{"type":"Polygon","coordinates":[[[%[1]v,23.012],[%[2]v,23.012],[%[2]v,23.018],[%[1]v,23.018],[%[1]v,23.012]]]},"kind":"person"`, w, e)
	if layer != "" {
		body += `,"layers":["` + layer + `"]`
	}
	got := answer[AreaCounts](a.t, a.count(body+"}"))
	if layer != "" {
		return got.Layers[0].Count
	}
	return got.Kinds[0].Count
}

// tile is the sum of a tile's cells, and whether one of them is only told to be few.
func (a *attacker) tile(set string, at geo.Tile) (sum int, few bool) {
	rec := a.get(fmt.Sprintf("/tiles/%s/%v.mvt", set, at))
	if rec.Code == http.StatusNoContent {
		return 0, false
	}
	l := decode(a.t, rec.Body.Bytes())[set]
	if l == nil {
		return 0, false
	}
	for _, f := range l.Features {
		if n, ok := f.Properties["n"].(float64); ok {
			sum += int(n)
		} else {
			few = true
		}
	}
	return sum, few
}

// hold compares an answer with the sum of what single grids told: if it is that sum, it tells nothing more.
func (a *attacker) hold(what string, scope layers.Scope, column string, got *int, inside func(i int) bool) {
	a.asked++
	sum := 0
	for i := range hamlets {
		if inside(i) && scope.Person.Counts.Has(layers.PlaceID(100+i)) {
			sum += a.cells[fmt.Sprint(scope.Threshold, i, column)]
		}
	}
	if got == nil {
		a.nulls++
	}
	if got == nil && sum >= scope.Threshold || got != nil && *got != sum {
		a.wrong++
		if a.wrong < 5 {
			a.t.Errorf("%s, k=%d, %q: told %v, the single grids tell %d", what, scope.Threshold, column, got, sum)
		}
	}
}

var columns = []string{"", "old", "young"}

// one asks a question at random.
func (a *attacker) one(accounts []layers.Scope) {
	scope := accounts[a.r.IntN(len(accounts))]
	*a.scope = scope
	column := columns[a.r.IntN(len(columns))]
	switch a.r.IntN(4) {
	case 0: // an area between any two lines
		w, e := 113+0.1*a.r.Float64(), 113+0.1*a.r.Float64()
		if w > e {
			w, e = e, w
		}
		a.hold("area", scope, column, a.polygon(w, e, column), func(i int) bool {
			lon, _ := geo.KeyOf(label(i), 23.015).LonLat() // as it is kept, to a centimetre
			return lon > w && lon < e
		})
	case 1: // a tile
		set := column
		if set == "" {
			set = "people"
		}
		at := geo.TileOf(geo.KeyOf(113+0.1*a.r.Float64(), 23.015), uint8(8+a.r.IntN(10)))
		sum, few := a.tile(set, at)
		lo, hi := at.Range()
		if !few {
			a.hold("tile "+at.String(), scope, column, &sum, func(i int) bool {
				key := geo.KeyOf(label(i), 23.015)
				return key >= lo && key <= hi
			})
		} else { // a cell that is only few holds nothing that the others do not tell
			a.asked++
		}
	case 2: // the panel of a place, with classes and layers
		code, inside := villageA, func(int) bool { return true }
		if n := a.r.IntN(len(hamlets)); a.r.IntN(2) == 0 {
			code, inside = fmt.Sprintf("990101001000%03d", 100+n), func(i int) bool { return i == n }
		}
		f := answer[Figures](a.t, a.get("/api/places/"+code+"/figures"))
		told := f.Totals.Person
		for _, l := range f.Layers {
			if l.Code == column {
				told = l.Count
			}
		}
		a.hold("panel "+code, scope, column, told, inside)
	case 3: // conditions of one's own, time windows, lists, records
		a.asked++
		for _, q := range []asked{
			{"POST", countRoute, `{"area":` + everything + `,"kind":"person","filter":"age > 80"}`},
			{"POST", countRoute, `{"area":` + everything + `,"kind":"person","from":"2026-01-01T00:00:00Z"}`},
			{"GET", "/tiles/people/12/3333/1777.mvt?filter=age%3E80", ""},
			{"GET", "/api/people?place=" + villageA, ""}, {"GET", fmt.Sprintf("/api/people/%d", a.r.IntN(300)), ""},
		}[a.r.IntN(5):][:1] {
			if r := a.reply(q); !strings.HasPrefix(r, "4") {
				a.wrong++
				a.t.Errorf("%s %s: %.200s", q.method, q.target, r)
			}
		}
	}
}

// asksMany is how long the attacker goes on: -questions 100000 takes a minute or two.
var asksMany = flag.Int("questions", 10_000, "how many questions the attacker asks")

// Many questions by colluding accounts tell no more than one number a grid and column, and that number is
// within k of the truth on both sides; a person who comes or goes changes no answer.
func TestDifferencing(t *testing.T) {
	previous := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	defer slog.SetDefault(previous)
	a := attackVillage(t)
	accounts := a.accounts()
	a.learn()
	for a.asked < *asksMany {
		a.one(accounts)
	}
	t.Logf("%d questions by %d accounts, %d answers were not told, %d tell more than the single grids", a.asked, len(accounts), a.nulls, a.wrong)
	a.bound()
	a.presence(accounts)
}

func attackVillage(t *testing.T) *attacker {
	t.Helper()
	pool := sqltest.DB(t)
	text := townSQL(t)
	for _, sql := range []string{text, hamletsSQL(), `insert into layer (code, kind, bit, "group", name, filter) values ('people', 'person', 1, 'g', 'p', ''),
		('old', 'person', 2, 'g', 'o', 'age >= 60'), ('young', 'person', 3, 'g', 'y', 'age < 60')`} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	scope := new(layers.Scope)
	w := openTown(t, pool, func(o *Options) { o.Scope = func(*http.Request) layers.Scope { return *scope } })
	return &attacker{town: w, t: t, scope: scope, r: rand.New(rand.NewPCG(1, 2)), cells: map[string]int{}}
}

// learn asks for each grid alone under both k.
func (a *attacker) learn() {
	for _, k := range []int{5, 10} {
		*a.scope = layers.Scope{Person: layers.Sight{Counts: layers.Everywhere()}, Threshold: k}
		for i := range hamlets {
			for _, column := range columns {
				a.asked++
				told := 0
				if n := a.polygon(label(i)-0.001, label(i)+0.001, column); n != nil {
					told = *n
				}
				a.cells[fmt.Sprint(k, i, column)] = told
			}
		}
	}
}

// truth is the exact number of a grid's column.
func truth(i int, column string) int {
	n := hamlets[i]
	old := min(n, i%8)
	switch column {
	case "old":
		return old
	case "young":
		return n - old
	}
	return n
}

// bound checks what the attacker knows now against the truth: for no cell is anything told below k, of every number at
// least k values stay possible under each k, and at least five under the two together. Of a grid of less than twenty, for
// which nothing was released yet, zero is told.
func (a *attacker) bound() {
	least, small := 1<<30, 0
	for i := range hamlets {
		for _, column := range columns {
			n := truth(i, column)
			lo, hi := 0, 1<<30
			for _, k := range []int{5, 10} {
				v := a.cells[fmt.Sprint(k, i, column)]
				if v%k != 0 || v > 0 && v < k || n <= v-k || n >= v+k && (v > 0 || hamlets[i] >= 20) {
					a.t.Errorf("grid %d %q: %d persons, k=%d tells %d", i, column, n, k, v)
				}
				lo, hi = max(lo, v-k+1), min(hi, max(v+k-1, 19*boolean(v == 0 && hamlets[i] < 20)))
			}
			least = min(least, hi-max(lo, 0)+1)
			if n > 0 && n < 5 {
				small++
				if lo > 0 && hi-lo+1 < 5 {
					a.t.Errorf("grid %d %q: %d persons are known to be %d to %d", i, column, n, lo, hi)
				}
			}
		}
	}
	a.joint()
	a.t.Logf("of %d cells, %d of them small, the attacker keeps at least %d possible numbers each", len(hamlets)*len(columns), small, least)
	if least < 5 {
		a.t.Errorf("a number is known to one of %d", least)
	}
}

// joint looks what is left when the attacker also knows that the old and the young are all: every pair of numbers that fits
// all that was told is possible. Of no number fewer than three values are left, and none below k but zero is certain.
func (a *attacker) joint() {
	fits := func(i, n int, column string) bool {
		for _, k := range []int{5, 10} {
			v := a.cells[fmt.Sprint(k, i, column)]
			if n <= v-k || n >= v+k && (v > 0 || n >= 20) {
				return false
			}
		}
		return true
	}
	least := 1 << 30
	for i := range hamlets {
		possible := map[string]map[int]bool{"": {}, "old": {}, "young": {}}
		for old := range 80 {
			for young := range 80 {
				if fits(i, old, "old") && fits(i, young, "young") && fits(i, old+young, "") {
					possible[""][old+young], possible["old"][old], possible["young"][young] = true, true, true
				}
			}
		}
		for column, values := range possible {
			least = min(least, len(values))
			if !values[truth(i, column)] || len(values) < 3 {
				a.t.Errorf("grid %d %q: %d values are possible of %d", i, column, len(values), truth(i, column))
			}
		}
	}
	a.t.Logf("with what adds up, at least %d values each are left", least)
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// presence lets a person come and another go: not one answer changes.
func (a *attacker) presence(accounts []layers.Scope) {
	var list []asked
	for i := range hamlets {
		w, e := label(i)-0.001, label(i)+0.001
		list = append(list, asked{"POST", countRoute, fmt.Sprintf(`{"area":{"type":"Polygon","coordinates":[[[%[1]v,23.012],[%[2]v,23.012],[%[2]v,23.018],[%[1]v,23.018],[%[1]v,23.012]]]},"kind":"person","layers":["old","young","people"]}`, w, e)},
			asked{"GET", fmt.Sprintf("/api/places/990101001000%03d/figures", 100+i), ""},
			asked{"GET", fmt.Sprintf("/tiles/people,old,young/%v.mvt", geo.TileOf(geo.KeyOf(label(i), 23.015), 16)), ""})
	}
	list = append(list, asked{"GET", "/api/places/" + cityCode + "/figures", ""}, asked{"GET", "/api/places/all/figures", ""}, asked{"GET", "/health", ""}, asked{"GET", "/metrics", ""})
	ask := func() (out []string) {
		for _, s := range accounts {
			*a.scope = s
			for _, q := range list {
				r := a.reply(q)
				if q.target == "/metrics" {
					r = strings.Join(slicesOf(r, "onepicture_index_person_features "), "")
				}
				out = append(out, r)
			}
		}
		return out
	}
	before := ask()
	if _, err := a.pool.Exec(a.t.Context(), `
		with came as (insert into person (source_id, key, class, birth, geom, place_id, hash)
			select 2, 'new', 1, '1940-01-01', geom, place_id, '' from person where place_id = 110 limit 1 returning id, geom, place_id)
		insert into change (actor, reason, kind, op, ids, new_geom, new_place) select 't', 't', 'person', 'batch', int8multirange(int8range(id, id, '[]')), geom, place_id from came;
		with gone as (delete from person where id = (select min(id) from person where place_id = 108) returning id, geom, place_id)
		insert into change (actor, reason, kind, op, feature_id, old_geom, old_place) select 't', 't', 'person', 'delete', id, geom, place_id from gone`); err != nil {
		a.t.Fatal(err)
	}
	grid := func(place layers.PlaceID) int {
		return a.Store.Index().Snapshot().Count(index.Query{Kind: layers.KindPerson, Scope: layers.Internal("t"), Place: place})
	}
	waitUntil(a.t, func() bool { return grid(110) == truth(10, "")+1 && grid(108) == truth(8, "")-1 })
	if err := a.Store.Release(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
	after := ask()
	changed := 0
	for i := range before {
		if before[i] != after[i] {
			if changed++; changed < 3 {
				a.t.Errorf("it is seen that somebody came or went:\n%s\n%s", before[i], after[i])
			}
		}
	}
	a.t.Logf("one person came and one went: %d of %d answers changed", changed, len(before))
}

func slicesOf(text, prefix string) (out []string) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) {
			out = append(out, line)
		}
	}
	return out
}
