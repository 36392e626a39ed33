// Package migrations holds the schema of legwork as forward-only goose migrations. A published migration is never
// edited; a change is a new file. River's own migrations run after these, under the same advisory lock (internal/store).
package migrations

import "embed"

// FS holds the migrations, named NNNNN_what.sql.
//
//go:embed *.sql
var FS embed.FS
