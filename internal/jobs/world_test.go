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

// patience bounds what a test waits for; nothing should come near it.
const patience = 60 * time.Second

// process is what one legwork process has: its own store, streams and service on a shared database.
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

// start makes a process on a database and an artifact folder.
func start(t *testing.T, url, dir string) *process {
	t.Helper()
	return startOn(t, dbtest.Open(t, url), dir)
}

// hasty is another process on the same database, with a lease of that length.
func (p *process) hasty(ttl time.Duration) *process {
	p.t.Helper()
	st, err := store.Open(p.t.Context(), store.Config{URL: p.url, MaxConns: 10, LeaseTTL: ttl, AcquireTimeout: patience, Logger: p.log})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(st.Close)
	return startOn(p.t, st, p.dir)
}

func startOn(t *testing.T, st *store.Store, dir string) *process {
	t.Helper()
	url := st.URL()
	log := slog.New(slog.DiscardHandler)
	hub := stream.NewHub(st.Worker(), stream.Config{Logger: log})
	pub := stream.NewPublisher(hub, st.Worker(), log)
	listener, err := stream.NewListener(url, hub, log)
	if err != nil {
		t.Fatal(err)
	}
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
	return &process{Service: svc, t: t, hub: hub, fp: &failpoint.Set{}, url: url, dir: dir}
}

// other is another process on the same database.
func (p *process) other() *process { return start(p.t, p.url, p.dir) }

// work starts a worker whose agent is brain. It is stopped with the test, unless the test stopped it.
func (p *process) work(brain Agent, change ...func(*RunnerConfig)) *Runner {
	p.t.Helper()
	cfg := RunnerConfig{Slots: 5, TaskTimeout: patience, Backoff: 10 * time.Millisecond, Version: "test",
		Agent: brain, Pages: page.NewFetcher(page.Config{}, nil), Engines: search.NewSet(), Log: p.log}
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
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func (p *process) submit(q string) research.Task {
	p.t.Helper()
	task, err := p.Submit(p.t.Context(), research.DefaultAccount, research.NewTask{Question: q, Priority: research.Normal,
		Options: research.Options{MaxDepth: 3, MaxPages: 20, TimeBudget: patience, SearchEngine: research.Library, MaxResults: 10}})
	if err != nil {
		p.t.Fatal(err)
	}
	return task
}

// frames reads a task's stream to its end.
func (p *process) frames(id uuid.UUID) []string { return p.read(id, 0, -1) }

// read gives frames after a cursor until the end of the log, or until n came.
func (p *process) read(id uuid.UUID, after int64, n int) []string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
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

// await waits for the end of a task and gives it.
func (p *process) await(id uuid.UUID) research.Task {
	p.t.Helper()
	p.frames(id)
	task, err := p.store.For(research.DefaultAccount).Task(p.t.Context(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	return task
}

// handOn gives a task to another worker, as the reconciler would.
func (p *process) requeueForModel(id uuid.UUID, epoch int) {
	p.t.Helper()
	err := p.requeue(p.t.Context(), id, epoch, func(research.Task) next {
		return next{try: 1, outcome: store.RunLost, events: []research.Event{research.Thinking("handed on", nil)}}
	})
	if err != nil {
		p.t.Fatalf("hand on: %v", err)
	}
}

// script is an agent of a fixed number of steps, each with one outside effect.
type script struct {
	steps   int
	effects atomic.Int64                                   // made in all, by whoever
	perStep sync.Map                                       // turn → *atomic.Int64
	effect  func(ctx context.Context, turn int) error      // nil: nothing
	after   func(ctx context.Context, turn, try int) error // after the step is journaled; nil: nothing
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

// count says how often the effect of a turn was made.
func (s *script) count(turn int) int64 {
	n, ok := s.perStep.Load(turn)
	if !ok {
		return 0
	}
	return n.(*atomic.Int64).Load()
}

// count asks the database for one number.
func (p *process) count(sql string, args ...any) (n int) {
	p.t.Helper()
	if err := p.store.Pool().QueryRow(p.t.Context(), sql, args...).Scan(&n); err != nil {
		p.t.Fatal(err)
	}
	return n
}

// eventually waits until cond holds, asking often; for things that have no event of their own.
func (p *process) eventually(what string, cond func() bool) {
	p.t.Helper()
	deadline := time.After(patience)
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
	case <-time.After(patience):
		t.Fatalf("never: %s", what)
	}
}
