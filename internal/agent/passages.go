package agent

import (
	"context"

	"legwork/internal/agent/ranking"

	neturl "net/url"
	"slices"

	"github.com/google/uuid"

	"legwork/internal/research"
)

// FoundPassages is the journaled result of find_in_page.
type FoundPassages struct {
	Passages []FoundPassage `json:"passages"`         // best first
	Budget   string         `json:"budget,omitempty"` // the budget that ended the reading, if one did

	Unanswered bool              `json:"unanswered,omitempty"` // the pages read most likely do not answer the question (ranking.Unanswered)
	Relevance  ranking.Relevance `json:"relevance"`            // how well the best passages fit the question

	Lost []string `json:"lost,omitempty"` // words of the question that no page read has, if it is unanswered
}

// FoundPassage is a passage with the values that its score is computed from.
type FoundPassage struct {
	PageID  string    `json:"pageId"`
	VisitID uuid.UUID `json:"visitId"`
	URL     string    `json:"url"`
	Title   string    `json:"title,omitempty"`
	Heading string    `json:"heading,omitempty"`
	Start   int       `json:"start"`
	End     int       `json:"end"`
	Text    string    `json:"text"`
	Entry   string    `json:"entry,omitempty"` // passages with the same entry belong together
	Score   float64   `json:"score"`
	Covered float64   `json:"covered"` // share of the question by weight and rarity, 0..1
	Share   float64   `json:"share"`   // share of the question by weight alone, 0..1
	Shaped  bool      `json:"shaped,omitempty"`
	Named   bool      `json:"named,omitempty"` // the passage contains a name from the question
	Words   []string  `json:"words,omitempty"` // words of the question that the passage contains
}

// Find ranks the passages of the pages read so far by how well they fit a query. budget names the budget that ended the
// reading, if one did. The budget is stored with the result, because a resumed run may have more time left than the run
// before it had.
func (b *Session) Find(ctx context.Context, query string, pages []Opened, budget string, before ...research.Event) (FoundPassages, error) {
	var out FoundPassages
	err := b.Call(ctx, ToolFind, map[string]any{"query": query}, before, &out, func(ctx context.Context) (Effect, error) {
		hits, err := b.Env.Rank(ctx, b.Question("").Query(), MaxHits)
		if err != nil {
			return Effect{}, err
		}
		ranked, relevance := b.rank(hits, pages)
		res := FoundPassages{Passages: []FoundPassage{}, Budget: budget}
		for _, s := range ranked[:min(len(ranked), maxFound)] {
			res.Passages = append(res.Passages, NewFound(&s))
		}
		res.Relevance = relevance
		if res.Unanswered = relevance.Unanswered(); res.Unanswered && len(ranked) > 0 {
			res.Lost = ranked[0].Q.Words(ranked[0].Lost)
		}
		preview := map[string]any{"pages": len(pages), "passages": len(hits)}
		if len(ranked) > 0 {
			best := ranked[0]
			preview["best"] = map[string]any{"url": best.Hit.URL, "title": best.Hit.Title, "text": research.Truncate(best.Hit.Text, 300)}
		}
		return Effect{Result: res, Preview: preview, Success: len(hits) > 0}, nil
	})
	return out, err
}

// rank ranks passages by how well they fit the task's question. If it consists of several questions, the best passages for
// each of them follow in turn after the best one for all, and the question is covered as far as each of them is.
func (b *Session) rank(hits []research.Hit, pages []Opened) ([]ranking.Scored, ranking.Relevance) {
	facts, totals := factsOf(pages, b.Question)
	ranked := ranking.Rank(hits, facts, totals)
	relevance := ranking.RelevanceOf(ranked)
	clauses := ranking.Clauses(b.Env.Task.Question)
	if len(clauses) == 0 || len(ranked) == 0 {
		return ranked, relevance
	}
	lists := [][]ranking.Scored{ranked}
	whole := 0.0
	for _, clause := range clauses {
		asked := map[string]*ranking.Question{}
		facts, totals := factsOf(pages, func(language string) *ranking.Question {
			if asked[language] == nil {
				asked[language] = ranking.NewQuestion(clause, language)
			}
			return asked[language]
		})
		list := ranking.Rank(hits, facts, totals)
		whole += ranking.RelevanceOf(list).Whole / float64(len(clauses))
		lists = append(lists, list)
	}
	relevance.Whole = max(relevance.Whole, whole)
	return interleave(lists), relevance
}

