package agent

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"legwork/internal/research"
)

func TestQuotesAreFound(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ page, quote, span string }{
		"verbatim":         {"The pump holds 40 litres.", "pump holds 40", "pump holds 40"},
		"white space":      {"The pump\n  holds\u00A0 40\tlitres.", "The pump holds 40 litres.", "The pump\n  holds\u00A0 40\tlitres."},
		"quotation marks":  {`He said “it’s «full»” twice.`, `said "it's "full"" twice`, `said “it’s «full»” twice`},
		"dashes":           {"pages 10–20 — all of them", "pages 10-20 - all of them", "pages 10–20 — all of them"},
		"soft hyphens":     {"con\u00ADnec\u00ADtions are closed", "connections are closed", "con\u00ADnec\u00ADtions are closed"},
		"zero width":       {"a\u200Bbc def\uFEFF ghi", "abc def ghi", "a\u200Bbc def\uFEFF ghi"},
		"ligatures":        {"the ﬁrst oﬃce", "first office", "ﬁrst oﬃce"},
		"composed":         {"Cafe\u0301 au lait", "Café au lait", "Cafe\u0301 au lait"},
		"decomposed quote": {"Café au lait", "Cafe\u0301 au lait", "Café au lait"},
		"ellipsis sign":    {"wait… then go on", "wait... then go", "wait… then go"},
		"full width":       {"ＡＢＣ　１２３４５", "ABC 12345", "ＡＢＣ　１２３４５"},
		"emphasis":         {"set **max_size** to `40 MB` now", "set max_size to 40 MB now", "set **max_size** to `40 MB` now"},
		"marks around":     {"The pump holds 40 litres.", `"The pump holds 40 litres..."`, "The pump holds 40 litres"},
		"astral":           {"🌊🌊 the tide turns 🌊", "tide turns 🌊", "tide turns 🌊"},
		"double prime":     {"a 3½″ disk drive", `a 31⁄2" disk drive`, "a 3½″ disk drive"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start, end, ok := fold(tc.page).find(tc.quote)
			require.True(t, ok, "%q", fold(tc.page).text)
			require.Equal(t, tc.span, string([]rune(tc.page)[start:end]))
		})
	}
}

func TestQuotesAreNotFound(t *testing.T) {
	t.Parallel()
	for _, quote := range []string{"", "   ", "the", `"..."`, "The pump holds 41 litres.", "the pump holds 40 litres", "pump holds ... litres"} {
		_, _, ok := fold("The pump holds 40 litres.").find(quote)
		require.False(t, ok, quote)
	}
}

func TestClosest(t *testing.T) {
	t.Parallel()
	page := []rune("Valves open at noon. The big pump holds 40 litres of water when full. Nothing else matters.")
	start, end, ok := closest(page, "a pump can hold 40 litres of water")
	require.True(t, ok)
	require.Contains(t, string(page[start:end]), "holds 40 litres of water")
	_, _, ok = closest(page, "completely unrelated words about spacecraft telemetry")
	require.False(t, ok)
	_, _, ok = closest(page, "…")
	require.False(t, ok)
	_, _, ok = closest(nil, "pump")
	require.False(t, ok)
}

func TestCutExcerpt(t *testing.T) {
	t.Parallel()
	sentence := strings.Repeat("word ", 60) + "end. "
	runes := []rune(" " + sentence + sentence)
	start, end := cutExcerpt(runes, 0, len(runes))
	require.Equal(t, strings.TrimSpace(sentence), string(runes[start:end]))
	runes = []rune(strings.Repeat("x", 1000))
	start, end = cutExcerpt(runes, 10, 900)
	require.Equal(t, research.MaxExcerpt, end-start)
}

func FuzzFold(f *testing.F) {
	f.Add("The pump “holds” 40\u00A0litres…", 4, 20)
	f.Add("Cafe\u0301 \u00AD ﬁ 각 🌊 `x` **y**", 0, 12)
	f.Fuzz(func(t *testing.T, page string, from, to int) {
		if !utf8.ValidString(page) {
			return
		}
		runes := []rune(page)
		all := fold(page)
		require.Equal(t, len(all.text), len(all.start))
		if from < 0 || to > len(runes) || from >= to {
			return
		}
		quote := string(runes[from:to])
		start, end, ok := all.find(quote)
		if ok {
			require.True(t, 0 <= start && start < end && end <= len(runes))
			// What was found folds to what was looked for, but for what surrounds both.
			require.Contains(t, fold(string(runes[start:end])).text, strings.Trim(strings.TrimSpace(fold(quote).text), `"'. `))
			a, b := cutExcerpt(runes, start, end)
			require.True(t, start <= a && a <= b && b <= end && b-a <= research.MaxExcerpt)
		}
		if a, b, ok := closest(runes, quote); ok {
			require.True(t, 0 <= a && a <= b && b <= len(runes))
		}
	})
}
