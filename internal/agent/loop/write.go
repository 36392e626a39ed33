package loop

import (
	"context"
	"time"

	"legwork/internal/agent"
	"legwork/internal/agent/answertext"
	"legwork/internal/agent/conversation"
	"legwork/internal/agent/modelcalls"
	"legwork/internal/agent/prompts"
	"legwork/internal/agent/proofs"
	"legwork/internal/agent/report"
	"legwork/internal/llm"
)

// Output tokens of one call for an answer. If a length is wanted, they follow from it.
const (
	answerTokens  = 2048
	tokensPerWord = 3
)

// write asks the model for the answer, in the words of the prompts.
func (a *run) write(ctx context.Context, stream *answertext.Stream) (modelcalls.Written, error) {
	shown := proofs.Within(a.shownProofs(), min(modelcalls.MaxAnswerPrompt, a.answerSize()))
	more, tokens, err := a.wishes()
	if err != nil {
		return modelcalls.Written{}, err
	}
	o := modelcalls.Composing{Purpose: modelcalls.Purpose{Purpose: modelcalls.ForAnswer, Budget: a.Budget, Ended: a.endedBy}, MaxTokens: tokens, Stream: stream, Hold: true}
	o.Shorter = func() ([]llm.Message, error) { return a.answerPrompt(proofs.Bare(shown[:(len(shown)+1)/2]), more) }
	if o.First, err = a.answerPrompt(shown, more); err != nil {
		return modelcalls.Written{}, err
	}
	return a.Compose(ctx, o)
}

// answerPrompt returns the messages that ask for the answer. more are further rules.
func (a *run) answerPrompt(shown []proofs.Proof, more string) ([]llm.Message, error) {
	data := map[string]any{"Question": a.Env.Task.Question, "Earlier": a.earlier(), "Evidence": shown, "Notes": a.notesForPrompt(),
		"Mark": a.mark, "Date": time.Now().UTC().Format("Monday, 2 January 2006")}
	rules, fixed, err := prompts.System(a.prompt, "answer_system", data)
	if err != nil {
		return nil, err
	}
	ask, err := prompts.Fill(a.prompt, "answer", data)
	return []llm.Message{{Role: llm.System, Text: rules + more, Fixed: fixed}, {Role: llm.User, Text: ask}}, err
}

// shownProofs lists the verified quotes with their numbers, for prompts.
func (a *run) shownProofs() []proofs.Proof {
	return proofs.List(a.Quotes, a.texts, func(q agent.Quote) string { return report.Described(a.SourceOf(q)) })
}

// notesForPrompt returns the model's notes. They may repeat words of a page, so they cannot close the tag around them.
func (a *run) notesForPrompt() []string {
	var out []string
	for _, n := range a.notes {
		out = append(out, prompts.Defuse(n))
	}
	return out
}

// answerSize is the greatest size of the quotes in the request for the answer, in bytes.
func (a *run) answerSize() int { return conversation.SizeOf(a.Model.Window()) }

// wishes returns the rules for the answer that depend on the task's options, and the limit of output tokens.
func (a *run) wishes() (rules string, tokens int, err error) {
	rules, err = prompts.Fill(prompts.Report, "contradictions", nil)
	tokens = answerTokens
	if words := a.Opts.Length; words > 0 && err == nil {
		var length string
		length, err = prompts.Fill(prompts.Report, "length", map[string]any{"Words": words})
		rules, tokens = length+"\n"+rules, min(max(words*tokensPerWord, answerTokens), modelcalls.MostTokens)
	}
	return "\n" + rules, tokens, err
}
