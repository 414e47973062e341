package personal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/sql/sqltest"
)

// people puts persons of before there were keys, an address and two events into a database.
const people = `
insert into source (id, code, name, kind) values (1, 's', 's', 'mixed');
insert into class (kind, id, code, name) values ('event', 1, 'c', 'c');
insert into place (id, code, level, name, geom, label, area_m2, source_id) values
	(1, '440000000000', 1, 'City', st_multi(st_makeenvelope(113, 22, 115, 24, 4326)), st_setsrid(st_makepoint(114, 23), 4326), 1, 1);
insert into place (id, code, level, parent_id, name, geom, label, area_m2, source_id) values
	(2, '440001000000', 2, 1, 'West', st_multi(st_makeenvelope(113, 22, 114, 24, 4326)), st_setsrid(st_makepoint(113.5, 23), 4326), 1, 1),
	(3, '440002000000', 2, 1, 'East', st_multi(st_makeenvelope(114, 22, 115, 24, 4326)), st_setsrid(st_makepoint(114.5, 23), 4326), 1, 1);
insert into address (id, source_id, key, plain_text, geom, place_id) values (1, 1, 'a', '厚街大道1号', st_setsrid(st_makepoint(113.5, 23), 4326), 2);
insert into person (id, source_id, key, plain_name, plain_id_number, plain_phone, address_id, class, gender, birth, care, geom, place_id, hash)
select i, 1, 'k' || i, '王小' || i, '1101051949123' || lpad(i::text, 5, '0'), '139' || lpad(i::text, 8, '0'), 1, 1, 2, date '1949-12-31', 5,
	st_setsrid(st_makepoint(113.5, 23), 4326), 2 + mod(i, 2), 'old'
from generate_series(1, %d) i;
insert into event (id, source_id, key, class, title, reported_at, closed_at, status, geom, place_id, hash) values
	(1, 1, 'e1', 1, 't', now() - interval '400 days', now() - interval '300 days', 7, st_setsrid(st_makepoint(113.5, 23), 4326), 2, ''),
	(2, 1, 'e2', 1, 't', now() - interval '400 days', null, 1, st_setsrid(st_makepoint(113.5, 23), 4326), 2, '')`

func town(t *testing.T, persons int) *pgxpool.Pool {
	t.Helper()
	pool := sqltest.DB(t)
	if _, err := pool.Exec(t.Context(), fmt.Sprintf(people, persons)); err != nil {
		t.Fatal(err)
	}
	return pool
}

func value[T any](t *testing.T, pool *pgxpool.Pool, query string, args ...any) (v T) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// opens checks that every row is sealed by the present key and opens as what it was.
func opens(t *testing.T, k *Keys, pool *pgxpool.Pool, persons int) {
	t.Helper()
	if n := value[int](t, pool, `select count(*) from person where seal = $1 and plain_name is null and plain_id_number is null and plain_phone is null
		and id_number_index is not null and phone_index is not null`, k.Primary()); n != persons {
		t.Errorf("%d of %d persons are sealed by the present key", n, persons)
	}
	rows, err := pool.Query(t.Context(), "select id, name, id_number, phone, id_number_index, key from person order by id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, index int64
		var name, number, phone []byte
		var key string
		if err := rows.Scan(&id, &name, &number, &phone, &index, &key); err != nil {
			t.Fatal(err)
		}
		a, err1 := k.Open(Name, id, name)
		b, err2 := k.Open(IDNumber, id, number)
		c, err3 := k.Open(Phone, id, phone)
		want := fmt.Sprintf("1101051949123%05d", id)
		if a != fmt.Sprintf("王小%d", id) || b != want || c != fmt.Sprintf("139%08d", id) || errors.Join(err1, err2, err3) != nil {
			t.Fatalf("person %d opens as %q %q %q: %v", id, a, b, c, errors.Join(err1, err2, err3))
		}
		if index != k.Index(IDNumber, want) || key != k.RowKey(fmt.Sprintf("k%d", id)) {
			t.Fatalf("person %d: index %d, key %s", id, index, key)
		}
	}
	if text, err := k.Open(Address, 1, value[[]byte](t, pool, "select text from address where plain_text is null")); err != nil || text != "厚街大道1号" {
		t.Errorf("address: %q %v", text, err)
	}
}

