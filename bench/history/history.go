// Package history fills a database with the tasks of some months, for measurements and tests of reports. The rows are made by the
// database itself (history.sql), without the code that writes them in operation, and they pass the audit.
package history

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
)

//go:embed history.sql
var script string

// Size says how much Fill makes. A task has 30 events on average.
type Size struct {
	Tasks int
	Days  int // the tasks were submitted at random times of the last Days days
	Pages int // number of snapshots; at least 10
}

// Fill fills an empty, migrated database. In bulk, it makes the rows without their triggers and foreign keys, which needs a
// superuser, and then tells the summaries of all tasks. The accounts default and other have tasks.
func Fill(ctx context.Context, conn *pgx.Conn, s Size, bulk bool) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for name, value := range map[string]int{"tasks": s.Tasks, "days": s.Days, "pages": s.Pages} {
			if _, err := tx.Exec(ctx, "SELECT set_config('history.' || $1, $2, true)", name, strconv.Itoa(value)); err != nil {
				return err
			}
		}
		statements := script
		if bulk {
			statements = "SET LOCAL session_replication_role = replica; SET LOCAL work_mem = '128MB';\n" + script +
				"INSERT INTO report_changes SELECT account_id, date_trunc('hour', created_at, 'UTC'), id FROM tasks WHERE completed_at IS NOT NULL;"
		}
		if _, err := tx.Exec(ctx, statements, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("make a history of tasks: %w", err)
		}
		return nil
	})
}
