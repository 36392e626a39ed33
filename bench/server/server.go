package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"legwork/bench/measure"
	"legwork/bench/workload"
	"legwork/internal/agent"
	"legwork/internal/artifact"
	"legwork/internal/auth"
	"legwork/internal/heap"
	"legwork/internal/httpapi"
	"legwork/internal/jobs"
	"legwork/internal/metrics"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
	"legwork/internal/store"
	"legwork/internal/store/identities"
	"legwork/internal/stream"
	"legwork/internal/wire"
)

// server is a legwork process with the same parts as in cmd/legwork, but with an agent of its own. It carries out commands.
type server struct {
	cfg       Config
	log       *slog.Logger
	store     *store.Store
	hub       *stream.Hub
	publisher *stream.Publisher
	service   *jobs.Service
	runner    *jobs.Runner
	api       string
	noops     *river.Client[pgx.Tx] // for the comparison with River alone
	done      sync.Map              // a channel for each no-op job, by job id; closed when the job has run

	tasks []uuid.UUID // tasks of the command append; each is claimed at epoch 1
	turns []int       // last turn of each task
	seqs  []int64     // last seq of each task
}

// commanded is a server under test: legwork or a reference.
type commanded interface {
	start(ctx context.Context) (stop func(), err error)
	do(ctx context.Context, c Command) (Reply, error)
}

// Main is the main function of a server under test. It carries out the commands on standard input until the input ends. spec is a Config in JSON. Main
// returns the exit status.
func Main(ctx context.Context, spec string) int {
	measure.RaiseFileLimit()
	defer heap.Reserve()() // as legwork serve does
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	var cfg Config
	if err := json.Unmarshal([]byte(spec), &cfg); err != nil {
		log.Error("bad configuration", "error", err)
		return 1
	}
	var s commanded = &server{cfg: cfg, log: log}
	if cfg.Bare {
		s = &bareServer{}
	}
	if cfg.Profile != "" {
		f, err := os.Create(cfg.Profile)
		if err == nil {
			defer func() { _ = f.Close() }()
			if err = pprof.StartCPUProfile(f); err == nil {
				defer pprof.StopCPUProfile()
			}
		}
		if err != nil {
			log.Error("no profile", "error", err)
		}
	}
	stop, err := s.start(ctx)
	if err != nil {
		log.Error("the server under test does not start", "error", err)
		return 1
	}
	defer stop()
	in, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var c Command
		r := Reply{}
		err := json.Unmarshal(in.Bytes(), &c)
		if err == nil {
			r, err = s.do(ctx, c)
		}
		if err != nil {
			r = Reply{Error: err.Error()}
		}
		if err := out.Encode(r); err != nil {
			return 1
		}
	}
	return 0
}

func (s *server) do(ctx context.Context, c Command) (Reply, error) {
	switch c.Op {
	case "ready":
		return Reply{API: s.api}, nil
	case "append":
		return s.appendFor(ctx, c)
	case "paced":
		return s.paced(ctx, c)
	case "tasks":
		return s.newTasks(ctx, c.Runs)
	case "append one":
		return s.appendOne(ctx, c.Tasks[0])
	case "noop":
		return s.noop(ctx, c)
	case "collect":
		debug.FreeOSMemory()
		return Reply{}, nil
	}
	return Reply{}, fmt.Errorf("unknown command %q", c.Op)
}

// start starts everything that cmd/legwork starts.
func (s *server) start(ctx context.Context) (stop func(), err error) {
	if s.store, err = store.Open(ctx, store.Config{URL: s.cfg.URL, MaxConns: s.cfg.Conns, Logger: s.log}); err != nil {
		return nil, err
	}
	s.hub = stream.NewHub(s.store.Worker(), stream.Config{Logger: s.log})
	s.publisher = stream.NewPublisher(s.hub, s.store.Worker(), s.log)
	listener := stream.NewListener(s.store.ConnectToListen, s.hub, s.log)
	loops, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { s.hub.Run(loops) })
	running.Go(func() { s.publisher.Run(loops) })
	running.Go(func() { listener.Run(loops) })
	files, err := artifact.Open(s.cfg.Dir)
	if err != nil {
		cancel()
		return nil, err
	}
	if s.service, err = jobs.NewService(s.store, s.publisher, files, s.log); err != nil {
		cancel()
		return nil, err
	}
	counts := metrics.New("bench", "all") // as every server has them
	s.publisher.Measure(counts.Notified)
	s.service.Watch(jobs.Watch{Metrics: counts})
	if s.cfg.Slots > 0 {
		if err := s.work(ctx); err != nil {
			cancel()
			return nil, err
		}
	}
	api := httpapi.New(httpapi.Config{
		Auth: auth.Off{}, Identities: identities.New(s.store),
		Tasks: s.service, Data: func(account string) httpapi.AccountData { return s.store.For(account) }, Artifacts: files, Hub: s.hub, Logger: s.log, Version: "bench", Metrics: counts,
		Health: func(context.Context) httpapi.Health { return httpapi.Health{Database: true} },
		Limits: wire.Limits{MinBudget: time.Second, DefaultBudget: 5 * time.Minute, MaxBudget: 10 * time.Minute},
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		cancel()
		return nil, err
	}
	s.api = "http://" + ln.Addr().String()
	web := httpapi.Server(ln.Addr().String(), api, s.log)
	running.Go(func() { _ = web.Serve(ln) })
	return func() {
		ctx, over := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer over()
		if s.noops != nil {
			_ = s.noops.Stop(ctx)
		}
		if s.runner != nil {
			_ = s.runner.Stop(ctx)
		}
		s.hub.Stop()
		if web.Shutdown(ctx) != nil {
			_ = web.Close()
		}
		_ = api.Drain(ctx)
		cancel()
		running.Wait()
		s.store.Close()
		_ = files.Close()
	}, nil
}

// work starts a worker whose agent needs no model and no pages.
func (s *server) work(ctx context.Context) error {
	var err error
	s.runner, err = jobs.NewRunner(s.service, jobs.RunnerConfig{
		Slots: s.cfg.Slots, TaskTimeout: time.Minute, Version: "bench", Agent: scripted, Log: s.log,
		Pages: page.NewFetcher(page.Config{}, nil), Engines: search.NewSet(search.NewLibrary(func(ctx context.Context, account, question string, limit int) ([]research.Hit, error) {
			return s.store.For(account).SearchLibrary(ctx, question, limit)
		})),
	})
	if err != nil {
		return err
	}
	return s.runner.Start(ctx)
}

// scripted is the agent of part runs. It commits what an agent commits, without waiting between commits.
func scripted(ctx context.Context, env agent.Env) (research.Result, error) {
	if err := env.Emit(ctx, research.Thinking("The question is clear; looking for pages that answer it.", nil)); err != nil {
		return research.Result{}, err
	}
	for turn := 1; turn <= workload.Calls; turn++ {
		if err := env.Emit(ctx, workload.Call()); err != nil {
			return research.Result{}, err
		}
		if _, err := env.Record(ctx, workload.Step(turn)); err != nil {
			return research.Result{}, err
		}
	}
	return research.Result{Answer: workload.AnswerText, Confidence: 0.8}, nil
}
