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
	logFile      = "server.log"
	settingsFile = "onepicture.conf"
)

// configure writes our settings beside the cluster's own, at each start, so that a newer program's apply.
func (p *Postgres) configure(o PostgresOptions) error {
	memory := o.MemoryMB
	if memory == 0 {
		memory = machineMemoryMB()
	}
	if err := p.write(settingsFile, p.settings(memory, o.Fast)); err != nil {
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
	return p.write("postgresql.conf", string(b)+include)
}

func (p *Postgres) write(name, text string) error {
	path := filepath.Join(p.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return folderError(p.dir, err)
	}
	if p.id.switched {
		if err := os.Chown(path, int(p.id.uid), int(p.id.gid)); err != nil {
			return folderError(p.dir, err)
		}
	}
	return nil
}

// settings fit the machine: a sixth of the memory for shared buffers, at most 4 GB, since the server itself holds the
// index; statements and their parameters are never logged, because they hold personal values.
func (p *Postgres) settings(memoryMB int, fast bool) string {
	cores := runtime.NumCPU()
	on := "on"
	if fast {
		on = "off"
	}
	lines := []string{
		"# Written by onepicture at each start; changes are lost.",
		"listen_addresses = ''",
		"unix_socket_directories = '" + strings.ReplaceAll(p.sockets, "'", "''") + "'",
		"unix_socket_permissions = 0700",
		"port = 5432",
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
		"wal_compression = lz4",
		"max_wal_size = 4GB",
		"min_wal_size = 256MB",
		"checkpoint_timeout = 15min",
		"checkpoint_completion_target = 0.9",
		"random_page_cost = 1.1",
		"effective_io_concurrency = 200",
		"jit = off",
		"timezone = 'UTC'",
		"log_timezone = 'UTC'",
		"logging_collector = on",
		"log_directory = '.'",
		"log_filename = '" + logFile + "'",
		"log_rotation_size = 0",
		"log_truncate_on_rotation = off",
		"log_statement = none",
		"log_min_error_statement = panic",
		"log_min_duration_statement = -1",
		"log_parameter_max_length = 0",
		"log_parameter_max_length_on_error = 0",
		"log_error_verbosity = terse",
	}
	return strings.Join(lines, "\n") + "\n"
}

// machineMemoryMB is the machine's memory; 1024 when it cannot be read.
func machineMemoryMB() int {
	b, err := os.ReadFile("/proc/meminfo")
	if err == nil {
		for _, line := range strings.Split(string(b), "\n") {
			fields := strings.Fields(line)
			if len(fields) > 1 && fields[0] == "MemTotal:" {
				if kb, err := strconv.Atoi(fields[1]); err == nil {
					return kb / 1024
				}
			}
		}
	}
	return 1024
}
