// Package queries holds the SQL that sqlc turns into package db, as text for programs that run the same statements by
// other means: bench measures pgbench with them.
package queries

import "embed"

// FS holds the files of this folder.
//
//go:embed *.sql
var FS embed.FS
