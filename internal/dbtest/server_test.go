package dbtest_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
)

// asHelper is the environment variable that makes this test binary a helper process. The helper asks for its server,
// prints the server's address and ends without cleaning up.
const asHelper = "DBTEST_TEST_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(asHelper) == "" {
		os.Exit(m.Run())
	}
	dsn, source, err := dbtest.Server(context.Background())
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	again, _, _ := dbtest.Server(context.Background())
	fmt.Println(source, dsn, again == dsn)
	conn, err := pgx.Connect(context.Background(), dsn)
	if err == nil && source == dbtest.SourceEmbedded {
		_, err = conn.Exec(context.Background(), "CREATE DATABASE left_over")
	}
	if err != nil && source == dbtest.SourceEmbedded {
		fmt.Println(err)
	}
	os.Exit(0)
}

// helperIn runs a helper with tmp as its temporary folder, and waits until the server that it started has ended.
func helperIn(t *testing.T, tmp string) (string, error) {
	t.Helper()
	out, err := helper(t, "TMPDIR="+tmp)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if running, _ := filepath.Glob(filepath.Join(tmp, "legwork-test-*", "*", "postgres", "postmaster.pid")); len(running) == 0 {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the server outlives its process")
		}
	}
	// Normally the next server in the folder removes the empty socket folder of the last one. Here no other server
	// starts, so the test removes it.
	if fields := strings.Fields(out); len(fields) > 1 {
		if u, perr := url.Parse(fields[1]); perr == nil && u.Query().Get("host") != "" {
			_ = os.Remove(u.Query().Get("host"))
		}
	}
	return out, err
}

// helper runs this test binary as a separate process that asks for its database server (see asHelper), and returns
// what the process prints.
func helper(t *testing.T, env ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asHelper+"=1", "TEST_DATABASE_URL=", "LEGWORK_TEST_SERVER=")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func TestProcessHasOneServerThatEndsWithIt(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	for range 2 { // the second helper uses the folder and the database of the first one again
		out, err := helperIn(t, tmp)
		var source, dsn, same string
		if _, serr := fmt.Sscan(out, &source, &dsn, &same); err != nil || serr != nil || source != dbtest.SourceEmbedded || same != "true" || strings.Contains(out, "\n") {
			t.Fatalf("%v: %s", err, out)
		}
	}
	homes, err := filepath.Glob(filepath.Join(tmp, "legwork-test-*", "*"))
	if err != nil || len(homes) != 1 {
		t.Errorf("%d folders for one server at a time: %v, %v", len(homes), homes, err)
	}
}

func TestServersSideBySideHaveFoldersOfTheirOwn(t *testing.T) {
	t.Parallel()
	one, err := dbtest.StartServer(t.Context(), dbtest.SourceEmbedded)
	if err != nil {
		t.Fatal(err)
	}
	two, err := dbtest.StartServer(t.Context(), dbtest.SourceEmbedded)
	if err != nil {
		t.Fatal(err)
	}
	if one.DSN == two.DSN {
		t.Error("two servers have one address")
	}
	for _, s := range []*dbtest.TestServer{one, two} {
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestSpoiltFolderIsMadeAnew(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	if out, err := helperIn(t, tmp); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	controls, err := filepath.Glob(filepath.Join(tmp, "legwork-test-*", "0", "postgres", "global", "pg_control"))
	if err != nil || len(controls) != 1 {
		t.Fatalf("%v, %v", controls, err)
	}
	if err := os.Truncate(controls[0], 10); err != nil {
		t.Fatal(err)
	}
	if out, err := helperIn(t, tmp); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestWhereTheServerComesFrom(t *testing.T) {
	t.Parallel()
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, fmt.Sprintf("legwork-test-%d", os.Getuid())), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		env  []string
		want string
	}{
		"given":                {[]string{"TEST_DATABASE_URL=postgres://there"}, "TEST_DATABASE_URL postgres://there true"},
		"unknown":              {[]string{"LEGWORK_TEST_SERVER=oracle"}, `"oracle" is no source`},
		"container, no reaper": {[]string{"LEGWORK_TEST_SERVER=container", "TESTCONTAINERS_RYUK_DISABLED=true"}, "would leave a container behind"},
		"a folder in the way":  {[]string{"TMPDIR=" + foreign}, "set TMPDIR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := helper(t, tc.env...)
			if !strings.Contains(out, tc.want) || (err == nil) != (name == "given") {
				t.Errorf("%v: %s; want %s", err, out, tc.want)
			}
		})
	}
}
