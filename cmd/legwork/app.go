package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"legwork/cmd/legwork/database"
	"legwork/cmd/legwork/limits"
	"legwork/cmd/legwork/model"
	"legwork/cmd/legwork/sources"
	"legwork/cmd/legwork/telemetry"
	"legwork/internal/artifact"
	"legwork/internal/auth"
	"legwork/internal/config"
	"legwork/internal/deep"
	"legwork/internal/forwarded"
	"legwork/internal/httpapi"
	"legwork/internal/jobs"
	"legwork/internal/llm"
	"legwork/internal/manual"
	"legwork/internal/page"
	"legwork/internal/page/parser"
	"legwork/internal/pgembed"
	"legwork/internal/store"
	"legwork/internal/store/identities"
	"legwork/internal/store/usage"
	"legwork/internal/stream"
	"legwork/internal/systemd"
	"legwork/internal/tlscert"
	"legwork/internal/wire"
)

// role names the parts of legwork that a process runs.
type role string

const (
	roleAll    role = "all"    // API and worker
	roleAPI    role = "api"    // API alone
	roleWorker role = "worker" // worker alone
	// roleAsk is the role of legwork ask: the API alone if any worker is alive, which then takes the question; otherwise API and
	// a worker that works on this process's questions and on nothing else.
	roleAsk role = "ask"
)

// app is one process of legwork: the parts that its role needs, started in order and stopped in reverse order.
type app struct {
	cfg           config.Config
	log           *slog.Logger
	embedded      *pgembed.Server // nil with DATABASE_URL
	store         *store.Store
	identities    *identities.Store
	authenticator *auth.Authenticator // nil without access control, and for roleWorker
	setupLink     string              // link with which the first owner is created; empty if there is an owner, or if a key is configured
	artifacts     *artifact.Store
	hub           *stream.Hub
	publisher     *stream.Publisher
	model         *llm.Client // nil when the built-in reader answers
	modelSeen     *model.Health
	service       *jobs.Service
	runner        *jobs.Runner   // nil for roleAPI
	pages         *sources.Pages // nil for roleAPI
	parsers       *parser.Pool   // nil for roleAPI
	api           *httpapi.API
	server        *http.Server // nil for roleWorker
	addr          net.Addr     // address of the API, once it listens
	watch         *telemetry.Process
	failed        chan error // the error of the first part that ended by itself

	stopping  atomic.Bool
	loops     sync.WaitGroup
	stopLoops context.CancelFunc

	supervisor systemd.Supervisor // systemd, if that started the process

	usage       *usage.Store
	openStreams *usage.Streams
}

// startApp starts the parts of a process: database, schema, streams, worker, API. When one part cannot start, it stops the
// parts that have started. watch may be nil. ctx bounds the start, and its values hold failpoints. Stop ends the process.
func startApp(ctx context.Context, cfg config.Config, r role, log *slog.Logger, watch *telemetry.Process) (a *app, err error) {
	a = &app{cfg: cfg, log: log, failed: make(chan error, 4), watch: cmp.Or(watch, &telemetry.Process{})}
	defer func() {
		if err != nil {
			a.Stop(context.WithoutCancel(ctx))
		}
	}()
	if err := a.openDatabase(ctx, r); err != nil {
		return a, err
	}
	alone := false
	if r == roleAsk {
		if r, err = a.roleOfAsk(ctx); err != nil {
			return a, err
		}
		alone = r == roleAll
	}
	if a.artifacts, err = artifact.Open(cfg.ArtifactDir); err != nil {
		return a, err
	}
	if err := a.artifacts.Check(ctx); err != nil { // a failed check does not stop the start: tasks can run without the artifact store, and it may become usable later
		log.WarnContext(ctx, "no files of tasks can be stored at present", "error", err)
	}
	if a.model, err = model.Open(ctx, cfg, model.LocalOllama, a.watch.Metrics, log); err != nil {
		return a, err
	}
	a.modelSeen = &model.Health{Model: a.model}
	if r != roleWorker {
		if err := a.openAccess(ctx); err != nil {
			return a, err
		}
	}
	if err := a.startStreams(ctx); err != nil {
		return a, err
	}
	if a.service, err = jobs.NewService(a.store, a.publisher, a.artifacts, log); err != nil {
		return a, err
	}
	a.service.LimitQueue(cfg.MaxQueuedTasks)
	a.watch.WatchTasks(a.service)
	a.service.ConfigureTrees(deep.Config{AtOnce: cfg.DeepAtOnce, ChildrenWait: cfg.DeepTimeout, PlanWait: cfg.DeepPlanTimeout, MostSeconds: int64(cfg.TaskMaxTimeBudget.Seconds())})
	if r != roleAPI {
		if err := a.startRunner(ctx, alone); err != nil {
			return a, err
		}
	}
	if r != roleWorker {
		if err := a.startAPI(ctx); err != nil {
			return a, err
		}
	}
	return a, a.watch.Serve(ctx, cfg, log, a.failed)
}

