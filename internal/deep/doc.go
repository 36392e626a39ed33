// Package deep turns the plan of a deep task into children, and wakes the deep task when they have ended. Its functions
// write within the transactions of package jobs, which ends runs and tasks.
//
// A deep task is a tree of depth two. Its first run plans and ends. The task then waits without a run and without a job,
// for its user to confirm the plan, if that was asked for, and for its children. The child that ends last gives the deep
// task a job, in the transaction in which it ends.
package deep

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/tree"
)

// Config bounds deep tasks. Zero fields get their defaults.
type Config struct {
	AtOnce       int           // how many children of one deep task are at work at once; 0 means 4
	ChildrenWait time.Duration // how long a deep task waits for the children of one round; 0 means one hour
	PlanWait     time.Duration // how long a deep task waits for its plan to be confirmed; 0 means a day
	MostSeconds  int64         // greatest running time of a child, and of the deep task itself; at most TASK_TIMEOUT; 0 means 600
}

// withDefaults returns the configuration with its defaults filled in.
func (c Config) withDefaults() Config {
	if c.AtOnce <= 0 {
		c.AtOnce = 4
	}
	if c.ChildrenWait <= 0 {
		c.ChildrenWait = time.Hour
	}
	if c.PlanWait <= 0 {
		c.PlanWait = 24 * time.Hour
	}
	if c.MostSeconds <= 0 {
		c.MostSeconds = 600
	}
	return c
}

// InsertJob inserts the River job of a run and returns its id. begun says that the task had a run before.
type InsertJob func(ctx context.Context, tx pgx.Tx, id uuid.UUID, epoch int, priority research.Priority, begun bool) (int64, error)

// Trees changes the trees of deep tasks.
type Trees struct {
	store     store.Worker
	rows      *tree.Store
	insertJob InsertJob
	cfg       Config
}

// New returns Trees on a database.
func New(st *store.Store, insertJob InsertJob) *Trees {
	return &Trees{store: st.Worker(), rows: tree.New(st), insertJob: insertJob, cfg: Config{}.withDefaults()}
}

// Configure sets the bounds. Call it before the first deep task begins.
func (t *Trees) Configure(c Config) { t.cfg = c.withDefaults() }

// Rows returns the rows of the trees.
func (t *Trees) Rows() *tree.Store { return t.rows }

// Late returns the failure of a child that did not end in time, or of a deep task whose plan was not confirmed in time. It
// returns nil for any other task, for instance one that has ended meanwhile.
func (t *Trees) Late(task research.Task) *research.Failure {
	message := fmt.Sprintf("The plan was not confirmed within %s; ask again, or confirm it earlier.", t.cfg.PlanWait)
	switch {
	case task.Status.Terminal(), task.ChildOf == nil && task.WaitingFor != research.WaitingForPlan:
		return nil
	case task.ChildOf != nil:
		message = fmt.Sprintf("The sub-question was not answered within the %s that a deep task waits for it.", t.cfg.ChildrenWait)
	}
	return &research.Failure{Code: research.CodeTimeout, Message: message}
}
