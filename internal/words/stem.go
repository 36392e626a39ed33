package words

import (
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
)

// stemmers has the Snowball stemmer of each language.
var stemmers = map[string]func(*snowballstem.Env) bool{
	"en": english.Stem, "da": danish.Stem, "nl": dutch.Stem, "fi": finnish.Stem, "fr": french.Stem,
	"de": german.Stem, "hu": hungarian.Stem, "it": italian.Stem, "no": norwegian.Stem, "pt": portuguese.Stem,
	"ro": romanian.Stem, "ru": russian.Stem, "es": spanish.Stem, "sv": swedish.Stem, "tr": turkish.Stem,
}

// Norm returns the language whose stems and stop words a text in the given language has: "en" if none is given, "no" for
// both forms of Norwegian, and "xx" for a language without stems.
func Norm(language string) string {
	switch language {
	case "":
		return "en"
	case "nb", "nn":
		return "no"
	}
	if stemmers[language] == nil {
		return "xx"
	}
	return language
}

// Languages lists the values that Norm returns.
func Languages() []string {
	return []string{"da", "de", "en", "es", "fi", "fr", "hu", "it", "nl", "no", "pt", "ro", "ru", "sv", "tr", "xx"}
}

// Stem returns the stem of a folded word, or the word itself if its language has no stemmer.
func Stem(language, word string) string {
	f := stemmers[Norm(language)]
	if f == nil || len(word) < 3 {
		return word
	}
	env := snowballstem.NewEnv(word)
	f(env)
	if stem := env.Current(); stem != "" {
		return stem
	}
	return word
}
