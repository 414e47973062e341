package private

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process keeps one service running: when it dies it is started again, with a growing pause.
type process struct {
	name    string
	command func() *exec.Cmd
	ready   func(context.Context) error // nil when it answers
	stopBy  syscall.Signal

	mu       sync.Mutex
	cmd      *exec.Cmd
	stopping bool
	done     chan struct{} // closed when the keeper has ended
}

const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
	readyStep  = 30 * time.Millisecond
)

// start runs the service until it answers or ctx ends.
func (p *process) start(ctx context.Context) error {
	p.done = make(chan struct{})
	exited, err := p.launch()
	if err != nil {
		close(p.done)
		return err
	}
	if err := p.await(ctx, exited); err != nil {
		p.signal(syscall.SIGKILL)
		<-exited
		close(p.done)
		return err
	}
	go p.keep(exited)
	return nil
}

func (p *process) launch() (exited chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	cmd := p.command()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	p.cmd = cmd
	exited = make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended stands in its own log
		close(exited)
	}()
	return exited, nil
}

func (p *process) await(ctx context.Context, exited <-chan struct{}) error {
	tick := time.NewTicker(readyStep)
	defer tick.Stop()
	var last error
	for {
		if last = p.ready(ctx); last == nil {
			return nil
		}
		select {
		case <-exited:
			return fmt.Errorf("%s ended while starting", p.name)
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", p.name, last)
		case <-tick.C:
		}
	}
}

// keep starts the service again whenever it ends, until stop.
func (p *process) keep(exited <-chan struct{}) {
	defer close(p.done)
	pause := firstPause
	for {
		began := time.Now()
		<-exited
		if p.isStopping() {
			return
		}
		if time.Since(began) > time.Minute {
			pause = firstPause
		}
		slog.Warn("a private service ended by itself; starting it again", "service", p.name, "pause", pause)
		time.Sleep(pause)
		pause = min(2*pause, lastPause)
		if p.isStopping() {
			return
		}
		next, err := p.launch()
		for err != nil {
			slog.Error("a private service does not start", "service", p.name, "error", err)
			time.Sleep(pause)
			pause = min(2*pause, lastPause)
			if p.isStopping() {
				return
			}
			next, err = p.launch()
		}
		exited = next
	}
}

func (p *process) isStopping() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopping
}

func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil && p.cmd.Process != nil {
		_ = p.cmd.Process.Signal(s) // an ended process cannot be signalled, and need not
	}
}

// stop ends the service and waits; after ctx it is killed.
func (p *process) stop(ctx context.Context) error {
	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	p.signal(p.stopBy)
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		p.signal(syscall.SIGKILL)
		<-p.done
		return fmt.Errorf("%s had to be killed: it did not stop in time", p.name)
	}
}

// pid is the service's process id now.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid
}

// endOrphan stops the service that a killed server left behind: the process that the pid file names, if it still runs
// and its command line names our folder.
func endOrphan(pidFile, dir string, stopBy syscall.Signal) error {
	b, err := os.ReadFile(pidFile)
	if err != nil {
		return nil //nolint:nilerr // no pid file, no orphan
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 {
		return nil
	}
	ours := func() bool {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		return err == nil && bytes.Contains(line, []byte(dir))
	}
	if !ours() {
		return nil // the file is stale; the number may belong to anybody by now
	}
	if err := syscall.Kill(pid, stopBy); err != nil {
		return fmt.Errorf("stop the service left behind by a killed server (process %d): %w", pid, err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for ours() {
		if time.Now().After(deadline) {
			return fmt.Errorf("the service left behind by a killed server (process %d) does not stop", pid)
		}
		time.Sleep(readyStep)
	}
	return nil
}