func TestRowsOfBeforeThereWereKeysAreSealed(t *testing.T) {
	const n = 2*sealRows + 7
	pool, k := town(t, n), newKeys(t)
	if err := k.Fit(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "update event set reporter = $1, seal = $2 where id = 2", seal(t, k, Reporter, 2, "13900000000"), k.Primary()); err != nil {
		t.Fatal(err)
	}
	if err := k.Reseal(t.Context(), pool, nil); err != nil {
		t.Fatal(err)
	}
	opens(t, k, pool, n)
	if value[int](t, pool, "select count(*) from person where hash <> ''") != 0 {
		t.Error("the digest without a key is still there")
	}
	// Each rotation begins anew, wherever it is cut.
	for _, after := range []int{1, 2, 3} {
		if err := k.Rotate(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		steps := 0
		err := k.Reseal(ctx, pool, func(string, int64) {
			if steps++; steps == after {
				cancel()
			}
		})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("cut after %d: %v", after, err)
		}
		begun := value[int](t, pool, "select count(*) from person where seal = $1", k.Primary())
		if begun != min(after*sealRows, n) {
			t.Errorf("cut after %d: %d are sealed anew", after, begun)
		}
		again := 0
		if err := k.Reseal(t.Context(), pool, func(table string, rows int64) {
			if table == "person" {
				again = int(rows)
			}
		}); err != nil {
			t.Fatal(err)
		}
		if again != n-begun {
			t.Errorf("cut after %d: then %d of %d", after, again, n-begun)
		}
		opens(t, k, pool, n)
		if text, err := k.Open(Reporter, 2, value[[]byte](t, pool, "select reporter from event where id = 2 and seal = $1", k.Primary())); err != nil || text != "13900000000" {
			t.Errorf("reporter: %q %v", text, err)
		}
	}
	before := value[string](t, pool, "select md5(string_agg(p::text, ' ' order by id)) from person p")
	if err := k.Reseal(t.Context(), pool, func(string, int64) { t.Error("something was left") }); err != nil {
		t.Fatal(err)
	}
	if after := value[string](t, pool, "select md5(string_agg(p::text, ' ' order by id)) from person p"); after != before {
		t.Error("sealing again changed rows")
	}
}

func TestOneSealsAtATime(t *testing.T) {
	pool, k := town(t, 1), newKeys(t)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), sealingLockSQL, "onepicture sealing person"); err != nil {
		t.Fatal(err)
	}
	if err := k.Reseal(t.Context(), pool, nil); !errors.Is(err, ErrSealing) {
		t.Errorf("%v", err)
	}
}

func TestKeysFitTheirDatabaseOnly(t *testing.T) {
	pool := sqltest.DB(t)
	path := filepath.Join(t.TempDir(), "k")
	if err := Create(path); err != nil {
		t.Fatal(err)
	}
	k, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if marked, err := Marked(t.Context(), pool); marked || err != nil {
		t.Errorf("a new database belongs to keys: %v", err)
	}
	for range 2 {
		if err := k.Fit(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
	}
	if marked, err := Marked(t.Context(), pool); !marked || err != nil {
		t.Errorf("it is not marked: %v", err)
	}
	if err := newKeys(t).Fit(t.Context(), pool); !errors.Is(err, ErrOtherKeys) {
		t.Errorf("other keys: %v", err)
	}
	old := filepath.Join(t.TempDir(), "old")
	if err := (&file{Keyset: contents(t, path).Keyset, Secret: contents(t, path).Secret}).replace(old); err != nil {
		t.Fatal(err)
	}
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	if err := k.Reseal(t.Context(), pool, nil); err != nil {
		t.Fatal(err)
	}
	if err := k.Fit(t.Context(), pool); err != nil {
		t.Errorf("after rotation: %v", err)
	}
	before, err := Open(old)
	if err != nil {
		t.Fatal(err)
	}
	if err := before.Fit(t.Context(), pool); !errors.Is(err, ErrOtherKeys) {
		t.Errorf("the file of before the rotation: %v", err)
	}
	// The same keyset with another secret: what is sealed opens, but nothing would be found any more.
	f := contents(t, path)
	f.Secret = make([]byte, 32)
	other := &Keys{}
	if err := other.take(f); err != nil {
		t.Fatal(err)
	}
	if err := other.Fit(t.Context(), pool); !errors.Is(err, ErrOtherKeys) {
		t.Errorf("another secret: %v", err)
	}
}

func contents(t *testing.T, path string) *file {
	t.Helper()
	f, _, err := read(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
