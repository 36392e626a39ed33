package database

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/urfave/cli/v3"

	"legwork/cmd/legwork/commands"
)

func (p *Program) psqlCommand() *cli.Command {
	return &cli.Command{
		Name:            "psql",
		Usage:           "open psql on the database, the embedded one too",
		ArgsUsage:       "[ARGUMENTS OF PSQL]",
		Description:     "For instance: legwork psql -c 'SELECT count(*) FROM tasks'. psql is looked for in LEGWORK_PG_BIN, in PATH, and where Debian has it.",
		SkipFlagParsing: true,
		Action: func(ctx context.Context, c *cli.Command) error {
			if first := c.Args().First(); first == "--help" || first == "-h" {
				return cli.ShowSubcommandHelp(c)
			}
			return p.psql(ctx, c.Args().Slice())
		},
	}
}

func (p *Program) psql(ctx context.Context, args []string) error {
	cfg, log, closeLog, err := p.Load(true)
	if err != nil {
		return err
	}
	defer closeLog()
	path, err := findPsql(cfg.PGBin)
	if err != nil {
		return err
	}
	db, err := Open(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer db.Stop()
	address, password, err := withoutPassword(db.Direct)
	if err != nil {
		return err
	}
	cmd := exec.Command(path, append([]string{"--dbname=" + address}, args...)...) //nolint:gosec // the operator's own program and arguments; psql handles Ctrl-C itself
	cmd.Env = append(append([]string{}, p.Environ...), "PGAPPNAME=legwork psql")
	if password != "" { // not in the arguments, which other users can see
		cmd.Env = append(cmd.Env, "PGPASSWORD="+password)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.In, p.Out, p.ErrOut
	if commands.Terminal(p.In) {
		signal.Ignore(os.Interrupt) // Ctrl-C ends a query of psql, and neither psql nor this process
		defer signal.Reset(os.Interrupt)
	}
	var ended *exec.ExitError
	if err := cmd.Run(); errors.As(err, &ended) {
		return cli.Exit("", ended.ExitCode()) // psql has said what is wrong
	} else if err != nil {
		return fmt.Errorf("start psql: %w", err)
	}
	return nil
}

// findPsql returns the path of psql.
func findPsql(bin string) (string, error) {
	if bin != "" {
		if path, err := exec.LookPath(filepath.Join(bin, "psql")); err == nil {
			return path, nil
		}
	}
	if path, err := exec.LookPath("psql"); err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/psql")
	if len(found) > 0 {
		return found[len(found)-1], nil
	}
	return "", errors.New("there is no psql; install it (Debian: postgresql-client), or name its folder in LEGWORK_PG_BIN")
}

// passwordPart matches the password in a connection string of libpq's key=value form.
var passwordPart = regexp.MustCompile(`(?:^|\s)password\s*=\s*(?:'(?:[^'\\]|\\.)*'|(?:[^\s\\]|\\.)*)`)

// withoutPassword splits the password from a connection string.
func withoutPassword(dsn string) (rest, password string, err error) {
	cfg, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return "", "", fmt.Errorf("DATABASE_URL is not a PostgreSQL connection string: %w", err)
	}
	if !strings.Contains(dsn, "://") {
		return strings.TrimSpace(passwordPart.ReplaceAllString(dsn, "")), cfg.Password, nil
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", "", errors.New("DATABASE_URL is not a URL") // the error of url.Parse has the password
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	query := u.Query()
	query.Del("password")
	u.RawQuery = query.Encode()
	return u.String(), cfg.Password, nil
}
