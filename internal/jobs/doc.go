// Package jobs accepts tasks, runs them in worker processes, and ends them. A run is one worker's work on one task. River
// (a job queue in PostgreSQL) tells a worker which run to begin.
//
// Invariants:
//
//   - Each run has its own River job, with the arguments {taskId, epoch} and one attempt. The job's worker always returns
//     nil. legwork counts tries and decides on failures in the table tasks; the state of River's row decides nothing.
//   - The epoch of a task is the only fence. It grows when a run ends, for whatever reason: retry, hand-back, cancel or
//     end of the task. A run that finds a newer epoch stops and changes nothing.
//   - Submit, retry and hand-back insert the new job in the transaction that changes the task. So an open task always has
//     a job. This package never writes River's tables directly.
//   - No transaction is open during a wait, for instance for a model or a page.
//   - Events are published after their commit, never before.
package jobs

import (
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"legwork/internal/research"
	"legwork/internal/store"
)

// queueFileJobs is River's queue of artifacts, purges and clean-up, which are short. Rows of river_job contain the name, so it
// must not change. The queues of runs are in package ownqueue.
const queueFileJobs = "upkeep"

// ResearchArgs are the arguments of the job of one run.
type ResearchArgs struct {
	TaskID uuid.UUID `json:"taskId"`
	Epoch  int       `json:"epoch"`
}

// Kind implements river.JobArgs.
func (ResearchArgs) Kind() string { return "research" }

// researchOpts returns the options of the job of a run, which begins after delay. A job without a delay does not wait
// for River's scheduler. begun means that the task had a run before. Such a task goes ahead of tasks of the same
// priority that had none, so that after the loss of a worker it does not wait in the queue a second time.
func researchOpts(queue string, p research.Priority, delay time.Duration, begun bool) *river.InsertOpts {
	opts := &river.InsertOpts{Queue: queue, MaxAttempts: 1, Priority: riverPriority(p)}
	if begun {
		opts.Priority--
	}
	if delay > 0 {
		opts.ScheduledAt = time.Now().Add(delay)
	}
	return opts
}

// riverPriority returns River's number for a priority. River works jobs with number 1 first and with number 4 last.
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

// ArtifactsArgs are the arguments of the job that writes the files of a finished task.
type ArtifactsArgs struct {
	TaskID uuid.UUID `json:"taskId"`
}

// Kind implements river.JobArgs.
func (ArtifactsArgs) Kind() string { return "artifacts" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (ArtifactsArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueFileJobs, MaxAttempts: 10}
}

// PurgeArgs are the arguments of the job that removes the files of a deleted task.
type PurgeArgs struct {
	TaskID uuid.UUID         `json:"taskId"`
	Last   *store.FinalEvent `json:"last,omitempty"` // ends streams in processes that got no notification of the task's end
}

// Kind implements river.JobArgs.
func (PurgeArgs) Kind() string { return "purge_artifacts" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (PurgeArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueFileJobs, MaxAttempts: 25}
}
