package private

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Redis is a running private cache: bounded, never written to disk.
type Redis struct {
	dir, bin, socket string
	memoryMB         int
	id               identity
	process          process
}

// StartRedis starts a Redis in the folder, whose Lock the caller holds, and keeps it running until Stop, empty after
// each restart. memoryMB bounds it (0: a sixteenth of the machine's memory, 64 MB to 2 GB); the longest unused keys go
// first. Errors are single lines that say what to do.
func StartRedis(ctx context.Context, dir string, memoryMB int) (*Redis, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	r := &Redis{dir: dir, memoryMB: memoryMB}
	if r.memoryMB == 0 {
		r.memoryMB = min(max(machineMemoryMB()/16, 64), 2048)
	}
	if r.bin, err = exec.LookPath("redis-server"); err != nil {
		return nil, errors.New("Redis is not installed: apt-get install redis-server")
	}
	if r.id, err = unprivileged("redis"); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, folderError(filepath.Dir(dir), err)
	}
	if err := r.id.reachable(dir); err != nil {
		return nil, err
	}
	if err := r.id.folder(dir); err != nil {
		return nil, err
	}
	sockets, err := socketFolder(r.id, dir)
	if err != nil {
		return nil, err
	}
	r.socket = filepath.Join(sockets, "redis")
	left := orphans{
		comm: "redis-server", dir: dir, pidFile: r.pidFile(), stale: []string{r.socket},
		stopBy: syscall.SIGTERM, urgent: syscall.SIGKILL,
	}
	r.process = process{
		name: "Redis", prepare: left.end, command: r.command, ready: r.answers,
		stopBy: syscall.SIGTERM, urgent: syscall.SIGKILL,
	}
	starting, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := r.process.start(starting); err != nil {
		b, _ := os.ReadFile(r.logFile()) // without it the line is still clear
		return nil, explain(dir, lastWord(b), err)
	}
	return r, nil
}

func (r *Redis) pidFile() string { return filepath.Join(r.dir, "redis.pid") }
func (r *Redis) logFile() string { return filepath.Join(r.dir, "redis.log") }

// URL is the address of the cache: a unix socket.
func (r *Redis) URL() string { return "unix://" + r.socket }

// PID is its process id now; it is another after each restart.
func (r *Redis) PID() int { return r.process.pid() }

// Stop ends it and waits; after ctx it is killed.
func (r *Redis) Stop(ctx context.Context) error {
	err := r.process.stop(ctx)
	leaveSocketFolder(r.dir, filepath.Dir(r.socket))
	return err
}

func (r *Redis) command() (*exec.Cmd, error) {
	cmd := exec.Command(r.bin, "--port", "0", "--unixsocket", r.socket, "--unixsocketperm", "700", "--dir", r.dir,
		"--pidfile", r.pidFile(), "--logfile", r.logFile(),
		"--save", "", "--appendonly", "no", "--maxmemory", fmt.Sprintf("%dmb", r.memoryMB),
		"--maxmemory-policy", "allkeys-lru", "--daemonize", "no")
	cmd.SysProcAttr, cmd.Dir, cmd.Env = r.id.attr(), r.dir, environment()
	return cmd, nil
}

func (r *Redis) answers(ctx context.Context) error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", r.socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "+PONG") {
		err = errors.New("it answers something else")
	}
	return err
}
