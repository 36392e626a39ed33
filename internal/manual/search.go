package manual

import (
	"regexp"
	"slices"
	"strings"

	"legwork/internal/agent/ranking"
	"legwork/internal/page/plaintext"
	"legwork/internal/research"
)

// Bounds of a search.
const (
	maxQuery    = 200 // code points of a query that are used
	maxResults  = 12
	leastScore  = 0.25 // results with a smaller share of the best score are left out
	snippetSize = 280  // code points of the text of a result
)

// searchable has the passages of all pages, cut and ranked as those of any page that a task reads.
type searchable struct {
	hits  []research.Hit
	words []string // for each hit, its words, headings and title in lower case
}

// Result is a section that fits a query.
type Result struct {
	Page, Section, Address, Text string
}

// marks matches what Markdown adds to a text: targets of links, code fences and marks.
var marks = regexp.MustCompile("\\]\\([^)]*\\)|(?m:^```.*$)|(?m:^\\|[-|]+\\|$)|[`\\[]|\\*\\*")

func passagesOf(pages []*page) searchable {
	var s searchable
	for _, p := range pages {
		if p.file == index { // the summaries of all pages would be found instead of the pages
			continue
		}
		text := marks.ReplaceAllString(p.source, "")
		runes := []rune(text)
		for _, passage := range plaintext.Passages(text) {
			h := research.Hit{Passage: passage, PageID: p.file, URL: p.address, Title: p.title, Text: string(runes[passage.Start:passage.End])}
			_, h.Heading, _ = strings.Cut(h.Heading, " › ") // the first heading is the title
			s.hits = append(s.hits, h)
			s.words = append(s.words, strings.ToLower(h.Title+" "+h.Heading+" "+h.Text))
		}
	}
	return s
}

// Search returns the sections that fit a query, best first.
func (s *Site) Search(query string) []Result {
	q := ranking.NewQuestion(plaintext.Cut(query, maxQuery), "en")
	facts := map[string]ranking.PageFacts{}
	for _, p := range s.order {
		facts[p.file] = ranking.NewPageFacts(q, nil)
	}
	hits := s.passages.candidates(q)
	ranked := ranking.Rank(hits, facts, map[*ranking.Question]int{q: len(s.passages.hits)})
	if len(ranked) == 0 {
		return nil
	}
	least := leastScore * ranked[0].Score
	named := func(s ranking.Scored) bool {
		return strings.EqualFold(lastHeading(s.Hit.Heading), strings.TrimSpace(query))
	}
	slices.SortStableFunc(ranked, func(a, b ranking.Scored) int { // a section with this very name comes first: a setting, a command
		switch {
		case named(a) == named(b):
			return 0
		case named(a):
			return -1
		}
		return 1
	})
	var out []Result
	seen := map[string]bool{}
	for _, found := range ranked {
		if len(out) == maxResults || found.Score <= least && !named(found) {
			break
		}
		r := Result{Page: found.Hit.Title, Section: strings.TrimPrefix(found.Hit.Heading, " › "), Address: found.Hit.URL,
			Text: research.Truncate(strings.Join(strings.Fields(found.Hit.Text), " "), snippetSize)}
		if p := s.pages[found.Hit.PageID]; p != nil {
			r.Address += p.fragment(r.Section)
		}
		if !seen[r.Address] {
			seen[r.Address] = true
			out = append(out, r)
		}
	}
	return out
}

// candidates returns the passages that have at least one word of the question, or the beginning of one. Ranking all of them would take
// several times as long.
func (s searchable) candidates(q *ranking.Question) []research.Hit {
	var beginnings []string
	for _, t := range q.Terms {
		if !t.Hint {
			beginnings = append(beginnings, strings.ToLower(plaintext.Cut(t.Key, stemmed(t.Key))))
		}
	}
	var out []research.Hit
	for i, h := range s.hits {
		for _, b := range beginnings {
			if strings.Contains(s.words[i], b) {
				out = append(out, h)
				break
			}
		}
	}
	return out
}

// stemmed returns how many code points of a stem a text surely has: the stem of a word may end otherwise than the word ("polici", "policy").
func stemmed(key string) int {
	if n := len([]rune(key)); n > 4 {
		return n - 1
	}
	return 4
}

// lastHeading returns the last of the headings of a path.
func lastHeading(path string) string {
	parts := strings.Split(path, " › ")
	return strings.TrimSpace(parts[len(parts)-1])
}

// fragment returns the fragment of the section that a path of headings names, or "".
func (p *page) fragment(section string) string {
	last := lastHeading(section)
	for _, h := range p.all {
		if h.Text == last {
			return "#" + h.ID
		}
	}
	return ""
}
