// Package workload has the texts of the tasks, events and steps of all measurements. legwork is compared with simpler
// programs, its references, such as pgbench scripts. Both take their texts from this package, so that they write the
// same bytes and the comparison is fair.
package workload

import (
	"time"

	"legwork/internal/research"
)

// The question of a task, as text and as the body of its submission.
const (
	Question   = "What is the default value of keep_warm_minutes?"
	Submission = `{"question":"` + Question + `","timeBudget":60}`
)

// The tool call of a run and its result.
const (
	ToolName   = "get_page_content"
	ToolURL    = "https://docs.example.org/manual/settings-heating.html"
	Args       = `{"url":"` + ToolURL + `"}`
	AnswerText = "The default value is 25 minutes. It applies to every circuit that does not set its own."
)

// Calls is the number of tool calls of a run. Each call has two events; with submission, claim, the last thought and
// completion a run has 20 events, each committed separately.
const Calls = 8

const preview = "keep_warm_minutes: how long the circuit is held at temperature after the last demand. Default 25 minutes."

// StepResult is the journaled result of a call.
const StepResult = `{"title":"Settings: heating","chars":4120,"preview":"` + preview + `"}`

// Call returns the event that announces a call.
func Call() research.Event { return research.ToolCall(ToolName, map[string]any{"url": ToolURL}, nil) }

// Result returns the event with a call's result.
func Result() research.Event {
	return research.ToolResult(ToolName, map[string]any{"title": "Settings: heating", "chars": 4120, "preview": preview}, true, nil)
}

// Step returns one journaled tool call with the event of its result, about 300 bytes.
func Step(turn int) research.Step {
	return research.Step{Turn: turn, CallNo: 1, Try: 1, Kind: research.ToolStep, Tool: ToolName,
		Args: []byte(Args), Result: []byte(StepResult), Success: true, Duration: 12 * time.Millisecond,
		Events: []research.Event{Result()}}
}
