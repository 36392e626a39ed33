package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"legwork/api"
	"legwork/cmd/legwork/commands"
	"legwork/cmd/legwork/progress"
	"legwork/internal/config"
	"legwork/internal/terminaltext"
)

func (p *program) askCommand() *cli.Command {
	return &cli.Command{
		Name:      "ask",
		Usage:     "ask a question, show the progress, and print the answer",
		ArgsUsage: `"question"`,
		Description: "Without --api the question is stored in DATABASE_URL or the embedded PostgreSQL. If workers are alive there, they\n" +
			"research it, as any other task. Otherwise this process does, and touches no other task.\n" +
			"Exit status: 0 answered, 2 failed, 3 cancelled, 1 anything else.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "api", Usage: "base URL of a running server, like http://127.0.0.1:8000; default: LEGWORK_API"},
			&cli.StringFlag{Name: "api-key", Usage: "API key for that server; rather set LEGWORK_API_KEY, since others may see command lines"},
			&cli.StringFlag{Name: "seed-url", Usage: "page to start from"},
			&cli.IntFlag{Name: "max-pages", HideDefault: true, Usage: "pages opened at most, 1..50; without it the server decides"},
			&cli.IntFlag{Name: "max-depth", HideDefault: true, Usage: "links followed in a row at most, 1..5; without it the server decides"},
			&cli.IntFlag{Name: "time-budget", HideDefault: true, Usage: "seconds of research; without it the server decides"},
			&cli.StringFlag{Name: "engine", Usage: "duckduckgo, bing, google, custom or library"},
			&cli.StringFlag{Name: "effort", Usage: "quick, standard or deep"},
			&cli.StringFlag{Name: "format", Usage: "answer or report"},
			&cli.IntFlag{Name: "length", HideDefault: true, Usage: "words of the answer, 100..20000; without it the model decides"},
			&cli.StringFlag{Name: "output-schema", Usage: "`FILE` with a JSON Schema; the answer is then given as data, too"},
			&cli.BoolFlag{Name: "confirm-plan", Usage: "with --effort deep: show the plan, and ask before it is researched"},
			&cli.BoolFlag{Name: "json", Usage: "print the finished task as JSON, and no progress"},
		},
		Action: p.ask,
	}
}

func (p *program) ask(ctx context.Context, c *cli.Command) error {
	question := strings.Join(c.Args().Slice(), " ")
	if strings.TrimSpace(question) == "" {
		return errors.New(`name a question: legwork ask "What is …?"`)
	}
	in := map[string]any{"question": question}
	for flag, field := range map[string]string{"seed-url": "seedUrl", "max-pages": "maxPages", "max-depth": "maxDepth",
		"time-budget": "timeBudget", "engine": "searchEngine", "effort": "effort", "confirm-plan": "confirmPlan", "format": "format", "length": "length"} {
		if c.IsSet(flag) {
			in[field] = c.Value(flag)
		}
	}
	if file := c.String("output-schema"); file != "" {
		schema, err := os.ReadFile(file) //nolint:gosec // the file that the person at the command line names
		if err != nil {
			return fmt.Errorf("the JSON Schema cannot be read: %w", err)
		}
		in["outputSchema"] = json.RawMessage(schema)
	}
	cfg, log, closeLog, err := p.load(true)
	if err != nil {
		return err
	}
	defer closeLog()
	base := cmp.Or(c.String("api"), cfg.ServerURL)
	if base == "" {
		var stop func()
		if base, stop, err = p.temporaryServer(ctx, cfg, log); err != nil {
			return err
		}
		defer stop()
	}
	client := newClient(base)
	client.key = cmp.Or(c.String("api-key"), cfg.ServerKey.Reveal())
	task, err := p.research(ctx, client, in, c.Bool("json"))
	if err != nil {
		return err
	}
	return exitStatus(task)
}

// temporaryServer starts a server in this process for one question, on the database of the configuration, and returns its
// URL. If workers are alive there, they research the question; otherwise this process does.
func (p *program) temporaryServer(ctx context.Context, cfg config.Config, log *slog.Logger) (string, func(), error) {
	own := cfg.WithoutTLS()
	own.APIHost, own.APIPort, own.AuthMode = "127.0.0.1", 0, config.AuthOff
	a, err := startApp(ctx, own, roleAsk, log, nil)
	if err != nil {
		return "", nil, err
	}
	watched, stopWatch := context.WithCancel(ctx)
	a.loops.Go(func() { p.watchWorkers(watched, a) })
	return a.apiURL(), func() {
		stopWatch()
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.ShutdownTimeout)
		defer cancel()
		a.Stop(stopCtx)
	}, nil
}

// watchWorkers says once that no worker is left to research a question that was given to the workers of the installation.
func (p *program) watchWorkers(ctx context.Context, a *app) {
	if a.runner != nil {
		return
	}
	tick := time.NewTicker(a.cfg.LeaseTTL)
	defer tick.Stop()
	for without := 0; without < 2; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch workers, err := a.store.Worker().Workers(ctx); {
		case err != nil: // the log says so where it matters
		case len(workers) > 0:
			without = 0
		default:
			without++
		}
	}
	fmt.Fprintln(p.errOut, "legwork: no worker is alive any more; the question waits until one starts. Ctrl-C cancels it.")
}

// research submits a question, shows its events and returns the finished task. An interrupt cancels the task.
func (p *program) research(ctx context.Context, c *client, in map[string]any, asJSON bool) (api.Task, error) {
	task, err := c.submit(ctx, in)
	if err != nil {
		return task, err
	}
	id := task.TaskID
	show := progress.New(p.out, commands.Terminal(p.out))
	c.deltas = commands.Terminal(p.out) && !asJSON // only on a terminal does a person read along
	err = c.follow(ctx, id, func(e event) error {
		if !asJSON {
			show.Event(e)
		}
		if waitsForPlan(e) {
			return p.confirmPlan(ctx, c, id)
		}
		return nil
	})
	if ctx.Err() != nil {
		cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if cerr := c.do(cctx, "POST", "/api/tasks/"+id+"/cancel", map[string]any{"reason": "Interrupted on the command line"}, &task); cerr != nil {
			return task, errors.Join(context.Cause(ctx), cerr)
		}
		return task, nil
	}
	if err != nil {
		return task, err
	}
	if task, err = c.task(ctx, id); err != nil {
		return task, err
	}
	if asJSON {
		enc := json.NewEncoder(terminaltext.JSON(p.out))
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return task, enc.Encode(task)
	}
	show.Answer(task)
	return task, nil
}

// exitStatus returns an error with the exit status for the way a task ended.
func exitStatus(task api.Task) error {
	switch task.Status {
	case api.StatusCompleted:
		return nil
	case api.StatusCancelled:
		return cli.Exit("", commands.ExitCancelled)
	default:
		return cli.Exit("", commands.ExitFailed)
	}
}

// roleOfAsk returns the role of a process that asks one question.
func (a *app) roleOfAsk(ctx context.Context) (role, error) {
	workers, err := a.store.Worker().Workers(ctx)
	if err != nil || len(workers) == 0 {
		return roleAll, err
	}
	return roleAPI, nil
}
