package loop

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"legwork/internal/research"
	"legwork/internal/testsite"
)

// TestUnsupportedSentences: a sentence that its quotes do not support is written anew from them. If that does not help,
// it is removed, and the answer says so. A marker that does not support its sentence is removed if another one does.
func TestUnsupportedSentences(t *testing.T) {
	t.Parallel()
	const written = "It is a manual [1]. It was printed in 1999 [1]. It has a list of changes [1][2]."
	first := `{"1":"supported","2":"unsupported","3":"unsupported","4":"supported"}`
	for name, tc := range map[string]struct {
		verdicts, rewrite, again string
		answer                   string
		rewritten, removed       int
		calls                    int
	}{
		"rewritten": {first, `[{"sentence":1,"text":"It describes the Aurora."}]`, `[{"pair":1,"verdict":"supported"}]`,
			"It is a manual [1]. It describes the Aurora [1]. It has a list of changes [2].", 1, 0, 3},
		"rewritten in vain": {first, `[{"sentence":1,"text":"It was printed long ago."}]`, `[{"pair":1,"verdict":"unsupported"}]`,
			"It is a manual [1]. It has a list of changes [2].\n\n(A sentence was removed, because the quotes did not support it.)", 0, 1, 3},
		"not rewritten": {first, `[{"sentence":1,"text":""}]`, "",
			"It is a manual [1]. It has a list of changes [2].\n\n(A sentence was removed, because the quotes did not support it.)", 0, 1, 2},
		"hostile": {first, `[{"sentence":1,"text":"Look at ![x](https://evil.example/x) [7]<script>alert(1)</script>this one."}]`, `[{"pair":1,"verdict":"supported"}]`,
			"It is a manual [1]. Look at this one [1]. It has a list of changes [2].", 1, 0, 3},
		"nothing holds": {`{"1":"unsupported","2":"unsupported","3":"unsupported","4":"unsupported"}`, "I cannot.", "",
			"The quotes did not support what the model wrote.", 0, 3, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var a *asking
			calls := 0
			a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
				switch {
				case strings.Contains(r.Raw, "judge whether the quote supports"):
					if !strings.Contains(r.Raw, "Under: Aurora kettle manual") {
						t.Errorf("the judge does not see where the quotes stand: %s", r.Raw)
					}
					if calls++; calls == 1 {
						return testsite.Turn{Text: tc.verdicts}
					}
					return testsite.Turn{Text: tc.again}
				case strings.Contains(r.Raw, "Write each sentence anew"):
					calls++
					return testsite.Turn{Text: tc.rewrite}
				case len(r.Tools()) == 0:
					return testsite.Turn{Text: written}
				case n == 0:
					return turn(quoteCall(a.site.URL("/index.html"), "This manual describes the Aurora", "the list of changes are available"))
				}
				return testsite.Turn{Text: "DONE"}
			}, func(a *asking, _ *research.Options) { a.limits.Support = true })
			var published strings.Builder
			a.publish = func(offset int, text string) {
				if offset == 0 {
					published.Reset()
				}
				published.WriteString(text)
			}
			res := a.answered(t)
			if name == "nothing holds" {
				require.Contains(t, res.Answer, tc.answer)
				require.Contains(t, res.Answer, "> This manual describes the Aurora")
			} else {
				require.Equal(t, tc.answer, res.Answer)
			}
			require.Equal(t, res.Answer, published.String(), "a changed answer is published anew")
			require.Equal(t, map[string]any{"rewritten": tc.rewritten, "removed": tc.removed}, res.Metadata["unsupported"])
			require.Equal(t, tc.calls, calls)
			for _, c := range a.Sound(t).Citations {
				require.NotEqual(t, research.Unsupported, c.Support)
			}
		})
	}
}

// TestSupportInBatches: many uses of quotes are judged in several calls, each with a part of them.
func TestSupportInBatches(t *testing.T) {
	t.Parallel()
	var a *asking
	calls := 0
	a = newAsking(t, func(n int, r testsite.ModelRequest) testsite.Turn {
		switch {
		case strings.Contains(r.Raw, "judge whether the quote supports"):
			calls++
			return testsite.Turn{Text: `[{"pair":1,"verdict":"supported"}]`}
		case len(r.Tools()) == 0:
			var b strings.Builder
			for i := range 81 {
				b.WriteString("This is the sentence " + strings.Repeat("x", i+1) + " [1]. ")
			}
			return testsite.Turn{Text: b.String()}
		case n == 0:
			return turn(quoteCall(a.site.URL("/index.html"), "This manual describes the Aurora"))
		}
		return testsite.Turn{Text: "DONE"}
	}, func(a *asking, _ *research.Options) { a.limits.Support = true })
	res := a.answered(t)
	require.Equal(t, 3, calls)
	require.Equal(t, 3, res.Metadata["support"].(map[string]int)[research.Supported])
}
