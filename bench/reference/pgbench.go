package reference

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"legwork/internal/pgembed"
)

// Pgbench runs the program pgbench.
type Pgbench struct {
	path     string
	folder   string // folder for scripts
	duration time.Duration
}

// FindPgbench looks for pgbench in PATH and beside the server's programs. Scripts are written to folder, and each runs for duration, rounded to whole
// seconds.
func FindPgbench(ctx context.Context, folder string, duration time.Duration) (*Pgbench, error) {
	p := &Pgbench{folder: folder, duration: duration}
	if path, err := exec.LookPath("pgbench"); err == nil {
		p.path = path
		return p, nil
	}
	if bin, err := pgembed.Find(ctx, pgembed.Config{}); err == nil {
		p.path = filepath.Join(bin.Dir, "pgbench")
		if _, err := os.Stat(p.path); err == nil {
			return p, nil
		}
	}
	return nil, errors.New("bench needs pgbench, in PATH or beside the postgres program; on Debian it is in the package postgresql")
}

// Result is the result of one run of pgbench.
type Result struct {
	PerSecond float64
	Latency   time.Duration // mean
}

var (
	tpsLine       = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)
	latencyLine   = regexp.MustCompile(`(?m)^latency average = ([0-9.]+) ms`)
	processedLine = regexp.MustCompile(`(?m)^number of transactions actually processed: ([0-9]+)`)
)

// Run runs a script with prepared statements and a number of clients for the duration of one measurement. If each is
// positive, every client instead runs the script that many times. Then no long transaction is cut off at the end and
// left out of the result.
func (p *Pgbench) Run(ctx context.Context, url string, clients, each int, s *Script, vars map[string]string) (Result, error) {
	var r Result
	if s.err != nil {
		return r, s.err
	}
	path := filepath.Join(p.folder, "script.sql")
	if err := os.WriteFile(path, []byte(s.text.String()), 0o600); err != nil {
		return r, err
	}
	args := []string{"-n", "-M", "prepared", "-c", strconv.Itoa(clients), "-j", strconv.Itoa(min(clients, 2)), "-f", path}
	if each > 0 {
		args = append(args, "-t", strconv.Itoa(each))
	} else {
		args = append(args, "-T", strconv.Itoa(max(1, int(p.duration.Round(time.Second).Seconds()))))
	}
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		args = append(args, "-D", name+"="+vars[name])
	}
	out, err := p.try(ctx, append(args, url))
	if err != nil || strings.Contains(string(out), "aborted") {
		return r, fmt.Errorf("pgbench: %w\n%s\n%s", err, out, s.text.String())
	}
	if m := processedLine.FindSubmatch(out); m == nil || string(m[1]) == "0" {
		return r, fmt.Errorf("pgbench finished no transaction:\n%s", out)
	}
	tps, latency := tpsLine.FindSubmatch(out), latencyLine.FindSubmatch(out)
	if tps == nil || latency == nil {
		return r, fmt.Errorf("pgbench printed no rate or no latency where bench expects them:\n%s", out)
	}
	r.PerSecond, _ = strconv.ParseFloat(string(tps[1]), 64)
	ms, _ := strconv.ParseFloat(string(latency[1]), 64)
	r.Latency = time.Duration(ms * float64(time.Millisecond))
	return r, nil
}

// try runs pgbench again if no client finished a transaction in time, which happens on a busy machine.
func (p *Pgbench) try(ctx context.Context, args []string) (out []byte, err error) {
	for range 5 {
		out, err = exec.CommandContext(ctx, p.path, args...).CombinedOutput()
		if m := processedLine.FindSubmatch(out); err != nil || m != nil && string(m[1]) != "0" {
			break
		}
	}
	return out, err
}
