package structured

import "strings"

// maxMarkers is the greatest number of lists and quotes that may begin on one line of Markdown. The time of the Markdown parser grows with
// the square of this number.
const maxMarkers = 30

// FrontMatter removes the settings at the beginning of a Markdown file, which site generators put between lines of dashes or plus signs. It
// returns the title in these settings, and the rest of the file.
func FrontMatter(text string) (title, rest string) {
	for _, fence := range []string{"---", "+++"} {
		after, found := strings.CutPrefix(text, fence+"\n")
		if !found {
			continue
		}
		settings, rest, found := strings.Cut(after, "\n"+fence+"\n")
		if !found || !strings.ContainsAny(settings, ":=") || strings.Contains(settings, "\n\n\n") {
			continue
		}
		for line := range strings.Lines(settings) {
			for _, sign := range []string{":", "="} {
				name, value, found := strings.Cut(line, sign)
				if found && strings.EqualFold(strings.TrimSpace(name), "title") && title == "" {
					title = strings.Trim(strings.TrimSpace(value), `"'`)
				}
			}
		}
		return title, rest
	}
	return "", text
}

// ShallowMarkdown removes the markers of lists and quotes that come after the first maxMarkers on a line.
func ShallowMarkdown(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for line := range strings.Lines(text) {
		markers := 0
		for i := 0; i < len(line); i++ {
			c := line[i]
			if c == '>' || (c == '-' || c == '*' || c == '+') && i+1 < len(line) && (line[i+1] == ' ' || line[i+1] == '\t') {
				markers++
			} else if c != ' ' && c != '\t' {
				break
			}
			if markers == maxMarkers {
				b.WriteString(line[:i+1])
				line = " " + strings.TrimLeft(line[i+1:], " \t>-*+")
				break
			}
		}
		b.WriteString(line)
	}
	return b.String()
}
