package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/cache"
	"onepicture/layers/dispatch"
	"onepicture/layers/ledger"
	"onepicture/sql/sqltest"
)

// The proof that no byte comes from outside a scope compares worlds: a world and its twin are equal in all that the scope
// may know and differ elsewhere. Whatever is asked, both must answer with the same bytes. Nobody has to guess how a leak
// would look like.

// alike makes times and roundings the same in every world, puts features into the second town too, and into the first
// events of two departments.
const alike = `
update release_secret set secret = '\x0102030405060708090a0b0c0d0e0f10';
update source set last_at = timestamptz '2026-01-05 00:00Z' where last_at is not null;
insert into site (source_id, key, name, class, status, attributes, geom, anchor, place_id, hash)
select 3, 'b' || i, 'B场所' || i, 1, 1, '{"who": "B"}', st_setsrid(st_makepoint(113.15 + i * 0.0001, 23.05), 4326), st_setsrid(st_makepoint(113.15 + i * 0.0001, 23.05), 4326), 3, ''
from generate_series(1, 13) i;
insert into event (source_id, key, class, level, status, channel, title, description, reported_at, geom, place_id, hash)
select 3, 'b' || i, 1, 2, 1, 2, 'B事件' || i, 'B', now(), st_setsrid(st_makepoint(113.15 + i * 0.0001, 23.05), 4326), 3, '' from generate_series(1, 17) i;
insert into department (code, name, name_en) values ('roads', '城管', 'Roads');
insert into event (source_id, key, class, level, status, channel, title, description, reported_at, geom, place_id, department_id, hash)
select 3, 'd' || i, 1 + i % 2, 2, 1, 2, case i % 2 when 0 then '消防事件' else 'D事件' end || i, 'D', now(),
    st_setsrid(st_makepoint(113.05 + i * 0.0001, 23.053), 4326), 5, 1 + i % 2, '' from generate_series(1, 12) i;
insert into event_step (event_id, step, actor, at, done_at, from_status, to_status, version, command, note)
select id, 'note', 'x', timestamptz '2026-01-05 00:00Z', timestamptz '2026-01-05 00:00Z', 1, 1, 1, 3, 'D事件' from event where department_id = 2;
insert into instruction (text, actor, at, place_id, event_id)
select 'D事件', 'x', timestamptz '2026-01-05 00:00Z', 5, min(id) from event where department_id = 2;
update event set reported_at = timestamptz '2026-01-05 00:00Z' + id * interval '1 minute', due_at = null, closed_at = case when status = 7 then timestamptz '2026-01-06 00:00Z' end;
update site set updated_at = timestamptz '2026-01-05 00:00Z'`

// onDuty puts workers on duty into both towns, and instructions to them. Two belong to no place; they share where they are
// in none of the worlds but in the twins with other numbers.
const onDuty = `
insert into unit (id, code, name, level, place_id, department_id) values
	(1, 'jiangwan', '江湾社区', 3, 4, null), (2, 'yundong', '云东镇', 2, 3, null), (3, 'brigade', '消防队', 1, null, 1);
insert into worker (id, actor, unit_id, label, on_duty) values (1, 'w1', 1, 'A网格员1', true), (2, 'w2', 1, 'A网格员2', true),
	(3, 'w3', 2, 'B网格员3', true), (4, 'w4', 2, 'B网格员4', true), (5, 'w5', 3, '消防员5', true), (6, 'w6', 3, '消防员6', true);
insert into presence (worker_id, place_id, geom, seen_at)
select id, case unit_id when 1 then 5 else 3 end, st_setsrid(st_makepoint(case unit_id when 1 then 113.051 else 113.149 end + id * 0.001, 23.05), 4326), now()
from worker where unit_id < 3;
insert into instruction (text, actor, at, place_id) values ('A去看看', 'x', timestamptz '2026-01-05 00:00Z', 4), ('B去看看', 'x', timestamptz '2026-01-05 00:00Z', 3);
insert into instruction_to (instruction_id, worker_id) values (2, 1), (2, 2), (3, 3), (3, 4)`

// otherDepartment gives other words to the events of the second department.
const otherDepartment = `
update event set title = 'X' || title, description = 'X', address = 'X', attributes = '{"x": 1}' where department_id = 2;
update event_step set note = 'X' where note = 'D事件';
update instruction set text = 'X' where event_id is not null`

