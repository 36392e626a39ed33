package parts

import (
	"context"
	"fmt"
	"sync/atomic"

	"legwork/bench/measure"
	"legwork/bench/server"
)

// Sizes of part processes: clients, and slots of all workers together.
const (
	apiProcesses    = 2
	workerProcesses = 4
	processClients  = 32
)

// processesPart is part m: whole runs through two API processes, worked by four worker processes. The reference is one process that does
// all of it, with as many slots, on a database of its own.
func processesPart(ctx context.Context, b *Bench) error {
	clients := processClients
	if b.Quick {
		clients = 4
	}
	url, err := b.database(ctx, "processes")
	if err != nil {
		return err
	}
	other, err := b.database(ctx, "one_process")
	if err != nil {
		return err
	}
	var apis []string
	for i := range apiProcesses + workerProcesses {
		cfg := server.Config{URL: url, Conns: 20}
		name := fmt.Sprintf("processes-api-%d", i)
		if i >= apiProcesses {
			cfg.Slots, name = clients/workerProcesses, fmt.Sprintf("processes-worker-%d", i-apiProcesses)
		}
		p, err := b.start(ctx, name, cfg)
		if err != nil {
			return err
		}
		defer p.Stop()
		if i < apiProcesses {
			apis = append(apis, p.API)
		}
	}
	one, err := b.start(ctx, "one-process", server.Config{URL: other, Slots: clients, Conns: 40})
	if err != nil {
		return err
	}
	defer one.Stop()
	httpClient := web(clients)
	defer httpClient.CloseIdleConnections()
	var next atomic.Uint64 // the API processes take turns
	got, err := measure.Rounds(ctx, b.Pairs, map[string]measure.Side{
		"several": func(ctx context.Context) (map[string]float64, error) {
			return b.load(ctx, clients, func(ctx context.Context) error {
				return wholeRun(ctx, httpClient, apis[next.Add(1)%apiProcesses])
			})
		},
		"one": func(ctx context.Context) (map[string]float64, error) {
			return b.load(ctx, clients, func(ctx context.Context) error { return wholeRun(ctx, httpClient, one.API) })
		},
	}, "several", "one")
	if err != nil {
		return err
	}
	name := fmt.Sprintf("whole runs, %d clients, %d API and %d worker processes", clients, apiProcesses, workerProcesses)
	for _, f := range []struct{ key, suffix, unit string }{{"/s", "", "runs/s"}, {"p50", ", p50", "ms"}, {"p99", ", p99", "ms"}} {
		b.Report.Add(measure.Figure{Part: "m", Name: name + f.suffix, Unit: f.unit, Values: got["several"][f.key],
			Reference: "one process", References: got["one"][f.key]})
	}
	return nil
}
