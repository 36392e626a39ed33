package main

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"legwork/eval/questions"
)

// Bounds of the script.
const (
	maxChunks    = 40  // chunks that are read of one page
	maxSearched  = 2   // pages on which an unanswerable question is looked for
	moreOfReport = 3   // further sentences that a report cites beside each passage of the gold
	leastMore    = 60  // least length of such a sentence, in code points
	longerQuote  = 390 // length of a quote that has more words around it, in code points
)

// research plays the research about a question until the first call that was not made yet. It returns nil if the script
// has ended and the question is to be answered.
func (c *conversation) research() *toolFunction {
	kept := 0
	for i, part := range c.q.Gold() {
		c.last = i == len(c.q.Gold())-1
		n, ok := c.citePart(part)
		if !ok {
			return c.next
		}
		kept += n
	}
	if kept > 0 {
		c.call("done", map[string]any{"answered": true})
		return c.next
	}
	if len(c.q.Gold()) == 0 && !c.lookAround() {
		return c.next
	}
	reason := "The pages that I have read do not say it."
	if _, ok := c.call("done", map[string]any{"answered": false, "reason": reason}); !ok {
		return c.next
	}
	// The first "not found" is doubted, so the script looks once more with other words.
	if _, ok := c.call("find_in_page", map[string]any{"query": importantWords(c.q.Text)}); !ok {
		return c.next
	}
	c.call("done", map[string]any{"answered": false, "reason": reason})
	return c.next
}

// lookAround looks for an unanswerable question where a careful person would. ok is false if a call is to be made.
func (c *conversation) lookAround() (ok bool) {
	if _, ok := c.call("find_in_page", map[string]any{"query": c.q.Text}); !ok {
		return false
	}
	for _, p := range c.q.Pages[:min(len(c.q.Pages), maxSearched)] {
		if !c.open(p) {
			return false
		}
		if _, ok := c.call("find_in_page", map[string]any{"query": c.q.Text, "url": c.url(p)}); !ok {
			return false
		}
	}
	return true
}

// url returns the address of a page of the manual.
func (c *conversation) url(p string) string { return strings.TrimSuffix(c.seedURL, c.q.Seed) + p }

// open looks for the link to a page on the start page and opens the page, unless that was done before.
func (c *conversation) open(p string) (ok bool) {
	if c.seen[p] != nil {
		return true
	}
	shown := c.seed
	if p != c.q.Seed {
		if _, ok := c.call("extract_links_from_page", map[string]any{"url": c.seedURL, "contains": path.Base(p)}); !ok {
			return false
		}
		if shown, ok = c.call("navigate_to", map[string]any{"url": c.url(p)}); !ok {
			return false
		}
	}
	c.seen[p] = &seenPage{texts: append([]passage{{text: inTag(shown)}}, fitting(shown)...), queries: map[string]bool{}}
	return true
}

// seenPage is what was shown of a page: the beginning, the passages that a query has found, and all chunks so far.
type seenPage struct {
	texts   []passage
	queries map[string]bool
	chunks  int // chunks that were read
	all     bool
	read    string // the text of these chunks
}

// with returns a text that has the passage of the gold. Its text is empty if there is none.
func (s *seenPage) with(part questions.Part) passage {
	for _, p := range append(s.texts, passage{text: s.read}) {
		if p.sentence(part) != "" {
			return p
		}
	}
	return passage{}
}

// citePart looks for a passage of the gold and cites it. It returns the number of quotes that were kept. ok is false if
// a call is to be made.
func (c *conversation) citePart(part questions.Part) (kept int, ok bool) {
	for _, p := range part.Pages {
		if !c.open(p) {
			return 0, false
		}
		found, ok := c.show(p, part)
		if !ok {
			return 0, false
		}
		if found.text == "" {
			continue
		}
		n, ok := c.cite(p, found, part)
		if !ok || n > 0 {
			return n, ok
		}
	}
	return 0, true
}

// show reads a page until it has been shown the passage of the gold, and returns the text that has it: what was shown so
// far, a passage that find_in_page finds, or the chunks. Its text is empty if the page does not have it.
func (c *conversation) show(p string, part questions.Part) (found passage, ok bool) {
	seen := c.seen[p]
	if found := seen.with(part); found.text != "" {
		return found, true
	}
	for _, query := range []string{c.q.Text, part.Accept[0]} { // then with the words that the answer has, as models are told
		if seen.queries[query] {
			continue
		}
		result, ok := c.call("find_in_page", map[string]any{"query": query, "url": c.url(p)})
		if !ok {
			return passage{}, false
		}
		seen.queries[query], seen.texts = true, append(seen.texts, passages(result)...)
		if found := seen.with(part); found.text != "" {
			return found, true
		}
	}
	for !seen.all && seen.chunks < maxChunks {
		chunk, ok := c.call("get_page_content_chunk", map[string]any{"url": c.url(p), "chunk": seen.chunks + 1})
		if !ok {
			return passage{}, false
		}
		seen.chunks++
		seen.read += "\n" + inTag(chunk)
		m := chunkOf.FindStringSubmatch(chunk)
		seen.all = m == nil || m[1] == m[2]
		if found := (passage{text: seen.read}); found.sentence(part) != "" {
			return found, true
		}
	}
	return passage{}, true
}

