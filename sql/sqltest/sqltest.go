// Package sqltest gives each test a fresh, migrated database on a private PostGIS cluster, and a private Redis. There
// is no stand-in: without PostgreSQL the tests fail and say so.
package sqltest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/private"
	"onepicture/sql"
)

// Main runs a package's tests and ends the services that they started:
//
//	func TestMain(m *testing.M) { sqltest.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	stop()
	os.Exit(code)
}

var shared struct {
	once sync.Once
	err  error
	pg   *private.Postgres
	dir  string

	redisOnce sync.Once
	redisErr  error
	redis     *private.Redis
}

var number atomic.Int64

const template = "template_onepicture"

// DB is a pool on a database of this test's own.
func DB(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := sql.Open(t.Context(), URL(t), sql.PoolOptions{Name: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// URL is the address of a fresh database, dropped when the test ends.
func URL(t testing.TB) string {
	t.Helper()
	shared.once.Do(func() { shared.err = startCluster() })
	if shared.err != nil {
		t.Fatalf("these tests need a real PostgreSQL with PostGIS: %v", shared.err)
	}
	name := fmt.Sprintf("test_%d", number.Add(1))
	admin(t, "create database "+name+" template "+template)
	t.Cleanup(func() { admin(t, "drop database if exists "+name+" with (force)") })
	return withDatabase(shared.pg.URL(), name)
}

// Redis is the address of a Redis that the tests of a package share.
func Redis(t testing.TB) string {
	t.Helper()
	shared.redisOnce.Do(func() {
		var dir string
		if dir, shared.redisErr = tempDir("redis"); shared.redisErr != nil {
			return
		}
		shared.redis, shared.redisErr = private.StartRedis(context.Background(), filepath.Join(dir, "r"), 64)
		if shared.redisErr == nil {
			shared.redisErr = watch(shared.redis.PID(), dir)
		}
	})
	if shared.redisErr != nil {
		t.Fatalf("these tests need a real Redis: %v", shared.redisErr)
	}
	return shared.redis.URL()
}

func startCluster() error {
	dir, err := tempDir("pg")
	if err != nil {
		return err
	}
	shared.dir = dir
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	shared.pg, err = private.StartPostgres(ctx, private.PostgresOptions{Dir: filepath.Join(dir, "c"), Fast: true, MemoryMB: 1536})
	if err != nil {
		return err
	}
	if err := watch(shared.pg.PID(), dir); err != nil {
		return err
	}
	if _, _, err := sql.Migrate(ctx, shared.pg.URL()); err != nil {
		return err
	}
	// The migrated database becomes the template; a template must have no connection.
	conn, err := pgx.Connect(ctx, withDatabase(shared.pg.URL(), "postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "alter database onepicture rename to "+template)
	return err
}

// tempDir is a folder that an unprivileged user can reach.
func tempDir(what string) (string, error) {
	dir, err := os.MkdirTemp("", "onepicture-test-"+what)
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// watch leaves a child behind that stops the service when this process is gone, however it went, and removes its
// folder: it waits for the end of a pipe of which we hold the other end.
func watch(pid int, dir string) error {
	r, _, err := pipeKeptOpen()
	if err != nil {
		return err
	}
	script := `cat >/dev/null; kill -INT "$1" 2>/dev/null; i=0; while kill -0 "$1" 2>/dev/null && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done; rm -rf "$2"`
	cmd := exec.Command("sh", "-c", script, "sh", fmt.Sprint(pid), dir)
	cmd.Stdin = r
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	return r.Close()
}

var kept []*os.File

func pipeKeptOpen() (r, w *os.File, err error) {
	r, w, err = os.Pipe()
	if err == nil {
		kept = append(kept, w) // closed by the end of the process, and not before
	}
	return r, w, err
}

func stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if shared.pg != nil {
		_ = shared.pg.Stop(ctx) // the watcher removes what is left
	}
	if shared.redis != nil {
		_ = shared.redis.Stop(ctx)
	}
}

func admin(t testing.TB, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, withDatabase(shared.pg.URL(), "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}

func withDatabase(address, name string) string {
	u, err := url.Parse(address)
	if err != nil {
		return strings.Replace(address, "/onepicture", "/"+name, 1)
	}
	u.Path = "/" + name
	return u.String()
}
