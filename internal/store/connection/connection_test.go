package connection_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"legwork/internal/dbtest"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/connection"
	"legwork/internal/store/schema"
	"legwork/internal/testsite"
)

const waitLimit = 60 * time.Second

// open opens a database for a test.
func open(t *testing.T, cfg connection.Config) *connection.Database {
	t.Helper()
	cfg.Logger = slog.New(slog.DiscardHandler)
	cfg.MaxConns, cfg.StatementTimeout, cfg.AcquireTimeout = 3, 30*time.Second, 2*time.Second
	d, err := connection.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// eventually polls cond until it returns true.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(waitLimit)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// TestSilentServer freezes the network while statements run, on all connections of the pool and outside of it. Each must end
// soon, and everything must work soon after the network works again.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	database := dbtest.URL(t)
	w := testsite.StartProxy(t, database)
	d := open(t, connection.Config{URL: w.URL()})
	ctx := t.Context() // never ends by itself
	outside, err := d.Connect(ctx, "a test")
	if err != nil {
		t.Fatal(err)
	}
	type outcome struct {
		err  error
		took time.Duration
	}
	ended := make(chan outcome, 4)
	began := time.Now()
	sleep := func(exec func() error) {
		err := exec()
		ended <- outcome{err, time.Since(began)}
	}
	for range 3 {
		go sleep(func() error { _, err := d.Ready().Exec(ctx, "SELECT pg_sleep(25)"); return err })
	}
	go sleep(func() error { _, err := outside.Exec(ctx, "SELECT pg_sleep(25)"); return err })
	eventually(t, "all connections are in use", func() bool { return d.Pool().Stat().AcquiredConns() == 3 })
	thaw := w.Freeze()
	defer thaw()
	for range 4 {
		o := <-ended
		if o.err == nil || !connection.Unavailable(o.err) || o.took > 10*time.Second {
			t.Errorf("a statement ended after %s: %v", o.took, o.err)
		}
	}
	asked := time.Now()
	if _, err := d.Ready().Exec(ctx, "SELECT 1"); err == nil || !connection.Unavailable(err) || time.Since(asked) > 5*time.Second {
		t.Errorf("a statement during the outage ended after %s: %v", time.Since(asked), err)
	}
	thaw()
	back := time.Now()
	eventually(t, "the pool works", func() bool { _, err := d.Ready().Exec(ctx, "SELECT 1"); return err == nil })
	if took := time.Since(back); took > 10*time.Second {
		t.Errorf("the pool worked %s after the outage", took)
	}
}

// TestCancelDoesNotWait cancels a statement whose server does not answer. The call must return at once, and the connection must
// leave the pool soon.
func TestCancelDoesNotWait(t *testing.T) {
	t.Parallel()
	database := dbtest.URL(t)
	w := testsite.StartProxy(t, database)
	d := open(t, connection.Config{URL: w.URL()})
	conn, err := d.Ready().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	thaw := w.Freeze()
	defer thaw()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := conn.Exec(ctx, "SELECT 1"); err == nil {
		t.Error("no error")
	}
	conn.Release()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("a cancelled statement took %s", took)
	}
	eventually(t, "the connection has left the pool", func() bool { return d.Pool().Stat().TotalConns() == 0 })
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the connection left the pool after %s", took)
	}
}

// TestSeveralHosts connects to three hosts: one that never answers, one that refuses connections, and the server.
func TestSeveralHosts(t *testing.T) {
	t.Parallel()
	database := dbtest.URL(t)
	silent, good := testsite.StartProxy(t, database), testsite.StartProxy(t, database)
	defer silent.Freeze()()
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = refusing.Close()
	d := open(t, connection.Config{URL: good.URLThrough(silent.Address(), refusing.Addr().String(), good.Address()) + "&target_session_attrs=read-write"})
	began := time.Now()
	for range 3 { // the silent host was noticed already, and is not waited for each time
		conn, err := d.Connect(t.Context(), "a test")
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close(t.Context())
	}
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("three connections took %s", took)
	}
}

