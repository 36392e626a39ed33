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
	"legwork/cmd/legwork/commands"
	"legwork/cmd/legwork/database"
	"legwork/cmd/legwork/doctor"
	"legwork/cmd/legwork/health"
	"legwork/cmd/legwork/library"
	"legwork/cmd/legwork/limits"
	"legwork/internal/config"
	"legwork/internal/logging"
	"legwork/internal/sealed"
	"legwork/internal/store"
	"legwork/internal/store/identities"
	"legwork/internal/terminaltext"
)

// version is set by the Makefile, with -ldflags "-X main.version=…".
var version = "dev"

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
	ctx, stop := untilSignal(context.Background())
	p := &program{environ: os.Environ(), in: os.Stdin, out: os.Stdout, errOut: os.Stderr}
	status := p.run(armed(ctx, p.environ), os.Args)
	stop()
	os.Exit(status)
}

// untilSignal returns a context that ends at the first signal to stop: SIGTERM, SIGINT, or SIGHUP, which a terminal or a
// supervisor sends when it ends. After it a second SIGTERM or SIGINT ends the process at once. A second SIGHUP does not: a
// terminal that closes may send two, and running tasks must still be handed back. A SIGHUP that the parent process has
// switched off, as nohup does, stays off.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(ctx, signals...)
	context.AfterFunc(ctx, func() {
		signal.Ignore(syscall.SIGHUP)
		stop()
	})
	return ctx, stop
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
		fmt.Fprintln(p.errOut, "legwork:", terminaltext.Clean(text))
	}
	return status
}

func (p *program) command() *cli.Command {
	root := &cli.Command{
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
			p.serveCommand(), p.workerCommand(), p.askCommand(), p.demoCommand(), doctor.Command(p.env()), p.healthCommand(), library.Command(p.env()), p.parseCommand(),
		}, p.admin()...),
	}
	for _, c := range root.Commands {
		refuseArguments(c, "legwork "+c.Name)
	}
	return root
}

// refuseArguments makes a command that takes no arguments, and its subcommands, refuse them. Otherwise `legwork serve worker`
// would start an API too, and `legwork gc 30` would not do what it seems to say.
func refuseArguments(c *cli.Command, name string) {
	for _, sub := range c.Commands {
		refuseArguments(sub, name+" "+sub.Name)
	}
	action := c.Action
	if c.ArgsUsage != "" || action == nil && len(c.Commands) == 0 {
		return
	}
	c.Action = func(ctx context.Context, c *cli.Command) error {
		switch first := c.Args().First(); {
		case first != "" && len(c.Commands) > 0:
			return fmt.Errorf("there is no command %q; %s --help lists them", name+" "+first, name)
		case first != "":
			return fmt.Errorf("%s takes no argument, so %q means nothing here; %s --help lists its flags", name, first, name)
		case action == nil:
			return cli.ShowSubcommandHelp(c)
		}
		return action(ctx, c)
	}
}

// load reads the configuration and creates the logger. A quiet command, whose output is for people, logs only warnings and
// errors to the console. The caller calls closeLog when the command ends.
func (p *program) load(quiet bool) (cfg config.Config, log *slog.Logger, closeLog func(), err error) {
	cfg, l, err := p.loadLog(quiet)
	if err != nil {
		return cfg, nil, nil, err
	}
	return cfg, l.Logger, func() { _ = l.Close() }, nil
}

// loadLog is load for a command that changes the level of its log.
func (p *program) loadLog(quiet bool) (cfg config.Config, log *logging.Log, err error) {
	if cfg, err = config.Load(p.environ, dotenv); err != nil {
		return cfg, nil, err
	}
	if quiet && cfg.LogTarget == config.LogConsole {
		cfg.LogLevel = max(cfg.LogLevel, slog.LevelWarn)
	}
	if log, err = logging.New(cfg, p.errOut); err != nil {
		return cfg, nil, err
	}
	for _, w := range cfg.Warnings() {
		log.Warn(w)
	}
	return cfg, log, nil
}

func (p *program) healthCommand() *cli.Command {
	return (&health.Program{Out: p.out, Load: func() (config.Config, error) { return config.Load(p.environ, dotenv) }}).Command()
}

// env returns what the packages of commands need of this process.
func (p *program) env() commands.Env {
	return commands.Env{Environ: p.environ, In: p.in, Out: p.out, ErrOut: p.errOut, Version: version, Load: p.load}
}

// admin returns the commands that manage accounts, users, API keys and the database.
func (p *program) admin() []*cli.Command {
	people := &admin.Program{Out: p.out, ErrOut: p.errOut,
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
			return commands.SecretKeys(cfg)
		},
	}
	own := &database.Program{Env: p.env()}
	return append(append(people.Commands(), own.Commands()...), limits.Command(p.out, func(ctx context.Context, do func(st *store.Store) error) error {
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
	st, end, err := database.OpenForCommand(ctx, cfg, log)
	if err != nil {
		closeLog()
		return nil, nil, err
	}
	return st, func() { end(); closeLog() }, nil
}
