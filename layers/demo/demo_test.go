package demo

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers/ledger"
	"onepicture/layers/personal"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

var now = time.Date(2026, 11, 24, 14, 30, 0, 0, time.FixedZone("CST", 8*3600))

func load(t *testing.T, ctx context.Context, pool *pgxpool.Pool, people int) error {
	t.Helper()
	return Load(ctx, pool, ledger.New(pool), Options{People: people, Seed: 1, Now: now, Keys: keys})
}

var keys = func() *personal.Keys {
	k, err := personal.New()
	if err != nil {
		panic(err)
	}
	return k
}()

func one[T any](t *testing.T, pool *pgxpool.Pool, query string) (v T) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), query).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func TestLoadedCityIsWhole(t *testing.T) {
	pool := sqltest.DB(t)
	if err := load(t, t.Context(), pool, 20_000); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, query string
		low, high   int
	}{
		{"places", `select count(*) from place`, 3634, 3634},
		{"towns", `select count(*) from place where level = 2`, 33, 33},
		{"people", `select count(*) from person`, 20_000, 20_000},
		{"sites", `select count(*) from site`, 1_900, 2_300},
		{"events", `select count(*) from event`, 8_000, 13_000},
		{"units", `select count(*) from unit`, 645, 645},
		{"workers on duty", `select count(*) from worker w join presence p on p.worker_id = w.id where w.on_duty and p.place_id is not null`, 2_000, 3_000},
		{"events in hand", `select count(*) from assignment where ended_at is null`, 3, 500},
		{"events whose timeline does not lead to their state", `select count(*) from event e where e.status in (2, 3, 4, 5, 6, 9) and not exists (
			select from event_step s where s.event_id = e.id and s.version = e.version and s.to_status = e.status)`, 0, 0},
		{"events in hand without a lead", `select count(*) from event e where e.status in (3, 4, 5, 6, 9) and not exists (
			select from assignment a join worker w on w.id = a.worker_id join place g on g.id = e.place_id
			where a.event_id = e.id and a.lead and a.ended_at is null and w.actor = 'demo:worker:' || g.code)`, 0, 0},
		{"steps in the future", `select count(*) from event_step where at > timestamptz '2026-11-24 14:30+08'`, 0, 0},
		{"layers", `select count(*) from layer`, 61, 61},
		{"open events", `select count(*) from event where status not in (7, 8)`, 5, 600},
		{"invalid boundaries", `select count(*) from place where not st_isvalid(geom)`, 0, 0},
		{"invalid base features", `select count(*) from base_feature where not st_isvalid(geom)`, 0, 0},
		{"labels outside", `select count(*) from place where not st_contains(geom, label)`, 0, 0},
		{"names twice under one parent", `select count(*) from (select parent_id, name from place group by 1, 2 having count(*) > 1) d`, 0, 0},
		{"codes that do not follow their parent's", `select count(*) from place c join place p on p.id = c.parent_id
			where left(c.code, case p.level when 1 then 6 when 2 then 9 else 12 end) <> left(p.code, case p.level when 1 then 6 when 2 then 9 else 12 end)`, 0, 0},
		{"events reported in the future", `select count(*) from event where reported_at >= timestamptz '2026-11-24 14:30+08'`, 0, 0},
		{"events closed in the future", `select count(*) from event where closed_at > timestamptz '2026-11-24 14:30+08'`, 0, 0},
		{"sources without the mark", `select count(*) from source where not synthetic`, 0, 0},
		{"persons in the clear", `select count(*) from person where coalesce(plain_name, plain_id_number, plain_phone) is not null
			or seal is null or name is null or id_number is null or phone is null or id_number_index is null`, 0, 0},
		{"addresses in the clear", `select count(*) from address where plain_text is not null or seal is null or text is null`, 0, 0},
	} {
		if n := one[int](t, pool, c.query); n < c.low || n > c.high {
			t.Errorf("%s: %d, want %d…%d", c.name, n, c.low, c.high)
		}
	}
	rows, err := pool.Query(t.Context(), `select id, id_number from person where id % 100 = 0`)
	if err != nil {
		t.Fatal(err)
	}
	var id int64
	var sealed []byte
	if _, err := pgx.ForEachRow(rows, []any{&id, &sealed}, func() error {
		if number, err := keys.Open(personal.IDNumber, id, sealed); err != nil || !strings.HasPrefix(number, "998800") {
			t.Errorf("person %d: a number of a division that exists, or none: %v", id, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	// Children tile their parent: the areas agree, and siblings do not overlap.
	if worst := one[float64](t, pool, `select max(abs(1 - s.sum / st_area(p.geom))) from place p
		join (select parent_id, sum(st_area(geom)) as sum from place group by 1) s on s.parent_id = p.id`); worst > 1e-9 {
		t.Errorf("children and parents differ by %g of the area", worst)
	}
	if n := one[int](t, pool, `select count(*) from place a join place b on a.level = 2 and b.level = 2 and a.id < b.id
		and a.geom && b.geom and st_relate(a.geom, b.geom, '2********')`); n != 0 {
		t.Errorf("%d pairs of towns overlap", n)
	}
	// People stand in their grid, up to the smoothing of borders.
	if share := one[float64](t, pool, `select avg(st_covers(g.geom, p.geom)::int)::float8 from person p join place g on g.id = p.place_id`); share < 0.97 {
		t.Errorf("only %.3f of the people stand inside their grid", share)
	}
	if err := load(t, t.Context(), pool, 20_000); err != nil {
		t.Errorf("loading again: %v", err)
	}
	if n := one[int](t, pool, `select count(*) from person`); n != 20_000 {
		t.Errorf("loading again made %d people", n)
	}
}

// indexes are the definitions of all indexes, by name.
const indexes = `select string_agg(indexdef, E'\n' order by indexname) from pg_indexes where schemaname = 'public'`

func TestKilledLoadGoesOn(t *testing.T) {
	pool := sqltest.DB(t)
	before := one[string](t, pool, indexes)
	ctx, cancel := context.WithCancel(t.Context())
	o := Options{People: 100_000, Seed: 1, Now: now, Keys: keys, Progress: func(int, int) { cancel() }}
	if err := Load(ctx, pool, ledger.New(pool), o); !errors.Is(err, context.Canceled) {
		t.Fatalf("the load was not cut: %v", err)
	}
	cut := one[int](t, pool, `select count(*) from person`)
	if one[string](t, pool, indexes) == before {
		t.Error("the cut did not come while indexes were dropped")
	}
	if err := load(t, t.Context(), pool, 100_000); err != nil {
		t.Fatal(err)
	}
	if n := one[int](t, pool, `select count(*) from person`); n != 100_000 || cut >= n {
		t.Errorf("%d people before the second load, %d after", cut, n)
	}
	if after := one[string](t, pool, indexes); after != before {
		t.Errorf("indexes before the load:\n%s\nafter it:\n%s", before, after)
	}
}

func TestDemoIsNotMixedWithOtherData(t *testing.T) {
	pool := sqltest.DB(t)
	if _, err := pool.Exec(t.Context(), `insert into source (code, name, kind) values ('real', 'real', 'person')`); err != nil {
		t.Fatal(err)
	}
	if err := load(t, t.Context(), pool, 1000); !errors.Is(err, ErrOtherData) {
		t.Errorf("got %v", err)
	}
}
