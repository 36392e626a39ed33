package report

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"legwork/internal/agent"
	"legwork/internal/agent/answertext"
	"legwork/internal/research"
)

// maxContradictions is the greatest number of contradictions of a result.
const maxContradictions = 20

// named is a contradiction as a model named it.
type named struct {
	about  string
	quotes []int
}

var anyMarker = regexp.MustCompile(`[\[【(]\s*(?:quotes?\s*)?#?\d{1,4}(?:\s*[,;&]\s*#?\d{1,4})*\s*[\]】)]`)

// readContradictions reads lines such as "- [2] [5] how much the pump holds". A line that does not name two of the quotes
// is ignored.
func (w *Writer) readContradictions(lines []string) []named {
	var out []named
	for _, line := range lines {
		var n named
		for _, m := range anyMarker.FindAllString(line, -1) {
			for _, digits := range number.FindAllString(m, -1) {
				if v, err := strconv.Atoi(digits); err == nil && v >= 1 && v <= len(w.Quotes) && !slices.Contains(n.quotes, v) {
					n.quotes = append(n.quotes, v)
				}
			}
		}
		about := anyMarker.ReplaceAllString(line, " ")
		about = strings.Trim(plainLine(about, maxAbout), " ,.:;-–")
		about = strings.Trim(versus.ReplaceAllString(about, ""), " ,.:;-–")
		if len(n.quotes) >= 2 && about != "" && len(out) < maxContradictions {
			n.about = about
			out = append(out, n)
		}
	}
	return out
}

var (
	number = regexp.MustCompile(`\d+`)
	versus = regexp.MustCompile(`(?i)^(?:vs\.?|versus|and|und|gegen|contradicts?|[/&])[\s:]+`)
)

// Marked returns contradictions with markers instead of the numbers of quotes. Quotes that the answer does not cite are
// added to used. A contradiction inside one source is left out.
func (w *Writer) Marked(list []named, used *[]int) []research.Contradiction {
	var out []research.Contradiction
	for _, n := range list {
		quotes := make([]agent.Quote, len(n.quotes))
		for i, q := range n.quotes {
			quotes[i] = w.Quotes[q-1]
		}
		groups := agent.SourceGroups(quotes)
		if !slices.ContainsFunc(quotes, func(q agent.Quote) bool { return groups[q.Evidence] != groups[quotes[0].Evidence] }) {
			continue
		}
		c := research.Contradiction{About: n.about}
		for _, q := range n.quotes {
			at := slices.Index(*used, q)
			if at < 0 {
				*used, at = append(*used, q), len(*used)
			}
			c.Citations = append(c.Citations, at+1)
		}
		if newest := w.newest(n.quotes); newest > 0 {
			c.Newest = slices.Index(*used, newest) + 1
		}
		out = append(out, c)
	}
	return out
}

// newest returns the number of the quote with the latest date. It returns 0 if a quote has no date, or if two have the
// latest one.
func (w *Writer) newest(quotes []int) int {
	best, tie := 0, false
	var latest time.Time
	for _, n := range quotes {
		date := w.SourceOf(w.Quotes[n-1]).Date()
		switch {
		case date == nil:
			return 0
		case date.After(latest):
			best, latest, tie = n, *date, false
		case date.Equal(latest):
			tie = true
		}
	}
	if tie {
		return 0
	}
	return best
}

// Contradictions are the contradictions that a model named after an answer.
type Contradictions struct{ list []named }

var blockLine = regexp.MustCompile(`(?m)^[#*\s>-]*CONTRADICTIONS\b[*:\s]*`)

// SplitAnswer separates an answer from the contradictions that the model named after it.
func (w *Writer) SplitAnswer(text string) (string, Contradictions) {
	at := blockLine.FindStringIndex(text)
	if at == nil {
		return text, Contradictions{}
	}
	return strings.TrimSpace(text[:at[0]]), Contradictions{w.readContradictions(strings.Split(text[at[1]:], "\n"))}
}

// MarkedIn returns the contradictions with the markers of an answer, and adds the quotes that the answer does not cite.
func (c Contradictions) MarkedIn(w *Writer, answer *answertext.Checked) []research.Contradiction {
	return w.Marked(c.list, &answer.Used)
}

// blockWord begins the contradictions after an answer.
const blockWord = "CONTRADICTIONS"

// Hold passes the pieces of an answer on, except for the contradictions after it.
type Hold struct {
	pass   func(string)
	line   string // the part of the current line that may begin the contradictions
	inside bool   // the current line began with other text
	over   bool   // the contradictions have begun
}

// NewHold returns a Hold that passes text on to a function.
func NewHold(pass func(string)) *Hold { return &Hold{pass: pass} }

// Restart forgets everything, because the answer starts again.
func (h *Hold) Restart() { *h = Hold{pass: h.pass} }

// Add takes the next piece of the answer.
func (h *Hold) Add(piece string) {
	var out strings.Builder
	for _, r := range piece {
		switch {
		case h.over:
		case r == '\n':
			out.WriteString(h.line + "\n")
			h.line, h.inside = "", false
		case h.inside:
			out.WriteRune(r)
		default:
			h.line += string(r)
			word := strings.TrimLeft(h.line, "#*> -\t")
			switch {
			case strings.HasPrefix(word, blockWord):
				h.over, h.line = true, ""
			case !strings.HasPrefix(blockWord, word):
				out.WriteString(h.line)
				h.line, h.inside = "", true
			}
		}
	}
	if out.Len() > 0 {
		h.pass(out.String())
	}
}
