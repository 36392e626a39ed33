package parts

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"legwork/bench/measure"
	"legwork/internal/pgembed"
)

// coldPart is part f: the time from the start of the released program until /health/ready succeeds, in an empty
// folder and in a folder with data. The reference is the start of the embedded PostgreSQL alone.
func coldPart(ctx context.Context, b *Bench) error {
	binary := filepath.Join(b.dir, "legwork")
	if out, err := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", binary, "./cmd/legwork").CombinedOutput(); err != nil {
		return fmt.Errorf("build legwork (run bench in the repository): %w\n%s", err, out)
	}
	n := 0
	home := func() string { n++; return filepath.Join(b.dir, fmt.Sprintf("cold%d", n)) }
	kept := home()
	if _, err := startOnce(ctx, binary, kept); err != nil {
		return err
	}
	seconds := func(d time.Duration, err error) (map[string]float64, error) {
		return map[string]float64{"s": d.Seconds()}, err
	}
	got, err := measure.Rounds(ctx, b.Pairs, map[string]measure.Side{
		"first": func(ctx context.Context) (map[string]float64, error) {
			h := home()
			defer func() { _ = os.RemoveAll(h) }()
			return seconds(startOnce(ctx, binary, h))
		},
		"again": func(ctx context.Context) (map[string]float64, error) { return seconds(startOnce(ctx, binary, kept)) },
		"postgres": func(ctx context.Context) (map[string]float64, error) {
			h := home()
			defer func() { _ = os.RemoveAll(h) }()
			return seconds(postgresOnce(ctx, h))
		},
	}, "first", "postgres", "again")
	if err != nil {
		return err
	}
	b.Report.Add(measure.Figure{Part: "f", Name: "cold start, empty folder, to ready", Unit: "s", Values: got["first"]["s"],
		Reference: "embedded PostgreSQL alone", References: got["postgres"]["s"]})
	b.Report.Add(measure.Figure{Part: "f", Name: "start on data that is there, to ready", Unit: "s", Values: got["again"]["s"]})
	return nil
}

var listens = regexp.MustCompile(`url=(http://[0-9.:]+)`)

// startOnce starts legwork, waits until it is ready and stops it.
func startOnce(ctx context.Context, binary, home string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "serve")
	cmd.Dir = filepath.Dir(binary)
	cmd.Env = append(os.Environ(), "DATABASE_URL=", "LEGWORK_HOME="+home, "API_HOST=127.0.0.1", "API_PORT=0", "AUTH_MODE=off", "LOG_LEVEL=info",
		"SEARCH_ENGINES=library", "PAGE_TTL=0")
	cmd.Cancel = func() error { return cmd.Process.Kill() }
	out, err := cmd.StderrPipe()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	var ready time.Duration
	var said []byte
	chunk := make([]byte, 4096)
	for ready == 0 {
		n, err := out.Read(chunk)
		said = append(said, chunk[:n]...)
		if m := listens.FindSubmatch(said); m != nil && waitReady(ctx, string(m[1])) {
			ready = time.Since(began)
		} else if err != nil {
			_ = cmd.Wait()
			return 0, fmt.Errorf("legwork did not start: %w\n%s", err, said)
		}
	}
	go func() { // discards the output of the program while it stops
		for {
			if _, err := out.Read(chunk); err != nil {
				return
			}
		}
	}()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
	return ready, nil
}

func waitReady(ctx context.Context, base string) bool {
	for ctx.Err() == nil {
		if _, err := request(ctx, http.DefaultClient, base, "GET", "/health/ready", ""); err == nil {
			return true
		}
		measure.WaitUntil(ctx, time.Now().Add(time.Millisecond))
	}
	return false
}

// postgresOnce creates and starts an embedded PostgreSQL in an empty folder.
func postgresOnce(ctx context.Context, home string) (time.Duration, error) {
	began := time.Now()
	s, err := pgembed.Start(ctx, pgembed.Config{Home: home, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, err
	}
	took := time.Since(began)
	return took, s.Stop(ctx)
}
