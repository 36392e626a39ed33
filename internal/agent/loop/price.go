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

// TokenMargin is the most that a task can use beyond its token budget. Research ends when seven eighths are used, but its last
// request, which may hold maxContext bytes, comes on top, as do the answer, which is written twice at most, and the judgement of
// support. A token stands for two bytes of text at least.
const TokenMargin = 150_000

// MostForMillion is the price of a million tokens of a model in US dollars, if all of them had the higher one of its two prices.
// It is 0 when the model has no price.
func (l Limits) MostForMillion(model string) float64 {
	for _, p := range l.Prices {
		if p.fits(model) {
			return max(p.Input, p.Output)
		}
	}
	return 0
}

// cost computes the cost of a reply, in US dollars, by the first price that fits the model; nil: no price fits.
func (l Limits) cost(model string, input, output int64) *float64 {
	for _, p := range l.Prices {
		if p.fits(model) {
			usd := (float64(input)*p.Input + float64(output)*p.Output) / 1e6
			return &usd
		}
	}
	return nil
}

// account adds the tokens and cost of a journaled reply. The cost comes from the journal, since prices may have changed since.
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

// maxTokens returns the lower of the task's and the server's token budgets; 0: no limit.
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
