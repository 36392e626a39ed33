package store_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"legwork/internal/research"
)

// TestLinksAreStoredOnce checks that a step does not store the links that its visit stores, and that the journal returns
// the step's result with the links.
func TestLinksAreStoredOnce(t *testing.T) {
	b := setup(t)
	task := b.task("default", question("q"))
	b.claim(task.ID, 1)
	links := []research.Link{{URL: "http://a.example/1", Text: "a <b> & c"}, {URL: "http://a.example/2", Context: "x"}}
	other := []research.Link{{URL: "http://a.example/3"}}
	for i, c := range []struct {
		name              string
		ofVisit, ofResult []research.Link
		cached, moved     bool
	}{
		{"the same", links, links, false, true},
		{"others", links, other, false, false},
		{"a visit that keeps none", nil, links, false, false},
		{"a page from its snapshot", links, links, true, false},
		{"none", []research.Link{}, nil, false, false},
	} {
		v := visit("http://a.example/", snapshot("T", "en", c.name))
		v.Links, v.Cached = c.ofVisit, c.cached
		result := map[string]any{"outcome": "ok", "n": 12345678901234567}
		if c.ofResult != nil {
			result["links"] = c.ofResult
		}
		raw, err := research.EncodeJSON(result)
		if err != nil {
			t.Fatal(err)
		}
		step := research.Step{Turn: i + 1, CallNo: 1, Try: 1, Kind: research.ToolStep, Tool: "navigate_to", Result: raw, Success: true, Visit: v}
		if _, _, err := b.RecordStep(b.ctx, nil, task.ID, 1, step); err != nil {
			t.Fatal(err)
		}
		var stored string
		if err := b.Pool().QueryRow(b.ctx, "SELECT result::text FROM steps WHERE task_id = $1 AND turn = $2", task.ID, i+1).Scan(&stored); err != nil {
			t.Fatal(err)
		}
		if moved := len(stored) < len(raw); moved != c.moved {
			t.Errorf("%s: the step has %s", c.name, stored)
		}
		steps, err := b.Journal(b.ctx, task.ID)
		if err != nil {
			t.Fatal(err)
		}
		var got, want struct {
			Outcome string
			N       int64
			Links   []research.Link
		}
		if json.Unmarshal(steps[i].Result, &got) != nil || json.Unmarshal(raw, &want) != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the journal gives %s, want %s", c.name, steps[i].Result, raw)
		}
	}
}
