package reader

import (
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent/agenttest"
	"legwork/internal/testsite"
)

// TestReaderFollowsUp: a question that contains no name is completed by its parent's question, and the parent's pages
// are read again.
func TestReaderFollowsUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := testsite.Start(t)
	o := agenttest.Options()
	o.SeedURL = site.URL("/index.html")
	first := w.Submit("What does boil_temperature mean on the Aurora kettle?", o)
	_, err := first.Run(t.Context())
	require.NoError(t, err)
	parent := first.Sound(t)
	o.SeedURL = ""
	second := w.Follow(&parent, "What is its default?", o)
	_, err = second.Run(t.Context())
	require.NoError(t, err)
	task := second.Sound(t)
	require.Contains(t, *task.Answer, "100 degrees")
	first.Remove()
	second.Sound(t)
}
