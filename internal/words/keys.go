package words

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of what is indexed.
const (
	maxKeyRunes = 100   // longer words are no words
	maxPosition = 16383 // the greatest position in a tsvector
	maxPlaces   = 255   // positions of one key in a tsvector
)

// Keys returns the keys of a text in their order. A name gives its own key and those of its parts.
func Keys(language, text string) []string {
	var out []string
	k := keyer{language: Norm(language), stems: map[string]string{}}
	for _, t := range Split(text) {
		out = k.add(out, t)
	}
	return out
}

// keyer makes the keys of tokens in one language.
type keyer struct {
	language string
	stems    map[string]string // from folded words to their stems; empty for stop words
}

// add appends the keys of a token.
func (k *keyer) add(out []string, t Token) []string {
	if utf8.RuneCountInString(t.Text) > maxKeyRunes {
		return out
	}
	whole := t.Lower()
	if t.Compound() {
		out = append(out, whole)
	} else if stem := k.stem(whole); stem != "" {
		out = append(out, stem)
	}
	if t.Prefixed {
		out = append(out, Option(whole))
	}
	if t.Compound() {
		for _, p := range t.Parts {
			if stem := k.stem(Fold(p)); stem != "" {
				out = append(out, stem)
			}
		}
	}
	return out
}

// Option returns the key of a word with a sign before it: --prune, -p, .pgpass, $HOME. All signs have the same key.
func Option(folded string) string { return "-" + folded }

// stem returns the stem of a folded word, or an empty string for a stop word.
func (k *keyer) stem(word string) string {
	if stem, ok := k.stems[word]; ok {
		return stem
	}
	stem := ""
	if !IsStop(k.language, word) {
		stem = Stem(k.language, word)
	}
	k.stems[word] = stem
	return stem
}

// Query returns the keys by which a question finds passages in each of the languages of Languages. All lists have the
// same length, and the keys at one index belong to one word. A word without meaning in the question's own language is
// left out, unless nothing else would be left. There are at most limit words.
func Query(question string, limit int) map[string][]string {
	own := Norm(Detect(question))
	tokens := Split(question)
	if len(Keys(own, question)) == 0 {
		own = "xx"
	}
	out := map[string][]string{}
	for _, language := range Languages() {
		out[language] = []string{}
	}
	seen := map[string]bool{}
	var n int
	add := func(key func(language string) string) {
		if k := key(own); n < limit && !seen[k] {
			seen[k] = true
			n++
			for language := range out {
				out[language] = append(out[language], key(language))
			}
		}
	}
	for _, t := range tokens {
		if utf8.RuneCountInString(t.Text) > maxKeyRunes {
			continue
		}
		whole := t.Lower()
		if t.Prefixed {
			add(func(string) string { return Option(whole) })
		}
		parts := []string{whole}
		if t.Compound() {
			add(func(string) string { return whole })
			parts = parts[:0]
			for _, p := range t.Parts {
				parts = append(parts, Fold(p))
			}
		}
		for _, p := range parts {
			if !IsStop(own, p) {
				add(func(language string) string { return Stem(language, p) })
			}
		}
	}
	return out
}

// Indexer writes the tsvectors of the passages of one page.
type Indexer struct {
	keyer
	title []string
	heads map[string][]string
}

// NewIndexer prepares the index of a page. Of titles, the first 1,000 bytes count.
func NewIndexer(language, title string) *Indexer {
	x := &Indexer{keyer: keyer{language: Norm(language), stems: map[string]string{}}, heads: map[string][]string{}}
	x.title = x.keys(cut(title, 1000))
	return x
}

func (x *Indexer) keys(text string) []string {
	var out []string
	for _, t := range Split(text) {
		out = x.add(out, t)
	}
	return out
}

// Vector returns the tsvector of a passage, as PostgreSQL reads it. Of the headings, the first 2,000 bytes count.
func (x *Indexer) Vector(heading, text string) string {
	head, known := x.heads[heading]
	if !known {
		head = x.keys(cut(heading, 2000))
		x.heads[heading] = head
	}
	places := map[string][]byte{}
	count := map[string]int{}
	position := 0
	add := func(keys []string, weight string) {
		for _, key := range keys {
			position = min(position+1, maxPosition)
			if count[key]++; count[key] > maxPlaces {
				continue
			}
			sign := byte(',')
			if places[key] == nil {
				sign = ':'
			}
			places[key] = append(strconv.AppendInt(append(places[key], sign), int64(position), 10), weight...)
		}
	}
	add(x.title, "A")
	add(head, "B")
	add(x.keys(text), "")
	var b strings.Builder
	for key, at := range places {
		b.WriteString(Lexeme(key))
		b.Write(at)
		b.WriteByte(' ')
	}
	return b.String()
}

// Lexeme writes a key as it stands in a tsvector or tsquery.
func Lexeme(key string) string {
	return "'" + lexemeMarks.Replace(key) + "'"
}

var lexemeMarks = strings.NewReplacer("'", "''", `\`, `\\`)

// cut returns at most n bytes of a text, without dividing a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Occurrences reads from the text of a tsvector how often it has each of the keys.
func Occurrences(vector string, keys []string) []Counts {
	out := make([]Counts, len(keys))
	for rest := vector; ; {
		var key string
		var ok bool
		if key, rest, ok = readLexeme(rest); !ok {
			return out
		}
		end := strings.IndexByte(rest, ' ')
		if end < 0 {
			end = len(rest)
		}
		places := rest[:end]
		rest = strings.TrimPrefix(rest[end:], " ")
		for i := range keys {
			if keys[i] == key {
				out[i] = countPlaces(places)
			}
		}
	}
}

// readLexeme reads a quoted lexeme at the beginning of the text of a tsvector.
func readLexeme(s string) (key, rest string, ok bool) {
	if !strings.HasPrefix(s, "'") {
		return "", "", false
	}
	plain := true
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			plain = false
			i++
		case s[i] == '\'' && i+1 < len(s) && s[i+1] == '\'':
			plain = false
			i++
		case s[i] == '\'':
			key = s[1:i]
			if !plain {
				key = strings.NewReplacer("''", "'", `\\`, `\`).Replace(key)
			}
			return key, s[i+1:], true
		}
	}
	return "", "", false
}

// countPlaces counts positions by their weights: ":1A,5,9B".
func countPlaces(places string) Counts {
	c := Counts{}
	for p := range strings.SplitSeq(strings.TrimPrefix(places, ":"), ",") {
		switch {
		case strings.HasSuffix(p, "A"):
			c.Title++
		case strings.HasSuffix(p, "B"):
			c.Heading++
		case p != "":
			c.Text++
		}
	}
	return c
}
