package reader

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent"
	"legwork/internal/agent/agenttest"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// TestCitedPagesArePictured: for each cited page a screenshot is taken. It shows the first quote that the answer takes
// from the page.
func TestCitedPagesArePictured(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	c := &agenttest.Camera{}
	j := newWorld(t).Submit("What is the default value of max_clients, and how long is the water kept warm after boiling?", agenttest.Seeded(site, "/index.html"))
	j.Shoot = c.Shoot
	res, err := j.Run(t.Context())
	require.NoError(t, err)
	task := j.Pictured()
	require.NotEmpty(t, task.Screenshots)
	for i, r := range c.Shots {
		at := slices.IndexFunc(task.Citations, func(c research.Evidence) bool { return c.URL == r.URL })
		var excerpts []string
		for _, c := range task.Citations {
			if c.URL == r.URL {
				excerpts = append(excerpts, c.Excerpt)
			}
		}
		require.Equal(t, excerpts, r.Quotes, "all quotes of its page")
		require.False(t, r.FullPage)
		require.Contains(t, task.Citations[at].ScreenshotURL, c.Names[i])
		require.Regexp(t, `^shot-\d{3}-\d$`, c.Names[i])
	}
	require.Len(t, res.Cited, len(task.Citations))
}

// TestNoBrowserNoPictures: without a browser, no screenshot is attempted and no event about screenshots is stored.
func TestNoBrowserNoPictures(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	j := newWorld(t).Submit("What is the default value of max_clients?", agenttest.Seeded(site, "/index.html"))
	_, err := j.Run(t.Context())
	require.NoError(t, err)
	for _, c := range append(j.Calls, j.Thoughts...) {
		require.NotContains(t, strings.ToLower(c), "screenshot")
	}
	require.Empty(t, j.Finished().Screenshots)
	require.Empty(t, j.Finished().Citations[0].ScreenshotURL)
}

// TestFailedPictures: a screenshot that fails is reported and skipped, whatever the error. The other screenshots and the
// answer do not change.
func TestFailedPictures(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(ctx context.Context) error{
		"problem": func(context.Context) error {
			return &page.ShotError{Outcome: research.OutcomeNotFound, Message: "The page is gone."}
		},
		"hang":  func(ctx context.Context) error { <-ctx.Done(); return fmt.Errorf("shot: %w", ctx.Err()) },
		"panic": func(context.Context) error { panic("a defect") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := testsite.Start(t)
			o := agenttest.Seeded(site, "/index.html")
			o.TimeBudget = 8 * time.Second
			c := &agenttest.Camera{Before: func(ctx context.Context, n int, _ page.ShotRequest) error {
				if n == 0 {
					return fail(ctx)
				}
				return nil
			}}
			j := newWorld(t).Submit("What is the default value of max_clients?", o)
			j.Shoot = c.Shoot
			_, err := j.Run(t.Context())
			require.NoError(t, err)
			task := j.Finished()
			require.Equal(t, research.Completed, task.Status)
			bad := c.Taken()[0]
			for _, cite := range task.Citations {
				require.Equal(t, cite.URL == bad, cite.ScreenshotURL == "", "%s: %q", cite.URL, cite.ScreenshotURL)
			}
			failures := 0
			for _, e := range j.Bodies(research.EventToolResult) {
				if e["tool"] == agent.ToolScreenshot && e["success"] == false {
					failures++
					result, _ := e["result"].(map[string]any)
					require.NotEmpty(t, result["message"])
				}
			}
			require.Equal(t, 1, failures)
			require.Len(t, task.Screenshots, len(c.Shots)-1)
		})
	}
}

// TestResumedPictures: a run ends while it takes its screenshots. The next run takes the missing ones, and gives the
// same result as an undisturbed run.
func TestResumedPictures(t *testing.T) {
	t.Parallel()
	for crash := range 3 {
		t.Run(fmt.Sprint(crash), func(t *testing.T) {
			t.Parallel()
			site := testsite.Start(t)
			c := &agenttest.Camera{}
			j := newWorld(t).Submit("What is the default value of max_clients, and how long is the water kept warm after boiling?", agenttest.Seeded(site, "/index.html"))
			j.Shoot = c.Shoot
			lost, made := errors.New("the worker was killed"), 0
			j.AfterRecord = func(s research.Step) error {
				if s.Tool == agent.ToolScreenshot {
					if made++; made == crash {
						return lost
					}
				}
				return nil
			}
			if crash == 0 { // the picture was announced and taken, but not recorded
				j.BeforeRecord = func(s research.Step) error {
					if s.Tool == agent.ToolScreenshot && made == 0 {
						made = 100
						return lost
					}
					return nil
				}
			}
			_, err := j.Run(t.Context())
			if errors.Is(err, lost) {
				_, err = j.Run(t.Context())
			}
			require.NoError(t, err)
			task := j.Pictured()
			require.GreaterOrEqual(t, len(task.Screenshots), 2)
			steps, err := j.Store.Worker().Journal(t.Context(), j.Task.ID)
			require.NoError(t, err)
			n := map[string]int{}
			for _, s := range steps {
				if s.Tool == agent.ToolScreenshot {
					n[string(s.Args)]++
				}
			}
			for args, times := range n {
				require.Equal(t, 1, times, args)
			}
			require.Len(t, n, len(task.Screenshots))
		})
	}
}
