package wire

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"legwork/internal/research"
)

// HasReport reports whether a task has the file report.md: it was to be a report, and has an answer.
func HasReport(t research.Task) bool {
	return t.Options.Format == research.FormatReport && t.Answer != nil
}

// ReportMarkdown returns the content of report.md: the report, and the quotes that its markers point at, so that the file
// can be read without the task.
func ReportMarkdown(t research.Task) []byte {
	var b bytes.Buffer
	b.WriteString(strings.TrimSpace(*t.Answer) + "\n")
	if len(t.Citations) > 0 {
		b.WriteString("\n## Quotes\n\nEach quote stands word for word in the stored page.\n")
	}
	for _, c := range t.Citations {
		fmt.Fprintf(&b, "\n**[%d]** %s, <%s>%s\n\n", c.Marker, markdownText(citation(c).Title), markdownAddress(c.URL), dates(c))
		for line := range strings.SplitSeq(strings.TrimSpace(c.Excerpt), "\n") {
			b.WriteString(strings.TrimRight("> "+markdownText(line), " ") + "\n")
		}
	}
	return b.Bytes()
}

func dates(c research.Evidence) string {
	out := ""
	if c.PublishedAt != nil {
		out += ", published " + c.PublishedAt.UTC().Format(time.DateOnly)
	}
	if !c.AccessedAt.IsZero() {
		out += ", read " + c.AccessedAt.UTC().Format(time.DateOnly)
	}
	return out
}

// markdownText returns a text of a page so that Markdown shows it as it is.
func markdownText(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "<", `\<`, "#", `\#`, "|", `\|`, "\n", " ", "\r", "").Replace(s)
}

// markdownAddress returns an address so that it can stand between < and >.
func markdownAddress(u string) string {
	return strings.NewReplacer("<", "%3C", ">", "%3E", " ", "%20", "\n", "", "\r", "").Replace(u)
}
