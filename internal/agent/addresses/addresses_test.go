package addresses

import (
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent"
	"legwork/internal/research"
)

// TestLinksByText: the text of a link stands for its address, on the page opened last that has it, unless the page has
// several links with that text.
func TestLinksByText(t *testing.T) {
	t.Parallel()
	open := []agent.Opened{
		{URL: "http://x/index.html", Links: []research.Link{{URL: "http://x/config.html", Text: "20. Server  Configuration"}, {URL: "http://x/a.html", Text: "more"}, {URL: "http://x/b.html", Text: "more"}, {URL: "http://x/old.html", Text: "Next"}}},
		{URL: "http://x/config.html", Links: []research.Link{{URL: "http://x/new.html", Text: "Next"}, {URL: "http://x/new.html", Text: "next"}}},
	}
	for text, want := range map[string]string{
		"20. server configuration": "http://x/config.html", "Next": "http://x/new.html", "/config.html": "http://x/config.html", "⟨a.html⟩": "http://x/a.html",
	} {
		known := Known{}
		for _, o := range open {
			for _, l := range o.Links {
				u, ok := known.Parse(l.URL, nil)
				require.True(t, ok)
				known.Note(u, Origin{})
			}
		}
		u, ok := known.Parse(text, open)
		require.True(t, ok, text)
		require.Equal(t, want, u.String(), text)
	}
	u, ok := Known{}.Parse("more", open)
	require.True(t, !ok || u.String() != "http://x/a.html" && u.String() != "http://x/b.html", "which link is meant is not known")
}
