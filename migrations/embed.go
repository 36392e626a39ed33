// Package migrations embeds legwork's database schema as goose migrations. There are no migrations back to an older
// schema. A published migration is never edited; a change is a new file. Package store runs these migrations, and then
// River's own migrations.
package migrations

import "embed"

// FS holds the migrations. A file is named NNNNN_name.sql.
//
//go:embed *.sql
var FS embed.FS
