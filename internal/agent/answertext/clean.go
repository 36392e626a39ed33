package answertext

import (
	"html"
	"regexp"
	"strconv"
	"strings"
)

// Clean removes from a model's answer what does not belong to it, and what would make a reader's browser load or open
// something: the code fence around a whole answer, images, HTML, and links to pages that are not cited. The text of a
// removed link remains. A plain address becomes code, so that browsers do not make it a link. Clean also writes the
// markers of the n quotes as [1], whatever form the model used. It does not change code. cited reports whether an
// address is that of a cited page.
func Clean(text string, n int, cited func(url string) bool) string {
	text = unfenced(strings.TrimSpace(text))
	parens := !bracketed.MatchString(text)
	return strings.TrimSpace(outsideCode(text, func(s string) string {
		s = cleanLinks(s, cited)
		s = cleanHTML(s)
		return cleanMarkers(s, n, parens)
	}))
}

// outsideCode applies f to the parts of a text that are not code.
func outsideCode(text string, f func(string) string) string {
	var b strings.Builder
	at := 0
	for _, code := range append(codeSpan.FindAllStringIndex(text, -1), []int{len(text), len(text)}) {
		b.WriteString(f(text[at:code[0]]))
		b.WriteString(text[code[0]:code[1]])
		at = code[1]
	}
	return b.String()
}

var wholeFence = regexp.MustCompile("(?is)^(`{3,}|~{3,})[ \t]*(markdown|md|text|txt|plaintext)?[ \t]*\n(.*?)\n?[ \t]*(?:`{3,}|~{3,})?$")

// unfenced removes the code fence around a whole answer. If the fence names no language, the text may be code, so the
// fence is removed only if there are markers inside.
func unfenced(text string) string {
	m := wholeFence.FindStringSubmatch(text)
	if m == nil || strings.Contains(m[3], m[1][:3]) || m[2] == "" && !bracketed.MatchString(m[3]) {
		return text
	}
	return strings.TrimSpace(m[3])
}

var (
	image      = regexp.MustCompile(`!\[[^\]\n]*\](?:\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:[ \t]+["'(][^\n)]*)?\)|\[[^\]\n]*\])`)
	link       = regexp.MustCompile(`\[((?:[^\[\]\n]|\[[^\[\]\n]*\])*)\]\(\s*<?([^()\s<>]*(?:\([^()\s]*\)[^()\s<>]*)*)>?(?:[ \t]+["'(][^\n)]*)?\s*\)`)
	definition = regexp.MustCompile(`(?m)^[ \t]{0,3}\[[^\]\n]+\]:[ \t]*<?\S+>?[^\n]*\n?`)
	keptLink   = regexp.MustCompile("\x00\\d+\x00")
	bareURL    = regexp.MustCompile(`<?\b(?:https?|ftp)://[^\s<>"'\]|` + "`" + `]+>?`)
)

// cleanLinks removes images, the definitions of links, and links to pages that are not cited.
func cleanLinks(s string, cited func(url string) bool) string {
	s = image.ReplaceAllString(s, "")
	s = definition.ReplaceAllString(s, "")
	var kept []string // links to cited pages; they are replaced for a while, so that their addresses are not treated as plain addresses
	s = link.ReplaceAllStringFunc(s, func(l string) string {
		m := link.FindStringSubmatch(l)
		if bracketed.MatchString("["+m[1]+"]") || bracketed.MatchString(m[1]) { // the text of the link is a marker
			return "[" + strings.Trim(m[1], "[]") + "]"
		}
		if !cited(m[2]) {
			return m[1]
		}
		kept = append(kept, l)
		return "\x00" + strconv.Itoa(len(kept)-1) + "\x00"
	})
	s = bareURL.ReplaceAllStringFunc(s, func(u string) string {
		address := strings.Trim(u, "<>")
		tail := address[len(strings.TrimRight(address, ".,;:!?)*_")):]
		address = address[:len(address)-len(tail)]
		if cited(address) {
			return u
		}
		return "`" + address + "`" + tail
	})
	return keptLink.ReplaceAllStringFunc(s, func(m string) string {
		if i, err := strconv.Atoi(strings.Trim(m, "\x00")); err == nil && i < len(kept) {
			return kept[i]
		}
		return ""
	})
}

