package pgembed

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// tree lists all files below dir with their content.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		b.WriteString(path + "=" + string(raw) + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHalfMadeDataIsMadeAnew(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	write(t, filepath.Join(home, newPrefix+"123", "base", "1", "1259"), "half a catalog", 0o600)
	if err := os.Mkdir(filepath.Join(home, "postgres"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := start(t, Config{Home: home})
	if queryText(t, s, "SELECT 'fine'") != "fine" {
		t.Error("not fine")
	}
	if left, _ := filepath.Glob(filepath.Join(home, newPrefix+"*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFoldersThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"another major version": {
			map[string]string{"PG_VERSION": "9\n", "base/1/1259": "precious"},
			[]string{"PostgreSQL 9", "nothing was changed", "Install PostgreSQL 9", "LEGWORK_PG_BIN", "dump", "LEGWORK_HOME", "only PostgreSQL "},
		},
		"a version that is no number": {map[string]string{"PG_VERSION": "9.6\n"}, []string{`"9.6"`, "nothing was changed", "LEGWORK_HOME"}},
		"something else":              {map[string]string{"letters.txt": "precious"}, []string{"no PostgreSQL data folder", "nothing was changed", "LEGWORK_HOME"}},
		"no password":                 {map[string]string{"PG_VERSION": ""}, []string{"PG_VERSION"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			for file, text := range tc.files {
				write(t, filepath.Join(home, "postgres", file), text, 0o600)
			}
			before := tree(t, filepath.Join(home, "postgres"))
			_, err := Start(t.Context(), Config{Home: home})
			if err == nil {
				t.Fatal("it started")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing in: %v", want, err)
				}
			}
			var version *VersionError
			if errors.As(err, &version) != (name == "another major version") {
				t.Errorf("got a %T", err)
			}
			if after := tree(t, filepath.Join(home, "postgres")); after != before {
				t.Errorf("the folder changed from\n%s to\n%s", before, after)
			}
		})
	}
}

func TestLostPassword(t *testing.T) {
	t.Parallel()
	cfg := Config{Home: t.TempDir()}
	s := start(t, cfg)
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(s.home.data(), passwordFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), cfg); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "password is missing") {
		t.Errorf("got %v", err)
	}
	write(t, filepath.Join(s.home.data(), passwordFile), "another\n", 0o600)
	if _, err := Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "28P01") {
		t.Errorf("a wrong password: %v", err)
	}
}

func TestStalePidFile(t *testing.T) {
	t.Parallel()
	cfg := Config{Home: t.TempDir()}
	s := start(t, cfg)
	pidFile := filepath.Join(s.home.data(), "postmaster.pid")
	raw, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "\n")
	for name, first := range map[string]string{
		"a living process that is no server": strconv.Itoa(os.Getpid()),
		"a dead process":                     "4194000",
		"garbage":                            "-",
		"nothing":                            "",
	} {
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		write(t, pidFile, first+"\n"+rest, 0o600)
		if err := s.acct.own(pidFile); err != nil {
			t.Fatal(err)
		}
		s = start(t, cfg)
		if queryText(t, s, "SELECT 'fine'") != "fine" {
			t.Errorf("%s: not fine", name)
		}
	}
}

func TestLivingServerOnTheFolderIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Home: t.TempDir()})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	pid := strconv.Itoa(s.proc.cmd.Process.Pid)
	var waitedFor int
	err := clearPidFile(ctx, s.home.data(), func(pid int) { waitedFor = pid })
	if err == nil || !strings.Contains(err.Error(), pid) || strconv.Itoa(waitedFor) != pid {
		t.Errorf("got %v after waiting for %d, want process %s", err, waitedFor, pid)
	}
	if queryText(t, s, "SELECT 'fine'") != "fine" {
		t.Error("the server suffered")
	}
}

func TestInitdbFails(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	bin := fakeBin(t, "postgres (PostgreSQL) 16.3", `echo "initdb: error: no space left"; exit 1`)
	_, err := Start(t.Context(), Config{Home: home, BinDir: bin})
	if err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("got %v", err)
	}
	if exists(filepath.Join(home, "postgres")) {
		t.Error("a data folder was left")
	}
}

func TestUnknownLocaleNamesAreTriedInTurn(t *testing.T) {
	t.Parallel()
	dir := publicDir(t)
	bin := fakeBin(t, "postgres (PostgreSQL) 16.3", `case "$*" in *en_US.UTF-8*) exit 0;; esac; echo 'initdb: error: invalid locale name "C.UTF-8"'; exit 1`)
	b := Binaries{InitDB: filepath.Join(bin, "initdb")}
	if err := initdb(t.Context(), account{}, b, dir, "unused", true); err != nil {
		t.Error(err)
	}
}

