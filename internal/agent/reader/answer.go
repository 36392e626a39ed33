package reader

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"legwork/internal/agent"
	"legwork/internal/agent/ranking"
	"legwork/internal/research"
)

// Bounds for choosing the passages of an answer.
const (
	minCited      = 2
	maxCited      = 5
	maxPerPage    = 4
	weakestScore  = 0.45 // minimum score of a cited passage, as a share of the best passage's score; applies after the first minCited passages
	weakestMinor  = 0.30 // minimum score of the first minCited passages, as a share of the best passage's score
	relevantShare = 0.25 // minimum share of the question's weight that a passage must cover to be cited
	sameText      = 0.70 // two passages with at least this share of common words count as the same
)

// answer chooses the passages, cites them and writes the answer.
func (r *reader) answer(ctx context.Context) (research.Result, error) {
	if len(r.Pages) == 0 {
		return research.Result{}, r.unreadable()
	}
	noun := "page"
	if len(r.Pages) > 1 {
		noun = "pages"
	}
	found, err := r.Find(ctx, r.Env.Task.Question, r.Pages, r.budget(),
		research.Thinking(fmt.Sprintf("Looking for the passages that answer the question best on the %d %s read.", len(r.Pages), noun), nil))
	if err != nil {
		return research.Result{}, err
	}
	chosen := choose(found.Passages)
	if found.Unanswered {
		chosen = nil
	}
	for i, p := range chosen {
		chosen[i] = r.narrow(p)
	}
	var cited []int
	var quotes []agent.Quote
	for i, p := range chosen {
		why := fmt.Sprintf("Citing a passage of “%s”: it has %s.", p.Title, agent.JoinWords(p.Words))
		c, err := r.Cite(ctx, p, research.Thinking(why, nil))
		if err != nil {
			return research.Result{}, err
		}
		if slices.Contains(cited, c.Evidence) {
			chosen[i].Text = ""
			continue
		}
		cited = append(cited, c.Evidence)
		quotes = append(quotes, agent.Quote{Cited: c, Text: p.Text})
	}
	chosen = slices.DeleteFunc(chosen, func(p agent.FoundPassage) bool { return p.Text == "" })
	text := compose(chosen, found.Lost, len(r.Pages))
	if len(chosen) == 0 {
		text += "\n\n" + agent.SearchedAndRead(r.queries(), r.Pages)
	}
	return research.Result{Answer: text, NotFound: len(chosen) == 0, Confidence: confidence(chosen, found.Relevance), Metadata: r.metadata(chosen, found.Budget), Cited: cited,
		Sources: agent.SourceGroups(quotes)}, nil
}

// queries lists what the reader has searched for: the question, or nothing if the reader began with a start page.
func (r *reader) queries() []string {
	if r.Searched == nil {
		return nil
	}
	return []string{r.Env.Task.Question}
}

// choose picks the passages to cite, best first. It skips a passage that covers too little of the question, that says
// the same as a chosen passage, or whose page already has maxPerPage chosen passages.
func choose(ranked []agent.FoundPassage) []agent.FoundPassage {
	var out []agent.FoundPassage
	pages := map[string]int{}
	for _, p := range ranked {
		if len(out) == maxCited {
			break
		}
		if p.Share < relevantShare && p.Covered < relevantShare {
			continue
		}
		if len(out) > 0 {
			least := weakestScore
			if len(out) < minCited {
				least = weakestMinor
			}
			if p.Score < least*out[0].Score {
				break
			}
		}
		if pages[p.PageID] >= maxPerPage || slices.ContainsFunc(out, func(o agent.FoundPassage) bool { return alike(o.Text, p.Text) }) {
			continue
		}
		pages[p.PageID]++
		out = append(out, p)
	}
	return out
}

// narrow removes an incomplete sentence at the start or end of a passage, unless it contains a word of the question or a number.
func (r *reader) narrow(p agent.FoundPassage) agent.FoundPassage {
	language := ""
	for _, o := range r.Pages {
		if o.PageID == p.PageID {
			language = o.Language
		}
	}
	q := r.Question(language)
	from, to := wholeSentences(p.Text)
	idle := func(s string) bool { return q.MatchText(s) == 0 && !strings.ContainsAny(s, "0123456789") }
	if !idle(p.Text[:from]) {
		from = 0
	}
	if !idle(p.Text[to:]) {
		to = len(p.Text)
	}
	if utf8.RuneCountInString(p.Text[from:to]) < ranking.ShortRunes*2 {
		return p
	}
	p.Start += utf8.RuneCountInString(p.Text[:from])
	p.End -= utf8.RuneCountInString(p.Text[to:])
	p.Text = p.Text[from:to]
	return p
}

