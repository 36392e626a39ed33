// Package workload is what the tasks, events and steps of every measurement say. legwork and its references write the same bytes.
package workload

import (
	"time"

	"legwork/internal/research"
)

// What a task asks, as text and as the body of its submission.
const (
	Question   = "What is the default value of keep_warm_minutes?"
	Submission = `{"question":"` + Question + `","timeBudget":60}`
)

// The call of a run and its answer.
const (
	ToolName   = "get_page_content"
	ToolURL    = "https://docs.example.org/manual/settings-heating.html"
	Args       = `{"url":"` + ToolURL + `"}`
	AnswerText = "The default value is 25 minutes. It applies to every circuit that does not set its own."
)

// Calls is how many tool calls a run makes: with submission, claim, the last thought and completion it has 20 events, each committed
// on its own.
const Calls = 8

const preview = "keep_warm_minutes: how long the circuit is held at temperature after the last demand. Default 25 minutes."

// StepResult is the journaled result of a call.
const StepResult = `{"title":"Settings: heating","chars":4120,"preview":"` + preview + `"}`

// Call gives the event that announces a call.
func Call() research.Event { return research.ToolCall(ToolName, map[string]any{"url": ToolURL}, nil) }

// Result gives the event of a call's result.
func Result() research.Event {
	return research.ToolResult(ToolName, map[string]any{"title": "Settings: heating", "chars": 4120, "preview": preview}, true, nil)
}

// Step gives one journaled tool call with its result event, about 300 bytes.
func Step(turn int) research.Step {
	return research.Step{Turn: turn, CallNo: 1, Try: 1, Kind: research.ToolStep, Tool: ToolName,
		Args: []byte(Args), Result: []byte(StepResult), Success: true, Duration: 12 * time.Millisecond,
		Events: []research.Event{Result()}}
}
