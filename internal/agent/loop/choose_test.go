package loop

import (
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent/prompts"
	"legwork/internal/agent/reader"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// TestPinHolds: a task keeps the model of its first run. A worker without this model does not run the task.
func TestPinHolds(t *testing.T) {
	t.Parallel()
	a := newAsking(t, testsite.Play())
	model := Chooser{Model: a.model}
	require.Equal(t, research.Pin{Provider: "openai", Model: "scripted", Prompt: prompts.Version}, model.Pin())
	require.Equal(t, research.Pin{Provider: "reader", Prompt: reader.Version}, Chooser{}.Pin())

	env := a.Env() // pins the task to the reader
	env.Task = a.Finished()
	env.Task.Options.Format, env.Task.Options.OutputSchema = research.FormatReport, []byte(`{}`)
	require.Equal(t, Chooser{}.Pin(), env.Task.Pin)
	res, err := model.Run(t.Context(), env)
	require.NoError(t, err)
	require.Equal(t, false, res.Metadata["languageModel"])
	require.Contains(t, res.Metadata["formatProblem"], "needs a language model")
	require.Contains(t, res.Metadata["dataProblem"], "needs a language model")
	require.Empty(t, a.server.Requests(), "a task that began with the reader stays with it")

	for _, pin := range []research.Pin{
		{Provider: "openai", Model: "another", Prompt: prompts.Version}, {Provider: "anthropic", Model: "scripted", Prompt: prompts.Version},
		{Provider: "openai", Model: "scripted", Prompt: "ask/0"},
	} {
		for _, c := range []Chooser{model, {}} {
			env.Task.Pin = pin
			_, err := c.Run(t.Context(), env)
			var f *research.Failure
			require.ErrorAs(t, err, &f)
			require.True(t, f.Transient)
			require.Equal(t, research.CodeModelFailed, f.Code)
			require.Contains(t, f.Message, pin.Model)
		}
	}
	a.Fail(&research.Failure{Code: research.CodeInternal, Message: "The test is over."})
}

// TestOldPrompts: a task whose first run used an older version of the prompts continues with that version.
func TestOldPrompts(t *testing.T) {
	t.Parallel()
	a := newAsking(t, testsite.Play())
	env := a.Env()
	env.Task.Pin = research.Pin{Provider: "openai", Model: "scripted", Prompt: "ask/3"}
	_, err := Chooser{Model: a.model}.Run(t.Context(), env)
	require.Error(t, err, "the script has no turns")
	require.Len(t, a.server.Requests(), 1)
	require.Contains(t, a.server.Requests()[0].Raw, "stop calling tools and say DONE in one short sentence")
	a.Fail(&research.Failure{Code: research.CodeInternal, Message: "The test is over."})
}
