package quotes

import (
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"legwork/internal/research"
	"legwork/internal/testcost"
)

func TestQuotesAreFound(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ page, quote, span string }{
		"verbatim":            {"The pump holds 40 litres.", "pump holds 40", "pump holds 40"},
		"white space":         {"The pump\n  holds\u00A0 40\tlitres.", "The pump holds 40 litres.", "The pump\n  holds\u00A0 40\tlitres."},
		"quotation marks":     {`He said “it’s «full»” twice.`, `said "it's "full"" twice`, `said “it’s «full»” twice`},
		"dashes":              {"pages 10–20 — all of them", "pages 10-20 - all of them", "pages 10–20 — all of them"},
		"soft hyphens":        {"con\u00ADnec\u00ADtions are closed", "connections are closed", "con\u00ADnec\u00ADtions are closed"},
		"zero width":          {"a\u200Bbc def\uFEFF ghi", "abc def ghi", "a\u200Bbc def\uFEFF ghi"},
		"ligatures":           {"the ﬁrst oﬃce", "first office", "ﬁrst oﬃce"},
		"composed":            {"Cafe\u0301 au lait", "Café au lait", "Cafe\u0301 au lait"},
		"decomposed quote":    {"Café au lait", "Cafe\u0301 au lait", "Café au lait"},
		"ellipsis sign":       {"wait… then go on", "wait... then go", "wait… then go"},
		"full width":          {"ＡＢＣ　１２３４５", "ABC 12345", "ＡＢＣ　１２３４５"},
		"emphasis":            {"set **max_size** to `40 MB` now", "set max_size to 40 MB now", "set **max_size** to `40 MB` now"},
		"marks around":        {"The pump holds 40 litres.", `"The pump holds 40 litres..."`, "The pump holds 40 litres"},
		"astral":              {"🌊🌊 the tide turns 🌊", "tide turns 🌊", "tide turns 🌊"},
		"letter case":         {"The Pump HOLDS 40 litres.", "the pump holds 40 litres", "The Pump HOLDS 40 litres"},
		"sharp s":             {"Die Straße ist gesperrt.", "DIE STRASSE IST", "Die Straße ist"},
		"sharp s, spelt":      {"Die Strasse ist gesperrt.", "die Straße ist", "Die Strasse ist"},
		"capital sharp s":     {"GROẞE TÜREN schließen", "grosse türen", "GROẞE TÜREN"},
		"dotted capital i":    {"İstanbul’da hava güzel", "i̇stanbul'da HAVA", "İstanbul’da hava"},
		"final sigma":         {"Ο ΛΟΓΟΣ ΤΟΥ ΠΟΙΗΤΗ", "λογος του ποιητη", "ΛΟΓΟΣ ΤΟΥ ΠΟΙΗΤΗ"},
		"ligature, cut":       {"the oﬃcial report of it", "icial report of", "ﬃcial report of"},
		"two marks":           {"ha\u0323\u0302t trong ao", "h\u1ead" + "t trong ao", "ha\u0323\u0302t trong ao"},
		"marks in disorder":   {"ha\u0302\u0323t trong ao", "h\u1ead" + "t trong ao", "ha\u0302\u0323t trong ao"},
		"Hangul jamo":         {"\u1112\u1161\u11ab\u1100\u1173\u11af 문서입니다", "한글 문서입니다", "\u1112\u1161\u11ab\u1100\u1173\u11af 문서입니다"},
		"Hangul, composed":    {"한글 문서입니다 여기", "\u1112\u1161\u11ab\u1100\u1173\u11af 문서입니다", "한글 문서입니다"},
		"half-width kana":     {"ｶﾞｲﾄﾞﾌﾞｯｸを読む", "ガイドブックを読む", "ｶﾞｲﾄﾞﾌﾞｯｸを読む"},
		"mark after a joiner": {"cafe\u200b\u0301 au lait", "café au lait", "cafe\u200b\u0301 au lait"},
		"marks of direction":  {"the \u202apump\u202c holds", "the pump holds", "the \u202apump\u202c holds"},
		"emoji variants":      {"press ⚠\ufe0f and hold", "press ⚠ and hold", "press ⚠\ufe0f and hold"},
		"superscripts":        {"an area of 20 m² is", "area of 20 m2 is", "area of 20 m² is"},
		"letter for letter":   {"MAX SIZE IS SET. The max size is set.", "max size is set", "max size is set"},
		"in the first place":  {"Max size is set. MAX SIZE IS SET.", "max size IS set", "Max size is set"},
		"bullets":             {"Steps:\n\n- fill it\n- switch it on\n", "Steps: fill it switch it on", "Steps:\n\n- fill it\n- switch it on"},
		"bullets kept":        {"Steps:\n\n- fill it\n- switch it on\n", "Steps: - fill it • switch it on", "Steps:\n\n- fill it\n- switch it on"},
		"heading":             {"## Setup\n\nOpen the lid.", "Setup Open the lid.", "Setup\n\nOpen the lid."},
		"table":               {"| name | 40 litres |\n| lid | none |", "name 40 litres lid none", "name | 40 litres |\n| lid | none"},
		"table, written so":   {"name: 40 litres, lid: none", "name: 40 litres, | lid: none", "name: 40 litres, lid: none"},
		"entities":            {"use <b> & \"c\" here", "use &lt;b&gt; &amp; &quot;c&quot;", "use <b> & \"c\""},
		"a real entity":       {"write &amp; for it here", "write &amp; for it", "write &amp; for it"},
		"hyphens stay":        {"a well-known thing, x-ray", "well-known thing", "well-known thing"},
		"not in a number":     {"holds 400 litres, it holds 40 litres", "holds 40", "holds 40"},
		"double prime":        {"a 3½″ disk drive", `a 31⁄2" disk drive`, "a 3½″ disk drive"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := NewText(tc.page)
			f, ok := text.Find(tc.quote)
			require.True(t, ok, "%q", normalise([]rune(tc.page)).text)
			require.Equal(t, tc.span, text.Slice(f.Start, f.End))
		})
	}
}

