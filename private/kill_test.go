package private

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// kill -9 of the server alone: its services live on without it; the next server ends them and starts anew.
func TestKilledServerIsFollowedByANewOne(t *testing.T) {
	dir := folder(t)
	server, first := victim(t, dir)
	if first.Error != "" {
		t.Fatal(first.Error)
	}
	probe := &Postgres{dir: filepath.Join(dir, "postgres"), sockets: socketPath(filepath.Join(dir, "postgres"))}
	var err error
	if probe.binaries, err = findBinaries("", 0); err != nil {
		t.Fatal(err)
	}
	query(t, probe, "create table t as select 42 as n")
	kill(t, server)
	if !alive(first.Postgres) || !alive(first.Redis) {
		t.Fatal("the services ended with their server: the scene shows nothing")
	}
	again := startPostgres(t, dir)
	if alive(first.Postgres) {
		t.Error("two postmasters, or the old one was adopted")
	}
	if got := query(t, again, "select n from t"); got != "42" {
		t.Errorf("the table holds %q", got)
	}
	redis, err := StartRedis(t.Context(), filepath.Join(dir, "redis"), 64)
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, redis)
	if alive(first.Redis) {
		t.Error("the old Redis still runs")
	}
}

// kill -9 of the server and of everything that it started, as when a machine dies: stale files everywhere.
func TestEverythingKilledStartsCleanly(t *testing.T) {
	dir := folder(t)
	for round := range 3 {
		server, s := victim(t, dir)
		if s.Error != "" {
			t.Fatalf("round %d: %s", round, s.Error)
		}
		kill(t, server)
		for _, pid := range append(processes(filepath.Join(dir, "postgres"), "postgres"), s.Redis) {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
				t.Fatal(err)
			}
		}
		for _, stale := range []string{"postgres/postmaster.pid", "redis/redis.pid", "redis/sockets/redis"} {
			if _, err := os.Lstat(filepath.Join(dir, stale)); err != nil {
				t.Errorf("the scene shows nothing: %v", err)
			}
		}
	}
	query(t, startPostgres(t, dir), "select 1")
}

// A server killed while it makes its cluster, at any moment, leaves a folder from which the next one starts.
func TestKilledWhileStarting(t *testing.T) {
	dir := folder(t)
	server, cut := startVictim(t, dir, nil), make(chan struct{})
	go func() { // as soon as initdb has begun to write
		defer close(cut)
		for {
			if _, err := os.Stat(filepath.Join(dir, "postgres.unfinished", "global")); err == nil {
				return
			}
			if _, err := os.Stat(filepath.Join(dir, "postgres", "PG_VERSION")); err == nil {
				return
			}
		}
	}()
	<-cut
	kill(t, server)
	query(t, startPostgres(t, dir), "create extension postgis")
}

func TestKilledRedisComesBack(t *testing.T) {
	redis, err := StartRedis(t.Context(), filepath.Join(folder(t), "redis"), 64)
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, redis)
	for range 2 {
		before := redis.PID()
		if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		until(t, "another Redis answers", func() bool { return redis.PID() != before && redis.answers(t.Context()) == nil })
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(redis.PID()) + "/status")
	if err != nil || strings.Contains(string(status), "\nUid:\t0\t") {
		t.Errorf("Redis runs as root, or nothing does: %v", err)
	}
}

func TestSecondServerIsRefused(t *testing.T) {
	dir := folder(t)
	server, first := victim(t, dir)
	if first.Error != "" {
		t.Fatal(first.Error)
	}
	_, second := victim(t, dir)
	if !strings.Contains(second.Error, "process "+strconv.Itoa(server.Process.Pid)+")") || strings.Contains(second.Error, "\n") {
		t.Errorf("the second server must be told who holds the folder, in one line: %q", second.Error)
	}
	if !alive(first.Postgres) {
		t.Error("the refused server ended the first one's PostgreSQL")
	}
	kill(t, server)
	unlock, err := Lock(dir)
	if err != nil {
		t.Fatalf("the lock outlived its killed holder: %v", err)
	}
	runtime.GC() // nothing refers to the lock's file
	if _, err := Lock(dir); err == nil || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("two holders: %v", err)
	}
	unlock()
	unlock, err = Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	stop(t, startPostgres(t, dir)) // ends what the victim left
	redis, err := StartRedis(t.Context(), filepath.Join(dir, "redis"), 64)
	if err != nil {
		t.Fatal(err)
	}
	stop(t, redis)
}

// An initdb that outlived its killed server works on in the half-made folder; it must not work beside the next one.
func TestOrphanedInitdbIsEnded(t *testing.T) {
	dir := folder(t)
	half := filepath.Join(dir, "postgres.unfinished")
	if err := os.Mkdir(half, 0o700); err != nil {
		t.Fatal(err)
	}
	sleep, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	initdb := filepath.Join(dir, "initdb")
	if err := os.WriteFile(initdb, sleep, 0o755); err != nil {
		t.Fatal(err)
	}
	orphan := exec.Command(initdb, "60")
	orphan.Dir = half
	if err := orphan.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { kill(t, orphan) }()
	until(t, "it runs", func() bool { return len(processes(half, "initdb")) == 1 })
	query(t, startPostgres(t, dir), "select 1")
	if alive(orphan.Process.Pid) {
		t.Error("it still runs")
	}
}
