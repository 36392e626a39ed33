package database

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"legwork/internal/artifact"
	"legwork/internal/jobs"
)

func (p *Program) gcCommand() *cli.Command {
	return &cli.Command{
		Name:  "gc",
		Usage: "remove tasks older than RETENTION_DAYS and stored pages that nothing refers to, as workers do once an hour",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "dry-run", Usage: "only say what would be removed"}},
		Action: func(ctx context.Context, c *cli.Command) error {
			return p.gc(ctx, c.Bool("dry-run"))
		},
	}
}

func (p *Program) gc(ctx context.Context, dry bool) error {
	cfg, log, closeLog, err := p.Load(true)
	if err != nil {
		return err
	}
	defer closeLog()
	st, stop, err := OpenForCommand(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer stop()
	files, err := artifact.Open(cfg.ArtifactDir)
	if err != nil {
		return err
	}
	defer func() { _ = files.Close() }()
	svc, err := jobs.NewService(st, nil, files, log)
	if err != nil {
		return err
	}
	clean, verb := svc.Cleanup, "Removed"
	if dry {
		clean, verb = svc.Expired, "Would remove"
	}
	done, err := clean(ctx, cfg.Retention())
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Out, "%s %d tasks, %d stored pages and %d idempotency keys.\n", verb, done.Tasks, done.Pages, done.Keys)
	if cfg.RetentionDays == 0 {
		fmt.Fprintln(p.Out, "RETENTION_DAYS=0 keeps tasks for ever.")
	}
	return nil
}
