package ranking

import (
	"regexp"
	"strings"
	"unicode"
)

// headingSeparator stands between the parts of a passage's heading path (see plaintext.Passages).
const headingSeparator = " › "

// columnSeparator stands between the heads of the columns of a table, in the part of a heading path that they are.
const columnSeparator = " | "

// above is what a passage's heading path says.
type above struct {
	columns string // the heads of the columns of table rows, which stand in the path or in the passage's first row
	entry   string // the path without the heads of columns: passages that have it in common belong together
	label   string // what the passage is about: the term that it begins with, else the nearest heading or term
}

// readHeading reads a passage's heading path. Rows of a table belong to what the table stands in, whether or not its heads stand in
// the same passage. An entry of several names ("-p port, --port=port") is about the one that the passage begins with.
func readHeading(heading, text string) above {
	path, columns := CutColumns(heading, text)
	parts := strings.Split(path, headingSeparator)
	a := above{entry: path, label: parts[len(parts)-1], columns: columns}
	first, _, more := strings.Cut(text, "\n")
	if columns == "" && more && strings.HasPrefix(first, "|") && !strings.ContainsFunc(first, unicode.IsDigit) {
		a.columns = first // a row with a digit is one of data, in a table without heads
	}
	if m := boldLine.FindStringSubmatch(first); m != nil && more {
		a.entry, a.label = path+headingSeparator+m[1], m[1]
	} else if strings.HasPrefix(a.label, first+", ") && more {
		a.label = first
	}
	return a
}

// boldLine is the term that begins a definition in snapshots read by versions before 60a9504. Their heading paths are without it.
var boldLine = regexp.MustCompile(`^\s*\*\*(.+)\*\*\s*$`)

// CutColumns divides the heading path of a passage of table rows into what the table stands in, and the table's caption and heads of
// columns; columns is empty where the passage has no rows, or its first row is that of the heads.
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
