package modelcalls

import (
	"time"

	"legwork/internal/agent/conversation"
	"legwork/internal/agent/report"
	"legwork/internal/research"
)

// Shares of the token budget that are reserved: an eighth (1/answerShare) for an answer.
const (
	answerShare = 8
	reportShare = 2 // a half (1/reportShare) for a report
)

// MaxAnswerPrompt is the greatest size of the quotes in a request for an answer, with what stands around them, in bytes.
const MaxAnswerPrompt = 60_000

// TokenMargin is how many tokens a task can use beyond its token budget. What goes beyond the budget is at most the last
// request of the research and two further calls: one for the answer, or the outline and the first section of a report.
// Every other call is made only if the budget is not used up. The text of a request has at most conversation.Max bytes,
// and that of the other calls about MaxAnswerPrompt. The estimate assumes that a token stands for at least two bytes of
// text, and adds the output tokens and the descriptions of the tools.
const TokenMargin = conversation.Max/2 + 2*(MaxAnswerPrompt/2+MostTokens) + 15_000

// MaxTokens returns the lower of the token budgets of the task and of the server; 0 means no limit.
func (c *Caller) MaxTokens() int64 {
	server, own := c.Limits.MaxTokens, c.session.Opts.MaxTokens
	switch {
	case own <= 0:
		return server
	case server <= 0:
		return own
	}
	return min(server, own)
}

// TokensLeft returns how many tokens of the budget are left; negative if more were used. ok is false if there is no
// budget.
func (c *Caller) TokensLeft() (left int64, ok bool) {
	most := c.MaxTokens()
	return most - c.used.Tokens(), most > 0
}

// ReservedTokens returns how many tokens of the budget are reserved for the answer.
func (c *Caller) ReservedTokens() int64 {
	if c.session.Opts.Format == research.FormatReport {
		return c.MaxTokens() / reportShare
	}
	return c.MaxTokens() / answerShare
}

// TokensUp reports whether only the tokens reserved for the answer are left.
func (c *Caller) TokensUp() bool {
	left, limited := c.TokensLeft()
	return limited && left <= c.ReservedTokens()
}

// mayAsk reports whether a further call for a text may be made: the journal has it, or the task has tokens left.
func (c *Caller) mayAsk(p Purpose) bool {
	if next, ok := c.Replay(); ok {
		return next.same(p)
	}
	left, limited := c.TokensLeft()
	return !limited || left > 0
}

// finishShare and mostFinish say how much of the time budget is kept for the summary of a report.
const (
	finishShare = 10 // a tenth (1/finishShare)
	mostFinish  = 30 * time.Second
)

func (c *Caller) finishTime() time.Duration {
	return min(c.session.Opts.TimeBudget/finishShare, mostFinish)
}

// MaySupport reports whether a call that judges or rewrites sentences may be made: the journal has it, or time and tokens
// are left.
func (c *Caller) MaySupport(p Purpose) bool {
	if next, ok := c.Replay(); ok {
		return next.same(p)
	}
	left, tokens := c.session.Env.TimeLeft(), c.MaxTokens()
	if p.Number == BeforeSummary {
		left -= c.finishTime()
		tokens -= tokens / answerShare
	}
	return left > 0 && (tokens <= 0 || c.used.Tokens() < tokens)
}

// Ready reports whether a part of a report, or the data, may be written: the journal has it, or time and tokens are left.
// The outline and the first section are always written.
func (c *Caller) Ready(p report.Part) bool {
	if next, ok := c.Replay(); ok {
		return next.same(Purpose{Purpose: p.Purpose, Number: p.Number})
	}
	if p.Purpose == report.ForSection && p.Number == 1 {
		return true
	}
	left := c.session.Env.TimeLeft()
	tokens := c.MaxTokens()
	if p.Purpose == report.ForSection {
		left -= c.finishTime()
		tokens -= tokens / answerShare
	}
	switch {
	case left <= 0:
		c.session.NoteBudget("timeBudget")
		return false
	case tokens > 0 && c.used.Tokens() >= tokens:
		c.session.NoteBudget("maxTokens")
		return false
	}
	return true
}