// The twins: other words, or other numbers, in one town. A place of the first town is 2, 4 or 5, the second is 3.
const (
	otherWords = `
update site set name = 'X' || name, address = 'X', attributes = '{"who": "X"}' where place_id %[1]s;
update event set title = 'X' || title, description = 'X', address = 'X', attributes = '{"x": 1}' where place_id %[1]s;
update presence set geom = st_translate(geom, -0.0007, 0.0007), seen_at = seen_at - interval '7 minutes' where place_id %[1]s;
update instruction set text = 'X' || text where place_id %[1]s;
update person set plain_name = '别人', plain_id_number = '11010119300101' || lpad(id::text, 4, '0'), plain_phone = '137' || lpad(id::text, 8, '0') where place_id %[1]s`
	otherNumbers = `
insert into person (source_id, key, plain_name, class, birth, care, geom, place_id, hash)
select 2, 'x' || i, '别人', 1, date '1930-01-01', 1, st_setsrid(st_makepoint(%[2]v, 23.05), 4326), %[3]d, '' from generate_series(1, 41) i;
insert into site (source_id, key, name, class, geom, anchor, place_id, hash, updated_at)
select 3, 'x' || i, 'X', 1, st_setsrid(st_makepoint(%[2]v, 23.05), 4326), st_setsrid(st_makepoint(%[2]v, 23.05), 4326), %[3]d, '', timestamptz '2026-01-05 00:00Z' from generate_series(1, 5) i;
insert into presence (worker_id, place_id, geom, seen_at)
select id, %[3]d, st_setsrid(st_makepoint(%[2]v, 23.05), 4326), now() from worker where unit_id = 3;
insert into instruction (text, actor, at, place_id) values ('X', 'x', timestamptz '2026-01-05 00:00Z', %[3]d);
insert into instruction_to (instruction_id, worker_id) select 4, id from worker where unit_id = 3;
insert into event (source_id, key, class, level, status, channel, title, reported_at, geom, place_id, hash)
select 3, 'x' || i, 1, 1, 1, 2, 'X', timestamptz '2026-01-05 12:00Z', st_setsrid(st_makepoint(%[2]v, 23.05), 4326), %[3]d, '' from generate_series(1, 7) i`
)

// oneMoment is when all worlds are asked: an hour that ends between two of them would tell them apart.
var oneMoment = time.Now()

