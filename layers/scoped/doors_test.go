package scoped

import (
	"testing"

	"onepicture/layers"
)

// doors puts a photo, an upload and a citizen's case beside every event, and webhooks.
const doors = fill + `;
insert into photo (event_id, role, hash, width, height, bytes, actor) select n + 1, 'report', decode(repeat('00', 32), 'hex'), 1, 1, 1, 'a' || n from p;
insert into photo_upload (id, actor, event_id, role, size) select md5(n::text), 'a' || n, n + 1, 'report', 1 from p;
insert into citizen_case (event_id, code, token) select n + 1, decode(repeat('00', 32), 'hex'), 't' || n from p;
insert into webhook_in (code, name, secret, mapping) values ('x', 'x', '\x00', '{}');
insert into webhook_out (code, url, secret, types) values ('x', 'https://x.example', '\x00', '{}')`

// The lock alone on what came later: photos and cases follow their event, an upload its sender, webhooks are nobody's.
func TestRowsOfDoorsAlone(t *testing.T) {
	_, pool := databases(t, doors)
	few := layers.Scope{Actor: "a7", Event: layers.Sight{Counts: layers.Everywhere(), Records: reach(5, 6, 64)}}
	others := layers.Scope{Actor: "a5000", Person: layers.Sight{Records: layers.Everywhere()}, Site: layers.Sight{Records: layers.Everywhere()}}
	for table, want := range map[string][3]int{"photo": {3, 0, 0}, "citizen_case": {3, 0, 0}, "photo_upload": {1, 0, 0}} {
		for i, scope := range []layers.Scope{few, others, {}} {
			var n int
			if err := On(pool, scope).QueryRow(t.Context(), "select count(*) from "+table).Scan(&n); err != nil || n != want[i] {
				t.Errorf("%s for %q: %d, %v; want %d", table, scope.Actor, n, err, want[i])
			}
		}
		var n int
		if err := pool.QueryRow(t.Context(), "select count(*) from "+table).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s without a scope: %d, %v", table, n, err)
		}
	}
	all := layers.Internal("all")
	for _, table := range []string{"webhook_in", "webhook_out", "webhook_delivery", "webhook_cursor"} {
		if err := On(pool, all).QueryRow(t.Context(), "select count(*) from "+table).Scan(new(int)); err == nil {
			t.Errorf("a request reads %s", table)
		}
	}
	// Nobody sends a photo in another's name, or ends another's.
	tx, err := Begin(t.Context(), pool, few)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	if tag, err := tx.Exec(t.Context(), "delete from photo_upload where actor <> 'a7'"); err != nil || tag.RowsAffected() != 0 {
		t.Errorf("ends %d uploads of others: %v", tag.RowsAffected(), err)
	}
	if _, err := tx.Exec(t.Context(), "insert into photo_upload (id, actor, event_id, role, size) values (md5('new'), 'a8', 6, 'report', 1)"); err == nil {
		t.Error("an upload in another's name")
	}
}
