package replica_test

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/pgembed"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/schema"
)

// limit bounds each wait of a test.
const limit = time.Minute

// cluster is a primary and a streaming standby, both real servers.
type cluster struct {
	t                *testing.T
	primary, standby *pgembed.Server
	home             string // of the standby
}

// newCluster starts a migrated primary and a standby that pg_basebackup made from it.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	bin, err := exec.LookPath("pg_basebackup")
	if err != nil {
		t.Skip("pg_basebackup is not installed (Debian: postgresql)")
	}
	c := &cluster{t: t, home: folder(t)}
	first := folder(t)
	c.primary = c.start(first)
	if err := schema.Migrate(t.Context(), c.primary.URL(), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(c.home, "postgres")
	if out, err := exec.CommandContext(t.Context(), bin, "--dbname="+c.primary.URL(), "--pgdata="+data, "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("pg_basebackup: %v: %s", err, out)
	}
	own(t, filepath.Join(first, "postgres"), data)
	c.standby = c.start(c.home)
	return c
}

// folder makes a folder that the user who runs PostgreSQL can reach.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "legwork-replica-") //nolint:usetesting // the user who runs PostgreSQL cannot reach t.TempDir
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// own gives all files below data the owner of like.
func own(t *testing.T, like, data string) {
	t.Helper()
	info, err := os.Stat(like)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	err = filepath.Walk(data, func(path string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(owner.Uid), int(owner.Gid))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) start(home string) *pgembed.Server {
	c.t.Helper()
	s, err := pgembed.Start(c.t.Context(), pgembed.Config{Home: home, MaxConnections: 60,
		Settings: map[string]string{"fsync": "off", "shared_buffers": "16MB", "wal_level": "replica", "max_wal_senders": "5"}})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		_ = s.Stop(ctx)
	})
	return s
}

// open opens a store on the cluster, as an API process does.
func (c *cluster) open(replica string, wait time.Duration) *store.Store {
	c.t.Helper()
	s, err := store.Open(c.t.Context(), store.Config{URL: c.primary.URL(), ReplicaURL: replica, ReplicaWait: wait, MaxConns: 5, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(s.Close)
	return s
}

// until waits until a condition holds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for began := time.Now(); !holds(); {
		if time.Since(began) > limit {
			t.Fatalf("still not after %s: %s", limit, what)
		}
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func used(t *testing.T, s *store.Store) func() bool {
	return func() bool { _, state := s.CheckReplica(t.Context()); return state == "" }
}

// submit stores a task, as a submission does.
func submit(ctx context.Context, s *store.Store) (id uuid.UUID, err error) {
	id = uuid.Must(uuid.NewV7())
	err = s.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, _, err := s.For(research.DefaultAccount).CreateTask(ctx, tx, id, research.NewTask{Question: "Is it there at once?", Priority: research.Normal,
			Options: research.Options{MaxDepth: 1, MaxPages: 1, TimeBudget: time.Minute, SearchEngine: research.Library, MaxResults: 1}},
			1, func(research.Status) research.Event { return research.Thinking("submitted", nil) })
		return err
	})
	return id, err
}

// newest returns the newest task of the list.
func newest(ctx context.Context, s *store.Store) (uuid.UUID, error) {
	list, err := s.For(research.DefaultAccount).Tasks(ctx, store.TaskFilter{Limit: 1})
	if err != nil || len(list.Tasks) == 0 {
		return uuid.Nil, err
	}
	return list.Tasks[0].ID, nil
}

// reading returns how many sessions of a server ran a statement of queries/ last.
func reading(t *testing.T, url string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '-- name: %'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestWritersFindTheirTasks checks that lists come from the replica, and that whoever has submitted a task, in whichever process, finds it
// in the next list, while others write and while the replica is late, dead and back again.
func TestWritersFindTheirTasks(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	a, b := c.open(c.standby.URL(), limit), c.open(c.standby.URL(), limit) // two API processes
	until(t, "both use the replica", func() bool { return used(t, a)() && used(t, b)() })
	check := func(when string, writer, reader *store.Store) {
		t.Helper()
		id, err := submit(t.Context(), writer)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		if got, err := newest(t.Context(), reader); err != nil || got != id {
			t.Fatalf("%s: the newest task is %s instead of %s: %v", when, got, id, err)
		}
	}
	for range 20 {
		check("all is well", a, b)
		check("all is well", b, b)
	}
	if n := reading(t, c.standby.URL()); n == 0 {
		t.Error("no list came from the replica")
	}

	// A replica that has stopped to replay: one process waits for it, the other does not.
	hasty := c.open(c.standby.URL(), time.Millisecond)
	until(t, "the hasty process uses the replica", used(t, hasty))
	c.replay("SELECT pg_wal_replay_pause()")
	for range 5 {
		check("the replica is late", a, hasty)
	}
	var waits sync.WaitGroup
	id, err := submit(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	waits.Go(func() {
		if got, err := newest(t.Context(), b); err != nil || got != id {
			t.Errorf("after the replica went on, the newest task is %s instead of %s: %v", got, id, err)
		}
	})
	c.replay("SELECT pg_wal_replay_resume()")
	waits.Wait()

	stopping, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if err := c.standby.Stop(stopping); err != nil {
		t.Fatal(err)
	}
	quick := c.open(c.standby.URL(), 50*time.Millisecond) // starts while the replica is dead
	for _, s := range []*store.Store{a, b, hasty, quick} {
		check("the replica is dead", a, s)
	}
	for _, s := range []*store.Store{a, b, hasty, quick} {
		if used(t, s)() {
			t.Error("a process says that it uses a dead replica")
		}
	}
}

// replay runs a statement on the standby.
func (c *cluster) replay(sql string) {
	c.t.Helper()
	conn, err := pgx.Connect(c.t.Context(), c.standby.URL())
	if err == nil {
		_, err = conn.Exec(c.t.Context(), sql)
		_ = conn.Close(context.Background())
	}
	if err != nil {
		c.t.Fatalf("%s: %v", sql, err)
	}
}

// TestOtherServersAreNoReplica checks that neither the primary itself nor an unrelated server is used as a replica.
func TestOtherServersAreNoReplica(t *testing.T) {
	t.Parallel()
	c := &cluster{t: t}
	c.primary = c.start(folder(t))
	if err := schema.Migrate(t.Context(), c.primary.URL(), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	stranger := c.start(folder(t))
	for name, url := range map[string]string{"an unrelated server": stranger.URL(), "the primary": c.primary.URL()} {
		s := c.open(url, 10*time.Millisecond)
		id, err := submit(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := newest(t.Context(), s); err != nil || got != id {
			t.Errorf("%s: the newest task is %s instead of %s: %v", name, got, id, err)
		}
		if used(t, s)() {
			t.Errorf("%s is used as a replica", name)
		}
	}
}
