package loop

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"strings"

	"legwork/internal/agent"
	"legwork/internal/agent/answertext"
	"legwork/internal/agent/ranking"
	"legwork/internal/agent/reader"
	"legwork/internal/agent/report"
	"legwork/internal/agent/support"
	"legwork/internal/research"
)

// answer asks the model to write the answer from the verified quotes, checks its markers and computes the confidence. If the
// model cited nothing, the built-in reader chooses the quotes.
func (a *run) answer(ctx context.Context) (research.Result, error) {
	if p, ok := a.Replay(); ok {
		a.Budget, a.endedBy = p.Budget, p.Ended
	}
	if a.ending.NotFound {
		return a.notFoundResult(), nil
	}
	if err := a.evidenceOfReader(ctx); err != nil {
		return research.Result{}, err
	}
	if len(a.Quotes) == 0 {
		text := fmt.Sprintf("Nothing relevant to the question was found on the %d pages read.\n\n%s", len(a.Pages), agent.SearchedAndRead(a.queries, a.Pages))
		return research.Result{Answer: text, NotFound: true, Confidence: agent.NoConfidence, Metadata: a.metadata(answertext.Checked{}, true)}, nil
	}
	return a.answerFromQuotes(ctx)
}

// answerFromQuotes lets the model write the answer or the report, and the data.
func (a *run) answerFromQuotes(ctx context.Context) (research.Result, error) {
	stream := answertext.NewStream(a.Env.PublishFragment, len(a.Quotes))
	w := a.writer(stream)
	write := a.writeAnswer
	if a.Opts.Format == research.FormatReport {
		write = a.writeReport
	}
	c, err := write(ctx, w)
	if err != nil {
		return research.Result{}, err
	}
	a.endedBy = cmp.Or(c.flaw, a.endedBy)
	stream.Finish(c.text)
	res := research.Result{Answer: c.text, NotFound: c.notAnswered, Contradictions: c.contradictions}
	if !c.notAnswered {
		if err := a.addData(ctx, w, &c, &res); err != nil {
			return research.Result{}, err
		}
	}
	if c.review == nil {
		c.review = &support.Review{Weight: 1}
	}
	used := a.quotesOf(c.checked)
	for _, q := range used {
		res.Cited = append(res.Cited, q.Evidence)
	}
	res.Confidence, res.Sources = a.confidence(c.checked, used, c.review.Weight), agent.SourceGroups(used)
	if c.notAnswered {
		res.Confidence = agent.NoConfidence
	}
	res.Support = c.review.ByEvidence
	res.Metadata = a.metadata(c.checked, a.Budget != "" || len(used) == 0 || c.flaw != "")
	c.review.AddCounts(res.Metadata)
	maps.Copy(res.Metadata, c.metadata)
	return res, nil
}

// quotesOf returns the quotes that an answer uses, in the order of its markers.
func (a *run) quotesOf(c answertext.Checked) []agent.Quote {
	used := make([]agent.Quote, len(c.Used))
	for i, n := range c.Used {
		used[i] = a.Quotes[n-1]
	}
	return used
}

// writeAnswer lets the model write an answer. If it writes none, the quotes serve as the answer.
func (a *run) writeAnswer(ctx context.Context, w *report.Writer) (composed, error) {
	t, err := a.write(ctx, w.Stream)
	if err != nil {
		return composed{}, err
	}
	if text, ok := answertext.NotAnswered(t.Text); ok {
		text, _ = w.SplitAnswer(text)
		return a.notAnswered(text), nil
	}
	text, named := w.SplitAnswer(t.Text)
	c := composed{checked: a.checked(text), flaw: t.Flaw}
	if strings.TrimSpace(c.checked.Text) == "" {
		c.flaw = cmp.Or(c.flaw, "the model wrote no answer")
		c.checked = a.quoteAll("The model wrote no answer. These are the quotes that it found, word for word.")
	} else {
		w.Stream.Finish(c.checked.Text)
		if c.checked, c.review, err = a.reviewed(ctx, c.checked); err != nil {
			return composed{}, err
		}
	}
	c.text = c.checked.Text
	c.contradictions = named.MarkedIn(w, &c.checked)
	return c, nil
}

// checked cleans the answer that the model wrote, renumbers its markers, and removes markers without a quote.
func (a *run) checked(text string) answertext.Checked {
	urls := make([]string, len(a.Quotes))
	for i, q := range a.Quotes {
		urls[i] = q.URL
	}
	return answertext.Check(answertext.Clean(text, len(a.Quotes), answertext.Cited(urls...)), len(a.Quotes))
}