var chunkOf = regexp.MustCompile(`chunk (\d+) of (\d+)`)

// passageHead matches the line above a passage in a result of find_in_page, which has its headings in parentheses.
var passageHead = regexp.MustCompile(`(?m)^(?:https?://\S+ \(.*\):|\((?:.*, )?chunk \d+\))$`)

// fitting returns the passages that navigate_to shows of a long page beside its beginning.
func fitting(shown string) []passage {
	_, after, ok := strings.Cut(shown, "\nThe passages that fit the question best:\n")
	if !ok {
		return nil
	}
	return passages(after)
}

// passages splits the result of find_in_page.
func passages(found string) []passage {
	text := inTag(found)
	var out []passage
	heads := passageHead.FindAllStringIndex(text, -1)
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		out = append(out, passage{headings: text[h[0]:h[1]], text: strings.TrimSpace(text[h[1]:end])})
	}
	return out
}

// inTag returns the text from the web in a tool result, which is inside a tag, without the targets of links. If there is
// no tag, it returns the whole result.
func inTag(result string) string {
	if open := tagOpen.FindStringIndex(result); open != nil {
		result = result[open[1]:]
		if end := tagClose.FindStringIndex(result); end != nil {
			result = result[:end[0]]
		}
	}
	return linkTarget.ReplaceAllString(result, "")
}

// linkTarget matches the target of a link behind its text.
var linkTarget = regexp.MustCompile(`\s?⟨[^⟩\n]*⟩`)

var (
	tagOpen  = regexp.MustCompile(`<page-text-[0-9a-f]+>\n?`)
	tagClose = regexp.MustCompile(`\n?</page-text-[0-9a-f]+>`)
)

var (
	evidenceNumber = regexp.MustCompile(`evidence (\d+)`)
	severalPlaces  = regexp.MustCompile(`(?s)stand (?:at least )?\d+ times on the page.*`)
)

// cite cites a sentence of a page. If it was kept at another place than the right one, it is taken back, and cited
// with more words around it. For a report, further sentences around it are cited too.
func (c *conversation) cite(p string, found passage, part questions.Part) (kept int, ok bool) {
	quote := found.sentence(part)
	result, ok := c.call("cite", map[string]any{"url": c.url(p), "quotes": []string{quote}})
	if !ok {
		c.alsoDone = c.last && part.After == "" && c.q.Kind != questions.Report
		return 0, false
	}
	number := evidenceNumber.FindStringSubmatch(result)
	if number == nil {
		return 0, true
	}
	if places := severalPlaces.FindString(result); part.After != "" && places != "" && elsewhere(result, places, part.After) {
		n, _ := strconv.Atoi(number[1])
		if _, ok := c.call("uncite", map[string]any{"evidence": n}); !ok {
			return 0, false
		}
		if result, ok = c.call("cite", map[string]any{"url": c.url(p), "quotes": []string{found.withMore(part)}}); !ok {
			return 0, false
		}
		if !evidenceNumber.MatchString(result) {
			return 0, true
		}
	}
	if c.q.Kind != questions.Report {
		return 1, true
	}
	for _, more := range moreSentences(found.text, quote) {
		if c.more[more] {
			continue
		}
		c.more[more] = true
		if _, ok := c.call("cite", map[string]any{"url": c.url(p), "quotes": []string{more}}); !ok {
			return 0, false
		}
	}
	return 1, true
}

// elsewhere reports whether the reply to cite says that the quote was kept at another place than the right one: the
// headings of a listed place contain after, and the text before the list, which shows what was kept, does not.
func elsewhere(result, places, after string) bool {
	kept := strings.TrimSuffix(result, places)
	return questions.ContainsAny(places, []string{after}) && !questions.ContainsAny(kept, []string{after})
}

// importantWords returns a query that has only the long words of a question.
func importantWords(text string) string {
	var out []string
	for _, w := range strings.Fields(text) {
		if w = strings.Trim(w, `.,;:?!"'()`); utf8.RuneCountInString(w) > 4 {
			out = append(out, w)
		}
	}
	if len(out) == 0 {
		return text
	}
	return strings.Join(out, " ")
}

// asked says what a model that was never asked before does: it is not in a question file.
func asked(text string) string { return fmt.Sprintf("I do not know this question: %.200s", text) }
