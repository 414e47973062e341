// Package sqltest gives each test a fresh, migrated database on a private PostGIS cluster, and a private Redis. There
// is no stand-in: without PostgreSQL the tests fail and say so.
package sqltest

import (
	"context"
	"fmt"
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
	os.Exit(code) // after a panic or a timeout the watcher does the same
}

var shared struct {
	once sync.Once
	err  error
	pg   *private.Postgres

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

// Requests is a pool on the same database with the rights of requests: it sees rows under a scope alone.
func Requests(t testing.TB, owner *pgxpool.Pool) *pgxpool.Pool {
	t.Helper()
	pool, err := sql.Open(t.Context(), owner.Config().ConnString(), sql.PoolOptions{Name: "requests", MaxConns: 8, Role: sql.RequestRole})
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

// Cluster is a migrated cluster of this test's own, for tests that kill it or change its settings. About 2 s.
func Cluster(t testing.TB) *private.Postgres {
	t.Helper()
	dir, err := watchedDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	pg, err := private.StartPostgres(ctx, private.PostgresOptions{Dir: filepath.Join(dir, "c"), Fast: true, MemoryMB: memoryMB})
	if err != nil {
		t.Fatalf("these tests need a real PostgreSQL with PostGIS: %v", err)
	}
	t.Cleanup(func() { stopAll(t.Errorf, pg) })
	if _, _, err := sql.Migrate(ctx, pg.URL()); err != nil {
		t.Fatal(err)
	}
	return pg
}

// Redis is the address of a Redis that the tests of a package share.
func Redis(t testing.TB) string {
	t.Helper()
	shared.redisOnce.Do(func() {
		var dir string
		if dir, shared.redisErr = watchedDir(); shared.redisErr != nil {
			return
		}
		shared.redis, shared.redisErr = private.StartRedis(context.Background(), filepath.Join(dir, "r"), 64)
	})
	if shared.redisErr != nil {
		t.Fatalf("these tests need a real Redis: %v", shared.redisErr)
	}
	return shared.redis.URL()
}

const (
	startTime = 2 * time.Minute
	memoryMB  = 1536 // a shared_buffers of 256 MB, whatever the machine has
)

func startCluster() (err error) {
	dir, err := watchedDir()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	shared.pg, err = private.StartPostgres(ctx, private.PostgresOptions{Dir: filepath.Join(dir, "c"), Fast: true, MemoryMB: memoryMB})
	if err != nil {
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

// watchedDir is a temporary folder that an unprivileged user can reach, with a watcher that outlives this process,
// however it ends (a panic, a timeout, kill -9): it waits for the end of a pipe of which only we hold the other end,
// stops the services that their own pid files in the folder name, and removes the folder.
func watchedDir() (string, error) {
	dir, err := os.MkdirTemp("", "onepicture-test-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	kept.Lock()
	kept.pipes = append(kept.pipes, w) // closed by the end of the process, and not before
	kept.Unlock()
	cmd := exec.Command("sh", "-c", watcher, "sh", dir)
	cmd.Stdin = r
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's Ctrl-C is not for it
	if err := cmd.Start(); err != nil {
		return "", err
	}
	go func() { _ = cmd.Wait() }()
	return dir, r.Close()
}

var kept struct {
	sync.Mutex
	pipes []*os.File
}

// A number in a pid file counts only if its process works in our folder.
const watcher = `cat >/dev/null
for file in "$1"/c/postmaster.pid "$1"/r/redis.pid; do
	pid=$(head -n 1 "$file" 2>/dev/null) || continue
	[ "/proc/$pid/cwd" -ef "${file%/*}" ] || continue
	kill -INT "$pid" 2>/dev/null
	i=0
	while kill -0 "$pid" 2>/dev/null && [ $i -lt 200 ]; do sleep 0.1; i=$((i+1)); done
	kill -QUIT "$pid" 2>/dev/null
done
rm -rf "$1"`

type stopper interface{ Stop(context.Context) error }

func stopAll(complain func(string, ...any), services ...stopper) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, s := range services {
		if err := s.Stop(ctx); err != nil {
			complain("stop after tests: %v", err)
		}
	}
}

func stop() {
	var services []stopper
	if shared.pg != nil {
		services = append(services, shared.pg)
	}
	if shared.redis != nil {
		services = append(services, shared.redis)
	}
	stopAll(func(f string, a ...any) { fmt.Fprintf(os.Stderr, f+"\n", a...) }, services...)
	// The watcher removes the folders.
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
	return strings.Replace(address, "/onepicture?", "/"+name+"?", 1) // the form of private.Postgres's addresses
}
