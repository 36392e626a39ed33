package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// role is the name of an environment variable. If its value is "server", this test binary runs as a testserver
// instead of running the tests. (The test binary is also the command that such a testserver runs; that is chosen by
// -test.run and TESTSERVER_TEST_COMMAND.)
const role = "TESTSERVER_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		os.Exit(m.Run())
	case "server":
		_ = os.Unsetenv(role)
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
}

// TestCommandOfTestserver is the command that testserver runs in the other tests. It prints the address of its server.
func TestCommandOfTestserver(t *testing.T) {
	if os.Getenv("TESTSERVER_TEST_COMMAND") == "" {
		return
	}
	dsn := os.Getenv("TEST_DATABASE_URL")
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var fsync, connections string
	if err := conn.QueryRow(t.Context(), "SELECT current_setting('fsync'), current_setting('max_connections')").Scan(&fsync, &connections); err != nil {
		t.Fatal(err)
	}
	fmt.Println("SERVER", fsync, connections, dsn)
}

// testserver runs this program in a separate process.
func testserver(t *testing.T, env []string, args ...string) (status int, output string) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), role+"=server", "TEST_DATABASE_URL=", "LEGWORK_TEST_SERVER=", "TESTSERVER_TEST_COMMAND=1")
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// serverOf returns the connection string that the command printed. It checks that the server was tuned for speed, and
// that it has ended.
func serverOf(t *testing.T, status int, output string) {
	t.Helper()
	_, line, _ := strings.Cut(output, "SERVER off 500 ")
	dsn, _, _ := strings.Cut(line, "\n")
	if status != 0 || dsn == "" {
		t.Fatalf("status %d, output %s", status, output)
	}
	if conn, err := pgx.Connect(t.Context(), dsn); err == nil {
		_ = conn.Close(t.Context())
		t.Error("the server is still there")
	}
}

func command() []string { return []string{"--", os.Args[0], "-test.run", "^TestCommandOfTestserver$"} }

// noImage names an image that does not exist and cannot be pulled. So starting a container fails on all machines,
// with or without a Docker engine.
const noImage = "LEGWORK_TEST_POSTGRES_IMAGE=localhost:1/legwork/absent:1"

func saysNoContainer(output string) bool {
	return strings.Contains(output, "no Docker engine answers") || strings.Contains(output, "run a container of localhost:1/legwork/absent:1")
}

func TestCommandGetsAServerThatEndsWithIt(t *testing.T) {
	t.Parallel()
	status, output := testserver(t, nil, append([]string{"--source", "embedded"}, command()...)...)
	serverOf(t, status, output)
	if !strings.Contains(output, "ready (embedded") {
		t.Errorf("got %s", output)
	}
	status, output = testserver(t, []string{noImage}, command()...)
	serverOf(t, status, output)
	if !strings.Contains(output, "ready (embedded") || !strings.Contains(output, "no container: ") || !saysNoContainer(output) {
		t.Errorf("got %s", output)
	}
}

// TestContainer runs only if a variable names the image to use, because the image may have to be pulled.
func TestContainer(t *testing.T) {
	t.Parallel()
	args := append([]string{"--source", "container"}, command()...)
	if os.Getenv("LEGWORK_TEST_POSTGRES_IMAGE") == "" {
		status, output := testserver(t, []string{noImage}, args...)
		if status != statusUsage || !saysNoContainer(output) {
			t.Errorf("status %d, output %s", status, output)
		}
		return
	}
	status, output := testserver(t, nil, args...)
	serverOf(t, status, output)
	if !strings.Contains(output, "ready (container") {
		t.Errorf("got %s", output)
	}
}

func TestServerThatIsThereIsUsed(t *testing.T) {
	t.Parallel()
	status, output := testserver(t, []string{"TEST_DATABASE_URL=postgres://there"}, "--", "/bin/sh", "-c", "echo $TEST_DATABASE_URL; exit 7")
	if status != 7 || strings.TrimSpace(output) != "postgres://there" {
		t.Errorf("status %d, output %s", status, output)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	env := []string{"TEST_DATABASE_URL=postgres://there"}
	for name, tc := range map[string]struct {
		args   []string
		status int
		output string
	}{
		"success":         {[]string{"true"}, 0, ""},
		"a status":        {[]string{"--", "sh", "-c", "exit 3"}, 3, ""},
		"a signal":        {[]string{"--", "sh", "-c", "kill -9 $$"}, 137, ""},
		"no such command": {[]string{"--", "/nowhere/command"}, 2, "/nowhere/command"},
		"no command":      {nil, 2, "usage"},
		"no such flag":    {[]string{"--sauce"}, 2, "sauce"},
		"no such source":  {[]string{"--source", "oracle", "true"}, 2, "auto, embedded and container"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, output := testserver(t, env, tc.args...)
			if status != tc.status || !strings.Contains(output, tc.output) {
				t.Errorf("status %d, output %s; want %d and %q", status, output, tc.status, tc.output)
			}
		})
	}
}

func TestSignalsReachTheCommand(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "--", "sh", "-c", `trap 'echo got it; exit 5' TERM; echo ready; while :; do sleep 0.05; done`)
	cmd.Env = append(os.Environ(), role+"=server", "TEST_DATABASE_URL=postgres://there")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var word, rest string
	if _, err := fmt.Fscan(out, &word); err != nil || word != "ready" {
		t.Fatalf("%q, %v", word, err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fscan(out, &word, &rest); err != nil || word != "got" {
		t.Errorf("%q, %v", word, err)
	}
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 5 {
		t.Errorf("status %d", got)
	}
}
