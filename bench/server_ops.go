package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"legwork/internal/research"
)

// bareChannel is where the bare NOTIFY of part latency goes.
const bareChannel = "legwork_bench_bare"

// newTasks makes running tasks that no job belongs to; only ops of this file write to them.
func (s *server) newTasks(ctx context.Context, n int) (reply, error) {
	var r reply
	for range n {
		id := uuid.Must(uuid.NewV7())
		err := s.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
			task, err := s.store.For(research.DefaultAccount).CreateTask(ctx, tx, id, research.NewTask{
				Question: "What is the default value of keep_warm_minutes?", Priority: research.Normal, Options: research.Options{
					MaxDepth: 3, MaxPages: 20, TimeBudget: 5 * time.Minute, SearchEngine: research.DuckDuckGo, MaxResults: 10}})
			if err != nil {
				return err
			}
			if _, err = s.store.Worker().AddHead(ctx, tx, &task, 0, []research.Event{research.Thinking("submitted", nil)}); err != nil {
				return err
			}
			_, _, _, err = s.store.Worker().Claim(ctx, tx, id, 1, uuid.New(), research.Pin{Provider: "reader"},
				[]research.Event{research.Thinking("started", nil)})
			return err
		})
		if err != nil {
			return r, err
		}
		r.Tasks = append(r.Tasks, id)
	}
	return r, nil
}

// write commits one event or step of a run, as jobs does.
func (s *server) write(ctx context.Context, id uuid.UUID, turn *int) ([]research.Event, error) {
	if turn == nil {
		return s.store.Worker().Append(ctx, nil, id, 1, []research.Event{resultEvent()})
	}
	*turn++
	events, _, err := s.store.Worker().RecordStep(ctx, nil, id, 1, step(*turn))
	return events, err
}

// announce commits and publishes the event of a call, as a run does before its effect.
func (s *server) announce(ctx context.Context, id uuid.UUID) error {
	call := research.ToolCall(toolName, map[string]any{"url": toolURL}, nil)
	events, err := s.store.Worker().Append(ctx, nil, id, 1, []research.Event{call})
	if err == nil {
		s.publisher.Publish(events)
	}
	return err
}

// watch has a subscription of this process follow each of the first n runs. It returns when each has been given one event
// more: by then none has anything to catch up with, which is not what is measured.
func (s *server) watch(ctx context.Context, n int) (unwatch func(), err error) {
	watching, stop := context.WithCancel(ctx)
	var watchers, first sync.WaitGroup
	unwatch = func() { stop(); watchers.Wait() }
	for i, id := range s.tasks[:n] {
		sub := s.hub.Subscribe(id, s.seqs[i])
		first.Add(1)
		watchers.Go(func() {
			defer sub.Close()
			for begun := sync.OnceFunc(first.Done); ; begun() {
				if _, err := sub.Next(watching); err != nil {
					begun()
					return
				}
			}
		})
	}
	for i, id := range s.tasks[:n] {
		events, err := s.write(ctx, id, nil)
		if err != nil {
			unwatch()
			return nil, err
		}
		s.seqs[i] = events[0].Seq
		s.publisher.Publish(events)
	}
	first.Wait()
	return unwatch, nil
}

// appendFor appends as fast as it goes, each run in a goroutine of its own, and counts. With streaming each event is
// published, and each run is watched by one subscription of this process.
func (s *server) appendFor(ctx context.Context, c command) (reply, error) {
	for len(s.tasks) < c.Runs {
		r, err := s.newTasks(ctx, c.Runs-len(s.tasks))
		if err != nil {
			return r, err
		}
		s.tasks = append(s.tasks, r.Tasks...)
		s.turns = append(s.turns, make([]int, len(r.Tasks))...)
		s.seqs = append(s.seqs, make([]int64, len(r.Tasks))...)
	}
	unwatch := func() {}
	if c.Streaming {
		var err error
		if unwatch, err = s.watch(ctx, c.Runs); err != nil {
			return reply{}, err
		}
	}
	var writers sync.WaitGroup
	var count atomic.Int64
	failures := make(chan error, c.Runs)
	began := time.Now()
	deadline := began.Add(time.Duration(c.Seconds * float64(time.Second)))
	for i := range c.Runs {
		writers.Go(func() {
			var turn *int
			if c.Step {
				turn = &s.turns[i]
			}
			for time.Now().Before(deadline) {
				if c.Announced {
					if err := s.announce(ctx, s.tasks[i]); err != nil {
						failures <- err
						return
					}
				}
				events, err := s.write(ctx, s.tasks[i], turn)
				if err != nil {
					failures <- err
					return
				}
				s.seqs[i] = events[0].Seq
				if c.Streaming {
					s.publisher.Publish(events)
				}
				count.Add(1)
			}
		})
	}
	writers.Wait()
	took := time.Since(began)
	unwatch()
	close(failures)
	return reply{Count: int(count.Load()), Seconds: took.Seconds()}, <-failures
}

