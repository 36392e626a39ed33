package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// appendPart is part a: events and steps per second through the store, beside pgbench with the same statements.
func appendPart(ctx context.Context, b *bench) error {
	url, err := b.database(ctx, "append")
	if err != nil {
		return err
	}
	writer, err := b.start(ctx, "append-writer", serverConfig{URL: url, Conns: 40})
	if err != nil {
		return err
	}
	defer writer.stop()
	other, err := b.start(ctx, "append-other", serverConfig{URL: url, Conns: 4}) // listens, as every process does
	if err != nil {
		return err
	}
	defer other.stop()
	if err := b.ownTasks(ctx, url, writer, slices.Max(b.levels())); err != nil {
		return err
	}
	events, steps, err := appendScripts()
	if err != nil {
		return err
	}
	for _, n := range b.levels() {
		if !b.chosen(fmt.Sprintf("%d runs", n)) {
			continue
		}
		through := func(d time.Duration, c command) side {
			return func(ctx context.Context) (map[string]float64, error) {
				c.Op, c.Runs, c.Seconds = "append", n, d.Seconds()
				r, err := writer.ask(ctx, c)
				return map[string]float64{"/s": float64(r.Count) / r.Seconds}, err
			}
		}
		reference := func(s *script) side {
			return func(ctx context.Context) (map[string]float64, error) {
				r, err := b.runPgbench(ctx, url, n, 0, s, eventVars())
				return map[string]float64{"/s": r.perSecond}, err
			}
		}
		name := func(what string) string { return fmt.Sprintf("%s, %d runs", what, n) }
		// On and off alternate by themselves, so that both follow the same. Where their ratio has a target, they do so faster
		// and more often: the difference is smaller than that of one second to the next, which then falls on both, and a
		// bound gets closer to the median with the root of the rounds.
		streaming := figure{Part: "a", Name: name("append, streaming on"), Unit: "events/s", Reference: "streaming off"}
		times, d := b.pairs, b.duration
		if n == 32 {
			streaming.Target = &target{Of: "bound", AtLeast: 0.85}
			times, d = 12*times, d/2
		}
		pairs, err := b.rounds(ctx, times, map[string]side{
			"on": through(d, command{Streaming: true}), "off": through(d, command{}),
		}, "on", "off")
		if err != nil {
			return err
		}
		streaming.Values, streaming.References = pairs["on"]["/s"], pairs["off"]["/s"]
		b.add(streaming)
		got, err := b.rounds(ctx, b.pairs, map[string]side{
			"off": through(b.duration, command{}), "pgbench": reference(events),
			"step": through(b.duration, command{Step: true, Streaming: true}), "pgbench step": reference(steps),
		}, "off", "pgbench", "step", "pgbench step")
		if err != nil {
			return err
		}
		b.add(figure{Part: "a", Name: name("append, streaming off"), Unit: "events/s", Values: got["off"]["/s"], Reference: "pgbench",
			References: got["pgbench"]["/s"], Target: &target{Of: "ratio", AtLeast: 0.5}})
		b.add(figure{Part: "a", Name: name("steps, streaming on"), Unit: "steps/s", Values: got["step"]["/s"], Reference: "pgbench",
			References: got["pgbench step"]["/s"], Target: &target{Of: "ratio", AtLeast: 0.5}})
	}
	return nil
}

// eventVars are the variables of scripts that append the event of step.
func eventVars() map[string]string {
	return map[string]string{"ready": "0", "epoch": "1", "body": string(resultEvent().Body), "result": stepResult,
		"args": `{"url":"` + toolURL + `"}`, "tool": toolName,
		// pgbench sees variables in quoted texts too, so whatever has a colon must come in one.
		"t_thinking": "agent:thinking", "t_call": "agent:tool_call", "t_result": "agent:tool_result", "t_complete": "agent:complete"}
}

// takeTask makes each client of pgbench take a task of its own, once.
const takeTask = `\if :ready = 0
SELECT task_id, (SELECT coalesce(max(s.turn), 0) FROM steps s WHERE s.task_id = b.task_id) AS turn FROM bench_tasks b WHERE n = :client_id \gset
\set ready 1
\endif`

// appendScripts are one append and one step, as store.Append and store.RecordStep commit them.
func appendScripts() (events, steps *script, err error) {
	all, err := loadStatements()
	if err != nil {
		return nil, nil, err
	}
	events, steps = &script{all: all}, &script{all: all}
	events.line(takeTask)
	events.append(":t_result", ":body")
	steps.line(takeTask)
	steps.step()
	return events, steps, nil
}

// arrays are one event as the arrays that AppendEvents and RecordStep take.
func arrays(kind, body string) []string {
	return []string{"types", "ARRAY[" + kind + "]", "terminals", "ARRAY[false]", "bodies", "ARRAY[" + body + "]"}
}

// append is store.Append.
func (s *script) append(kind, body string) { s.add("AppendEvents", ";", arrays(kind, body)...) }

// step is store.RecordStep of a step without a visit.
func (s *script) step() {
	s.line(`\set turn :turn + 1`)
	s.add("RecordStep", ";", append(arrays(":t_result", ":body"), "call_no", "1", "try", "1", "kind", "'tool'",
		"success", "true", "millis", "12", "input_tokens", "0", "output_tokens", "0")...)
}
