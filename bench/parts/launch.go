package parts

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
)

// build builds the released program and returns its path.
func (b *Bench) build(ctx context.Context) (string, error) {
	binary := filepath.Join(b.dir, "legwork")
	if out, err := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", binary, "./cmd/legwork").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build legwork (run bench in the repository): %w\n%s", err, out)
	}
	return binary, nil
}

// launched is a running legwork server.
type launched struct {
	cmd  *exec.Cmd
	base string // its address
}

var listens = regexp.MustCompile(`url=(http://[0-9.:]+)`)

// launch starts a server with settings in addition to those for a measurement, and waits until it is ready. When ctx ends, the server is
// killed.
func launch(ctx context.Context, binary string, settings ...string) (*launched, error) {
	cmd := exec.CommandContext(ctx, binary, "serve")
	cmd.Dir = filepath.Dir(binary)
	cmd.Env = append(os.Environ(), "API_HOST=127.0.0.1", "API_PORT=0", "AUTH_MODE=off", "LOG_LEVEL=info", "SEARCH_ENGINES=library", "PAGE_TTL=0")
	cmd.Env = append(cmd.Env, settings...)
	cmd.Cancel = func() error { return cmd.Process.Kill() }
	out, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &launched{cmd: cmd}
	var said []byte
	chunk := make([]byte, 4096)
	for {
		n, err := out.Read(chunk)
		said = append(said, chunk[:n]...)
		if m := listens.FindSubmatch(said); m != nil && waitReady(ctx, string(m[1])) {
			p.base = string(m[1])
			break
		} else if err != nil {
			_ = cmd.Wait()
			return nil, fmt.Errorf("legwork did not start: %w\n%s", err, said)
		}
	}
	go func() { // discards the further output of the program
		for {
			if _, err := out.Read(chunk); err != nil {
				return
			}
		}
	}()
	return p, nil
}

// stop ends the server and waits until it has ended.
func (p *launched) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
}
