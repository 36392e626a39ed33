//go:build failpoints

package main_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/store"
)

// recovery describes how one lost run was resumed. A job whose worker died before it claimed the task is also a lost
// run.
type recovery struct {
	task    uuid.UUID
	from    time.Time     // the last write before the loss; if the database was unavailable after that, the time at which it came back
	noticed time.Duration // time from the field from until the reconciler queued the next run
	took    time.Duration // time from the field from until the next run was claimed
}

// statusEvent is an event that reports a change of status.
type statusEvent struct {
	Task     uuid.UUID
	At       time.Time
	Status   string // running, queued, or a terminal status
	Lost     bool   // whether the reconciler queued the task because its run was lost
	LastSign time.Time
}

// recoveries measures the time of each recovery from the last write before the loss. The loss happened after that
// write, so the measured times are never too short. If the database was unreachable for all processes (a restart, a
// cut network, no free connections), the time starts when it came back. A worker that dies between fetching and
// claiming a job counts as a separate loss: its time starts when the job was inserted, and the time of the loss
// before ends there.
func (c *chaos) recoveries(ctx context.Context, st *store.Store) []recovery {
	// The last write of a run is its newest event. Before a claim, it is the event before the claim.
	rows, err := st.Pool().Query(ctx, `
		SELECT e.task_id, e.created_at, coalesce(e.body->'metadata'->>'status', CASE WHEN e.terminal THEN 'over' ELSE '' END), e.body->'metadata'->>'reason' IS NOT NULL,
		       greatest(lag(e.created_at) OVER (PARTITION BY e.task_id ORDER BY e.seq),
		                (SELECT max(r.seen_at) FROM runs r WHERE r.task_id = e.task_id AND r.claimed_at < e.created_at AND r.seen_at < e.created_at))
		FROM task_events e WHERE e.body->'metadata'->'child' IS NULL ORDER BY e.task_id, e.seq`)
	if err != nil {
		c.t.Error(err)
		return nil
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e statusEvent, err error) {
		var last *time.Time
		if err = row.Scan(&e.Task, &e.At, &e.Status, &e.Lost, &last); last != nil {
			e.LastSign = *last
		}
		return e, err
	})
	if err != nil {
		c.t.Error(err)
		return nil
	}
	var out []recovery
	for n, e := range all {
		if e.Status != "queued" || !e.Lost {
			continue
		}
		var end time.Time
		for _, next := range all[n+1:] {
			if next.Task != e.Task {
				break
			}
			if next.Lost {
				end = e.At
				break
			}
			if next.Status == "running" || next.Status == "over" {
				end = next.At
				break
			}
		}
		if end.IsZero() {
			c.t.Errorf("task %s was given a run that nobody claimed", e.Task)
			continue
		}
		r := recovery{task: e.Task, from: e.LastSign}
		for _, back := range c.outages {
			if back.After(r.from) && back.Before(end) {
				r.from = back
			}
		}
		r.noticed, r.took = max(0, e.At.Sub(r.from)), end.Sub(r.from)
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b recovery) int { return int(a.took - b.took) })
	return out
}

// checkRecoveries compares the slowest recovery with the bound, and logs all of them.
func (c *chaos) checkRecoveries(ctx context.Context, st *store.Store) string {
	all := c.recoveries(ctx, st)
	if len(all) == 0 {
		return "no run was lost"
	}
	for _, r := range all {
		if r.took <= c.form.bound {
			continue
		}
		c.t.Errorf("the recovery of %s took %v, more than %v; it was noticed after %v:", r.task, r.took, c.form.bound, r.noticed)
		events, _ := st.Worker().Events(ctx, r.task, 0, 1000)
		for _, e := range events {
			c.t.Logf("%s", e.Frame())
		}
	}
	noticed := slices.SortedFunc(slices.Values(all), func(a, b recovery) int { return int(a.noticed - b.noticed) })
	ms := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	return fmt.Sprintf("recovery, from the last sign of life or the return of the database to the next claim: median %v, worst %v; "+
		"noticed after: median %v, worst %v", ms(all[len(all)/2].took), ms(all[len(all)-1].took),
		ms(noticed[len(noticed)/2].noticed), ms(noticed[len(noticed)-1].noticed))
}
