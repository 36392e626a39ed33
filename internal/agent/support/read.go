package support

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"legwork/internal/agent/toolcalls"
)

var (
	jsonList    = regexp.MustCompile(`(?s)\[.*\]|\{.*\}`)
	verdictLine = regexp.MustCompile(`(?im)^\W*(?:pair\s*)?(\d+)\W+(supported|partial|unsupported)\b`)
)

// Read reads the verdicts on pairs from a model's reply. A pair without a readable verdict keeps the one that it has.
func (v *Verdicts) Read(text string, pairs []Pair) {
	given := map[int]string{}
	if parsed, ok := toolcalls.DecodeJSON(jsonList.FindString(text)); ok {
		collect(parsed, "pair", "verdict", func(n int, verdict string) { given[n] = strings.ToLower(strings.TrimSpace(verdict)) })
	}
	if len(given) == 0 {
		for _, m := range verdictLine.FindAllStringSubmatch(text, -1) {
			n, _ := strconv.Atoi(m[1])
			given[n] = strings.ToLower(m[2])
		}
	}
	for _, p := range pairs {
		if _, ok := weights[given[p.N]]; !ok {
			continue
		}
		if v.given == nil {
			v.given = map[string]string{}
		}
		v.given[p.key()] = given[p.N]
	}
}

// ReadSentences reads new sentences by their numbers from a model's reply, as in [{"sentence": 1, "text": "…"}].
func ReadSentences(text string) map[int]string {
	out := map[int]string{}
	if parsed, ok := toolcalls.DecodeJSON(jsonList.FindString(text)); ok {
		collect(parsed, "sentence", "text", func(n int, sentence string) { out[n] = strings.Join(strings.Fields(sentence), " ") })
	}
	return out
}

// collect reads objects like {number: 1, value: "…"}, lists of them, and objects like {"1": "…"}.
func collect(parsed any, number, value string, found func(n int, value string)) {
	switch x := parsed.(type) {
	case []any:
		for _, e := range x {
			collect(e, number, value, found)
		}
	case map[string]any:
		if text, ok := x[value].(string); ok {
			switch n := x[number].(type) {
			case float64:
				if n == math.Trunc(n) && math.Abs(n) < 1e6 {
					found(int(n), text)
				}
			case string:
				if i, err := strconv.Atoi(n); err == nil {
					found(i, text)
				}
			}
			return
		}
		for k, e := range x {
			if text, ok := e.(string); ok {
				if n, err := strconv.Atoi(k); err == nil {
					found(n, text)
				}
			} else {
				collect(e, number, value, found)
			}
		}
	}
}
