package pgembed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Binaries are the programs of one PostgreSQL installation.
type Binaries struct {
	Dir      string // folder of both programs
	Postgres string // path of the server
	InitDB   string // path of initdb
	Version  Version
	Source   string // where they were found, for messages: "LEGWORK_PG_BIN", "PATH", "pg_config", "system", "Homebrew" or "download"
}

// ErrNotFound means that no usable server programs are installed. The error that wraps it lists the places that were searched.
var ErrNotFound = errors.New("no PostgreSQL server programs (version " + fmt.Sprint(minMajor) + " or newer) were found")

// Find looks for server programs of version 14 or newer. If Config.BinDir is set, it looks only there. Otherwise it looks in this order: the
// folders of PATH; the folder that pg_config names; /usr/lib/postgresql/*/bin and Homebrew's folders, newest first; an earlier
// download. If Home has data, only programs of the data's major version are accepted; if there are none, the error is a
// *VersionError. Find downloads nothing.
func Find(ctx context.Context, cfg Config) (Binaries, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return Binaries{}, err
	}
	data := filepath.Join(cfg.Home, "postgres")
	want, err := dataMajor(data)
	if err != nil {
		return Binaries{}, err
	}
	acct, err := accountFor(data)
	if err != nil {
		return Binaries{}, err
	}
	return cfg.search().find(ctx, acct, data, want)
}

// search has the places where find looks for programs. Tests replace them.
type search struct {
	binDir string   // if set, the only folder that is searched
	path   []string // the folders of PATH
	system []string // patterns for the system's bin folders
	brew   []string // patterns for Homebrew's bin folders
	cached string   // bin folder of an earlier download
}

// search returns the places to search on this machine.
func (cfg Config) search() search {
	if cfg.places != nil {
		return *cfg.places
	}
	return search{
		binDir: cfg.BinDir,
		path:   filepath.SplitList(os.Getenv("PATH")),
		system: []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/libexec/postgresql*"},
		brew: []string{"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
			"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin"},
		cached: filepath.Join(cachedFolder(cfg.CacheDir), "bin"),
	}
}

// place is one folder to look at.
type place struct{ dir, source string }

// find looks at the places of s in their order. It returns the first programs that run and are new enough. If want is not 0, they must also
// have this major version.
func (s search) find(ctx context.Context, acct account, data string, want int) (Binaries, error) {
	var skipped, others []string
	try := func(p place) (Binaries, bool) {
		bin, err := inspect(ctx, acct, p)
		switch {
		case errors.Is(err, os.ErrNotExist):
			if p.dir == s.binDir {
				skipped = append(skipped, fmt.Sprintf("%s has no postgres and initdb", p.dir))
			}
			return bin, false
		case err != nil:
			skipped = append(skipped, fmt.Sprintf("%s: %v", p.dir, err))
			return bin, false
		case bin.Version.Major < minMajor:
			skipped = append(skipped, fmt.Sprintf("%s is version %s", bin.Dir, bin.Version))
			return bin, false
		case want != 0 && bin.Version.Major != want:
			if other := fmt.Sprintf("%s in %s", bin.Version, bin.Dir); !slices.Contains(others, other) {
				others = append(others, other)
			}
			return bin, false
		}
		return bin, true
	}
	for places := range s.places(ctx, acct) {
		for _, p := range places {
			if bin, ok := try(p); ok {
				return bin, nil
			}
		}
		if err := ctx.Err(); err != nil {
			return Binaries{}, err
		}
	}
	if want != 0 {
		return Binaries{}, &VersionError{Data: data, Major: want, Found: others}
	}
	if len(skipped) > 0 {
		return Binaries{}, fmt.Errorf("%w (%s)", ErrNotFound, strings.Join(skipped, "; "))
	}
	return Binaries{}, ErrNotFound
}

// places yields the places in groups, so that pg_config is run only if PATH has no usable programs.
func (s search) places(ctx context.Context, acct account) func(yield func([]place) bool) {
	return func(yield func([]place) bool) {
		if s.binDir != "" {
			yield([]place{{s.binDir, "LEGWORK_PG_BIN"}})
			return
		}
		_ = yield(absolute(s.path, "PATH")) &&
			yield(absolute(pgConfig(ctx, acct, s.path), "pg_config")) &&
			yield(newestFirst(s.system, "system")) &&
			yield(newestFirst(s.brew, "Homebrew")) &&
			yield([]place{{s.cached, "download"}})
	}
}

