package server

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/bench/measure"
	"legwork/bench/workload"
	"legwork/internal/research"
	"legwork/internal/store"
)

// newTasks creates running tasks without a job, so that only the commands in this file write to them.
func (s *server) newTasks(ctx context.Context, n int) (Reply, error) {
	var r Reply
	for range n {
		id := uuid.Must(uuid.NewV7())
		err := s.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
			_, _, err := s.store.For(research.DefaultAccount).CreateTask(ctx, tx, id, research.NewTask{
				Question: workload.Question, Priority: research.Normal, Options: research.Options{
					MaxDepth: 3, MaxPages: 20, TimeBudget: 5 * time.Minute, SearchEngine: research.DuckDuckGo, MaxResults: 10}},
				0, func(research.Status) research.Event { return research.Thinking("submitted", nil) })
			if err != nil {
				return err
			}
			_, _, _, err = s.store.Worker().Claim(ctx, tx, id, 1, uuid.New(), research.Pin{Provider: "reader"}, store.Grant{},
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

// write commits one event or step of a run, as package jobs does.
func (s *server) write(ctx context.Context, id uuid.UUID, turn *int) ([]research.Event, error) {
	if turn == nil {
		return s.store.Worker().Append(ctx, nil, id, 1, []research.Event{workload.Result()})
	}
	*turn++
	events, _, err := s.store.Worker().RecordStep(ctx, nil, id, 1, workload.Step(*turn))
	return events, err
}

// announce commits and publishes the event of a call, as a run does before it makes the call.
func (s *server) announce(ctx context.Context, id uuid.UUID) error {
	events, err := s.store.Worker().Append(ctx, nil, id, 1, []research.Event{workload.Call()})
	if err == nil {
		s.publisher.Publish(events)
	}
	return err
}

// watch subscribes to each of the first n runs. It returns when each subscription has received a new event. After
// that, no subscription reads old events, which would distort the measurement.
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

// appendFor appends events as fast as possible, each run in its own goroutine, and counts them. With streaming, it
// publishes each event, and each run has a subscription in this process.
func (s *server) appendFor(ctx context.Context, c Command) (Reply, error) {
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
			return Reply{}, err
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
	return Reply{Count: int(count.Load()), Seconds: took.Seconds()}, <-failures
}

// paced appends events at a steady rate and records when each commit returned.
func (s *server) paced(ctx context.Context, c Command) (Reply, error) {
	gap := time.Duration(float64(time.Second) / c.Rate)
	n := int(c.Seconds * c.Rate)
	var mu sync.Mutex
	var r Reply
	var writers sync.WaitGroup
	failures := make(chan error, len(c.Tasks))
	began := time.Now()
	for i, id := range c.Tasks {
		writers.Go(func() {
			for k := i; k < n; k += len(c.Tasks) {
				measure.WaitUntil(ctx, began.Add(time.Duration(k)*gap))
				events, err := s.write(ctx, id, nil)
				if err != nil {
					failures <- err
					return
				}
				at := time.Now().UnixNano()
				if c.Bare {
					err = s.store.Notify(ctx, BareChannel, fmt.Sprintf("%s %d", id, events[0].Seq))
				} else {
					s.publisher.Publish(events)
				}
				if err != nil {
					failures <- err
					return
				}
				mu.Lock()
				r.Commits = append(r.Commits, Commit{Task: id, Seq: events[0].Seq, At: at})
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	close(failures)
	return r, <-failures
}

// appendOne appends and publishes one event.
func (s *server) appendOne(ctx context.Context, id uuid.UUID) (Reply, error) {
	events, err := s.write(ctx, id, nil)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{Commits: []Commit{{Task: id, Seq: events[0].Seq, At: time.Now().UnixNano()}}}
	s.publisher.Publish(events)
	return r, nil
}
