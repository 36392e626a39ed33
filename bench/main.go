// Command bench measures legwork: each figure beside a reference that is measured in the same run, in alternating
// rounds, so that whatever else the machine does falls on both. `make bench` runs it; docs/performance.md tells what
// came out and why.
//
// The program is the load. What it measures runs in other processes: PostgreSQL, pgbench, and this program again as a
// legwork server (see server.go) that differs from the shipped one only in its agent, which needs no model and no pages.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// settings are what the command line chose.
type settings struct {
	parts    string
	pairs    int
	duration time.Duration // of one measurement
	tasks    int           // rows of part e
	sockets  string        // sizes of part d
	quick    bool
	only     *regexp.Regexp
	out      string
	markdown string
	profiles string
}

func parseFlags(args []string, errOut io.Writer) (s settings, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(errOut)
	f.StringVar(&s.parts, "parts", strings.Join(partNames(), ","), "what to measure")
	f.IntVar(&s.pairs, "pairs", 10, "rounds of each comparison")
	f.DurationVar(&s.duration, "duration", time.Second, "of one measurement; pgbench needs whole seconds")
	f.IntVar(&s.tasks, "tasks", 100_000, "finished tasks in the table of part api")
	f.StringVar(&s.sockets, "sockets", "1000,5000,10000", "numbers of sockets of part fanout")
	f.BoolVar(&s.quick, "quick", false, "one short round of everything: shows that it works, not how fast")
	f.StringVar(&s.out, "out", "bench/results", "folder for results.json; empty: none")
	f.StringVar(&s.markdown, "markdown", "", "file for the table as in docs/performance.md; empty: none")
	only := f.String("only", "", "measure only the comparisons of parts a, e and g that match, such as '32 runs|GET'")
	f.StringVar(&s.profiles, "profiles", "", "folder for CPU profiles of the servers; empty: none")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if s.only, err = regexp.Compile(*only); err != nil {
		return s, fmt.Errorf("bench: -only: %w", err)
	}
	if s.quick {
		s.pairs, s.tasks, s.sockets = 1, 500, "20"
	}
	if s.pairs < 1 || s.duration <= 0 || f.NArg() > 0 {
		return s, errors.New("bench: -pairs and -duration must be positive, and no further arguments given")
	}
	return s, nil
}

// part is one letter of the issue.
type part struct {
	name string
	run  func(context.Context, *bench) error
}

func parts() []part {
	return []part{
		{"append", appendPart}, {"step", stepPart}, {"latency", latencyPart}, {"runs", runsPart},
		{"fanout", fanoutPart}, {"api", apiPart}, {"cold", coldPart}, {"pages", pagesPart}, {"library", libraryPart},
	}
}

func partNames() (names []string) {
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

// measure runs the chosen parts and gives their figures.
func measure(ctx context.Context, s settings, log io.Writer) (report, error) {
	wanted := strings.Split(s.parts, ",")
	for _, w := range wanted {
		if !slices.Contains(partNames(), w) {
			return report{}, fmt.Errorf("bench: there is no part %q, only %s", w, strings.Join(partNames(), ", "))
		}
	}
	b, err := newBench(ctx, s, log)
	if err != nil {
		return report{}, err
	}
	defer b.close()
	for _, p := range parts() {
		if !slices.Contains(wanted, p.name) {
			continue
		}
		began := time.Now()
		if err := p.run(ctx, b); err != nil {
			return b.report, fmt.Errorf("part %s: %w", p.name, err)
		}
		b.logf("part %s took %s", p.name, time.Since(began).Round(time.Second))
	}
	return b.report, nil
}

func main() {
	os.Exit(program(contextOfMain(), os.Args[1:], os.Getenv(asServer)))
}

func program(ctx context.Context, args []string, serverOf string) int {
	if serverOf != "" {
		return serverMain(ctx, serverOf)
	}
	s, err := parseFlags(args, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	var r report
	if err == nil {
		r, err = measure(ctx, s, os.Stderr)
		r.table(os.Stdout)
	}
	if err == nil {
		err = r.save(s.out, s.markdown)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// contextOfMain ends with SIGINT and SIGTERM.
func contextOfMain() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	return ctx
}
