package private

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// identity is the user under which a service runs: our own, or an unprivileged one when we are root.
type identity struct {
	uid, gid uint32
	switched bool
}

// unprivileged finds it: root runs the services as the system user of their package.
func unprivileged(name string) (identity, error) {
	if os.Geteuid() != 0 {
		return identity{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return identity{}, fmt.Errorf("this is root and there is no user %q to run the service as: install its package, or run onepicture as another user", name)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err1 != nil || err2 != nil {
		return identity{}, fmt.Errorf("user %q has no numeric id", name)
	}
	return identity{uint32(uid), uint32(gid), true}, nil
}

// attr makes a child run as the identity, in a process group of its own, so that a terminal's Ctrl-C reaches only the
// server, which then stops its services in order.
func (id identity) attr() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if id.switched {
		a.Credential = &syscall.Credential{Uid: id.uid, Gid: id.gid}
	}
	return a
}

// environment is all that a service sees of ours: our secrets are not its business, and its messages are English.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TZ=UTC"}
}

// folder makes a private folder of the identity.
func (id identity) folder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return folderError(dir, err)
	}
	if id.switched {
		if err := os.Chown(dir, int(id.uid), int(id.gid)); err != nil {
			return folderError(dir, err)
		}
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return folderError(dir, err)
	}
	return nil
}

// publicFolder makes a private folder where everybody may make some. One that is there already must be ours: else
// somebody could hand us a link to a folder of his choice.
func (id identity) publicFolder(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return folderError(dir, err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return folderError(dir, err)
	}
	owner, known := ownerOf(info)
	if !info.IsDir() || !known || owner != id.uid && owner != uint32(os.Geteuid()) {
		return fmt.Errorf("%s, where the sockets go, belongs to somebody else: remove it, or give --data a shorter path", dir)
	}
	return id.folder(dir)
}

func ownerOf(info fs.FileInfo) (uid uint32, known bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return st.Uid, true
}

// reachable tells which parent folder the identity cannot pass, if any.
func (id identity) reachable(dir string) error {
	if !id.switched {
		return nil
	}
	for p := filepath.Dir(dir); ; p = filepath.Dir(p) {
		info, err := os.Stat(p)
		if err != nil {
			return folderError(p, err)
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		mode := info.Mode().Perm()
		passes := mode&0o001 != 0 || ok && st.Gid == id.gid && mode&0o010 != 0 || ok && st.Uid == id.uid && mode&0o100 != 0
		if !passes {
			return fmt.Errorf("this is root, so the services run as an unprivileged user, who cannot pass %s: give --data a folder elsewhere (for example /var/lib/onepicture), or run onepicture as another user", p)
		}
		if p == filepath.Dir(p) {
			return nil
		}
	}
}

// write replaces a file of the identity as a whole, whatever stood under the name: never through a link, never half.
func (id identity) write(path, text string) error {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return folderError(path, err)
	}
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return folderError(path, err)
	}
	_, err = f.WriteString(text)
	if err == nil && id.switched {
		err = f.Chown(int(id.uid), int(id.gid))
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		return folderError(path, err)
	}
	return nil
}
