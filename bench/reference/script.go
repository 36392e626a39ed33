package reference

import (
	"regexp"
	"strings"

	"legwork/bench/workload"
)

// Script is a script for pgbench.
type Script struct {
	all  Statements
	text strings.Builder
	err  error
}

// add appends a statement of queries/*.sql by its name. replace has pairs: a variable of the statement, and the
// expression or variable that replaces it. end is ";" or a command that stores the result, like "\gset".
func (s *Script) add(name, end string, replace ...string) {
	sql, ok := s.all[name]
	if !ok {
		s.err = errNoStatement(name)
		return
	}
	for i := 0; i+1 < len(replace); i += 2 {
		sql = regexp.MustCompile(`(^|[^:]):`+replace[i]+`\b`).ReplaceAllString(sql, "${1}"+replace[i+1])
	}
	s.line(sql + end)
}

func (s *Script) line(text string) { s.text.WriteString(text + "\n") }

// oneEvent returns the replacements with which the statement InsertEvents inserts a single event. The arguments are
// variables of the script.
func oneEvent(seq, kind, terminal, body string) []string {
	return []string{"seqs", "ARRAY[" + seq + "]", "types", "ARRAY[" + kind + "]", "terminals", "ARRAY[" + terminal + "]",
		"bodies", "ARRAY[" + body + "]"}
}

// expand replaces names in a text, and joins its lines, because \gset needs the statement on one line.
func expand(text string, pairs ...string) string {
	return strings.ReplaceAll(strings.NewReplacer(pairs...).Replace(text), "\n", " ")
}

// EventVars returns the variables of scripts that append events and steps, including AppendScripts.
func EventVars() map[string]string {
	return map[string]string{"ready": "0", "epoch": "1", "body": string(workload.Result().Body), "result": workload.StepResult,
		"args": workload.Args, "tool": workload.ToolName,
		// pgbench replaces :name even in quoted text, and would take ":thinking" in 'agent:thinking' for a variable. So
		// each text with a colon is passed as the value of a variable.
		"t_thinking": "agent:thinking", "t_call": "agent:tool_call", "t_result": "agent:tool_result", "t_complete": "agent:complete"}
}

// takeTask makes each client of pgbench choose its own task when it runs the script for the first time.
const takeTask = `\if :ready = 0
SELECT task_id, (SELECT coalesce(max(s.turn), 0) FROM steps s WHERE s.task_id = b.task_id) AS turn FROM bench_tasks b WHERE n = :client_id \gset
\set ready 1
\endif`

// AppendScripts returns the scripts of one append and one step, as store.Append and store.RecordStep commit them.
// Each client of pgbench uses the task that has its number in the table bench_tasks (n integer, task_id uuid).
func AppendScripts(all Statements) (events, steps *Script) {
	events, steps = &Script{all: all}, &Script{all: all}
	events.line(takeTask)
	events.append(":t_result", ":body")
	steps.line(takeTask)
	steps.step()
	return events, steps
}

// arrays returns one event as the array arguments of AppendEvents and RecordStep.
func arrays(kind, body string) []string {
	return []string{"types", "ARRAY[" + kind + "]", "terminals", "ARRAY[false]", "bodies", "ARRAY[" + body + "]"}
}

// append adds the statement of store.Append.
func (s *Script) append(kind, body string) { s.add("AppendEvents", ";", arrays(kind, body)...) }

// step adds the statement of store.RecordStep for a step without a visit.
func (s *Script) step() {
	s.line(`\set turn :turn + 1`)
	s.add("RecordStep", ";", append(arrays(":t_result", ":body"), "call_no", "1", "try", "1", "kind", "'tool'",
		"success", "true", "millis", "12", "input_tokens", "0", "output_tokens", "0", "cached_tokens", "0")...)
}
