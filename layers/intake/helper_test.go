package intake

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers/ledger"
	"onepicture/layers/personal"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

// catalogue is what the tests' mappings refer to.
const catalogue = `
insert into department (code, name) values ('police', '公安'), ('water', '水务');
insert into class (kind, id, code, name) values
	('person', 1, 'registered', '户籍'), ('person', 2, 'migrant', '流动'),
	('site', 1, 'park', '公园'), ('site', 2, 'metro_station', '地铁站'),
	('event', 1, 'safety', '安全'), ('event', 2, 'city', '市容');
insert into care_need (bit, code, name) values (0, 'living_alone', '独居'), (1, 'disabled', '残疾'), (3, 'chronic', '慢病');
insert into item (code, class, name, level, deadline_hours, department_id) values ('Sa-001', 1, '井盖', 2, 24, 1), ('Ci-001', 2, '占道', 3, 24, 2);
insert into source (id, code, name, kind) values (1000, 'tree', 'tree', 'place');
insert into place (id, code, level, parent_id, name, geom, label, area_m2, source_id) values
	(1, '440000000000', 1, null, 'City', st_multi(st_makeenvelope(113, 22, 115, 24, 4326)), st_makepoint(114, 23), 4e10, 1000),
	(2, '440001000000', 2, 1, 'West', st_multi(st_makeenvelope(113, 22, 114, 24, 4326)), st_makepoint(113.5, 23), 2e10, 1000),
	(3, '440002000000', 2, 1, 'East', st_multi(st_makeenvelope(113.99, 22, 115, 24, 4326)), st_makepoint(114.5, 23), 2.1e10, 1000);
select setval(pg_get_serial_sequence('place', 'id'), 3);
update place set geom = st_multi(st_setsrid(geom, 4326)), label = st_setsrid(label, 4326);`

// bench is one database with the catalogue.
type bench struct {
	t    testing.TB
	pool *pgxpool.Pool
	deps Deps
	dir  string
}

func newBench(t testing.TB) *bench {
	t.Helper()
	pool := sqltest.DB(t)
	if _, err := pool.Exec(t.Context(), strings.ReplaceAll(catalogue, "st_makepoint(", "st_point(")); err != nil {
		t.Fatal(err)
	}
	keys, err := personal.New()
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t: t, pool: pool, deps: Deps{Pool: pool, Ledger: ledger.New(pool), Keys: keys}, dir: t.TempDir()}
}

// file writes a file and gives its path.
func (b *bench) file(name, content string) string {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func (b *bench) mapping(text string) *Mapping {
	b.t.Helper()
	m, err := ParseMapping([]byte(text), b.dir)
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

// run imports with a small chunk, so that a few rows already cross chunks.
func (b *bench) run(m *Mapping, files ...string) Summary {
	b.t.Helper()
	s, err := Run(b.t.Context(), b.deps, Options{Files: files, Mapping: m, chunk: 3})
	if err != nil {
		b.t.Fatal(err)
	}
	b.adds(s)
	return s
}

// adds checks that a summary adds up.
func (b *bench) adds(s Summary) {
	b.t.Helper()
	for _, f := range append(s.Files, s.Total()) {
		var faults int64
		for _, n := range f.Faults {
			faults += n
		}
		if f.Read != f.Put+f.Unchanged+f.Rejected || f.Put != f.New+f.Changed || faults != f.Rejected || f.State == "done" && f.Read != f.Total {
			b.t.Errorf("the summary does not add up: %+v", f)
		}
	}
}

// value reads one value of the database as text.
func (b *bench) value(query string, args ...any) string {
	b.t.Helper()
	var s *string
	if err := b.pool.QueryRow(b.t.Context(), "select ("+query+")::text", args...).Scan(&s); err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	if s == nil {
		return "null"
	}
	return *s
}

// rowKeys are what the keys 1 to n are kept as.
func (b *bench) rowKeys(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = b.deps.Keys.RowKey(fmt.Sprint(i + 1))
	}
	return out
}

// name opens the name of the person with that key.
func (b *bench) name(key string) string {
	b.t.Helper()
	var id int64
	var sealed []byte
	if err := b.pool.QueryRow(b.t.Context(), "select id, name from person where key = $1", key).Scan(&id, &sealed); err != nil {
		b.t.Fatal(err)
	}
	name, err := b.deps.Keys.Open(personal.Name, id, sealed)
	if err != nil {
		b.t.Fatal(err)
	}
	return name
}

func (b *bench) is(want, query string, args ...any) {
	b.t.Helper()
	if got := b.value(query, args...); got != want {
		b.t.Errorf("%s: %s, want %s", query, got, want)
	}
}

// state is everything that an import may touch, as one digest.
func (b *bench) state() string {
	b.t.Helper()
	var out []string
	for _, table := range []string{"person", "site", "event", "place", "source", "change", "import_run", "rejected_row"} {
		out = append(out, table+" "+b.value(fmt.Sprintf("select count(*) || ' ' || coalesce(md5(string_agg(t::text, ',' order by t::text)), '') from %s t", table)))
	}
	return strings.Join(out, "\n")
}

const people = `kind = "person"
datum = "WGS84"
key = ["id"]
[source]
code = "residents"
name = "常住人口"
[location]
x = "lon"
y = "lat"
[fields]
name = {column = "name"}
birth = {column = "birth", formats = ["yyyy-MM-dd"]}
gender = {column = "sex", table = {"男" = "male", "女" = "female"}, default = "unknown"}
class = {const = "registered"}
care = {column = "care", split = ";"}
`

const peopleCSV = `id,name,birth,sex,care,lon,lat
1,甲,1950-02-01,男,living_alone;chronic,113.50,23.0
2,乙,1980-12-31,女,,114.50,23.0
3,丙,,x,,113.995,23.0
4,丁,2001-02-29,男,,113.5,23.0
5,戊,1999-01-01,女,,120.0,30.0
6,己,1999-01-01,女,sad,113.6,23.0
7,庚,1999-01-01,女,disabled,113.7,23.1
8,辛,1999-01-01,女,,NaN,23.1
9,壬,1999-01-01,女,,23.1,113.7
`
