package private

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// PostgresOptions says where and how a private cluster runs.
type PostgresOptions struct {
	Dir      string // the cluster's folder; made when missing; its parent is made too
	Fast     bool   // for tests: no fsync; a power cut may lose data
	BinDir   string // empty: the newest of the system's packages, 15 or later
	MemoryMB int    // memory to fit the settings to; 0: the machine's
}

// Postgres is a running private cluster with one database, onepicture.
type Postgres struct {
	dir, sockets string
	binaries     binaries
	id           identity
	process      process
}

const (
	superuser  = "onepicture"
	database   = "onepicture"
	port       = "5432" // only a part of the socket's name
	firstWords = "start.log"
)

// StartPostgres makes the cluster when the folder is empty or missing, ends what a killed server left behind, and
// starts it. It is kept running until Stop: when it dies, callers see their connections break and, a moment later, new
// ones work. The caller holds the folder's Lock. Errors are single lines that say what to do. 0.1 s for a cluster that
// was stopped in order, 1 s for a new one; after a crash the log is replayed, for at most 5 minutes.
func StartPostgres(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	p := &Postgres{dir: dir}
	if p.binaries, err = findBinaries(o.BinDir, p.madeBy()); err != nil {
		return nil, err
	}
	if p.id, err = unprivileged("postgres"); err != nil {
		return nil, err
	}
	if err := p.prepareFolders(ctx, o); err != nil {
		return nil, err
	}
	p.process = process{
		name: "PostgreSQL", prepare: p.orphans().end, command: p.command, ready: p.answers,
		stopBy: syscall.SIGINT, urgent: syscall.SIGQUIT,
	}
	starting, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := p.process.start(starting); err != nil {
		return nil, p.why(err)
	}
	if err := p.createDatabase(starting); err != nil {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), orderlyTime)
		defer cancel()
		return nil, errors.Join(err, p.Stop(stopping))
	}
	return p, nil
}

func (p *Postgres) prepareFolders(ctx context.Context, o PostgresOptions) error {
	if err := os.MkdirAll(filepath.Dir(p.dir), 0o755); err != nil {
		return folderError(filepath.Dir(p.dir), err)
	}
	if err := p.id.reachable(p.dir); err != nil {
		return err
	}
	if err := p.initialise(ctx); err != nil {
		return err
	}
	if err := p.id.folder(p.dir); err != nil {
		return err
	}
	var err error
	if p.sockets, err = socketFolder(p.id, p.dir); err != nil {
		return err
	}
	return p.configure(o)
}

// URL is the connection string of the database: over the unix socket, as the cluster's superuser.
func (p *Postgres) URL() string { return p.urlOf(database) }

func (p *Postgres) urlOf(name string) string {
	q := url.Values{"host": {p.sockets}, "user": {superuser}, "port": {port}}
	return "postgres:///" + name + "?" + q.Encode()
}

// PID is the postmaster's process id now; it is another after each restart.
func (p *Postgres) PID() int { return p.process.pid() }

// Stop ends the cluster: open transactions are rolled back, everything committed is on disk. When ctx ends first it is
// ended at once, which loses nothing but makes the next start replay the log; the error says so.
func (p *Postgres) Stop(ctx context.Context) error {
	err := p.process.stop(ctx)
	leaveSocketFolder(p.dir, p.sockets)
	return err
}

func (p *Postgres) orphans() orphans {
	return orphans{
		comm: "postgres", dir: p.dir, pidFile: filepath.Join(p.dir, "postmaster.pid"),
		stale:  []string{filepath.Join(p.sockets, ".s.PGSQL."+port+".lock")},
		stopBy: syscall.SIGINT, urgent: syscall.SIGQUIT,
	}
}

func (p *Postgres) command() (*exec.Cmd, error) {
	path := filepath.Join(p.dir, firstWords)
	if err := p.id.write(path, ""); err != nil {
		return nil, err
	}
	words, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, folderError(path, err)
	}
	cmd := exec.Command(p.binaries.path("postgres"), "-D", p.dir)
	cmd.SysProcAttr, cmd.Dir, cmd.Env, cmd.Stderr = p.id.attr(), p.dir, environment(), words
	return cmd, nil
}

func (p *Postgres) answers(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, p.binaries.path("pg_isready"), "-q", "-h", p.sockets, "-p", port, "-U", superuser, "-d", "postgres")
	cmd.Env = environment()
	return cmd.Run()
}

// longestSockets leaves room for the socket's own name: a unix socket's path may have 107 bytes (unix(7)).
const longestSockets = 107 - len("/.s.PGSQL."+port)

// socketPath is the folder where a service listens: in its own folder, or a short one among the temporary files when
// that lies too deep.
func socketPath(dir string) string {
	if sockets := filepath.Join(dir, "sockets"); len(sockets) <= longestSockets {
		return sockets
	}
	name := fmt.Sprintf("onepicture-%x", sha256.Sum256([]byte(dir)))[:len("onepicture-")+16]
	if sockets := filepath.Join(os.TempDir(), name); len(sockets) <= longestSockets {
		return sockets
	}
	return filepath.Join("/tmp", name)
}

// socketFolder makes it.
func socketFolder(id identity, dir string) (string, error) {
	sockets := socketPath(dir)
	if filepath.Dir(sockets) == dir {
		return sockets, id.folder(sockets)
	}
	if err := id.publicFolder(sockets); err != nil {
		return "", err
	}
	return sockets, id.reachable(sockets)
}

// leaveSocketFolder removes a socket folder that lies among the temporary files.
func leaveSocketFolder(dir, sockets string) {
	if filepath.Dir(sockets) != dir {
		_ = os.Remove(sockets) // one that still holds a socket stays, as it must
	}
}
