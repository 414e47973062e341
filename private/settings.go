package private

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

const (
	logFiles     = "server-*.log" // one for each day of the week, overwritten after seven days
	settingsFile = "onepicture.conf"
)

// configure writes our settings beside the cluster's own, at each start, so that a newer program's apply.
func (p *Postgres) configure(o PostgresOptions) error {
	memory := o.MemoryMB
	if memory == 0 {
		memory = machineMemoryMB()
	}
	if err := p.id.write(filepath.Join(p.dir, settingsFile), p.settings(memory, o.Fast)); err != nil {
		return err
	}
	main := filepath.Join(p.dir, "postgresql.conf")
	b, err := os.ReadFile(main)
	if err != nil {
		return folderError(p.dir, err)
	}
	include := "include '" + settingsFile + "'\n"
	if strings.Contains(string(b), include) {
		return nil
	}
	return p.id.write(main, string(b)+include)
}

// settings fit the machine: a sixth of the memory for shared buffers, at most 4 GB, since the server itself holds the
// index. Nothing of a statement is ever logged, neither its text nor its values nor the error that quotes them (hence
// no ERROR lines: whoever sent the statement has got the error): they hold personal values.
func (p *Postgres) settings(memoryMB int, fast bool) string {
	cores := runtime.NumCPU()
	on := "on"
	if fast {
		on = "off"
	}
	compression := "on"
	if p.binaries.lz4 {
		compression = "lz4"
	}
	lines := []string{
		"# Written by onepicture at each start; changes are lost.",
		"listen_addresses = ''",
		"unix_socket_directories = '" + strings.ReplaceAll(p.sockets, "'", "''") + "'",
		"unix_socket_permissions = 0700",
		"port = " + port,
		"max_connections = 100",
		fmt.Sprintf("shared_buffers = %dMB", min(max(memoryMB/6, 64), 4096)),
		fmt.Sprintf("effective_cache_size = %dMB", max(memoryMB/2, 128)),
		fmt.Sprintf("work_mem = %dMB", min(max(memoryMB/400, 8), 64)),
		fmt.Sprintf("maintenance_work_mem = %dMB", min(max(memoryMB/24, 64), 1024)),
		fmt.Sprintf("max_parallel_workers = %d", cores),
		fmt.Sprintf("max_parallel_workers_per_gather = %d", min(cores, 4)),
		fmt.Sprintf("max_parallel_maintenance_workers = %d", min(cores, 4)),
		"fsync = " + on,
		"synchronous_commit = " + on,
		"full_page_writes = " + on,
		"wal_compression = " + compression,
		"max_wal_size = 4GB",
		"min_wal_size = 256MB",
		"checkpoint_timeout = 15min",
		"checkpoint_completion_target = 0.9",
		"random_page_cost = 1.1",
		"effective_io_concurrency = 200",
		"jit = off",
		// Statistics of tables that grow by hundreds of rows a second take a second of a processor each time.
		"autovacuum_naptime = 5min",
		"autovacuum_vacuum_scale_factor = 0.05",
		"autovacuum_analyze_scale_factor = 0.02",
		"timezone = 'UTC'",
		"log_timezone = 'UTC'",
		"logging_collector = on",
		"log_directory = '.'",
		"log_filename = 'server-%a.log'",
		"log_rotation_age = 1d",
		"log_rotation_size = 0",
		"log_truncate_on_rotation = on",
		"log_min_messages = log",
		"log_statement = none",
		"log_min_error_statement = panic",
		"log_min_duration_statement = -1",
		"log_parameter_max_length = 0",
		"log_parameter_max_length_on_error = 0",
		"log_error_verbosity = terse",
	}
	return strings.Join(lines, "\n") + "\n"
}

// machineMemoryMB is the machine's memory, or the container's when that is less; 1024 when it cannot be read.
func machineMemoryMB() int {
	memory := 1024
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			fields := strings.Fields(line)
			if len(fields) > 1 && fields[0] == "MemTotal:" {
				if kb, err := strconv.Atoi(fields[1]); err == nil {
					memory = kb / 1024
				}
			}
		}
	}
	if b, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if bytes, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil { // else "max"
			memory = min(memory, bytes>>20)
		}
	}
	return memory
}