// openDatabase connects to DATABASE_URL, or starts the embedded PostgreSQL, and brings the schema up to date. Only legwork ask
// uses an embedded PostgreSQL that another process has started.
func (a *app) openDatabase(ctx context.Context, r role) error {
	url := a.cfg.DatabaseURL.Reveal()
	if url == "" {
		server, err := pgembed.Start(ctx, database.EmbeddedConfig(a.cfg, a.log))
		var inUse *pgembed.InUseError
		switch {
		case err == nil:
			a.embedded = server
			a.log.InfoContext(ctx, "embedded PostgreSQL runs", "version", server.Version(), "home", a.cfg.Home)
			url = server.URL()
		case r == roleAsk && errors.As(err, &inUse) && inUse.URL != "":
			url = inUse.URL
		default:
			return err
		}
	}
	st, err := database.OpenStore(ctx, a.cfg, url, a.cfg.DatabaseMaxConns, a.watch.SQL, a.log)
	if err != nil {
		return err
	}
	a.store = st
	database.SayPooler(ctx, a.cfg, st, a.log)
	return nil
}

// startStreams starts the hub with its listener and publisher.
func (a *app) startStreams(ctx context.Context) (err error) {
	a.hub = stream.NewHub(a.store.Worker(), stream.Config{Logger: a.log, Poll: database.PollEvery(a.store)})
	a.publisher = stream.NewPublisher(a.hub, a.store.Worker(), a.log)
	a.publisher.Measure(a.watch.Metrics.Notified)
	if a.usage, err = usage.New(a.store); err != nil {
		return err
	}
	a.openStreams = usage.NewStreams(a.usage, a.log)
	a.watch.WatchDatabase(a.store, a.usage)
	a.watch.WatchStreams(a.hub)
	loops, stop := context.WithCancel(context.WithoutCancel(ctx))
	a.stopLoops = stop
	a.loops.Go(func() { a.hub.Run(loops) })
	a.loops.Go(func() { a.publisher.Run(loops) })
	if !a.store.PollOnly() {
		listener := stream.NewListener(a.store.ConnectToListen, a.hub, a.log)
		if a.authenticator != nil {
			listener.Attach(identities.Channel, a.authenticator)
		}
		a.loops.Go(func() { listener.Run(loops) })
	} else if a.authenticator != nil {
		a.loops.Go(func() { a.authenticator.Poll(loops) })
	}
	a.loops.Go(func() { a.openStreams.Run(loops) })
	if a.authenticator != nil {
		a.loops.Go(func() { a.authenticator.Run(loops) })
	}
	if a.embedded != nil {
		a.loops.Go(func() {
			select {
			case <-loops.Done():
			case <-a.embedded.Done():
				a.failed <- errors.New("the embedded PostgreSQL has ended; see postgres.log in LEGWORK_HOME")
			}
		})
	}
	return nil
}

