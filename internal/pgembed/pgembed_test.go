package pgembed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// helperHome is an environment variable. If it is set, this test binary is a helper process that runs a server on the named Home until it
// is killed.
const (
	helperHome     = "PGEMBED_TEST_HOME"
	helperWatchdog = "PGEMBED_TEST_WATCHDOG"
)

func TestMain(m *testing.M) {
	if home := os.Getenv(helperHome); home != "" {
		s, err := Start(context.Background(), Config{Home: home, Fast: true, watchdogOnly: os.Getenv(helperWatchdog) != ""})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(s.URL())
		<-s.Done()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// start starts a server. It is stopped when the test ends.
func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	cfg.Fast = true
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	return s
}

// execute runs statements one by one on a new connection, and returns the connection.
func execute(t *testing.T, url string, statements ...string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	return conn
}

// helper starts this test binary as a helper process on home, and waits until its server is ready.
func helper(t *testing.T, home, watchdog string) (process *os.Process, url string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperHome+"="+home, helperWatchdog+"="+watchdog)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _, _ = cmd.Process.Wait() })
	if _, err := fmt.Fscan(out, &url); err != nil {
		t.Fatal(err)
	}
	return cmd.Process, url
}

// kill9 kills a process and waits for its end.
func kill9(t *testing.T, process *os.Process) {
	t.Helper()
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := process.Wait(); err != nil {
		t.Fatal(err)
	}
}

// queryText runs a statement that returns one text.
func queryText(t *testing.T, s *Server, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var text string
	if err := conn.QueryRow(t.Context(), sql).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}

// eventually waits until ok returns true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := untilReady(ctx, nil, func() (bool, error) { return ok(), nil }); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestDataIsKeptOverRestarts(t *testing.T) {
	t.Parallel()
	cfg := Config{Home: filepath.Join(t.TempDir(), "a folder's [home]"), MaxConnections: 17, Settings: map[string]string{"work_mem": "5MB"}}
	s := start(t, cfg)
	execute(t, s.URL(), "CREATE TABLE kept AS SELECT 'still here'::text AS v")
	for sql, want := range map[string]string{
		"SHOW max_connections":                         "17",
		"SHOW work_mem":                                "5MB",
		"SHOW timezone":                                "UTC",
		"SHOW server_encoding":                         "UTF8",
		"SHOW listen_addresses":                        "",
		"SELECT current_database()":                    "legwork",
		"SELECT lower('ÄRZTE')":                        "ärzte",
		"SELECT to_tsvector('simple', 'ÉTÉ')::text":    "'été':1",
		"SELECT min(v) FROM unnest('{a,Z}'::text[]) v": "Z",
	} {
		if got := queryText(t, s, sql); got != want {
			t.Errorf("%s = %q, want %q", sql, got, want)
		}
	}
	if got := queryText(t, s, "SHOW server_version"); !strings.HasPrefix(got, s.Version()) {
		t.Errorf("Version() = %s, the server says %s", s.Version(), got)
	}
	socketDir := s.socketDir
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Errorf("second Stop: %v", err)
	}
	if exists(socketDir) || exists(filepath.Join(s.home.data(), "postmaster.pid")) {
		t.Error("Stop left its socket folder or pid file")
	}
	if got := queryText(t, start(t, cfg), "SELECT v FROM kept"); got != "still here" {
		t.Errorf("after the restart: %q", got)
	}
}

func TestNobodyElseGetsIn(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Home: t.TempDir()})
	for path, want := range map[string]os.FileMode{
		s.socketDir: 0o700,
		filepath.Join(s.home.data(), passwordFile): 0o600,
		filepath.Join(s.home.dir, "postgres.lock"): 0o600,
		filepath.Join(s.home.dir, "postgres.log"):  0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
		}
	}
	if exists(filepath.Join(s.socketDir, passwordInput)) {
		t.Error("the password was left beside the socket")
	}
	_, err := pgx.Connect(t.Context(), strings.Replace(s.URL(), s.password, "wrong", 1))
	if err == nil || !strings.Contains(err.Error(), "28P01") {
		t.Errorf("a wrong password: %v", err)
	}
	for _, v := range environment() {
		if strings.Contains(v, "KEY") || strings.HasPrefix(v, "PG") {
			t.Errorf("the server sees %s", v)
		}
	}
	if strings.Contains((&InUseError{URL: s.URL()}).Error(), s.password) {
		t.Error("an error message shows the password")
	}
}