// evidenceOfReader adds evidence if the model cited nothing. If no page was read, the built-in reader opens pages. Then
// it cites the passages that it ranks best.
func (a *run) evidenceOfReader(ctx context.Context) error {
	if len(a.Quotes) > 0 {
		return nil
	}
	if len(a.Pages) == 0 {
		if err := reader.ReadPages(ctx, a.Session); err != nil {
			return err
		}
	}
	if err := reader.CiteBest(ctx, a.Session, research.Thinking("The model cited nothing; looking for the passages that fit the question best.", nil)); err != nil {
		return err
	}
	if len(a.Quotes) > 0 && a.endedBy == "" {
		a.endedBy = "the model cited nothing"
	}
	return nil
}

// maxQuoted is the greatest number of quotes in an answer that quoteAll builds.
const maxQuoted = 5

// quoteAll builds an answer from the first quotes, word for word, after a sentence that says why. It is used if there is no
// other answer.
func (a *run) quoteAll(why string) answertext.Checked {
	c := answertext.Checked{}
	var b strings.Builder
	b.WriteString(why + "\n")
	for i, p := range a.Quotes[:min(len(a.Quotes), maxQuoted)] {
		c.Used = append(c.Used, i+1)
		fmt.Fprintf(&b, "\n> %s\n\n[%d] %s\n", strings.ReplaceAll(p.Text, "\n", "\n> "), i+1, p.Title)
	}
	c.Text = strings.TrimSpace(b.String())
	return c
}

// Weights of the parts of the confidence in a model's answer. Their sum is 1.
const (
	confidenceCited   = 0.45 // times the share of the answer's sentences that have a marker, times the mean weight of their verdicts
	confidenceFits    = 0.30 // times the share of the question's words, by weight, that the best quote used covers
	confidenceSources = 0.25 // times the number of independent sources quoted, at most 2, divided by 2
)

// confidence estimates how far the answer can be trusted, 0..1. It measures how much of the answer is cited, how well
// the quotes fit the question, and how many independent sources are quoted: pages with the same text count once. support is the mean
// weight of the verdicts. It ignores what the model says about its own certainty.
func (a *run) confidence(c answertext.Checked, used []agent.Quote, support float64) float64 {
	if len(used) == 0 {
		return agent.NoConfidence
	}
	share := 1.0
	if c.Sentences > 0 {
		share = 1 - float64(c.Unsupported)/float64(c.Sentences)
	}
	sources := map[int]bool{}
	for _, source := range agent.SourceGroups(used) {
		sources[source] = true
	}
	hits := make([]research.Hit, len(used))
	for i, p := range used {
		hits[i] = research.Hit{PageID: p.PageID, Title: p.Title, Text: p.Text, Passage: research.Passage{Ord: i, Start: p.Start, End: p.End}}
	}
	fits := 0.0
	for _, s := range a.rankHits(ranking.NewQuestion(a.Env.Task.Question, ""), hits) {
		fits = max(fits, s.Share())
	}
	return min(1, ranking.Round(confidenceCited*share*support+confidenceFits*fits+confidenceSources*min(1, float64(len(sources))/2)))
}

// metadata describes how the answer was made: model, pages read, tokens, cost, and the budget that ended the research.
func (a *run) metadata(c answertext.Checked, partial bool) map[string]any {
	spent := a.Used()
	m := map[string]any{
		"provider": a.Model.Provider(), "model": a.Model.Name(), "languageModel": true, "promptVersion": a.prompt,
		"pagesRead": agent.PagesRead(a.Pages), "pagesFailed": len(a.Failed), "partial": partial,
		"evidence": len(a.Quotes), "unsupportedSentences": c.Unsupported, "invalidMarkers": c.Invalid, "tokens": spent.Tokens(),
		"inputTokens": spent.Input, "outputTokens": spent.Output,
	}
	if spent.Cached > 0 {
		m["cachedTokens"] = spent.Cached
	}
	if spent.Priced {
		m["costUsd"] = spent.Cost
	}
	if a.Budget != "" {
		m["budget"] = a.Budget
	}
	if a.endedBy != "" {
		m["researchEnded"] = a.endedBy
	}
	if a.Searched != nil {
		m["searchEngine"] = map[string]any{"asked": string(a.Searched.Asked), "used": string(a.Searched.Used)}
	}
	return m
}
