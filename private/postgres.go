package private

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// PostgresOptions says where and how a private cluster runs.
type PostgresOptions struct {
	Dir      string // the cluster's folder; made when missing
	Fast     bool   // for tests: no fsync; a power cut may lose data
	BinDir   string // empty: the newest of the system's packages, 15 or later
	MemoryMB int    // memory to fit the settings to; 0: the machine's
}

// Postgres is a running private cluster with one database, onepicture.
type Postgres struct {
	dir, bin, sockets string
	major             int
	id                identity
	process           process
}

const oldestMajor = 15

// StartPostgres makes the cluster when the folder is empty, ends what a killed server left behind, and starts it. It
// is kept running until Stop. Errors are single lines that say what to do.
func StartPostgres(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	p := &Postgres{dir: dir}
	if p.id, err = unprivileged("postgres"); err != nil {
		return nil, err
	}
	if err := p.findBinaries(o.BinDir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, folderError(filepath.Dir(dir), err)
	}
	if err := p.id.reachable(dir); err != nil {
		return nil, err
	}
	if err := p.id.folder(dir); err != nil {
		return nil, err
	}
	if p.sockets, err = socketFolder(p.id, dir); err != nil {
		return nil, err
	}
	if err := endOrphan(filepath.Join(dir, "postmaster.pid"), dir, syscall.SIGINT); err != nil {
		return nil, err
	}
	if err := p.initialise(ctx, o); err != nil {
		return nil, err
	}
	p.process = process{name: "PostgreSQL", command: p.command, ready: p.answers, stopBy: syscall.SIGINT}
	starting, cancel := context.WithTimeout(ctx, 5*time.Minute) // after a crash it replays its log first
	defer cancel()
	if err := p.process.start(starting); err != nil {
		return nil, fmt.Errorf("%w; its log: %s", err, p.lastLines())
	}
	if err := p.createDatabase(ctx); err != nil {
		return nil, errors.Join(err, p.Stop(ctx))
	}
	return p, nil
}

// URL is the connection string of the database: over the unix socket, as the cluster's superuser.
func (p *Postgres) URL() string { return p.urlOf("onepicture") }

func (p *Postgres) urlOf(database string) string {
	q := url.Values{"host": {p.sockets}, "user": {"onepicture"}, "port": {"5432"}}
	return "postgres:///" + database + "?" + q.Encode()
}

// PID is the postmaster's process id.
func (p *Postgres) PID() int { return p.process.pid() }

// Stop ends the cluster: open transactions are rolled back, everything committed is on disk.
func (p *Postgres) Stop(ctx context.Context) error { return p.process.stop(ctx) }

func (p *Postgres) findBinaries(given string) error {
	candidates := []string{given}
	if given == "" {
		found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
		if err != nil {
			return fmt.Errorf("find PostgreSQL: %w", err)
		}
		candidates = found
	}
	majorOf := func(bin string) int {
		out, err := exec.Command(filepath.Join(bin, "postgres"), "--version").Output()
		fields := strings.Fields(string(out))
		if err != nil || len(fields) < 3 {
			return 0
		}
		n, _ := strconv.Atoi(strings.SplitN(fields[2], ".", 2)[0]) // 0: not a server
		return n
	}
	slices.SortFunc(candidates, func(a, b string) int { return majorOf(b) - majorOf(a) })
	wanted := 0
	if b, err := os.ReadFile(filepath.Join(p.dir, "PG_VERSION")); err == nil {
		wanted, _ = strconv.Atoi(strings.TrimSpace(string(b)))
	}
	for _, bin := range candidates {
		if m := majorOf(bin); m >= oldestMajor && (wanted == 0 || m == wanted) {
			p.bin, p.major = bin, m
			return p.findPostGIS()
		}
	}
	if wanted != 0 {
		return fmt.Errorf("the data folder was made by PostgreSQL %d, which is not installed: apt-get install postgresql-%d postgresql-%d-postgis-3", wanted, wanted, wanted)
	}
	return errors.New("PostgreSQL 15 or later with PostGIS is not installed: apt-get install postgresql postgresql-15-postgis-3")
}

