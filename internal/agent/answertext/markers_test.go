package answertext

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMarkers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text, want  string
		used        []int
		invalid     int
		sentences   int
		unsupported int
	}{
		"renumbered":  {"One thing is so [3]. Another thing is so [1].", "One thing is so [1]. Another thing is so [2].", []int{3, 1}, 0, 2, 0},
		"invalid":     {"One thing is so [9]. Zero thing is so [0].", "One thing is so. Zero thing is so.", nil, 2, 2, 2},
		"lists":       {"One thing is so [1, 2; 3].", "One thing is so [1][2][3].", []int{1, 2, 3}, 0, 1, 0},
		"range":       {"One thing is so [1-3].", "One thing is so [1][2][3].", []int{1, 2, 3}, 0, 1, 0},
		"full width":  {"One thing is so【2】.", "One thing is so[1].", []int{2}, 0, 1, 0},
		"twice":       {"One thing is so [2][2].", "One thing is so [1][1].", []int{2}, 0, 1, 0},
		"behind":      {"One thing is so. [2] Another thing is not.", "One thing is so. [1] Another thing is not.", []int{2}, 0, 2, 1},
		"code":        {"Use `a[1]` as the index here [2].", "Use `a[1]` as the index here [1].", []int{2}, 0, 1, 0},
		"fence":       {"Do this now [1]:\n```\nx = a[7]\n```", "Do this now [1]:\n```\nx = a[7]\n```", []int{1}, 0, 0, 0},
		"heading":     {"# What it is about\n- One thing is so [1]\n- Another thing is not", "# What it is about\n- One thing is so [1]\n- Another thing is not", []int{1}, 0, 2, 1},
		"huge number": {"One thing is so [99999]. [link](x)", "One thing is so [99999]. [link](x)", nil, 0, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := Check(tc.text, 3)
			require.Equal(t, tc.want, c.Text)
			require.Equal(t, tc.used, c.Used)
			require.Equal(t, tc.invalid, c.Invalid)
			require.Equal(t, [2]int{tc.sentences, tc.unsupported}, [2]int{c.Sentences, c.Unsupported})
		})
	}
}

func FuzzMarkers(f *testing.F) {
	f.Add("One thing is so [1, 2]. `a[1]`")
	f.Add("```\n[1-3]【2】")
	f.Fuzz(func(t *testing.T, s string) {
		c := Check(s, 3)
		require.LessOrEqual(t, len(c.Used), 3)
		require.LessOrEqual(t, c.Unsupported, c.Sentences)
	})
}
