package answertext

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCheckFrom: the markers of a later part continue those of the parts before it.
func TestCheckFrom(t *testing.T) {
	t.Parallel()
	first := Check("A pump [3]. Two [5].", 6)
	second := CheckFrom(first.Used, "A lid [5][1]. No quote [9].", 6)
	require.Equal(t, "A lid [2][3]. No quote.", second.Text)
	require.Equal(t, []int{3, 5, 1}, second.Used)
	require.Equal(t, []int{3, 5}, first.Used, "the earlier part stays as it was")
	require.Equal(t, 1, second.Invalid)
}

func TestRestrict(t *testing.T) {
	t.Parallel()
	even := func(n int) bool { return n%2 == 0 }
	for text, want := range map[string]string{
		"One [1]. Two [2].":              "One. Two [2].",
		"All [1-4], and [2, 3] ":         "All [2][4], and [2]",
		"Code `a[1]` and [1]":            "Code `a[1]` and",
		"```\na[1]\n```\n\nA [2][3][4].": "```\na[1]\n```\n\nA [2][4].",
	} {
		require.Equal(t, want, Restrict(text, 9, even))
	}
}

// TestStreamKeeps: what was kept stays published when a part starts again, and is published again only if the part
// before it was changed.
func TestStreamKeeps(t *testing.T) {
	t.Parallel()
	var text []rune
	began, offsets := 0, []int{}
	s := NewStream(func(offset int, piece string) {
		if offset == 0 {
			began++
			text = nil
		}
		require.Equal(t, len(text), offset)
		offsets = append(offsets, offset)
		text = append(text, []rune(piece)...)
	}, 9)
	s.Keep("# Ö\n\n", nil)
	require.Equal(t, "# Ö\n\n", string(text))
	add := func(s *Stream, words string) {
		for _, w := range strings.SplitAfter(words, " ") {
			s.Add(w)
		}
	}
	add(s, "\n One [7]. Two [4]. ")
	require.Equal(t, "# Ö\n\nOne [1]. Two [2].", string(text))
	s.Keep("# Ö\n\nOne [1]. Two [2].\n\n", []int{7, 4})
	require.Equal(t, 1, began, "nothing was taken back")
	add(s, "Three [4][5]. Unfini")
	require.Equal(t, "# Ö\n\nOne [1]. Two [2].\n\nThree [2][3]. Unfini", string(text))
	s.Restart()
	add(s, "Four [5].")
	require.Equal(t, "# Ö\n\nOne [1]. Two [2].\n\nFour [3].", string(text))
	require.Equal(t, 2, began)
	s.Keep("# Ö\n\nOne [1]. Two [2].\n\nFour!\n\n", []int{7, 4})
	require.Equal(t, 3, began, "the part was cleaned")
	require.Equal(t, "# Ö\n\nOne [1]. Two [2].\n\nFour!\n\n", string(text))
	add(s, "Five")
	s.Finish("# Ö\n\nOne [1]. Two [2].\n\nFour!\n\nFive")
	require.Equal(t, 3, began)
	s.Finish("# Ö\n\nSummary.")
	require.Equal(t, "# Ö\n\nSummary.", string(text))
	require.Equal(t, 4, began)
	var none *Stream
	none.Keep("x", nil)
}