// wholeSentences returns the span of s, in bytes, without an incomplete sentence at its start and at its end. Lists, tables,
// terms and code are not cut.
func wholeSentences(s string) (from, to int) {
	to = len(s)
	if midSentence.MatchString(s) {
		if m := plainEnd.FindStringIndex(s); m != nil && !strings.Contains(s[:m[0]], "\n") {
			from = m[1]
		}
	}
	if last, _ := utf8.DecodeLastRuneInString(s); unicode.IsLetter(last) || last == ',' {
		if all := plainEnd.FindAllStringIndex(s, -1); len(all) > 0 {
			end := all[len(all)-1][1]
			if end = len(strings.TrimRightFunc(s[:end], unicode.IsSpace)); end > from && !strings.Contains(s[end:], "\n") {
				to = end
			}
		}
	}
	return from, to
}

var (
	plainEnd = regexp.MustCompile(`[.!?]["'”’)]*\s+`)
	// midSentence matches a text that starts with a plain lower-case word, but not with a name like pg_dump or os.walk().
	midSentence = regexp.MustCompile(`^\p{Ll}[\p{Ll}\p{M}'’-]*[\s,.;:!?)]`)
)

// alike reports whether two texts say the same: they share most of their words, and have the same numbers and names.
func alike(a, b string) bool {
	x, y := ranking.WordsOf(a), ranking.WordsOf(b)
	common := 0
	for w := range x {
		if y[w] {
			common++
		}
	}
	if float64(common) < sameText*float64(max(1, max(len(x), len(y)))) {
		return false
	}
	for _, pair := range [][2]map[string]bool{{x, y}, {y, x}} {
		for w := range pair[0] {
			if !pair[1][w] && strings.ContainsAny(w, "0123456789_.") {
				return false
			}
		}
	}
	return true
}

// compose writes the answer: an introduction, then each passage as a quote with its marker and the title of its page.
// If there is no passage, it says which words of the question no page has.
func compose(chosen []agent.FoundPassage, lost []string, pages int) string {
	var b strings.Builder
	read := fmt.Sprintf("%d pages", pages)
	if pages == 1 {
		read = "1 page"
	}
	switch {
	case len(chosen) == 0 && len(lost) > 0:
		fmt.Fprintf(&b, "Nothing that answers the question was found on the %s read. No language model was used: the built-in reader looks for "+
			"passages that share words with the question. None of these words of it is on any of the pages: %s.", read, agent.JoinWords(lost))
		return b.String()
	case len(chosen) == 0:
		fmt.Fprintf(&b, "Nothing relevant to the question was found on the %s read. No language model was used: "+
			"the built-in reader looks for passages that share words with the question, and none did.", read)
		return b.String()
	}
	noun := "These passages answer"
	if len(chosen) == 1 {
		noun = "This passage answers"
	}
	fmt.Fprintf(&b, "%s the question best, of the %s read. They are quoted word for word; no language model was used.\n", noun, read)
	for i, p := range chosen {
		b.WriteString("\n")
		if _, columns := ranking.CutColumns(p.Heading, p.Text); columns != "" {
			fmt.Fprintf(&b, "Columns: %s\n\n", columns)
		}
		for line := range strings.Lines(p.Text) {
			line = strings.TrimRight(line, "\r\n")
			b.WriteString(strings.TrimRight("> "+line, " ") + "\n")
		}
		fmt.Fprintf(&b, "\n[%d] %s\n", i+1, p.Title)
	}
	return strings.TrimRight(b.String(), "\n")
}

// confidence estimates how far the answer can be trusted, 0..1.
func confidence(chosen []agent.FoundPassage, r ranking.Relevance) float64 {
	if len(chosen) == 0 {
		return agent.NoConfidence
	}
	return r.Confidence()
}

// metadata describes how the answer was made: the version of the reader, the pages read, and the budget that kept
// relevant pages from being read. It also says which of the task's wishes need a language model.
func (r *reader) metadata(chosen []agent.FoundPassage, budget string) map[string]any {
	m := map[string]any{
		"provider": "reader", "languageModel": false, "plannerVersion": Version,
		"pagesRead": agent.PagesRead(r.Pages), "pagesFailed": len(r.Failed), "partial": false,
	}
	if budget != "" {
		m["partial"], m["budget"] = true, budget
	}
	if len(chosen) == 0 {
		m["partial"] = true
	}
	if r.Opts.Format == research.FormatReport {
		m["formatProblem"] = "a report needs a language model; this is an answer of the built-in reader"
	}
	if len(r.Opts.OutputSchema) > 0 {
		m["dataProblem"] = "data needs a language model"
	}
	if r.Searched != nil {
		e := map[string]any{"asked": string(r.Searched.Asked), "used": string(r.Searched.Used)}
		m["searchEngine"] = e
	}
	return m
}
