package loop

import (
	"regexp"
	"strings"

	"legwork/internal/research"
)

// Price is the price of a model, in US dollars per million tokens.
type Price struct {
	Model         string // a name, or a pattern in which * matches any characters
	Input, Output float64
}

func (p Price) fits(model string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(p.Model), `\*`, `.*`)
	ok, err := regexp.MatchString("(?is)^"+pattern+"$", model)
	return err == nil && ok
}

// TokenMargin is an estimate of how many tokens a task can use beyond its token budget. Research ends when seven eighths
// of the budget are used. After that come its last request with up to maxContext bytes, the answer with at most 1 +
// maxContinued + maxRewritten calls, and the judgement of support. The estimate assumes that a token stands for at least
// two bytes of text.
const TokenMargin = 150_000

// MostForMillion is the price of a million tokens of a model in US dollars, at the higher of its prices for input and
// output. It is 0 when the model has no price.
func (l Limits) MostForMillion(model string) float64 {
	for _, p := range l.Prices {
		if p.fits(model) {
			return max(p.Input, p.Output)
		}
	}
	return 0
}

// cost computes the cost of a reply in US dollars, with the first price whose pattern matches the model's name. It
// returns nil if none matches.
func (l Limits) cost(model string, input, output int64) *float64 {
	for _, p := range l.Prices {
		if p.fits(model) {
			usd := (float64(input)*p.Input + float64(output)*p.Output) / 1e6
			return &usd
		}
	}
	return nil
}

// account adds the tokens and the cost of a journaled reply to those of the run. The cost is taken from the journal,
// because prices may have changed since.
func (a *run) account(step research.Step) {
	a.input += step.InputTokens
	a.output += step.OutputTokens
	if step.CostUSD != nil {
		a.cost, a.priced = a.cost+*step.CostUSD, true
	}
}

// spent adds the tokens and cost of a reply to the metadata of its event.
func spent(step research.Step, m map[string]any) map[string]any {
	m["inputTokens"], m["outputTokens"] = step.InputTokens, step.OutputTokens
	if step.CostUSD != nil {
		m["costUsd"] = *step.CostUSD
	}
	return m
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
