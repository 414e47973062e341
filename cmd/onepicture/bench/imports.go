package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/demo"
	"onepicture/layers/intake"
	"onepicture/layers/ledger"
	"onepicture/layers/personal"
	"onepicture/sql"
)

// importRows is how many people row 8 imports, if the city has as many.
const importRows = 1_000_000

const importMapping = `kind = "person"
datum = "WGS84"
key = ["id"]
[source]
code = "bench"
name = "测量"
[location]
x = "lon"
y = "lat"
[fields]
name = {column = "name"}
birth = {column = "birth", formats = ["yyyy-MM-dd"]}
gender = {column = "sex", table = {"男" = "male", "女" = "female"}}
class = {const = "registered"}
`

// imports is row 8: a file of people where the city's people are, into a database of its own beside the city's, and then
// the same rows by COPY into a table without keys, which get them and the spatial index afterwards.
func (r *run) imports(ctx context.Context) (row Row, err error) {
	row = Row{What: "import from CSV to queryable", Target: "≥ 0.4 of COPY + keys + GiST of the same rows", Baseline: "–", Met: Open}
	dir, err := os.MkdirTemp("", "onepicture-bench")
	if err != nil {
		return row, fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "people.csv")
	n, err := r.writePeople(ctx, file)
	if err != nil {
		return row, err
	}
	pool, drop, err := r.beside(ctx)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	ours, err := importPeople(ctx, pool, dir, file, n)
	if err != nil {
		return row, err
	}
	theirs, err := copyPeople(ctx, pool, filepath.Join(dir, "people.copy"))
	if err != nil {
		return row, err
	}
	ratio := theirs.Seconds() / ours.Seconds()
	row.What = fmt.Sprintf("import of %d people from CSV to queryable", n)
	row.Ours = fmt.Sprintf("%.0f rows/s, checked, in their place, with ledger and audit", float64(n)/ours.Seconds())
	row.Baseline = fmt.Sprintf("COPY + keys + GiST %.0f rows/s", float64(n)/theirs.Seconds())
	row.Ratio, row.Met = fmt.Sprintf("%.2f", ratio), verdict(ratio >= 0.4)
	if n < importRows {
		row.Met = Open // what an import costs once would be most of it
	}
	return row, nil
}

// writePeople writes people, of whom only the locations are the city's.
func (r *run) writePeople(ctx context.Context, path string) (n int, err error) {
	rows, err := r.pool.Query(ctx, "select st_x(geom), st_y(geom) from person where id <= $1", importRows)
	if err != nil {
		return 0, fmt.Errorf("read people: %w", err)
	}
	defer rows.Close()
	f, err := os.Create(path)
	if err != nil {
		return 0, fmt.Errorf("write people: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintln(w, "id,name,birth,sex,lon,lat")
	var lon, lat float64
	_, err = pgx.ForEachRow(rows, []any{&lon, &lat}, func() error {
		n++
		_, err := fmt.Fprintf(w, "9901%014d,张三%d,%04d-%02d-%02d,%s,%.7f,%.7f\n", n, n%1000, 1930+n%90, 1+n%12, 1+n%28, []string{"男", "女"}[n%2], lon, lat)
		return err
	})
	if err = errors.Join(err, w.Flush()); err != nil {
		return 0, fmt.Errorf("write people: %w", err)
	}
	return n, nil
}

// beside makes a database with the same places and catalogue and next to nobody in it; drop ends it.
func (r *run) beside(ctx context.Context) (pool *pgxpool.Pool, drop func() error, err error) {
	u, err := url.Parse(r.pool.Config().ConnString())
	if err != nil {
		return nil, nil, errors.New("row 8 needs the database's address as a URL")
	}
	name := r.pool.Config().ConnConfig.Database + "_import"
	quoted := pgx.Identifier{name}.Sanitize()
	gone := "drop database if exists " + quoted + " with (force)"
	for _, text := range []string{gone, "create database " + quoted + " template template0 locale 'C.UTF-8'"} {
		if _, err := r.pool.Exec(ctx, text); err != nil {
			return nil, nil, fmt.Errorf("make a database beside the city's: %w", err)
		}
	}
	drop = func() error {
		if pool != nil {
			pool.Close()
		}
		_, err := r.pool.Exec(context.WithoutCancel(ctx), gone)
		return err
	}
	u.Path = "/" + name
	if _, _, err = sql.Migrate(ctx, u.String()); err == nil {
		pool, err = sql.Open(ctx, u.String(), sql.PoolOptions{Name: "onepicture bench"})
	}
	if err != nil {
		return nil, nil, errors.Join(err, drop())
	}
	return pool, drop, nil
}

func importPeople(ctx context.Context, pool *pgxpool.Pool, dir, file string, n int) (time.Duration, error) {
	keys, err := personal.New()
	if err != nil {
		return 0, fmt.Errorf("make keys: %w", err)
	}
	l := ledger.New(pool)
	if err := demo.Load(ctx, pool, l, demo.Options{People: 1000, Seed: 1, Now: time.Now(), Keys: keys}); err != nil {
		return 0, fmt.Errorf("load places: %w", err)
	}
	path := filepath.Join(dir, "people.toml")
	if err := os.WriteFile(path, []byte(importMapping), 0o600); err != nil {
		return 0, fmt.Errorf("write mapping: %w", err)
	}
	m, err := intake.LoadMapping(path)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	s, err := intake.Run(ctx, intake.Deps{Pool: pool, Ledger: l, Keys: keys}, intake.Options{Kind: layers.KindPerson, Files: []string{file}, Mapping: m, ReportDir: dir})
	if err != nil {
		return 0, fmt.Errorf("import: %w", err)
	}
	if put := s.Total().Put; put != int64(n) {
		return 0, fmt.Errorf("import: %d of %d rows were put", put, n)
	}
	return time.Since(began), nil
}

// copyPeople is how long the database alone takes for the same rows, in an order that is not theirs.
func copyPeople(ctx context.Context, pool *pgxpool.Pool, path string) (took time.Duration, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, fmt.Errorf("write rows: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	if _, err := conn.Conn().PgConn().CopyTo(ctx, f, "copy (select p.* from person p join source s on s.id = p.source_id where s.code = 'bench' order by p.hash) to stdout (format binary)"); err != nil {
		return 0, fmt.Errorf("copy out: %w", err)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return 0, fmt.Errorf("read rows: %w", err)
	}
	for _, text := range []string{"checkpoint", "create table bare (like person including defaults)"} {
		if _, err := conn.Exec(ctx, text); err != nil {
			return 0, fmt.Errorf("make ready for copy: %w", err)
		}
	}
	began := time.Now()
	if _, err := conn.Conn().PgConn().CopyFrom(ctx, f, "copy bare from stdin (format binary)"); err != nil {
		return 0, fmt.Errorf("copy in: %w", err)
	}
	for _, text := range []string{
		"alter table bare add primary key (id)", "create unique index on bare (source_id, key)", "create index on bare using gist (geom)",
	} {
		if _, err := conn.Exec(ctx, text); err != nil {
			return 0, fmt.Errorf("make keys: %w", err)
		}
	}
	return time.Since(began), nil
}