// leakWorld is a small city with both towns filled, after more SQL.
func leakWorld(t *testing.T, more string, change func(*Options, *pgxpool.Pool)) (*town, *layers.Scope) {
	t.Helper()
	pool := sqltest.DB(t)
	for _, sql := range []string{townSQL(t), alike, onDuty, more} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := townKeys(t).Reseal(t.Context(), pool, nil); err != nil {
		t.Fatal(err)
	}
	client, err := cache.OpenRedis(sqltest.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	scope := new(layers.Scope)
	w := openTown(t, pool, func(o *Options) {
		o.Scope = func(*http.Request) layers.Scope { return *scope }
		o.Now = func() time.Time { return oneMoment }
		c, err := cache.New(cache.Options{Redis: client, Prefix: t.Name() + pool.Config().ConnConfig.Database})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		o.Cache = c
		if change != nil {
			change(o, pool)
		}
	})
	for _, c := range []struct{ place, title string }{{"2", "A变更"}, {"3", "B变更"}} { // for the stream that resumes
		seeded, err := w.ledger.Write(t.Context(), ledger.Act{Actor: "seed", Reason: "seed"}, func(tx *ledger.Tx) error {
			var id int64
			if err := tx.QueryRow(t.Context(), `update event set position = pg_current_xact_id() where id = (select min(id) from event
				where place_id = any($1::int[])) returning id`, map[string][]int32{"2": {5}, "3": {3}}[c.place]).Scan(&id); err != nil {
				return err
			}
			place := map[string]layers.PlaceID{"2": 5, "3": 3}[c.place]
			at := &layers.Location{Place: place, Layers: 3}
			tx.Record(layers.Change{Kind: layers.KindEvent, Op: layers.OpPut, FeatureID: id, Old: at, New: at, Record: &layers.Record{
				ID: id, Place: place, Class: 1, Status: 1, Level: 1, Time: layers.Minutes(oneMoment), Key: geo.KeyOf(113.05+0.1*float64(place%2*0), 23.05)}})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		w.reach(t, seeded.Position.String()) // or worlds would be compared of which one has not applied it yet
	}
	return w, scope
}

// part is the reach of a town: the first is its town, village and grid, the second itself.
func part(name string) (r layers.Reach) {
	switch name {
	case "A":
		r.Places.Add(2)
		r.Places.Add(4)
		r.Places.Add(5)
	case "B":
		r.Places.Add(3)
	case "AB":
		r.Places.Add(1)
		return r.With(part("A")).With(part("B"))
	case "all":
		return layers.Everywhere()
	}
	return r
}

// role is a scope with what it sees of each kind: counts, then records, by town.
type role struct {
	name                string
	person, site, event [2]string
	rights              layers.Rights
	department          int16 // whose events in the first town it sees one by one; 0: no department's
}

var roles = []role{
	{"nobody", [2]string{}, [2]string{}, [2]string{}, 0, 0},
	{"wall of all", [2]string{"all"}, [2]string{"all"}, [2]string{"all"}, 0, 0},
	{"wall of A", [2]string{"A"}, [2]string{"A"}, [2]string{"A"}, 0, 0},
	{"wall of B", [2]string{"B"}, [2]string{"B"}, [2]string{"B"}, 0, 0},
	{"clerk of A", [2]string{"A", "A"}, [2]string{"A", "A"}, [2]string{"A", "A"}, layers.RightUnmask | layers.RightHandle | layers.RightReport, 0},
	{"clerk of B", [2]string{"B", "B"}, [2]string{"B", "B"}, [2]string{"B", "B"}, layers.RightUnmask | layers.RightHandle | layers.RightReport, 0},
	{"clerk of A, counts of all", [2]string{"all", "A"}, [2]string{"all", "A"}, [2]string{"all", "A"}, layers.RightUnmask | layers.RightHandle, 0},
	{"clerk of B, counts of all", [2]string{"all", "B"}, [2]string{"all", "B"}, [2]string{"all", "B"}, layers.RightUnmask | layers.RightHandle, 0},
	{"town duty of A", [2]string{"A"}, [2]string{"all", "A"}, [2]string{"all", "A"}, layers.RightHandle | layers.RightReport, 0},
	{"town duty of B", [2]string{"B"}, [2]string{"all", "B"}, [2]string{"all", "B"}, layers.RightHandle, 0},
	{"analyst", [2]string{"AB"}, [2]string{"AB"}, [2]string{"AB"}, layers.RightExport, 0},
	{"sites of A alone", [2]string{}, [2]string{"A", "A"}, [2]string{}, 0, 0},
	{"events of B alone", [2]string{}, [2]string{}, [2]string{"B", "B"}, layers.RightHandle, 0},
	{"people of A alone", [2]string{"A", "A"}, [2]string{}, [2]string{}, layers.RightUnmask, 0},
	{"administrator of A", [2]string{}, [2]string{"A"}, [2]string{"A"}, layers.RightAccounts, 0},
	{"officer of roads in A", [2]string{}, [2]string{"A", "A"}, [2]string{"A"}, layers.RightReport | layers.RightHandle, 2}, // fills the caches before the next
	{"officer of fire in A", [2]string{}, [2]string{"A", "A"}, [2]string{"A"}, layers.RightReport | layers.RightHandle, 1},
}

func (r role) scope() layers.Scope {
	sight := func(s [2]string) layers.Sight { return layers.Sight{Counts: part(s[0]), Records: part(s[1])} }
	event := sight(r.event)
	if r.department != 0 {
		event.Owned = []layers.Owned{{Department: r.department, Reach: part("A")}}
	}
	return layers.Scope{
		Actor: "r:" + r.name[:min(len(r.name), 20)], Person: sight(r.person), Site: sight(r.site), Event: event, Rights: r.rights, Threshold: 10,
	}
}

// blind tells that the role sees nothing of a town, or no record of it; D stands for the events of the second department,
// which lie in the first town.
func (r role) blind(town string, records bool) bool {
	if town == "D" {
		return r.department != 2 && !strings.Contains(r.event[1], "A") && r.event[1] != "all"
	}
	for _, s := range [][2]string{r.person, r.site, r.event} {
		if strings.Contains(s[1], town) || s[1] == "all" || !records && (strings.Contains(s[0], town) || s[0] == "all") {
			return false
		}
	}
	return true
}

type asked struct{ method, target, body string }

// questions are every address of the document with every id and code, and tiles, areas, searches and errors.
func questions(t *testing.T) (out []asked) {
	t.Helper()
	document, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal(document, &d); err != nil {
		t.Fatal(err)
	}
	codes := []string{cityCode, townA, townB, villageA, gridA, wholeCode, "x"}
	get := func(target string) { out = append(out, asked{"GET", target, ""}) }
	for path, methods := range d.Paths {
		if op, ok := methods["get"]; !ok || strings.HasPrefix(path, "/health") || strings.HasPrefix(path, "/api/audit") || path == streamRoute || op.OperationID == "tile" || op.OperationID == "tilejson" {
			continue
		}
		switch {
		case strings.Contains(path, "{code}"):
			for _, c := range codes {
				get(strings.ReplaceAll(path, "{code}", c))
			}
		case strings.Contains(path, "{id}"):
			for id := range 46 {
				get(strings.ReplaceAll(path, "{id}", fmt.Sprint(id)))
			}
		default:
			get(path)
		}
	}
	for _, c := range codes[:6] {
		for _, q := range []string{"&status=open", "&status=closed", "&category=fire", "&limit=2", "&limit=2&before=99999999.9"} {
			get("/api/events?place=" + c + q)
		}
		get("/api/people?place=" + c)
		get("/api/people?place=" + c + "&layer=elderly&limit=3")
	}
	for _, q := range []string{"B", "云", "99", "Yun"} {
		get("/api/places?q=" + q)
	}
	for _, set := range []string{"sites", "schools", "events", "fires", "elderly", "sites,events", "schools,fires", "elderly,sites,events", "base", "places", "palaces"} {
		get("/tiles/" + set + ".json")
		for _, z := range []uint8{0, 8, 12, 14, 16, 18} {
			for _, lon := range []float64{113.05, 113.1501, 112} {
				at := fmt.Sprintf("/tiles/%s/%v.mvt", set, geo.TileOf(geo.KeyOf(lon, 23.05), z))
				get(at)
				if set == "events" || set == "fires" {
					get(at + "?filter=" + "level%3D2")
					get(at + "?from=2026-01-05T00:00:00Z&to=2026-01-05T00:10:00Z")
				}
				if set == "sites" || set == "elderly" {
					get(at + "?filter=" + "status%3D%27open%27")
				}
			}
		}
	}
	box := func(w, e float64) string {
		return fmt.Sprintf(`{"type":"Polygon","coordinates":[[[%[1]v,22],[%[2]v,22],[%[2]v,24],[%[1]v,24],[%[1]v,22]]]}`, w, e)
	}
	post := func(target, body string) { out = append(out, asked{"POST", target, body}) }
	for _, area := range []string{box(112, 114), box(113, 113.1), box(113.1, 113.2), box(113.1501, 113.1502), box(113.0505, 113.16), box(10, 11)} {
		post(countRoute, `{"area":`+area+`}`)
		for _, layer := range []string{"sites", "schools", "events", "fires", "elderly"} {
			post(countRoute, `{"area":`+area+`,"layers":["`+layer+`"]}`)
		}
		post(countRoute, `{"area":`+area+`,"kind":"event","filter":"level=2 and category='fire'"}`)
		post(countRoute, `{"area":`+area+`,"kind":"event","from":"2026-01-05T00:05:00Z","to":"2026-01-05T00:12:00Z"}`)
		post(countRoute, `{"area":`+area+`,"kind":"site","filter":"status='open'"}`)
		post(countRoute, `{"area":`+area+`,"kind":"person","filter":"age>80"}`)
	}
	for _, number := range []string{"990101194001010001", "990102195001010001", "110101193001010031"} {
		post("/api/people/search", searchBody("idNumber", number, ""))
		post("/api/people/search", searchBody("idNumber", number, `,"beyond":true`))
	}
	for _, c := range codes[:5] {
		get("/api/presence?place=" + c)
		get("/api/units?place=" + c)
		post("/api/instructions", `{"text":"x","workers":[1,3,99],"place":"`+c+`"}`) // always refused: the worlds stay alike
	}
	for _, lon := range []float64{113.05, 113.1501} {
		post("/api/events/similar", fmt.Sprintf(`{"lon":%v,"lat":23.05,"datum":"WGS84","category":"fire","words":"B"}`, lon))
	}
	for id := range 46 {
		post(fmt.Sprintf("/api/people/%d/unmask", id), visit)
	}
	slices.SortFunc(out, func(a, b asked) int { return strings.Compare(a.target+a.body, b.target+b.body) })
	return out
}

// volatile is what differs between two databases whatever is in them.
var volatile = regexp.MustCompile(`"(position|asOf|at|until|seenAt)":"[^"]*"|"(?:next|version)":"?[0-9.]+"?|request [A-Z0-9-]+|(?m)^id: .*$`)

func (w *town) reply(q asked) string {
	r := call(q.method, q.target, strings.NewReader(q.body))
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, r)
	body := rec.Body.Bytes()
	if !bytes.HasPrefix([]byte(rec.Header().Get("Content-Type")), []byte(tileType)) {
		body = volatile.ReplaceAll(body, nil)
	}
	return fmt.Sprintf("%d %s", rec.Code, body)
}

// resumed is all that a stream tells of the past.
func (w *town) resumed(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(w.Handler())
	defer server.Close()
	answer, err := http.Get(server.URL + streamRoute + "?after=1")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was only read
	var out strings.Builder
	for in := bufio.NewScanner(answer.Body); in.Scan(); {
		if in.Text() == "event: position" {
			break
		}
		out.WriteString(volatile.ReplaceAllString(in.Text(), "") + "\n")
	}
	return out.String()
}

// forged gives every scope one class, as if it were no part of a tile's key.
func forged(s layers.Scope) layers.Scope {
	field := reflect.ValueOf(&s).Elem().FieldByName("class")
	reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().SetString("same")
	return s
}

type world struct {
	*town
	scope *layers.Scope
}

// twin is a world that differs from the first in one town.
type twin struct {
	world
	town    string
	records bool // words alone differ
}

// leaks asks every question by every role that is blind for a twin's difference, in both, and lists what differs.
func leaks(t *testing.T, base world, twins []twin, list []asked, change func(layers.Scope) layers.Scope) (tried int, found []string) {
	t.Helper()
	for _, w := range append([]world{base}, worldsOf(twins)...) { // who sees all comes first and fills the caches
		*w.scope = change(layers.Internal("all"))
		for _, q := range list {
			if strings.HasPrefix(q.target, tileRoutes) {
				w.reply(q)
			}
		}
	}
	for _, r := range roles {
		*base.scope = change(r.scope())
		answers := make([]string, len(list))
		for i, q := range list {
			answers[i] = base.reply(q)
		}
		stream := base.resumed(t)
		for _, other := range twins {
			if !r.blind(other.town, other.records) {
				continue
			}
			*other.scope = change(r.scope())
			for i, q := range list {
				tried++
				if got := other.reply(q); got != answers[i] {
					found = append(found, fmt.Sprintf("%s, blind for %s, by %s %s %s:\n%s", r.name, other.town, q.method, q.target, q.body, apart(answers[i], got)))
				}
			}
			tried++
			if got := other.resumed(t); got != stream {
				found = append(found, fmt.Sprintf("%s, blind for %s, by the stream:\n%s", r.name, other.town, apart(stream, got)))
			}
		}
	}
	return tried, found
}

// apart shows two answers where they part.
func apart(a, b string) string {
	at := 0
	for at < len(a) && at < len(b) && a[at] == b[at] {
		at++
	}
	from := max(0, at-100)
	return fmt.Sprintf("%.300q\n%.300q", a[from:], b[from:])
}

func worldsOf(twins []twin) (out []world) {
	for _, w := range twins {
		out = append(out, w.world)
	}
	return out
}

func TestNoByteFromOutside(t *testing.T) {
	open := func(more string, change func(*Options, *pgxpool.Pool)) world {
		w, scope := leakWorld(t, more, change)
		return world{w, scope}
	}
	words := func(where string) string { return fmt.Sprintf(otherWords, where) }
	numbers := func(lon float64, place int) string { return fmt.Sprintf(otherNumbers, "", lon, place) }
	base := open("", nil)
	twins := []twin{
		{open(words("= 3"), nil), "B", true}, {open(numbers(113.1503, 3), nil), "B", false},
		{open(words("in (2, 4, 5)"), nil), "A", true}, {open(numbers(113.0503, 5), nil), "A", false},
		{open(otherDepartment, nil), "D", true},
	}
	list := questions(t)
	as := func(s layers.Scope) layers.Scope { return s }
	tried, found := leaks(t, base, twins, list, as)
	t.Logf("%d answers of %d questions compared, %d differ", tried, len(list), len(found))
	if len(found) > 0 {
		t.Errorf("%d of %d answers tell of what is outside; the first:\n%s", len(found), tried, strings.Join(found[:min(len(found), 12)], "\n"))
	}
	if tried < 5000 {
		t.Errorf("only %d answers were compared", tried)
	}
	// The same test finds it when the scope is no part of a tile's key.
	if _, found := leaks(t, base, twins, list, forged); len(found) == 0 {
		t.Error("a scope that is no part of the key goes unnoticed")
	} else {
		t.Logf("with one class for all scopes %d answers differ", len(found))
	}
}

// The second lock alone, whatever the program says. fixedLock makes PostgreSQL see the first town only, fixedDepartment
// of its events only the first department's.
const (
	fixedLock = `
create or replace function scope_all(kind text) returns boolean language sql stable parallel safe return false;
create or replace function owned_all() returns smallint[] language sql stable parallel safe return '{}'::smallint[];
create or replace function scope_bits(kind text) returns bytea language sql stable parallel safe return '\x34'::bytea`
	fixedDepartment = fixedLock + `;
create or replace function scope_bits(kind text) returns bytea language sql stable parallel safe
return case kind when 'event' then ''::bytea else '\x34'::bytea end;
create or replace function owned_in() returns smallint[] language sql stable parallel safe return '{1}'::smallint[];
create or replace function owned_bits() returns bytea language sql stable parallel safe return '\x34'::bytea`
)

// Each lock holds alone: what the second town holds is told neither when the program forgets its predicates (it believes
// that the scope sees all) nor when PostgreSQL has no policy (requests come as the owner). With neither, it is told.
func TestEachLockHoldsAlone(t *testing.T) {
	asOwner := func(o *Options, owner *pgxpool.Pool) {
		o.Store.ReadThrough(owner)
		o.Desk = dispatch.New(owner, ledger.New(owner), o.Store, time.Now)
	}
	everything, own, officer := layers.Internal("all"), roles[4].scope(), roles[len(roles)-1].scope()
	ofB, ofD := []string{"B场所", "B事件", "密**", "B网格员", "B去"}, []string{"D事件"}
	list := slices.DeleteFunc(questions(t), func(q asked) bool {
		return q.method != "GET" || strings.HasPrefix(q.target, "/api/places") || strings.HasPrefix(q.target, "/tiles/places") || strings.Contains(q.target, ".json")
	})
	for _, c := range []struct {
		name   string
		more   string
		change func(*Options, *pgxpool.Pool)
		scope  layers.Scope
		words  []string
		tells  bool
	}{
		{"both", "", nil, own, ofB, false},
		{"the program's alone", "", asOwner, own, ofB, false},
		{"PostgreSQL's alone", fixedLock, nil, everything, ofB, false},
		{"none", "", asOwner, everything, ofB, true},
		{"a department, both", "", nil, officer, ofD, false},
		{"a department, the program's alone", "", asOwner, officer, ofD, false},
		{"a department, PostgreSQL's alone", fixedDepartment, nil, everything, ofD, false},
		{"a department, none", "", asOwner, everything, ofD, true},
	} {
		w, scope := leakWorld(t, c.more, c.change)
		*scope = c.scope
		told, workers := 0, 0
		for _, q := range list {
			r := w.reply(q)
			if strings.Contains(r, "B网格员") {
				workers++
			}
			if slices.ContainsFunc(c.words, func(word string) bool { return strings.Contains(r, word) }) {
				told++
				if !c.tells {
					t.Errorf("%s: %s tells %.200q", c.name, q.target, r)
				}
			}
		}
		t.Logf("%s: %d of %d answers tell of what is outside, %d of its workers", c.name, told, len(list), workers)
		if c.tells && (told < 20 || slices.Contains(c.words, "B网格员") && workers < 20) {
			t.Errorf("%s: only %d answers tell of it, %d of its workers: the test would not see a leak", c.name, told, workers)
		}
	}
}