// paced appends at a steady rate and tells when each commit returned.
func (s *server) paced(ctx context.Context, c command) (reply, error) {
	gap := time.Duration(float64(time.Second) / c.Rate)
	n := int(c.Seconds * c.Rate)
	var mu sync.Mutex
	var r reply
	var writers sync.WaitGroup
	failures := make(chan error, len(c.Tasks))
	began := time.Now()
	for i, id := range c.Tasks {
		writers.Go(func() {
			for k := i; k < n; k += len(c.Tasks) {
				until(ctx, began.Add(time.Duration(k)*gap))
				events, err := s.write(ctx, id, nil)
				if err != nil {
					failures <- err
					return
				}
				at := time.Now().UnixNano()
				if c.Bare {
					err = s.store.Notify(ctx, bareChannel, fmt.Sprintf("%s %d", id, events[0].Seq))
				} else {
					s.publisher.Publish(events)
				}
				if err != nil {
					failures <- err
					return
				}
				mu.Lock()
				r.Stamps = append(r.Stamps, stamp{Task: id, Seq: events[0].Seq, At: at})
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	close(failures)
	return r, <-failures
}

// until waits for a moment.
func until(ctx context.Context, at time.Time) {
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// appendOne appends and publishes one event.
func (s *server) appendOne(ctx context.Context, id uuid.UUID) (reply, error) {
	events, err := s.write(ctx, id, nil)
	if err != nil {
		return reply{}, err
	}
	r := reply{Stamps: []stamp{{Task: id, Seq: events[0].Seq, At: time.Now().UnixNano()}}}
	s.publisher.Publish(events)
	return r, nil
}

// noopArgs is a job that does nothing.
type noopArgs struct{}

// Kind implements river.JobArgs.
func (noopArgs) Kind() string { return "bench_noop" }

type noopWorker struct {
	river.WorkerDefaults[noopArgs]
	server *server
}

// Work implements river.Worker: it tells who inserted the job that it has run.
func (w *noopWorker) Work(_ context.Context, job *river.Job[noopArgs]) error {
	done, _ := w.server.done.LoadOrStore(job.ID, make(chan struct{}))
	if c, ok := done.(chan struct{}); ok {
		close(c)
	}
	return nil
}

// noop inserts no-op jobs and waits for each, by as many clients as asked for: what River costs alone, with the
// settings that legwork gives it.
func (s *server) noop(ctx context.Context, c command) (reply, error) {
	if err := s.startNoops(ctx); err != nil {
		return reply{}, err
	}
	var mu sync.Mutex
	var r reply
	var clients sync.WaitGroup
	failures := make(chan error, c.Runs)
	began := time.Now()
	deadline := began.Add(time.Duration(c.Seconds * float64(time.Second)))
	for range c.Runs {
		clients.Go(func() {
			for time.Now().Before(deadline) {
				start := time.Now()
				if err := s.oneNoop(ctx); err != nil {
					failures <- err
					return
				}
				mu.Lock()
				r.Micros = append(r.Micros, micros(time.Since(start)))
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	close(failures)
	r.Count, r.Seconds = len(r.Micros), time.Since(began).Seconds()
	return r, <-failures
}

func (s *server) oneNoop(ctx context.Context) error {
	job, err := s.noops.Insert(ctx, noopArgs{}, nil)
	if err != nil {
		return err
	}
	defer s.done.Delete(job.Job.ID)
	done, _ := s.done.LoadOrStore(job.Job.ID, make(chan struct{}))
	worked, _ := done.(chan struct{})
	select {
	case <-worked:
		return nil
	case <-time.After(20 * time.Second):
		return errors.New("a no-op job was not worked")
	}
}

func (s *server) startNoops(ctx context.Context) error {
	if s.noops != nil {
		return nil
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &noopWorker{server: s})
	client, err := river.NewClient(riverpgxv5.New(s.store.Pool()), &river.Config{
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: max(s.cfg.Slots, 1)}},
		Workers: workers, Logger: s.log, FetchCooldown: 10 * time.Millisecond, FetchPollInterval: 100 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	s.noops = client
	return client.Start(context.WithoutCancel(ctx))
}
