package private

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// madeBy is the major version that made the cluster, 0 when there is none.
func (p *Postgres) madeBy() int {
	b, err := os.ReadFile(filepath.Join(p.dir, "PG_VERSION"))
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return n
}

// initialise makes the cluster unless it is there. It is made beside its place and moved in whole: a folder under the
// final name is never half a cluster, whenever the program is killed.
func (p *Postgres) initialise(ctx context.Context) error {
	if info, err := os.Stat(filepath.Join(p.dir, "PG_VERSION")); err == nil {
		if owner, known := ownerOf(info); known && owner != p.id.uid {
			return fmt.Errorf("the cluster in %s belongs to user id %d, not to the %d that runs it now: start onepicture as the same user as before, or change the folder's owner", p.dir, owner, p.id.uid)
		}
		return nil
	}
	entries, err := os.ReadDir(p.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return folderError(p.dir, err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s holds files, but no PostgreSQL cluster: give --data another folder", p.dir)
	}
	unfinished := p.dir + ".unfinished"
	for _, comm := range []string{"initdb", "postgres"} { // a killed server's initdb works on, with a server of its own
		left := orphans{
			comm: comm, dir: unfinished, pidFile: filepath.Join(unfinished, "postmaster.pid"),
			stopBy: syscall.SIGKILL, urgent: syscall.SIGKILL,
		}
		if err := left.end(); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(unfinished); err != nil {
		return folderError(unfinished, err)
	}
	if err := p.id.folder(unfinished); err != nil {
		return err
	}
	if err := p.initdb(ctx, unfinished); err != nil {
		return errors.Join(err, os.RemoveAll(unfinished))
	}
	if err := os.Rename(unfinished, p.dir); err != nil {
		return folderError(p.dir, err)
	}
	return nil
}

func (p *Postgres) initdb(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, p.binaries.path("initdb"), "--pgdata", dir, "--username", superuser,
		"--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions")
	cmd.SysProcAttr, cmd.Dir, cmd.Env = p.id.attr(), dir, environment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("make the PostgreSQL cluster: %w", explain(dir, lastWord(out), err))
	}
	return nil
}

// createDatabase makes our database in a fresh cluster.
func (p *Postgres) createDatabase(ctx context.Context) error {
	out, err := p.psql(ctx, "select 1 from pg_database where datname = '"+database+"'")
	if err != nil {
		return fmt.Errorf("look for the database: %w", err)
	}
	if out == "1" {
		return nil
	}
	if _, err := p.psql(ctx, "create database "+database); err != nil {
		return fmt.Errorf("create the database: %w", err)
	}
	return nil
}

func (p *Postgres) psql(ctx context.Context, statement string) (string, error) {
	cmd := exec.CommandContext(ctx, p.binaries.path("psql"), p.urlOf("postgres"), "-X", "-A", "-t", "-q",
		"-v", "ON_ERROR_STOP=1", "-c", statement)
	cmd.Env = environment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", explain(p.dir, lastWord(out), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// why is the service's own last word: from what it said before it opened its log, else from the log.
func (p *Postgres) why(err error) error {
	logs, globErr := filepath.Glob(filepath.Join(p.dir, logFiles))
	if globErr != nil {
		logs = nil
	}
	slices.SortFunc(logs, func(a, b string) int { return changedAt(b) - changedAt(a) })
	for _, path := range append([]string{filepath.Join(p.dir, firstWords)}, logs...) {
		b, readErr := os.ReadFile(path)
		if readErr != nil {
			continue
		}
		if line, found := complaint(b); found {
			return explain(p.dir, line, err)
		}
	}
	return err
}

func changedAt(path string) int {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return int(info.ModTime().UnixNano())
}

// explain turns a service's word into our error where we know what to do, else adds it to err.
func explain(dir, line string, err error) error {
	for _, known := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS} {
		if strings.Contains(strings.ToLower(line), known.Error()) {
			return folderError(dir, known)
		}
	}
	if line == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, line)
}

// complaint is the last line in which a program of PostgreSQL says what is wrong.
func complaint(said []byte) (line string, found bool) {
	lines := strings.Split(string(said), "\n")
	for _, line := range slices.Backward(lines) {
		for _, mark := range []string{"FATAL:", "PANIC:", "ERROR:", "error:"} {
			if strings.Contains(line, mark) {
				return strings.TrimSpace(line), true
			}
		}
	}
	return "", false
}

// lastWord is its complaint, else its last line.
func lastWord(said []byte) string {
	if line, found := complaint(said); found {
		return line
	}
	said = bytes.TrimSpace(said)
	return string(said[bytes.LastIndexByte(said, '\n')+1:])
}
