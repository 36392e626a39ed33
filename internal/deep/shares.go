package deep

import (
	"legwork/internal/research"
)

// Bounds of shares.
const (
	minSeconds = 10   // least share of a child, if more than one is planned
	minTokens  = 2000 // least share of a child
	ownSeconds = 4    // the deep task keeps a quarter (1/ownSeconds) of the seconds for the plan and the answer
	ownTokens  = 3    // and a third of the tokens
	reserved   = 4    // the first round leaves a quarter (1/reserved) of the rest for a second one
)

// pool returns the pool of a deep task and the share that it keeps for itself. The tokens are limited if the task or the
// server (serverTokens, for each task; 0 means no limit) limits them. price is in microdollars for a million tokens; 0
// means that the model has no price.
func (c Config) pool(o research.Options, serverTokens, price int64) (whole, own research.Share) {
	seconds := int64(o.TimeBudget.Seconds())
	whole = research.Share{Pages: int64(o.MaxPages), Seconds: seconds}
	own = research.Share{Seconds: min(seconds/ownSeconds, c.MostSeconds)}
	tokens := o.MaxTokens
	if tokens <= 0 {
		tokens = serverTokens * research.DeepBudgets
	}
	if tokens <= 0 {
		return whole, own
	}
	mine := tokens / ownTokens
	whole.Tokens, own.Tokens = &tokens, &mine
	if price > 0 {
		dollars, mineDollars := worth(tokens, price), worth(mine, price)
		whole.Microdollars, own.Microdollars = &dollars, &mineDollars
	}
	return whole, own
}

// worth returns the price of tokens in microdollars, rounded up.
func worth(tokens, price int64) int64 { return (tokens*price + 999_999) / 1_000_000 }

// shareOut gives each of the first sub-questions an equal share of what is left of the pool. It leaves out sub-questions
// for which too little is left, or that would be more than the tree may have. last is the number of the newest child.
func (c Config) shareOut(left research.Share, subs []research.Subquestion, round, last int) []research.Subquestion {
	n := int64(min(len(subs), research.MaxChildren-last))
	if round < research.MaxRounds {
		left = less(left)
	}
	n = min(n, left.Pages, max(left.Seconds/minSeconds, min(left.Seconds, 1)))
	if left.Tokens != nil {
		n = min(n, max(*left.Tokens/minTokens, min(*left.Tokens, 1)))
	}
	if n <= 0 {
		return nil
	}
	out := make([]research.Subquestion, n)
	for i := range out {
		out[i] = subs[i]
		out[i].Number = last + 1 + i
		out[i].Share = research.Share{Pages: min(left.Pages/n, maxPages), Seconds: min(left.Seconds/n, c.MostSeconds),
			Tokens: part(left.Tokens, n), Microdollars: part(left.Microdollars, n)}
	}
	return out
}

// maxPages is the greatest number of pages of a task that is not deep.
const maxPages = 50

// less returns a pool without what the first round leaves. At least one page and one second remain.
func less(left research.Share) research.Share {
	out := research.Share{Pages: left.Pages - left.Pages/reserved, Seconds: left.Seconds - left.Seconds/reserved}
	if left.Tokens != nil {
		n := *left.Tokens - *left.Tokens/reserved
		out.Tokens = &n
	}
	if left.Microdollars != nil {
		n := *left.Microdollars - *left.Microdollars/reserved
		out.Microdollars = &n
	}
	return out
}

func part(amount *int64, n int64) *int64 {
	if amount == nil {
		return nil
	}
	p := *amount / n
	return &p
}
