package loop

import (
	"context"
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"

	"legwork/internal/agent"
	"legwork/internal/agent/answertext"
	"legwork/internal/agent/prompts"
	"legwork/internal/agent/toolcalls"
	"legwork/internal/llm"
	"legwork/internal/research"
)

// Bounds of the call that judges support.
const (
	maxPairs      = 40
	supportTokens = 1500 // output tokens
)

// verdictWeight is the weight of each verdict in the confidence. Pairs with the verdict unchecked are left out.
var verdictWeight = map[string]float64{research.Supported: 1, research.Partial: 0.5, research.Unsupported: 0}

// pair is one use of a quote: a sentence of the answer that has the quote's marker.
type pair struct {
	N        int    // number of the pair, from 1
	Sentence string // without markers
	Text     string // the quote
	evidence int
}

// verdicts are the result of judging support. The zero value means that nothing was judged.
type verdicts struct {
	made       bool
	byPair     []string
	byEvidence map[int]string // by evidence number: the lowest verdict on any use of the quote; unchecked only if all uses are unchecked
}

// judge asks the model how far each quote supports the sentences that use it. The call is optional: the pairs stay
// unchecked if time or tokens have run out, if the model fails, or if its reply cannot be read. The reply is journaled
// like any other.
func (a *run) judge(ctx context.Context, c answertext.Checked, used []agent.Quote) (verdicts, error) {
	journaled := len(a.replay) > 0 && purposeOf(a.replay[0]).Purpose == forSupport
	if !a.limits.Support && !journaled {
		return verdicts{}, nil
	}
	pairs := pairsOf(c.Text, used)
	v := newVerdicts(pairs)
	most := a.maxTokens()
	if len(pairs) == 0 || !journaled && (most > 0 && a.input+a.output >= most || a.Env.TimeLeft() <= 0) {
		return v, nil
	}
	data := map[string]any{"Pairs": pairs, "Mark": a.mark}
	rules, err := prompts.Fill(a.prompt, "support", data)
	if err != nil {
		return v, err
	}
	reply, err := a.generate(ctx, purpose{Purpose: forSupport}, llm.Request{MaxTokens: supportTokens,
		Messages: []llm.Message{{Role: llm.User, Text: rules}}})
	var problem *llm.Error
	switch {
	case errors.As(err, &problem), errors.Is(err, errTimeUp):
		a.Log.WarnContext(ctx, "how far the quotes support the answer was not judged", "error", err)
		return v, nil
	case err != nil:
		return v, err
	}
	v.read(answertext.WithoutThinking(reply.Text), pairs)
	return v, nil
}

// pairsOf lists each sentence of an answer together with each quote that it uses.
func pairsOf(text string, used []agent.Quote) []pair {
	var out []pair
	for sentence := range answertext.Sentences(text) {
		for _, m := range answertext.HasMarker.FindAllString(sentence, -1) {
			n, err := strconv.Atoi(strings.Trim(m, "[]"))
			if err != nil || n < 1 || n > len(used) || len(out) == maxPairs {
				continue
			}
			plain := strings.TrimSpace(answertext.HasMarker.ReplaceAllString(sentence, ""))
			out = append(out, pair{N: len(out) + 1, Sentence: prompts.Defuse(plain), Text: prompts.Defuse(used[n-1].Text), evidence: used[n-1].Evidence})
		}
	}
	return out
}

func newVerdicts(pairs []pair) verdicts {
	v := verdicts{made: true, byPair: make([]string, len(pairs)), byEvidence: map[int]string{}}
	for i, p := range pairs {
		v.byPair[i], v.byEvidence[p.evidence] = research.Unchecked, research.Unchecked
	}
	return v
}

var (
	jsonList    = regexp.MustCompile(`(?s)\[.*\]|\{.*\}`)
	verdictLine = regexp.MustCompile(`(?im)^\W*(?:pair\s*)?(\d+)\W+(supported|partial|unsupported)\b`)
)

// read parses the verdicts in a reply. A pair without a readable verdict stays unchecked.
func (v *verdicts) read(text string, pairs []pair) {
	given := map[int]string{}
	if parsed, ok := toolcalls.DecodeJSON(jsonList.FindString(text)); ok {
		collectVerdicts(parsed, given)
	}
	if len(given) == 0 {
		for _, m := range verdictLine.FindAllStringSubmatch(text, -1) {
			n, _ := strconv.Atoi(m[1])
			given[n] = strings.ToLower(m[2])
		}
	}
	for i, p := range pairs {
		verdict := given[p.N]
		weight, ok := verdictWeight[verdict]
		if !ok {
			continue
		}
		v.byPair[i] = verdict
		if old, judged := verdictWeight[v.byEvidence[p.evidence]]; !judged || weight < old {
			v.byEvidence[p.evidence] = verdict
		}
	}
}

// collectVerdicts reads verdicts as {"pair":1,"verdict":"supported"}, as a list of such objects, or as {"1":"supported"}.
func collectVerdicts(parsed any, given map[int]string) {
	switch x := parsed.(type) {
	case []any:
		for _, e := range x {
			collectVerdicts(e, given)
		}
	case map[string]any:
		if verdict, ok := x["verdict"].(string); ok {
			switch n := x["pair"].(type) {
			case float64:
				if n == math.Trunc(n) {
					given[int(n)] = strings.ToLower(strings.TrimSpace(verdict))
				}
			case string:
				if i, err := strconv.Atoi(n); err == nil {
					given[i] = strings.ToLower(strings.TrimSpace(verdict))
				}
			}
			return
		}
		for k, e := range x {
			if verdict, ok := e.(string); ok {
				if n, err := strconv.Atoi(k); err == nil {
					given[n] = strings.ToLower(strings.TrimSpace(verdict))
				}
			} else {
				collectVerdicts(e, given)
			}
		}
	}
}

// weight returns the mean weight of the verdicts, 0..1. It is 1 if nothing was judged.
func (v verdicts) weight() float64 {
	sum, n := 0.0, 0
	for _, verdict := range v.byPair {
		if w, ok := verdictWeight[verdict]; ok {
			sum += w
			n++
		}
	}
	if n == 0 {
		return 1
	}
	return sum / float64(n)
}

// addCounts adds to the metadata how many uses of quotes got each verdict.
func (v verdicts) addCounts(m map[string]any) map[string]any {
	if !v.made {
		return m
	}
	count := map[string]int{research.Supported: 0, research.Partial: 0, research.Unsupported: 0, research.Unchecked: 0}
	for _, verdict := range v.byPair {
		count[verdict]++
	}
	m["support"] = count
	return m
}
