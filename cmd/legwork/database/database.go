// Package database finds the database of commands that do not serve, and has the commands that copy it, make it anew, update its
// schema, clean it up, and open it in psql.
package database

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/urfave/cli/v3"

	"legwork/cmd/legwork/commands"
	"legwork/internal/config"
	"legwork/internal/pgembed"
)

// Program has the commands of this package.
type Program struct{ commands.Env }

// Commands returns the commands of this package.
func (p *Program) Commands() []*cli.Command {
	return []*cli.Command{p.backupCommand(), p.restoreCommand(), p.psqlCommand(), p.migrateCommand(), p.gcCommand()}
}

// EmbeddedConfig returns the configuration of the embedded PostgreSQL.
func EmbeddedConfig(cfg config.Config, log *slog.Logger) pgembed.Config {
	return pgembed.Config{Home: cfg.Home, BinDir: cfg.PGBin, BaseURL: cfg.PGMirror, Logger: log}
}

// Database is the database of a command that does not serve: that of DATABASE_URL or the embedded one.
type Database struct {
	URL    string
	Direct string // the same without a pooler; equal to URL if none is configured
	Held   bool   // a running legwork serve has the embedded PostgreSQL, and this command uses that one
	Stop   func()
}

// Open finds the database of a command. If a running legwork has the embedded PostgreSQL, the command uses that server,
// by the address and password that the other process has left in LEGWORK_HOME for the same user. The caller must call Stop at
// the end.
func Open(ctx context.Context, cfg config.Config, log *slog.Logger) (Database, error) {
	if url := cfg.DatabaseURL.Reveal(); url != "" {
		return Database{URL: url, Direct: direct(cfg, url), Stop: func() {}}, nil
	}
	server, err := pgembed.Start(ctx, EmbeddedConfig(cfg, log))
	var inUse *pgembed.InUseError
	switch {
	case err == nil:
		return Database{URL: server.URL(), Direct: server.URL(), Stop: func() { _ = server.Stop(context.WithoutCancel(ctx)) }}, nil
	case errors.As(err, &inUse) && inUse.URL != "":
		log.InfoContext(ctx, "a running legwork has the embedded PostgreSQL; this command uses the same server", "process", inUse.PID)
		return Database{URL: inUse.URL, Direct: inUse.URL, Held: true, Stop: func() {}}, nil
	case errors.As(err, &inUse):
		return Database{}, fmt.Errorf("%w; if it has just started, try again in a moment", err)
	}
	return Database{}, err
}
