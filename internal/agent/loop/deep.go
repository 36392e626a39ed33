package loop

import (
	"context"
	"errors"

	"legwork/internal/agent/modelcalls"
	"legwork/internal/agent/planning"
	"legwork/internal/agent/prompts"
	"legwork/internal/llm"
	"legwork/internal/research"
)

// deeply returns what decides about the runs of a deep task.
func (a *run) deeply() planning.Deep {
	return planning.Deep{Task: a.Env.Task, Children: a.Env.Children, Left: a.Env.Left, Mark: a.mark, Defuse: prompts.Defuse, Ask: a.askPlanner, Write: a.writeFromChildren,
		Journaled: a.Replays, GiveUp: func() bool { return a.Env.LastTry || a.Env.ReadingTime() <= 0 }}
}

func (a *run) writeFromChildren(ctx context.Context) (res research.Result, quoted bool, err error) {
	if a.inherit(); len(a.Quotes) == 0 {
		return a.notFoundResult(), false, nil
	}
	if res, err = a.answer(ctx); err == nil {
		err = a.PictureCited(ctx, res.Cited)
	}
	return res, true, err
}

// askPlanner makes a model call for a plan. Its error is a *research.Failure if the model fails or the time is up.
func (a *run) askPlanner(ctx context.Context, name string, messages []llm.Message) (string, error) {
	reply, err := a.Generate(ctx, modelcalls.Purpose{Purpose: name}, llm.Request{Messages: messages, MaxTokens: planning.MostTokens})
	if problem := (*llm.Error)(nil); errors.As(err, &problem) {
		err = modelcalls.Failed(problem)
	} else if errors.Is(err, modelcalls.ErrTimeUp) {
		err = &research.Failure{Code: research.CodeModelFailed, Message: "The model made no plan within the time budget.", Transient: true, Cause: err}
	}
	return reply.Text, err
}
