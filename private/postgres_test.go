package private

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestClusterIsFreshThenKept(t *testing.T) {
	dir := folder(t)
	pg := startPostgres(t, dir)
	for setting, want := range map[string]string{
		"server_encoding": "UTF8", "lc_collate": "C.UTF-8", "lc_ctype": "C.UTF-8", "listen_addresses": "", "fsync": "on",
		"full_page_writes": "on", "wal_level": "replica", "jit": "off", "TimeZone": "UTC", "shared_buffers": "85MB",
		"log_statement": "none", "log_parameter_max_length_on_error": "0",
	} {
		if got := query(t, pg, "show "+setting); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	query(t, pg, "create extension postgis; create table kept as select 7 as n")
	first := pg.PID()
	stop(t, pg)
	if left := processes(pg.dir, "postgres"); len(left) > 0 || alive(first) {
		t.Errorf("after Stop these still run: %v", left)
	}
	if _, err := os.Stat(filepath.Join(pg.dir, "postmaster.pid")); err == nil {
		t.Error("an orderly stop left its pid file")
	}
	pg = startPostgres(t, dir)
	if got := query(t, pg, "select n from kept"); got != "7" {
		t.Errorf("after a restart the table holds %q", got)
	}
	conf, err := os.ReadFile(filepath.Join(pg.dir, "postgresql.conf"))
	if err != nil || bytes.Count(conf, []byte("include 'onepicture.conf'")) != 1 {
		t.Errorf("our settings must be included once: %v", err)
	}
}

func TestClusterRunsUnprivilegedAndPrivate(t *testing.T) {
	t.Setenv("DATABASE_PASSWORD", "secret")
	pg := startPostgres(t, folder(t))
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pg.PID()) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(status, []byte("\nUid:\t0\t")) {
		t.Error("PostgreSQL runs as root")
	}
	for _, path := range []string{pg.dir, pg.sockets} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o700 {
			t.Errorf("%s may be entered by others: %v", path, info.Mode())
		}
	}
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pg.PID()) + "/environ")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(env, []byte("secret")) {
		t.Error("our environment, where secrets may be, reached the service")
	}
}

func TestLogHoldsNoValueOfAStatement(t *testing.T) {
	pg := startPostgres(t, folder(t))
	query(t, pg, "create table t (name text unique, n int check (n > 0))")
	for _, statement := range []string{
		"insert into t values ('王小明', 1), ('王小明', 2)", // a unique key's detail names the value
		"insert into t values ('王小明', -1)",            // a check's detail names the whole row
		"select '王小明'::int",                           // the message itself quotes the value
		"select 王小明 from t",                           // the statement's text
		"do $$ begin raise warning '王小明'; end $$",
	} {
		_, _ = ask(pg, statement) // it fails or warns, as it must
	}
	stop(t, pg)
	logs := captureLogs(t, pg)
	if bytes.Contains(logs, []byte("王小明")) {
		t.Errorf("a personal value stands in the log:\n%s", logs)
	}
	if !bytes.Contains(logs, []byte("database system is ready")) {
		t.Errorf("the log must still tell the cluster's own life:\n%s", logs)
	}
}

// kill -9 of the postmaster while transactions run: everything committed is there when it is back, by itself.
func TestKilledPostmasterComesBackWithAllThatWasCommitted(t *testing.T) {
	pg := startPostgres(t, folder(t))
	query(t, pg, "create table t (n int)")
	for round := range 3 {
		query(t, pg, "insert into t select generate_series(1, 1000)")
		// A statement that never looks whether the postmaster lives must not hinder the next one.
		busy := exec.Command(pg.binaries.path("psql"), pg.URL(), "-X", "-q", "-c",
			"begin; insert into t values (-1); select count(*) from generate_series(1, 1000000000) a where a % 7 = 9")
		busy.Env = environment()
		if err := busy.Start(); err != nil {
			t.Fatal(err)
		}
		until(t, "the statement runs", func() bool {
			n, err := ask(pg, "select count(*) from pg_stat_activity where query like 'begin%' and state = 'active' and pid <> pg_backend_pid()")
			return err == nil && n == "1"
		})
		before := pg.PID()
		if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = busy.Wait() // its connection broke
		until(t, "it answers again", func() bool { _, err := ask(pg, "select 1"); return err == nil })
		if pg.PID() == before {
			t.Error("the process id did not change: it was not killed")
		}
		if got, want := query(t, pg, "select count(*) || ' ' || count(*) filter (where n < 0) from t"), strconv.Itoa(1000*(round+1))+" 0"; got != want {
			t.Errorf("round %d: %s rows and uncommitted ones, want %s", round, got, want)
		}
	}
}

