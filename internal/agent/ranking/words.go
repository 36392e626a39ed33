package ranking

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/finnish"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/hungarian"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/romanian"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
	"github.com/blevesearch/snowballstem/turkish"

	"legwork/internal/bigrams"
)

// stemmers has the Snowball stemmer of each language. PostgreSQL uses the same algorithms, so words that it finds have
// the same stems here.
var stemmers = map[string]func(*snowballstem.Env) bool{
	"": english.Stem, "en": english.Stem, "da": danish.Stem, "nl": dutch.Stem, "fi": finnish.Stem, "fr": french.Stem,
	"de": german.Stem, "hu": hungarian.Stem, "it": italian.Stem, "no": norwegian.Stem, "nb": norwegian.Stem,
	"nn": norwegian.Stem, "pt": portuguese.Stem, "ro": romanian.Stem, "ru": russian.Stem, "es": spanish.Stem,
	"sv": swedish.Stem, "tr": turkish.Stem,
}

// stem returns the stem of a lower-case word, or the word itself if its language has no stemmer.
func stem(language, word string) string {
	f := stemmers[language]
	if f == nil || len(word) < 3 {
		return word
	}
	env := snowballstem.NewEnv(word)
	f(env)
	return env.Current()
}

// token is one word of a text, or one name written as a unit ("max_connections", "json.loads", "ThreadPool").
type token struct {
	text       string // the token as it is written in the text
	start, end int    // byte offsets in the text
	parts      []string
	call       bool // whether an opening parenthesis follows the token
	prefixed   bool // whether the token follows a character with which only names begin (".pgpass", "--jobs", "@x")
}

// lower returns the token in lower case, for comparisons.
func (t token) lower() string { return strings.ToLower(t.text) }

// compound reports whether the token is one name that consists of several words.
func (t token) compound() bool { return len(t.parts) > 1 }

// WordRune reports whether a character can be part of a word or name.
func WordRune(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)
}

// Tokenize splits a text into words and names. The words of a name may be separated by single dots, hyphens and
// apostrophes. Text in a script without spaces becomes overlapping pairs of letters, as in full-text search (package
// bigrams).
func Tokenize(s string) []token {
	var out []token
	runes := []rune(s)
	at := make([]int, len(runes)+1) // byte offset of each code point
	n := 0
	for i, r := range runes {
		at[i] = n
		n += len(string(r))
	}
	at[len(runes)] = n
	for i := 0; i < len(runes); {
		if !WordRune(runes[i]) {
			i++
			continue
		}
		start := i
		if bigrams.Is(runes[i]) {
			for i < len(runes) && (bigrams.Is(runes[i]) || unicode.Is(unicode.Mn, runes[i])) {
				i++
			}
			out = append(out, pairs(string(runes[start:i]), at[start])...)
			continue
		}
		for i < len(runes) && !bigrams.Is(runes[i]) {
			if WordRune(runes[i]) {
				i++
				continue
			}
			if i+1 < len(runes) && WordRune(runes[i+1]) && !bigrams.Is(runes[i+1]) && strings.ContainsRune(".-'’", runes[i]) {
				i++
				continue
			}
			break
		}
		t := token{start: at[start], end: at[i], text: string(runes[start:i])}
		t.text, _, _ = cutPossessive(t.text)
		t.parts = splitName(t.text)
		t.call = i < len(runes) && runes[i] == '('
		t.prefixed = start > 0 && strings.ContainsRune(".$@\\", runes[start-1]) && (start == 1 || unicode.IsSpace(runes[start-2]) ||
			strings.ContainsRune("\"'`(~/", runes[start-2])) && !unicode.IsDigit(runes[start])
		if start > 1 && runes[start-1] == '-' && runes[start-2] == '-' {
			t.prefixed = true
		}
		out = append(out, t)
	}
	return out
}

// pairs returns the overlapping letter pairs of a run of text without spaces. at is the byte offset of the run in the text.
func pairs(run string, at int) []token {
	var out []token
	for _, word := range bigrams.Of(run) {
		i := strings.Index(run, word)
		out = append(out, token{text: word, start: at + i, end: at + i + len(word), parts: []string{word}})
		_, next := utf8.DecodeRuneInString(run[i:])
		run, at = run[i+next:], at+i+next
	}
	return out
}

// cutPossessive removes the 's of "the table's name".
func cutPossessive(s string) (string, string, bool) {
	for _, mark := range []string{"'s", "’s"} {
		if before, ok := strings.CutSuffix(s, mark); ok {
			return before, mark, true
		}
	}
	return s, "", false
}

// splitName splits a name into words, at punctuation and where an upper-case letter follows a lower-case one:
// "ThreadPoolExecutor" → Thread, Pool, Executor; "max_connections" → max, connections; "UUIDs" stays whole.
func splitName(s string) []string {
	var parts []string
	start := 0
	flush := func(end int) {
		if end > start {
			parts = append(parts, s[start:end])
		}
	}
	var before rune
	for i, r := range s {
		switch {
		case strings.ContainsRune("_.-'’", r):
			flush(i)
			start = i + len(string(r))
		case unicode.IsUpper(r) && unicode.IsLower(before):
			flush(i)
			start = i
		}
		before = r
	}
	flush(len(s))
	return parts
}

// exact returns the key of the term for a whole name. The words of the name are terms of their own.
func exact(lower string) string { return "=" + lower }

// WordsOf returns the set of words and names in a text, in lower case.
func WordsOf(s string) map[string]bool {
	m := map[string]bool{}
	for _, t := range Tokenize(s) {
		m[t.lower()] = true
	}
	return m
}
