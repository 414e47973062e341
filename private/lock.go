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
	"sync"
	"syscall"
)

// Lock makes this process the only one that serves the folder, which it creates when missing, until unlock. The kernel
// drops the lock with the process, however that ends. A second holder gets one clear line that names the first.
func Lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, folderError(dir, err)
	}
	path := filepath.Join(dir, "lock")
	// A bare descriptor: an os.File would be closed, and the lock dropped, when the garbage collector finds it unused.
	fd, err := syscall.Open(path, syscall.O_RDWR|syscall.O_CREAT|syscall.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, folderError(dir, err)
	}
	drop := func() { _ = syscall.Close(fd) } // nothing is written through it that could be lost
	if err := syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		drop()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, folderError(dir, fmt.Errorf("lock: %w", err))
		}
		holder, _ := os.ReadFile(path) // without it the line is still clear
		return nil, fmt.Errorf("the data folder %s is in use by another onepicture (process %s): stop that one, or give --data another folder",
			dir, strings.TrimSpace(string(holder)))
	}
	if err = syscall.Ftruncate(fd, 0); err == nil {
		_, err = syscall.Write(fd, fmt.Appendln(nil, os.Getpid()))
	}
	if err != nil {
		drop()
		return nil, folderError(dir, err)
	}
	return sync.OnceFunc(drop), nil
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
