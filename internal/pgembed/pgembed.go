package pgembed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// startTimeout limits the time of Start if its context has no deadline, not counting a download. After a crash the server must replay up
	// to 1 GB of log (PostgreSQL's default between checkpoints); 60 s are enough for that.
	startTimeout = 60 * time.Second
	// orphanTimeout limits the wait for the shutdown of a server whose legwork process has ended.
	orphanTimeout = 30 * time.Second
)

// errEnded means that the server ended while a caller waited for it.
var errEnded = errors.New("PostgreSQL has ended")

// Config says where the programs and the data of the server are. The zero value works.
type Config struct {
	Home           string            // LEGWORK_HOME, created if it does not exist; default ".legwork"
	BinDir         string            // LEGWORK_PG_BIN: the folder with postgres and initdb; if empty, Find looks for them
	CacheDir       string            // folder for downloads of PostgreSQL; default: the user's cache folder, for root /var/cache/legwork
	BaseURL        string            // LEGWORK_PG_MIRROR: a Maven repository; default DefaultBaseURL
	Logger         *slog.Logger      // default: no log
	Fast           bool              // for tests only: data is lost if the machine crashes
	MaxConnections int               // default 200
	Settings       map[string]string // further settings (names of postgresql.conf), which replace the default ones

	// Only this package's tests set these fields.
	watchdogOnly bool      // use the watchdog even if the system has a death signal
	places       *search   // replaces this machine's places
	artifact     *artifact // replaces the pinned artifact
}

// withDefaults returns c with defaults filled in and with absolute paths.
func (c Config) withDefaults() (Config, error) {
	var err error
	if c.Home == "" {
		c.Home = ".legwork"
	}
	if c.Home, err = filepath.Abs(c.Home); err != nil {
		return c, err
	}
	if c.BinDir != "" {
		if c.BinDir, err = filepath.Abs(c.BinDir); err != nil {
			return c, err
		}
	}
	if c.CacheDir == "" {
		c.CacheDir = defaultCache()
	}
	if c.CacheDir, err = filepath.Abs(c.CacheDir); err != nil {
		return c, err
	}
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = 200
	}
	return c, nil
}

// defaultCache returns the user's cache folder, or a folder below the temporary one if the user has no home folder.
func defaultCache() string {
	if os.Geteuid() == 0 {
		return rootCache
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "legwork")
	}
	return filepath.Join(os.TempDir(), "legwork-cache-"+strconv.Itoa(os.Getuid()))
}

// Server is a running PostgreSQL server.
type Server struct {
	cfg       Config
	bin       Binaries
	home      *home
	acct      account
	socketDir string
	password  string
	log       *serverLog
	proc      *process

	stopOnce sync.Once
	stopErr  error
}

// Start starts the server on the data in Home. If there is no data, it creates a cluster; if PostgreSQL is not installed, it downloads it. ctx
// bounds the start, not the time that the server runs. Without a deadline, a start takes at most 60 s, not counting a download. Errors
// are sentences for the user. *InUseError and *VersionError can be distinguished by type.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	h, err := lockHome(cfg.Home)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, home: h}
	if err := s.start(ctx); err != nil {
		s.cleanUp()
		return nil, err
	}
	return s, nil
}

// start does the work of Start. The caller holds the lock.
func (s *Server) start(ctx context.Context) error {
	begun := time.Now()
	data := s.home.data()
	major, err := dataMajor(data)
	if err != nil {
		return err
	}
	if s.acct, err = accountFor(data); err != nil {
		return err
	}
	if s.bin, err = s.binaries(ctx, major); err != nil {
		return err
	}
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, startTimeout)
		defer cancel()
	}
	if s.socketDir, err = makeSocketDir(s.acct, os.TempDir(), "/tmp", "/var/tmp", "/run"); err != nil {
		return err
	}
	if err := s.prepareData(ctx, major == 0); err != nil {
		return err
	}
	if s.log, err = openLog(s.home.dir); err != nil {
		return err
	}
	if err := s.launchUntilReady(ctx); err != nil {
		return err
	}
	if err := s.createDatabase(ctx); err != nil {
		return s.failed(err)
	}
	if err := s.home.record(homeState{PID: os.Getpid(), URL: s.URL(), SocketDir: s.socketDir}); err != nil {
		return s.failed(err)
	}
	go s.log.watch(time.Minute, s.proc.done, func(err error) { s.cfg.Logger.Warn("PostgreSQL's log could not be rotated", "error", err) })
	s.cfg.Logger.InfoContext(ctx, "PostgreSQL is ready", "version", s.Version(), "programs", s.bin.Dir, "found", s.bin.Source,
		"data", data, "new", major == 0, "duration", time.Since(begun))
	return nil
}

