package stream

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
)

// latencies reports the median and the 99th percentile of its durations, in microseconds.
type latencies []time.Duration

func (l latencies) report(b *testing.B) {
	b.Helper()
	slices.Sort(l)
	at := func(p int) float64 { return float64(l[len(l)*p/100].Nanoseconds()) / 1e3 }
	b.ReportMetric(at(50), "p50-µs")
	b.ReportMetric(at(99), "p99-µs")
	b.ReportMetric(0, "ns/op") // removes ns/op, which would include the time of the appends
}

// measure measures the time from Publish in writer to the return of Next in watcher, where a reader is waiting. Both may
// be the same process.
func measure(b *testing.B, writer, watcher *process) {
	b.Helper()
	id := writer.create(b)
	s := watcher.hub.Subscribe(id, 0)
	defer s.Close()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	arrived := make(chan time.Time)
	go func() {
		defer close(arrived)
		for {
			frames, err := s.Next(ctx)
			if err != nil {
				return
			}
			now := time.Now()
			for range frames {
				arrived <- now
			}
		}
	}()
	<-arrived // the first event
	var all latencies
	for b.Loop() {
		events := writer.append(b, id, 1)
		began := time.Now()
		writer.pub.Publish(events)
		all = append(all, (<-arrived).Sub(began))
	}
	all.report(b)
	writer.pub.Publish(writer.end(b, id))
	<-arrived
}

func BenchmarkSameProcess(b *testing.B) {
	p := start(b, dbtest.URL(b), setting{})
	measure(b, p, p)
}

func BenchmarkOtherProcess(b *testing.B) {
	url := dbtest.URL(b)
	measure(b, start(b, url, setting{}), start(b, url, setting{}))
}

// BenchmarkBareNotify is the reference for the two benchmarks above. It sends pg_notify on one connection and receives
// it by LISTEN on another. As in those benchmarks, a transaction is committed before each NOTIFY.
func BenchmarkBareNotify(b *testing.B) {
	p := start(b, dbtest.URL(b), setting{deaf: true, mute: true})
	id := p.create(b)
	conn, err := pgx.Connect(b.Context(), p.store.URL())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(b.Context(), "LISTEN bare"); err != nil {
		b.Fatal(err)
	}
	arrived := make(chan time.Time)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, err := conn.WaitForNotification(ctx); err != nil {
				return
			}
			arrived <- time.Now()
		}
	}()
	var all latencies
	for b.Loop() {
		p.append(b, id, 1)
		began := time.Now()
		if err := p.store.Notify(b.Context(), "bare", ""); err != nil {
			b.Fatal(err)
		}
		all = append(all, (<-arrived).Sub(began))
	}
	all.report(b)
	p.end(b, id)
	cancel()
	<-done
}

// BenchmarkFanOut measures how long one event takes to reach all waiting subscriptions of a task, without the database.
func BenchmarkFanOut(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := newMemory()
			h := NewHub(m, noPoll)
			id := m.create(1)
			var got, readers sync.WaitGroup
			ctx, cancel := context.WithCancel(b.Context())
			got.Add(n)
			for range n {
				s := h.Subscribe(id, 0)
				readers.Go(func() {
					defer s.Close()
					for {
						frames, err := s.Next(ctx)
						if err != nil {
							return
						}
						got.Add(-len(frames))
					}
				})
			}
			got.Wait()
			b.ReportAllocs()
			for b.Loop() {
				got.Add(n)
				h.deliver(m.append(id, 1))
				got.Wait()
			}
			cancel()
			readers.Wait()
			h.Stop()
		})
	}
}

// BenchmarkPublishUnwatched measures how long publishing an event delays a run when nobody watches the task.
func BenchmarkPublishUnwatched(b *testing.B) {
	m := newMemory()
	p := NewPublisher(NewHub(m, noPoll), m, quiet)
	events := m.append(m.create(0), 1)
	b.ReportAllocs()
	for b.Loop() {
		p.Publish(events)
	}
}
