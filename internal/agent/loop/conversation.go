package loop

import (
	"fmt"
	"time"

	"legwork/internal/agent/prompts"
	"legwork/internal/agent/proofs"
	"legwork/internal/agent/toolcalls"
	"legwork/internal/llm"
)

// conversation returns the messages to send: the system prompt, then the messages so far.
func (a *run) conversation() ([]llm.Message, error) {
	o := a.Opts
	data := map[string]any{"Date": time.Now().UTC().Format("Monday, 2 January 2006"), "MaxPages": o.MaxPages, "MaxDepth": o.MaxDepth, "MaxCalls": maxCalls,
		"Seconds": int(o.TimeBudget.Seconds()), "SameDomain": o.SameDomainOnly, "Mark": a.mark, "TextTools": a.inText, "Tools": toolcalls.TextTools(a.Env.Shoot != nil)}
	rules, fixed, err := prompts.System(a.prompt, "system", data)
	if err != nil {
		return nil, err
	}
	return a.talk.Messages(rules, fixed), nil
}

// whatIsLeft tells the model what is left of its budgets and, if older results were just left out of the conversation,
// which quotes and notes are kept. It is empty before the first reply.
func (a *run) whatIsLeft() string {
	if !a.talk.Begun() {
		return ""
	}
	text := fmt.Sprintf("Left: %d pages, %d seconds", max(0, a.Opts.MaxPages-a.Loads), max(0, int(a.Env.ReadingTime().Seconds())))
	if left, limited := a.TokensLeft(); limited {
		text += fmt.Sprintf(", %d tokens", max(0, left-a.ReservedTokens()))
	}
	text += fmt.Sprintf(". Quotes: %d.", len(a.Quotes))
	if a.talk.Compacted() {
		text += "\nOlder results were left out to make room. These quotes and notes are kept:\n" + a.untrusted(proofs.Listed(a.Quotes, a.notes))
	}
	return text
}
