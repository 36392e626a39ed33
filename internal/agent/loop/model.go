package loop

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"legwork/internal/agent/conversation"
	"legwork/internal/agent/modelcalls"
	"legwork/internal/agent/prompts"
	"legwork/internal/agent/toolcalls"
	"legwork/internal/llm"
)

// askModel asks the model for its next step, within the reading time. If the conversation is too long, it is shortened
// and sent again. If the model does not support tools, the model is asked to write its calls as text. inTime is false if
// the reading time ended before the reply came.
func (a *run) askModel(ctx context.Context) (reply llm.Reply, inTime bool, err error) {
	a.talk.Compact()
	p := modelcalls.Purpose{Purpose: modelcalls.ForResearch, Left: a.whatIsLeft()}
	if next, ok := a.Replay(); ok { // an earlier run has told it
		p.Left = next.Left
	}
	if p.Left != "" {
		a.talk.Tell(p.Left)
	}
	for {
		messages, err := a.conversation()
		if err != nil {
			return llm.Reply{}, false, err
		}
		r := llm.Request{Messages: messages, MaxTokens: conversation.OutputOf(a.Model.Window())}
		if !a.inText {
			r.Tools = toolcalls.Offered(a.Env.Shoot != nil)
		}
		reply, err := a.Generate(ctx, p, r)
		var problem *llm.Error
		switch {
		case err == nil:
			return reply, true, nil
		case errors.Is(err, modelcalls.ErrTimeUp):
			a.NoteBudget("timeBudget")
			return llm.Reply{}, false, nil
		case !errors.As(err, &problem):
			return llm.Reply{}, false, err
		case problem.Kind == llm.NoTools && !a.inText:
			a.inText = true
		case problem.Kind == llm.TooLong && a.talk.Shrink(a.Model.Window()):
		case len(a.Quotes) > 0 && (!problem.Transient() || a.Env.LastTry): // the quotes found so far are used for the answer
			a.endedBy = problem.Message
			return llm.Reply{}, false, nil
		default:
			return llm.Reply{}, false, modelcalls.Failed(problem)
		}
	}
}

// assistantMessage returns a reply as a message of the conversation. It replaces the ids of the calls by its own,
// because some providers give none and others require a certain form.
func (a *run) assistantMessage(reply llm.Reply, text string, calls []toolcalls.Call, written bool) llm.Message {
	m := llm.Message{Role: llm.Assistant, Text: text}
	if written || len(calls) == 0 {
		m.Text = strings.TrimSpace(reply.Text)
		if m.Text == "" {
			m.Text = "(nothing)"
		}
		return m
	}
	for i, c := range calls {
		m.Calls = append(m.Calls, llm.Call{ID: a.callID(i), Name: c.Name, Arguments: c.Arguments})
	}
	return m
}

func (a *run) callID(i int) string { return fmt.Sprintf("t%05dc%02d", a.ReplyTurn%100000, i%100)[:9] }

// untrusted puts text from the web into the tag for untrusted text.
func (a *run) untrusted(text string) string {
	return "<" + a.mark + ">\n" + prompts.Defuse(text) + "\n</" + a.mark + ">"
}
