package structured

import "strings"

// maxMarkers is how many lists and quotes may begin on one line of Markdown. Each one costs time that grows with all before it.
const maxMarkers = 30

// FrontMatter takes the settings off the beginning of a Markdown file, which some generators of sites keep there between
// lines of dashes or plus signs, and gives the title among them.
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

// ShallowMarkdown takes away the markers of lists and quotes that stand more than maxMarkers deep on one line.
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
