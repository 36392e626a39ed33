package loop

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"legwork/internal/agent/answertext"
	"legwork/internal/agent/draft"
	"legwork/internal/agent/modelcalls"
	"legwork/internal/agent/prompts"
	"legwork/internal/agent/support"
	"legwork/internal/llm"
)

// supportTokens is the greatest number of output tokens of a call that judges support or rewrites sentences.
const supportTokens = 1500

// review is the judgement of how far the quotes support what the model writes. Its calls are optional: uses of quotes stay
// unchecked if time or tokens have run out, if the model fails, or if its reply cannot be read. The replies are journaled
// like any other.
type review struct {
	*support.Reviewer
	a     *run
	round int // see modelcalls.BeforeSummary
}

// newReview prepares a review. used are the numbers of the quotes of the markers 1, 2 and so on.
func (a *run) newReview(used []int) *review {
	r := &review{a: a}
	r.Reviewer = &support.Reviewer{Mark: a.mark, Mend: true, Review: support.Review{Weight: 1},
		Verdicts: func(ctx context.Context, data map[string]any) (string, bool, error) {
			return a.optional(ctx, modelcalls.Purpose{Purpose: modelcalls.ForSupport, Number: r.round}, "support", data)
		},
		Sentences: func(ctx context.Context, data map[string]any) (string, bool, error) {
			return a.optional(ctx, modelcalls.Purpose{Purpose: modelcalls.ForRewrite, Number: r.round}, "rewrite", data)
		},
		Usable: func(text string) bool { return draft.Flaw(text, llm.StopEnd) == "" },
	}
	shown := a.shownProofs()
	for _, n := range used {
		q, p := a.Quotes[n-1], shown[n-1]
		r.Quotes = append(r.Quotes, support.Quote{Evidence: q.Evidence, Text: q.Text, Under: strings.Trim(p.Title+" › "+p.Path, " ›")})
	}
	for _, q := range a.Quotes {
		r.URLs = append(r.URLs, q.URL)
	}
	return r
}

// do reviews the parts of an answer, if that is wanted, and returns them with the changes that follow. An earlier run of
// the task may have gone on without.
func (r *review) do(ctx context.Context, parts ...string) ([]string, error) {
	next, replays := r.a.Replay()
	if replays && (next.Purpose != modelcalls.ForSupport || next.Number != r.round) || !replays && !r.a.Limits.Support {
		return parts, nil
	}
	return r.Do(ctx, parts...)
}

// reviewed reviews an answer. If sentences were removed from it, it says how many. If nothing remains, the answer consists
// of the quotes.
func (a *run) reviewed(ctx context.Context, c answertext.Checked) (answertext.Checked, *support.Review, error) {
	r := a.newReview(c.Used)
	texts, err := r.do(ctx, c.Text)
	if err != nil {
		return c, nil, err
	}
	if texts[0] != c.Text {
		c = rechecked(c, texts[0])
	}
	switch {
	case r.Review.Removed == 0:
	case c.Text == "":
		c = a.quoteAll("The quotes did not support what the model wrote. These are the quotes that it found, word for word.")
	case r.Review.Removed == 1:
		c.Text += "\n\n(A sentence was removed, because the quotes did not support it.)"
	default:
		c.Text += fmt.Sprintf("\n\n(%d sentences were removed, because the quotes did not support them.)", r.Review.Removed)
	}
	return c, &r.Review, nil
}

// rechecked renumbers the markers of an answer whose text was changed.
func rechecked(c answertext.Checked, text string) answertext.Checked {
	out := answertext.Check(text, len(c.Used))
	out.Invalid = c.Invalid
	for i, n := range out.Used {
		out.Used[i] = c.Used[n-1]
	}
	return out
}

// optional makes a call that may be left out. ok is false if there was no time, no tokens or no reply.
func (a *run) optional(ctx context.Context, p modelcalls.Purpose, template string, data map[string]any) (text string, ok bool, err error) {
	if !a.MaySupport(p) {
		return "", false, nil
	}
	rules, err := prompts.Fill(a.prompt, template, data)
	if err != nil {
		return "", false, err
	}
	reply, err := a.Generate(ctx, p, llm.Request{MaxTokens: supportTokens, Messages: []llm.Message{{Role: llm.User, Text: rules}}})
	var problem *llm.Error
	switch {
	case errors.As(err, &problem), errors.Is(err, modelcalls.ErrTimeUp):
		a.Log.WarnContext(ctx, "how far the quotes support the answer was not judged", "error", err)
		return "", false, nil
	case err != nil:
		return "", false, err
	}
	return answertext.WithoutThinking(reply.Text), true, nil
}
