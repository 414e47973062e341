package private

import (
	"fmt"
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
