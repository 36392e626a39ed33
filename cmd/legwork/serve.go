package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/urfave/cli/v3"

	"legwork/internal/pgembed"
	"legwork/internal/store"
	"legwork/internal/store/roles"
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
	cfg, log, closeLog, err := p.load(false)
	if err != nil {
		return err
	}
	defer closeLog()
	log.InfoContext(ctx, "legwork starts", "version", version, "role", r, "config", cfg)
	a, err := startApp(ctx, cfg, r, log)
	if err != nil {
		return err
	}
	if a.setupLink != "" && terminal(p.out) {
		fmt.Fprintf(p.out, "\nOpen this link to become the owner of this server. It works once, within 24 hours:\n\n    %s\n\n", a.setupLink)
	}
	return a.Run(ctx)
}

func (p *program) migrateCommand() *cli.Command {
	return &cli.Command{
		Name:  "migrate",
		Usage: "bring the database's schema to this version and exit",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "grants", Usage: "also make the roles legwork_owner, legwork_app and legwork_report, and give them what they need"}},
		Action: func(ctx context.Context, c *cli.Command) error {
			cfg, log, closeLog, err := p.load(false)
			if err != nil {
				return err
			}
			defer closeLog()
			url := cfg.DatabaseURL.Reveal()
			if url == "" {
				server, err := pgembed.Start(ctx, embeddedConfig(cfg, log))
				if err != nil {
					return err
				}
				defer func() { _ = server.Stop(context.WithoutCancel(ctx)) }()
				url = server.URL()
			}
			if err := store.Migrate(ctx, url, log); err != nil {
				return err
			}
			fmt.Fprintln(p.out, "The schema is up to date.")
			if c.Bool("grants") {
				if err := roles.Grant(ctx, url); err != nil {
					return err
				}
				fmt.Fprintln(p.out, "The roles legwork_owner, legwork_app and legwork_report have what they need.")
			}
			return nil
		},
	}
}

// spread returns a random duration between two bounds.
func spread(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + rand.N(high-low+1)
}