// binaries finds programs for data of this major version (0: any), or downloads them if the download has this version.
func (s *Server) binaries(ctx context.Context, major int) (Binaries, error) {
	bin, findErr := s.cfg.search().find(ctx, s.acct, s.home.data(), major)
	downloadMajor, _, _ := strings.Cut(downloadVersion, ".")
	if findErr == nil || ctx.Err() != nil || s.cfg.BinDir != "" || (major != 0 && strconv.Itoa(major) != downloadMajor) {
		return bin, findErr
	}
	if blocked := s.acct.blockedAt(filepath.Dir(s.cfg.CacheDir)); blocked != "" {
		return bin, fmt.Errorf("%w; and it cannot be downloaded to %s, because legwork runs as root and the user that runs PostgreSQL cannot pass %s",
			findErr, s.cfg.CacheDir, blocked)
	}
	const advice = "install PostgreSQL with the system's package manager, or set LEGWORK_PG_BIN or DATABASE_URL"
	d, err := newDownloader(s.cfg)
	if err != nil {
		return bin, fmt.Errorf("%w, and %w: %s", findErr, err, advice)
	}
	dir, err := d.fetch(ctx)
	if err != nil {
		return bin, fmt.Errorf("%w. %w. Or %s", findErr, err, advice)
	}
	bin, err = inspect(ctx, s.acct, place{dir, "download"})
	if err != nil {
		return bin, fmt.Errorf("the PostgreSQL that was downloaded to %s does not run on this machine: %w; %s", dir, err, advice)
	}
	return bin, nil
}

// prepareData creates the cluster if it is missing. Otherwise it waits until no earlier server uses the data.
func (s *Server) prepareData(ctx context.Context, missing bool) (err error) {
	if err := removeUnfinished(s.home.dir); err != nil {
		return fmt.Errorf("remove an unfinished database folder: %w", err)
	}
	if missing {
		if err := makeCluster(ctx, s.home, s.acct, s.bin, s.socketDir, s.cfg.Fast); err != nil {
			return err
		}
	}
	if s.password, err = readPassword(s.home.data()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, orphanTimeout)
	defer cancel()
	return clearPidFile(ctx, s.home.data(), func(pid int) {
		s.cfg.Logger.Info("waiting for the PostgreSQL server of an earlier legwork to shut down", "pid", pid)
	})
}

// launchUntilReady starts the server and waits until it accepts connections. If only the server process has crashed, its child processes
// may use its shared memory for a moment longer. Then launchUntilReady tries again.
func (s *Server) launchUntilReady(ctx context.Context) error {
	var err error
	waitErr := untilReady(ctx, nil, func() (bool, error) {
		err = s.launch(ctx)
		return err == nil || !strings.Contains(err.Error(), "pre-existing shared memory block"), nil
	})
	if err != nil {
		return err
	}
	return waitErr
}

