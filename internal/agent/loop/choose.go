package loop

import (
	"context"
	"fmt"

	"legwork/internal/agent"
	"legwork/internal/agent/modelcalls"
	"legwork/internal/agent/prompts"
	"legwork/internal/agent/reader"
	"legwork/internal/llm"
	"legwork/internal/research"
)

// Chooser chooses, for each task, the model or the built-in reader. A task keeps the choice of its first run.
type Chooser struct {
	Model  llm.Model // nil if no model is configured
	Limits modelcalls.Limits
}

// Pin names the provider, model and prompts that a new task is pinned to.
func (c Chooser) Pin() research.Pin {
	if c.Model == nil {
		return reader.Pin()
	}
	return research.Pin{Provider: c.Model.Provider(), Model: c.Model.Name(), Prompt: prompts.Version}
}

// Run researches a task with the model or the reader that the task is pinned to. Every process has the reader. If this
// process does not have the task's model or prompts, Run returns a transient failure, because another worker may have
// them.
func (c Chooser) Run(ctx context.Context, env agent.Env) (research.Result, error) {
	pin := env.Task.Pin
	switch {
	case pin.Provider == "" || pin.Provider == reader.Provider:
		return reader.Read(ctx, env)
	case c.Model != nil && pin.Provider == c.Model.Provider() && pin.Model == c.Model.Name() && prompts.Known(pin.Prompt):
		return Ask(ctx, env, c.Model, c.Limits)
	}
	return research.Result{}, &research.Failure{Code: research.CodeModelFailed, Transient: true, Message: fmt.Sprintf(
		"This task began with the model %s of %s (prompts %s), which this worker does not have. It waits for a worker that has; set LLM_PROVIDER and LLM_MODEL so, or ask again.",
		pin.Model, pin.Provider, pin.Prompt)}
}
