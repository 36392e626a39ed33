package parts

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"legwork/bench/measure"
	"legwork/bench/reference"
	"legwork/bench/server"
	"legwork/bench/workload"
)

// runsPart is part c: whole runs, from POST to the last frame on a WebSocket.
func runsPart(ctx context.Context, b *Bench) error {
	all, err := reference.LoadStatements()
	if err != nil {
		return err
	}
	for _, n := range b.levels() {
		url, err := b.database(ctx, "runs")
		if err != nil {
			return err
		}
		if err := b.compareRuns(ctx, url, n, reference.RunScript(all)); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bench) compareRuns(ctx context.Context, url string, n int, s *reference.Script) error {
	other, err := b.database(ctx, "runs_reference") // a separate database, so that no worker takes pgbench's jobs
	if err != nil {
		return err
	}
	legwork, err := b.start(ctx, fmt.Sprintf("runs-%d", n), server.Config{URL: url, Slots: n, Conns: 40})
	if err != nil {
		return err
	}
	defer legwork.Stop()
	each := 1
	httpClient := web(n)
	defer httpClient.CloseIdleConnections()
	got, err := measure.Rounds(ctx, b.Pairs, map[string]measure.Side{
		"legwork": func(ctx context.Context) (map[string]float64, error) {
			return b.load(ctx, n, func(ctx context.Context) error { return wholeRun(ctx, httpClient, legwork.API) })
		},
		"pgbench": func(ctx context.Context) (map[string]float64, error) {
			r, err := b.pgbench.Run(ctx, other, n, each, s, reference.RunVars())
			if err == nil { // in later rounds each client runs the script as often as fits into the duration of a measurement
				each = max(1, int(b.Duration/r.Latency))
			}
			return map[string]float64{"/s": r.PerSecond, "mean": measure.Micros(r.Latency) / 1e3}, err
		},
		"river": func(ctx context.Context) (map[string]float64, error) {
			r, err := legwork.Ask(ctx, server.Command{Op: "noop", Runs: n, Seconds: b.Duration.Seconds()})
			if err != nil {
				return nil, err
			}
			return map[string]float64{"/s": float64(r.Count) / r.Seconds,
				"p50": measure.Quantile(r.Micros, 0.5) / 1e3, "p99": measure.Quantile(r.Micros, 0.99) / 1e3}, nil
		},
	}, "legwork", "pgbench", "river")
	if err != nil {
		return err
	}
	name := fmt.Sprintf("whole runs, %d clients", n)
	own := got["legwork"]
	b.Report.Add(measure.Figure{Part: "c", Name: name, Unit: "runs/s", Values: own["/s"], Reference: "pgbench, same statements",
		References: got["pgbench"]["/s"], Target: &measure.Target{Of: "ratio", AtLeast: 0.4}})
	b.Report.Add(measure.Figure{Part: "c", Name: name + ", p50", Unit: "ms", Values: own["p50"], Reference: "pgbench, mean", References: got["pgbench"]["mean"]})
	b.Report.Add(measure.Figure{Part: "c", Name: name + ", p99", Unit: "ms", Values: own["p99"], Reference: "River no-op, p99", References: got["river"]["p99"]})
	b.Report.Add(measure.Figure{Part: "c", Name: name, Unit: "runs/s", Values: own["/s"], Reference: "River no-op jobs", References: got["river"]["/s"]})
	return nil
}

// load repeats one operation with n clients for the duration of a measurement.
func (b *Bench) load(ctx context.Context, n int, one func(context.Context) error) (map[string]float64, error) {
	var mu sync.Mutex
	var took []float64
	var first error
	var clients sync.WaitGroup
	began := time.Now()
	for range n {
		clients.Go(func() {
			for {
				start := time.Now()
				err := one(ctx)
				mu.Lock()
				if err != nil && first == nil {
					first = err
				}
				failed := first != nil
				took = append(took, measure.Micros(time.Since(start))/1e3)
				mu.Unlock()
				if failed || time.Since(began) >= b.Duration {
					return
				}
			}
		})
	}
	clients.Wait()
	if first != nil {
		return nil, first
	}
	perSecond := float64(len(took)) / time.Since(began).Seconds()
	return map[string]float64{"/s": perSecond, "p50": measure.Quantile(took, 0.5), "p99": measure.Quantile(took, 0.99)}, nil
}

// wholeRun submits a task and follows it to its end.
func wholeRun(ctx context.Context, c *http.Client, base string) error {
	raw, err := request(ctx, c, base, "POST", "/api/tasks", workload.Submission)
	if err != nil {
		return err
	}
	var task struct {
		TaskID uuid.UUID `json:"taskId"`
	}
	if err := json.Unmarshal(raw, &task); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, err := dial(ctx, base, task.TaskID, 0)
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseNow() }()
	for want := int64(1); ; want++ {
		_, frame, err := conn.Read(ctx)
		if websocket.CloseStatus(err) == websocket.StatusNormalClosure && want == 21 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("after %d frames: %w", want-1, err)
		}
		if seqOf(frame) != want {
			return fmt.Errorf("frame %d instead of %d", seqOf(frame), want)
		}
	}
}
