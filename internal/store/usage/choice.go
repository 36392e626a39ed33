package usage

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/db"
	"legwork/internal/research"
	"legwork/internal/store"
)

// RunCost says what runs may cost in this process.
type RunCost struct {
	MaxTokens   int64 // of a task that names no bound of its own; 0: any number
	TokenMargin int64 // what a task may use beyond its bound
	Price       int64 // microdollars for a million tokens; 0: the model has no price
}

// Choice is the task that a job runs.
type Choice struct {
	TaskID    uuid.UUID
	Epoch     int
	Held      bool               // no task may run now; this one, whose job it was, is held
	Exhausted research.LimitName // of what nothing is left for the task; empty: it may run
	Grant     store.Grant
}

// ChooseTask decides which waiting task a job runs, and what the run may use. research.ErrFenced: the job has no task any more.
//
// A job is only the right to a slot. Within the highest priority, the account with the fewest running tasks is next, with its
// oldest task; that task and the one whose job it was exchange their jobs. pin is what a task that has not begun yet would be
// pinned to. Claims wait for each other while more than one account has waiting tasks or anything is limited, until the
// transaction ends.
func (s *Store) ChooseTask(ctx context.Context, tx pgx.Tx, job int64, pin research.Pin, cost RunCost) (Choice, error) {
	row, err := s.q.WithTx(tx).ChooseTask(ctx, db.ChooseTaskParams{Job: job, Defaults: s.defaults, Provider: pin.Provider,
		ServerTokens: cost.MaxTokens, TokenMargin: cost.TokenMargin, Price: cost.Price})
	if err != nil {
		return Choice{}, fenced(err)
	}
	c := Choice{TaskID: row.TaskID, Epoch: int(row.RunEpoch), Grant: store.Grant{Pages: amount(row.Pages), Tokens: amount(row.Tokens), Microdollars: amount(row.Microdollars)}}
	switch row.Verdict {
	case "granted":
	case "held":
		c.Held = true
	case "no_pages":
		c.Exhausted = research.LimitPages
	case "no_tokens":
		c.Exhausted = research.LimitTokens
	case "no_dollars":
		c.Exhausted = research.LimitDollars
	default:
		return c, errors.New("choose_task gave the unknown verdict " + row.Verdict)
	}
	return c, nil
}

// fenced translates an error. No row means that the job or the hold is over.
func fenced(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return research.ErrFenced
	}
	return store.Translate(err)
}

// amount converts an amount from the database: -1 means that there is no limit, and gives nil.
func amount(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}

// GrantOf is what a run has reserved.
func (s *Store) GrantOf(ctx context.Context, id uuid.UUID, epoch int) (store.Grant, error) {
	row, err := s.q.GrantOf(ctx, id, int32(epoch))
	return store.Grant{Pages: row.ReservedPages, Tokens: row.ReservedTokens, Microdollars: row.ReservedMicrodollars}, store.Translate(err)
}

// JobTask is the task that runs in a job.
type JobTask struct {
	TaskID uuid.UUID
	Epoch  int
	Owner  *uuid.UUID // the worker that has claimed it; nil: none yet
}

// TaskOfJob gives the task that runs in a job; research.ErrFenced when it has none any more.
func (s *Store) TaskOfJob(ctx context.Context, job int64) (JobTask, error) {
	row, err := s.q.TaskOfJob(ctx, job)
	return JobTask{TaskID: row.TaskID, Epoch: int(row.RunEpoch), Owner: row.Owner}, fenced(err)
}

// AnyHeld reports whether any task is held, or got a job again and has not begun yet.
func (s *Store) AnyHeld(ctx context.Context) (bool, error) {
	yes, err := s.q.AnyHeld(ctx)
	return yes, store.Translate(err)
}

// HeldTasks lists the held tasks that may get a job again: for each account with room for another run, the one that waits
// longest, unless the last one has not begun yet.
func (s *Store) HeldTasks(ctx context.Context) ([]uuid.UUID, error) {
	ids, err := s.q.HeldTasks(ctx, s.defaults)
	return ids, store.Translate(err)
}

// ReleaseTask ends the hold of a task whose head the transaction has locked. The caller gives it a job in the same transaction.
// research.ErrFenced: it is not held any more.
func (s *Store) ReleaseTask(ctx context.Context, tx pgx.Tx, id uuid.UUID) (priority research.Priority, begun bool, err error) {
	row, err := s.q.WithTx(tx).ReleaseTask(ctx, id)
	return research.Priority(row.Priority), row.Begun, fenced(err)
}
