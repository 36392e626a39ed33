package parts

import (
	"context"

	"legwork/bench/measure"
	"legwork/bench/reference"
	"legwork/bench/server"
)

// stepPart is part s: the cost of a step of a run. A step writes the event of the call, which is refused if the epoch
// is not the present one, and then the journal row together with the event of the result. Both events are published
// to a subscription in this process and to another process. The reference sends the same two prepared statements
// through pgx on one connection. Both sides have one writer.
func stepPart(ctx context.Context, b *Bench) error {
	url, err := b.database(ctx, "step")
	if err != nil {
		return err
	}
	writer, err := b.start(ctx, "step-writer", server.Config{URL: url, Conns: 10})
	if err != nil {
		return err
	}
	defer writer.Stop()
	other, err := b.start(ctx, "step-other", server.Config{URL: url, Conns: 4}) // listens for events, like every legwork process
	if err != nil {
		return err
	}
	defer other.Stop()
	tasks, err := writer.Ask(ctx, server.Command{Op: "tasks", Runs: 1})
	if err != nil {
		return err
	}
	all, err := reference.LoadStatements()
	if err != nil {
		return err
	}
	bare, err := reference.NewSteps(ctx, url, tasks.Tasks[0], all)
	if err != nil {
		return err
	}
	defer bare.Close(ctx)
	each := func(count int, seconds float64) map[string]float64 {
		return map[string]float64{"µs": seconds / float64(max(count, 1)) * 1e6}
	}
	got, err := measure.Rounds(ctx, b.Pairs, map[string]measure.Side{
		"legwork": func(ctx context.Context) (map[string]float64, error) {
			r, err := writer.Ask(ctx, server.Command{Op: "append", Runs: 1, Seconds: b.Duration.Seconds(), Step: true, Announced: true, Streaming: true})
			return each(r.Count, r.Seconds), err
		},
		"pgx": func(ctx context.Context) (map[string]float64, error) {
			count, seconds, err := bare.Write(ctx, b.Duration)
			return each(count, seconds), err
		},
	}, "legwork", "pgx")
	if err != nil {
		return err
	}
	b.Report.Add(measure.Figure{Part: "s", Name: "a step: announced, journaled, told", Unit: "µs", Values: got["legwork"]["µs"],
		Reference: "bare pgx, same statements", References: got["pgx"]["µs"], Target: &measure.Target{Of: "ratio", AtMost: 2}})
	return nil
}