// TestReadOnlyServer makes the database read-only for some time. Writes must fail as unavailable, reads go on, and later writes work
// on new connections, although sessions keep the state that they began with.
func TestReadOnlyServer(t *testing.T) {
	t.Parallel()
	database := dbtest.URL(t)
	admin, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(context.WithoutCancel(t.Context())) }()
	d := open(t, connection.Config{URL: database})
	exec := func(sql string) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), "BEGIN READ WRITE; "+sql+"; COMMIT"); err != nil {
			t.Fatal(err)
		}
	}
	write := func() error {
		_, err := d.Ready().Exec(t.Context(), "CREATE TABLE IF NOT EXISTS written (n int)")
		return err
	}
	if err := write(); err != nil || d.ReadOnly() {
		t.Fatalf("%v, read-only: %v", err, d.ReadOnly())
	}
	exec(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`)
	d.Pool().Reset() // as if the address led to a standby now
	eventually(t, "writes are refused", func() bool { err := write(); return connection.ReadOnly(err) && connection.Unavailable(err) })
	eventually(t, "the server is known as read-only", d.ReadOnly)
	if _, err := d.Ready().Exec(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("a read: %v", err)
	}
	exec(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$`)
	back := time.Now()
	eventually(t, "writes work", func() bool { return write() == nil })
	eventually(t, "the server is known as writable", func() bool { return !d.ReadOnly() })
	if took := time.Since(back); took > 15*time.Second {
		t.Errorf("writes worked %s after the server", took)
	}
}

// TestPgBouncer migrates an empty database and uses it through PgBouncer in transaction mode, by several processes at once.
func TestPgBouncer(t *testing.T) {
	t.Parallel()
	empty := dbtest.Empty(t)
	direct := testsite.StartProxy(t, empty).URL()
	pooled, _ := dbtest.PgBouncer(t, direct)
	log := slog.New(slog.DiscardHandler)
	var processes sync.WaitGroup
	for range 3 {
		processes.Go(func() {
			if err := schema.Migrate(t.Context(), pooled, log); err != nil {
				t.Error(err)
			}
		})
	}
	processes.Wait()
	st, err := store.Open(t.Context(), store.Config{URL: pooled, StatementTimeout: 2 * time.Second, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	if !strings.Contains(st.Pooler(), "PgBouncer") || !st.PollOnly() {
		t.Errorf("pooler %q, polling: %v", st.Pooler(), st.PollOnly())
	}
	for range 10 { // in different sessions of the server
		processes.Go(func() {
			for range 20 {
				if findings, err := st.Worker().Audit(t.Context()); err != nil || len(findings) != 0 {
					t.Errorf("audit: %v, %v", findings, err)
				}
			}
		})
	}
	processes.Wait()
	err = st.InTx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		var timeout string
		if err := tx.QueryRow(ctx, "SHOW statement_timeout").Scan(&timeout); err != nil || timeout != "2s" {
			t.Errorf("a transaction has a statement timeout of %s, %v", timeout, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	began := time.Now()
	if _, err := st.DB().Exec(t.Context(), "SELECT pg_sleep(600)"); !errors.Is(err, research.ErrUnavailable) && !connection.Unavailable(err) || time.Since(began) > 20*time.Second {
		t.Errorf("a statement without a transaction ended after %s: %v", time.Since(began), err)
	}
	listening, err := store.Open(t.Context(), store.Config{URL: pooled, DirectURL: direct, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(listening.Close)
	conn, err := listening.ConnectToListen(t.Context())
	if err != nil || listening.PollOnly() {
		t.Fatalf("polling: %v, %v", listening.PollOnly(), err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), "LISTEN x"); err != nil {
		t.Fatal(err)
	}
	if err := st.Notify(t.Context(), "x", "hello"); err != nil {
		t.Fatal(err)
	}
	waiting, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	if n, err := conn.WaitForNotification(waiting); err != nil || n.Payload != "hello" {
		t.Errorf("notification: %+v, %v", n, err)
	}
}

func TestNamed(t *testing.T) {
	t.Parallel()
	for host, pooler := range map[string]bool{
		"aws-0-eu-central-1.pooler.supabase.com": true, "db.abcdefghij.supabase.co": false,
		"ep-cool-darkness-123456-pooler.us-east-2.aws.neon.tech": true, "ep-cool-darkness-123456.us-east-2.aws.neon.tech": false,
		"EP-X-POOLER.c-2.eu-central-1.aws.neon.tech.": true, "pooler.example.org": false, "/var/run/postgresql": false, "": false,
	} {
		if name := connection.Named(host); (name != "") != pooler {
			t.Errorf("%s: %q", host, name)
		}
	}
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		io.EOF: true, net.ErrClosed: true, context.DeadlineExceeded: true, io.ErrShortBuffer: false,
	} {
		if got := connection.Unavailable(fmt.Errorf("x: %w", err)); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
	for code, want := range map[string]bool{
		"25006": true, "57P01": true, "57P02": true, "57P03": true, "08000": true, "08006": true, "08P01": true, "53000": true, "53100": true,
		"53200": true, "53300": true, "53400": true, "23505": false, "42P01": false, "25001": false, "22001": false,
	} {
		if got := connection.Unavailable(sqlError(code)); got != want {
			t.Errorf("%s: %v", code, got)
		}
	}
}

// sqlError returns an error with an SQLSTATE.
func sqlError(code string) error { return fmt.Errorf("x: %w", &pgconn.PgError{Code: code}) }
