package dbtest

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// NeedFaults is an environment variable. If it is set, tests that need root or further programs fail without them, instead of
// being skipped. .ci/run sets it.
const NeedFaults = "LEGWORK_TEST_FAULTS"

// FindPgBouncer returns the path of the program pgbouncer, or nothing if it is not installed.
func FindPgBouncer() string {
	if found, err := exec.LookPath("pgbouncer"); err == nil {
		return found
	}
	const debian = "/usr/sbin/pgbouncer"
	if _, err := os.Stat(debian); err != nil {
		return ""
	}
	return debian
}

// PgBouncer starts a PgBouncer in transaction mode in front of the server of dsn, and returns the connection string that leads
// through it. dsn must be a URL with one TCP address. settings are further lines of pgbouncer.ini. PgBouncer ends when stop is
// called, at the latest at the end of the test. Without the program pgbouncer the test is skipped.
func PgBouncer(t testing.TB, dsn string, settings ...string) (through string, stop func()) {
	t.Helper()
	program := FindPgBouncer()
	if program == "" {
		if os.Getenv(NeedFaults) != "" {
			t.Fatal("PgBouncer is not installed")
		}
		t.Skip("this test needs PgBouncer: apt-get install pgbouncer")
	}
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	port := unusedPort(t)
	dir, err := os.MkdirTemp("", "legwork-pgbouncer-") //nolint:usetesting // the user nobody may not enter the folder of t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf("[databases]\n* = host=%s port=%d user=%s password=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\n"+
		"auth_type = any\npool_mode = transaction\ndefault_pool_size = 20\nmax_client_conn = 200\nserver_login_retry = 1\n%s\n",
		cfg.Host, cfg.Port, cfg.User, cfg.Password, port, strings.Join(settings, "\n"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, file)
	if os.Geteuid() == 0 { // PgBouncer refuses to run as root
		const nobody = 65534
		for _, path := range []string{dir, file} {
			if err := os.Chown(path, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	var log strings.Builder
	cmd.Stdout, cmd.Stderr, cmd.Dir = &log, &log, dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	stop = sync.OnceFunc(func() { _ = cmd.Process.Kill(); <-ended })
	t.Cleanup(stop)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	for deadline := time.Now().Add(time.Minute); ; {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = conn.Close()
			break
		}
		select {
		case <-ended:
			t.Fatalf("PgBouncer has ended: %s", log.String())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("PgBouncer does not listen: %v", err)
		}
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(cfg.User, cfg.Password), Host: address, Path: "/" + cfg.Database, RawQuery: "sslmode=disable"}
	return u.String(), stop
}

// unusedPort returns a port on loopback that no program listens on at present.
func unusedPort(t testing.TB) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().(*net.TCPAddr).Port
}
