package sql_test

import (
	"os"
	"strings"
	"testing"

	"onepicture/sql/sqltest"
)

// Events that were there before departments answered for them take the owner of their item, and keep all else.
func TestEventsTakeTheOwnerOfTheirItem(t *testing.T) {
	conn := connect(t, sqltest.URL(t))
	if _, err := conn.Exec(t.Context(), `
		insert into source (code, name, kind) values ('s', 's', 'event');
		insert into class (kind, id, code, name) values ('event', 1, 'c', 'c');
		insert into department (id, code, name) values (4, 'a', 'a'), (9, 'b', 'b');
		insert into item (id, code, class, name, deadline_hours, department_id) values (3, 'x', 1, 'x', 1, 9), (5, 'y', 1, 'y', 1, null), (20, 'z', 1, 'z', 1, 4);
		insert into event (source_id, key, class, item_id, title, reported_at, geom, hash)
		select 1, n::text, 1, (array[3, 5, 20, null])[1 + n % 4], 'e' || n, timestamptz '2026-01-01 00:00Z', st_setsrid(st_makepoint(113, 23), 4326), ''
		from generate_series(1, 1000) n;
		alter table event drop column department_id cascade`); err != nil {
		t.Fatal(err)
	}
	positions := func() (s string) {
		if err := conn.QueryRow(t.Context(), `select string_agg(id || ' ' || position || ' ' || title, ',' order by id) from event`).Scan(&s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := positions()
	text, err := os.ReadFile("migrations/00054_department.sql")
	if err != nil {
		t.Fatal(err)
	}
	column, _, _ := strings.Cut(string(text), "-- The ledger tells") // what follows is about other tables
	if _, err := conn.Exec(t.Context(), column); err != nil {
		t.Fatal(err)
	}
	if positions() != before {
		t.Error("events have changed")
	}
	var wrong, owned int
	if err := conn.QueryRow(t.Context(), `select count(*) filter (where e.department_id is distinct from i.department_id), count(e.department_id)
		from event e left join item i on i.id = e.item_id`).Scan(&wrong, &owned); err != nil || wrong != 0 || owned != 500 {
		t.Errorf("%d of other departments than their items', %d of one: %v", wrong, owned, err)
	}
}
