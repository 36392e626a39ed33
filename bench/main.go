// Command bench measures legwork. Most figures have a reference, for instance pgbench, that is measured in the same
// run in alternating rounds. So other load on the machine slows both. `make bench` runs this command;
// docs/performance.md has the results and explains them. With -against it compares this version with another one.
//
// The program generates the load. The programs that it measures run in other processes: PostgreSQL, pgbench, and this
// program again as a legwork server (see bench/server). Only part pages measures code in this process. The server
// differs from the released one only in its agent, which needs no model and no pages.
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

	"legwork/bench/measure"
	"legwork/bench/parts"
	"legwork/bench/server"
)

// settings are the options of the command line.
type settings struct {
	parts.Settings
	names    string // names of the parts to run, separated by commas
	out      string
	markdown string
	against  string // folder of the other version; empty means that no versions are compared
}

// comparedParts are the parts that -against runs if -parts is not given: the parts that all versions have, except the
// slow ones.
const comparedParts = "append,step,runs,api,latency,pages"

func parseFlags(args []string, errOut io.Writer) (s settings, err error) {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(errOut)
	f.StringVar(&s.names, "parts", strings.Join(partNames(), ","), "what to measure; with -against: "+comparedParts)
	f.IntVar(&s.Pairs, "pairs", 10, "rounds of each comparison")
	f.DurationVar(&s.Duration, "duration", time.Second, "of one measurement; pgbench needs whole seconds")
	f.IntVar(&s.Tasks, "tasks", 100_000, "finished tasks in the table of part api")
	f.StringVar(&s.Sockets, "sockets", "1000,5000,10000", "numbers of sockets of part fanout")
	f.BoolVar(&s.Quick, "quick", false, "one short round of everything: shows that it works, not how fast")
	f.StringVar(&s.out, "out", "bench/results", "folder for results.json, or against.json; empty: none")
	f.StringVar(&s.markdown, "markdown", "", "file for the table as in docs/performance.md; empty: none")
	only := f.String("only", "", "measure only the comparisons of parts a, e and g that match, such as '32 runs|GET'")
	f.StringVar(&s.Profiles, "profiles", "", "folder for CPU profiles of the servers; empty: none")
	f.StringVar(&s.against, "against", "", "folder with a checkout of another version: measure it and this one in alternation, and compare")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if s.Only, err = regexp.Compile(*only); err != nil {
		return s, fmt.Errorf("bench: -only: %w", err)
	}
	if s.Quick {
		s.Pairs, s.Tasks, s.Sockets = 1, 500, "20"
	}
	if s.Pairs < 1 || s.Duration <= 0 || f.NArg() > 0 {
		return s, errors.New("bench: -pairs and -duration must be positive, and no further arguments given")
	}
	if s.against != "" {
		if s.Profiles != "" {
			return s, errors.New("bench: -profiles does not go with -against: run each version with -profiles by itself")
		}
		chosen := false
		f.Visit(func(given *flag.Flag) { chosen = chosen || given.Name == "parts" })
		if !chosen {
			s.names = comparedParts
		}
	}
	for name := range strings.SplitSeq(s.names, ",") {
		if !slices.Contains(partNames(), name) {
			return s, fmt.Errorf("bench: there is no part %q, only %s", name, strings.Join(partNames(), ", "))
		}
	}
	return s, nil
}

func partNames() (names []string) {
	for _, p := range parts.All() {
		names = append(names, p.Name)
	}
	return names
}

// measured runs the chosen parts and returns their figures.
func measured(ctx context.Context, s settings, log io.Writer) (measure.Report, error) {
	b, err := parts.New(ctx, s.Settings, log)
	if err != nil {
		return measure.Report{}, err
	}
	defer b.Close()
	wanted := strings.Split(s.names, ",")
	for _, p := range parts.All() {
		if !slices.Contains(wanted, p.Name) {
			continue
		}
		began := time.Now()
		if err := p.Run(ctx, b); err != nil {
			return b.Report, fmt.Errorf("part %s: %w", p.Name, err)
		}
		b.Logf("part %s took %s", p.Name, time.Since(began).Round(time.Second))
	}
	return b.Report, nil
}

func main() {
	os.Exit(program(contextOfMain(), os.Args[1:], os.Getenv(server.EnvConfig)))
}

func program(ctx context.Context, args []string, serverOf string) int {
	if serverOf != "" {
		return server.Main(ctx, serverOf)
	}
	if slices.Equal(args, parts.ParserArguments()) {
		return parts.ParserMain(ctx)
	}
	s, err := parseFlags(args, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = run(ctx, s, os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// run measures, prints the table (also after an error) and saves it.
func run(ctx context.Context, s settings, out, log io.Writer) error {
	if s.against != "" {
		c, err := compareVersions(ctx, s, log)
		if c.Pairs == 0 {
			return err
		}
		c.table(out)
		return errors.Join(err, c.save(s.out, s.markdown))
	}
	r, err := measured(ctx, s, log)
	r.Table(out)
	if err != nil {
		return err
	}
	return r.Save(s.out, s.markdown)
}

// contextOfMain returns a context that ends with SIGINT and SIGTERM.
func contextOfMain() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	return ctx
}
