package private

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// process keeps one service running: when it dies it is started again, with a growing pause.
type process struct {
	name    string
	prepare func() error // before each launch: ends what an earlier one left behind
	command func() (*exec.Cmd, error)
	ready   func(context.Context) error // nil when it answers
	stopBy  syscall.Signal              // ends it in order
	urgent  syscall.Signal              // ends it at once, without harm to what is committed

	mu   sync.Mutex
	cmd  *exec.Cmd
	quit chan struct{} // closed by stop
	done chan struct{} // closed when the keeper has ended
}

const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
	steady     = time.Minute // having run that long, a service begins with the first pause again
	readyStep  = 30 * time.Millisecond
	urgentTime = 10 * time.Second // from the urgent signal to SIGKILL
)

var errStopping = errors.New("it is being stopped")

// start runs the service until it answers or ctx ends.
func (p *process) start(ctx context.Context) error {
	p.quit, p.done = make(chan struct{}), make(chan struct{})
	exited, err := p.launch()
	if err == nil {
		if err = p.await(ctx, exited); err != nil {
			p.end(exited)
		}
	}
	if err != nil {
		close(p.done)
		return err
	}
	go p.keep(exited)
	return nil
}

func (p *process) launch() (exited chan struct{}, err error) {
	if err := p.prepare(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping() { // whoever stops signals under the same lock: nothing starts after that
		return nil, errStopping
	}
	cmd, err := p.command()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
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
	for {
		last := p.ready(ctx)
		if last == nil {
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
		if time.Since(began) > steady {
			pause = firstPause
		}
		for again := true; again; {
			if p.stopping() {
				return
			}
			slog.Warn("a private service ended by itself; starting it again", "service", p.name, "pause", pause)
			select {
			case <-p.quit:
				return
			case <-time.After(pause):
			}
			pause = min(2*pause, lastPause)
			next, err := p.launch()
			if err != nil && !errors.Is(err, errStopping) {
				slog.Error("a private service does not start", "service", p.name, "error", err)
			}
			exited, again = next, err != nil
		}
	}
}

func (p *process) stopping() bool {
	select {
	case <-p.quit:
		return true
	default:
		return false
	}
}

func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(s) // an ended process cannot be signalled, and need not
	}
}

// end stops a launched service that no keeper watches.
func (p *process) end(exited <-chan struct{}) {
	for _, s := range []syscall.Signal{p.urgent, syscall.SIGKILL} {
		p.signal(s)
		select {
		case <-exited:
			return
		case <-time.After(urgentTime):
		}
	}
	<-exited
}

// stop ends the service and waits; after ctx it is ended at once. It may be called again.
func (p *process) stop(ctx context.Context) error {
	p.mu.Lock()
	if !p.stopping() {
		close(p.quit)
	}
	p.mu.Unlock()
	p.signal(p.stopBy)
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		p.end(p.done)
		return fmt.Errorf("%s did not stop in time and was ended at once", p.name)
	}
}

// pid is the service's process id now.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid
}
