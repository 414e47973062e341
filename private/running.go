package private

import (
	"errors"
	"net"
	"path/filepath"
	"time"
)

// Running finds the private PostgreSQL that another onepicture runs under the folder, so that an import can use it
// while the server serves.
func Running(dir string) (url string, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	p := &Postgres{dir: dir, sockets: socketPath(dir)}
	conn, err := net.DialTimeout("unix", filepath.Join(p.sockets, ".s.PGSQL."+port), time.Second)
	if err != nil {
		return "", errors.New("the server on this data folder is starting or stopping; try again in a moment")
	}
	return p.URL(), conn.Close()
}
