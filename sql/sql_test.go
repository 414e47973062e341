package sql_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/sql"
	"onepicture/sql/sqltest"
)

func sameWKT(t *testing.T, pool *pgxpool.Pool, a, b string) (same bool) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), `select st_asewkb($1::geometry) = st_asewkb($2::geometry)`, a, b).Scan(&same); err != nil {
		t.Fatal(err)
	}
	return same
}

// Every query file parses and plans against the migrated schema.
func TestEveryQueryPlans(t *testing.T) {
	pool := sqltest.DB(t)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	var names []string
	if err := filepath.WalkDir("queries", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimPrefix(path, "queries/"))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(names) < 50 {
		t.Fatalf("only %d query files were found", len(names))
	}
	for _, name := range names {
		if filepath.Ext(name) != ".sql" {
			t.Errorf("%s is no query", name)
		}
		if _, err := conn.Conn().Prepare(t.Context(), name, sql.Text(name)); err != nil {
			var pe *pgconn.PgError
			if errors.As(err, &pe) {
				err = fmt.Errorf("%s, at character %d", pe.Message, pe.Position)
			}
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMissingQueryEndsTheProgramAtItsStart(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a missing file went unnoticed")
		}
	}()
	sql.Text("ledger/none.sql")
}

func TestOpen(t *testing.T) {
	url := sqltest.URL(t)
	pool, err := sql.Open(t.Context(), url, sql.PoolOptions{Name: "trial", MaxConns: 3, StatementTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var name, zone, timeout string
	if err := pool.QueryRow(t.Context(), `select current_setting('application_name'), current_setting('timezone'),
		current_setting('statement_timeout')`).Scan(&name, &zone, &timeout); err != nil {
		t.Fatal(err)
	}
	if name != "trial" || zone != "UTC" || timeout != "50ms" || pool.Config().MaxConns != 3 {
		t.Errorf("got %q %q %q %d", name, zone, timeout, pool.Config().MaxConns)
	}
	if _, err := pool.Exec(t.Context(), `select pg_sleep(60)`); err == nil {
		t.Error("a statement outlived its time")
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, url := range map[string]string{
		"no such database": strings.Replace(sqltest.URL(t), "/test_", "/none_", 1),
		"no server":        "postgres:///onepicture?host=/nowhere&user=u&password=geheim",
		"no URL":           "postgres://u:geheim@h:port/d",
	} {
		pool, err := sql.Open(t.Context(), url, sql.PoolOptions{})
		if err == nil {
			pool.Close()
			t.Errorf("%s: it opened", name)
		} else if strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: the error tells the password: %v", name, err)
		}
	}
	if _, _, err := sql.Migrate(t.Context(), "postgres://u:geheim@h:port/d"); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("migrate: %v", err)
	}
}

// emptyDatabase is a database without any schema.
func emptyDatabase(t *testing.T) string {
	t.Helper()
	url := sqltest.URL(t)
	conn := connect(t, url)
	if _, err := conn.Exec(t.Context(), `drop schema public cascade; create schema public`); err != nil {
		t.Fatal(err)
	}
	return url
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// migrations gives how many there are, and the number of the newest; numbers may have gaps.
func migrations(t *testing.T) (count int, newest int64) {
	t.Helper()
	files, err := os.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(files[len(files)-1].Name(), "%d_", &newest); err != nil {
		t.Fatal(err)
	}
	return len(files), newest
}

func newestMigration(t *testing.T) int64 {
	t.Helper()
	_, newest := migrations(t)
	return newest
}

// Several programs that start at once on an empty database: one migrates, all succeed, nothing is done twice.
func TestMigrateFromManyProgramsAtOnce(t *testing.T) {
	url := emptyDatabase(t)
	count, newest := migrations(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, to, err := sql.Migrate(t.Context(), url); err != nil || to != newest {
				t.Errorf("version %d, want %d: %v", to, newest, err)
			}
		})
	}
	wg.Wait()
	if from, to, err := sql.Migrate(t.Context(), url); err != nil || from != newest || to != newest {
		t.Errorf("again: %d to %d: %v", from, to, err)
	}
	var rows int
	if err := connect(t, url).QueryRow(t.Context(), `select count(*) from goose_db_version where version_id > 0`).Scan(&rows); err != nil || rows != count {
		t.Errorf("%d migrations are recorded, want %d: %v", rows, count, err)
	}
}

func TestMigrateRefusesANewerSchema(t *testing.T) {
	url, newest := sqltest.URL(t), newestMigration(t)
	conn := connect(t, url)
	if _, err := conn.Exec(t.Context(), `insert into goose_db_version (version_id, is_applied) values ($1, true)`, newest+1); err != nil {
		t.Fatal(err)
	}
	from, to, err := sql.Migrate(t.Context(), url)
	if !errors.Is(err, sql.ErrNewerSchema) || from != newest+1 || to != from || strings.Contains(err.Error(), "\n") {
		t.Errorf("%d to %d: %v", from, to, err)
	}
}

// Two tests never see one another's rows, and a cluster of a test's own is none of the shared one.
func TestDatabasesAreApart(t *testing.T) {
	a, b := sqltest.DB(t), sqltest.DB(t)
	if _, err := a.Exec(t.Context(), `create table mine (n int)`); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Exec(t.Context(), `select n from mine`); err == nil {
		t.Error("another test's table is seen")
	}
	own := sqltest.Cluster(t)
	if strings.Split(own.URL(), "?")[1] == strings.Split(sqltest.URL(t), "?")[1] {
		t.Error("the cluster is the shared one")
	}
	var n int
	if err := connect(t, own.URL()).QueryRow(t.Context(), `select count(*) from deployment`).Scan(&n); err != nil || n != 1 {
		t.Errorf("its database is not migrated: %v", err)
	}
}
