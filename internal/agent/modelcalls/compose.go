package modelcalls

import (
	"context"
	"errors"
	"strings"
	"time"

	"legwork/internal/agent/answertext"
	"legwork/internal/agent/draft"
	"legwork/internal/agent/report"
	"legwork/internal/llm"
)

// Bounds of the calls that write a text.
const (
	maxContinued = 2 // how often a text is continued after it reached the limit of output tokens
	maxRewritten = 1 // how often it is asked for again after a reply that is no answer (see draft.Flaw)

	// MostTokens is the greatest number of output tokens of one call for an answer.
	MostTokens = 8192
)

// Written is a text that the model wrote.
type Written struct {
	Text string
	Flaw string // why the text is incomplete or unusable; empty for a good one
	Over bool   // no further calls are possible: the time is up, or the model failed
}

// Composing describes a text that the model is to write.
type Composing struct {
	Purpose   Purpose
	First     []llm.Message
	MaxTokens int                // of one reply
	Stream    *answertext.Stream // nil if the text is not published
	Hold      bool               // the text may end with contradictions, which are not published
	JSON      bool               // the text is JSON, so that it may look like tool calls
	// Shorter returns a shorter request, for a model that refuses the first one as too long. It may be nil.
	Shorter func() ([]llm.Message, error)

	streamed *string // the part of the text that the stream has got
}

// Compose asks the model for a text. A text that reached the limit of tokens is continued. The text is asked for once
// more if it is empty, calls tools, contains the tags of our prompts, repeats itself or was withheld, and if the request
// was refused: then as a shorter one if it was too long, and else as one plain message. A further call is made only
// within the budgets of time and tokens. If there is no good text in the end, Compose returns the reason and the whole
// sentences written so far; for an answer, the quotes then serve as the answer if there are none. After a transient
// failure it returns an error, which fails the task's try, unless this is the last try.
func (c *Caller) Compose(ctx context.Context, o Composing) (Written, error) {
	messages, text, continued, rewritten := o.First, "", 0, 0
	o.streamed = new(string)
	for {
		d, err := c.writeOnce(ctx, o, messages, text)
		if err != nil {
			return Written{}, err
		}
		whole := text + d.reply.Text
		flaw := d.problem
		if flaw == "" && !o.JSON {
			flaw = draft.Flaw(whole, d.reply.Stop)
		}
		spare := c.mayAsk(o.Purpose) && (c.writeBy.IsZero() || time.Until(c.writeBy) > time.Second)
		switch {
		case flaw == "" && d.reply.Stop == llm.StopLength && continued < maxContinued && spare:
			continued++
			text = whole
			messages = append(o.First[:len(o.First):len(o.First)], llm.Message{Role: llm.Assistant, Text: whole},
				llm.Message{Role: llm.User, Text: "Your answer reached the limit of length. Continue it exactly where it stops, without repeating anything."})
			continue
		case flaw == "" && d.reply.Stop == llm.StopLength && !o.JSON:
			return Written{Text: answertext.WholeSentences(whole), Flaw: "the answer reached the limit of length"}, nil
		case flaw == "":
			return Written{Text: answertext.WithoutThinking(whole)}, nil
		case d.problem != "" && (d.refusal == "" || text != "" || d.refusal == llm.TooLong && o.Shorter == nil):
			return Written{Text: answertext.WholeSentences(text + d.partial), Flaw: flaw, Over: true}, nil
		case rewritten == maxRewritten || !spare:
			return Written{Text: draft.Usable(text+d.partial, d.reply.Stop), Flaw: flaw, Over: d.problem != ""}, nil
		}
		rewritten++
		text = ""
		switch d.refusal {
		case llm.TooLong:
			if o.First, err = o.Shorter(); err != nil {
				return Written{}, err
			}
			messages = o.First
		case llm.BadRequest: // some servers refuse system messages
			var all []string
			for _, m := range o.First {
				all = append(all, m.Text)
			}
			o.First = []llm.Message{{Role: llm.User, Text: strings.Join(all, "\n\n")}}
			messages = o.First
		default:
			messages = append(o.First[:len(o.First):len(o.First)], llm.Message{Role: llm.User, Text: "Write the answer now, once, as plain text: no tool calls, no tags, nothing twice."})
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
func (c *Caller) writeOnce(ctx context.Context, o Composing, messages []llm.Message, before string) (attempt, error) {
	var arrived strings.Builder
	r := llm.Request{Messages: messages, MaxTokens: o.MaxTokens}
	if window := c.Model.Window(); window > 0 {
		r.MaxTokens = min(r.MaxTokens, window/4)
	}
	add := func(string) {}
	restart := arrived.Reset
	if o.Stream != nil {
		hold := report.NewHold(o.Stream.Add)
		publish := o.Stream.Add
		if o.Hold {
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
			o.Stream.Restart()
			add(before)
		}
		if before == "" || o.Hold || *o.streamed != before { // otherwise the stream goes on where it is
			restart()
		}
	}
	if !o.JSON || o.Stream != nil {
		r.OnText = func(piece string) {
			arrived.WriteString(piece)
			add(piece)
		}
	}
	if !o.JSON {
		r.Enough = draft.Repeating(before)
	}
	reply, err := c.Generate(ctx, o.Purpose, r, restart)
	var failure *llm.Error
	switch {
	case errors.Is(err, ErrTimeUp):
		c.session.NoteBudget("timeBudget")
		return attempt{problem: "the time budget ended while the answer was written", partial: arrived.String()}, nil
	case errors.As(err, &failure) && failure.Transient() && !c.session.Env.LastTry:
		return attempt{}, Failed(failure)
	case errors.As(err, &failure):
		d := attempt{problem: failure.Message, partial: arrived.String()}
		if failure.Kind == llm.TooLong || failure.Kind == llm.BadRequest {
			d.refusal = failure.Kind
		}
		return d, nil
	}
	return attempt{reply: reply, partial: reply.Text}, err
}
