// Package doctor has the command that checks everything that legwork needs, and says what to do about what does not work.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"legwork/cmd/legwork/commands"
	"legwork/cmd/legwork/database"
	"legwork/cmd/legwork/model"
	"legwork/cmd/legwork/sources"
	"legwork/internal/artifact"
	"legwork/internal/config"
	"legwork/internal/jobs"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/connection"
	"legwork/internal/store/identities"
	"legwork/internal/terminaltext"
)

// Command returns the command doctor.
func Command(env commands.Env) *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "check settings, database, audit, files, logins, parsers, browser, model and search, and say what to do about what does not work",
		Action: func(ctx context.Context, _ *cli.Command) error {
			cfg, log, closeLog, err := env.Load(true)
			if err != nil {
				return err
			}
			defer closeLog()
			d := &doctor{Env: env, cfg: cfg, log: log}
			ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
			defer cancel()
			d.settings()
			d.space()
			d.artifacts(ctx)
			st, stop := d.database(ctx)
			if st != nil {
				d.replica(ctx, st)
				d.audit(ctx, st)
				d.workers(ctx, st)
				d.access(ctx, st)
				stop()
			}
			d.secrets()
			d.certificate()
			d.logins(ctx)
			d.lists()
			d.parsers(ctx)
			d.browser(ctx)
			d.model(ctx)
			d.search(ctx)
			if d.bad > 0 {
				return cli.Exit(fmt.Sprintf("%d of the checks failed", d.bad), commands.ExitFailed)
			}
			return nil
		},
	}
}

// doctor runs checks and prints a line for each: ok, note or FAIL, and what the user should do.
type doctor struct {
	commands.Env
	cfg   config.Config
	log   *slog.Logger
	files *artifact.Store
	bad   int
}

func (d *doctor) ok(what, text string)   { d.print("ok", what, text) }
func (d *doctor) note(what, text string) { d.print("note", what, text) }

func (d *doctor) fail(what string, err error) {
	d.bad++
	d.print("FAIL", what, err.Error())
}

func (d *doctor) print(verdict, what, text string) {
	fmt.Fprintf(d.Out, "%-5s %-10s %s\n", verdict, what, terminaltext.Clean(text))
}

// replica checks the standby from which lists are read.
func (d *doctor) replica(ctx context.Context, st *store.Store) {
	switch configured, state := st.CheckReplica(ctx); {
	case configured && state == "":
		d.ok("replica", "lists are read from the standby of DATABASE_REPLICA_URL, which has all that the primary has")
	case configured:
		d.fail("replica", errors.New("lists are read from the primary, because the standby of DATABASE_REPLICA_URL cannot be used: "+state))
	}
}

func (d *doctor) artifacts(ctx context.Context) {
	files, err := artifact.Open(d.cfg.ArtifactDir)
	if err == nil {
		err = files.Check(ctx)
	}
	if err != nil {
		d.fail("artifacts", err)
		return
	}
	d.files = files
	d.ok("artifacts", files.Place()+" keeps files: one was written, read and deleted")
}

// database connects to the database as serve does.
func (d *doctor) database(ctx context.Context) (*store.Store, func()) {
	db, err := database.Open(ctx, d.cfg, d.log)
	if err != nil {
		d.fail("database", err)
		return nil, nil
	}
	st, err := db.Store(ctx, d.cfg, d.log)
	switch {
	case connection.ReadOnly(err):
		db.Stop()
		d.fail("database", fmt.Errorf("the server is read-only, and the schema needs a change: %w", err))
		return nil, nil
	case err != nil:
		db.Stop()
		d.fail("database", err)
		return nil, nil
	}
	if db.Held {
		d.note("database", "a running legwork has the embedded PostgreSQL, and is asked")
	}
	if err := st.ProbeRoom(ctx); errors.Is(err, connection.ErrNoRoom) {
		d.fail("database", err)
	} else if st.ReadOnly() {
		d.fail("database", errors.New("answers, but is read-only: it is a standby, or default_transaction_read_only is on; connect to the primary, "+
			"for instance by target_session_attrs=read-write and all hosts in DATABASE_URL"))
	} else {
		d.ok("database", "answers, and its schema is up to date")
	}
	d.pooler(st)
	return st, func() { st.Close(); db.Stop() }
}

// pooler says what a pooler between this machine and the server changes.
func (d *doctor) pooler(st *store.Store) {
	switch pooler := st.Pooler(); {
	case pooler == "":
	case st.PollOnly():
		d.note("pooler", "DATABASE_URL leads to "+pooler+": processes poll for new events and tasks; set DATABASE_DIRECT_URL to the server itself to get notifications")
	default:
		d.ok("pooler", "DATABASE_URL leads to "+pooler+"; migrations and notifications use DATABASE_DIRECT_URL")
	}
}

