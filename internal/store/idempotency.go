package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/db"
)

// TakenKey is the earlier use of an idempotency key.
type TakenKey struct {
	RequestHash []byte
	TaskID      uuid.UUID // the task may have been deleted meanwhile
}

// TakeKey reserves an idempotency key of an account for a task and returns nil. When the key was used less than keep
// ago, it returns the earlier use. When two transactions take the same key, the second one waits here for the end of the
// first.
func (a Account) TakeKey(ctx context.Context, tx pgx.Tx, key string, hash []byte, task uuid.UUID, keep time.Duration) (*TakenKey, error) {
	q := a.s.q.WithTx(tx)
	n, err := q.ReserveKey(ctx, db.ReserveKeyParams{
		AccountID: a.id, Key: key, RequestHash: hash, TaskID: task, KeepSeconds: keep.Seconds()})
	if err != nil || n == 1 {
		return nil, wrap(err)
	}
	row, err := q.TakenKey(ctx, a.id, key)
	if err != nil {
		return nil, wrap(err)
	}
	return &TakenKey{RequestHash: row.RequestHash, TaskID: row.TaskID}, nil
}

// PurgeKeys removes at most limit idempotency keys older than keep, and returns how many it removed.
func (w Worker) PurgeKeys(ctx context.Context, keep time.Duration, limit int) (int64, error) {
	n, err := w.q.PurgeKeys(ctx, keep.Seconds(), int32(limit))
	return n, wrap(err)
}
