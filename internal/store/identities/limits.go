package identities

import (
	"context"
	"fmt"

	"legwork/db"
	"legwork/internal/research"
	"legwork/internal/store"
)

// SetLimits replaces the limits of an account, or of one of its API keys if key is not empty. It returns
// research.ErrNotFound when the account does not exist, or has no such key.
func (s *Store) SetLimits(ctx context.Context, by Actor, account, key string, l research.UsageLimits) error {
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
		n, err := q.SetLimits(ctx, db.SetLimitsParams{AccountID: account, KeyID: key, TasksPerHour: l.TasksPerHour, TasksPerDay: l.TasksPerDay,
			ConcurrentRuns: l.ConcurrentRuns, OpenStreams: l.OpenStreams, PagesPerMonth: l.PagesPerMonth, TokensPerMonth: l.TokensPerMonth,
			MicrodollarsPerMonth: l.MicrodollarsPerMonth})
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("%w: account %s, key %q", research.ErrNotFound, account, key)
		}
		return record(ctx, q, by, Entry{AccountID: account, Action: "limits.set", Target: key, Details: map[string]any{
			"tasksPerHour": l.TasksPerHour, "tasksPerDay": l.TasksPerDay, "concurrentRuns": l.ConcurrentRuns, "openStreams": l.OpenStreams,
			"pagesPerMonth": l.PagesPerMonth, "tokensPerMonth": l.TokensPerMonth, "microdollarsPerMonth": l.MicrodollarsPerMonth}})
	})
	return store.Translate(err)
}
