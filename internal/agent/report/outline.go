package report

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"legwork/internal/agent/answertext"
	"legwork/internal/agent/prompts"
	"legwork/internal/agent/ranking"
	"legwork/internal/agent/toolcalls"
	"legwork/internal/research"
)

// outline is the plan of a report.
type outline struct {
	Title    string
	Sections []section
	labels   labels
}

// section is a part of a report.
type section struct {
	N       int // from 1
	Heading string
	About   string // what it is about
	Quotes  []int  // numbers of the quotes for it
	Text    string // empty until it is written
}

// labels are the headings of the parts that every report has.
type labels struct{ Summary, Contradictions, OpenQuestions, Limits, Sources string }

var english = labels{"Summary", "Contradictions", "Open questions", "Limits", "Sources"}

// Bounds of the texts in an outline, in bytes.
const (
	maxHeading = 120
	maxAbout   = 300
)

// outline asks the model for the plan of a report. If the reply cannot be read, there is a section for each page. If
// there is no plan, the Report says why.
func (w *Writer) outline(ctx context.Context, words int) (outline, Report, error) {
	all := make([]int, len(w.Quotes))
	for i := range all {
		all[i] = i + 1
	}
	least, most := sectionsFor(words, len(all))
	m, err := w.messages("outline", map[string]any{"Evidence": w.listed(all, w.Window/quotesPerShare), "Least": least, "Most": most})
	if err != nil {
		return outline{}, Report{}, err
	}
	t, err := w.Model(ctx, Call{Part: Part{Purpose: ForOutline}, Messages: m, MaxTokens: outlineTokens, JSON: true})
	if err != nil || t.Over {
		return outline{}, Report{Flaw: t.Flaw}, err
	}
	if rest, ok := answertext.NotAnswered(t.Text); ok {
		return outline{}, Report{NotAnswered: true, Text: rest}, nil
	}
	return w.readOutline(t.Text, most), Report{}, nil
}

// sectionsFor returns how many sections a report of this number of words may have.
func sectionsFor(words, quotes int) (least, most int) {
	usual := max(1, (words+sectionWords/2)/sectionWords)
	most = min(usual+max(1, usual/3), mostSections, max(quotes, 1))
	return min(max(1, usual-usual/3), most), most
}

var jsonObject = regexp.MustCompile(`(?s)\{.*`)

// readOutline reads the plan in a reply, with at most this number of sections.
func (w *Writer) readOutline(text string, most int) outline {
	o := outline{Title: w.Question, labels: english}
	if parsed, ok := toolcalls.DecodeJSON(jsonObject.FindString(text)); ok {
		o.read(parsed)
	}
	if len(o.Sections) == 0 {
		o.Sections = byPage(w)
	}
	o.Title = plainLine(o.Title, maxHeading)
	return w.complete(o, most)
}

// read reads the fields of a plan.
func (o *outline) read(parsed any) {
	plan, ok := parsed.(map[string]any)
	if !ok {
		return
	}
	if title, ok := plan["title"].(string); ok && plainLine(title, maxHeading) != "" {
		o.Title = title
	}
	list, _ := plan["sections"].([]any)
	for _, e := range list {
		s, ok := e.(map[string]any)
		if !ok {
			continue
		}
		heading, _ := s["heading"].(string)
		about, _ := s["about"].(string)
		if heading = plainLine(heading, maxHeading); heading == "" {
			continue
		}
		o.Sections = append(o.Sections, section{Heading: heading, About: plainLine(about, maxAbout), Quotes: numbersIn(s["quotes"])})
	}
	given, _ := plan["labels"].(map[string]any)
	for name, to := range map[string]*string{"summary": &o.labels.Summary, "contradictions": &o.labels.Contradictions,
		"openQuestions": &o.labels.OpenQuestions, "limits": &o.labels.Limits, "sources": &o.labels.Sources} {
		if s, ok := given[name].(string); ok && plainLine(s, 60) != "" {
			*to = plainLine(s, 60)
		}
	}
}

// numbersIn reads a list of numbers, which models also write as strings.
func numbersIn(v any) []int {
	var out []int
	list, _ := v.([]any)
	for _, e := range list {
		switch x := e.(type) {
		case float64:
			out = append(out, int(min(max(x, 0), 1e6)))
		case string:
			if n, err := strconv.Atoi(strings.Trim(x, "[] #")); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}

// plainLine returns a text on one line, without the characters that would make it Markdown or a tag, and without a number
// before it.
func plainLine(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune("#*`<>[]|_", r) {
			return ' '
		}
		return r
	}, prompts.Defuse(s))
	s = leadingNumber.ReplaceAllString(strings.Join(strings.Fields(s), " "), "")
	return research.Truncate(strings.TrimSpace(s), most)
}

var leadingNumber = regexp.MustCompile(`^\d{1,2}[.)]\s+`)

// byPage plans a section for each page that is quoted.
func byPage(w *Writer) []section {
	var out []section
	at := map[string]int{}
	for i, q := range w.Quotes {
		k, ok := at[q.URL]
		if !ok {
			k = len(out)
			at[q.URL] = k
			heading := plainLine(q.Title, maxHeading)
			if heading == "" {
				heading = plainLine(q.URL, maxHeading)
			}
			out = append(out, section{Heading: heading})
		}
		out[k].Quotes = append(out[k].Quotes, i+1)
	}
	return out
}

// complete makes a plan usable: no heading occurs twice, there are at most this many sections, and each section has
// quotes. If the plan gives no quotes to any section, each quote is given to the section that it fits best.
func (w *Writer) complete(o outline, most int) outline {
	var kept []section
	taken := map[int]bool{}
	for _, s := range o.Sections {
		same := func(k section) bool { return strings.EqualFold(k.Heading, s.Heading) }
		if i := slices.IndexFunc(kept, same); i >= 0 {
			kept[i].Quotes = append(kept[i].Quotes, s.Quotes...)
		} else if len(kept) < most {
			kept = append(kept, s)
		} else {
			i := fitting(kept, s.Heading+" "+s.About)
			kept[i].Quotes = append(kept[i].Quotes, s.Quotes...)
		}
	}
	for i := range kept {
		kept[i].Quotes = slices.DeleteFunc(kept[i].Quotes, func(n int) bool { return n < 1 || n > len(w.Quotes) })
		slices.Sort(kept[i].Quotes)
		kept[i].Quotes = slices.Compact(kept[i].Quotes)
		for _, n := range kept[i].Quotes {
			taken[n] = true
		}
	}
	if len(taken) == 0 { // the plan names no quotes at all
		for n := range w.Quotes {
			i := fitting(kept, w.Quotes[n].Title+" "+w.Quotes[n].Text)
			kept[i].Quotes = append(kept[i].Quotes, n+1)
		}
	}
	kept = slices.DeleteFunc(kept, func(s section) bool { return len(s.Quotes) == 0 })
	for i := range kept {
		kept[i].N = i + 1
	}
	o.Sections = kept
	return o
}

// fitting returns the index of the section that shares most words with a text; among equals, of the one with the fewest
// quotes.
func fitting(sections []section, text string) int {
	words := ranking.WordsOf(text)
	best, most := 0, -1
	for i, s := range sections {
		common := 0
		for word := range ranking.WordsOf(s.Heading + " " + s.About) {
			if words[word] {
				common++
			}
		}
		if common > most || common == most && len(s.Quotes) < len(sections[best].Quotes) {
			best, most = i, common
		}
	}
	return best
}
