package progress

import (
	"strings"
	"testing"
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
