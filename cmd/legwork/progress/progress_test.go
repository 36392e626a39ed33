package progress

import (
	"strings"
	"testing"

	"legwork/api"
	"legwork/internal/terminaltext"
)

// TestProgressWrites checks that a terminal shows the answer while it is being written, and that an answer that
// arrives as one delta is not shown twice.
func TestProgressWrites(t *testing.T) {
	t.Parallel()
	for want, deltas := range map[string][]Event{
		"   ✎  It is 100.\n":                     {{Text: "It "}, {Offset: 3, Text: "is "}, {Offset: 6, Text: "100."}},
		"   ✎  It is\n   ✎  Perhaps\n      90\n": {{Text: "It "}, {Offset: 3, Text: "is"}, {Text: "Per"}, {Offset: 3, Text: "haps\n90"}},
		"": {{Text: "The whole answer."}},
	} {
		var out strings.Builder
		show := New(&out, false)
		for _, e := range deltas {
			e.Type = "agent:delta"
			show.Event(e)
		}
		show.Event(Event{Seq: 7, Type: "agent:complete"})
		if got := out.String(); got != want+"   7  answered\n" {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestNotAnswered: the last line says so if the pages do not answer the question.
func TestNotAnswered(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	New(&out, false).Event(Event{Seq: 7, Type: "agent:complete", Metadata: map[string]any{"answered": false}})
	if got := out.String(); !strings.Contains(got, "7  not answered") {
		t.Errorf("%q", got)
	}
}

// TestNothingCommandsTheTerminal checks that no field of an event or a task can send a control character or an override of
// direction to the terminal.
func TestNothingCommandsTheTerminal(t *testing.T) {
	t.Parallel()
	const hostile = "x\x1b]0;title\a\u202ey\u009bz\x9b"
	var out strings.Builder
	show := New(&out, false)
	for _, kind := range []string{"agent:thinking", "agent:tool_call", "agent:tool_result", "agent:error", "agent:complete", hostile} {
		show.Event(Event{Type: kind, Content: hostile, Tool: hostile, Args: map[string]any{hostile: hostile, "n": []any{hostile}}, Result: map[string]any{hostile: hostile},
			Error: hostile, Frame: []byte(hostile)})
	}
	show.Event(Event{Type: "agent:delta", Text: hostile})
	show.Event(Event{Type: "agent:delta", Offset: 3, Text: hostile})
	text := hostile
	show.Answer(api.Task{TaskID: hostile, Answer: &text, Citations: []api.Citation{{Title: hostile, URL: hostile, Excerpt: &text}}})
	show.Answer(api.Task{Status: hostile, Error: &text})
	if got := out.String(); terminaltext.Clean(got) != got || strings.Count(got, "title") < 12 {
		t.Errorf("%q", got)
	}
}