func TestQuotesAreNotFound(t *testing.T) {
	t.Parallel()
	for _, quote := range []string{"", "   ", "the", `"..."`, "The pump holds 41 litres.", "pump holds ... litres", "The pump hölds 40 litres", "The pump holds 4", "The pumpholds 40", "\u200b\u200b\u200b\u200b\u200b\u200b\u200b\u200b\u200b"} {
		_, ok := NewText("The pump holds 40 litres.").Find(quote)
		require.False(t, ok, quote)
	}
	for page, quote := range map[string]string{
		"Der Istanbul-Vertrag":    "İstanbul-Vertrag", // İ is another letter than I
		"각하께서 오십니다 여기":            "가하께서 오십니다",
		"x\u0301 is not the same": "x is not the same",
	} {
		_, ok := NewText(page).Find(quote)
		require.False(t, ok, quote)
	}
}

func TestClosest(t *testing.T) {
	t.Parallel()
	page := NewText("Valves open at noon. The big pump holds 40 litres of water when full. Nothing else matters.")
	passage, ok := page.Closest("a pump can hold 40 litres of water")
	require.True(t, ok)
	require.Contains(t, passage, "holds 40 litres of water")
	_, ok = page.Closest("completely unrelated words about spacecraft telemetry")
	require.False(t, ok)
	_, ok = page.Closest("…")
	require.False(t, ok)
	_, ok = NewText("").Closest("pump")
	require.False(t, ok)
}

func TestLongQuotesAreCut(t *testing.T) {
	t.Parallel()
	sentence := strings.Repeat("word ", 60) + "end. "
	text := NewText(" " + sentence + sentence)
	start, end := text.cut(0, text.Len())
	require.Equal(t, strings.TrimSpace(sentence), text.Slice(start, end))
	start, end = NewText(strings.Repeat("x", 1000)).cut(10, 900)
	require.Equal(t, research.MaxExcerpt, end-start)
}

// TestTimeAndMemory: the time and memory to find a quote grow in proportion to the text, whatever its
// characters. It runs alone, so that it measures only its own memory.
func TestTimeAndMemory(t *testing.T) {
	for name, unit := range map[string]string{"letters": "a", "words": "max size is ", "marks": "\u0301", "invisible": "\u200b", "ligatures": "ﬃ",
		"jamo": "\u1112\u1161\u11ab", "signs": "*`", "accents": "e\u0301", "nearly": "max size is not set her"} {
		text := strings.Repeat(unit, 1<<20/len(unit))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		NewText(text).Find("max size is not set here")
		NewText(text).Closest("max size is not set here")
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		perByte := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(text))
		t.Logf("%s: %v, %.0f bytes for each byte", name, took, perByte)
		require.Less(t, perByte, 400.0, name)
		require.Less(t, took, 20*time.Second, name) // takes half a second on an idle machine; with quadratic time it took hours
	}
}

