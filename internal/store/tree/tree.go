package tree

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/db"
	"legwork/internal/research"
	"legwork/internal/store"
)

// Store reads and writes trees. Use New to make one per process.
type Store struct{ q *db.Queries }

// New returns a Store on the database of st.
func New(st *store.Store) *Store { return &Store{q: db.New(st.DB())} }

// AddRoot stores the pool of a deep task, and the share that the task keeps for itself. If the task has a pool, AddRoot
// changes nothing.
func (s *Store) AddRoot(ctx context.Context, tx pgx.Tx, id uuid.UUID, pool, own research.Share) error {
	return store.Translate(s.q.WithTx(tx).InsertRoot(ctx, db.InsertRootParams{TaskID: id, Pages: pool.Pages, Seconds: pool.Seconds, Tokens: pool.Tokens,
		Microdollars: pool.Microdollars, OwnSeconds: own.Seconds, OwnTokens: own.Tokens, OwnMicrodollars: own.Microdollars}))
}

// Root is the state of a deep task whose pool is locked.
type Root struct {
	Left       research.Share // what is left of the pool
	Plan       *research.Plan // the latest plan; nil before the first
	Children   int
	LastNumber int // greatest number of a child; 0 if there is none
	LastRound  int // round of the newest children; 0 if there are none
	Open       int // children that have not ended
	AtWork     int // open children that do not wait for their turn
}

// LockRoot locks the pool of a deep task. It returns research.ErrNotFound when the task has none.
func (s *Store) LockRoot(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Root, error) {
	q := s.q.WithTx(tx)
	row, err := q.LockRoot(ctx, id)
	if err != nil {
		return Root{}, store.Translate(err)
	}
	n, err := q.CountChildren(ctx, id)
	if err != nil {
		return Root{}, store.Translate(err)
	}
	plan, err := decodePlan(row.Plan)
	return Root{Left: share(row.Pages, row.Seconds, row.Tokens, row.Microdollars), Plan: plan, Children: int(n.Children),
		LastNumber: int(n.LastNumber), LastRound: int(n.LastRound), Open: int(n.Open), AtWork: int(n.AtWork)}, err
}

// share converts amounts from the database, where -1 means that an amount is not limited.
func share(pages, seconds, tokens, microdollars int64) research.Share {
	return research.Share{Pages: pages, Seconds: seconds, Tokens: amount(tokens), Microdollars: amount(microdollars)}
}

