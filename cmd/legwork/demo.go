package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v3"

	"legwork/cmd/legwork/commands"
	"legwork/internal/config"
	"legwork/internal/manual"
)

// demoQuestion is a question that legwork's own documentation answers, on a page that is two links away from its
// index page.
const demoQuestion = "How does legwork verify that a quote really stands in the cited page?"

func (p *program) demoCommand() *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "ask a question about legwork's own documentation, with nothing but this binary",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "question", Value: demoQuestion, Usage: "another question about the documentation"},
			&cli.BoolFlag{Name: "keep", Usage: "keep serving even when not on a terminal"},
		},
		Action: p.demo,
	}
}

func (p *program) demo(ctx context.Context, c *cli.Command) error {
	cfg, log, closeLog, err := p.load(true)
	if err != nil {
		return err
	}
	defer closeLog()
	docs, stopDocs, err := serveDocs(ctx)
	if err != nil {
		return err
	}
	defer stopDocs()
	fmt.Fprintf(p.out, "legwork %s demo: embedded PostgreSQL, the built-in reader, and the documentation at %s\n", version, docs)
	a, err := startApp(ctx, demoConfig(cfg), roleAll, log, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "API at %s\n\n? %s\n\n", a.apiURL(), c.String("question"))
	task, err := p.research(ctx, newClient(a.apiURL()), map[string]any{
		"question": c.String("question"), "seedUrl": docs + "/index.html", "sameDomainOnly": true}, false)
	if err == nil {
		err = exitStatus(task)
	}
	if err == nil && (c.Bool("keep") || commands.Terminal(p.in) && commands.Terminal(p.out)) {
		fmt.Fprintf(p.out, "\nStill serving: the API at %s, the task at %s/api/tasks/%s, the documentation at %s. Ctrl-C ends it.\n",
			a.apiURL(), a.apiURL(), task.TaskID, docs)
		return a.Run(ctx)
	}
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cfg.ShutdownTimeout)
	defer cancel()
	a.Stop(stopCtx)
	return err
}

// demoConfig returns the user's configuration, changed for the demo: its own database and port, and no pauses between
// requests to the demo's site.
func demoConfig(cfg config.Config) config.Config {
	cfg = cfg.WithoutTLS()
	cfg.DatabaseURL = ""
	cfg.Home = filepath.Join(cfg.Home, "demo")
	cfg.ArtifactDir = filepath.Join(cfg.Home, "artifacts")
	cfg.APIHost, cfg.AuthMode = "127.0.0.1", config.AuthOff
	if !free(cfg.ListenAddr()) {
		cfg.APIPort = 0
	}
	cfg.FetchAllowNets = append(cfg.FetchAllowNets, netip.MustParsePrefix("127.0.0.1/32"))
	cfg.RequestDelayMin, cfg.RequestDelayMax = 100*time.Millisecond, 200*time.Millisecond
	cfg.RateLimitRequests = max(cfg.RateLimitRequests, 100)
	cfg.SearchEngines = []string{"library"} // the demo asks no search engine on the internet
	return cfg
}

func free(addr string) bool {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	return ln.Close() == nil
}

// serveDocs serves the documentation on a free loopback port.
func serveDocs(ctx context.Context) (base string, stop func(), err error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("serve documentation: %w", err)
	}
	site, err := manual.New()
	if err != nil {
		return "", nil, errors.Join(err, ln.Close())
	}
	srv := &http.Server{Handler: site.Handler(), ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			fmt.Println("documentation server:", err)
		}
	}()
	return "http://" + ln.Addr().String(), func() { _ = srv.Close(); <-done }, nil
}
