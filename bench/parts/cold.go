package parts

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"legwork/bench/measure"
	"legwork/internal/pgembed"
)

// coldPart is part f: the time from the start of the released program until /health/ready succeeds, in an empty
// folder and in a folder with data. The reference is the start of the embedded PostgreSQL alone.
func coldPart(ctx context.Context, b *Bench) error {
	binary, err := b.build(ctx)
	if err != nil {
		return err
	}
	n := 0
	home := func() string { n++; return filepath.Join(b.dir, fmt.Sprintf("cold%d", n)) }
	kept := home()
	if _, err := startOnce(ctx, binary, kept); err != nil {
		return err
	}
	seconds := func(d time.Duration, err error) (map[string]float64, error) {
		return map[string]float64{"s": d.Seconds()}, err
	}
	got, err := measure.Rounds(ctx, b.Pairs, map[string]measure.Side{
		"first": func(ctx context.Context) (map[string]float64, error) {
			h := home()
			defer func() { _ = os.RemoveAll(h) }()
			return seconds(startOnce(ctx, binary, h))
		},
		"again": func(ctx context.Context) (map[string]float64, error) { return seconds(startOnce(ctx, binary, kept)) },
		"postgres": func(ctx context.Context) (map[string]float64, error) {
			h := home()
			defer func() { _ = os.RemoveAll(h) }()
			return seconds(postgresOnce(ctx, h))
		},
	}, "first", "postgres", "again")
	if err != nil {
		return err
	}
	b.Report.Add(measure.Figure{Part: "f", Name: "cold start, empty folder, to ready", Unit: "s", Values: got["first"]["s"],
		Reference: "embedded PostgreSQL alone", References: got["postgres"]["s"]})
	b.Report.Add(measure.Figure{Part: "f", Name: "start on data that is there, to ready", Unit: "s", Values: got["again"]["s"]})
	return nil
}

// startOnce starts legwork in a folder, waits until it is ready and stops it.
func startOnce(ctx context.Context, binary, home string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	began := time.Now()
	p, err := launch(ctx, binary, "DATABASE_URL=", "LEGWORK_HOME="+home)
	if err != nil {
		return 0, err
	}
	ready := time.Since(began)
	p.stop()
	return ready, nil
}

func waitReady(ctx context.Context, base string) bool {
	for ctx.Err() == nil {
		if _, err := request(ctx, http.DefaultClient, base, "GET", "/health/ready", ""); err == nil {
			return true
		}
		measure.WaitUntil(ctx, time.Now().Add(time.Millisecond))
	}
	return false
}

// postgresOnce creates and starts an embedded PostgreSQL in an empty folder.
func postgresOnce(ctx context.Context, home string) (time.Duration, error) {
	began := time.Now()
	s, err := pgembed.Start(ctx, pgembed.Config{Home: home, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, err
	}
	took := time.Since(began)
	return took, s.Stop(ctx)
}