// absolute makes a place of each absolute folder. It skips relative ones, which depend on the current folder.
func absolute(dirs []string, source string) []place {
	var places []place
	for _, dir := range dirs {
		if filepath.IsAbs(dir) {
			places = append(places, place{dir, source})
		}
	}
	return places
}

// pgConfig asks the pg_config programs of PATH for their bin folders.
func pgConfig(ctx context.Context, acct account, path []string) []string {
	var dirs []string
	for _, p := range absolute(path, "") {
		program := filepath.Join(p.dir, "pg_config")
		if info, err := os.Stat(program); err != nil || info.IsDir() {
			continue
		}
		if out, err := runBriefly(ctx, acct, program, "--bindir"); err == nil {
			dirs = append(dirs, strings.TrimSpace(out))
		}
	}
	return dirs
}

// newestFirst expands patterns and sorts the folders by the version number in them, the highest first.
func newestFirst(patterns []string, source string) []place {
	var places []place
	for _, pattern := range patterns {
		dirs, _ := filepath.Glob(pattern) // the only error is a bad pattern
		for _, dir := range dirs {
			places = append(places, place{dir, source})
		}
	}
	slices.SortStableFunc(places, func(a, b place) int { return folderMajor(b.dir) - folderMajor(a.dir) })
	return places
}

// folderMajor returns the last number in a path like /opt/homebrew/opt/postgresql@17/bin, or 0 if the path has no number.
func folderMajor(dir string) int {
	isDigit := func(r rune) bool { return r >= '0' && r <= '9' }
	end := strings.LastIndexFunc(dir, isDigit) + 1
	start := strings.LastIndexFunc(dir[:end], func(r rune) bool { return !isDigit(r) }) + 1
	n := 0
	for _, r := range dir[start:min(end, start+4)] {
		n = n*10 + int(r-'0')
	}
	return n
}

// inspect looks for both programs in a folder, and asks the server for its version. If one is missing, the error is os.ErrNotExist.
func inspect(ctx context.Context, acct account, p place) (Binaries, error) {
	server, err := filepath.EvalSymlinks(filepath.Join(p.dir, "postgres"))
	if err != nil {
		return Binaries{}, err
	}
	// The postgres in this folder may be a link to an installation elsewhere. Then initdb is looked for beside the target of the link.
	bin := Binaries{Dir: filepath.Dir(server), Postgres: server, InitDB: filepath.Join(filepath.Dir(server), "initdb"), Source: p.source}
	if _, err := os.Stat(bin.InitDB); err != nil {
		return bin, err
	}
	if blocked := acct.blockedAt(bin.Dir); blocked != "" {
		return bin, fmt.Errorf("legwork runs as root, and the user that runs PostgreSQL cannot pass %s", blocked)
	}
	out, err := runBriefly(ctx, acct, bin.Postgres, "--version")
	if err != nil {
		return bin, fmt.Errorf("postgres --version: %w %s", err, lastLines(out, 3))
	}
	bin.Version, err = ParseVersion(out)
	return bin, err
}

// runBriefly runs a program for at most ten seconds. A program that was just written may fail with "text file busy" for a moment: a child
// process that another thread is starting has inherited the file open for writing. Then runBriefly tries again.
func runBriefly(ctx context.Context, acct account, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var out string
	err := untilReady(ctx, nil, func() (bool, error) {
		var err error
		out, err = runProgram(ctx, acct, nil, program, args...)
		if errors.Is(err, syscall.ETXTBSY) {
			return false, nil
		}
		return err == nil, err
	})
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	return out, err
}

// cachedFolder returns the folder into which the downloaded release is unpacked.
func cachedFolder(cache string) string {
	return filepath.Join(cache, "postgresql-"+downloadVersion+"-"+runtime.GOOS+"-"+runtime.GOARCH)
}
