package loop

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent"
	"legwork/internal/agent/agenttest"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// TestScreenshotTool: the model may ask for at most MaxScreenshots pictures, with calls in any of the accepted forms.
func TestScreenshotTool(t *testing.T) {
	t.Parallel()
	c := &agenttest.Camera{}
	script, change := lazily(func(url func(string) string) []testsite.Turn {
		heating := url("/manual/settings-heating.html")
		turns := []testsite.Turn{
			turn(call("take_screenshot")), // no url: the page opened last, which is the start page
			turn(testsite.ToolCall{Name: "screenshot", Arguments: `{"page_url":"` + heating + `","full_page":"yes"}`}),
			turn(testsite.ToolCall{Name: "take_screenshot", Arguments: `{"url":"` + heating + `","fullPage":true}`}), // the same call again, in another form
			turn(call("take_screenshot", "url", url("/manual/no-such-page.html"))),
			turn(call("cite", "url", heating, "quote", "boil_temperature")),
		}
		for _, p := range []string{"/manual/settings-network.html", "/manual/specifications.html", "/manual/errors.html", "/manual/descaling.html", "/manual/safety.html"} {
			turns = append(turns, turn(call("take_screenshot", "url", url(p)), call("take_screenshot", "url", url(p), "fullPage", "true")))
		}
		return append(turns, testsite.Turn{Text: "DONE"}, testsite.Turn{Text: "It is 100 degrees Celsius [1]."})
	})
	a := newAsking(t, script, change)
	a.Shoot = c.Shoot
	a.answered(t)
	require.Contains(t, a.server.Requests()[0].Tools(), agent.ToolScreenshot)
	require.Contains(t, a.lastMessage(1), "was kept for the user")
	require.Contains(t, a.lastMessage(3), "made this very call before")
	require.Contains(t, a.lastMessage(4), "could not be read")
	task := a.Finished()
	byModel := 0
	for _, r := range c.Shots {
		if len(r.Quotes) == 0 {
			byModel++
		}
	}
	require.Equal(t, c.Shots[0], page.ShotRequest{URL: a.site.URL("/index.html")})
	require.Equal(t, c.Shots[1], page.ShotRequest{URL: a.site.URL("/manual/settings-heating.html"), FullPage: true})
	require.LessOrEqual(t, byModel, agent.MaxScreenshots)
	require.Len(t, task.Screenshots, len(c.Shots))
	require.Equal(t, "boil_temperature", c.Shots[len(c.Shots)-1].Quotes[0], "the cited page, at the end")
	require.Contains(t, task.Citations[0].ScreenshotURL, c.Names[len(c.Names)-1])
}

// TestScreenshotLimit: the limit of pictures applies to all runs of a task together, and a refused call is refused again
// in a later run.
func TestScreenshotLimit(t *testing.T) {
	t.Parallel()
	c := &agenttest.Camera{}
	script, change := lazily(func(url func(string) string) []testsite.Turn {
		var turns []testsite.Turn
		for _, p := range []string{"/index.html", "/manual/settings-network.html", "/manual/specifications.html", "/manual/errors.html", "/manual/descaling.html", "/manual/settings-heating.html"} {
			turns = append(turns, turn(call("take_screenshot", "url", url(p)), call("take_screenshot", "url", url(p), "fullPage", "true")))
		}
		return append(turns, turn(call("cite", "url", url("/manual/settings-heating.html"), "quote", "boil_temperature")), testsite.Turn{Text: "DONE"}, testsite.Turn{Text: "100 degrees [1]."})
	})
	a := newAsking(t, script, change)
	a.Shoot = c.Shoot
	lost := errors.New("the worker was killed")
	a.AfterRecord = func(s research.Step) error {
		if s.Tool == agent.ToolCite {
			a.AfterRecord = nil
			return lost
		}
		return nil
	}
	_, err := a.run(t.Context())
	require.ErrorIs(t, err, lost)
	require.Len(t, c.Shots, agent.MaxScreenshots)
	a.answered(t)
	require.Len(t, c.Shots, agent.MaxScreenshots+1, "the cited page's at the end")
	refused := 0
	for _, e := range a.Bodies(research.EventToolResult) {
		if b, _ := json.Marshal(e); strings.Contains(string(b), "which is the limit. Go on without") {
			refused++
		}
	}
	require.Equal(t, 2, refused)
	for _, r := range a.server.Requests() {
		require.Contains(t, r.Tools(), agent.ToolScreenshot)
		break
	}
}

// TestScreenshotWithoutBrowser: without a browser the screenshot tool is not offered, and a call of the tool is refused.
func TestScreenshotWithoutBrowser(t *testing.T) {
	t.Parallel()
	script, change := lazily(func(url func(string) string) []testsite.Turn {
		return []testsite.Turn{
			turn(call("take_screenshot", "url", url("/index.html")), call("cite", "url", url("/index.html"), "quote", "the Aurora networked kettle")),
			{Text: "DONE"}, {Text: "It is a kettle [1]."},
		}
	})
	a := newAsking(t, script, change)
	a.answered(t)
	require.NotContains(t, a.server.Requests()[0].Tools(), agent.ToolScreenshot)
	require.Contains(t, a.server.Requests()[1].Raw, "no browser")
	require.Empty(t, a.Finished().Screenshots)
}

// TestEachCitationHasItsPicture: if one picture cannot show all citations of a page, each citation gets a picture of its
// own. This is also true if the run crashes and is resumed.
func TestEachCitationHasItsPicture(t *testing.T) {
	t.Parallel()
	c := &agenttest.Camera{Narrow: true}
	script, change := lazily(func(url func(string) string) []testsite.Turn {
		heating := url("/manual/settings-heating.html")
		return []testsite.Turn{
			turn(call("navigate_to", "url", heating)),
			turn(call("cite", "url", heating, "quote", "boil_temperature"), call("cite", "url", heating, "quote", "keep_warm_minutes"),
				call("cite", "url", url("/index.html"), "quote", "the Aurora networked kettle")),
			{Text: "DONE"}, {Text: "It boils [1], it keeps warm [2], and it is a kettle [3]."},
		}
	})
	a := newAsking(t, script, change)
	a.Shoot = c.Shoot
	lost := errors.New("the worker was killed")
	a.AfterRecord = func(s research.Step) error {
		if s.Tool == agent.ToolScreenshot {
			a.AfterRecord = nil
			return lost
		}
		return nil
	}
	_, err := a.run(t.Context())
	require.ErrorIs(t, err, lost)
	a.answered(t)
	task := a.Finished()
	require.Len(t, task.Citations, 3)
	require.Len(t, task.Screenshots, 3)
	names := map[string]bool{}
	for _, cite := range task.Citations {
		i := slices.IndexFunc(c.Names, func(name string) bool { return strings.Contains(cite.ScreenshotURL, name) })
		require.GreaterOrEqual(t, i, 0, cite.ScreenshotURL)
		require.Equal(t, cite.Excerpt, c.Shots[i].Quotes[0], "the picture was taken for this quote")
		require.False(t, names[c.Names[i]], "two citations share a picture that shows one of them")
		names[c.Names[i]] = true
	}
	steps, err := a.Store.Worker().Journal(t.Context(), a.Task.ID)
	require.NoError(t, err)
	pictures := 0
	for _, s := range steps {
		if s.Tool == agent.ToolScreenshot {
			pictures++
		}
	}
	require.Equal(t, 3, pictures, "what was recorded before the crash is not taken again")
}
