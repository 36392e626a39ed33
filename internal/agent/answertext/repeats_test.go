package answertext

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCircles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		strings.Repeat("and the kettle, ", 40):              true,
		"It is a kettle. " + strings.Repeat("ha", 300):      true,
		strings.Repeat("the same line of a song, and ", 12): false, // too few
		strings.Repeat("-", 3000):                           false, // a rule of a table
		strings.Repeat("| 1 | 2 |\n", 10):                   false,
		strings.Repeat("a", 100) + strings.Repeat("b", 100): false,
	} {
		require.Equal(t, want, Circles(text), text)
	}
}

func TestWholeSentences(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"It is one [1]. It is t": "It is one [1].", "東京は大きい。[1] それ": "東京は大きい。[1]", "none": "", "<think>x. </think>One. Two": "One.",
	} {
		require.Equal(t, want, WholeSentences(text), text)
	}
}
