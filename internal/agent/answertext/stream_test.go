package answertext

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/agent/agenttest"
)

// publish sends a reply to a Stream in the given pieces. It returns the text published before the reply ended, the
// client, and the answer.
func publish(t *testing.T, quotes int, pieces ...string) (before string, h *agenttest.Listener, answer string) {
	t.Helper()
	h = &agenttest.Listener{T: t}
	s := NewStream(h.Emit, quotes)
	for _, p := range pieces {
		s.Add(p)
	}
	before = string(h.Text)
	answer = Check(WithoutThinking(strings.Join(pieces, "")), quotes).Text
	s.Finish(answer)
	return before, h, answer
}

func letters(s string) (out []string) {
	for _, r := range s {
		out = append(out, string(r))
	}
	return out
}

// TestStream sends a reply letter by letter. It checks the text that is published before the end, and how often the text
// starts again from the beginning.
func TestStream(t *testing.T) {
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
		"open fence":         {"Do\n```\na[1] `b` [9]\n", "Do\n```\na[1] `b` [9]\n", 2}, // white space at the end is removed
		"Japanese":           {"百度です【1】。", "百度です[1]。", 1},
		"nothing":            {" <think>x</think> ", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, h, answer := publish(t, 3, letters(tc.reply)...)
			require.Equal(t, tc.before, before)
			require.Equal(t, answer, string(h.Text))
			require.Equal(t, tc.begun, h.Began)
		})
	}
}

// TestStreamEndsWithTheAnswer: whatever the reply and its pieces, the client has the answer in the end. Without tags of
// thoughts and fenced code, the text never starts again from its beginning.
func TestStreamEndsWithTheAnswer(t *testing.T) {
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
		_, h, answer := publish(t, 3, pieces...)
		if answer == "" { // if the reply has no answer, the run publishes the quotes instead
			continue
		}
		require.Equal(t, answer, string(h.Text), "%q", pieces)
		if clean && !strings.Contains(reply.String(), "```") {
			require.LessOrEqual(t, h.Began, 1, "%q", pieces)
		}
	}
}
