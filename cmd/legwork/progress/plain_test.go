package progress

import (
	"testing"

	"legwork/api"
)

func TestWithoutQuotes(t *testing.T) {
	t.Parallel()
	one, two := "The default is 25 minutes.", "Name: port\nDefault: 7047"
	citations := []api.Citation{{Excerpt: &one}, {Excerpt: &two}, {}}
	for answer, want := range map[string]string{
		"These passages answer best.\n\n> The default is 25 minutes.\n\n[1] Heating\n\n> Name: port\n> Default: 7047\n\n[2] Network": "These passages answer best.",
		"It is 25 minutes [1].\n\n> Somebody else said so.\n\n[3] Elsewhere":                                                         "It is 25 minutes [1].\n\n> Somebody else said so.\n\n[3] Elsewhere",
		"> The default is\n> 25 minutes.\n\n[1] Heating":                                                                             "> The default is\n> 25 minutes.\n\n[1] Heating",
		"First.\n\n[1] is the source.\n\nLast.":                                                                                      "First.\n\n[1] is the source.\n\nLast.",
	} {
		if got := withoutQuotes(answer, citations); got != want {
			t.Errorf("%q became %q, want %q", answer, got, want)
		}
	}
}
