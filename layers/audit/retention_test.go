package audit

import (
	"testing"
	"time"

	"onepicture/sql/sqltest"
)

const ended = `
insert into source (code, name, kind) values ('s', 's', 'event');
insert into event (source_id, key, class, title, reported_at, closed_at, geom, hash, reporter)
select 1, n::text, 1, 'e', now() - interval '400 days', case when n > 1 then now() - n * interval '100 days' end,
    st_setsrid(st_makepoint(113, 23), 4326), '', '\x00' from generate_series(1, 3) n;
insert into unmask (actor, kind, feature_id, purpose, reason, granted_at, expires_at)
select 'a', 'person', n, 'care', 'r', now() - n * interval '20 days' - interval '10 minutes', now() - n * interval '20 days' from generate_series(1, 3) n`

// Sessions and links that ended long ago go, those that were left open with them; what is open or ended lately stays.
func TestSessionsAreForgotten(t *testing.T) {
	pool := sqltest.DB(t)
	if _, err := pool.Exec(t.Context(), `insert into account (name, display, created_by, created_at) values ('li', 'li', 'console', now());
		insert into session (hash, account_id, method, network, created_at, seen_at, idle, expires_at, ended_at, ended_why)
		select sha256(n::text::bytea), 1, 'password', '', now() - n * interval '20 days', now() - n * interval '20 days', '25 days', now() + interval '1 day',
			case when n in (1, 2) then now() - n * interval '20 days' end, case when n in (1, 2) then 'sign_out' end from generate_series(0, 4) n;
		insert into sign_in_link (hash, account_id, created_by, created_at, expires_at) select sha256(n::text::bytea), 1, 'console', now() - n * interval '40 days',
			now() - n * interval '40 days' + interval '3 days' from generate_series(0, 1) n`); err != nil {
		t.Fatal(err)
	}
	l := New(pool, nil)
	running(t, l)
	list, err := l.Forget(t.Context(), pool, time.Now(), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		// Sessions ended 40 days ago and idle for too long since 35 and 55 days, and a link over since 37.
		if f.Kind == "session" && (f.Over != 4 || f.Gone != 4 || f.Stayed != 0 || f.Keep != 30*24*time.Hour) {
			t.Errorf("%+v", f)
		}
	}
	var sessions, links int
	if err := pool.QueryRow(t.Context(), `select (select count(*) from session), (select count(*) from sign_in_link)`).Scan(&sessions, &links); err != nil || sessions != 2 || links != 1 {
		t.Errorf("%d sessions and %d links are left: %v", sessions, links, err)
	}
}

// The last position of a shift that was not ended goes after days, and with it the shift; a fresh one stays.
func TestPositionsAreForgotten(t *testing.T) {
	pool := sqltest.DB(t)
	if _, err := pool.Exec(t.Context(), `insert into unit (id, code, name, level) values (1, 'u', 'u', 3);
		insert into worker (id, actor, unit_id, label, on_duty) select n, 'w' || n, 1, 'w', true from generate_series(0, 2) n;
		insert into presence (worker_id, geom, seen_at)
		select n, st_setsrid(st_makepoint(113, 23), 4326), now() - n * interval '2 days' from generate_series(0, 2) n`); err != nil {
		t.Fatal(err)
	}
	l := New(pool, nil)
	running(t, l)
	list, err := l.Forget(t.Context(), pool, time.Now(), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		if f.Kind == "position" && (f.Over != 1 || f.Gone != 1 || f.Stayed != 0 || f.Keep != 72*time.Hour) {
			t.Errorf("%+v", f)
		}
	}
	var there, onDuty int
	if err := pool.QueryRow(t.Context(), `select (select count(*) from presence), count(*) filter (where on_duty) from worker`).Scan(&there, &onDuty); err != nil || there != 2 || onDuty != 2 {
		t.Errorf("%d positions, %d on duty: %v", there, onDuty, err)
	}
}

func TestRetention(t *testing.T) {
	pool := sqltest.DB(t)
	if _, err := pool.Exec(t.Context(), ended); err != nil {
		t.Fatal(err)
	}
	l := New(pool, nil)
	running(t, l)
	fill := func(n int) {
		for range n {
			if err := l.Record(t.Context(), Entry{Actor: "a", What: Read}); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill(5)
	run := func(at time.Time, dry bool) map[string]Forgotten {
		t.Helper()
		list, err := l.Forget(t.Context(), pool, at, dry)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]Forgotten{}
		for _, f := range list {
			f.Name, f.NameEn, f.Keep = "", "", 0
			out[f.Kind] = f
		}
		return out
	}
	if got := run(time.Now(), true); got["reporter"] != (Forgotten{Kind: "reporter", Over: 2, Stayed: 2}) || got["unmask"] != (Forgotten{Kind: "unmask", Over: 2, Stayed: 2}) || got["audit"].Over != 0 {
		t.Errorf("counted: %+v", got)
	}
	if got := run(time.Now(), false); got["reporter"] != (Forgotten{Kind: "reporter", Over: 2, Gone: 2}) || got["unmask"] != (Forgotten{Kind: "unmask", Over: 2, Gone: 2}) || got["audit"].Gone != 0 {
		t.Errorf("forgotten: %+v", got)
	}
	var reporters, events, runs int
	if err := pool.QueryRow(t.Context(), `select (select count(*) from event where reporter is not null), (select count(*) from event),
		(select count(*) from retention_run where stayed = 0)`).Scan(&reporters, &events, &runs); err != nil || reporters != 1 || events != 3 || runs != 2 {
		t.Errorf("%d reporters of %d events are left, %d runs are kept: %v", reporters, events, runs, err)
	}
	if got := run(time.Now(), false); got["reporter"].Over != 0 {
		t.Errorf("again: %+v", got)
	}
	last, err := l.LastRuns(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]LastRun{}
	for _, r := range last {
		shown[r.Kind] = r
	}
	for kind := range rules {
		if r := shown[kind]; r.NameEn == "" || r.Keep < 24*time.Hour {
			t.Errorf("the rule of %s is shown as %+v", kind, r)
		}
	}
	if r := shown["reporter"]; r.At.IsZero() || r.Over != 2 || r.Gone != 2 || r.Stayed != 0 || !shown["audit"].At.IsZero() {
		t.Errorf("the last runs: %+v", shown)
	}
	rows, err := Find(t.Context(), pool, Query{What: Retention, Limit: 10})
	if err != nil || len(rows) != 2 || rows[0].Actor != "retention" {
		t.Errorf("recorded: %+v, %v", rows, err)
	}
}

// Whole months of the audit go, and the rest is still proven; without the word in the chain it would be a theft.
func TestAuditMonthsGo(t *testing.T) {
	pool := sqltest.DB(t)
	l := New(pool, nil)
	running(t, l)
	if err := l.Record(t.Context(), Entry{Actor: "a", What: Read}, Entry{Actor: "a", What: Read}); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `update retention set keep = '1 year' where kind = 'audit'`); err != nil {
		t.Fatal(err)
	}
	later := time.Now().AddDate(1, 2, 0) // the rows of this month are over then
	// The word itself must stand in a month that stays.
	if _, err := pool.Exec(t.Context(), `update audit_head set at = $1`, later); err != nil {
		t.Fatal(err)
	}
	list, err := l.Forget(t.Context(), pool, later, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		if f.Kind == "audit" && (f.Over != 2 || f.Gone != 2 || f.Stayed != 0) {
			t.Errorf("%+v", f)
		}
	}
	r := verified(t, pool, nil)
	if !r.Whole() || r.Dropped != 2 {
		t.Errorf("%+v", r)
	}
}
