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

// StartRedis starts a Redis in the folder; memoryMB bounds it (0: a sixteenth of the machine's memory, at most 2 GB).
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
	if err := r.id.reachable(dir); err != nil {
		return nil, err
	}
	if err := r.id.folder(dir); err != nil {
		return nil, err
	}
	sockets := socketPath(dir)
	if err := r.id.folder(sockets); err != nil {
		return nil, err
	}
	r.socket = filepath.Join(sockets, "redis")
	if err := endOrphan(filepath.Join(dir, "redis.pid"), r.socket, syscall.SIGTERM); err != nil {
		return nil, err
	}
	r.process = process{name: "Redis", command: r.command, ready: r.answers, stopBy: syscall.SIGTERM}
	starting, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := r.process.start(starting); err != nil {
		b, _ := os.ReadFile(filepath.Join(dir, "redis.log")) // without it the line is still clear
		return nil, fmt.Errorf("%w; its log: %s", err, lastLine(b))
	}
	return r, nil
}

// URL is the address of the cache: a unix socket.
func (r *Redis) URL() string { return "unix://" + r.socket }

// PID is its process id.
func (r *Redis) PID() int { return r.process.pid() }

// Stop ends it.
func (r *Redis) Stop(ctx context.Context) error { return r.process.stop(ctx) }

func (r *Redis) command() *exec.Cmd {
	cmd := exec.Command(r.bin, "--port", "0", "--unixsocket", r.socket, "--unixsocketperm", "700", "--dir", r.dir,
		"--pidfile", filepath.Join(r.dir, "redis.pid"), "--logfile", filepath.Join(r.dir, "redis.log"),
		"--save", "", "--appendonly", "no", "--maxmemory", fmt.Sprintf("%dmb", r.memoryMB),
		"--maxmemory-policy", "allkeys-lru", "--daemonize", "no")
	cmd.SysProcAttr, cmd.Dir = r.id.attr(), r.dir
	return cmd
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
