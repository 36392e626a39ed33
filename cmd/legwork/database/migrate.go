package database

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"legwork/internal/store/roles"
	"legwork/internal/store/schema"
)

func (p *Program) migrateCommand() *cli.Command {
	return &cli.Command{
		Name:  "migrate",
		Usage: "bring the database's schema to this version and exit",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "grants", Usage: "also make the roles legwork_owner, legwork_app and legwork_report, and give them what they need"}},
		Action: func(ctx context.Context, c *cli.Command) error {
			cfg, log, closeLog, err := p.Load(false)
			if err != nil {
				return err
			}
			defer closeLog()
			db, err := Open(ctx, cfg, log)
			if err != nil {
				return err
			}
			defer db.Stop()
			if err := schema.Migrate(ctx, db.Direct, log); err != nil {
				return explain(err)
			}
			fmt.Fprintln(p.Out, "The schema is up to date.")
			if c.Bool("grants") {
				if err := roles.Grant(ctx, db.Direct); err != nil {
					return err
				}
				fmt.Fprintln(p.Out, "The roles legwork_owner, legwork_app and legwork_report have what they need.")
			}
			return nil
		},
	}
}