// audit checks the rules that rows and files must always obey.
func (d *doctor) audit(ctx context.Context, st *store.Store) {
	findings, err := st.Worker().Audit(ctx)
	if err != nil {
		d.fail("audit", err)
		return
	}
	for _, f := range findings {
		d.fail("audit", fmt.Errorf("%s: %s: %s", f.Rule, f.Subject, f.Detail))
	}
	if d.files != nil {
		svc, err := jobs.NewService(st, nil, d.files, d.log)
		if err != nil {
			d.fail("audit", err)
			return
		}
		missing, elsewhere, err := svc.MissingFiles(ctx)
		if err != nil {
			d.fail("audit", err)
			return
		}
		if elsewhere > 0 {
			d.note("artifacts", fmt.Sprintf("%d files are in stores that this process cannot see, because the process that wrote them has another "+
				"ARTIFACT_DIR; give all processes the same folder or bucket", elsewhere))
		}
		for _, name := range missing {
			findings = append(findings, store.Finding{})
			d.fail("audit", fmt.Errorf("artifact %s is recorded but its file is not there; was ARTIFACT_DIR moved?", name))
		}
	}
	if len(findings) == 0 {
		d.ok("audit", "logs gapless, citations equal their snapshots, open tasks have jobs, files are there")
	}
}

func (d *doctor) workers(ctx context.Context, st *store.Store) {
	workers, err := st.Worker().Workers(ctx)
	if err != nil {
		d.fail("workers", err)
		return
	}
	slots := 0
	for _, w := range workers {
		slots += w.Slots
	}
	if slots == 0 {
		d.note("workers", "none is running now; start legwork serve or legwork worker")
		return
	}
	d.ok("workers", fmt.Sprintf("%d running, %d slots", len(workers), slots))
}

// access reports who may use the API.
func (d *doctor) access(ctx context.Context, st *store.Store) {
	if d.cfg.AuthMode == config.AuthOff {
		switch {
		case d.cfg.Insecure() && bool(d.cfg.AuthAllowInsecure):
			d.note("access", "AUTH_MODE=off with AUTH_ALLOW_INSECURE: everybody who reaches the port may do everything")
		case d.cfg.Insecure():
			d.fail("access", config.ErrInsecure)
		default:
			d.note("access", "AUTH_MODE=off: everybody on this machine may use the API")
		}
		return
	}
	has, err := identities.New(st).HasOwner(ctx, research.DefaultAccount)
	switch {
	case err != nil:
		d.fail("access", err)
	case has:
		d.ok("access", "a login or an API key is required, and the account "+research.DefaultAccount+" has an owner")
	default:
		d.note("access", "the account "+research.DefaultAccount+" has no owner yet; legwork serve logs a link that makes one")
	}
}

// model checks the model as /health does.
func (d *doctor) model(ctx context.Context) {
	client, err := model.Open(ctx, d.cfg, model.LocalOllama, nil, d.log)
	if err != nil {
		d.fail("model", err)
		return
	}
	if client == nil {
		d.note("model", "the built-in reader answers; no language model is configured")
		return
	}
	defer func() { _ = client.Close() }()
	seen := (&model.Health{Model: client}).Look(ctx)
	if !seen.Connected {
		d.fail("model", errors.New(seen.Detail))
		return
	}
	d.ok("model", seen.Detail)
}

// browser starts Chromium as a worker does.
func (d *doctor) browser(ctx context.Context) {
	cfg := d.cfg
	if host, _, err := net.SplitHostPort(cfg.BrowserProxy); err == nil {
		cfg.BrowserProxy = net.JoinHostPort(host, "0") // a worker beside this process has the port
	}
	p, err := sources.OpenPages(cfg, d.Version, page.NewFetcher(page.Config{AllowNets: d.cfg.FetchAllowNets, Confine: sources.Confine()}, nil), nil, nil, d.log)
	if err != nil {
		d.fail("browser", err)
		return
	}
	defer p.Close()
	p.Start(ctx)
	switch s := p.Status(); {
	case s.Available:
		d.ok("browser", s.Detail)
	case !p.HasBrowser():
		d.note("browser", s.Detail)
	default:
		d.fail("browser", errors.New(s.Detail))
	}
}

// searchNote returns the text about search engines.
func searchNote(cfg config.Config) string {
	var names []string
	for _, e := range sources.Configured(cfg) {
		names = append(names, string(e))
	}
	if len(names) == 0 {
		return "no engine is configured; every task needs a seed URL (SEARCH_ENGINES, SEARCH_CUSTOM_URL, GOOGLE_API_KEY)"
	}
	return strings.Join(names, ", ") + " can be asked; " + strings.Join(cfg.SearchFallback, ", ") + " stand in for one that cannot answer"
}