func TestHomeThatOthersCannotReach(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	s := start(t, Config{Home: filepath.Join(closed, "home")})
	// The server creates and removes files here, also if root started it.
	execute(t, s.URL(), "CREATE DATABASE other STRATEGY FILE_COPY", "CHECKPOINT", "DROP DATABASE other")
	info, err := os.Stat(s.home.data())
	if err != nil {
		t.Fatal(err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid == 0 {
		t.Error("the data belongs to root")
	}
}

func TestServerUnderWatchdog(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Home: t.TempDir(), watchdogOnly: true})
	if queryText(t, s, "SELECT 'fine'") != "fine" {
		t.Error("not fine")
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestHomesThatCannotBe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "", 0o600)
	if err := os.MkdirAll(filepath.Join(dir, "odd", "postgres.lock"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, home := range []string{"file", "odd"} {
		if _, err := Start(t.Context(), Config{Home: filepath.Join(dir, home)}); err == nil || !strings.Contains(err.Error(), "LEGWORK_HOME") {
			t.Errorf("%s: %v", home, err)
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	cfg, err := Config{BinDir: "bin"}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(cfg.Home) != ".legwork" || !filepath.IsAbs(cfg.Home) || !filepath.IsAbs(cfg.BinDir) || !filepath.IsAbs(cfg.CacheDir) ||
		cfg.BaseURL != DefaultBaseURL || cfg.Logger == nil || cfg.MaxConnections != 200 {
		t.Errorf("got %+v", cfg)
	}
}

func TestServersSideBySide(t *testing.T) {
	t.Parallel()
	one, two := start(t, Config{Home: t.TempDir()}), start(t, Config{Home: t.TempDir()})
	execute(t, one.URL(), "CREATE TABLE only_here (v text)")
	if got := queryText(t, two, "SELECT count(*)::text FROM pg_tables WHERE tablename = 'only_here'"); got != "0" {
		t.Error("two homes share a server")
	}
}

func TestSecondStartOnOneHome(t *testing.T) {
	t.Parallel()
	cfg := Config{Home: t.TempDir()}
	s := start(t, cfg)
	_, err := Start(t.Context(), cfg)
	var used *InUseError
	if !errors.As(err, &used) {
		t.Fatalf("got %v", err)
	}
	if used.URL != s.URL() || used.PID != os.Getpid() || !strings.Contains(err.Error(), "set LEGWORK_HOME") || !strings.Contains(err.Error(), cfg.Home) {
		t.Errorf("got %+v: %v", used, err)
	}
	if queryText(t, s, "SELECT 'fine'") != "fine" {
		t.Error("the first server suffered")
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	start(t, cfg)
}

func TestNoOrphanAfterKill9(t *testing.T) {
	t.Parallel()
	for name, watchdog := range map[string]string{"death signal": "", "watchdog": "1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			process, url := helper(t, home, watchdog)
			// An open transaction must not delay the shutdown.
			execute(t, url, "CREATE TABLE kept AS SELECT 'still here'::text AS v", "BEGIN", "LOCK TABLE kept")
			kill9(t, process)
			killed := time.Now()
			eventually(t, "the orphan's orderly end", func() bool { return !exists(filepath.Join(home, "postgres", "postmaster.pid")) })
			t.Logf("the server was gone %v after kill -9", time.Since(killed).Round(time.Millisecond))
			s := start(t, Config{Home: home})
			if got := queryText(t, s, "SELECT v FROM kept"); got != "still here" {
				t.Errorf("after the restart: %q", got)
			}
		})
	}
}

func TestStartRightAfterKill9(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	process, _ := helper(t, home, "")
	kill9(t, process)
	s := start(t, Config{Home: home}) // the old server may still be shutting down
	if queryText(t, s, "SELECT 'fine'") != "fine" {
		t.Error("not fine")
	}
	if left := s.home.last.SocketDir; left == "" || exists(left) {
		t.Errorf("the socket folder %q of the killed process was left", left)
	}
}

func TestServerThatCrashes(t *testing.T) {
	t.Parallel()
	cfg := Config{Home: t.TempDir(), Settings: map[string]string{"synchronous_commit": "on"}}
	s := start(t, cfg)
	execute(t, s.URL(), "CREATE TABLE kept AS SELECT 'still here'::text AS v")
	if err := s.proc.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	if err := s.Stop(t.Context()); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("Stop of a crashed server: %v", err)
	}
	if got := queryText(t, start(t, cfg), "SELECT v FROM kept"); got != "still here" {
		t.Errorf("after the recovery: %q", got)
	}
}

func TestStopWithoutPatience(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Home: t.TempDir()})
	// A stopped process does not react to SIGINT, but SIGKILL ends it.
	if err := s.proc.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	select {
	case <-s.Done():
	default:
		t.Error("Stop came back before the server had ended")
	}
}

func TestServerThatCannotStart(t *testing.T) {
	t.Parallel()
	cfg := Config{Home: t.TempDir(), Settings: map[string]string{"shared_buffers": "a lot"}}
	_, err := Start(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), `"shared_buffers": "a lot"`) || !strings.Contains(err.Error(), "postgres.log") {
		t.Fatalf("got %v", err)
	}
	cfg.Settings = nil
	start(t, cfg)
}

func TestStartGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	bin := fakeBin(t, "postgres (PostgreSQL) 16.3", "exec sleep 600")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		_ = untilReady(t.Context(), nil, func() (bool, error) {
			begun, err := filepath.Glob(filepath.Join(home, newPrefix+"*"))
			return len(begun) > 0, err
		})
	}()
	_, err := Start(ctx, Config{Home: home, BinDir: bin})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(home, "postgres*[^kg]")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
