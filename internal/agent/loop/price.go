package loop

import (
	"regexp"
	"strings"

	"legwork/internal/research"
)

// Price is what models cost, in US dollars per million tokens.
type Price struct {
	Model         string // a name, or a pattern in which * stands for anything
	Input, Output float64
}

func (p Price) fits(model string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(p.Model), `\*`, `.*`)
	ok, err := regexp.MatchString("(?is)^"+pattern+"$", model)
	return err == nil && ok
}

// cost is what a reply cost by the first price that fits; nil: none does.
func (l Limits) cost(model string, input, output int64) *float64 {
	for _, p := range l.Prices {
		if p.fits(model) {
			usd := (float64(input)*p.Input + float64(output)*p.Output) / 1e6
			return &usd
		}
	}
	return nil
}

// account adds what a journaled reply cost. A price is that of the moment of the call, so it is taken from the journal.
func (a *run) account(step research.Step) {
	a.input += step.InputTokens
	a.output += step.OutputTokens
	if step.CostUSD != nil {
		a.cost, a.priced = a.cost+*step.CostUSD, true
	}
}

// spent adds what a reply cost to the metadata of its event.
func spent(step research.Step, m map[string]any) map[string]any {
	m["inputTokens"], m["outputTokens"] = step.InputTokens, step.OutputTokens
	if step.CostUSD != nil {
		m["costUsd"] = *step.CostUSD
	}
	return m
}

// maxTokens is the token budget of the task: its own, within the server's. 0: none.
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
