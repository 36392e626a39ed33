package runenv

import (
	"encoding/json"
	"testing"

	"legwork/internal/agent"
	"legwork/internal/research"
)

// TestBusyAnswersOfEarlierRuns checks that a run counts the responses with status 429 and 503 in the journal of earlier
// runs.
func TestBusyAnswersOfEarlierRuns(t *testing.T) {
	t.Parallel()
	var journal []research.Step
	add := func(tool, url string, status int) {
		result, err := json.Marshal(map[string]any{"url": url, "status": status, "outcome": "x"})
		if err != nil {
			t.Fatal(err)
		}
		journal = append(journal, research.Step{Kind: research.ToolStep, Tool: tool, Result: result})
	}
	for range 2 {
		add(agent.ToolNavigate, "http://busy.example/a", 503)
		add(agent.ToolNavigate, "http://well.example/a", 429)
	}
	add(agent.ToolNavigate, "http://well.example/b", 200)
	add(agent.ToolFind, "http://busy.example/a", 503)
	journal = append(journal, research.Step{Tool: agent.ToolNavigate, Result: []byte("{")})
	s := busyAnswers(journal)
	if s.Exceeded("busy.example") {
		t.Error("two busy answers end the requests to a domain")
	}
	if !s.Note("www.busy.example", 429) || !s.Exceeded("busy.example") {
		t.Error("the third busy answer does not end the requests to the domain")
	}
	if s.Note("well.example", 429) || s.Exceeded("well.example") {
		t.Error("a page that was read does not reset the count")
	}
}
