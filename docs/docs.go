// Package docs has the documentation as Markdown. internal/manual makes the site of it.
package docs

import "embed"

// Files has the documentation. README.md is its index.
//
//go:embed *.md tutorials howto reference explanation decisions
var Files embed.FS
