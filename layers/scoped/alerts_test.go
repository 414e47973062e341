package scoped

import (
	"testing"

	"onepicture/layers"
)

// warned puts one alert of each CAP scope, each with an area, a reference and a change.
const warned = fill + `;
insert into alert (sender, identifier, sent, status, type, scope, severity, infos, signed, digest, begins_at)
select 's', w, now(), 'Actual', 'Alert', w, 1, '[]', false, '\x00', now() from unnest('{Public,Restricted,Private}'::text[]) w;
insert into alert_area (alert_id, info, area, description) select id, 0, 0, 'x' from alert;
insert into alert_reference (alert_id, sender, identifier, sent) select id, 's', 'earlier', now() from alert;
insert into change (actor, reason, kind, op, feature_id) select 'x', 'x', 'alert', 'put', id from alert`

// The lock alone: what is not public is shown to those who handle events or look after feeds; the latter alone write.
func TestRowsOfAlertsAlone(t *testing.T) {
	_, pool := databases(t, warned)
	insert := []string{
		`insert into alert (sender, identifier, sent, status, type, scope, severity, infos, signed, digest, begins_at)
		values ('s', 'new', now(), 'Actual', 'Alert', 'Public', 1, '[]', false, '\x00', now())`,
		"insert into alert_area (alert_id, info, area, description) values (1, 1, 1, 'x')",
		"insert into alert_reference (alert_id, sender, identifier, sent) values (1, 's', 'other', now())",
	}
	for name, c := range map[string]struct {
		rights layers.Rights
		sees   int
		writes bool
	}{
		"nobody":   {0, 1, false},
		"others":   {^(layers.RightHandle | layers.RightSources), 1, false},
		"officers": {layers.RightHandle, 3, false},
		"stewards": {layers.RightSources, 3, true},
	} {
		scope := layers.Scope{Actor: "a", Rights: c.rights}
		for _, from := range []string{"alert", "alert_area", "alert_reference", "change where kind = 'alert'"} {
			if n := rowsOf(t, pool, scope, "select count(*) from "+from); n != c.sees {
				t.Errorf("%s see %d of %s, want %d", name, n, from, c.sees)
			}
		}
		for _, text := range insert {
			tx, err := Begin(t.Context(), pool, scope)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), text); (err == nil) != c.writes {
				t.Errorf("%s: %s: %v", name, text, err)
			}
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		tx, err := Begin(t.Context(), pool, scope)
		if err != nil {
			t.Fatal(err)
		}
		if tag, err := tx.Exec(t.Context(), "update alert set ended_at = now()"); err != nil || (tag.RowsAffected() == 3) != c.writes || !c.writes && tag.RowsAffected() != 0 {
			t.Errorf("%s end %d alerts: %v", name, tag.RowsAffected(), err)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range []string{"alert", "alert_area", "alert_reference"} {
		var n int
		if err := pool.QueryRow(t.Context(), "select count(*) from "+table).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s without a scope: %d, %v", table, n, err)
		}
	}
}
