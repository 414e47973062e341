package private

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test program is its own victim: started again with this variable it serves the folder until it is killed.
const serveFolder = "ONEPICTURE_TEST_SERVE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveFolder); dir != "" {
		serve(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// served is what the victim says of itself, in one line.
type served struct {
	Error           string
	Postgres, Redis int
	URL             string
}

func serve(dir string) {
	say := func(s served) { _ = json.NewEncoder(os.Stdout).Encode(s) }
	if _, err := Lock(dir); err != nil {
		say(served{Error: err.Error()})
		return
	}
	ctx := context.Background()
	pg, err := StartPostgres(ctx, PostgresOptions{Dir: filepath.Join(dir, "postgres"), MemoryMB: 512})
	if err != nil {
		say(served{Error: err.Error()})
		return
	}
	redis, err := StartRedis(ctx, filepath.Join(dir, "redis"), 64)
	if err != nil {
		say(served{Error: err.Error()})
		return
	}
	say(served{Postgres: pg.PID(), Redis: redis.PID(), URL: pg.URL()})
	select {}
}

// victim starts the test program as a server of the folder and waits until it serves.
func victim(t *testing.T, dir string) (*exec.Cmd, served) {
	t.Helper()
	said, words, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd := startVictim(t, dir, words)
	_ = words.Close() // the victim has its own
	var s served
	if err := json.NewDecoder(said).Decode(&s); err != nil {
		t.Fatalf("the victim said nothing: %v", err)
	}
	return cmd, s
}

func startVictim(t *testing.T, dir string, words *os.File) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveFolder+"="+dir)
	cmd.Stdout, cmd.Stderr = words, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(t, cmd) })
	return cmd
}

// kill ends the victim by kill -9, once.
func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if cmd.ProcessState == nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed: that is the point
	}
}

// folder is a temporary data folder that an unprivileged user reaches.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "onepicture-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func startPostgres(t *testing.T, dir string) *Postgres {
	t.Helper()
	pg, err := StartPostgres(t.Context(), PostgresOptions{Dir: filepath.Join(dir, "postgres"), MemoryMB: 512})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, pg) })
	return pg
}

func stop(t *testing.T, s interface{ Stop(context.Context) error }) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// query asks our database and fails the test when it does not answer.
func query(t *testing.T, pg *Postgres, statement string) string {
	t.Helper()
	out, err := ask(pg, statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return out
}

func ask(pg *Postgres, statement string) (string, error) {
	cmd := exec.Command(pg.binaries.path("psql"), pg.URL(), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement)
	cmd.Env = environment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", explain("", lastWord(out), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// until asks again and again, and fails after half a minute.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("not within 30 s: %s", what)
		case <-tick.C:
		}
	}
}

func alive(pid int) bool {
	return syscall.Kill(pid, 0) == nil && !dead(filepath.Join("/proc", strconv.Itoa(pid)))
}

// processes are all that work in the folder.
func processes(dir, comm string) []int { return orphans{comm: comm, dir: dir}.left() }

// captureLogs are the bytes of all the cluster's logs.
func captureLogs(t *testing.T, pg *Postgres) []byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(pg.dir, "*.log"))
	if err != nil || len(paths) < 2 {
		t.Fatalf("the logs: %v, %v", paths, err)
	}
	var all []byte
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return bytes.TrimSpace(all)
}
