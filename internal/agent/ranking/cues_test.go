package ranking

import (
	"math/rand/v2"
	"strings"
	"testing"

	"legwork/internal/words"
)

// FuzzCues checks that a cue is found in a text exactly if its pattern matches the text.
func FuzzCues(f *testing.F) {
	for _, s := range []string{
		"60s", "Twos", "it takes  five\n\tminutes", "5 µs", "5 two s", "16 kB", "100 %", "sixteen characters", "ones_", "1 K", "2 ſ", "is the default", "xdefault is", "th is the default",
		"By default", "(default 5)", "default " + strings.Repeat("𐍈", 58) + " is", "default " + strings.Repeat("é", 59) + " is", "default.is the default x. is", "if not given", "If omitted", "don't", "ain't so", "n'table",
		"in 1999,", "19990", "20 to 30", "1..5", "−3 – +7", "should be used", "to do so", "can be", "in order to", "as a result", "thuſ", "e1999", "a reasons", "USED", "default=", "defaults to", "default_is", "ten\u00a0s",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { compareCues(t, text) })
}

func compareCues(t *testing.T, text string) {
	t.Helper()
	want := uint(0)
	for i, c := range cues {
		if c.pattern.MatchString(text) {
			want |= 1 << i
		}
	}
	if got := cuesIn(text, 1<<len(cues)-1); got != want {
		t.Errorf("%q: cues %b, want %b", text, got, want)
	}
	for i := range cues {
		if got := cuesIn(text, 1<<i); got != want&(1<<i) {
			t.Errorf("%q: cue %d alone %b, want %b", text, i, got, want)
		}
	}
}

// TestCuesInRandomTexts makes texts of the words of which the patterns consist.
func TestCuesInRandomTexts(t *testing.T) {
	t.Parallel()
	var parts []string
	for _, c := range cues {
		pattern := c.pattern.String()
		parts = append(parts, strings.FieldsFunc(pattern, func(r rune) bool { return strings.ContainsRune(`\()|?*+[]{}^$`, r) })...)
		parts = append(parts, strings.FieldsFunc(c.words, func(r rune) bool { return r == '|' })...)
		parts = append(parts, strings.Fields(strings.ReplaceAll(c.words, "|", " "))...)
	}
	parts = append(parts, " ", "\n", "\t", " ", ".", "'", "(", "_", "x", "é", "—", "ſ", "\u212a", "3", "47", "1999", "2020", "n't", "–", "…", "..", "the", "of", "minutes", "value ", "setting ", "kilobytes", "seconds")
	r := rand.New(rand.NewPCG(3, 4))
	for range 30000 {
		var b strings.Builder
		for range 1 + r.IntN(12) {
			p := parts[r.IntN(len(parts))]
			if r.IntN(5) == 0 {
				p = strings.ToUpper(p)
			}
			b.WriteString(p)
			if r.IntN(3) > 0 {
				b.WriteString([]string{" ", " ", "  ", "\n", "-"}[r.IntN(5)])
			}
		}
		if compareCues(t, b.String()); t.Failed() {
			return
		}
	}
}

// TestMatchesAreThoseOfTheWord checks that the terms which a word matches do not depend on the words asked for before.
func TestMatchesAreThoseOfTheWord(t *testing.T) {
	t.Parallel()
	hits, _ := manual(20)
	q := NewQuestion("Why does max_connections of the server limit json.loads and PostgreSQL's connections to C++?", "")
	for _, h := range hits {
		for _, token := range words.Split(h.Text + " Max_connections. loads C++ PostgreSQL POSTGRESQL connection's connecting") {
			if got, want := q.match(token), q.matchAnew(token); got != want {
				t.Fatalf("%+v: terms %b, want %b", token, got, want)
			}
		}
	}
}

// TestRandomPagesAreRankedAsWithPlainPatterns ranks pages with the cues as they are found, and with those that each pattern
// finds in the whole text of a passage.
func TestRandomPagesAreRankedAsWithPlainPatterns(t *testing.T) {
	t.Parallel()
	hits, links := manual(300)
	for _, question := range []string{
		"How long does the server wait for a deadlock by default?", "How large is shared_buffers if nothing is set?",
		"Why are tables vacuumed?", "When is a checkpoint written?", "How often does the archive process run?",
		"What is the range of the port?", "Is the best isolation level read committed?", "How do I set statement_timeout?",
	} {
		q := NewQuestion(question, "")
		ranked := Rank(hits, map[string]PageFacts{"p": NewPageFacts(q, links)}, map[*Question]int{q: len(hits)})
		for i, s := range ranked {
			want := 0.0
			for _, c := range cues {
				if c.asked(q.shape) && c.pattern.MatchString(s.Hit.Text) {
					want += c.bonus
				}
			}
			if s.shaped != want {
				t.Fatalf("%s: %s: bonus %v, want %v", question, s.Hit.Text, s.shaped, want)
			}
			if i > 0 && s.Score > ranked[i-1].Score {
				t.Fatalf("%s: place %d is better than the one before", question, i)
			}
		}
	}
}
