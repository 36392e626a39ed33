package agent

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"legwork/internal/llm"
	"legwork/internal/testsite"
)

// hearing is a client of the deltas: it keeps what it was told.
type hearing struct {
	t      *testing.T
	text   []rune
	most   int // code points that the text ever had
	pieces int
	begun  int // how often the text began
}

func (h *hearing) say(offset int, text string) {
	h.pieces++
	switch {
	case offset == 0:
		h.begun++
		h.text = nil
	case offset != len(h.text):
		h.t.Fatalf("a piece at %d after %d code points", offset, len(h.text))
	}
	h.text = append(h.text, []rune(text)...)
	h.most = max(h.most, len(h.text))
}

// spoken says a reply in the given pieces and gives what a client then has, before and after the end.
func spoken(t *testing.T, quotes int, pieces ...string) (before string, h *hearing, answer string) {
	t.Helper()
	h = &hearing{t: t}
	s := newSpeaker(h.say, quotes)
	for _, p := range pieces {
		s.hear(p)
	}
	before = string(h.text)
	answer = checkMarkers(withoutThinking(strings.Join(pieces, "")), quotes).text
	s.finish(answer)
	return before, h, answer
}

func letters(s string) (out []string) {
	for _, r := range s {
		out = append(out, string(r))
	}
	return out
}

// TestSpeaker: what is said before the end, letter by letter, and how often it had to begin.
func TestSpeaker(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply, before string
		begun         int
	}{
		"plain":              {"It is 100 °C.", "It is 100 °C.", 1},
		"white space":        {"\n  One.\n\nTwo. \n", "One.\n\nTwo.", 1},
		"markers":            {"One [2]. Two [1][2], three [3, 1].", "One [1]. Two [2][1], three [3][2].", 1},
		"a range":            {"All [1-3].", "All [1][2][3].", 1},
		"to nothing":         {"One [7]. Two [1].", "One. Two [1].", 1},
		"to nothing at last": {"One [7]", "One", 1},
		"no marker":          {"An array[i] and [a link](x) or [12 monkeys].", "An array[i] and [a link](x) or [12 monkeys].", 1},
		"unfinished marker":  {"One [1", "One", 1},
		"a thought":          {"<think>It may be 90 [1].</think>\nIt is 100 [1].", "It is 100 [1].", 1},
		"a thought at last":  {"It is 100. <thinking>Or 90?", "It is 100.", 1},
		"no thought":         {"1 < 2 and <b>bold</b>", "1 < 2 and <b>bold</b>", 1},
		"a thought unopened": {"Perhaps 90.</think> It is 100 [1].", "It is 100 [1].", 2},
		"code":               {"Set `a[1] = [2]` or `x", "Set `a[1] = [2]` or", 1},
		"a lonely tick":      {"5` long\nand [9] so", "5` long\nand so", 1},
		"fence":              {"Do\n```\na[1] [9]\n```\nso [3].", "Do\n```\na[1] [9]\n```\nso [1].", 1},
		"open fence":         {"Do\n```\na[1] `b` [9]\n", "Do\n```\na[1] `b` [9]\n", 2}, // the end is trimmed
		"Japanese":           {"百度です【1】。", "百度です[1]。", 1},
		"nothing":            {" <think>x</think> ", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, h, answer := spoken(t, 3, letters(tc.reply)...)
			require.Equal(t, tc.before, before)
			require.Equal(t, answer, string(h.text))
			require.Equal(t, tc.begun, h.begun)
		})
	}
}

// TestSpeakerEndsAlike: whatever a model says, in whatever pieces, the client ends with the answer; and the text begins anew
// only where a tag makes what stands before it a thought, or a thought and code are mixed.
func TestSpeakerEndsAlike(t *testing.T) {
	t.Parallel()
	parts := []string{"word ", "It is 5. ", " ", "\n", "\t", "[1]", " [2]", "[9]", "[1, 9]", "[1-3]", "【2】", "[", "]", "[4", "[x]", "`", "``", "```",
		"`a[1]`", "é", "百", "<", "<b>", "1 < 2", "[^2]", "<thi", "[2–3]"}
	thoughts := []string{"<think>", "</think>", "<Reasoning>hm [1]</reasoning>", "</thinking"}
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 7))
		from, clean := parts, seed%2 == 0
		if !clean {
			from = append(append([]string(nil), parts...), thoughts...)
		}
		var reply strings.Builder
		for range r.IntN(30) {
			reply.WriteString(from[r.IntN(len(from))])
		}
		runes, pieces := []rune(reply.String()), []string(nil)
		for len(runes) > 0 {
			n := 1 + r.IntN(len(runes))
			if r.IntN(2) == 0 {
				n = 1
			}
			pieces, runes = append(pieces, string(runes[:n])), runes[n:]
		}
		_, h, answer := spoken(t, 3, pieces...)
		if answer == "" { // then the quotes are the answer
			continue
		}
		require.Equal(t, answer, string(h.text), "%q", pieces)
		if clean && !strings.Contains(reply.String(), "```") {
			require.LessOrEqual(t, h.begun, 1, "%q", pieces)
		}
	}
}

// TestAskSpeaks: the answer of a run is said while it comes; a try that fails in the middle makes it begin anew, and a run that
// takes its answer from the journal says it at once.
func TestAskSpeaks(t *testing.T) {
	t.Parallel()
	const reply = "It is 100 degrees Celsius by default [2]. The network takes eight clients [1][7]. This is all."
	const answer = "It is 100 degrees Celsius by default [1]. The network takes eight clients [2]. This is all."
	turns := func(url func(string) string) []testsite.Turn {
		all := tenSteps(url)
		return append(all[:len(all)-1], testsite.Turn{Text: reply, StreamFail: "overloaded"}, testsite.Turn{Text: reply})
	}
	for name, start := range map[string]func(testing.TB, testsite.Script) *testsite.LLM{"openai": testsite.OpenAI, "anthropic": testsite.Anthropic} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script, change := lazily(turns)
			a := newAsking(t, script, change)
			a.server = start(t, script)
			var err error
			a.model, err = llm.Open(t.Context(), llm.Config{Provider: name, BaseURL: a.server.BaseURL(), Model: "scripted", Backoff: time.Millisecond})
			require.NoError(t, err)
			h := &hearing{t: t}
			a.say = h.say
			res := a.answered(t)
			require.Equal(t, answer, res.Answer)
			require.Equal(t, answer, string(h.text))
			require.Equal(t, 2, h.begun, "the try that failed had begun")
			require.Greater(t, h.pieces, 8)
			require.Len(t, h.text, h.most, "it begins anew with the next try, not in the end")
		})
	}
}