func FuzzFind(f *testing.F) {
	f.Add("The pump “holds” 40\u00A0litres…", 4, 20)
	f.Add("Cafe\u0301 \u00AD ﬁ 각 🌊 `x` **y** İẞß", 0, 12)
	f.Add("\u1112\u1161\u11ab\u1100\u1173\u11af\u0301\u200d\u0345", 0, 8)
	f.Fuzz(func(t *testing.T, page string, from, to int) {
		if !utf8.ValidString(page) {
			return
		}
		runes := []rune(page)
		text, all := NewText(page), normalise(runes)
		require.Len(t, all.start, len(all.text))
		require.Len(t, all.end, len(all.text))
		for i := range all.start {
			require.True(t, 0 <= all.start[i] && all.start[i] < all.end[i] && int(all.end[i]) <= len(runes))
		}
		if from < 0 || to > len(runes) || from >= to {
			return
		}
		quote := string(runes[from:to])
		var found Found
		var ok bool
		testcost.Check(t, len(page)+len(quote), testcost.Limit{Time: 20 * time.Microsecond, Alloc: 400}, func() {
			found, ok = NewText(page).Find(quote)
			_, _ = text.Closest(quote)
		})
		if ok {
			require.True(t, 0 <= found.Start && found.Start < found.End && found.End <= len(runes))
			require.Equal(t, found.Span, found.Occurrences[found.Number-1])
		}
	})
}

// TestOccurrences: if the words of a quote occur several times, the occurrence that was shown is chosen, then the one
// that is equal letter for letter, then the first.
func TestOccurrences(t *testing.T) {
	t.Parallel()
	page := "# A\n\nThe limit is 40 MB.\n\n## B\n\nThe limit is 40 MB.\n\n# C\n\nThe Limit is 40 MB."
	text := NewText(page)
	for _, h := range []struct{ level, start, end int }{{1, 0, 3}, {2, 27, 31}, {1, 55, 58}} {
		text.SetHeading(h.level, Span{h.start, h.end})
	}
	for name, tc := range map[string]struct {
		quote  string
		near   []Span
		number int
		path   string
	}{
		"first":              {"the limit is 40 MB", nil, 1, "A"},
		"letter for letter":  {"The Limit is 40 MB.", nil, 3, "C"},
		"shown":              {"The limit is 40 MB.", []Span{{27, 54}}, 2, "A › B"},
		"shown, other case":  {"The limit is 40 MB.", []Span{{55, text.Len()}}, 3, "C"},
		"the best one shown": {"The limit is 40 MB.", []Span{{55, text.Len()}, {27, 54}}, 3, "C"},
		"shown elsewhere":    {"The limit is 40 MB.", []Span{{0, 4}}, 1, "A"},
	} {
		f, ok := text.Find(tc.quote, tc.near...)
		require.True(t, ok, name)
		require.Len(t, f.Occurrences, 3, name)
		require.Equal(t, tc.number, f.Number, name)
		require.Equal(t, tc.path, text.HeadingPath(f.Start), name)
	}
	many, ok := NewText(strings.Repeat("aaaaaaaa", 1000)).Find("aaaaaaaa")
	require.True(t, ok)
	require.Len(t, many.Occurrences, MaxOccurrences)
}

func TestParts(t *testing.T) {
	t.Parallel()
	for quote, parts := range map[string][]string{
		"The pump holds 40 litres":                          nil,
		"The pump holds … when it is full":                  {"The pump holds", "when it is full"},
		"“The pump holds [...] when it is full...”":         {"The pump holds", "when it is full"},
		"The pump runs (…) the lid is open ... and nothing": {"The pump runs", "the lid is open", "and nothing"},
		"The pump … a":                                      nil,
		strings.Repeat("eight letters ... ", maxParts+1):    nil,
	} {
		require.Equal(t, parts, Parts(quote), quote)
	}
}
