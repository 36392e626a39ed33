package loop

import (
	"context"
	"errors"
	"strings"
	"time"

	"legwork/internal/agent"
	"legwork/internal/agent/answertext"
	"legwork/internal/agent/conversation"
	"legwork/internal/agent/draft"
	"legwork/internal/agent/prompts"
	"legwork/internal/agent/proofs"
	"legwork/internal/agent/report"
	"legwork/internal/llm"
)

// Bounds of the calls that write the answer.
const (
	answerTokens = 2048 // output tokens of one call
	maxContinued = 2    // how often an answer is continued after it reached the limit of output tokens
	maxRewritten = 1    // how often the answer is asked for again after a reply that is no answer (see draft.Flaw)

	maxAnswerPrompt = 60_000 // bytes of the quotes with what stands around them
)

// written is the text of an answer, and the reason why it is incomplete or unusable. The reason is empty for a good
// answer.
type written struct {
	text string
	flaw string
	over bool // no further calls are possible: the time is up, or the model failed
}

// write asks the model for the answer, in the words of the prompts.
func (a *run) write(ctx context.Context, stream *answertext.Stream) (written, error) {
	shown := proofs.Within(a.shownProofs(), min(maxAnswerPrompt, a.answerSize()))
	more, tokens, err := a.wishes()
	if err != nil {
		return written{}, err
	}
	o := composing{purpose: purpose{Purpose: forAnswer, Budget: a.Budget, Ended: a.endedBy}, maxTokens: tokens, stream: stream, hold: true}
	o.shorter = func() ([]llm.Message, error) { return a.answerPrompt(proofs.Bare(shown[:(len(shown)+1)/2]), more) }
	if o.first, err = a.answerPrompt(shown, more); err != nil {
		return written{}, err
	}
	return a.compose(ctx, o)
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
func (a *run) answerSize() int { return conversation.SizeOf(a.model.Window()) }

// wishes returns the rules for the answer that depend on the task's options, and the limit of output tokens.
func (a *run) wishes() (rules string, tokens int, err error) {
	rules, err = prompts.Fill(prompts.Report, "contradictions", nil)
	tokens = answerTokens
	if words := a.Opts.Length; words > 0 && err == nil {
		var length string
		length, err = prompts.Fill(prompts.Report, "length", map[string]any{"Words": words})
		rules, tokens = length+"\n"+rules, min(max(words*tokensPerWord, answerTokens), mostTokens)
	}
	return "\n" + rules, tokens, err
}

// Output tokens of an answer whose length is wanted.
const (
	tokensPerWord = 3
	mostTokens    = 8192
)

// composing describes a text that the model is to write.
type composing struct {
	purpose   purpose
	first     []llm.Message
	maxTokens int                // of one reply
	stream    *answertext.Stream // nil if the text is not published
	hold      bool               // the text may end with contradictions, which are not published
	json      bool               // the text is JSON, so that it may look like tool calls
	// shorter returns a shorter request, for a model that refuses the first one as too long. It may be nil.
	shorter func() ([]llm.Message, error)

	streamed *string // the part of the text that the stream has got
}

// compose asks the model for a text. A text that reached the limit of tokens is continued. The text is asked for once
// more if it is empty, calls tools, contains the tags of our prompts, repeats itself or was withheld, and if the request
// was refused: then as a shorter one if it was too long, and else as one plain message. A further call is made only
// within the budgets of time and tokens. If there is no good text in the end, compose returns the reason and the whole
// sentences written so far; for an answer, the quotes then serve as the answer if there are none. After a transient
// failure it returns an error, which fails the task's try, unless this is the last try.
func (a *run) compose(ctx context.Context, o composing) (written, error) {
	messages, text, continued, rewritten := o.first, "", 0, 0
	o.streamed = new(string)
	for {
		d, err := a.writeOnce(ctx, o, messages, text)
		if err != nil {
			return written{}, err
		}
		whole := text + d.reply.Text
		flaw := d.problem
		if flaw == "" && !o.json {
			flaw = draft.Flaw(whole, d.reply.Stop)
		}
		spare := a.mayAsk(o.purpose) && (a.writeBy.IsZero() || time.Until(a.writeBy) > time.Second)
		switch {
		case flaw == "" && d.reply.Stop == llm.StopLength && continued < maxContinued && spare:
			continued++
			text = whole
			messages = append(o.first[:len(o.first):len(o.first)], llm.Message{Role: llm.Assistant, Text: whole},
				llm.Message{Role: llm.User, Text: "Your answer reached the limit of length. Continue it exactly where it stops, without repeating anything."})
			continue
		case flaw == "" && d.reply.Stop == llm.StopLength && !o.json:
			return written{text: answertext.WholeSentences(whole), flaw: "the answer reached the limit of length"}, nil
		case flaw == "":
			return written{text: answertext.WithoutThinking(whole)}, nil
		case d.problem != "" && (d.refusal == "" || text != "" || d.refusal == llm.TooLong && o.shorter == nil):
			return written{text: answertext.WholeSentences(text + d.partial), flaw: flaw, over: true}, nil
		case rewritten == maxRewritten || !spare:
			return written{text: draft.Usable(text+d.partial, d.reply.Stop), flaw: flaw, over: d.problem != ""}, nil
		}
		rewritten++
		text = ""
		switch d.refusal {
		case llm.TooLong:
			if o.first, err = o.shorter(); err != nil {
				return written{}, err
			}
			messages = o.first
		case llm.BadRequest: // some servers refuse system messages
			var all []string
			for _, m := range o.first {
				all = append(all, m.Text)
			}
			o.first = []llm.Message{{Role: llm.User, Text: strings.Join(all, "\n\n")}}
			messages = o.first
		default:
			messages = append(o.first[:len(o.first):len(o.first)], llm.Message{Role: llm.User, Text: "Write the answer now, once, as plain text: no tool calls, no tags, nothing twice."})
		}
	}
}

// attempt is the outcome of one call for a text.
type attempt struct {
	reply   llm.Reply
	problem string   // why there is no reply; empty if there is one
	refusal llm.Kind // the kind of a refusal after which the call may be made in another way
	partial string   // what arrived before the problem
}

// writeOnce makes one call for a text. before is the part of the text that earlier calls wrote. A reply that begins to
// repeat itself is cut off.
func (a *run) writeOnce(ctx context.Context, o composing, messages []llm.Message, before string) (attempt, error) {
	var arrived strings.Builder
	r := llm.Request{Messages: messages, MaxTokens: o.maxTokens}
	if window := a.model.Window(); window > 0 {
		r.MaxTokens = min(r.MaxTokens, window/4)
	}
	add := func(string) {}
	restart := arrived.Reset
	if o.stream != nil {
		hold := report.NewHold(o.stream.Add)
		publish := o.stream.Add
		if o.hold {
			publish = hold.Add
		}
		add = func(piece string) {
			*o.streamed += piece
			publish(piece)
		}
		restart = func() {
			arrived.Reset()
			*o.streamed = ""
			hold.Restart()
			o.stream.Restart()
			add(before)
		}
		if before == "" || o.hold || *o.streamed != before { // otherwise the stream goes on where it is
			restart()
		}
	}
	if !o.json || o.stream != nil {
		r.OnText = func(piece string) {
			arrived.WriteString(piece)
			add(piece)
		}
	}
	if !o.json {
		r.Enough = draft.Repeating(before)
	}
	reply, err := a.generate(ctx, o.purpose, r, restart)
	var failure *llm.Error
	switch {
	case errors.Is(err, errTimeUp):
		a.NoteBudget("timeBudget")
		return attempt{problem: "the time budget ended while the answer was written", partial: arrived.String()}, nil
	case errors.As(err, &failure) && failure.Transient() && !a.Env.LastTry:
		return attempt{}, failed(failure)
	case errors.As(err, &failure):
		d := attempt{problem: failure.Message, partial: arrived.String()}
		if failure.Kind == llm.TooLong || failure.Kind == llm.BadRequest {
			d.refusal = failure.Kind
		}
		return d, nil
	}
	return attempt{reply: reply, partial: reply.Text}, err
}
