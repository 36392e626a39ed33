package pgembed

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is whom initdb and postgres run as. The zero value means ourselves.
type account struct {
	uid, gid uint32
	switched bool // we are root and this is someone else
}

// accountFor decides who runs the server. PostgreSQL refuses root, and an existing cluster can only be served by its
// owner, whatever users have been added to the machine since.
func accountFor(data string) (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	if info, err := os.Stat(data); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 {
			return account{uid: st.Uid, gid: st.Gid, switched: true}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if errors.Join(err1, err2) == nil && uid != 0 {
			return account{uid: uint32(uid), gid: uint32(gid), switched: true}, nil
		}
	}
	return account{}, errors.New("PostgreSQL refuses to run as root, and this machine has neither a user postgres nor nobody to run it as: " +
		"start legwork as an ordinary user, or set DATABASE_URL")
}

// attr gives the process attributes for a command run as the account. The process group of its own keeps Ctrl-C in a
// terminal from reaching the server before legwork has finished with it.
func (a account) attr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a.switched {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attr
}

// own gives path to the account.
func (a account) own(path string) error {
	if !a.switched {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// blockedAt names the first folder on the way to the absolute path, and path itself if it is one, that the account
// cannot pass; "" when there is none. Only a switched account needs the question. Access lists are not looked at: they
// can only make a way that this does not see.
func (a account) blockedAt(path string) string {
	if !a.switched {
		return ""
	}
	var way []string
	for p := filepath.Clean(path); ; p = filepath.Dir(p) {
		way = append(way, p)
		if p == filepath.Dir(p) {
			break
		}
	}
	for i := len(way) - 1; i >= 0; i-- {
		info, err := os.Stat(way[i])
		if errors.Is(err, os.ErrNotExist) {
			return "" // what is made later is made passable
		}
		if err != nil {
			return way[i]
		}
		if info.IsDir() && !a.mayPass(info) {
			return way[i]
		}
	}
	return ""
}

// mayPass tells whether the folder's mode gives the account the right to search it.
func (a account) mayPass(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	mode := info.Mode().Perm()
	switch {
	case st.Uid == a.uid:
		return mode&0o100 != 0
	case st.Gid == a.gid:
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}

// folder gives the name by which the account can open the folder at path, and the files that its process must inherit
// for that name to mean something (none in most cases). A folder below one that the account may not pass, as with
// LEGWORK_HOME under root's own 0700 home, is handed over as an open descriptor where the system can do that.
func (a account) folder(path string) (name string, inherit []*os.File, err error) {
	blocked := a.blockedAt(filepath.Dir(path))
	if blocked == "" {
		return path, nil, nil
	}
	if descriptorFolder == "" {
		return "", nil, fmt.Errorf("legwork runs as root, so PostgreSQL runs as another user, and that user cannot pass %s to reach %s: "+
			"set LEGWORK_HOME to a folder that other users can reach (like /var/lib/legwork), or start legwork as an ordinary user", blocked, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", nil, err
	}
	return descriptorFolder, []*os.File{f}, nil
}

// closeAll closes files that a process has inherited by now.
func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
