package server

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"legwork/bench/measure"
)

// noopArgs is a job that does nothing.
type noopArgs struct{}

// Kind implements river.JobArgs.
func (noopArgs) Kind() string { return "bench_noop" }

type noopWorker struct {
	river.WorkerDefaults[noopArgs]
	server *server
}

// Work implements river.Worker. It tells the client that inserted the job that the job has run.
func (w *noopWorker) Work(_ context.Context, job *river.Job[noopArgs]) error {
	done, _ := w.server.done.LoadOrStore(job.ID, make(chan struct{}))
	if c, ok := done.(chan struct{}); ok {
		close(c)
	}
	return nil
}

// noop measures River alone, with legwork's settings for it: the requested number of clients insert no-op jobs and
// wait for each.
func (s *server) noop(ctx context.Context, c Command) (Reply, error) {
	if err := s.startNoops(ctx); err != nil {
		return Reply{}, err
	}
	var mu sync.Mutex
	var r Reply
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
				r.Micros = append(r.Micros, measure.Micros(time.Since(start)))
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
