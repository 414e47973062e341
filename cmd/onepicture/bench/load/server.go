package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startWithin is how long a server may take to load its index.
const startWithin = 5 * time.Minute

// server is a process of this program that serves.
type server struct {
	address string
	cmd     *exec.Cmd
	log     *os.File
	ended   chan error
}

// startServer runs the program on the services named in env, on a free port of loopback, and waits until it has loaded
// its index.
func startServer(ctx context.Context, o *Options, name string) (s *server, loaded time.Duration, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, 0, fmt.Errorf("find a port: %w", err)
	}
	s = &server{address: l.Addr().String(), ended: make(chan error, 1)}
	if err := l.Close(); err != nil {
		return nil, 0, fmt.Errorf("find a port: %w", err)
	}
	if s.log, err = os.Create(filepath.Join(o.Logs, name+".log")); err != nil {
		return nil, 0, fmt.Errorf("open log: %w", err)
	}
	s.cmd = exec.Command(o.Program, "serve", "--listen", s.address)
	s.cmd.Env = append(os.Environ(), o.environment()...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the one who measures; it then stops the servers
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, 0, errors.Join(fmt.Errorf("start a server: %w", err), s.log.Close())
	}
	go func() { s.ended <- s.cmd.Wait() }()
	if err := s.await(ctx); err != nil {
		return nil, 0, errors.Join(err, s.stop())
	}
	return s, time.Since(began), nil
}

func (s *server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	c := newConn(s.address, "")
	defer c.close()
	for {
		if a, err := c.do(ctx, request{method: http.MethodGet, path: "/health/ready"}); err == nil && a.status == http.StatusOK {
			return nil
		}
		select {
		case err := <-s.ended:
			s.ended <- err
			return fmt.Errorf("the server ended before it was ready (%w); see %s", err, s.log.Name())
		case <-ctx.Done():
			return fmt.Errorf("wait for the server: %w; see %s", ctx.Err(), s.log.Name())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stop ends it as an operator does; after a minute it is killed.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // one that has ended already is told by ended
	var err error
	select {
	case err = <-s.ended:
	case <-time.After(time.Minute):
		err = errors.Join(errors.New("the server did not stop in a minute"), s.cmd.Process.Kill())
		<-s.ended
	}
	return errors.Join(err, s.log.Close())
}

// Sample is the state of a server's process at one moment.
type Sample struct {
	At         time.Duration // since the load began
	RSS        int64         // bytes
	Heap       int64         // bytes of Go objects, those included that await collection
	Goroutines int
	Cache      int64         // bytes of tiles in memory
	Lag        time.Duration // age of the index's as-of time
	CPU        time.Duration // used so far
}

// sample reads /proc and /metrics.
func (s *server) sample(ctx context.Context, c *conn, began time.Time) (Sample, error) {
	out := Sample{At: time.Since(began)}
	var err error
	if out.RSS, out.CPU, err = usage(s.cmd.Process.Pid); err != nil {
		return out, err
	}
	a, err := c.do(ctx, request{method: http.MethodGet, path: "/metrics"})
	if err != nil {
		return out, err
	}
	for line := range strings.Lines(string(a.body)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			continue // a comment
		}
		switch name {
		case "go_memstats_heap_alloc_bytes":
			out.Heap = int64(v)
		case "go_goroutines":
			out.Goroutines = int(v)
		case "onepicture_cache_bytes":
			out.Cache = int64(v)
		case "onepicture_index_lag_seconds":
			out.Lag = time.Duration(v * float64(time.Second))
		}
	}
	return out, nil
}

// tick is the unit of times in /proc: 100 a second on every Linux that Go runs on (proc(5), sysconf(_SC_CLK_TCK)).
const tick = 10 * time.Millisecond

// usage is the memory and the processor time of a process.
func usage(pid int) (rss int64, cpu time.Duration, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("read the server's state: %w", err)
	}
	// After the name, which may hold blanks, in brackets: state is field 3, utime 14, stime 15, rss 24 (proc(5)).
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(fields) < 22 {
		return 0, 0, errors.New("read the server's state: too few fields")
	}
	at := func(field int) (n int64) { n, _ = strconv.ParseInt(fields[field-3], 10, 64); return n } // a number by proc(5)
	return at(24) * int64(os.Getpagesize()), time.Duration(at(14)+at(15)) * tick, nil
}

// busy is the time that all processors have worked since the machine started.
func busy() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("read the machine's state: %w", err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	var sum time.Duration
	for i, f := range strings.Fields(line) {
		if n, err := strconv.ParseInt(f, 10, 64); err == nil && i != 4 && i != 5 && i <= 8 { // idle and iowait are rest; guests count in user
			sum += time.Duration(n) * tick
		}
	}
	return sum, nil
}
