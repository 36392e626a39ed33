// Command legwork runs web research as background tasks that survive crashes. This package defines the commands and
// connects the parts of the program. Rules of research belong in the packages below internal/.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v3"

	"legwork/cmd/legwork/admin"
	"legwork/cmd/legwork/limits"
	"legwork/internal/config"
	"legwork/internal/logging"
	"legwork/internal/sealed"
	"legwork/internal/store"
	"legwork/internal/store/identities"
)

// version is set by the Makefile, with -ldflags "-X main.version=…".
var version = "dev"

// Exit statuses besides 0 (success) and 1 (any other error).
const (
	exitFailed    = 2 // the task failed, or doctor found a problem
	exitCancelled = 3 // the task was cancelled
)

// dotenv is the environment file in the working directory. It may be missing.
const dotenv = ".env"

// program holds the environment and the standard files of the process, for all commands.
type program struct {
	environ []string // NAME=value, as os.Environ returns them
	in      io.Reader
	out     io.Writer // results
	errOut  io.Writer // logs and errors
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	p := &program{environ: os.Environ(), in: os.Stdin, out: os.Stdout, errOut: os.Stderr}
	status := p.run(armed(ctx, p.environ), os.Args)
	stop()
	os.Exit(status)
}

// run executes one command line and returns the exit status.
func (p *program) run(ctx context.Context, args []string) int {
	err := p.command().Run(ctx, args)
	if err == nil {
		return 0
	}
	status := 1
	if coder, ok := errors.AsType[cli.ExitCoder](err); ok {
		status = coder.ExitCode()
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(p.errOut, "legwork:", text)
	}
	return status
}

func (p *program) command() *cli.Command {
	return &cli.Command{
		Name:           "legwork",
		Usage:          "web research as durable background tasks: ask a question, get a cited answer",
		Version:        version,
		Reader:         p.in,
		Writer:         p.out,
		ErrWriter:      p.errOut,
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, // run prints the error and decides the exit status
		Action: func(_ context.Context, c *cli.Command) error {
			if name := c.Args().First(); name != "" {
				return fmt.Errorf("there is no command %q; legwork --help lists them", name)
			}
			return cli.ShowRootCommandHelp(c)
		},
		Commands: append([]*cli.Command{
			p.serveCommand(), p.workerCommand(), p.migrateCommand(), p.askCommand(), p.demoCommand(), p.doctorCommand(), p.gcCommand(), p.ingestCommand(), p.parseCommand(),
		}, p.admin()...),
	}
}

// load reads the configuration and creates the logger. A quiet command, whose output is for people, logs only warnings and
// errors to the console. The caller calls closeLog when the command ends.
func (p *program) load(quiet bool) (cfg config.Config, log *slog.Logger, closeLog func(), err error) {
	if cfg, err = config.Load(p.environ, dotenv); err != nil {
		return cfg, nil, nil, err
	}
	if quiet && cfg.LogTarget == config.LogConsole {
		cfg.LogLevel = max(cfg.LogLevel, slog.LevelWarn)
	}
	log, closeFile, err := logging.New(cfg, p.errOut)
	if err != nil {
		return cfg, nil, nil, err
	}
	for _, w := range cfg.Warnings() {
		log.Warn(w)
	}
	return cfg, log, func() { _ = closeFile() }, nil
}

// admin returns the commands that manage accounts, users and API keys.
func (p *program) admin() []*cli.Command {
	commands := &admin.Program{Out: p.out, ErrOut: p.errOut,
		Open: func(ctx context.Context) (*identities.Store, func(), error) {
			st, stop, err := p.openConfigured(ctx)
			if err != nil {
				return nil, nil, err
			}
			return identities.New(st), stop, nil
		},
		URL: func() (string, error) {
			cfg, err := config.Load(p.environ, dotenv)
			if err != nil || cfg.PublicURL != "" {
				return cfg.PublicURL, err
			}
			return fmt.Sprintf("http://127.0.0.1:%d", cfg.APIPort), nil
		},
		Keys: func() (*sealed.Keys, error) {
			cfg, err := config.Load(p.environ, dotenv)
			if err != nil {
				return nil, err
			}
			return secretKeys(cfg)
		},
	}
	return append(commands.Commands(), limits.Command(p.out, func(ctx context.Context, do func(st *store.Store) error) error {
		st, stop, err := p.openConfigured(ctx)
		if err != nil {
			return err
		}
		defer stop()
		return do(st)
	}))
}

// openConfigured opens the configured database for a command, without a running server. Call stop at the end.
func (p *program) openConfigured(ctx context.Context) (st *store.Store, stop func(), err error) {
	cfg, log, closeLog, err := p.load(true)
	if err != nil {
		return nil, nil, err
	}
	st, end, err := openStore(ctx, cfg, log)
	if err != nil {
		closeLog()
		return nil, nil, err
	}
	return st, func() { end(); closeLog() }, nil
}
