package support

import (
	"context"
	"maps"

	"legwork/internal/agent/answertext"
	"legwork/internal/agent/prompts"
)

// pairsOfCall is how many pairs one call judges.
const pairsOfCall = 40

// Review is what is known about the support of an answer. The weight 1 and zero values of the other fields mean that nothing
// was judged.
type Review struct {
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

// Reviewer asks a model how far quotes support an answer. It keeps the verdicts, so an answer whose text has changed can be
// reviewed once more.
type Reviewer struct {
	Review Review

	Mark   string   // name of the tag around untrusted text
	Quotes []Quote  // the quotes of the markers 1, 2 and so on
	URLs   []string // addresses of the pages that the answer may link to
	Mend   bool     // whether sentences that the quotes do not support are changed

	// Verdicts and Sentences make the calls with the data of their prompts: the Pairs to judge, or the Sentences to write
	// anew. ok is false if there is no reply.
	Verdicts, Sentences func(ctx context.Context, data map[string]any) (reply string, ok bool, err error)
	Usable              func(text string) bool // whether a text can be a sentence of an answer

	verdicts Verdicts
}

// Do judges how far each quote supports the sentences of an answer that use it. The answer has one or more parts. With
// Mend, a sentence that none of its quotes supports is rewritten from them and judged again. It is removed if that does
// not help. If another quote supports a sentence, only the marker is removed. Do returns the parts with these changes.
// The error is that of a call.
func (w *Reviewer) Do(ctx context.Context, parts ...string) ([]string, error) {
	pairs := w.pairsOf(parts)
	if err := w.judge(ctx, pairs); err != nil {
		return nil, err
	}
	if bad := w.verdicts.Unsupported(pairs); w.Mend && len(bad) > 0 {
		texts, err := w.rewrite(ctx, bad)
		if err != nil {
			return nil, err
		}
		parts = replaceAll(parts, bad, texts)
		again := 0
		if len(texts) > 0 {
			pairs = w.pairsOf(parts)
			if err := w.judge(ctx, pairs); err != nil {
				return nil, err
			}
			still := w.verdicts.Unsupported(pairs)
			again, parts = len(still), replaceAll(parts, still, nil)
		}
		rewritten := max(0, len(texts)-again)
		w.Review.Rewritten += rewritten
		w.Review.Removed += len(bad) - rewritten
	}
	if w.Mend {
		pairs = w.pairsOf(parts)
		mended := make([]string, len(parts))
		for i, text := range parts {
			mended[i] = w.verdicts.WithoutMarkers(text, inPart(pairs, i))
		}
		parts = mended
	}
	pairs = w.pairsOf(parts)
	w.Review.ByEvidence, w.Review.Weight, w.Review.Counts = w.verdicts.ByEvidence(pairs), w.verdicts.Weight(pairs), w.verdicts.Counts(pairs)
	return parts, nil
}

// replaceAll replaces sentences of the parts of an answer (see Replace).
func replaceAll(parts []string, sentences []Sentence, texts map[int]string) []string {
	out := make([]string, len(parts))
	for i, text := range parts {
		var own []Sentence
		for _, s := range sentences {
			if s.Part == i {
				own = append(own, s)
			}
		}
		out[i] = text
		if len(own) > 0 {
			out[i] = Replace(text, own, texts)
		}
	}
	return out
}

// pairsOf lists the uses of quotes in the parts of an answer.
func (w *Reviewer) pairsOf(parts []string) []Pair {
	var out []Pair
	for i, text := range parts {
		for _, p := range Pairs(text, w.Quotes) {
			if len(out) == maxPairs {
				return out
			}
			p.N, p.Part = len(out)+1, i
			out = append(out, p)
		}
	}
	return out
}

func inPart(pairs []Pair, part int) []Pair {
	var out []Pair
	for _, p := range pairs {
		if p.Part == part {
			out = append(out, p)
		}
	}
	return out
}

// judge asks for the verdicts on the pairs that have none, in as many calls as needed.
func (w *Reviewer) judge(ctx context.Context, pairs []Pair) error {
	open := w.verdicts.Open(pairs)
	for from := 0; from < len(open); from += pairsOfCall {
		batch := w.verdicts.Open(open[from:min(from+pairsOfCall, len(open))])
		shown := make([]Pair, len(batch))
		for i, p := range batch {
			shown[i] = p
			shown[i].Sentence, shown[i].Text, shown[i].Under = prompts.Defuse(p.Sentence), prompts.Defuse(p.Text), prompts.Defuse(p.Under)
		}
		reply, ok, err := w.Verdicts(ctx, map[string]any{"Pairs": shown, "Mark": w.Mark})
		if err != nil || !ok {
			return err
		}
		w.verdicts.Read(reply, batch)
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
