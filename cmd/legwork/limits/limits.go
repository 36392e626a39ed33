// Package limits connects the configuration with package usage, which counts in the database what accounts use: it
// converts the configured limits and the price of the model to the values that package usage needs. It also has the
// command `legwork limits`.
package limits

import (
	"math"

	"legwork/internal/agent/modelcalls"
	"legwork/internal/config"
	"legwork/internal/llm"
	"legwork/internal/research"
	"legwork/internal/store/usage"
)

// Defaults returns the limits of accounts for which no limits are set.
func Defaults(cfg config.Config) research.UsageLimits {
	some := func(n int64) *int64 { // returns nil, which means no limit, for 0
		if n == 0 {
			return nil
		}
		return &n
	}
	return research.UsageLimits{
		TasksPerHour: some(cfg.LimitTasksPerHour), TasksPerDay: some(cfg.LimitTasksPerDay),
		ConcurrentRuns: some(cfg.LimitConcurrentRuns), OpenStreams: some(cfg.LimitOpenStreams),
		PagesPerMonth: some(cfg.LimitPagesPerMonth), TokensPerMonth: some(cfg.LimitTokensPerMonth),
		MicrodollarsPerMonth: some(int64(math.Round(cfg.LimitDollarsPerMonth * 1e6))),
	}
}

// RunCost returns what a run may cost with a model. model is nil for the built-in reader, which costs nothing.
func RunCost(model *llm.Client, limits modelcalls.Limits) usage.RunCost {
	if model == nil {
		return usage.RunCost{}
	}
	return usage.RunCost{MaxTokens: limits.MaxTokens, TokenMargin: modelcalls.TokenMargin,
		Price: int64(math.Ceil(limits.Prices.MostForMillion(model.Name()) * 1e6))}
}
