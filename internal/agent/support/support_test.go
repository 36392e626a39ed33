package support

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/research"
)

const answer = "It holds 40 litres [1]. It is red [1][2].\n\n- It was made in 1999 [2].\n- It is heavy [3].\n\nNo marker stands here at all."

var used = []Quote{{Evidence: 7, Text: "The tank holds 40 litres.", Under: "Tank"}, {Evidence: 8, Text: "The red one."}, {Evidence: 9, Text: "Heavy."}}

func judged(t *testing.T, reply string) (*Verdicts, []Pair) {
	t.Helper()
	pairs := Pairs(answer, used)
	require.Len(t, pairs, 5)
	v := &Verdicts{}
	v.Read(reply, v.Open(pairs))
	return v, pairs
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	v, pairs := judged(t, `[{"pair":1,"verdict":"supported"},{"pair":2,"verdict":"unsupported"},{"pair":3,"verdict":"partial"},{"pair":4,"verdict":"Unsupported"},{"pair":9,"verdict":"supported"}]`)
	require.Equal(t, "It is red.", pairs[1].Sentence)
	require.Equal(t, map[int]string{7: research.Unsupported, 8: research.Unsupported, 9: research.Unchecked}, v.ByEvidence(pairs))
	require.InDelta(t, 1.5/4, v.Weight(pairs), 1e-9)
	require.Equal(t, map[string]int{research.Supported: 1, research.Partial: 1, research.Unsupported: 2, research.Unchecked: 1}, v.Counts(pairs))
	open := v.Open(pairs)
	require.Len(t, open, 1)
	require.Equal(t, 1, open[0].N)
	require.Equal(t, 9, open[0].Evidence)
	require.InDelta(t, 1, (&Verdicts{}).Weight(pairs), 1e-9)
}

// TestMend: an unsupported sentence gets its new text with its old markers, or disappears with its line. A marker that
// does not support its sentence disappears if another one does.
func TestMend(t *testing.T) {
	t.Parallel()
	v, pairs := judged(t, `{"1":"supported","2":"supported","3":"unsupported","4":"unsupported","5":"unsupported"}`)
	bad := v.Unsupported(pairs)
	require.Len(t, bad, 2)
	require.Equal(t, []string{"It was made in 1999.", "It is heavy."}, []string{bad[0].Text, bad[1].Text})
	require.Equal(t, "It holds 40 litres [1]. It is red [1][2].\n\n- It is the red one [2].\n\nNo marker stands here at all.",
		Replace(answer, bad, map[int]string{1: "It is the red one."}))
	require.Equal(t, "It holds 40 litres [1]. It is red [1][2].\n\nNo marker stands here at all.", Replace(answer, bad, nil))
	require.Equal(t, strings.Replace(answer, "red [1][2]", "red [1]", 1), v.WithoutMarkers(answer, pairs))
}

// TestMendTables: a row of a table is not replaced by a sentence, which would break the table.
func TestMendTables(t *testing.T) {
	t.Parallel()
	const table = "| name | litres it holds |\n|---|---|\n| the big one | holds 40 litres [1] |\n| the small one | holds 4 litres [1] |"
	pairs := Pairs(table, used)
	require.Len(t, pairs, 2)
	v := &Verdicts{}
	v.Read(`{"1":"supported","2":"unsupported"}`, pairs)
	require.Equal(t, table[:strings.LastIndexByte(table, '\n')], Replace(table, v.Unsupported(pairs), map[int]string{1: "It holds little."}))
}

func TestReadSentences(t *testing.T) {
	t.Parallel()
	want := map[int]string{1: "A b.", 2: ""}
	for _, reply := range []string{`[{"sentence": 1, "text": "A\n b."}, {"sentence": "2", "text": ""}]`, "```json\n{\"1\": \"A b.\", \"2\": \"\"}\n```", `Here: [{"sentence":1,"text":"A b."},{"sentence":2,"text":""}]`} {
		require.Equal(t, want, ReadSentences(reply), reply)
	}
	require.Empty(t, ReadSentences("I cannot."))
}

// FuzzMend: any answer and reply give a changed answer without a panic, which is not longer than the parts that it has.
func FuzzMend(f *testing.F) {
	f.Add(answer, `{"1":"unsupported","2":"supported"}`, `[{"sentence":1,"text":"x"}]`)
	f.Add("| a b c [1] |\n|---|\nüü 。[1] 東京は大きい。[2]", `[{"pair":1,"verdict":"unsupported"}]`, "")
	f.Fuzz(func(t *testing.T, text, reply, sentences string) {
		if len(text)+len(reply)+len(sentences) > 8<<10 {
			return
		}
		pairs := Pairs(text, used)
		v := &Verdicts{}
		v.Read(reply, pairs)
		texts := ReadSentences(sentences)
		require.LessOrEqual(t, len(v.WithoutMarkers(text, pairs)), len(text))
		out := Replace(text, v.Unsupported(pairs), texts)
		most := len(text) + len(sentences) + 10*len(pairs)
		require.LessOrEqual(t, len(out), most)
	})
}
