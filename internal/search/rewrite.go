package search

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxRewritten is the greatest number of words in a rewritten query.
const maxRewritten = 6

// stopWords are words that occur in questions but do not say what a page is about.
var stopWords = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`a about after all also an and any are as at be because been before being between both but by can could
		describe did do does doing done each either every explain find first for from get give had has have having he her here him his how i if
		in into is it its just kind let like many may me mean might more most much must my name need no not now of off on once one only or
		other our out over own please say she should so some such tell than that the their them then there these they this those through to
		too under until up us use used using very was we were what when where whether which while who whom whose why will with would you your`) {
		m[w] = true
	}
	return m
}()

// rewrite simplifies a query. It removes quotation marks, operators, punctuation and stop words, and keeps at most
// maxRewritten words: those that are probably the rarest. If no word would be left, it returns the query unchanged.
func rewrite(query string) string {
	plain := strings.NewReplacer(`"`, " ", "“", " ", "”", " ", "„", " ", "«", " ", "»", " ", "`", " ", "(", " ", ")", " ").Replace(query)
	var kept []string
	for _, w := range strings.Fields(plain) {
		w = strings.TrimFunc(w, func(r rune) bool { return strings.ContainsRune("?!.,;:…¿¡'’+", r) })
		lower := strings.ToLower(w)
		if w == "" || stopWords[lower] || w == "AND" || w == "OR" || w == "NOT" || strings.HasPrefix(lower, "site:") || strings.HasPrefix(w, "-") || slices.Contains(kept, w) {
			continue
		}
		kept = append(kept, w)
	}
	if len(kept) > maxRewritten {
		best := slices.Clone(kept)
		slices.SortStableFunc(best, func(a, b string) int { return rarity(b) - rarity(a) })
		best = best[:maxRewritten]
		kept = slices.DeleteFunc(kept, func(w string) bool { return !slices.Contains(best, w) })
	}
	if len(kept) == 0 {
		return query
	}
	return strings.Join(kept, " ")
}

// rarity estimates how rare a word is: names of programs and numbers first, then words with capitals, then long words.
func rarity(w string) int {
	n := min(utf8.RuneCountInString(w), 12)
	if strings.ContainsFunc(w, func(r rune) bool { return unicode.IsDigit(r) || r == '_' || r == '.' || r == '/' }) {
		n += 20
	}
	if strings.ContainsFunc(w, unicode.IsUpper) {
		n += 10
	}
	return n
}

// poor reports whether no result has a word of the query, ignoring stop words. Two words count as equal if their first five letters are
// equal, so that inflected forms match.
func poor(results []Result, query string) bool {
	var stems []string
	for _, w := range strings.FieldsFunc(strings.ToLower(query), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if !stopWords[w] {
			runes := []rune(w)
			stems = append(stems, string(runes[:min(len(runes), 5)]))
		}
	}
	if len(stems) == 0 {
		return len(results) == 0
	}
	for _, r := range results {
		text := strings.ToLower(r.Title + " " + r.Snippet + " " + r.URL)
		if slices.ContainsFunc(stems, func(s string) bool { return strings.Contains(text, s) }) {
			return false
		}
	}
	return true
}
