// Package queries embeds the SQL files from which sqlc generates package db. The bench program uses them to run the same
// statements with pgbench.
package queries

import "embed"

// FS holds the files of this folder.
//
//go:embed *.sql
var FS embed.FS
