package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/db"
)

// deleteUnusedPages removes those of the given snapshots that nothing refers to, and returns how many it removed.
func deleteUnusedPages(ctx context.Context, q *db.Queries, pages []int64) (int64, error) {
	locked, err := q.LockPages(ctx, pages)
	if err != nil || len(locked) == 0 {
		return 0, wrap(err)
	}
	n, err := q.CollectPages(ctx, locked)
	return n, wrap(err)
}

// LockExpired locks the heads of at most limit tasks that ended longer than keep ago, and returns their ids.
func (w Worker) LockExpired(ctx context.Context, tx pgx.Tx, keep time.Duration, limit int) ([]uuid.UUID, error) {
	ids, err := w.q.WithTx(tx).LockExpired(ctx, keep.Seconds(), int32(limit))
	return ids, wrap(err)
}

// DeleteExpired removes finished tasks of any account with all their rows, and the snapshots that nothing else refers
// to. The caller must hold the locks of the tasks' heads. DeleteExpired returns the numbers of removed tasks and
// snapshots.
func (w Worker) DeleteExpired(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) (tasks, pages int64, err error) {
	q := w.q.WithTx(tx)
	used, err := q.TaskPageIDs(ctx, ids)
	if err != nil {
		return 0, 0, wrap(err)
	}
	if tasks, err = q.DeleteExpired(ctx, ids); err != nil {
		return 0, 0, wrap(err)
	}
	pages, err = deleteUnusedPages(ctx, q, used)
	return tasks, pages, err
}

// CollectOrphans removes at most limit snapshots that nothing refers to and whose keys are greater than after. It
// returns how many it removed, and the key to pass as after in the next call. The key is 0 when there are no more.
func (w Worker) CollectOrphans(ctx context.Context, after int64, limit int) (n, next int64, err error) {
	ids, err := w.q.OrphanPages(ctx, after, int32(limit))
	if err != nil || len(ids) == 0 {
		return 0, 0, wrap(err)
	}
	err = w.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		n, err = deleteUnusedPages(ctx, w.q.WithTx(tx), ids)
		return err
	})
	return n, ids[len(ids)-1], err
}

// Expired returns the numbers of rows that a clean-up would remove: tasks that ended longer than keep ago (none when
// keep is 0), snapshots that nothing refers to after that, and idempotency keys older than keepKeys.
func (w Worker) Expired(ctx context.Context, keep, keepKeys time.Duration) (tasks, pages, keys int64, err error) {
	if keep > 0 {
		if tasks, err = w.q.CountExpired(ctx, keep.Seconds()); err != nil {
			return 0, 0, 0, wrap(err)
		}
	}
	if pages, err = w.q.CountPagesAfterRetention(ctx, keep > 0, keep.Seconds()); err != nil {
		return 0, 0, 0, wrap(err)
	}
	keys, err = w.q.CountOldKeys(ctx, keepKeys.Seconds())
	return tasks, pages, keys, wrap(err)
}
