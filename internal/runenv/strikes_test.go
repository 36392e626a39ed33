package runenv

import (
	"encoding/json"
	"testing"

	"legwork/internal/agent"
	"legwork/internal/research"
)

// TestStrikesOutliveARun: a run that continues from a journal knows which domains asked for fewer requests.
func TestStrikesOutliveARun(t *testing.T) {
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
	s := strikes(journal)
	if s.Out("busy.example") {
		t.Error("two strikes end a domain")
	}
	if !s.Note("www.busy.example", 429) || !s.Out("busy.example") {
		t.Error("the third strike does not end the domain")
	}
	if s.Note("well.example", 429) || s.Out("well.example") {
		t.Error("a page that was read does not begin the count anew")
	}
}
