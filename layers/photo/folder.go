package photo

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"onepicture/layers"
)

// folder is where the files lie. Names in it are made of digests alone; an os.Root sees to it that nothing, not even a
// link that somebody laid there, leads out of it.
type folder struct {
	dir  string
	root *os.Root
}

const partsDir = "parts"

func openFolder(dir string) (*folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	if err := root.MkdirAll(partsDir, 0o700); err != nil {
		_ = root.Close()
		return nil, err
	}
	return &folder{dir, root}, nil
}

func partName(upload string) string { return path.Join(partsDir, upload) }

// room refuses when less than the reserve would be left.
func (f *folder) room(reserve, need uint64) error {
	var s unix.Statfs_t
	if err := unix.Statfs(f.dir, &s); err != nil {
		return fmt.Errorf("look for free space: %w", err)
	}
	if free := s.Bavail * uint64(s.Bsize); free < reserve || free-reserve < need {
		return full(fmt.Errorf("%d bytes are free, %d are kept in reserve", free, reserve))
	}
	return nil
}

// full is what is told when there is no space: nothing is lost, the phone keeps the photo.
func full(cause error) error {
	return layers.Unavailable(5*time.Minute, "the server has no space left for photos; the photo stays on your phone and is sent later", cause)
}

// spaceOr translates an error of the disk: no space is told as such.
func spaceOr(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG):
		return full(err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// part is an upload's file, held by one request at a time, in whichever server.
type part struct {
	*os.File
	size int64
}

// openPart waits for nobody: a part that another request holds is a conflict.
func (f *folder) openPart(upload string) (*part, error) {
	file, err := f.root.OpenFile(partName(upload), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, spaceOr("open the upload", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, &layers.Error{Code: layers.CodeConflict, Message: "this photo is being sent by another request; try again", Cause: err}
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("look at the upload: %w", err)
	}
	return &part{file, info.Size()}, nil
}

// take appends what comes until it ends or breaks off, and keeps what came. Beyond limit nothing is taken.
func (p *part) take(r io.Reader, limit int64) (int64, error) {
	if _, err := p.Seek(p.size, io.SeekStart); err != nil {
		return 0, fmt.Errorf("append to the upload: %w", err)
	}
	w := &sizedWriter{p.File, nil}
	n, err := io.Copy(w, io.LimitReader(r, limit))
	p.size += n
	if w.failed != nil {
		return n, spaceOr("append to the upload", w.failed)
	}
	if serr := p.Sync(); serr != nil {
		return n, spaceOr("keep the upload", serr)
	}
	return n, err
}

// sizedWriter remembers that it was the disk that failed, not the sender.
type sizedWriter struct {
	w      io.Writer
	failed error
}

func (s *sizedWriter) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	s.failed = err
	return n, err
}

func (f *folder) removePart(upload string) error {
	if err := f.root.Remove(partName(upload)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the upload: %w", err)
	}
	return nil
}

// put stores a picture under its digest, whole or not at all. One that is there is touched, so that the sweeper sees
// that somebody wants it.
func (f *folder) put(name string, b []byte, now time.Time) error {
	if info, err := f.root.Stat(name); err == nil && info.Size() == int64(len(b)) {
		return f.root.Chtimes(name, now, now)
	}
	if err := f.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return spaceOr("make a folder of photos", err)
	}
	temporary := path.Join(partsDir, "new-"+rand.Text())
	file, err := f.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return spaceOr("store the photo", err)
	}
	_, err = file.Write(b)
	if err == nil {
		err = file.Sync()
	}
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = f.root.Rename(temporary, name)
	}
	if err != nil {
		_ = f.root.Remove(temporary)
		return spaceOr("store the photo", err)
	}
	return f.syncDir(path.Dir(name))
}

func (f *folder) syncDir(name string) error {
	d, err := f.root.Open(name)
	if err != nil {
		return fmt.Errorf("keep the photo's name: %w", err)
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}
