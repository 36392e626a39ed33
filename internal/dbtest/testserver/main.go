// Testserver runs a command together with a PostgreSQL server for tests, so that all test processes of one `go test ./...` share one
// server:
//
//	go run ./internal/dbtest/testserver [--source auto|embedded|container] -- go test ./...
//
// The command gets the server's address in TEST_DATABASE_URL. Testserver stops the server when the command ends, and
// exits with the command's exit status (128 + n if signal n ended the command). With --source auto, the default,
// testserver starts no server if TEST_DATABASE_URL is already set.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"legwork/internal/dbtest"
)

const (
	startTimeout = 3 * time.Minute // enough time to pull an image
	stopTimeout  = 30 * time.Second
	statusUsage  = 2 // the command was not started
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run does the work of main and returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("testserver", flag.ContinueOnError)
	flags.SetOutput(stderr)
	source := flags.String("source", os.Getenv("LEGWORK_TEST_SERVER"), "auto, embedded or container")
	if err := flags.Parse(args); err != nil {
		return statusUsage
	}
	if flags.NArg() == 0 {
		_, _ = fmt.Fprintln(stderr, "testserver: no command; usage: testserver [--source auto|embedded|container] -- command [argument…]")
		return statusUsage
	}
	cmd := exec.Command(flags.Arg(0), flags.Args()[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, stdout, stderr

	// From here on, a signal must not end this process before the server is stopped.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)

	dsn, stop, err := server(*source, signals, stderr)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "testserver:", err)
		return statusUsage
	}
	cmd.Env = append(os.Environ(), "TEST_DATABASE_URL="+dsn)
	status, err := wait(cmd, signals)
	if err = errors.Join(err, stop()); err != nil {
		_, _ = fmt.Fprintln(stderr, "testserver:", err)
		status = max(status, 1)
	}
	return status
}

// server starts the server. If TEST_DATABASE_URL names a server and no other source was requested, it uses that
// server. A signal interrupts the start.
func server(source string, signals <-chan os.Signal, stderr io.Writer) (dsn string, stop func() error, err error) {
	if dsn := os.Getenv("TEST_DATABASE_URL"); dsn != "" && (source == "" || source == dbtest.SourceAuto) {
		return dsn, func() error { return nil }, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	started := make(chan struct{})
	defer close(started)
	go func() {
		select {
		case <-signals:
			cancel()
		case <-started:
		}
	}()
	begun := time.Now()
	s, err := dbtest.StartServer(ctx, source)
	if err != nil {
		return "", nil, err
	}
	if s.Note != "" {
		_, _ = fmt.Fprintln(stderr, "testserver: no container:", s.Note)
	}
	_, _ = fmt.Fprintf(stderr, "testserver: PostgreSQL is ready (%s, %v)\n", s.Source, time.Since(begun).Round(time.Millisecond))
	return s.DSN, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		return s.Stop(ctx)
	}, nil
}

// wait starts the command, passes signals on to it until it ends, and returns its exit status. If a signal ended the
// command, the status is 128 plus the number of the signal.
func wait(cmd *exec.Cmd, signals <-chan os.Signal) (int, error) {
	if err := cmd.Start(); err != nil {
		return statusUsage, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case sig := <-signals:
			_ = cmd.Process.Signal(sig)
		case err := <-done:
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				return 1, err
			}
			if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
				return 128 + int(ws.Signal()), nil
			}
			return cmd.ProcessState.ExitCode(), nil
		}
	}
}
