package usage

import (
	"context"
	"errors"

	"legwork/internal/metrics"
	"legwork/internal/store"
)

// Installation returns what the database knows of the whole installation, for metrics.
func (s *Store) Installation(ctx context.Context) (metrics.Database, error) {
	d := metrics.Database{Tasks: map[string]int64{}, BudgetUsed: map[string]float64{}}
	for _, state := range []string{"created", "queued", "held", "paused", "waiting", "running"} { // a metric that vanishes would not fall to 0
		d.Tasks[state] = 0
	}
	tasks, err1 := s.q.OpenTasks(ctx)
	for _, row := range tasks {
		d.Tasks[row.State] = row.Tasks
		if row.State == "created" || row.State == "queued" {
			d.Oldest = max(d.Oldest, row.OldestSeconds)
		}
	}
	live, err2 := s.q.LiveSlots(ctx, s.store.LeaseTTL().Seconds())
	d.Workers, d.Slots = live.Workers, live.Slots
	jobs, err3 := s.q.RiverJobs(ctx)
	for _, row := range jobs {
		d.Jobs = append(d.Jobs, metrics.Jobs{Queue: row.Queue, State: row.State, Count: row.Jobs})
	}
	used, err4 := s.q.HighestUse(ctx, s.defaults)
	for limit, part := range map[string]float64{"pages": used.Pages, "tokens": used.Tokens, "dollars": used.Dollars} {
		if part >= 0 {
			d.BudgetUsed[limit] = part
		}
	}
	return d, store.Translate(errors.Join(err1, err2, err3, err4))
}
