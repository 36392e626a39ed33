package password

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds of the length of a password, in characters (code points), and of its size in bytes.
const (
	MinLength = 12
	MaxLength = 128
	maxBytes  = 4 * MaxLength
)

// minGuesses is how many guesses, as a power of ten, an attacker who knows common patterns must need at least. An
// attacker cannot make 10¹⁰ guesses, neither at this server nor, because argon2id is slow, with a stolen copy of the
// database.
const minGuesses = 10

// maxJudged is how many characters of a password the estimate examines. Its time grows faster than the length of the
// password, and further characters can only make the password better.
const maxJudged = 48

// Check returns what is wrong with a new password, as the end of a sentence that begins with "password". It returns
// "" if the password is good enough. It does not demand certain kinds of characters. It refuses passwords that are
// short, common, or made of patterns: words, names, dates, repetitions, rows of keys, and contextWords (e-mail
// address, name), which an attacker tries first.
func Check(password string, contextWords ...string) string {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		return "must be valid Unicode text"
	case n < MinLength:
		return fmt.Sprintf("must have at least %d characters; a sentence of a few unusual words is easy to remember", MinLength)
	case n > MaxLength || len(password) > maxBytes:
		return fmt.Sprintf("must have at most %d characters", MaxLength)
	}
	if _, err := prepare(password); err != nil {
		return "must not contain control characters"
	}
	judged := password
	if runes := []rune(password); len(runes) > maxJudged {
		judged = string(runes[:maxJudged])
	}
	ranks, err := dictionary()
	if err != nil { // the embedded dictionary is damaged; the tests find such a build
		panic(err)
	}
	if log10Guesses(judged, ranks, words(contextWords)) < minGuesses {
		return "is too easy to guess: it is common, or made of words, names, dates or patterns that attackers try first; add unusual words"
	}
	return ""
}

// maxWords is the greatest number of context words, and maxWord the greatest length of one.
const maxWords, maxWord = 16, 64

// words splits context texts, such as an e-mail address, into words.
func words(texts []string) []string {
	out := []string{"legwork"}
	for _, text := range texts {
		parts := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune(" @.+-_,", r) })
		for _, word := range append(parts, strings.ToLower(text)) {
			if n := len(word); n >= 3 && n <= maxWord && len(out) < maxWords {
				out = append(out, word)
			}
		}
	}
	return out
}
