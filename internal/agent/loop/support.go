package loop

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"legwork/internal/agent/answertext"
	"legwork/internal/agent/draft"
	"legwork/internal/agent/prompts"
	"legwork/internal/agent/support"
	"legwork/internal/llm"
)

// supportTokens is the greatest number of output tokens of a call that judges support or rewrites sentences.
const supportTokens = 1500

// reviewed asks the model how far the quotes support an answer, if that is wanted. If mend is true, sentences that they do
// not support are rewritten or removed. The calls are optional: uses of quotes stay unchecked if time or tokens have run
// out, if the model fails, or if its reply cannot be read. The replies are journaled like any other.
func (a *run) reviewed(ctx context.Context, c answertext.Checked, mend bool) (*support.Review, error) {
	r := &support.Review{Answer: c, Weight: 1}
	if !a.limits.Support && !a.replays(forSupport) {
		return r, nil
	}
	reviewer := support.Reviewer{Mark: a.mark, Mend: mend,
		Verdicts: func(ctx context.Context, data map[string]any) (string, bool, error) {
			return a.optional(ctx, forSupport, "support", data)
		},
		Sentences: func(ctx context.Context, data map[string]any) (string, bool, error) {
			return a.optional(ctx, forRewrite, "rewrite", data)
		},
		Usable: func(text string) bool { return draft.Flaw(text, llm.StopEnd) == "" },
	}
	for i, p := range a.shownProofs() {
		q := a.Quotes[i]
		reviewer.Quotes = append(reviewer.Quotes, support.Quote{Evidence: q.Evidence, Text: q.Text, Under: strings.Trim(p.Title+" › "+p.Path, " ›")})
		reviewer.URLs = append(reviewer.URLs, q.URL)
	}
	return r, reviewer.Do(ctx, r)
}

// sayRemoved returns a reviewed answer, and adds how many sentences were removed from it. If nothing remains, the answer
// consists of the quotes.
func (a *run) sayRemoved(r *support.Review) answertext.Checked {
	c := r.Answer
	switch {
	case r.Removed == 0:
	case c.Text == "":
		return a.quoteAll("The quotes did not support what the model wrote. These are the quotes that it found, word for word.")
	case r.Removed == 1:
		c.Text += "\n\n(A sentence was removed, because the quotes did not support it.)"
	default:
		c.Text += fmt.Sprintf("\n\n(%d sentences were removed, because the quotes did not support them.)", r.Removed)
	}
	return c
}

// optional makes a call that may be left out. ok is false if there was no time, no tokens or no reply.
func (a *run) optional(ctx context.Context, name, template string, data map[string]any) (text string, ok bool, err error) {
	left, limited := a.tokensLeft()
	if !a.replays(name) && (limited && left <= 0 || a.Env.TimeLeft() <= 0) {
		return "", false, nil
	}
	rules, err := prompts.Fill(a.prompt, template, data)
	if err != nil {
		return "", false, err
	}
	reply, err := a.generate(ctx, purpose{Purpose: name}, llm.Request{MaxTokens: supportTokens, Messages: []llm.Message{{Role: llm.User, Text: rules}}})
	var problem *llm.Error
	switch {
	case errors.As(err, &problem), errors.Is(err, errTimeUp):
		a.Log.WarnContext(ctx, "how far the quotes support the answer was not judged", "error", err)
		return "", false, nil
	case err != nil:
		return "", false, err
	}
	return answertext.WithoutThinking(reply.Text), true, nil
}

// replays reports whether the next reply is in the journal and has this purpose.
func (a *run) replays(name string) bool {
	return len(a.replay) > 0 && purposeOf(a.replay[0]).Purpose == name
}