func TestStopDuringRestartStartsNothing(t *testing.T) {
	dir := folder(t)
	for range 5 {
		pg := startPostgres(t, dir)
		if err := syscall.Kill(pg.PID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		stop(t, pg)
		until(t, "nothing of it runs", func() bool { return len(processes(pg.dir, "postgres")) == 0 })
	}
}

func TestStopAtOnceWhenTheTimeIsOver(t *testing.T) {
	dir := folder(t)
	pg := startPostgres(t, dir)
	query(t, pg, "create table t as select 1 as n")
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if err := pg.Stop(over); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("ended in disorder, that must be said in one line: %v", err)
	}
	until(t, "nothing of it runs", func() bool { return len(processes(pg.dir, "postgres")) == 0 })
	if got := query(t, startPostgres(t, dir), "select n from t"); got != "1" {
		t.Errorf("after an immediate stop the table holds %q", got)
	}
}

// A crash in the middle of initdb leaves nothing that the next start takes for a cluster.
func TestHalfMadeClusterIsMadeAnew(t *testing.T) {
	dir := folder(t)
	half := filepath.Join(dir, "postgres.unfinished")
	if err := os.MkdirAll(filepath.Join(half, "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(half, "PG_VERSION"), []byte("15\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	query(t, startPostgres(t, dir), "select 1")
	if _, err := os.Stat(half); err == nil {
		t.Error("the half-made one is still there")
	}
}

// The pid file of a cluster that died with its machine names a process of somebody else.
func TestStalePidFileOfALivingStranger(t *testing.T) {
	dir := folder(t)
	pg := startPostgres(t, dir)
	stop(t, pg)
	stranger := exec.Command("sleep", "60")
	stranger.SysProcAttr = pg.id.attr() // the cluster's own user: PostgreSQL by itself would refuse to start
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { kill(t, stranger) }()
	pid := strconv.Itoa(stranger.Process.Pid)
	text := pid + "\n" + pg.dir + "\n1700000000\n5432\n" + pg.sockets + "\n\n       123         0\nready\n"
	for _, path := range []string{filepath.Join(pg.dir, "postmaster.pid"), filepath.Join(pg.sockets, ".s.PGSQL.5432.lock")} {
		if err := pg.id.write(path, text); err != nil {
			t.Fatal(err)
		}
	}
	query(t, startPostgres(t, dir), "select 1")
	if !alive(stranger.Process.Pid) {
		t.Error("the stranger was ended")
	}
}

func TestDeepFolderListensInAShortOne(t *testing.T) {
	dir := filepath.Join(folder(t), strings.Repeat("深", 30), strings.Repeat("d", 100))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	pg := startPostgres(t, dir)
	if got := query(t, pg, "select 1"); got != "1" {
		t.Error(got)
	}
	url, err := Running(pg.dir)
	if err != nil || url != pg.URL() {
		t.Errorf("another program finds %q (%v), want %q", url, err, pg.URL())
	}
	sockets := pg.sockets
	if filepath.Dir(sockets) == pg.dir {
		t.Fatal("this path is not deep enough to show anything")
	}
	stop(t, pg)
	if _, err := os.Stat(sockets); err == nil {
		t.Errorf("%s is left behind", sockets)
	}
	if err := os.Symlink("/etc", sockets); err != nil { // somebody else's trap among the temporary files
		t.Fatal(err)
	}
	defer os.Remove(sockets)
	if _, err := StartPostgres(t.Context(), PostgresOptions{Dir: pg.dir}); err == nil || !strings.Contains(err.Error(), "somebody else") {
		t.Errorf("a link was followed: %v", err)
	}
}

func TestSettingsFitTheMachine(t *testing.T) {
	p := &Postgres{sockets: "/s", binaries: binaries{lz4: true}}
	cases := []struct {
		memoryMB int
		want     []string
	}{
		{256, []string{"shared_buffers = 64MB", "work_mem = 8MB", "maintenance_work_mem = 64MB"}},
		{24000, []string{"shared_buffers = 4000MB", "effective_cache_size = 12000MB", "work_mem = 60MB"}},
		{1 << 20, []string{"shared_buffers = 4096MB", "work_mem = 64MB", "maintenance_work_mem = 1024MB"}},
	}
	for _, c := range cases {
		lines := strings.Split(p.settings(c.memoryMB, false), "\n")
		for _, want := range append(c.want, "fsync = on", "synchronous_commit = on", "wal_compression = lz4") {
			if !slices.Contains(lines, want) {
				t.Errorf("%d MB: no line %q", c.memoryMB, want)
			}
		}
	}
	if fast := p.settings(1024, true); !strings.Contains(fast, "\nfsync = off\n") {
		t.Error("the tests' clusters should not wait for the disk")
	}
}
