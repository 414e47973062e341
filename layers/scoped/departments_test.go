package scoped

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
)

// departments gives the events of every place to one of two departments, or to none.
const departments = fill + `;
insert into department (code, name) values ('d1', 'd1'), ('d2', 'd2');
update event set department_id = nullif(id % 3, 0)::smallint;
update change set new_department = nullif(feature_id % 3, 0)::smallint, old_department = 1 where kind = 'event'`

// The lock alone: an event is seen by its place, or by its department in the places where that department's own are seen;
// what hangs on it follows, and so does what the ledger tells of it.
func TestRowsOfDepartmentsAlone(t *testing.T) {
	_, pool := databases(t, departments)
	own := func(d int16, r layers.Reach) layers.Sight {
		return layers.Sight{Counts: layers.Everywhere(), Owned: []layers.Owned{{Department: d, Reach: r}}}
	}
	of := func(d int, places ...int) (out []int) { // those of the places whose event is the department's: it is numbered place + 1
		for _, p := range places {
			if (p+1)%3 == d {
				out = append(out, p)
			}
		}
		return out
	}
	var every []int
	for p := range 202 {
		every = append(every, p)
	}
	for name, c := range map[string]struct {
		sight layers.Sight
		want  []int
	}{
		"everywhere":              {own(1, layers.Everywhere()), of(1, every...)},
		"in few":                  {own(2, reach(0, 1, 7, 8, 64, 200)), of(2, 0, 1, 7, 8, 64, 200)},
		"in the last":             {own(1, reach(201)), of(1, 201)},
		"two":                     {own(1, reach(3, 7, 9)).With(own(2, reach(1, 4, 150, 151, 152))), append(of(1, 3, 7, 9), of(2, 1, 4, 150, 151, 152)...)},
		"one here, one all":       {own(1, layers.Everywhere()).With(own(2, reach(1))), append(of(1, every...), 1)},
		"beside a place":          {own(1, reach(3, 6)).With(layers.Sight{Records: reach(7, 8)}), []int{3, 6, 7, 8}},
		"none":                    {own(3, layers.Everywhere()), nil},
		"what is no department's": {own(0, layers.Everywhere()), nil},
	} {
		want := slices.Clone(c.want)
		slices.Sort(want)
		scope := layers.Scope{Event: c.sight}
		for _, table := range []string{"event", "assignment", "event_step", "change"} {
			if got := seen(t, pool, scope, table); !slices.Equal(got, want) {
				t.Errorf("%s: of %s it sees %v, want %v", name, table, got, want)
			}
		}
		for _, table := range []string{"person", "site", "address"} {
			if got := seen(t, pool, scope, table); len(got) > 0 {
				t.Errorf("%s: of %s it sees %v", name, table, got)
			}
		}
	}
	scope := layers.Scope{Event: own(1, reach(3))}
	for text, refused := range map[string]bool{
		"update event set title = 'x' where place_id = 3":          false,
		"update event set department_id = 2 where place_id = 3":    true,
		"update event set department_id = null where place_id = 3": true,
		"update event set place_id = 6 where place_id = 3":         true,
		"insert into event (source_id, key, class, title, reported_at, geom, place_id, department_id, hash) values (1, 'n', 1, 'e', now(), st_setsrid(st_makepoint(113, 23), 4326), 3, 2, '')": true,
	} {
		tx, err := Begin(t.Context(), pool, scope)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = tx.Exec(t.Context(), text); (err != nil) != refused {
			t.Errorf("%s: %v", text, err)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// manyEvents are as many events as there are persons, of nine departments.
const manyEvents = `;
insert into department (code, name) select 'd' || i, 'd' from generate_series(1, 9) i;
insert into event (source_id, key, class, title, reported_at, geom, place_id, department_id, hash)
select 1, key, 1, 'e', now(), geom, place_id, id % 9 + 1, '' from person;
analyze event`

var boxedEvents = strings.Replace(boxed, "from person", "from event", 1)

// Under the lock of a department a box of events is still found by the index, and the scope is evaluated once a query.
func TestPlansUnderTheLockOfADepartment(t *testing.T) {
	_, pool := databases(t, many+manyEvents)
	scope := layers.Scope{Event: layers.Sight{Owned: []layers.Owned{{Department: 2, Reach: reach(3, 4, 5, 100)}, {Department: 3, Reach: layers.Everywhere()}}}}
	rows, err := On(pool, scope).Query(t.Context(), "explain (costs off) "+boxedEvents)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if plan := strings.Join(lines, "\n"); !strings.Contains(plan, "event_geom") || strings.Contains(plan, "Seq Scan") || !strings.Contains(plan, "InitPlan") {
		t.Errorf("%s", plan)
	}
}