// startRunner starts the worker. alone: it runs only the tasks that this process submits, and leaves files to workers that
// share the database, because they would be on this process's disk.
func (a *app) startRunner(ctx context.Context, alone bool) error {
	cfg := a.cfg
	lists, err := page.OpenLists(cfg.AllowedDomainsFile, cfg.DisallowedDomainsFile, a.log)
	if err != nil {
		return fmt.Errorf("ALLOWED_DOMAINS_FILE and DISALLOWED_DOMAINS_FILE: %w", err)
	}
	if a.parsers, err = sources.NewParsers(cfg, a.log); err != nil {
		return err
	}
	fetcher := sources.NewFetcher(cfg, version, a.store, a.parsers, a.log)
	if a.pages, err = sources.OpenPages(cfg, version, fetcher, lists, a.watch.Metrics, a.log); err != nil {
		return err
	}
	answers := model.Chooser(a.model, cfg)
	runner, err := jobs.NewRunner(a.service, jobs.RunnerConfig{
		Agent: answers.Run, Pin: answers.Pin(),
		Slots: cfg.MaxConcurrentTasks, TaskTimeout: cfg.TaskTimeout, Retention: cfg.Retention(), Version: version,
		Pages: a.pages, Lists: lists, Engines: sources.Engines(cfg, version, a.store, fetcher, a.pages.Show(cfg)), Log: a.log,
		Alone: alone, NoFiles: alone && a.embedded == nil,
		PageTTL: cfg.PageTTL, Cost: limits.RunCost(a.model, answers.Limits),
	})
	if err != nil {
		return err
	}
	if err := runner.Start(ctx); err != nil {
		return err
	}
	a.runner = runner
	a.loops.Go(func() { a.pages.Start(context.WithoutCancel(ctx)) })
	return nil
}

func (a *app) startAPI(ctx context.Context) error {
	cfg := a.cfg
	entry, err := a.loginConfig()
	if err != nil {
		return err
	}
	docs, err := manual.New()
	if err != nil {
		return fmt.Errorf("the documentation in this program is damaged: %w", err)
	}
	a.api = httpapi.New(httpapi.Config{
		Docs: docs.Handler(),
		Auth: a.authentication(), Identities: a.identities, Usage: a.usage, Streams: a.openStreams, Logins: entry,
		Tasks: a.service, Data: func(account string) httpapi.AccountData { return a.store.For(account) }, Artifacts: a.artifacts, Hub: a.hub, Logger: a.log, Version: version,
		CORSOrigins: cfg.CORSOrigins, Hosts: hostNames(cfg), Health: a.health, Stopping: a.stopping.Load,
		RequestsPerSecond: cfg.RateRequestsPerSecond, LogLevel: a.watch.Level(), Metrics: a.watch.Metrics, Tracer: a.watch.Tracer,
		Proxies: forwarded.Proxies{Trusted: cfg.TrustedProxies, Header: forwarded.Header(cfg.TrustedProxyHeader)},
		Limits: wire.Limits{MinBudget: cfg.TaskMinTimeBudget, DefaultBudget: cfg.TaskDefaultTimeBudget, MaxBudget: cfg.TaskMaxTimeBudget,
			MaxTokens: cfg.TaskMaxTokens},
	})
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, cfg.ListenNetwork(), cfg.ListenAddr())
	if err != nil {
		return fmt.Errorf("cannot listen on API_HOST:API_PORT %s; is another server using it? %w", cfg.ListenAddr(), err)
	}
	a.addr = ln.Addr()
	a.server = httpapi.Server(cfg.ListenAddr(), a.api, a.log)
	serve := a.server.Serve
	if cfg.TLS() {
		if a.server.TLSConfig, err = tlscert.New(certificates(cfg, a.log)); err != nil {
			return errors.Join(err, ln.Close())
		}
		serve = func(ln net.Listener) error { return a.server.ServeTLS(ln, "", "") }
	}
	if err := a.offerSetup(ctx); err != nil {
		return errors.Join(err, ln.Close())
	}
	a.log.InfoContext(ctx, "the API listens", "url", a.apiURL())
	a.loops.Go(func() {
		if err := serve(ln); !errors.Is(err, http.ErrServerClosed) {
			a.failed <- fmt.Errorf("the API stopped: %w", err)
		}
	})
	return nil
}

