package progress

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"legwork/api"
	"legwork/internal/terminaltext"
)

var (
	headingLine = regexp.MustCompile(`^(#{1,6}) (.+)$`)
	strong      = regexp.MustCompile(`\*\*([^*\n]+)\*\*`)
	fenceLine   = regexp.MustCompile("^ {0,3}(?:```|~~~)")
)

// markdown shows the headings and the strong words of a Markdown text in bold on a terminal. The text itself stays as it
// is, so that it can be copied as Markdown.
func (p *Printer) markdown(text string) string {
	if !p.colour {
		return text
	}
	lines, code := strings.Split(text, "\n"), false
	for i, line := range lines {
		switch {
		case fenceLine.MatchString(line):
			code = !code
		case code:
		case headingLine.MatchString(line):
			lines[i] = p.paint(bold, line)
		default:
			lines[i] = strong.ReplaceAllStringFunc(line, func(s string) string { return p.paint(bold, s) })
		}
	}
	return strings.Join(lines, "\n")
}

// structured prints the data and the contradictions of a task.
func (p *Printer) structured(task api.Task) {
	if task.Data != nil {
		fmt.Fprintln(p.w, p.paint(bold, "Data"))
		var v any
		if json.Unmarshal(*task.Data, &v) == nil {
			b, _ := json.MarshalIndent(v, "", "  ")
			fmt.Fprintln(p.w, terminaltext.Clean(string(b)))
		}
		for _, b := range task.DataBasis {
			fmt.Fprintf(p.w, "  %s %s\n", oneLine(b.Path), markers(b.Citations))
		}
		fmt.Fprintln(p.w)
	}
	if len(task.Contradictions) > 0 {
		fmt.Fprintln(p.w, p.paint(bold, "Contradictions"))
		for _, c := range task.Contradictions {
			line := markers(c.Citations) + " " + oneLine(c.About)
			if c.Newest != nil {
				line += fmt.Sprintf(" (the newest: [%d])", *c.Newest)
			}
			fmt.Fprintln(p.w, "  "+line)
		}
		fmt.Fprintln(p.w)
	}
}

func markers(numbers []int) string {
	var b strings.Builder
	for _, n := range numbers {
		fmt.Fprintf(&b, "[%d]", n)
	}
	return b.String()
}

// known says kind and dates of a citation's source.
func known(c api.Citation) string {
	var words []string
	if c.Kind != nil {
		words = append(words, string(*c.Kind))
	}
	for _, d := range []struct {
		word string
		at   *api.Time
	}{{"published", c.PublishedAt}, {"changed", c.ModifiedAt}} {
		if d.at != nil {
			words = append(words, d.word+" "+d.at.UTC().Format(time.DateOnly))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, ", ") + ")"
}