func amount(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// SavePlan stores the plan of the present round, and how long the task waits from now.
func (s *Store) SavePlan(ctx context.Context, tx pgx.Tx, id uuid.UUID, plan research.Plan, wait time.Duration) error {
	b, err := research.EncodeJSON(plan)
	if err != nil {
		return fmt.Errorf("encode plan: %w", err)
	}
	return store.Translate(s.q.WithTx(tx).SavePlan(ctx, b, wait.Seconds(), id))
}

func decodePlan(b []byte) (*research.Plan, error) {
	if len(b) == 0 {
		return nil, nil //nolint:nilnil // nil is the value "no plan"
	}
	plan := &research.Plan{}
	if err := json.Unmarshal(b, plan); err != nil {
		return nil, fmt.Errorf("stored plan: %w", err)
	}
	return plan, nil
}

// Give gives a part of the pool of a deep task: what is wanted, or what is left. The caller must store the share with a
// child in the same transaction.
func (s *Store) Give(ctx context.Context, tx pgx.Tx, parent uuid.UUID, want research.Share) (research.Share, error) {
	q := s.q.WithTx(tx)
	row, err := q.LockRoot(ctx, parent)
	if err != nil {
		return research.Share{}, store.Translate(err)
	}
	left := share(row.Pages, row.Seconds, row.Tokens, row.Microdollars)
	given := research.Share{Pages: min(want.Pages, left.Pages), Seconds: min(want.Seconds, left.Seconds), Tokens: least(want.Tokens, left.Tokens),
		Microdollars: least(want.Microdollars, left.Microdollars)}
	err = q.GiveShare(ctx, db.GiveShareParams{ParentID: parent, Pages: given.Pages, Seconds: given.Seconds, Tokens: value(given.Tokens), Microdollars: value(given.Microdollars)})
	return given, store.Translate(err)
}

// least returns the part of what is wanted that is left. left is nil if the amount is not limited.
func least(want, left *int64) *int64 {
	if left == nil {
		return nil
	}
	n := min(value(want), *left)
	return &n
}

// AddChild stores that a task is a child of a deep task, with its share, and pins it to the parent's model.
func (s *Store) AddChild(ctx context.Context, tx pgx.Tx, parent, child uuid.UUID, round int, sub research.Subquestion) error {
	q := s.q.WithTx(tx)
	err := q.InsertChild(ctx, db.InsertChildParams{TaskID: child, ParentID: parent, Number: int32(sub.Number), Round: int32(round),
		Pages: sub.Share.Pages, Seconds: sub.Share.Seconds, Tokens: sub.Share.Tokens, Microdollars: sub.Share.Microdollars})
	if err != nil {
		return store.Translate(err)
	}
	return store.Translate(q.PinAs(ctx, parent, child))
}

// Settle returns to the pool what a child that has ended did not use of its share.
func (s *Store) Settle(ctx context.Context, tx pgx.Tx, child uuid.UUID) error {
	return store.Translate(s.q.WithTx(tx).SettleShare(ctx, child))
}

// Wait makes a queued task wait. The transaction must hold the lock of its head, and the task must have no live job.
func (s *Store) Wait(ctx context.Context, tx pgx.Tx, id uuid.UUID, what research.Waiting) error {
	q := s.q.WithTx(tx)
	if err := q.SetWaiting(ctx, string(what), id); err != nil {
		return store.Translate(err)
	}
	return store.Translate(q.ClearJob(ctx, id))
}

// StopWaiting ends a wait. The caller must give the task a job in the same transaction, which holds the lock of the head.
// It returns research.ErrFenced when the task does not wait for this.
func (s *Store) StopWaiting(ctx context.Context, tx pgx.Tx, id uuid.UUID, what research.Waiting) (priority research.Priority, begun bool, err error) {
	row, err := s.q.WithTx(tx).StopWaiting(ctx, id, string(what))
	return research.Priority(row.Priority), row.Begun, fenced(err)
}

// PlanConfirmed makes a task that waits for its plan wait for its children. It returns research.ErrNoPlan when the task does
// not wait for its plan. The transaction must hold the lock of the head.
func (s *Store) PlanConfirmed(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	n, err := s.q.WithTx(tx).KeepWaiting(ctx, id)
	if err == nil && n == 0 {
		return research.ErrNoPlan
	}
	return store.Translate(err)
}

// OpenChildren returns the children of a deep task that have not ended, in the order in which their heads are locked.
// When tx is nil, it reads outside a transaction.
func (s *Store) OpenChildren(ctx context.Context, tx pgx.Tx, id uuid.UUID) ([]uuid.UUID, error) {
	q := s.q
	if tx != nil {
		q = q.WithTx(tx)
	}
	ids, err := q.OpenChildren(ctx, id)
	return ids, store.Translate(err)
}

// Children returns the ids of all children of deep tasks, in the order in which their heads are locked.
func (s *Store) Children(ctx context.Context, parents ...uuid.UUID) ([]uuid.UUID, error) {
	ids, err := s.q.ChildIDs(ctx, parents)
	return ids, store.Translate(err)
}

// Due is something to be done about a tree.
type Due struct {
	ID   uuid.UUID
	What string // turn, plan, late or children; see the query DueNodes
}

// DueNodes returns at most limit things to be done. A deep task has at most atOnce children at work.
func (s *Store) DueNodes(ctx context.Context, atOnce, limit int) ([]Due, error) {
	rows, err := s.q.DueNodes(ctx, int32(limit), int64(atOnce))
	if err != nil {
		return nil, store.Translate(err)
	}
	due := make([]Due, len(rows))
	for i, r := range rows {
		due[i] = Due{ID: r.ID, What: r.Due}
	}
	return due, nil
}

// Tree returns a deep task and its children: the task first, then the children by number. It returns none when the task
// has no plan yet, or is no deep task. With an account it returns none when the task belongs to another one.
func (s *Store) Tree(ctx context.Context, account *string, id uuid.UUID) ([]research.TreeNode, error) {
	rows, err := s.q.Tree(ctx, id, account)
	if err != nil {
		return nil, store.Translate(err)
	}
	nodes := make([]research.TreeNode, len(rows))
	for i, r := range rows {
		plan, err := decodePlan(r.Plan)
		if err != nil {
			return nil, err
		}
		nodes[i] = research.TreeNode{
			Child: research.Child{TaskID: r.TaskID, Number: int(r.Number), Round: int(r.Round), Question: r.Question, Status: research.Status(r.Status),
				Answer: r.Answer, Answered: r.Answered, Error: r.Error},
			ErrorCode: r.ErrorCode, StartedAt: r.StartedAt, CompletedAt: r.CompletedAt, WaitsUntil: r.WaitsUntil, Plan: plan, Citations: int(r.Citations),
			Share: research.Share{Pages: r.Pages, Seconds: r.Seconds, Tokens: r.Tokens, Microdollars: r.Microdollars},
			Given: research.Share{Pages: r.GivenPages, Seconds: r.GivenSeconds, Tokens: &r.GivenTokens, Microdollars: &r.GivenMicrodollars},
			Own:   research.Share{Seconds: r.OwnSeconds, Tokens: r.OwnTokens, Microdollars: r.OwnMicrodollars},
			Used: research.Usage{Pages: int(r.UsedPages), InputTokens: r.UsedTokens, CostUSD: &r.UsedUsd,
				Running: time.Duration(r.UsedSeconds * float64(time.Second)).Round(time.Millisecond)},
		}
		if r.WaitingFor != nil {
			nodes[i].WaitingFor = research.Waiting(*r.WaitingFor)
		}
	}
	return nodes, nil
}

func fenced(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return research.ErrFenced
	}
	return store.Translate(err)
}
