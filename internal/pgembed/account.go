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

// account is the operating-system user that initdb and postgres run as. The zero value is the user of this process.
type account struct {
	uid, gid uint32
	switched bool // true if this process runs as root and the account is another user
}

// accountFor chooses the user that runs the server. PostgreSQL refuses to run as root. An existing cluster can only be served by its
// owner, even if users have been added to the machine since.
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

// attr returns the process attributes for a command that runs as the account. The command gets a process group
// of its own, so that Ctrl-C in a terminal does not reach the server before legwork stops it.
func (a account) attr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a.switched {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attr
}

// own makes the account the owner of path.
func (a account) own(path string) error {
	if !a.switched {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// blockedAt returns the first folder of the absolute path, path included, that the account may not enter; "" if there is none. Only an
// account that is not the user of this process can be blocked. Access control lists are not read, since they can only allow more.
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
			return "" // folders that do not exist yet will be created with the right mode
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

// mayPass reports whether the folder's mode lets the account enter it.
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

// folder makes the folder at path accessible to a program that runs as the account. It returns the name by which the program can open the
// folder. Usually this is path, and inherit is empty. But the account may not be allowed to enter a parent folder, for example if
// LEGWORK_HOME is below root's home with mode 0700. Then, if the system allows it, the program must inherit an open descriptor of the
// folder, which is in inherit.
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

// closeAll closes files after the process has inherited them.
func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