// interleave takes passages from lists in turn, each once.
func interleave(lists [][]ranking.Scored) []ranking.Scored {
	type place struct {
		page string
		ord  int
	}
	var out []ranking.Scored
	seen := map[place]bool{}
	for i := range lists[0] {
		for _, list := range lists {
			if i < len(list) && !seen[place{list[i].Hit.PageID, list[i].Hit.Ord}] {
				seen[place{list[i].Hit.PageID, list[i].Hit.Ord}] = true
				out = append(out, list[i])
			}
		}
	}
	return out
}

// factsOf returns what package ranking needs to know about the pages, and the number of their passages for each language's
// question.
func factsOf(pages []Opened, question func(language string) *ranking.Question) (map[string]ranking.PageFacts, map[*ranking.Question]int) {
	facts, totals := map[string]ranking.PageFacts{}, map[*ranking.Question]int{}
	for _, o := range pages {
		if o.PageID == "" {
			continue
		}
		q := question(o.Language)
		if _, ok := facts[o.PageID]; !ok {
			totals[q] += o.Passages
		}
		facts[o.PageID] = ranking.NewPageFacts(q, o.Links)
	}
	return facts, totals
}

// Cited is the journaled result of cite.
type Cited struct {
	Evidence int    `json:"evidence"`
	PageID   string `json:"pageId"`
	URL      string `json:"url"`
	Title    string `json:"title,omitempty"`
	Start    int    `json:"start"`
	End      int    `json:"end"`
	For      string `json:"for,omitempty"` // the part of the question that the quote serves, in the model's words
}

// Cite stores a span of a page as evidence. The database takes the excerpt from the snapshot.
func (b *Session) Cite(ctx context.Context, p FoundPassage, before ...research.Event) (Cited, error) {
	var out Cited
	if u, err := neturl.Parse(p.URL); err == nil && p.Title == "" {
		p.Title = u.Hostname()
	}
	args := map[string]any{"url": p.URL, "quote": p.Text}
	err := b.Call(ctx, ToolCite, args, before, &out, func(context.Context) (Effect, error) {
		c := Cited{Evidence: b.LastEvidence + 1, PageID: p.PageID, URL: p.URL, Title: p.Title, Start: p.Start, End: p.End}
		return Effect{
			Result: c, Success: true,
			Preview: map[string]any{"evidence": c.Evidence, "url": c.URL, "title": c.Title, "verified": true},
			Evidence: []research.Evidence{{Number: c.Evidence, PageID: c.PageID, VisitID: p.VisitID, URL: c.URL,
				Title: c.Title, Start: c.Start, End: c.End}},
		}, nil
	})
	b.LastEvidence = max(b.LastEvidence, out.Evidence)
	return out, err
}

// Quote is a verified quote.
type Quote struct {
	Cited
	Text string // the snapshot's text from Start to End
}

// AddQuote adds a verified quote to Quotes and returns true. If Quotes already has its evidence number, AddQuote returns
// false.
func (b *Session) AddQuote(p Quote) bool {
	if slices.ContainsFunc(b.Quotes, func(o Quote) bool { return o.Evidence == p.Evidence }) {
		return false
	}
	b.Quotes = append(b.Quotes, p)
	return true
}

// NewFound converts a ranked passage into the form in which find_in_page returns passages.
func NewFound(s *ranking.Scored) FoundPassage {
	return FoundPassage{
		PageID: s.Hit.PageID, VisitID: s.Hit.VisitID, URL: s.Hit.URL, Title: s.Hit.Title, Heading: s.Hit.Heading,
		Start: s.Hit.Start, End: s.Hit.End, Text: s.Hit.Text, Entry: s.Key, Score: ranking.Round(s.Score), Covered: ranking.Round(s.Covered),
		Share: ranking.Round(s.Share()), Shaped: s.Fits(), Named: s.Named(),
		Words: s.Q.Words(s.Text | s.Path | s.Title),
	}
}
