package load

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Fault is something that is done to a service under load. The private services are started again by who runs them.
type Fault struct {
	At   time.Duration // since the load began
	What string        // for the report
	pid  string        // file with the process, under the data folder
	by   syscall.Signal
}

// KillRedis ends it at once; it comes back empty.
func KillRedis(at time.Duration) Fault {
	return Fault{at, "Redis killed (SIGKILL)", "redis/redis.pid", syscall.SIGKILL}
}

// RestartPostgres ends it in order, every connection broken (fast shutdown).
func RestartPostgres(at time.Duration) Fault {
	return Fault{at, "PostgreSQL restarted (fast shutdown)", "postgres/postmaster.pid", syscall.SIGINT}
}

// KillPostgres ends it at once, as when its machine dies: the log is replayed at its start.
func KillPostgres(at time.Duration) Fault {
	return Fault{at, "PostgreSQL killed (SIGKILL)", "postgres/postmaster.pid", syscall.SIGKILL}
}

// strike does it to the service under the folder.
func (f Fault) strike(data string) error {
	b, err := os.ReadFile(filepath.Join(data, filepath.FromSlash(f.pid)))
	if err != nil {
		return fmt.Errorf("%s: find the process: %w", f.What, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(string(b), "\n", 2)[0]))
	if err != nil {
		return fmt.Errorf("%s: find the process: %w", f.What, err)
	}
	if err := syscall.Kill(pid, f.by); err != nil {
		return fmt.Errorf("%s: %w", f.What, err)
	}
	return nil
}

// strikeAll does each fault at its time; it ends with the last one or with ctx.
func strikeAll(ctx context.Context, faults []Fault, data string, began time.Time) error {
	faults = slices.SortedFunc(slices.Values(faults), func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	for _, f := range faults {
		if !pause(ctx, time.Until(began.Add(f.At))) {
			return nil
		}
		if err := f.strike(data); err != nil {
			return err
		}
	}
	return nil
}
