package private

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A service outlives its killed server. The next server does not adopt it, because it could neither wait for it nor
// know its settings: it stops it and starts anew. Who belongs to a folder is told by the kernel, never by a number in
// a file alone: after a reboot the number may belong to anybody.

const (
	orderlyTime = time.Minute // a fast shutdown writes all dirty pages out
	goneStep    = 20 * time.Millisecond
)

// orphans describes what a service may have left in its folder.
type orphans struct {
	comm    string   // the kernel's name of its processes
	dir     string   // where they work
	pidFile string   // names the first of them in its first line
	stale   []string // files that hinder the next start when nobody is left
	stopBy  syscall.Signal
	urgent  syscall.Signal
}

// end stops them in order if the first one lives, at once if it does not (without it nobody else can), and removes the
// stale files.
func (o orphans) end() error {
	if pid := o.first(); pid != 0 {
		if err := endAll([]int{pid}, o, o.stopBy, orderlyTime); err != nil {
			return err
		}
	}
	for _, s := range []syscall.Signal{o.urgent, syscall.SIGKILL} {
		if err := endAll(o.left(), o, s, urgentTime); err != nil {
			return err
		}
	}
	if left := o.left(); len(left) > 0 {
		return fmt.Errorf("the service left behind by a killed server (process %d) does not stop: end it by hand", left[0])
	}
	for _, path := range append(o.stale, o.pidFile) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return folderError(path, err)
		}
	}
	return nil
}

// endAll signals the processes and waits until they are gone or the time is over.
func endAll(pids []int, o orphans, s syscall.Signal, limit time.Duration) error {
	for _, pid := range pids {
		if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop the service left behind by a killed server (process %d): %w", pid, err)
		}
	}
	deadline := time.Now().Add(limit)
	for _, pid := range pids {
		for o.owns(pid) && time.Now().Before(deadline) {
			time.Sleep(goneStep)
		}
	}
	return nil
}

// first is the process that the pid file names, 0 when it is gone or somebody else's.
func (o orphans) first() int {
	b, err := os.ReadFile(o.pidFile)
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid <= 1 || !o.owns(pid) {
		return 0
	}
	return pid
}

// left are all processes of the service in the folder.
func (o orphans) left() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && o.owns(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// owns tells whether the process is the service's and works in the folder. A container may forbid to see where another
// user's process works; then its command line must name the folder.
func (o orphans) owns(pid int) bool {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	if comm, err := os.ReadFile(filepath.Join(proc, "comm")); err != nil || strings.TrimSpace(string(comm)) != o.comm {
		return false
	}
	if dead(proc) {
		return false
	}
	there, err := os.Stat(filepath.Join(proc, "cwd"))
	if err == nil {
		here, err := os.Stat(o.dir)
		return err == nil && os.SameFile(here, there)
	}
	line, err := os.ReadFile(filepath.Join(proc, "cmdline"))
	if err != nil {
		return false
	}
	for _, arg := range bytes.FieldsFunc(line, func(r rune) bool { return r == 0 || r == ' ' }) {
		if string(arg) == o.dir || bytes.Contains(arg, []byte(o.dir+"/")) {
			return true
		}
	}
	return false
}

// dead tells a process that has ended and only waits for its parent.
func dead(proc string) bool {
	b, err := os.ReadFile(filepath.Join(proc, "stat"))
	if err != nil {
		return true
	}
	after := b[bytes.LastIndexByte(b, ')')+1:] // the name before may hold anything
	return bytes.HasPrefix(after, []byte(" Z")) || bytes.HasPrefix(after, []byte(" X"))
}
