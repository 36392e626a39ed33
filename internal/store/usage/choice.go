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

// RunCost says how much a run may use in this process, and what tokens cost.
type RunCost struct {
	MaxTokens   int64 // limit for a task that does not set its own; 0 means no limit
	TokenMargin int64 // number of tokens by which a task may exceed its limit
	Price       int64 // microdollars for a million tokens; 0 means that the model has no price
}

// Choice is the decision which task runs in a job.
type Choice struct {
	TaskID    uuid.UUID
	Epoch     int
	Held      bool               // no task may run now; TaskID is the task whose job this was, which is held now
	NewlyHeld []HeldTask         // tasks that this choice held for the first time since their last run
	Exhausted research.LimitName // the limit that the task's account has used up; empty when the task may run
	Grant     store.Grant
	Child     bool // the task is a child of a deep task
}

// HeldTask is a task that waits without a job because of a limit. The transaction of the choice has locked its head.
type HeldTask struct {
	TaskID uuid.UUID
	Epoch  int
	Reason HoldReason
}

// HoldReason says which limit makes a task wait. When a run ends to which the limit applies, the task may begin.
type HoldReason string

// The reasons, as the database names them.
const (
	AccountFull    HoldReason = "account_full"    // its account runs as many tasks as it may
	KeyFull        HoldReason = "key_full"        // its API key runs as many tasks as it may
	BudgetReserved HoldReason = "budget_reserved" // other runs have reserved what is left of a monthly limit
)

// Event returns the event that says until when a task is held.
func (r HoldReason) Event() research.Event {
	text := "The account runs as many tasks as it may; this one is held until one of them ends."
	switch r {
	case KeyFull:
		text = "The API key runs as many tasks as it may; this one is held until one of them ends."
	case BudgetReserved:
		text = "Other runs have reserved what is left of a monthly limit; this task is held until one of them ends."
	case AccountFull:
	}
	return research.Thinking(text, map[string]any{"heldBecause": string(r)})
}

// ChooseTask decides which waiting task runs in a job, and how much the run may use. It returns research.ErrFenced when
// the job has no task any more.
//
// A job only gives the right to use a slot, so ChooseTask may choose another task than the one that the job was inserted for.
// It chooses among the tasks of the highest priority. The account with the fewest running tasks is next, with its oldest task.
// The chosen task and the task of the job exchange their jobs. pin is the pin of a task that has not begun yet. While more
// than one account has waiting tasks, or any limit is set, each claim waits until the transaction of the one before it ends.
func (s *Store) ChooseTask(ctx context.Context, tx pgx.Tx, job int64, pin research.Pin, cost RunCost) (Choice, error) {
	row, err := s.q.WithTx(tx).ChooseTask(ctx, db.ChooseTaskParams{Job: job, Defaults: s.defaults, Provider: pin.Provider,
		ServerTokens: cost.MaxTokens, TokenMargin: cost.TokenMargin, Price: cost.Price})
	if err != nil {
		return Choice{}, fenced(err)
	}
	c := Choice{TaskID: row.TaskID, Epoch: int(row.RunEpoch), Grant: store.Grant{Pages: amount(row.Pages), Tokens: amount(row.Tokens), Microdollars: amount(row.Microdollars)},
		Child: row.Child}
	for i, id := range row.HeldTasks {
		c.NewlyHeld = append(c.NewlyHeld, HeldTask{TaskID: id, Epoch: int(row.HeldEpochs[i]), Reason: HoldReason(row.HeldReasons[i])})
	}
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

// fenced translates the error of a query. When the query returned no row, the job has no task any more, or the task is
// not held any more.
func fenced(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return research.ErrFenced
	}
	return store.Translate(err)
}

// amount converts an amount from the database. It turns -1, which means that there is no limit, into nil.
func amount(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}

// GrantOf returns what a run has reserved.
func (s *Store) GrantOf(ctx context.Context, id uuid.UUID, epoch int) (store.Grant, error) {
	row, err := s.q.GrantOf(ctx, id, int32(epoch))
	return store.Grant{Pages: row.ReservedPages, Tokens: row.ReservedTokens, Microdollars: row.ReservedMicrodollars}, store.Translate(err)
}

// JobTask is the task that runs in a job.
type JobTask struct {
	TaskID uuid.UUID
	Epoch  int
	Owner  *uuid.UUID // the worker that has claimed the task; nil when none has
}

// TaskOfJob returns the task that runs in a job. It returns research.ErrFenced when the job has no task any more.
func (s *Store) TaskOfJob(ctx context.Context, job int64) (JobTask, error) {
	row, err := s.q.TaskOfJob(ctx, job)
	return JobTask{TaskID: row.TaskID, Epoch: int(row.RunEpoch), Owner: row.Owner}, fenced(err)
}

// AnyHeld reports whether any task is held, or was held, has a job again and has not begun yet.
func (s *Store) AnyHeld(ctx context.Context) (bool, error) {
	yes, err := s.q.AnyHeld(ctx)
	return yes, store.Translate(err)
}

// HeldTasks lists the held tasks that may get a job again. For each account with room for another run, it returns the
// task that has waited longest. It returns none for an account while its previously released task has not begun yet.
func (s *Store) HeldTasks(ctx context.Context) ([]uuid.UUID, error) {
	ids, err := s.q.HeldTasks(ctx, s.defaults)
	return ids, store.Translate(err)
}

// ReleaseTask ends the hold of a task whose head the transaction has locked. The caller must give the task a job in the
// same transaction. ReleaseTask returns research.ErrFenced when the task is not held any more.
func (s *Store) ReleaseTask(ctx context.Context, tx pgx.Tx, id uuid.UUID) (priority research.Priority, begun bool, err error) {
	row, err := s.q.WithTx(tx).ReleaseTask(ctx, id)
	return research.Priority(row.Priority), row.Begun, fenced(err)
}
