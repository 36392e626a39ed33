package parts

import (
	"context"
	"fmt"
	"slices"
	"time"

	"legwork/bench/measure"
	"legwork/bench/reference"
	"legwork/bench/server"
)

// appendPart is part a: events and steps per second that the store writes. The reference is pgbench with the same SQL
// statements.
func appendPart(ctx context.Context, b *Bench) error {
	url, err := b.database(ctx, "append")
	if err != nil {
		return err
	}
	writer, err := b.start(ctx, "append-writer", server.Config{URL: url, Conns: 40})
	if err != nil {
		return err
	}
	defer writer.Stop()
	other, err := b.start(ctx, "append-other", server.Config{URL: url, Conns: 4}) // listens for events, like every legwork process
	if err != nil {
		return err
	}
	defer other.Stop()
	if err := b.numberedTasks(ctx, url, writer, slices.Max(b.levels())); err != nil {
		return err
	}
	all, err := reference.LoadStatements()
	if err != nil {
		return err
	}
	events, steps := reference.AppendScripts(all)
	for _, n := range b.levels() {
		if !b.matches(fmt.Sprintf("%d runs", n)) {
			continue
		}
		through := func(d time.Duration, c server.Command) measure.Side {
			return func(ctx context.Context) (map[string]float64, error) {
				c.Op, c.Runs, c.Seconds = "append", n, d.Seconds()
				r, err := writer.Ask(ctx, c)
				return map[string]float64{"/s": float64(r.Count) / r.Seconds}, err
			}
		}
		byPgbench := func(s *reference.Script) measure.Side {
			return func(ctx context.Context) (map[string]float64, error) {
				r, err := b.pgbench.Run(ctx, url, n, 0, s, reference.EventVars())
				return map[string]float64{"/s": r.PerSecond}, err
			}
		}
		name := func(what string) string { return fmt.Sprintf("%s, %d runs", what, n) }
		// Measurements with and without streaming alternate, without pgbench between them. The comparison with a
		// target uses more and shorter rounds: the machine's speed changes from second to second by more than the
		// expected difference, and the distance between the bounds shrinks with the square root of the number of
		// rounds.
		streaming := measure.Figure{Part: "a", Name: name("append, streaming on"), Unit: "events/s", Reference: "streaming off"}
		times, d := b.Pairs, b.Duration
		if n == 32 {
			streaming.Target = &measure.Target{Of: "bound", AtLeast: 0.85}
			times, d = 12*times, d/2
		}
		pairs, err := measure.Rounds(ctx, times, map[string]measure.Side{
			"on": through(d, server.Command{Streaming: true}), "off": through(d, server.Command{}),
		}, "on", "off")
		if err != nil {
			return err
		}
		streaming.Values, streaming.References = pairs["on"]["/s"], pairs["off"]["/s"]
		b.Report.Add(streaming)
		got, err := measure.Rounds(ctx, b.Pairs, map[string]measure.Side{
			"off": through(b.Duration, server.Command{}), "pgbench": byPgbench(events),
			"step": through(b.Duration, server.Command{Step: true, Streaming: true}), "pgbench step": byPgbench(steps),
		}, "off", "pgbench", "step", "pgbench step")
		if err != nil {
			return err
		}
		b.Report.Add(measure.Figure{Part: "a", Name: name("append, streaming off"), Unit: "events/s", Values: got["off"]["/s"], Reference: "pgbench",
			References: got["pgbench"]["/s"], Target: &measure.Target{Of: "ratio", AtLeast: 0.5}})
		b.Report.Add(measure.Figure{Part: "a", Name: name("steps, streaming on"), Unit: "steps/s", Values: got["step"]["/s"], Reference: "pgbench",
			References: got["pgbench step"]["/s"], Target: &measure.Target{Of: "ratio", AtLeast: 0.5}})
	}
	return nil
}
