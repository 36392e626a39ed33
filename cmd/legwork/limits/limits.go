// Package limits connects the configuration with package usage, which counts in the database what accounts use: it
// converts the configured limits and the price of the model to the values that package usage needs. It also has the
// command `legwork limits`.
package limits

import (
	"math"

	"legwork/internal/agent/loop"
	"legwork/internal/config"
	"legwork/internal/llm"
	"legwork/internal/research"
	"legwork/internal/store/usage"
)

// Defaults are the limits of accounts that have none of their own.
func Defaults(cfg config.Config) research.UsageLimits {
	some := func(n int64) *int64 { // 0 means any number
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

// RunCost is what runs may cost with a model; nil: the built-in reader, which costs nothing.
func RunCost(model *llm.Client, limits loop.Limits) usage.RunCost {
	if model == nil {
		return usage.RunCost{}
	}
	return usage.RunCost{MaxTokens: limits.MaxTokens, TokenMargin: loop.TokenMargin,
		Price: int64(math.Ceil(limits.MostForMillion(model.Name()) * 1e6))}
}
