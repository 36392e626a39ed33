package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"legwork/db"
	"legwork/internal/store/connection"
)

// batch sends several statements in one implicit transaction and one round trip. First it calls queue with Queries whose
// methods only add their statements to the batch, and return connection.ErrQueued. Then it calls read with Queries whose methods
// return the results. read must call the same methods in the same order as queue. The arguments of read's calls are
// ignored.
func (s *Store) batch(ctx context.Context, queue func(q *db.Queries), read func(q *db.Queries) error) error {
	conn := s.only
	if conn == nil {
		var err error
		if conn, err = s.ready.Acquire(ctx); err != nil {
			return wrap(err)
		}
		defer conn.Release()
	}
	return batchOn(ctx, conn, queue, read)
}

// batchOn is batch on a connection or in a transaction. In a transaction, the statements after one that returned no row are
// executed, too, so the caller must roll back.
func batchOn(ctx context.Context, on interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}, queue func(q *db.Queries), read func(q *db.Queries) error) error {
	b := &pgx.Batch{}
	queue(db.New(connection.QueuedStatements{Batch: b}))
	results := on.SendBatch(ctx, b)
	err := read(db.New(&connection.QueuedResults{Queued: b.QueuedQueries, Results: results}))
	if closing := results.Close(); err == nil {
		err = closing
	}
	return wrap(err)
}
