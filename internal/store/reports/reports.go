// Package reports keeps the summaries from which the views of the schema report get their sums (migrations 29 and 30).
//
// Invariants:
//
//   - The views show the same before and after a summary: while a task is in report_changes, they compute it from its rows.
//   - A summary is computed from one snapshot. A change that commits later keeps its row in report_changes.
package reports

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"legwork/db"
	"legwork/internal/store"
)

// mostTasks is about how many changed tasks one transaction summarises.
const mostTasks = 2000

// Summarise brings the summaries of some changed hours up to date, in one transaction. It returns the number of their changed
// tasks, which is 0 when nothing is left to do or when another process summarises. Repeat it until then.
func Summarise(ctx context.Context, s *store.Store) (tasks int, err error) {
	err = s.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"); err != nil {
			return err
		}
		n, err := db.New(tx).SummariseReports(ctx, mostTasks)
		tasks = int(n)
		return err
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "23505") { // another process has just done the same hours
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("summarise reports: %w", err)
	}
	return tasks, nil
}
