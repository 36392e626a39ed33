// Package jobs runs tasks: submission, the worker side, and every way a run can end.
//
// Invariants:
//
//   - One River job per run, never reused: its arguments are {taskId, epoch}, it has one attempt, and its worker always
//     returns nil. Tries, backoff and verdicts are ours, in tasks; what River says of its row decides nothing.
//   - The epoch alone is the fence. Every exit (retry, hand-back, cancel, terminal) bumps it; whoever finds it bumped
//     stops, quietly.
//   - Submit, retry and hand-back put the new job into the transaction that changes the task, so an open task always
//     has a live job. Nothing here writes River's tables directly.
//   - No transaction is open while a model thinks, a page loads or anything else is waited for.
//   - Events are published after their commit, never before.
package jobs

import (
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"legwork/internal/research"
	"legwork/internal/store"
)

// Queues of River.
const (
	queueResearch = "research" // tasks; one worker slot each
	queueFileJobs = "upkeep"   // artifacts, purges and clean-up; short jobs. The name is stored in river_job, so it stays
)

// ResearchArgs name one run.
type ResearchArgs struct {
	TaskID uuid.UUID `json:"taskId"`
	Epoch  int       `json:"epoch"`
}

// Kind implements river.JobArgs.
func (ResearchArgs) Kind() string { return "research" }

// researchOpts inserts a run: now, or after a delay. Undelayed jobs do not wait for River's scheduler. A task that was
// begun goes before those of its priority that were not: a lost worker should cost it seconds, not another wait in the
// queue.
func researchOpts(p research.Priority, delay time.Duration, begun bool) *river.InsertOpts {
	opts := &river.InsertOpts{Queue: queueResearch, MaxAttempts: 1, Priority: riverPriority(p)}
	if begun {
		opts.Priority--
	}
	if delay > 0 {
		opts.ScheduledAt = time.Now().Add(delay)
	}
	return opts
}

// riverPriority: River works 1 before 2, and so on to 4.
func riverPriority(p research.Priority) int {
	switch p {
	case research.High:
		return 2
	case research.Low:
		return 4
	case research.Normal:
	}
	return 3
}

// ArtifactsArgs ask for the files of a finished task.
type ArtifactsArgs struct {
	TaskID uuid.UUID `json:"taskId"`
}

// Kind implements river.JobArgs.
func (ArtifactsArgs) Kind() string { return "artifacts" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (ArtifactsArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueFileJobs, MaxAttempts: 10}
}

// PurgeArgs ask for the removal of the files of a deleted task.
type PurgeArgs struct {
	TaskID uuid.UUID         `json:"taskId"`
	Last   *store.FinalEvent `json:"last,omitempty"` // for streams in processes that heard nothing of its end
}

// Kind implements river.JobArgs.
func (PurgeArgs) Kind() string { return "purge_artifacts" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (PurgeArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueFileJobs, MaxAttempts: 25}
}
