package agent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent"
	"legwork/internal/agent/agenttest"
	"legwork/internal/page"
	"legwork/internal/research"
)

// citing returns a session whose journal has n citations, each on another page. c takes the pictures. The second result
// has the evidence numbers of the citations.
func citing(t *testing.T, n int, c *agenttest.Camera, change func(*agent.Env)) (*agent.Session, []int) {
	t.Helper()
	env := agent.Env{Task: research.Task{Options: research.Options{TimeBudget: time.Minute}}, Started: time.Now(), Shoot: c.Shoot,
		Page:   func(context.Context, string) (research.Page, error) { return research.Page{Text: "Hello, world"}, nil },
		Emit:   func(context.Context, ...research.Event) error { return nil },
		Record: func(context.Context, research.Step) ([]research.Evidence, error) { return nil, nil }}
	var cited []int
	for i := range n {
		quote, err := research.EncodeJSON(agent.Cited{Evidence: i + 1, PageID: "p", URL: fmt.Sprintf("https://example.org/%d", i), Start: 0, End: 5})
		require.NoError(t, err)
		env.Journal = append(env.Journal, research.Step{Turn: i + 1, CallNo: 1, Kind: research.ToolStep, Tool: agent.ToolCite,
			Args: fmt.Appendf(nil, `{"n":%d}`, i), Result: quote, Success: true})
		cited = append(cited, i+1)
	}
	change(&env)
	return agent.NewSession(env), cited
}

// TestNoTimeForPictures: pictures take only the time that the task's budget and the run's hard limit leave.
func TestNoTimeForPictures(t *testing.T) {
	t.Parallel()
	soon, cancel := context.WithTimeout(t.Context(), agent.TimeToEnd)
	defer cancel()
	for name, tt := range map[string]struct {
		ctx   context.Context
		since time.Duration
		shots int
	}{
		"time": {t.Context(), 0, 1}, "budget used up": {t.Context(), time.Minute, 0}, "limit near": {soon, 0, 0},
	} {
		c := &agenttest.Camera{}
		var told []research.Event
		s, cited := citing(t, 1, c, func(e *agent.Env) {
			e.Started = time.Now().Add(-tt.since)
			e.Emit = func(_ context.Context, events ...research.Event) error { told = append(told, events...); return nil }
		})
		require.NoError(t, s.PictureCited(tt.ctx, cited), name)
		require.Len(t, c.Shots, tt.shots, name)
		if tt.shots == 0 {
			require.Len(t, told, 1, name)
			require.Contains(t, string(told[0].Body), "No time is left")
		}
	}
}

// TestPicturesAtOnce: a limited number of screenshots is taken at the same time, and they are recorded in the order of
// the answer.
func TestPicturesAtOnce(t *testing.T) {
	t.Parallel()
	var started sync.WaitGroup
	started.Add(agent.ScreenshotsAtOnce)
	c := &agenttest.Camera{Before: func(_ context.Context, n int, _ page.ShotRequest) error {
		if n < agent.ScreenshotsAtOnce {
			started.Done()
			started.Wait() // the first pictures have all started
		}
		return nil
	}}
	var recorded, want []string
	s, cited := citing(t, 9, c, func(e *agent.Env) {
		e.Record = func(_ context.Context, step research.Step) ([]research.Evidence, error) {
			var p struct{ URL string }
			err := json.Unmarshal(step.Result, &p)
			recorded = append(recorded, p.URL)
			return nil, err
		}
	})
	for i := range cited {
		want = append(want, fmt.Sprintf("https://example.org/%d", i))
	}
	require.NoError(t, s.PictureCited(t.Context(), cited))
	require.Equal(t, want, recorded)
	require.Equal(t, agent.ScreenshotsAtOnce, c.Most)
}