// launch starts the server once and waits until it accepts connections.
func (s *Server) launch(ctx context.Context) error {
	name, inherit, err := s.acct.folder(s.home.data())
	if err != nil {
		return err
	}
	defer closeAll(inherit)
	args := []string{"-D", name}
	for _, setting := range s.settings() {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command(s.bin.Postgres, args...)
	cmd.Dir, cmd.Env, cmd.ExtraFiles, cmd.SysProcAttr = "/", environment(), inherit, s.acct.attr()
	cmd.Stdout, cmd.Stderr = s.log.file, s.log.file
	if s.proc, err = launch(cmd, !s.cfg.watchdogOnly); err != nil {
		return fmt.Errorf("start %s: %w", s.bin.Postgres, err)
	}
	err = untilReady(ctx, s.proc.done, func() (bool, error) {
		err := s.query(ctx, "postgres", func(conn *pgx.Conn) error { return conn.Ping(ctx) })
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code != "57P03" { // 57P03 is cannot_connect_now: the server is still starting or recovering
			return false, err
		}
		return err == nil, nil
	})
	if err != nil {
		return s.failed(err)
	}
	return nil
}

// failed stops the server, and returns an error with the server's own messages.
func (s *Server) failed(err error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if serr := s.proc.stop(ctx); serr != nil {
		err = errors.Join(err, serr)
	}
	if errors.Is(err, errEnded) && s.proc.err != nil {
		err = fmt.Errorf("%w (%w)", err, s.proc.err)
	}
	return fmt.Errorf("PostgreSQL did not start on %s: %w\nThe last lines of its log (%s):\n%s",
		s.home.data(), err, s.log.file.Name(), s.log.tail())
}

// settings returns the server's settings as name=value. Config.Settings replaces the default ones.
func (s *Server) settings() []string {
	all := map[string]string{
		"listen_addresses":        "",
		"port":                    "5432",
		"unix_socket_directories": s.socketDir,
		"unix_socket_permissions": "0700",
		"max_connections":         strconv.Itoa(s.cfg.MaxConnections),
		"shared_buffers":          "128MB",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"logging_collector":       "off",
		"log_destination":         "stderr",
		"log_line_prefix":         "%m [%p] ",
		"log_checkpoints":         "off",
		"jit":                     "off", // costs more than it gains on short queries
	}
	if s.cfg.Fast {
		for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
			all[name] = "off"
		}
	}
	maps.Copy(all, s.cfg.Settings)
	var list []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, name+"="+all[name])
	}
	return list
}

// query calls do with a new connection.
func (s *Server) query(ctx context.Context, database string, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, s.dsn(database))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	return do(conn)
}

// createDatabase creates the database "legwork", which Server.URL names, if it does not exist.
func (s *Server) createDatabase(ctx context.Context) error {
	return s.query(ctx, "postgres", func(conn *pgx.Conn) error {
		var exists bool
		err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", databaseName).Scan(&exists)
		if err != nil || exists {
			return err
		}
		_, err = conn.Exec(ctx, "CREATE DATABASE "+databaseName)
		return err
	})
}

// dsn returns the connection string of a database on the server.
func (s *Server) dsn(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(roleName, s.password), Path: "/" + database}
	u.RawQuery = url.Values{"host": {s.socketDir}, "port": {"5432"}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// URL returns the connection string of the database "legwork", for pgx and libpq. It uses a Unix socket and contains the password of the
// cluster's superuser.
func (s *Server) URL() string { return s.dsn(databaseName) }

// Version returns the server's version, as "15.20".
func (s *Server) Version() string { return s.bin.Version.String() }

// Done returns a channel that is closed when the server has ended, by Stop or by itself.
func (s *Server) Done() <-chan struct{} { return s.proc.done }

// Stop shuts the server down in PostgreSQL's fast mode, which rolls back open transactions, and waits for its end. If ctx ends first, the
// server is stopped immediately, and the error says so. No committed data is lost. Further calls return the same result.
func (s *Server) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() {
		select {
		case <-s.proc.done:
			s.stopErr = fmt.Errorf("PostgreSQL had ended by itself (%w). The last lines of its log:\n%s", s.proc.err, s.log.tail())
			if s.proc.err == nil {
				s.stopErr = nil // no error: another process has shut the server down in fast mode
			}
		default:
			s.stopErr = s.proc.stop(ctx)
		}
		s.cleanUp()
	})
	return s.stopErr
}

// cleanUp releases everything that Start has acquired, except the process.
func (s *Server) cleanUp() {
	if s.log != nil {
		_ = s.log.file.Close()
	}
	removeSocketDir(s.socketDir)
	s.home.release()
}
