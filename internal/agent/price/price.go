// Package price has the prices of models. It does no I/O.
package price

import (
	"regexp"
	"strings"

	"legwork/internal/llm"
	"legwork/internal/research"
)

// Price is the price of a model, in US dollars per million tokens.
type Price struct {
	Model         string // a name, or a pattern in which * matches any characters
	Input, Output float64
	Cached        float64 // of the input tokens that the provider took from its cache
}

func (p Price) fits(model string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(p.Model), `\*`, `.*`)
	ok, err := regexp.MatchString("(?is)^"+pattern+"$", model)
	return err == nil && ok
}

// List is a list of prices. The first one whose pattern matches the name of a model counts.
type List []Price

// of returns the price of a model.
func (l List) of(model string) (Price, bool) {
	for _, p := range l {
		if p.fits(model) {
			return p, true
		}
	}
	return Price{}, false
}

// MostForMillion returns the price of a million tokens of a model in US dollars, at the highest of its prices. It is 0
// when the model has no price.
func (l List) MostForMillion(model string) float64 {
	p, _ := l.of(model)
	return max(p.Input, p.Output, p.Cached)
}

// Cost returns the cost of a reply in US dollars, or nil if the model has no price.
func (l List) Cost(model string, u llm.Usage) *float64 {
	p, ok := l.of(model)
	if !ok {
		return nil
	}
	usd := (float64(u.Input-u.Cached)*p.Input + float64(u.Cached)*p.Cached + float64(u.Output)*p.Output) / 1e6
	return &usd
}

// Spent adds the tokens and cost of a reply to the metadata of its event.
func Spent(step research.Step, m map[string]any) map[string]any {
	m["inputTokens"], m["outputTokens"] = step.InputTokens, step.OutputTokens
	if step.CachedTokens > 0 {
		m["cachedTokens"] = step.CachedTokens
	}
	if step.CostUSD != nil {
		m["costUsd"] = *step.CostUSD
	}
	return m
}