// certificates returns the configuration of the API's certificates.
func certificates(cfg config.Config, log *slog.Logger) tlscert.Config {
	return tlscert.Config{CertFile: cfg.TLSCertFile, KeyFile: cfg.TLSKeyFile, Domains: cfg.TLSACMEDomains, Email: cfg.TLSACMEEmail,
		Directory: cfg.TLSACMECA, Folder: filepath.Join(cfg.Home, "certificates"), Log: log}
}

// health returns the state that /health reports.
func (a *app) health(ctx context.Context) httpapi.Health {
	h := httpapi.Health{
		Stopping: a.stopping.Load(),
		Off:      a.cfg.AuthMode == config.AuthOff,
		Insecure: a.cfg.Insecure(),
		Browser:  a.pages.Status(),
	}
	if a.modelSeen != nil {
		h.LLM = a.modelSeen.Look(ctx)
	}
	var err error
	if h.Running, h.Total, err = a.store.Worker().Counts(ctx); err != nil {
		a.log.WarnContext(ctx, "health: the database does not answer", "error", err)
		return h
	}
	h.Database, h.ReadOnly, h.NoRoom = true, a.store.ReadOnly(), a.store.NoRoom()
	if h.Workers, err = a.store.Worker().Workers(ctx); err != nil {
		a.log.WarnContext(ctx, "health: workers unknown", "error", err)
	}
	return h
}

// Stop stops the parts of the process within ctx: it hands running tasks back, closes streams and finishes requests.
func (a *app) Stop(ctx context.Context) {
	a.stopping.Store(true)
	defer a.watch.Stop()
	if a.runner != nil {
		if err := a.runner.Stop(ctx); err != nil {
			a.log.ErrorContext(ctx, "not every run was handed back; the reconciler takes the rest", "error", err)
		}
	}
	a.pages.Close()
	if a.parsers != nil {
		a.parsers.Close()
	}
	if a.publisher != nil {
		_ = a.publisher.Flush(ctx)
	}
	if a.hub != nil {
		a.hub.Stop()
	}
	if a.server != nil {
		if err := a.server.Shutdown(ctx); err != nil {
			_ = a.server.Close()
		}
		_ = a.api.Drain(ctx)
	}
	if a.stopLoops != nil {
		a.stopLoops()
	}
	a.loops.Wait()
	if a.artifacts != nil {
		_ = a.artifacts.Close()
	}
	if a.model != nil {
		_ = a.model.Close()
	}
	if a.store != nil {
		a.store.Close()
	}
	if a.embedded != nil {
		if err := a.embedded.Stop(context.WithoutCancel(ctx)); err != nil {
			a.log.WarnContext(ctx, "embedded PostgreSQL", "error", err)
		}
	}
}

// forcedStopTimeout is how long a process may take beyond SHUTDOWN_TIMEOUT to close its connections. It ends within three seconds
// beyond it, and needs some of them to end.
const forcedStopTimeout = 2500 * time.Millisecond

// Run waits until ctx ends or a part of the process fails, and then stops the process within SHUTDOWN_TIMEOUT. Parts that have
// not stopped by then, for instance because the database does not answer, end with the process.
func (a *app) Run(ctx context.Context) error {
	var err error
	select {
	case <-ctx.Done():
		a.stopping.Store(true)
		a.log.InfoContext(ctx, "stopping; running tasks are handed back")
	case err = <-a.failed:
	}
	limit := a.cfg.ShutdownTimeout
	if serr := a.supervisor.Stopping(context.WithoutCancel(ctx), limit+forcedStopTimeout); serr != nil {
		a.log.WarnContext(ctx, "the supervisor does not know that this process stops", "error", serr)
	}
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	stopped := make(chan struct{})
	go func() { defer close(stopped); a.Stop(stopCtx) }()
	select {
	case <-stopped:
		return err
	case <-time.After(limit + forcedStopTimeout):
		return errors.Join(err, fmt.Errorf("not all parts stopped within SHUTDOWN_TIMEOUT (%s), so the process ends now; other workers take over its tasks", limit))
	}
}
