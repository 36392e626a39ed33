package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/urfave/cli/v3"

	"legwork/cmd/legwork/commands"
	"legwork/cmd/legwork/telemetry"
	"legwork/internal/heap"
	"legwork/internal/systemd"
)

func (p *program) serveCommand() *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "run the API and a worker",
		Flags: []cli.Flag{&cli.StringFlag{Name: "role", Value: string(roleAll), Usage: "all, api or worker"}},
		Action: func(ctx context.Context, c *cli.Command) error {
			r := role(c.String("role"))
			switch r {
			case roleAll, roleAPI, roleWorker:
				return p.serve(ctx, r)
			}
			return fmt.Errorf("--role %q: choose all, api or worker", r)
		},
	}
}

func (p *program) workerCommand() *cli.Command {
	return &cli.Command{
		Name:   "worker",
		Usage:  "run a worker alone, the same as serve --role worker",
		Action: func(ctx context.Context, _ *cli.Command) error { return p.serve(ctx, roleWorker) },
	}
}

func (p *program) serve(ctx context.Context, r role) error {
	cfg, log, err := p.loadLog(false)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	defer heap.Reserve()()
	log.InfoContext(ctx, "legwork starts", "version", version, "role", r, "config", cfg)
	go log.WatchSignals(context.WithoutCancel(ctx))
	watch, err := telemetry.Open(p.environ, version, string(r), log)
	if err != nil {
		return err
	}
	defer watch.Close()
	a, err := startApp(ctx, cfg, r, log.Logger, watch)
	if err != nil {
		return err
	}
	p.superviseBy(ctx, a)
	if a.setupLink != "" && commands.Terminal(p.out) {
		fmt.Fprintf(p.out, "\nOpen this link to become the owner of this server. It works once, within 24 hours:\n\n    %s\n\n", a.setupLink)
	}
	return a.Run(ctx)
}

// superviseBy tells systemd, if it has started this process, that the process is ready and, until it ends, that it is alive.
func (p *program) superviseBy(ctx context.Context, a *app) {
	warn := func(err error) { a.log.WarnContext(ctx, "systemd", "error", err) }
	var err error
	if a.supervisor, err = systemd.From(p.environ, os.Getpid()); err != nil {
		warn(err)
	}
	status := "works on tasks"
	if a.addr != nil {
		status = "the API listens on " + a.apiURL()
	}
	if err := a.supervisor.Ready(ctx, status); err != nil {
		warn(err)
	}
	go a.supervisor.Watch(context.WithoutCancel(ctx), a.alive, warn)
}

// alive returns nil while the process does its work: while its own API answers a request, if it has one. An outage of the
// database does not count, because a restart would not end it.
func (a *app) alive(ctx context.Context) error {
	if a.server == nil || a.stopping.Load() {
		return nil
	}
	// Without TLS also where the API speaks TLS: it answers 400 then, without the certificate for a name that this request lacks.
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+loopback(a.addr)+"/health/live", http.NoBody)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("the API does not answer: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK && !a.cfg.TLS() {
		return fmt.Errorf("the API answers %s", res.Status)
	}
	return nil
}
