package dbtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver by which testcontainers tests whether a container is ready
	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
	"github.com/testcontainers/testcontainers-go/wait"

	"legwork/internal/pgembed"
)

// The sources of a test server. LEGWORK_TEST_SERVER and testserver's --source accept the last three values.
const (
	SourceURL       = "TEST_DATABASE_URL" // a server that the caller has started; always used if TEST_DATABASE_URL is set
	SourceEmbedded  = "embedded"          // pgembed, in a folder below the temporary folder, which later test runs use again
	SourceContainer = "container"         // a container of the image LEGWORK_TEST_POSTGRES_IMAGE on the Docker engine
	SourceAuto      = "auto"              // a container if a Docker engine answers, otherwise embedded
)

const (
	defaultImage   = "postgres:15-alpine"
	maxConnections = 500
	password       = "legwork-test" // password of a server on loopback without valuable data
)

// shared is the server of this test process. It is a package variable because the tests of a package have no common parent.
var shared struct {
	sync.Mutex
	asked  bool
	server *TestServer
	err    error
}

// Server returns the connection string of an administrator's database on the test server of this process, and the
// source of the server. If TEST_DATABASE_URL is set, it names the server; `make test` sets the variable, so that all
// packages share one server (see testserver). Otherwise Server starts a server that ends with this process: an
// embedded one, or a container if LEGWORK_TEST_SERVER is "container".
func Server(ctx context.Context) (dsn, source string, err error) {
	if dsn := os.Getenv("TEST_DATABASE_URL"); dsn != "" {
		return dsn, SourceURL, nil
	}
	shared.Lock()
	defer shared.Unlock()
	if !shared.asked {
		shared.asked = true
		shared.server, shared.err = startForProcess(ctx, os.Getenv("LEGWORK_TEST_SERVER"))
	}
	if shared.err != nil {
		return "", "", shared.err
	}
	return shared.server.DSN, shared.server.Source, nil
}

// startForProcess starts a server that ends by itself when this process ends.
func startForProcess(ctx context.Context, source string) (*TestServer, error) {
	if source == "" || source == SourceAuto {
		source = SourceEmbedded // starting a container for each package would take too much time
	}
	if source == SourceContainer && testcontainers.ReadConfig().Config.RyukDisabled {
		return nil, errors.New("LEGWORK_TEST_SERVER=container with TESTCONTAINERS_RYUK_DISABLED=true would leave a container behind: " +
			"run the tests below `go run ./internal/dbtest/testserver --source container -- go test …`, which removes it")
	}
	return StartServer(ctx, source)
}

// TestServer is a PostgreSQL server for tests, tuned for speed: its data does not survive a crash of the machine.
type TestServer struct {
	DSN    string // connection string of an administrator's database on it
	Source string // SourceEmbedded or SourceContainer
	Note   string // why the server is not a container although SourceAuto prefers one; otherwise empty
	stop   func(context.Context) error
}

// Stop ends the server, or removes the container.
func (s *TestServer) Stop(ctx context.Context) error { return s.stop(ctx) }

// StartServer starts a server of the named source; "" means SourceAuto.
func StartServer(ctx context.Context, source string) (*TestServer, error) {
	switch source {
	case SourceEmbedded:
		return startEmbedded(ctx)
	case SourceContainer:
		return startContainer(ctx)
	case SourceAuto, "":
		s, cerr := startContainer(ctx)
		if cerr == nil {
			return s, nil
		}
		s, err := startEmbedded(ctx)
		if err != nil {
			return nil, fmt.Errorf("no server for tests: %w; and %w", cerr, err)
		}
		s.Note = cerr.Error()
		return s, nil
	}
	return nil, fmt.Errorf("%q is no source of a test server; allowed are %s, %s and %s", source, SourceAuto, SourceEmbedded, SourceContainer)
}

// quiet stops testcontainers from printing a description of the Docker engine.
var quiet = sync.OnceFunc(func() { tclog.SetDefault(tclog.NewNoopLogger()) })

