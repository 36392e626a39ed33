package pgembed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// publicDir returns a temporary folder that all users of the machine can enter. If the tests run as root, PostgreSQL's programs run as
// another user, so they must be in such a folder.
func publicDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// fakeBin makes a folder with a server that only prints its version, and an initdb that runs a script.
func fakeBin(t *testing.T, version, initdb string) string {
	t.Helper()
	dir := publicDir(t)
	fakeBinIn(t, dir, version, initdb)
	return dir
}

func fakeBinIn(t *testing.T, dir, version, initdb string) {
	t.Helper()
	write(t, filepath.Join(dir, "postgres"), fmt.Sprintf("#!/bin/sh\necho '%s'\n", version), 0o755)
	write(t, filepath.Join(dir, "initdb"), "#!/bin/sh\n"+initdb+"\n", 0o755)
}

func self(t *testing.T) account {
	t.Helper()
	acct, err := accountFor(filepath.Join(t.TempDir(), "missing"))
	if err != nil {
		t.Fatal(err)
	}
	return acct
}

func TestSearchOrder(t *testing.T) {
	t.Parallel()
	root := publicDir(t)
	at := func(name string) string { return filepath.Join(root, name) }
	for dir, version := range map[string]string{
		"own": "16.1", "path": "15.2", "configured": "16.3", "system/9/bin": "9.6", "system/14/bin": "14.4", "system/17/bin": "17.5",
		"brew/postgresql@18/bin": "18.6", "brew/postgresql@16/bin": "16.7", "cache": "17.8", "old": "13.9",
	} {
		fakeBinIn(t, at(dir), "postgres (PostgreSQL) "+version, "")
	}
	fakeBinIn(t, at("broken"), "", "")
	write(t, at("broken/postgres"), "#!/bin/sh\necho 'missing library' >&2; exit 127\n", 0o755)
	write(t, at("lonely/postgres"), "#!/bin/sh\necho 'postgres (PostgreSQL) 17.0'\n", 0o755)
	write(t, at("asks/pg_config"), "#!/bin/sh\necho "+at("configured")+"\n", 0o755)
	write(t, at("liar/pg_config"), "#!/bin/sh\nexit 1\n", 0o755)
	if err := os.MkdirAll(at("links"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(at("path/postgres"), at("links/postgres")); err != nil {
		t.Fatal(err)
	}
	full := search{
		path:   []string{"relative", at("lonely"), at("old"), at("broken"), at("path"), at("asks")},
		system: []string{at("system/*/bin")}, brew: []string{at("brew/postgresql@*/bin")}, cached: at("cache"),
	}
	without := func(change func(*search)) search { s := full; change(&s); return s }
	noPath := without(func(s *search) { s.path = []string{at("asks"), at("liar")} })
	for name, tc := range map[string]struct {
		places search
		want   int
		got    string // "source version", or a part of the error
	}{
		"the given folder":             {without(func(s *search) { s.binDir = at("own") }), 0, "LEGWORK_PG_BIN 16.1"},
		"the given folder is empty":    {without(func(s *search) { s.binDir = at("nothing") }), 0, "nothing has no postgres and initdb"},
		"the given folder is too old":  {without(func(s *search) { s.binDir = at("old") }), 0, "old is version 13.9"},
		"the given folder is broken":   {without(func(s *search) { s.binDir = at("broken") }), 0, "missing library"},
		"the given folder is another":  {without(func(s *search) { s.binDir = at("own") }), 17, "only PostgreSQL 16.1 in "},
		"PATH":                         {full, 0, "PATH 15.2"},
		"a link in PATH":               {without(func(s *search) { s.path = []string{at("links")} }), 0, "PATH 15.2"},
		"pg_config":                    {noPath, 0, "pg_config 16.3"},
		"system, newest first":         {without(func(s *search) { s.path = nil }), 0, "system 17.5"},
		"Homebrew, newest first":       {without(func(s *search) { s.path, s.system = nil, nil }), 0, "Homebrew 18.6"},
		"download":                     {search{cached: at("cache")}, 0, "download 17.8"},
		"nothing":                      {search{cached: at("nothing"), path: []string{at("old")}}, 0, "old is version 13.9"},
		"nothing at all":               {search{cached: at("nothing")}, 0, "no PostgreSQL server programs (version 14 or newer)"},
		"data of 14":                   {full, 14, "system 14.4"},
		"data of 16":                   {full, 16, "pg_config 16.3"},
		"data of 18":                   {full, 18, "Homebrew 18.6"},
		"data of a version not there":  {full, 19, "only PostgreSQL 15.2 in "},
		"data and nothing to serve it": {search{cached: at("nothing")}, 19, "but no PostgreSQL was found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bin, err := tc.places.find(t.Context(), self(t), "data", tc.want)
			if err != nil {
				var version *VersionError
				if errors.As(err, &version) == (tc.want == 0) || errors.Is(err, ErrNotFound) != (tc.want == 0) {
					t.Errorf("the wrong kind of error: %v", err)
				}
				if !strings.Contains(err.Error(), tc.got) {
					t.Errorf("got %v, want %s", err, tc.got)
				}
				return
			}
			if got := bin.Source + " " + bin.Version.String(); got != tc.got {
				t.Errorf("got %s, want %s", got, tc.got)
			}
			if filepath.Dir(bin.InitDB) != bin.Dir || filepath.Dir(bin.Postgres) != bin.Dir {
				t.Errorf("programs of several folders: %+v", bin)
			}
		})
	}
}

func TestFindOnThisMachine(t *testing.T) {
	t.Parallel()
	bin := fakeBin(t, "postgres (PostgreSQL) 16.1", "")
	home := t.TempDir()
	got, err := Find(t.Context(), Config{Home: home, BinDir: bin})
	if err != nil || got.Version != (Version{16, 1}) {
		t.Errorf("got %+v, %v", got, err)
	}
	write(t, filepath.Join(home, "postgres", "PG_VERSION"), "15\n", 0o600)
	var version *VersionError
	if _, err := Find(t.Context(), Config{Home: home, BinDir: bin}); !errors.As(err, &version) || version.Major != 15 {
		t.Errorf("got %v", err)
	}
	write(t, filepath.Join(home, "postgres", "PG_VERSION"), "fifteen\n", 0o600)
	if _, err := Find(t.Context(), Config{Home: home, BinDir: bin}); err == nil || !strings.Contains(err.Error(), `"fifteen"`) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Find(ctx, Config{Home: t.TempDir(), BinDir: bin}); !errors.Is(err, context.Canceled) && !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestFolderMajor(t *testing.T) {
	t.Parallel()
	dirs := []string{"/none", "/usr/lib/postgresql/9.6/bin", "/usr/lib/postgresql/15/bin", "/opt/homebrew/opt/postgresql@17/bin"}
	var got []int
	for _, dir := range dirs {
		got = append(got, folderMajor(dir))
	}
	if !slices.Equal(got, []int{0, 6, 15, 17}) {
		t.Errorf("got %v", got)
	}
}

func versionSeeds() map[string]string {
	return map[string]string{
		"postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n": "15.20",
		"postgres (PostgreSQL) 17.11\n":                          "17.11",
		"postgres (PostgreSQL) 18beta1":                          "18.0",
		"postgres (PostgreSQL) 19devel":                          "19.0",
		"postgres (PostgreSQL) 18rc2 (Homebrew)":                 "18.0",
		"postgres (EnterpriseDB) 15.3.0":                         "15.3",
		"postgres (PostgreSQL) 9.6.24":                           "9.6",
		"psql (PostgreSQL) 15.20":                                "",
		"postgres (PostgreSQL) ":                                 "",
		"postgres (PostgreSQL) 15.20x":                           "",
		"postgres (PostgreSQL) 1500000000000000000000.1":         "",
		"postgres: command not found":                            "",
		"":                                                       "",
	}
}

func TestParseVersion(t *testing.T) {
	t.Parallel()
	for line, want := range versionSeeds() {
		v, err := ParseVersion(line)
		if (err != nil) != (want == "") || (err == nil && v.String() != want) {
			t.Errorf("ParseVersion(%q) = %v, %v; want %q", line, v, err, want)
		}
	}
}

func FuzzVersion(f *testing.F) {
	for line := range versionSeeds() {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		v, err := ParseVersion(line)
		if err != nil {
			return
		}
		if v.Major < 0 || v.Major > 999 || v.Minor < 0 || v.Minor > 9999 {
			t.Errorf("%q gives %v", line, v)
		}
		if again, err := ParseVersion("postgres (PostgreSQL) " + v.String()); err != nil || again != v {
			t.Errorf("%q gives %v, which reads as %v, %v", line, v, again, err)
		}
	})
}
