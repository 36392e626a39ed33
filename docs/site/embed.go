// Package site is the documentation of legwork as a static web site: hand-written HTML pages with a common style sheet. `legwork demo` serves it on
// loopback and asks a question about it.
//
// The pages do not depend on other sites: they need no script, contain links only to one another, and load nothing
// from other hosts. All pages can be reached from index.html.
package site

import (
	"embed"
	"io/fs"
)

//go:embed *.html *.css
var files embed.FS

// FS is the site, read-only. Its root holds index.html.
func FS() fs.FS { return files }