func TestLogRotation(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	l, err := openLog(home)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.file.Close() }()
	l.limit = 100
	long := strings.Repeat("a line\n", 20)
	for _, text := range []string{long, "after\n"} {
		if _, err := l.file.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := l.rotate(); err != nil {
			t.Fatal(err)
		}
	}
	if got := tree(t, home); got != filepath.Join(home, "postgres.log")+"=after\n\n"+filepath.Join(home, "postgres.log.1")+"="+long+"\n" {
		t.Errorf("got %s", got)
	}
	if got := l.tail(); got != "after" {
		t.Errorf("tail: %q", got)
	}
	again, err := openLog(home)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.file.Close() }()
	if got := again.tail(); got != "" {
		t.Errorf("a new server's tail has the old one's words: %q", got)
	}
}

func TestLogIsWatched(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	l, err := openLog(home)
	if err != nil {
		t.Fatal(err)
	}
	l.limit = 1
	if _, err := l.file.WriteString("a line\n"); err != nil {
		t.Fatal(err)
	}
	failed, done := make(chan error, 1), make(chan struct{})
	go l.watch(time.Millisecond, done, func(err error) {
		select {
		case failed <- err:
		default:
		}
	})
	eventually(t, "the rotation", func() bool { return exists(filepath.Join(home, "postgres.log.1")) })
	_ = l.file.Close()
	if err := <-failed; !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
	close(done)
}

func TestNamesOfServers(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"postgres": true, "postmaster": true, "legwork": false, "": false} {
		if isServerName(name) != want {
			t.Errorf("isServerName(%q) = %v", name, !want)
		}
	}
}

func TestSocketFolders(t *testing.T) {
	t.Parallel()
	long := filepath.Join(publicDir(t), strings.Repeat("long", 30))
	if err := os.Mkdir(long, 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := makeSocketDir(account{}, long, "relative", "/tmp/with,comma", os.TempDir(), "/tmp")
	if err != nil {
		t.Fatal(err)
	}
	if path := filepath.Join(dir, socketName); len(path) > 103 {
		t.Errorf("%s is too long for a socket", path)
	}
	write(t, filepath.Join(dir, "somebody's"), "", 0o600)
	removeSocketDir(dir)
	if !exists(dir) {
		t.Error("a folder with somebody else's file was removed")
	}
	if err := os.Remove(filepath.Join(dir, "somebody's")); err != nil {
		t.Fatal(err)
	}
	removeSocketDir(dir)
	if exists(dir) {
		t.Error("the folder was left")
	}
	other := t.TempDir()
	removeSocketDir(other)
	if !exists(other) {
		t.Error("a folder that is not ours was removed")
	}
	if _, err := makeSocketDir(account{}, long); err == nil || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("got %v", err)
	}
}

func TestWaysThatAnotherUserCannotPass(t *testing.T) {
	t.Parallel()
	dir := publicDir(t)
	stranger := account{uid: 54321, gid: 54321, switched: true}
	closed := filepath.Join(dir, "closed")
	write(t, filepath.Join(closed, "in", "file"), "", 0o600)
	if got := stranger.blockedAt(filepath.Join(closed, "in")); got != "" {
		t.Errorf("an open way is blocked at %s", got)
	}
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := stranger.blockedAt(filepath.Join(closed, "in")); got != closed {
		t.Errorf("blocked at %q, want %s", got, closed)
	}
	owner := account{uid: uint32(os.Getuid()), gid: uint32(os.Getgid()), switched: true}
	if got := owner.blockedAt(filepath.Join(closed, "in")); got != "" {
		t.Errorf("the owner is blocked at %s", got)
	}
	if got := (account{}).blockedAt(filepath.Join(closed, "in")); got != "" {
		t.Errorf("we ourselves are blocked at %s", got)
	}
	if err := os.Chmod(closed, 0o710); err != nil {
		t.Fatal(err)
	}
	if got := (account{uid: 54321, gid: uint32(os.Getgid()), switched: true}).blockedAt(closed); got != "" {
		t.Errorf("the group is blocked at %s", got)
	}
	if got := stranger.blockedAt(filepath.Join(dir, "to be made")); got != "" {
		t.Errorf("a missing folder blocks at %s", got)
	}
}
