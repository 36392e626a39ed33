package parts

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/bench/measure"
	"legwork/bench/server"
)

// latencyPart is part b: the time from the return of COMMIT until a client receives the frame. The reference is a
// NOTIFY without legwork under the same load: the time from the return of the COMMIT that sends it until the client's
// WaitForNotification returns.
func latencyPart(ctx context.Context, b *Bench) error {
	url, err := b.database(ctx, "latency")
	if err != nil {
		return err
	}
	writer, err := b.start(ctx, "latency-writer", server.Config{URL: url, Conns: 40})
	if err != nil {
		return err
	}
	defer writer.Stop()
	other, err := b.start(ctx, "latency-other", server.Config{URL: url, Conns: 10})
	if err != nil {
		return err
	}
	defer other.Stop()
	r, err := writer.Ask(ctx, server.Command{Op: "tasks", Runs: 8})
	if err != nil {
		return err
	}
	rates := []float64{100, 1000}
	if b.Quick {
		rates = rates[:1]
	}
	for _, rate := range rates {
		paced := server.Command{Op: "paced", Rate: rate, Seconds: b.Duration.Seconds(), Tasks: r.Tasks}
		bare := paced
		bare.Bare = true
		got, err := measure.Rounds(ctx, b.Pairs, map[string]measure.Side{
			"same": func(ctx context.Context) (map[string]float64, error) {
				return frameLatency(ctx, writer, writer.API, paced)
			},
			"other": func(ctx context.Context) (map[string]float64, error) {
				return frameLatency(ctx, writer, other.API, paced)
			},
			"bare": func(ctx context.Context) (map[string]float64, error) { return bareLatency(ctx, writer, url, bare) },
		}, "same", "bare", "other")
		if err != nil {
			return err
		}
		for _, who := range []string{"same", "other"} {
			for _, p := range []string{"p50", "p99"} {
				f := measure.Figure{Part: "b", Name: fmt.Sprintf("%s process, %g events/s, %s", who, rate, p), Unit: "µs",
					Values: got[who][p], Reference: "bare NOTIFY, " + p, References: got["bare"][p]}
				if p == "p50" {
					f.Target = &measure.Target{Of: "ratio", AtMost: map[string]float64{"same": 2, "other": 4}[who]}
				}
				b.Report.Add(f)
			}
		}
	}
	return nil
}

// arrivals has the time at which each event was received, by task and seq.
type arrivals struct {
	mu sync.Mutex
	at map[string]int64
}

func key(task uuid.UUID, seq int64) string { return fmt.Sprintf("%s %d", task, seq) }

func (a *arrivals) note(key string) {
	now := time.Now().UnixNano()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at[key] = now
}

// after waits until all committed events were received, and returns quantiles of the delays in microseconds.
func (a *arrivals) after(ctx context.Context, commits []server.Commit) (map[string]float64, error) {
	var delays []float64
	deadline := time.Now().Add(10 * time.Second)
	for _, s := range commits {
		for {
			a.mu.Lock()
			at, ok := a.at[key(s.Task, s.Seq)]
			a.mu.Unlock()
			if ok {
				delays = append(delays, float64(at-s.At)/1e3)
				break
			}
			if time.Now().After(deadline) || ctx.Err() != nil {
				return nil, fmt.Errorf("event %d of %s was not received within 10 s", s.Seq, s.Task)
			}
			measure.WaitUntil(ctx, time.Now().Add(time.Millisecond))
		}
	}
	return map[string]float64{"p50": measure.Quantile(delays, 0.5), "p99": measure.Quantile(delays, 0.99)}, nil
}

// frameLatency measures with one WebSocket per task. The process writer commits the events, and the server at base
// sends them; both may be the same process.
func frameLatency(ctx context.Context, writer *server.Process, base string, c server.Command) (map[string]float64, error) {
	a := &arrivals{at: map[string]int64{}}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	var readers sync.WaitGroup
	defer readers.Wait()
	defer stop()
	for _, id := range c.Tasks {
		last, err := lastSeq(ctx, base, id)
		if err != nil {
			return nil, err
		}
		conn, err := dial(ctx, base, id, last)
		if err != nil {
			return nil, err
		}
		readers.Go(func() {
			defer func() { _ = conn.CloseNow() }()
			for {
				_, frame, err := conn.Read(reading)
				if err != nil {
					return
				}
				a.note(key(id, seqOf(frame)))
			}
		})
	}
	r, err := writer.Ask(ctx, c)
	if err != nil {
		return nil, err
	}
	return a.after(ctx, r.Commits)
}

// seqOf returns the seq of a frame. Each frame begins with its seq.
func seqOf(frame []byte) int64 {
	rest, ok := strings.CutPrefix(string(frame), `{"seq":`)
	if digits, _, found := strings.Cut(rest, ","); ok && found {
		n, _ := strconv.ParseInt(digits, 10, 64)
		return n
	}
	var e struct{ Seq int64 }
	_ = json.Unmarshal(frame, &e)
	return e.Seq
}

// dial opens the stream of a task, starting after a cursor.
func dial(ctx context.Context, base string, id uuid.UUID, after int64) (*websocket.Conn, error) {
	url := fmt.Sprintf("ws%s/api/tasks/%s/stream?after=%d", strings.TrimPrefix(base, "http"), id, after)
	conn, _, err := websocket.Dial(ctx, url, nil) //nolint:bodyclose // the library closes it
	if err == nil {
		conn.SetReadLimit(1 << 20)
	}
	return conn, err
}

func lastSeq(ctx context.Context, base string, id uuid.UUID) (int64, error) {
	var task struct {
		LastSeq int64 `json:"lastSeq"`
	}
	return task.LastSeq, call(ctx, base, "GET", "/api/tasks/"+id.String(), "", &task)
}

// bareLatency measures the reference: one connection listens, and the server sends a NOTIFY with each commit.
func bareLatency(ctx context.Context, writer *server.Process, url string, c server.Command) (map[string]float64, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "LISTEN "+server.BareChannel); err != nil {
		return nil, err
	}
	a := &arrivals{at: map[string]int64{}}
	listening, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		for {
			n, err := conn.WaitForNotification(listening)
			if err != nil {
				return
			}
			a.note(n.Payload)
		}
	}()
	defer func() { stop(); <-done }()
	r, err := writer.Ask(ctx, c)
	if err != nil {
		return nil, err
	}
	return a.after(ctx, r.Commits)
}
