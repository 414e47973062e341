package private

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

const oldestMajor = 15

// binaries are one installed PostgreSQL.
type binaries struct {
	dir   string
	major int
	lz4   bool // built with it
}

func (b binaries) path(name string) string { return filepath.Join(b.dir, name) }

// findBinaries gives the newest PostgreSQL that can serve the cluster, with PostGIS. wanted is the major version that
// made the cluster, 0 when there is none yet.
func findBinaries(given string, wanted int) (binaries, error) {
	candidates := []string{given}
	if given == "" {
		found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
		if err != nil {
			return binaries{}, fmt.Errorf("find PostgreSQL: %w", err)
		}
		candidates = found
		if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil { // another system's layout
			candidates = append(candidates, strings.TrimSpace(string(out)))
		}
	}
	var best binaries
	for _, dir := range candidates {
		m := majorOf(dir)
		if m >= oldestMajor && m > best.major && (wanted == 0 || m == wanted) {
			best = binaries{dir: dir, major: m}
		}
	}
	switch {
	case best.major > 0:
		return best.withPostGIS()
	case wanted != 0:
		return best, fmt.Errorf("the data folder was made by PostgreSQL %d, which is not installed: apt-get install postgresql-%d postgresql-%d-postgis-3", wanted, wanted, wanted)
	}
	return best, errors.New("PostgreSQL 15 or later with PostGIS is not installed: apt-get install postgresql-15 postgresql-15-postgis-3")
}

// majorOf is the major version of the server in the folder, 0 when there is none.
func majorOf(dir string) int {
	out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output()
	fields := strings.Fields(string(out)) // postgres (PostgreSQL) 15.14 (Debian …)
	if err != nil || len(fields) < 3 {
		return 0
	}
	digits, _, _ := strings.Cut(fields[2], ".")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0 // a beta: not for a city's data
	}
	return n
}

func (b binaries) withPostGIS() (binaries, error) {
	share := fmt.Sprintf("/usr/share/postgresql/%d", b.major)
	if out, err := exec.Command(b.path("pg_config"), "--sharedir").Output(); err == nil {
		share = strings.TrimSpace(string(out))
	}
	if _, err := os.Stat(filepath.Join(share, "extension", "postgis.control")); err != nil {
		return b, fmt.Errorf("PostGIS for PostgreSQL %d is not installed: apt-get install postgresql-%d-postgis-3", b.major, b.major)
	}
	out, err := exec.Command(b.path("pg_config"), "--configure").Output()
	b.lz4 = err == nil && strings.Contains(string(out), "--with-lz4")
	return b, nil
}
