package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"legwork/internal/llm"
	"legwork/internal/research"
)

// shownProof is a quote as the answer's prompt numbers it.
type shownProof struct {
	N                int
	Title, URL, Text string
}

// answer has the answer written from the verified quotes. Without any, the reader's ranking, and before that its reading,
// gives them.
func (a *asker) answer(ctx context.Context) (research.Result, error) {
	if len(a.replay) > 0 {
		p := purposeOf(a.replay[0])
		a.cut, a.why = p.Budget, p.Ended
	}
	if err := a.evidenceOfReader(ctx); err != nil {
		return research.Result{}, err
	}
	if len(a.proofs) == 0 {
		text := fmt.Sprintf("Nothing relevant to the question was found on the %d pages read.", len(a.pages))
		return research.Result{Answer: text, Confidence: noConfidence, Metadata: a.metadata(composed{}, true)}, nil
	}
	speaker := newSpeaker(a.env.Say, len(a.proofs))
	text, err := a.write(ctx, speaker)
	if err != nil {
		return research.Result{}, err
	}
	c := checkMarkers(text, len(a.proofs))
	if strings.TrimSpace(c.text) == "" {
		a.why = "the model wrote no answer"
		c = a.quoteAll()
	}
	speaker.finish(c.text)
	used := make([]proof, len(c.used))
	cited := make([]int, len(c.used))
	for i, n := range c.used {
		used[i] = a.proofs[n-1]
		cited[i] = used[i].Evidence
	}
	verdicts, err := a.judge(ctx, c, used)
	if err != nil {
		return research.Result{}, err
	}
	return research.Result{Answer: c.text, Confidence: a.confidence(c, used, verdicts), Cited: cited, Support: verdicts.byEvidence,
		Metadata: verdicts.tell(a.metadata(c, a.cut != "" || len(used) == 0))}, nil
}

// evidenceOfReader fills in for a model that cited nothing: the reader opens pages when none was read, and its best
// passages become the evidence.
func (a *asker) evidenceOfReader(ctx context.Context) error {
	if len(a.proofs) > 0 {
		return nil
	}
	r, err := newReader(ctx, a.session)
	if err != nil {
		return err
	}
	if len(a.pages) == 0 {
		if err := r.start(ctx); err != nil {
			return err
		}
		for more := true; more; {
			if more, err = r.step(ctx); err != nil {
				return err
			}
		}
		if len(r.pages) == 0 {
			return r.unreadable()
		}
		a.cutBy(r.budget())
	}
	found, err := r.find(ctx, a.env.Task.Question, a.pages, a.cut,
		research.Thinking("The model cited nothing; looking for the passages that fit the question best.", nil))
	if err != nil {
		return err
	}
	for _, p := range choose(found.Passages) {
		c, err := r.cite(ctx, p)
		if err != nil {
			return err
		}
		a.addQuote(proof{cited: c, text: p.Text})
	}
	if len(a.proofs) > 0 && a.why == "" {
		a.why = "the model cited nothing"
	}
	return nil
}

// write makes the last call. A model that fails for good here, after the research is paid for, fails the task.
func (a *asker) write(ctx context.Context, speaker *speaker) (string, error) {
	data := map[string]any{"Question": a.env.Task.Question, "Earlier": a.earlier(), "Evidence": a.shownProofs(),
		"Mark": a.mark, "Date": time.Now().UTC().Format("Monday, 2 January 2006")}
	rules, err := prompt("answer_system", data)
	if err != nil {
		return "", err
	}
	ask, err := prompt("answer", data)
	if err != nil {
		return "", err
	}
	messages := []llm.Message{{Role: llm.System, Text: rules}, {Role: llm.User, Text: ask}}
	for try := 1; ; try++ {
		r := llm.Request{Messages: messages, MaxTokens: answerTokens}
		if speaker != nil {
			speaker.again()
			r.OnText = speaker.hear
		}
		reply, err := a.generate(ctx, purpose{Purpose: forAnswer, Budget: a.cut, Ended: a.why}, r, speaker.again)
		var problem *llm.Error
		if errors.As(err, &problem) {
			return "", failed(problem)
		}
		if err != nil {
			return "", err
		}
		text := withoutThinking(reply.Text)
		if text != "" || try == 2 {
			return text, nil
		}
		messages = append(messages, llm.Message{Role: llm.User, Text: "Write the answer now, as plain text."})
	}
}