func (p *Postgres) findPostGIS() error {
	out, err := exec.Command(filepath.Join(p.bin, "pg_config"), "--sharedir").Output()
	share := strings.TrimSpace(string(out))
	if err != nil {
		share = fmt.Sprintf("/usr/share/postgresql/%d", p.major)
	}
	if _, err := os.Stat(filepath.Join(share, "extension", "postgis.control")); err != nil {
		return fmt.Errorf("PostGIS for PostgreSQL %d is not installed: apt-get install postgresql-%d-postgis-3", p.major, p.major)
	}
	return nil
}

// socketFolder is where the cluster listens; a socket's path may have 107 bytes, so a deep folder gets a short one.
func socketFolder(id identity, dir string) (string, error) {
	sockets := filepath.Join(dir, "sockets")
	if len(sockets)+len("/.s.PGSQL.5432.lock") > 100 {
		sockets = filepath.Join(os.TempDir(), fmt.Sprintf("onepicture-%x", sha256.Sum256([]byte(dir)))[:24])
		return sockets, id.folder(sockets)
	}
	return sockets, nil // made after initdb, which wants an empty folder
}

func (p *Postgres) initialise(ctx context.Context, o PostgresOptions) error {
	if _, err := os.Stat(filepath.Join(p.dir, "PG_VERSION")); err != nil {
		entries, err := os.ReadDir(p.dir)
		if err != nil {
			return folderError(p.dir, err)
		}
		if len(entries) > 0 {
			if _, err := os.Stat(p.unfinished()); err != nil {
				return fmt.Errorf("%s holds files, but no PostgreSQL cluster: give --data another folder", p.dir)
			}
			// An initdb that was killed: nothing in it was ever used.
			for _, e := range entries {
				if err := os.RemoveAll(filepath.Join(p.dir, e.Name())); err != nil {
					return folderError(p.dir, err)
				}
			}
		}
		if err := p.initdb(ctx); err != nil {
			return err
		}
	}
	if err := p.id.folder(p.sockets); err != nil {
		return err
	}
	return p.configure(o)
}

func (p *Postgres) unfinished() string { return p.dir + ".unfinished" }

// initdb makes the cluster under a mark beside it, so that a killed one is told from somebody else's folder.
func (p *Postgres) initdb(ctx context.Context) error {
	if err := os.WriteFile(p.unfinished(), nil, 0o600); err != nil {
		return folderError(filepath.Dir(p.dir), err)
	}
	_ = os.Remove(filepath.Join(p.dir, "PG_VERSION"))
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, "initdb"), "--pgdata", p.dir, "--username", "onepicture",
		"--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions")
	cmd.SysProcAttr, cmd.Dir = p.id.attr(), p.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		if bytes.Contains(out, []byte("No space left")) {
			return folderError(p.dir, syscall.ENOSPC)
		}
		return fmt.Errorf("make the PostgreSQL cluster: %w: %s", err, lastLine(out))
	}
	if err := os.Remove(p.unfinished()); err != nil {
		return folderError(filepath.Dir(p.dir), err)
	}
	return nil
}

func (p *Postgres) command() *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, "postgres"), "-D", p.dir)
	cmd.SysProcAttr, cmd.Dir = p.id.attr(), p.dir
	return cmd
}

func (p *Postgres) answers(ctx context.Context) error {
	return exec.CommandContext(ctx, filepath.Join(p.bin, "pg_isready"), "-q", "-h", p.sockets, "-U", "onepicture", "-d", "postgres").Run()
}

func (p *Postgres) createDatabase(ctx context.Context) error {
	psql := func(args ...string) *exec.Cmd {
		return exec.CommandContext(ctx, filepath.Join(p.bin, "psql"), append([]string{p.urlOf("postgres"), "-X", "-Atq", "-v", "ON_ERROR_STOP=1", "-c"}, args...)...)
	}
	out, err := psql("select 1 from pg_database where datname = 'onepicture'").CombinedOutput()
	if err != nil {
		return fmt.Errorf("look for the database: %w: %s", err, lastLine(out))
	}
	if strings.TrimSpace(string(out)) == "1" {
		return nil
	}
	if out, err := psql("create database onepicture").CombinedOutput(); err != nil {
		return fmt.Errorf("create the database: %w: %s", err, lastLine(out))
	}
	return nil
}

func (p *Postgres) lastLines() string {
	b, err := os.ReadFile(filepath.Join(p.dir, logFile))
	if err != nil {
		return "none"
	}
	return lastLine(b)
}

func lastLine(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}