// startContainer starts a container on the Docker engine and waits until PostgreSQL accepts connections.
func startContainer(ctx context.Context) (*TestServer, error) {
	quiet()
	if err := engineAnswers(ctx); err != nil {
		return nil, fmt.Errorf("no Docker engine answers: %w", err)
	}
	image := os.Getenv("LEGWORK_TEST_POSTGRES_IMAGE")
	if image == "" {
		image = defaultImage
	}
	dsn := func(host, port string) string {
		u := url.URL{Scheme: "postgres", User: url.UserPassword("legwork", password), Host: net.JoinHostPort(host, port), Path: "/legwork"}
		u.RawQuery = "sslmode=disable"
		return u.String()
	}
	ctr, err := testcontainers.Run(ctx, image,
		testcontainers.WithExposedPorts("5432/tcp"),
		testcontainers.WithEnv(map[string]string{"POSTGRES_USER": "legwork", "POSTGRES_PASSWORD": password, "POSTGRES_DB": "legwork"}),
		testcontainers.WithCmd("postgres", "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
			"-c", "max_connections="+strconv.Itoa(maxConnections)),
		testcontainers.WithWaitStrategyAndDeadline(90*time.Second,
			wait.ForSQL("5432/tcp", "pgx", func(host string, port network.Port) string { return dsn(host, port.Port()) }).
				WithPollInterval(50*time.Millisecond).WithStartupTimeout(90*time.Second)),
	)
	remove := func(ctx context.Context) error {
		return testcontainers.TerminateContainer(ctr, testcontainers.StopContext(ctx), testcontainers.StopTimeout(0))
	}
	var host string
	var port network.Port
	if err == nil {
		host, err = ctr.Host(ctx)
	}
	if err == nil {
		port, err = ctr.MappedPort(ctx, "5432/tcp")
	}
	if err != nil {
		err = fmt.Errorf("run a container of %s: %w", image, err)
		return nil, errors.Join(err, remove(context.WithoutCancel(ctx)))
	}
	return &TestServer{DSN: dsn(host, port.Port()), Source: SourceContainer, stop: remove}, nil
}

// engineAnswers sends a request to the Docker engine. The error says why it did not answer.
func engineAnswers(ctx context.Context) (err error) {
	defer func() { // testcontainers panics if it finds no address of an engine
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	provider, err := testcontainers.ProviderDocker.GetProvider()
	if err != nil {
		return err
	}
	defer func() { _ = provider.Close() }()
	return provider.Health(ctx)
}

// maxSlots bounds the embedded test servers that run at the same time.
const maxSlots = 64

// startEmbedded starts pgembed in the first folder that no other test process is using. The folders stay for the next
// test run, which then starts faster. There are never more folders than test processes that once ran at the same
// time.
func startEmbedded(ctx context.Context) (*TestServer, error) {
	base := filepath.Join(os.TempDir(), "legwork-test-"+strconv.Itoa(os.Getuid()))
	if err := ownFolder(base); err != nil {
		return nil, err
	}
	for slot := range maxSlots {
		home := filepath.Join(base, strconv.Itoa(slot))
		s, err := startSlot(ctx, home)
		var used *pgembed.InUseError
		if errors.As(err, &used) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return &TestServer{DSN: s.URL(), Source: SourceEmbedded, stop: s.Stop}, nil
	}
	return nil, fmt.Errorf("all %d folders for test servers below %s are in use", maxSlots, base)
}

// startSlot starts a server in the folder home. If the data of an earlier run cannot be used, because the machine
// crashed or PostgreSQL was replaced, it deletes the data and starts again.
func startSlot(ctx context.Context, home string) (*pgembed.Server, error) {
	cfg := pgembed.Config{Home: home, Fast: true, MaxConnections: maxConnections}
	s, err := pgembed.Start(ctx, cfg)
	var used *pgembed.InUseError
	if err != nil && ctx.Err() == nil && !errors.As(err, &used) {
		if rerr := os.RemoveAll(filepath.Join(home, "postgres")); rerr != nil {
			return nil, errors.Join(err, rerr)
		}
		s, err = pgembed.Start(ctx, cfg)
	}
	if err != nil {
		return nil, err
	}
	if err := dropLeftovers(ctx, s.URL()); err != nil {
		return nil, errors.Join(fmt.Errorf("clean the test server in %s: %w", home, err), s.Stop(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// maxTemplates is the greatest number of template databases that stay on a server. Each change of the schema creates
// a new one.
const maxTemplates = 4

// dropLeftovers drops the databases of killed test processes. If there are more templates than maxTemplates, it also
// drops templates.
func dropLeftovers(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, `SELECT datname FROM pg_database d
		WHERE datname NOT IN ('postgres', 'template0', 'template1', current_database())
		AND (NOT datistemplate OR $1 < (SELECT count(*) - 2 FROM pg_database WHERE datistemplate))`, maxTemplates)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		quoted := pgx.Identifier{name}.Sanitize()
		for _, sql := range []string{"ALTER DATABASE " + quoted + " IS_TEMPLATE false", "DROP DATABASE " + quoted + " WITH (FORCE)"} {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return err
			}
		}
	}
	return nil
}

// ownFolder creates a folder, or checks that an existing one belongs to this user. The check is needed because all users may write into
// the temporary folder.
func ownFolder(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make a folder for test servers: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(st.Uid) != os.Getuid() || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s is not a folder that only we can write: remove it, or set TMPDIR", dir)
	}
	return nil
}
