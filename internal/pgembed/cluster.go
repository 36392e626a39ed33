package pgembed

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	roleName      = "legwork"          // the superuser of the cluster
	databaseName  = "legwork"          // the database that URL names
	passwordFile  = "legwork.password" // this file is in the data folder, so that a copy of the data includes it
	passwordInput = "password"         // initdb reads the password from this file in the socket folder
	newPrefix     = "postgres.new-"    // prefix of the folder of a cluster that is being created
)

// VersionError means that the data was made by a PostgreSQL major version that is not installed. The data was not changed.
type VersionError struct {
	Data  string   // the data folder
	Major int      // the version that made it
	Found []string // what was found instead, as "17.2 in /usr/lib/postgresql/17/bin"
}

// Error implements error.
func (e *VersionError) Error() string {
	found := "no PostgreSQL"
	if len(e.Found) > 0 {
		found = "only PostgreSQL " + strings.Join(e.Found, ", ")
	}
	return fmt.Sprintf("the data in %s was made by PostgreSQL %d, but %s was found; nothing was changed. Install PostgreSQL %d, or set LEGWORK_PG_BIN "+
		"to the folder with its programs; to move to another version, dump the data with version %d and restore it there; "+
		"or set LEGWORK_HOME to another folder to start empty", e.Data, e.Major, found, e.Major, e.Major)
}

// dataMajor reads the major version that made the data folder, or 0 if there is no cluster yet.
func dataMajor(data string) (int, error) {
	raw, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, os.ErrPermission) {
		return 0, fmt.Errorf("the database folder belongs to another user (%w): start legwork as the user who made it, or set LEGWORK_HOME to another folder", err)
	}
	if errors.Is(err, os.ErrNotExist) {
		entries, err := os.ReadDir(data)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return 0, nil
		case err != nil:
			return 0, fmt.Errorf("read the database folder: %w", err)
		case len(entries) > 0:
			return 0, fmt.Errorf("%s holds files but is no PostgreSQL data folder (PG_VERSION is missing); nothing was changed. "+
				"Move it away, or restore it from a backup, or set LEGWORK_HOME to another folder", data)
		}
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the database folder: %w", err)
	}
	text := strings.TrimSpace(string(raw))
	major, err := strconv.Atoi(text)
	if err != nil || major <= 0 {
		return 0, fmt.Errorf("%s names %.20q as its PostgreSQL version, which is none legwork knows; nothing was changed. "+
			"Set LEGWORK_HOME to another folder, or restore this one from a backup", filepath.Join(data, "PG_VERSION"), text)
	}
	return major, nil
}

// removeUnfinished removes clusters whose creation was interrupted. Home is locked, so no other process is creating a cluster now.
func removeUnfinished(home string) error {
	left, err := filepath.Glob(filepath.Join(escapeGlob(home), newPrefix+"*"))
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

// escapeGlob quotes the characters that have a meaning in patterns of filepath.Glob.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// makeCluster creates a new cluster and renames it to Home/postgres when it is complete.
func makeCluster(ctx context.Context, h *home, acct account, bin Binaries, socketDir string, fast bool) error {
	dir, err := os.MkdirTemp(h.dir, newPrefix)
	if err != nil {
		return fmt.Errorf("make a database folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // does nothing after a success, since the folder was renamed
	if err := acct.own(dir); err != nil {
		return fmt.Errorf("give the database folder to the user that runs PostgreSQL: %w", err)
	}
	password := rand.Text()
	input := filepath.Join(socketDir, passwordInput)
	if err := writePrivate(input, password, acct); err != nil {
		return fmt.Errorf("make the database's password: %w", err)
	}
	defer func() { _ = os.Remove(input) }()
	if err := initdb(ctx, acct, bin, dir, input, fast); err != nil {
		return err
	}
	if err := writePrivate(filepath.Join(dir, passwordFile), password, acct); err != nil {
		return fmt.Errorf("store the database's password: %w", err)
	}
	if err := os.Remove(h.data()); err != nil && !errors.Is(err, os.ErrNotExist) { // dataMajor has checked that this folder is empty
		return err
	}
	if err := os.Rename(dir, h.data()); err != nil {
		return fmt.Errorf("rename the new database folder: %w", err)
	}
	return syncDir(h.dir)
}

// ctypes are the locales to try for character classes (LC_CTYPE), in this order. Full-text search needs a locale that can convert letters
// beyond ASCII to lower case, and each system has another name for such a locale. Texts are always sorted as in the C locale, so an update
// of the system's locales cannot break an index.
func ctypes() []string { return []string{"C.UTF-8", "C.utf8", "en_US.UTF-8", "UTF-8", "C"} }

// initdb runs PostgreSQL's initdb on the empty folder dir.
func initdb(ctx context.Context, acct account, bin Binaries, dir, passwordPath string, fast bool) error {
	name, inherit, err := acct.folder(dir)
	if err != nil {
		return err
	}
	defer closeAll(inherit)
	args := []string{"-D", name, "-U", roleName, "--pwfile=" + passwordPath, "--auth=scram-sha-256", "-E", "UTF8", "--locale=C"}
	if fast {
		args = append(args, "--no-sync")
	}
	var out string
	for _, ctype := range ctypes() {
		out, err = runProgram(ctx, acct, inherit, bin.InitDB, append(args, "--lc-ctype="+ctype)...)
		if err == nil || ctx.Err() != nil || !strings.Contains(out, "locale name") {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("make a database with %s: %w\n%s", bin.InitDB, err, lastLines(out, 12))
	}
	return nil
}

// readPassword reads the password that makeCluster stored.
func readPassword(data string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(data, passwordFile))
	if err != nil {
		return "", fmt.Errorf("the database's password is missing, restore the file from a backup of the folder: %w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// writePrivate writes a file that only the account (and root) can read.
func writePrivate(path, text string, acct account) error {
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		return err
	}
	return acct.own(path)
}

// syncDir makes a rename in dir durable (fsync).
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