// shownProofs are the quotes as prompts number them.
func (a *asker) shownProofs() []shownProof {
	shown := make([]shownProof, len(a.proofs))
	for i, p := range a.proofs {
		shown[i] = shownProof{N: i + 1, Title: defused(p.Title), URL: p.URL, Text: defused(p.text)}
	}
	return shown
}

// quoteAll is the answer where the model wrote none: the quotes, word for word.
func (a *asker) quoteAll() composed {
	c := composed{}
	var b strings.Builder
	b.WriteString("The model wrote no answer. These are the quotes that it found, word for word.\n")
	for i, p := range a.proofs[:min(len(a.proofs), maxCited)] {
		c.used = append(c.used, i+1)
		fmt.Fprintf(&b, "\n> %s\n\n[%d] %s\n", strings.ReplaceAll(p.text, "\n", "\n> "), i+1, p.Title)
	}
	c.text = strings.TrimSpace(b.String())
	return c
}

// Parts of the confidence in a model's answer, which sum up to 1.
const (
	confidenceCited   = 0.45 // times the share of the answer's sentences that have a marker, times the mean weight of the verdicts on them
	confidenceFits    = 0.30 // times the share of the question's words, by weight, that the best quote used covers
	confidenceSources = 0.25 // times the number of different pages used, up to two, less what one page alone gives: half
)

// confidence is how far the answer can be trusted, 0..1, from what can be seen of it: how much of it is cited, how well the
// quotes fit the question, how many pages agree. The model's own opinion does not count.
func (a *asker) confidence(c composed, used []proof, v verdicts) float64 {
	if len(used) == 0 {
		return noConfidence
	}
	share := 1.0
	if c.sentences > 0 {
		share = 1 - float64(c.unsupported)/float64(c.sentences)
	}
	pages := map[string]bool{}
	hits := make([]research.Hit, len(used))
	for i, p := range used {
		pages[p.PageID] = true
		hits[i] = research.Hit{PageID: p.PageID, Title: p.Title, Text: p.text, Passage: research.Passage{Ord: i, Start: p.Start, End: p.End}}
	}
	fits := 0.0
	for _, s := range a.rankHits(newQuestion(a.env.Task.Question, "", nil), hits) {
		fits = max(fits, s.share())
	}
	return min(1, round(confidenceCited*share*v.weight()+confidenceFits*fits+confidenceSources*min(1, float64(len(pages))/2)))
}

// metadata tells how the answer came about.
func (a *asker) metadata(c composed, partial bool) map[string]any {
	m := map[string]any{
		"provider": a.model.Provider(), "model": a.model.Name(), "languageModel": true, "promptVersion": PromptVersion,
		"pagesRead": pagesRead(a.pages), "pagesFailed": len(a.failed), "partial": partial,
		"evidence": len(a.proofs), "unsupportedSentences": c.unsupported, "invalidMarkers": c.invalid, "tokens": a.input + a.output,
		"inputTokens": a.input, "outputTokens": a.output,
	}
	if a.priced {
		m["costUsd"] = a.cost
	}
	if a.cut != "" {
		m["budget"] = a.cut
	}
	if a.why != "" {
		m["researchEnded"] = a.why
	}
	if a.searched != nil {
		m["searchEngine"] = map[string]any{"asked": string(a.searched.Asked), "used": string(a.searched.Used)}
	}
	return m
}
