package private

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Everything that a newcomer's machine may lack: one line each, which says what to do, and nothing half-made.
func TestRefusals(t *testing.T) {
	script := func(t *testing.T, dir, name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cases := []struct {
		name  string
		scene func(t *testing.T, dir string, o *PostgresOptions)
		want  string
	}{
		{"no PostgreSQL", func(t *testing.T, dir string, o *PostgresOptions) { o.BinDir = dir },
			"PostgreSQL 15 or later with PostGIS is not installed: apt-get install postgresql-15 postgresql-15-postgis-3"},
		{"too old a PostgreSQL", func(t *testing.T, dir string, o *PostgresOptions) {
			o.BinDir = dir
			script(t, dir, "postgres", "echo 'postgres (PostgreSQL) 14.9'")
		}, "PostgreSQL 15 or later with PostGIS is not installed"},
		{"no PostGIS", func(t *testing.T, dir string, o *PostgresOptions) {
			o.BinDir = dir
			script(t, dir, "postgres", "echo 'postgres (PostgreSQL) 16.2'")
			script(t, dir, "pg_config", "echo "+dir)
		}, "PostGIS for PostgreSQL 16 is not installed: apt-get install postgresql-16-postgis-3"},
		{"a newer PostgreSQL's cluster", func(t *testing.T, dir string, o *PostgresOptions) {
			cluster(t, o.Dir, "99\n")
		}, "the data folder was made by PostgreSQL 99, which is not installed: apt-get install postgresql-99"},
		{"somebody's files", func(t *testing.T, dir string, o *PostgresOptions) {
			if err := os.MkdirAll(o.Dir, 0o755); err != nil {
				t.Fatal(err)
			}
			script(t, o.Dir, "letters.txt", "")
		}, "holds files, but no PostgreSQL cluster"},
		{"a file in the way", func(t *testing.T, dir string, o *PostgresOptions) {
			script(t, dir, "file", "")
			o.Dir = filepath.Join(dir, "file", "postgres")
		}, "not a directory"},
		{"initdb meets a full disk", func(t *testing.T, dir string, o *PostgresOptions) {
			fakeInstallation(t, dir, "echo 'initdb: error: could not write: No space left on device' >&2; exit 1")
			o.BinDir = dir
		}, "is full: free some space"},
		{"initdb meets a read-only disk", func(t *testing.T, dir string, o *PostgresOptions) {
			fakeInstallation(t, dir, "echo 'initdb: error: could not create: Read-only file system' >&2; exit 1")
			o.BinDir = dir
		}, "read-only file system"},
		{"initdb fails otherwise", func(t *testing.T, dir string, o *PostgresOptions) {
			fakeInstallation(t, dir, "echo first; echo 'initdb: error: no such locale' >&2; echo 'initdb: removing contents'; exit 1")
			o.BinDir = dir
		}, "no such locale"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := folder(t)
			o := PostgresOptions{Dir: filepath.Join(dir, "data", "postgres")}
			c.scene(t, dir, &o)
			pg, err := StartPostgres(t.Context(), o)
			if err == nil {
				stop(t, pg)
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want one line with %q", err, c.want)
			}
			if _, err := os.Stat(o.Dir + ".unfinished"); err == nil {
				t.Error("a half-made cluster is left behind")
			}
		})
	}
}

func TestAnotherUsersCluster(t *testing.T) {
	dir := folder(t)
	cluster(t, dir, "15\n")
	other := uint32(os.Geteuid()) + 1
	err := (&Postgres{dir: dir, id: identity{uid: other}}).initialise(t.Context())
	if err == nil || !strings.Contains(err.Error(), "start onepicture as the same user as before") {
		t.Error(err)
	}
	if err := (&Postgres{dir: dir, id: identity{uid: uint32(os.Geteuid())}}).initialise(t.Context()); err != nil {
		t.Errorf("one's own: %v", err)
	}
}

// cluster fakes one that the given major version made.
func cluster(t *testing.T, dir, version string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "PG_VERSION"), []byte(version), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fakeInstallation is a PostgreSQL with PostGIS whose initdb does what the script says.
func fakeInstallation(t *testing.T, dir, initdb string) {
	t.Helper()
	for name, text := range map[string]string{
		"postgres": "echo 'postgres (PostgreSQL) 15.1'", "pg_config": "echo " + dir, "initdb": initdb,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "extension"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "extension", "postgis.control"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFolderErrorsSayWhatToDo(t *testing.T) {
	cases := []struct {
		err  error
		want string
	}{
		{syscall.ENOSPC, "the disk that holds /d is full"},
		{syscall.EDQUOT, "the disk that holds /d is full"},
		{&fs.PathError{Op: "mkdir", Path: "/d", Err: syscall.EROFS}, "/d is on a read-only file system"},
		{&fs.PathError{Op: "mkdir", Path: "/d", Err: syscall.EACCES}, "/d cannot be written by this user"},
		{syscall.EPERM, "/d cannot be written by this user"},
		{errors.New("odd"), "data folder /d: odd"},
	}
	for _, c := range cases {
		if got := folderError("/d", c.err).Error(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}

// A folder that nobody can write: the kernel's own process table takes no folders, not even root's.
func TestUnwritableFolder(t *testing.T) {
	const dir = "/proc/onepicture"
	if _, err := Lock(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("lock: %v", err)
	}
	if _, err := StartPostgres(t.Context(), PostgresOptions{Dir: dir + "/postgres"}); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("PostgreSQL: %v", err)
	}
	if _, err := StartRedis(t.Context(), dir+"/redis", 0); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("Redis: %v", err)
	}
}

func TestFolderThatTheServicesCannotReach(t *testing.T) {
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	stranger := identity{uid: 64123, gid: 64123, switched: true}
	err := stranger.reachable(filepath.Join(closed, "data", "postgres"))
	if err == nil {
		t.Fatal("a missing parent passed")
	}
	err = stranger.reachable(filepath.Join(closed, "postgres"))
	if err == nil || !strings.Contains(err.Error(), "cannot pass "+filepath.Dir(closed)) && !strings.Contains(err.Error(), "cannot pass "+closed) {
		t.Errorf("the closed parent must be named: %v", err)
	}
	if err := stranger.reachable("/tmp/postgres"); err != nil {
		t.Errorf("an open parent: %v", err)
	}
	if err := (identity{}).reachable(filepath.Join(closed, "postgres")); err != nil {
		t.Errorf("one's own folder: %v", err)
	}
}

func TestNoRedis(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := StartRedis(t.Context(), filepath.Join(folder(t), "redis"), 0)
	if err == nil || err.Error() != "Redis is not installed: apt-get install redis-server" {
		t.Error(err)
	}
}

func TestRunningWhenNothingRuns(t *testing.T) {
	if url, err := Running(folder(t)); err == nil {
		t.Errorf("nothing runs, but %q was given", url)
	}
}

// Whose a process is: the folder decides, and the name, never the number.
func TestOwns(t *testing.T) {
	here, there := folder(t), folder(t)
	cmd := exec.Command("sleep", "60")
	cmd.Dir = here
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { kill(t, cmd) }()
	pid := cmd.Process.Pid
	until(t, "it runs", func() bool { return orphans{comm: "sleep", dir: here}.owns(pid) })
	if (orphans{comm: "sleep", dir: there}).owns(pid) {
		t.Error("another folder's process")
	}
	if (orphans{comm: "postgres", dir: here}).owns(pid) {
		t.Error("another program's process")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, "a dead process that nobody has waited for counts as gone", func() bool {
		return !orphans{comm: "sleep", dir: here}.owns(pid)
	})
}
