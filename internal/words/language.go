package words

import (
	"strings"
	"unicode"
)

// scriptLanguages are the languages of scripts that hardly any other language uses.
var scriptLanguages = []struct {
	script   *unicode.RangeTable
	language string
}{
	{unicode.Hangul, "ko"}, {unicode.Thai, "th"}, {unicode.Greek, "el"}, {unicode.Hebrew, "he"}, {unicode.Arabic, "ar"},
	{unicode.Devanagari, "hi"}, {unicode.Lao, "lo"}, {unicode.Khmer, "km"}, {unicode.Myanmar, "my"}, {unicode.Georgian, "ka"},
	{unicode.Armenian, "hy"}, {unicode.Tamil, "ta"}, {unicode.Bengali, "bn"},
}

// letterLanguages are letters that few languages written in Latin or Cyrillic letters have.
var letterLanguages = map[rune]string{
	'ß': "de", 'ñ': "es", '¿': "es", '¡': "es", 'ã': "pt", 'õ': "pt", 'ő': "hu", 'ű': "hu", 'ğ': "tr", 'ı': "tr",
	'ș': "ro", 'ț': "ro", 'ă': "ro", 'ł': "pl", 'ą': "pl", 'ę': "pl", 'ś': "pl", 'ż': "pl", 'ź': "pl", 'ř': "cs", 'ě': "cs", 'ů': "cs",
	'ї': "uk", 'є': "uk", 'ґ': "uk", 'ы': "ru", 'э': "ru", 'ё': "ru", 'œ': "fr", 'æ': "da no", 'ø': "da no", 'å': "da no sv",
	'ä': "de sv fi", 'ö': "de sv fi hu tr", 'ü': "de tr hu", 'é': "fr es pt hu cs it", 'è': "fr it", 'ê': "fr pt", 'ç': "fr pt tr", 'à': "fr it pt",
	'ì': "it", 'ò': "it", 'ù': "it fr", 'ó': "es pt pl hu cs", 'í': "es pt hu cs", 'á': "es pt hu cs", 'ú': "es pt hu cs", 'ş': "tr", 'č': "cs", 'š': "cs", 'ž': "cs",
	'î': "fr ro", 'ô': "fr pt", 'â': "fr pt ro",
}

// Bounds of Detect.
const (
	detectBytes  = 6000 // only the beginning of a text is looked at
	leastScript  = 0.2  // share of the letters that must be of the script of a language
	leastKana    = 0.05 // share of the letters that are Hiragana or Katakana in Japanese
	letterPoints = 0.6  // points for a letter that only one language has
	leastPoints  = 0.5  // points that a language must have
	leastLead    = 1.1  // how many times the points of the next language the best must have
)

// Detect returns the language of a text, or an empty string if the text does not show it: names and numbers alone are of
// any language. Scripts tell the languages apart that have one of their own. Others are told apart by their stop words,
// of which questions have many, and by their letters. A word that several languages have counts for each in part.
func Detect(text string) string {
	text = cut(text, detectBytes)
	if language := detectScript(text); language != "" {
		return language
	}
	points := map[string]float64{}
	seen := map[string]bool{}
	total := 0
	for _, t := range Split(text) {
		total++
		word := t.Lower()
		if seen[word] && len(seen) < 40 { // in a short text each word counts once
			continue
		}
		seen[word] = true
		var in []string
		for language, list := range stopWords() {
			if list[word] {
				in = append(in, language)
			}
		}
		for _, language := range in {
			points[language] += 1 / float64(len(in))
		}
		addLetters(points, word)
	}
	if strings.Contains(text, "¿") || strings.Contains(text, "¡") {
		points["es"]++
	}
	best, next := "", ""
	for language, p := range points {
		switch {
		case best == "" || p > points[best] || p == points[best] && language < best:
			best, next = language, best
		case next == "" || p > points[next]:
			next = language
		}
	}
	if best == "" || points[best] < leastPoints || points[best] < leastLead*points[next] {
		return ""
	}
	return best
}

// addLetters adds the points of each letter of a word that few languages have.
func addLetters(points map[string]float64, word string) {
	for _, r := range word {
		if languages, ok := letterLanguages[r]; ok {
			list := strings.Fields(languages)
			for _, l := range list {
				points[l] += letterPoints / float64(len(list))
			}
		}
	}
}

// detectScript returns the language of a text by its script, or an empty string for Latin and Cyrillic letters.
func detectScript(text string) string {
	counts := make([]int, len(scriptLanguages))
	letters, kana, han := 0, 0, 0
	for _, r := range text {
		if !unicode.IsLetter(r) {
			continue
		}
		letters++
		switch {
		case r < 0x0370:
		case unicode.Is(unicode.Han, r):
			han++
		case r == prolonged, unicode.In(r, unicode.Hiragana, unicode.Katakana):
			kana++
		default:
			for i, s := range scriptLanguages {
				if unicode.Is(s.script, r) {
					counts[i]++
				}
			}
		}
	}
	share := func(n int) float64 { return float64(n) / float64(max(letters, 1)) }
	switch {
	case share(kana+han) >= leastScript && share(kana) >= leastKana:
		return "ja"
	case share(han) >= leastScript:
		return "zh"
	}
	for i, s := range scriptLanguages {
		if share(counts[i]) >= leastScript {
			return s.language
		}
	}
	return ""
}
