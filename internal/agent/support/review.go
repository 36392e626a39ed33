package support

import (
	"context"
	"maps"

	"legwork/internal/agent/answertext"
	"legwork/internal/agent/prompts"
)

// pairsOfCall is how many pairs one call judges.
const pairsOfCall = 40

// Review is an answer after its support was judged. The zero values of the other fields, and the weight 1, mean that
// nothing was judged.
type Review struct {
	Answer     answertext.Checked
	ByEvidence map[int]string // see Verdicts.ByEvidence
	Weight     float64        // mean weight of the verdicts, 0..1
	Counts     map[string]int // number of uses of quotes, by verdict
	Rewritten  int            // number of sentences that were written anew
	Removed    int            // number of sentences that were removed
}

// AddCounts adds to the metadata of a result how many uses of quotes got each verdict, and how many sentences were changed.
func (r *Review) AddCounts(m map[string]any) {
	if r.Counts == nil {
		return
	}
	m["support"] = r.Counts
	if r.Rewritten+r.Removed > 0 {
		m["unsupported"] = map[string]any{"rewritten": r.Rewritten, "removed": r.Removed}
	}
}

// Reviewer asks a model how far quotes support an answer.
type Reviewer struct {
	Mark   string   // name of the tag around untrusted text
	Quotes []Quote  // all quotes; the field Used of an answer has their numbers from 1
	URLs   []string // addresses of their pages
	Mend   bool     // whether sentences that the quotes do not support are changed

	// Verdicts and Sentences make the calls with the data of their prompts: the Pairs to judge, or the Sentences to write
	// anew. ok is false if there is no reply.
	Verdicts, Sentences func(ctx context.Context, data map[string]any) (reply string, ok bool, err error)
	Usable              func(text string) bool // whether a text can be a sentence of an answer
}

// Do judges how far each quote supports the sentences of r.Answer that use it. With Mend, a sentence that none of its quotes
// supports is rewritten from them and judged again. It is removed if that does not help. If another quote supports a
// sentence, only the marker is removed. The error is that of a call.
func (w *Reviewer) Do(ctx context.Context, r *Review) error {
	c := r.Answer
	pairs := w.pairsOf(c)
	var v Verdicts
	if err := w.judge(ctx, &v, pairs); err != nil {
		return err
	}
	if bad := v.Unsupported(pairs); w.Mend && len(bad) > 0 {
		texts, err := w.rewrite(ctx, bad)
		if err != nil {
			return err
		}
		c = rechecked(c, Replace(c.Text, bad, texts))
		again := 0
		if len(texts) > 0 {
			pairs = w.pairsOf(c)
			if err := w.judge(ctx, &v, pairs); err != nil {
				return err
			}
			still := v.Unsupported(pairs)
			again, c = len(still), rechecked(c, Replace(c.Text, still, nil))
		}
		r.Rewritten = max(0, len(texts)-again)
		r.Removed = len(bad) - r.Rewritten
	}
	if w.Mend {
		c = rechecked(c, v.WithoutMarkers(c.Text, w.pairsOf(c)))
	}
	pairs = w.pairsOf(c)
	r.Answer, r.ByEvidence, r.Weight, r.Counts = c, v.ByEvidence(pairs), v.Weight(pairs), v.Counts(pairs)
	return nil
}

// pairsOf lists the uses of quotes in an answer.
func (w *Reviewer) pairsOf(c answertext.Checked) []Pair {
	used := make([]Quote, len(c.Used))
	for i, n := range c.Used {
		used[i] = w.Quotes[n-1]
	}
	return Pairs(c.Text, used)
}

// rechecked renumbers the markers of an answer whose text was changed.
func rechecked(c answertext.Checked, text string) answertext.Checked {
	if text == c.Text {
		return c
	}
	out := answertext.Check(text, len(c.Used))
	out.Invalid = c.Invalid
	for i, n := range out.Used {
		out.Used[i] = c.Used[n-1]
	}
	return out
}

// judge asks for the verdicts on the pairs that have none, in as many calls as needed.
func (w *Reviewer) judge(ctx context.Context, v *Verdicts, pairs []Pair) error {
	open := v.Open(pairs)
	for from := 0; from < len(open); from += pairsOfCall {
		batch := v.Open(open[from:min(from+pairsOfCall, len(open))])
		shown := make([]Pair, len(batch))
		for i, p := range batch {
			shown[i] = p
			shown[i].Sentence, shown[i].Text, shown[i].Under = prompts.Defuse(p.Sentence), prompts.Defuse(p.Text), prompts.Defuse(p.Under)
		}
		reply, ok, err := w.Verdicts(ctx, map[string]any{"Pairs": shown, "Mark": w.Mark})
		if err != nil || !ok {
			return err
		}
		v.Read(reply, batch)
	}
	return nil
}

// rewrite asks for sentences that say no more than their quotes. It returns those that are not empty, by number, without
// markers: they get those of the old sentences.
func (w *Reviewer) rewrite(ctx context.Context, bad []Sentence) (map[int]string, error) {
	shown := make([]Sentence, len(bad))
	for i, s := range bad {
		shown[i] = Sentence{N: s.N, Text: prompts.Defuse(s.Text)}
		for _, q := range s.Quotes {
			shown[i].Quotes = append(shown[i].Quotes, Quote{Text: prompts.Defuse(q.Text), Under: prompts.Defuse(q.Under)})
		}
	}
	reply, ok, err := w.Sentences(ctx, map[string]any{"Sentences": shown, "Mark": w.Mark})
	if err != nil || !ok {
		return nil, err
	}
	texts := ReadSentences(reply)
	for n, text := range texts {
		texts[n] = answertext.Check(answertext.Clean(text, 0, answertext.Cited(w.URLs...)), 0).Text
	}
	maps.DeleteFunc(texts, func(n int, text string) bool { return n < 1 || n > len(bad) || text == "" || !w.Usable(text) })
	return texts, nil
}