var (
	htmlBlock   = regexp.MustCompile(`(?is)<(script|style|iframe|object|svg|template|noscript)\b[^>]*>.*?</(?:script|style|iframe|object|svg|template|noscript)\s*>`)
	htmlComment = regexp.MustCompile(`(?s)<!--.*?(?:-->|$)`)
	htmlBreak   = regexp.MustCompile(`(?i)<br\s*/?>`)
	htmlTag     = regexp.MustCompile(`(?is)</?(?:a|abbr|article|aside|audio|b|base|blockquote|body|button|center|cite|code|dd|del|details|div|dl|dt|em|embed|figure|font|footer|form|frame|frameset|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd|li|link|main|mark|meta|nav|object|ol|option|p|picture|pre|q|s|samp|script|section|select|small|source|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|textarea|tfoot|th|thead|title|tr|u|ul|var|video)(?:\s[^<>]*)?/?>`)
)

// cleanHTML removes HTML tags and comments, and scripts with their content. A word in angle brackets that is not a tag
// remains.
func cleanHTML(s string) string {
	if !strings.Contains(s, "<") {
		return s
	}
	s = htmlBlock.ReplaceAllString(htmlComment.ReplaceAllString(s, ""), "")
	return htmlTag.ReplaceAllString(htmlBreak.ReplaceAllString(s, "\n"), "")
}

var (
	// bracketed finds a marker in brackets.
	bracketed = regexp.MustCompile(`(?i)[\[【]\s*(?:quotes?|sources?|evidence|ref(?:erence)?s?)?\.?\s*#?\^?\d{1,4}[^\]】\n]{0,40}[\]】]`)
	// named finds a marker with a word, or with what some models append to the number: [Quote 1], 【1†source】,
	// [1:0†L3-L9].
	named = regexp.MustCompile(`(?i)[\[【(]\s*(?:(?:quotes?|sources?|evidence|ref(?:erence)?s?)\.?\s*#?\s*(\d{1,4}(?:\s*(?:,|;|and|&|–|-)\s*#?\d{1,4})*)|(\d{1,4})(?::\d+)?\s*†[^\]】\n]{0,80})\s*[\]】)]`)
	paren = regexp.MustCompile(`(\p{L}|\p{N}|["'”’)*%])([ \t]?)\((\d{1,3}(?:\s*,\s*\d{1,3})*)\)`)
	and   = regexp.MustCompile(`(?i)\s*(?:and|&|#)\s*`)
)

// cleanMarkers writes markers as [1]. If parens is true, the number of a quote in parentheses is a marker, too.
func cleanMarkers(s string, n int, parens bool) string {
	s = named.ReplaceAllStringFunc(s, func(m string) string {
		p := named.FindStringSubmatch(m)
		return "[" + strings.Trim(and.ReplaceAllString(p[1]+p[2], ","), ", ") + "]"
	})
	if !parens {
		return s
	}
	return paren.ReplaceAllStringFunc(s, func(m string) string {
		p := paren.FindStringSubmatch(m)
		for _, part := range strings.Split(p[3], ",") {
			if v, err := strconv.Atoi(strings.TrimSpace(part)); err != nil || v < 1 || v > n {
				return m
			}
		}
		return p[1] + p[2] + "[" + p[3] + "]"
	})
}

// sameAddress returns an address without its fragment and without a slash at its end, so that two addresses of one page
// are equal.
func sameAddress(url string) string {
	url, _, _ = strings.Cut(html.UnescapeString(url), "#")
	return strings.TrimSuffix(url, "/")
}

// Cited returns a function that reports whether an address is one of those given. Fragments of addresses are ignored.
func Cited(urls ...string) func(url string) bool {
	known := map[string]bool{}
	for _, u := range urls {
		known[sameAddress(u)] = true
	}
	return func(url string) bool { return known[sameAddress(url)] }
}
