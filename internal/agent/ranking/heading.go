package ranking

import (
	"regexp"
	"strings"
	"unicode"
)

// headingSeparator separates the parts of a passage's heading path (see plaintext.Passages).
const headingSeparator = " › "

// columnSeparator separates the heads of a table's columns. They are the last part of the heading path of the table's rows.
const columnSeparator = " | "

// above is the result of reading a passage's heading path.
type above struct {
	columns string // for table rows: the heads of the columns, from the heading path or from the passage's first row
	entry   string // the heading path without the heads of columns; passages with the same path belong to one entry
	label   string // the term that the passage begins with, or else the nearest heading or term above it
}

// readHeading reads a passage's heading path. Table rows belong to the section of their table, whether or not the passage has
// the table's heads. If an entry has several names ("-p port, --port=port"), its label is the one that the passage begins with.
func readHeading(heading, text string) above {
	path, columns := CutColumns(heading, text)
	parts := strings.Split(path, headingSeparator)
	a := above{entry: path, label: parts[len(parts)-1], columns: columns}
	first, _, more := strings.Cut(text, "\n")
	if columns == "" && more && strings.HasPrefix(first, "|") && !strings.ContainsFunc(first, unicode.IsDigit) {
		a.columns = first // a first row with a digit has data, so the table has no heads
	}
	var bold []string
	if more && strings.Contains(first, "**") {
		bold = boldLine.FindStringSubmatch(first)
	}
	if bold != nil {
		a.entry, a.label = path+headingSeparator+bold[1], bold[1]
	} else if strings.HasPrefix(a.label, first+", ") && more {
		a.label = first
	}
	return a
}

// boldLine matches the term that begins a definition in old snapshots (stored before commit 60a9504). The heading paths
// of these snapshots do not have the term.
var boldLine = regexp.MustCompile(`^\s*\*\*(.+)\*\*\s*$`)

// CutColumns splits the heading path of a passage. If the passage starts with a table row and the heading path ends
// with the heads of the table's columns, columns is this last part (the table's caption and the heads of its
// columns), and path is the rest, which is the section of the table. Otherwise path is the whole heading path and
// columns is empty. This is so if the passage does not start with a row, or if the heads are the passage's own first
// row.
func CutColumns(heading, text string) (path, columns string) {
	path, last := "", heading
	if at := strings.LastIndex(heading, headingSeparator); at >= 0 {
		path, last = heading[:at], heading[at+len(headingSeparator):]
	}
	if !strings.HasPrefix(text, "|") || !strings.Contains(last, columnSeparator) {
		return heading, ""
	}
	return path, last
}
