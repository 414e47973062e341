package scoped

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
)

// present puts a worker into every place, one into none, and another who shares nothing.
const present = fill + `;
insert into worker (id, actor, unit_id, label, on_duty) select n, 'a' || n, 1, 'w', true from generate_series(0, 202) n;
insert into presence (worker_id, place_id, geom, seen_at) select n, place, geom, now() from p`

// The lock alone: a position is seen by who sees the events there and by its worker, and told by its worker alone.
func TestRowsOfPresenceAlone(t *testing.T) {
	_, pool := databases(t, present)
	for name, c := range map[string]struct {
		scope layers.Scope
		want  int
	}{
		"nothing":                      {layers.Scope{}, 0},
		"all":                          {layers.Scope{Event: layers.Sight{Records: layers.Everywhere()}}, 202},
		"few":                          {layers.Scope{Event: layers.Sight{Records: reach(5, 6, 64)}}, 3},
		"in no place":                  {layers.Scope{Event: layers.Sight{Records: reach(0)}}, 1},
		"counts alone":                 {layers.Scope{Event: layers.Sight{Counts: layers.Everywhere()}}, 0},
		"records of people and sites":  {layers.Scope{Person: layers.Sight{Records: layers.Everywhere()}, Site: layers.Sight{Records: layers.Everywhere()}}, 0},
		"its own":                      {layers.Scope{Actor: "a9"}, 1},
		"its own and few":              {layers.Scope{Actor: "a9", Event: layers.Sight{Records: reach(5, 6, 64)}}, 4},
		"its own among few":            {layers.Scope{Actor: "a5", Event: layers.Sight{Records: reach(5, 6, 64)}}, 3},
		"its own, of who tells none":   {layers.Scope{Actor: "a202"}, 0},
		"of who is no worker, nothing": {layers.Scope{Actor: "a999", Rights: ^layers.Rights(0)}, 0},
	} {
		if n := rowsOf(t, pool, c.scope, "select count(*) from presence"); n != c.want {
			t.Errorf("%s: %d positions are seen, want %d", name, n, c.want)
		}
	}
	var n int
	if err := pool.QueryRow(t.Context(), "select count(*) from presence").Scan(&n); err != nil || n != 0 {
		t.Errorf("without a scope: %d, %v", n, err)
	}
	put := "insert into presence (worker_id, geom, seen_at) values (%d, st_setsrid(st_makepoint(113, 23), 4326), now())" +
		" on conflict (worker_id) do update set geom = excluded.geom"
	for _, c := range []struct {
		text string
		rows int64 // -1: refused
	}{
		{fmt.Sprintf(put, 9), 1},
		{fmt.Sprintf(put, 5), -1},   // another's, which it sees
		{fmt.Sprintf(put, 10), -1},  // another's, which it does not see
		{fmt.Sprintf(put, 202), -1}, // the first of another
		{"update presence set seen_at = now()", 1},
		{"update presence set worker_id = 202", -1},
		{"delete from presence", 1},
		{"update worker set on_duty = false", 1},
		{"update worker set label = 'x' where actor = 'a9'", -1},
		{"update worker set actor = 'a10' where actor = 'a9'", -1},
		{"insert into worker (actor, unit_id, label) values ('a9x', 1, 'w')", -1},
		{"delete from worker", -1},
		{"update unit set place_id = 5", -1},
	} {
		tx, err := Begin(t.Context(), pool, layers.Scope{Actor: "a9", Event: layers.Sight{Records: reach(5, 6, 64)}})
		if err != nil {
			t.Fatal(err)
		}
		tag, err := tx.Exec(t.Context(), c.text)
		if refused := c.rows < 0; (err != nil) != refused || err == nil && tag.RowsAffected() != c.rows {
			t.Errorf("%s: %d rows, %v; want %d", c.text, tag.RowsAffected(), err, c.rows)
		}
		if err := tx.Rollback(t.Context()); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
			t.Fatal(err)
		}
	}
}
