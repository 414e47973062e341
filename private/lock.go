// Package private runs the server's own PostgreSQL cluster and Redis under one data folder: unix sockets only, no
// system service, no TCP. It starts them from the system's packages, restarts them when they die and stops them.
package private

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Lock makes this process the only one that serves the folder, which it creates when missing. The kernel drops the
// lock with the process, however that ends. A second holder gets one clear line that names the first.
func Lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, folderError(dir, err)
	}
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, folderError(dir, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, folderError(dir, fmt.Errorf("lock: %w", err))
		}
		holder, _ := os.ReadFile(path) // without it the line is still clear
		return nil, fmt.Errorf("the data folder %s is in use by another onepicture (process %s): stop that one, or give --data another folder",
			dir, strings.TrimSpace(string(holder)))
	}
	if err := f.Truncate(0); err == nil {
		_, err = fmt.Fprintln(f, os.Getpid())
	}
	if err != nil {
		_ = f.Close()
		return nil, folderError(dir, err)
	}
	return func() { _ = f.Close() }, nil
}

// folderError says in one line what is wrong with a folder that cannot be written.
func folderError(dir string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("the disk that holds %s is full: free some space, or give --data another folder", dir)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s is on a read-only file system: give --data another folder", dir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s cannot be written by this user: give --data another folder, or change its owner", dir)
	}
	return fmt.Errorf("data folder %s: %w", dir, err)
}
