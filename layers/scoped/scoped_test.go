package scoped

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

// fill puts 200 places of one level below a city, and a person, an address, a site, an event and a change of each in every
// place, and one of each in no place. Ids of places go from 1 to 201.
const fill = `
insert into source (code, name, kind) values ('s', 's', 'mixed');
insert into place (code, level, name, source_id) values ('990000000000', 1, 'city', 1);
insert into place (code, level, parent_id, name, source_id)
select '99' || lpad(i::text, 10, '0'), 2, 1, 'town', 1 from generate_series(1, 200) i;
create temp table p as select i as n, nullif(i, 0) as place, st_setsrid(st_makepoint(113 + i * 0.001, 23), 4326) as geom from generate_series(0, 201) i;
insert into person (source_id, key, geom, place_id, hash) select 1, n::text, geom, place, '' from p;
insert into address (source_id, key, geom, place_id) select 1, n::text, geom, place from p;
insert into site (source_id, key, name, geom, anchor, place_id, hash) select 1, n::text, 's', geom, geom, place, '' from p;
insert into event (source_id, key, class, title, reported_at, geom, place_id, hash) select 1, n::text, 1, 'e', now(), geom, place, '' from p;
insert into change (actor, reason, kind, op, feature_id, new_place) select 'x', 'x', k, 'put', n + 1, place from p, unnest('{person,site,event}'::text[]) k;
insert into unit (code, name, level) values ('u', 'u', 1);
insert into assignment (event_id, unit_id, lead, assigned_at, assigned_by) select n + 1, 1, true, now(), 'x' from p;
insert into event_step (event_id, step, actor, at, done_at, from_status, to_status, version, command) select n + 1, 'x', 'x', now(), now(), 1, 1, 1, 1 from p;
insert into unmask (actor, kind, feature_id, purpose, reason, granted_at, expires_at) select 'a' || n, 'person', n + 1, 'care', 'r', now(), now() + '1 hour' from p`

