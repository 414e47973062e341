package api

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"onepicture/layers"
)

// poisons are what people try who hope that their words become SQL or CQL2.
var poisons = []string{
	`' or '1'='1`, `'; drop table person; --`, `" or ""="`, `1; select pg_sleep(5)`, `') union select name from person --`, `\'; --`,
	`$1`, `%27%20or%201=1`, `＇ or 1=1`, "a\x00b", "\xff\xfe", `{{7*7}}`, `../../etc/passwd`, `<script>alert(1)</script>`, `status='open' or true`,
	`1=1`, `id=id`, `name like '%'`, `class in (select code from class)`, `st_intersects(geom, geom)`, `cast(id as text)='1'`, `status='open'; delete from site`,
	`not (status='open') or (status='open'))`, `pg_read_file('/etc/passwd')='x'`, `current_setting('onepicture.person')='all'`,
	`set_config('onepicture.person','all',false)='all'`, `all' , true); --`,
}

// Whatever is put into whichever field, no answer is a failure of the server, tells of SQL, or shows what the scope may not
// see; and nothing in the database has changed.
func TestInjection(t *testing.T) {
	scope := clerk()
	scope.Rights |= layers.RightAudit | layers.RightReport
	w := newTown(t, func(o *Options) { o.Scope = func(*http.Request) layers.Scope { return scope } })
	state := func() (s string) {
		if err := w.pool.QueryRow(t.Context(), `select (select count(*) from person) || ' ' || (select count(*) from site) || ' ' ||
			(select count(*) from place) || ' ' || (select count(*) from layer) || ' ' || (select count(*) from pg_tables where schemaname = 'public') || ' ' ||
			(select md5(string_agg(p::text, '' order by id)) from person p)`).Scan(&s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	before, tried := state(), 0
	for _, poison := range poisons {
		p, segment := url.QueryEscape(poison), url.PathEscape(poison)
		text := fmt.Sprintf("%q", poison)
		var list []asked
		for _, target := range []string{
			"/api/events?place=", "/api/events?category=", "/api/events?status=", "/api/events?before=", "/api/events?limit=", "/api/places?q=",
			"/api/people?place=", "/api/people?place=" + villageA + "&layer=", "/api/people?place=" + villageA + "&before=", "/api/audit?actor=",
			"/api/audit?subject=", "/api/audit?purpose=", "/api/audit?from=", "/api/audit.csv?from=", "/tiles/sites/14/13338/7113.mvt?filter=",
			"/tiles/events/14/13338/7113.mvt?from=", "/api/stream?after=",
		} {
			if !strings.HasPrefix(target, "/api/stream") || !strings.Contains(poison, "\x00") {
				list = append(list, asked{"GET", target + p, ""})
			}
		}
		for _, target := range []string{"/api/places/%s", "/api/places/%s/figures", "/api/events/%s", "/api/sites/%s", "/api/people/%s", "/tiles/%s.json", "/tiles/%s/14/1/1.mvt", "/tiles/sites/%s/1/1.mvt"} {
			list = append(list, asked{"GET", fmt.Sprintf(target, segment), ""})
		}
		list = append(list,
			asked{"POST", countRoute, `{"area":` + everything + `,"kind":"site","filter":` + text + `}`},
			asked{"POST", countRoute, `{"area":` + everything + `,"layers":[` + text + `]}`},
			asked{"POST", countRoute, `{"area":` + everything + `,"kind":` + text + `}`},
			asked{"POST", "/api/people/search", `{"field":"phone","purpose":"care","reason":"r","value":` + text + `}`},
			asked{"POST", "/api/people/search", `{"field":` + text + `,"purpose":"care","reason":"r","value":"13900000001"}`},
			asked{"POST", "/api/people/1/unmask", `{"reason":"r","purpose":` + text + `}`},
			asked{"POST", "/api/events", `{"title":"t","lon":113.05,"lat":23.05,"datum":"WGS84","category":` + text + `}`},
			asked{"POST", "/api/events", `{"title":"t","lon":113.05,"lat":23.05,"category":"flood","datum":` + text + `}`},
		)
		for _, q := range list {
			tried++
			r := w.reply(q)
			lower := strings.ToLower(r)
			if r[0] == '5' || strings.Contains(lower, "sqlstate") || strings.Contains(lower, "syntax error") || strings.Contains(r, "秘密姓名") || strings.Contains(r, "密**") {
				t.Errorf("%s %s %s: %.300s", q.method, q.target, q.body, r)
			}
		}
	}
	if after := state(); after != before {
		t.Errorf("the database was %s and is %s", before, after)
	}
	t.Logf("%d words in %d fields", len(poisons), tried)
}
