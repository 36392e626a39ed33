//go:build failpoints

package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"legwork/internal/agent"
	"legwork/internal/artifact"
	"legwork/internal/dbtest"
	"legwork/internal/failpoint"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
	"legwork/internal/store"
	"legwork/internal/stream"
)

// waitLimit bounds each wait of a test. No test should come near it.
const waitLimit = 60 * time.Second

// process stands for one legwork process: it has its own store, streams and service on a shared database.
type process struct {
	*Service
	t   *testing.T
	hub *stream.Hub
	fp  *failpoint.Set
	url string
	dir string
}

func setup(t *testing.T) *process {
	t.Helper()
	t.Parallel()
	return start(t, dbtest.URL(t), t.TempDir())
}

// start returns a process that uses a database and an artifact folder.
func start(t *testing.T, url, dir string) *process {
	t.Helper()
	return startOn(t, dbtest.Open(t, url), dir)
}

// withLease returns another process on the same database, whose leases last ttl.
func (p *process) withLease(ttl time.Duration) *process {
	p.t.Helper()
	st, err := store.Open(p.t.Context(), store.Config{URL: p.url, MaxConns: 10, LeaseTTL: ttl, AcquireTimeout: waitLimit, Logger: p.log})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(st.Close)
	return startOn(p.t, st, p.dir)
}

func startOn(t *testing.T, st *store.Store, dir string) *process {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	hub := stream.NewHub(st.Worker(), stream.Config{Logger: log})
	pub := stream.NewPublisher(hub, st.Worker(), log)
	listener := stream.NewListener(st.ConnectToListen, hub, log)
	files, err := artifact.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var loops sync.WaitGroup
	loops.Go(func() { hub.Run(ctx) })
	loops.Go(func() { pub.Run(ctx) })
	loops.Go(func() { listener.Run(ctx) })
	t.Cleanup(func() { hub.Stop(); cancel(); loops.Wait(); _ = files.Close() })
	svc, err := NewService(st, pub, files, log)
	if err != nil {
		t.Fatal(err)
	}
	return &process{Service: svc, t: t, hub: hub, fp: &failpoint.Set{}, url: st.URL(), dir: dir}
}

// other returns another process on the same database.
func (p *process) other() *process { return start(p.t, p.url, p.dir) }

// work starts a worker that runs agentFunc. The worker is stopped at the end of the test, unless the test stopped it.
func (p *process) work(agentFunc Agent, change ...func(*RunnerConfig)) *Runner {
	p.t.Helper()
	cfg := RunnerConfig{Slots: 5, TaskTimeout: waitLimit, Backoff: 10 * time.Millisecond, Version: "test",
		Agent: agentFunc, Pages: page.NewFetcher(page.Config{}, nil), Engines: search.NewSet(), Log: p.log}
	for _, c := range change {
		c(&cfg)
	}
	r, err := NewRunner(p.Service, cfg)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := r.Start(failpoint.With(context.Background(), p.fp)); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { stopRunner(p.t, r) })
	return r
}

func stopRunner(t *testing.T, r *Runner) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	if err := r.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func (p *process) submit(q string) research.Task {
	p.t.Helper()
	task, err := p.Submit(p.t.Context(), research.DefaultAccount, research.NewTask{Question: q, Priority: research.Normal,
		Options: research.Options{MaxDepth: 3, MaxPages: 20, TimeBudget: waitLimit, SearchEngine: research.Library, MaxResults: 10}})
	if err != nil {
		p.t.Fatal(err)
	}
	return task
}

// frames reads a task's stream to its end.
func (p *process) frames(id uuid.UUID) []string { return p.read(id, 0, -1) }

// read returns the frames of a task's stream after a cursor. It stops at the end of the log, or after n frames if n is
// not negative.
func (p *process) read(id uuid.UUID, after int64, n int) []string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), waitLimit)
	defer cancel()
	sub := p.hub.Subscribe(id, after)
	defer sub.Close()
	var out []string
	for n < 0 || len(out) < n {
		messages, err := sub.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			p.t.Fatalf("stream of %s after %d frames: %v", id, len(out), err)
		}
		for _, m := range messages {
			out = append(out, string(m.Event.Frame()))
		}
	}
	return out
}

// await waits for the end of a task and returns the task.
func (p *process) await(id uuid.UUID) research.Task {
	p.t.Helper()
	p.frames(id)
	task, err := p.store.For(research.DefaultAccount).Task(p.t.Context(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	return task
}

// handToNextRun queues the next run of a task, as the reconciler would.
func (p *process) handToNextRun(id uuid.UUID, epoch int) {
	p.t.Helper()
	err := p.requeue(p.t.Context(), id, epoch, func(research.Task) next {
		return next{try: 1, outcome: store.RunLost, events: []research.Event{research.Thinking("handed on", nil)}}
	})
	if err != nil {
		p.t.Fatalf("requeue: %v", err)
	}
}

// script is an agent with a fixed number of steps. Each step has one effect outside the database.
type script struct {
	steps   int
	effects atomic.Int64                                   // number of effects of all steps and runs
	perStep sync.Map                                       // number of effects by turn: int → *atomic.Int64
	effect  func(ctx context.Context, turn int) error      // called for each effect; may be nil
	after   func(ctx context.Context, turn, try int) error // called after a step is journaled; may be nil
}

func (s *script) run(ctx context.Context, env agent.Env) (research.Result, error) {
	done := map[int]bool{}
	for _, step := range env.Journal {
		done[step.Turn] = true
	}
	for turn := 1; turn <= s.steps; turn++ {
		if done[turn] {
			continue
		}
		if err := env.Emit(ctx, research.ToolCall("find_in_page", map[string]any{"turn": turn}, nil)); err != nil {
			return research.Result{}, err
		}
		s.effects.Add(1)
		n, _ := s.perStep.LoadOrStore(turn, new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
		if s.effect != nil {
			if err := s.effect(ctx, turn); err != nil {
				return research.Result{}, err
			}
		}
		_, err := env.Record(ctx, research.Step{Turn: turn, CallNo: 1, Kind: research.ToolStep, Tool: "find_in_page",
			Result: fmt.Appendf(nil, `{"turn":%d}`, turn), Success: true,
			Events: []research.Event{research.ToolResult("find_in_page", map[string]any{"turn": turn}, true, nil)}})
		if err != nil {
			return research.Result{}, err
		}
		if s.after != nil {
			if err := s.after(ctx, turn, env.Try); err != nil {
				return research.Result{}, err
			}
		}
	}
	return research.Result{Answer: "done", Confidence: 0.5, Metadata: map[string]any{"partial": false}}, nil
}

// count returns how often the effect of a turn was made.
func (s *script) count(turn int) int64 {
	n, ok := s.perStep.Load(turn)
	if !ok {
		return 0
	}
	return n.(*atomic.Int64).Load()
}

// count returns the number that a query selects.
func (p *process) count(sql string, args ...any) (n int) {
	p.t.Helper()
	if err := p.store.Pool().QueryRow(p.t.Context(), sql, args...).Scan(&n); err != nil {
		p.t.Fatal(err)
	}
	return n
}

// eventually polls cond every 5 ms until it holds. It is for conditions that no channel signals.
func (p *process) eventually(what string, cond func() bool) {
	p.t.Helper()
	deadline := time.After(waitLimit)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			p.t.Fatalf("never: %s", what)
		}
	}
}

func wait(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(waitLimit):
		t.Fatalf("never: %s", what)
	}
}