// databases gives the owner's pool and that of requests.
func databases(t testing.TB, text string) (owner, requests *pgxpool.Pool) {
	t.Helper()
	owner = sqltest.DB(t)
	if _, err := owner.Exec(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	return owner, sqltest.Requests(t, owner)
}

func reach(places ...layers.PlaceID) (r layers.Reach) {
	for _, p := range places {
		r.Places.Add(p)
	}
	return r
}

// seen are the places of the rows that the scope sees.
func seen(t *testing.T, pool *pgxpool.Pool, scope layers.Scope, table string) (out []int) {
	t.Helper()
	column := "place_id"
	switch table {
	case "change":
		column = "new_place"
	case "assignment", "event_step": // the fixture's events are numbered by place
		column = "event_id - 1"
	}
	rows, err := On(pool, scope).Query(t.Context(), "select coalesce("+column+", 0) from "+table)
	if err != nil {
		t.Fatal(err)
	}
	if out, err = pgx.CollectRows(rows, pgx.RowTo[int]); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// The lock alone, without any predicate of the program: each kind shows what its own reach holds, and nothing else.
func TestRowsOfTheScopeAlone(t *testing.T) {
	_, pool := databases(t, fill)
	everything := make([]int, 202)
	for i := range everything {
		everything[i] = i
	}
	few := reach(0, 7, 8, 64, 200)
	tables := map[string]func(*layers.Scope) *layers.Reach{
		"person": func(s *layers.Scope) *layers.Reach { return &s.Person.Records },
		"site":   func(s *layers.Scope) *layers.Reach { return &s.Site.Records },
		"event":  func(s *layers.Scope) *layers.Reach { return &s.Event.Records },
	}
	for kind, of := range tables {
		for name, c := range map[string]struct {
			reach layers.Reach
			want  []int
		}{
			"nothing": {layers.Reach{}, nil}, "all": {layers.Everywhere(), everything}, "few": {few, []int{0, 7, 8, 64, 200}},
			"one": {reach(1), []int{1}}, "the last": {reach(201), []int{201}}, "in no place": {reach(0), []int{0}},
			"a place that is not there": {reach(5000), nil},
		} {
			var scope layers.Scope
			*of(&scope) = c.reach
			scope.Person.Counts, scope.Site.Counts, scope.Event.Counts = layers.Everywhere(), layers.Everywhere(), layers.Everywhere()
			for table := range tables {
				var want []int
				if table == kind {
					want = c.want
				}
				if got := seen(t, pool, scope, table); !slices.Equal(got, want) {
					t.Errorf("%s of %ss sees of %ss %v, want %v", name, kind, table, got, want)
				}
			}
			if got := seen(t, pool, scope, "change"); !slices.Equal(got, c.want) {
				t.Errorf("%s of %ss sees changes in %v, want %v", name, kind, got, c.want)
			}
			for _, table := range []string{"assignment", "event_step"} {
				if got := seen(t, pool, scope, table); kind == "event" && !slices.Equal(got, c.want) || kind != "event" && len(got) != 0 {
					t.Errorf("%s of %ss sees of %s %v", name, kind, table, got)
				}
			}
			if got := seen(t, pool, scope, "address"); kind == "person" && !slices.Equal(got, c.want) || kind != "person" && len(got) != 0 {
				t.Errorf("%s of %ss sees addresses in %v", name, kind, got)
			}
		}
	}
}

// A scope is gone with its query or transaction: the next user of the connection sees nothing by itself.
func TestScopeEndsWithItsTransaction(t *testing.T) {
	_, pool := databases(t, fill)
	count := func(what string) {
		t.Helper()
		for _, table := range []string{"person", "address", "site", "event"} {
			var n int
			if err := pool.QueryRow(t.Context(), "select count(*) from "+table).Scan(&n); err != nil || n != 0 {
				t.Errorf("%s: %d rows of %s are seen without a scope: %v", what, n, table, err)
			}
		}
	}
	all := layers.Internal("test")
	count("at first")
	seen(t, pool, all, "person")
	count("after a query")
	if err := On(pool, all).QueryRow(t.Context(), "select 1/0").Scan(new(int)); err == nil {
		t.Error("no error")
	}
	count("after a failed query")
	for _, end := range []func(pgx.Tx) error{func(tx pgx.Tx) error { return tx.Commit(t.Context()) }, func(tx pgx.Tx) error { return tx.Rollback(t.Context()) }} {
		tx, err := Begin(t.Context(), pool, all)
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := tx.QueryRow(t.Context(), "select count(*) from person").Scan(&n); err != nil || n != 202 {
			t.Errorf("%d persons in the transaction: %v", n, err)
		}
		if err := end(tx); err != nil {
			t.Fatal(err)
		}
		count("after a transaction")
	}
	var n int
	if err := On(pool, layers.Scope{}).QueryRow(t.Context(), "select id from person").Scan(&n); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("the zero scope: %v", err)
	}
}

// What requests never may, whatever their scope is.
func TestRequestsMayNot(t *testing.T) {
	_, pool := databases(t, fill)
	few := layers.Scope{Actor: "a5", Person: layers.Sight{Records: reach(5)}, Site: layers.Sight{Records: reach(5)}, Event: layers.Sight{Records: reach(5)}}
	event := "insert into event (source_id, key, class, title, reported_at, geom, place_id, hash) values (1, 'new', 1, 'e', now(), st_setsrid(st_makepoint(113, 23), 4326), %d, '')"
	for text, refused := range map[string]bool{
		fmt.Sprintf(event, 5):                              false,
		fmt.Sprintf(event, 6):                              true,
		"update event set title = 'x' where place_id = 5":  false,
		"update event set place_id = 6 where place_id = 5": true,
		"insert into person (source_id, key, geom, hash) values (1, 'n', st_setsrid(st_makepoint(113, 23), 4326), '')": true,
		"update person set care = 0":                                 true,
		"delete from person":                                         true,
		"delete from site":                                           true,
		"update change set actor = 'y'":                              true,
		"delete from change":                                         true,
		"update audit set actor = 'y'":                               true,
		"delete from audit":                                          true,
		"insert into citizen_service (item) values ('x')":            true,
		"update citizen_service set offered = false":                 true,
		"delete from citizen_service":                                true,
		"delete from alert":                                          true,
		"delete from alert_area":                                     true,
		"update alert_area set shape = null":                         true,
		"truncate audit":                                             true,
		"delete from audit_head":                                     true,
		"select audit_forget(now(), '1 year')":                       true,
		"select secret from release_secret":                          true,
		"select exact from release":                                  true,
		"select sealed from key_check":                               true,
		"alter table person disable row level security":              true,
		"drop policy scope on person":                                true,
		"set local row_security = off; select count(*) from person":  true,
		"create function f() returns int language sql as 'select 1'": true,
		"reset role; update person set care = 0":                     true,
		"insert into unmask (actor, kind, feature_id, purpose, reason, granted_at, expires_at) values ('a6', 'person', 1, 'care', 'r', now(), now() + '1 hour')": true,
	} {
		tx, err := Begin(t.Context(), pool, few)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tx.Exec(t.Context(), text)
		if (err != nil) != refused {
			t.Errorf("%s: %v", text, err)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := rowsOf(t, pool, few, "select count(*) from unmask"); n != 1 {
		t.Errorf("%d unmaskings of others are seen", n-1)
	}
	if n := rowsOf(t, pool, few, "with gone as (update event set title = 'x' returning 1) select count(*) from gone"); n != 1 {
		t.Errorf("%d events were changed by who sees one", n)
	}
	// Months of the audit are not reached past the whole, as new tables otherwise are.
	var month string
	if err := pool.QueryRow(t.Context(), "select inhrelid::regclass::text from pg_inherits where inhparent = 'audit'::regclass").Scan(&month); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "select count(*) from "+month); err == nil {
		t.Error("a month of the audit is read by itself")
	}
}

func rowsOf(t *testing.T, pool *pgxpool.Pool, scope layers.Scope, text string) (n int) {
	t.Helper()
	if err := On(pool, scope).QueryRow(t.Context(), text).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Every table that names a place or a feature is locked, also those that are made later.
func TestEveryScopedTableIsLocked(t *testing.T) {
	owner, _ := databases(t, fill)
	rows, err := owner.Query(t.Context(), `
		select c.relname || case when c.relrowsecurity and c.relforcerowsecurity then '' else ' is open' end
		from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
		and c.relname in ('person', 'address', 'site', 'event', 'change', 'unmask', 'assignment', 'event_step', 'alert', 'alert_area', 'alert_reference') order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if want := "address alert alert_area alert_reference assignment change event event_step person site unmask"; err != nil || strings.Join(list, " ") != want {
		t.Errorf("%v, %v", list, err)
	}
}

// many are 60,000 persons in 200 places, spread over a square.
const many = `
insert into source (code, name, kind) values ('s', 's', 'mixed');
insert into place (code, level, name, source_id) values ('990000000000', 1, 'city', 1);
insert into place (code, level, parent_id, name, source_id)
select '99' || lpad(i::text, 10, '0'), 2, 1, 'town', 1 from generate_series(1, 200) i;
insert into person (source_id, key, geom, place_id, hash)
select 1, i::text, st_setsrid(st_makepoint(113 + (i::bigint * 7919 % 60000) / 60000.0, 23 + (i::bigint * 104729 % 60000) / 60000.0), 4326), 2 + i % 200, ''
from generate_series(1, 60000) i;
analyze person`

const boxed = `select id from person where geom && st_makeenvelope(113.4, 23.4, 113.45, 23.45, 4326)`

// Under the lock a box is still found by the index, and the scope is evaluated once and not for each row.
func TestPlansUnderTheLock(t *testing.T) {
	_, pool := databases(t, many)
	scope := layers.Scope{Person: layers.Sight{Records: reach(3, 4, 5, 100)}}
	for text, index := range map[string]string{
		boxed: "person_geom", "select id from person where id = any('{1,2,3}')": "person_pkey",
		"select id from person where id_number_index = 5":                                     "person_id_number",
		boxed + " and st_intersects(geom, st_makeenvelope(113.4, 23.4, 113.45, 23.45, 4326))": "person_geom",
	} {
		rows, err := On(pool, scope).Query(t.Context(), "explain (costs off) "+text)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		plan := strings.Join(lines, "\n")
		if !strings.Contains(plan, index) || strings.Contains(plan, "Seq Scan") || !strings.Contains(plan, "InitPlan") {
			t.Errorf("%s:\n%s", text, plan)
		}
	}
	var proof bool
	if err := pool.QueryRow(t.Context(), "select proleakproof from pg_proc where oid = 'geometry_overlaps(geometry, geometry)'::regprocedure").Scan(&proof); err != nil || !proof {
		t.Errorf("&& is not leakproof: %v", err)
	}
}

// BenchmarkBox gives the ratio of a box under the lock to the same box without it, in one run: of persons in all places,
// and of events of all departments in all places.
func BenchmarkBox(b *testing.B) {
	owner, requests := databases(b, many+manyEvents)
	var places layers.Reach
	for p := layers.PlaceID(2); p <= 201; p++ {
		places.Places.Add(p)
	}
	var owned []layers.Owned
	for d := int16(1); d <= 9; d++ {
		owned = append(owned, layers.Owned{Department: d, Reach: places})
	}
	b.Run("persons", func(b *testing.B) {
		box(b, owner, requests, boxed, layers.Scope{Person: layers.Sight{Records: places}})
	})
	b.Run("departments", func(b *testing.B) {
		box(b, owner, requests, boxedEvents, layers.Scope{Event: layers.Sight{Owned: owned}})
	})
}

func box(b *testing.B, owner, requests *pgxpool.Pool, text string, scope layers.Scope) {
	read := func(pool *pgxpool.Pool) {
		rows, err := On(pool, scope).Query(b.Context(), text)
		if err != nil {
			b.Fatal(err)
		}
		if list, err := pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil || len(list) == 0 {
			b.Fatal(len(list), err)
		}
	}
	took := map[*pgxpool.Pool]time.Duration{}
	for b.Loop() { // by turns, so that both meet the same machine
		for _, pool := range []*pgxpool.Pool{owner, requests} {
			began := time.Now()
			read(pool)
			took[pool] += time.Since(began)
		}
	}
	b.ReportMetric(float64(took[requests])/float64(took[owner]), "ratio")
	b.ReportMetric(float64(took[owner].Microseconds())/float64(b.N), "µs/open")
}
