package report

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"legwork/internal/agent/answertext"
	"legwork/internal/agent/prompts"
	"legwork/internal/research"
)

// Bounds of what the last pass may write.
const (
	maxItems       = 12 // open questions, and limits
	maxItem        = 400
	maxCorrections = 20
)

// finish makes the last pass: it lets the model write the summary, the open questions and the limits, and name
// contradictions and corrections.
func (d *draft) finish(ctx context.Context) error {
	part := Part{Purpose: ForSummary}
	if !d.Ready(part) {
		d.note("the budget ended before the summary was written")
		return nil
	}
	var used []int
	written := slices.DeleteFunc(slices.Clone(d.Sections), func(s section) bool { return s.Text == "" })
	for i := range written {
		used = answertext.CheckFrom(used, written[i].Text, len(d.Quotes)).Used
		written[i].Text = research.Truncate(prompts.Defuse(written[i].Text), d.Window/2/len(written))
	}
	slices.Sort(used)
	m, err := d.messages("summary", map[string]any{"Title": d.Title, "Sections": written, "Words": rounded(float64(d.summaryWords())),
		"Evidence": d.listed(used, d.Window/4), "Facts": strings.Join(d.facts, " ")})
	if err != nil {
		return err
	}
	t, err := d.Model(ctx, Call{Part: part, Messages: m, MaxTokens: tokensFor(d.summaryWords() + d.endWords() + 300)})
	if err != nil {
		return err
	}
	parts := splitParts(t.Text)
	d.summary = d.clean(parts["SUMMARY"], used)
	d.questions, d.limits = d.items(parts["OPEN QUESTIONS"], used), d.items(parts["LIMITS"], used)
	d.contradictions = d.readContradictions(strings.Split(parts["CONTRADICTIONS"], "\n"))
	d.correct(parts["CORRECTIONS"])
	if t.Flaw != "" {
		d.note("the summary is incomplete: %s", t.Flaw)
	} else if d.summary == "" {
		d.note("the model wrote no summary")
	}
	d.finished = t.Flaw == ""
	return nil
}

var partLine = regexp.MustCompile(`(?m)^[#*\s>]*(SUMMARY|OPEN QUESTIONS|LIMITS|CONTRADICTIONS|CORRECTIONS)\b[*:]*[ \t]*`)

// splitParts splits the text of the last pass by the names of its parts. A text without them is the summary.
func splitParts(text string) map[string]string {
	out := map[string]string{}
	at := partLine.FindAllStringSubmatchIndex(text, -1)
	if len(at) == 0 || strings.TrimSpace(text[:at[0][0]]) != "" && text[at[0][2]:at[0][3]] != "SUMMARY" {
		before := text
		if len(at) > 0 {
			before = text[:at[0][0]]
		}
		out["SUMMARY"] = strings.TrimSpace(before)
	}
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		name := text[m[2]:m[3]]
		if out[name] == "" {
			out[name] = strings.TrimSpace(text[m[1]:end])
		}
	}
	return out
}

var (
	itemStart = regexp.MustCompile(`^\s*(?:[-*+•]|\d{1,2}[.)])\s+`)
	none      = regexp.MustCompile(`(?i)^(?:none|nothing|keine?|n/a|-)[.!]?$`)
)

// items reads a list. Lines that do not begin with a bullet continue the item before them.
func (d *draft) items(text string, shown []int) []string {
	var out []string
	for line := range strings.Lines(d.clean(text, shown)) {
		plain := strings.TrimSpace(itemStart.ReplaceAllString(line, ""))
		switch {
		case plain == "" || none.MatchString(plain):
		case len(out) > 0 && !itemStart.MatchString(line) && len(out[len(out)-1]) < maxItem:
			out[len(out)-1] += " " + plain
		case len(out) < maxItems:
			out = append(out, plain)
		}
	}
	for i := range out {
		out[i] = research.Truncate(strings.TrimLeft(out[i], "# "), maxItem)
	}
	return out
}

var correction = regexp.MustCompile(`(?s)OLD:\s*(.+?)\s*\n\s*NEW:\s*(.+?)\s*(?:\n\s*[-*+•]?\s*OLD:|$)`)

// correct applies corrections to the sections. A correction counts only if its sentence stands in exactly one place, and
// if the new sentence has no other markers than the old one: the quotes were given to the section, not to the last pass.
func (d *draft) correct(text string) {
	for range maxCorrections {
		m := correction.FindStringSubmatchIndex(text)
		if m == nil {
			return
		}
		d.replace(unquoted(text[m[2]:m[3]]), unquoted(text[m[4]:m[5]]))
		text = text[m[5]:]
	}
}

func unquoted(s string) string {
	return strings.TrimSpace(strings.Trim(strings.TrimSpace(s), `"“”`))
}

func (d *draft) replace(old, sentence string) {
	if len(old) < 10 || strings.Contains(old, "\n#") {
		return
	}
	at, places := -1, 0
	for i, s := range d.Sections {
		if n := strings.Count(s.Text, old); n > 0 {
			at, places = i, places+n
		}
	}
	if places != 1 {
		return
	}
	if strings.EqualFold(strings.Trim(sentence, ". "), "remove") {
		sentence = ""
	} else {
		had := answertext.CheckFrom(nil, old, len(d.Quotes)).Used
		sentence = d.clean(sentence, had)
		if sentence == "" || strings.Contains(sentence, "\n") || len(had) > 0 && !answertext.HasMarker.MatchString(sentence) {
			return
		}
	}
	s := &d.Sections[at]
	changed := strings.TrimSpace(strings.Replace(s.Text, old, sentence, 1))
	if changed != "" {
		s.Text = strings.TrimSpace(blankLines.ReplaceAllString(changed, "\n\n"))
	}
}

var blankLines = regexp.MustCompile(`[ \t]*\n[ \t]*\n[ \t\n]*`)
