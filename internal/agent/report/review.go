package report

import (
	"context"
	"slices"
	"strings"
)

// review lets Writer.Review judge and change the sections, and the summary if it is written. A section of which nothing
// remains counts as missing.
func (d *draft) review(ctx context.Context, finished bool) error {
	if d.Review == nil {
		return nil
	}
	var parts []string
	var to []*string
	add := func(text *string) {
		if *text != "" {
			parts, to = append(parts, *text), append(to, text)
		}
	}
	for i := range d.Sections {
		add(&d.Sections[i].Text)
	}
	add(&d.summary)
	changed, removed, err := d.Review(ctx, finished, parts)
	if err != nil {
		return err
	}
	d.removed = removed
	for i, text := range changed {
		if text != parts[i] {
			*to[i] = withoutEmptyHeadings(text)
		}
	}
	for i := range d.Sections {
		if s := &d.Sections[i]; s.Text == "" && slices.Contains(to, &s.Text) {
			d.note("the quotes do not support the section %q", s.Heading)
		}
	}
	return nil
}

// withoutEmptyHeadings removes the headings of a section under which nothing stands.
func withoutEmptyHeadings(text string) string {
	lines := strings.Split(text, "\n")
	var out []string
	code := false
	for i, line := range lines {
		if fence.MatchString(line) {
			code = !code
		}
		if m := heading.FindStringSubmatch(line); m == nil || code || !empty(lines[i+1:], len(m[1])) {
			out = append(out, line)
		}
	}
	return strings.TrimSpace(blankLines.ReplaceAllString(strings.Join(out, "\n"), "\n\n"))
}

// empty reports whether nothing stands before the next heading of the same level or a higher one.
func empty(lines []string, level int) bool {
	for _, line := range lines {
		if m := heading.FindStringSubmatch(line); m != nil {
			if len(m[1]) <= level {
				return true
			}
		} else if strings.TrimSpace(line) != "" {
			return false
		}
	}
	return true
}
