package loop

import (
	"legwork/internal/agent/conversation"
	"legwork/internal/research"
)

// TokenMargin is how many tokens a task can use beyond its token budget. What goes beyond the budget is at most the last
// request of the research and two further calls: one for the answer, or the outline and the first section of a report.
// Every other call is made only if the budget is not used up. The text of a request has at most conversation.Max bytes,
// and that of the other calls about maxAnswerPrompt. The estimate assumes that a token stands for at least two bytes of
// text, and adds the output tokens and the descriptions of the tools.
const TokenMargin = conversation.Max/2 + 2*(maxAnswerPrompt/2+mostTokens) + 15_000

// account adds the tokens and the cost of a journaled reply to those of the run. The cost is taken from the journal,
// because prices may have changed since.
func (a *run) account(step research.Step) {
	a.input += step.InputTokens
	a.output += step.OutputTokens
	a.cached += step.CachedTokens
	if step.CostUSD != nil {
		a.cost, a.priced = a.cost+*step.CostUSD, true
	}
}

// mayAsk reports whether a further call for a text may be made: the journal has it, or the task has tokens left.
func (a *run) mayAsk(p purpose) bool {
	if len(a.replay) > 0 {
		return purposeOf(a.replay[0]).same(p)
	}
	most := a.maxTokens()
	return most <= 0 || a.input+a.output < most
}

// maxTokens returns the lower of the token budgets of the task and of the server; 0 means no limit.
func (a *run) maxTokens() int64 {
	server, own := a.limits.MaxTokens, a.Opts.MaxTokens
	switch {
	case own <= 0:
		return server
	case server <= 0:
		return own
	}
	return min(server, own)
}

// tokensLeft returns how many tokens of the budget are left; negative if more were used. ok is false if there is no
// budget.
func (a *run) tokensLeft() (left int64, ok bool) {
	most := a.maxTokens()
	return most - a.input - a.output, most > 0
}
