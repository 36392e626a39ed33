package representation

import (
	"bytes"
	"mime"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gogs/chardet"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
)

// Limits of the search for a charset, in bytes.
const (
	maxPrescan = 512 << 10 // bytes searched for meta elements
	maxGuess   = 64 << 10  // bytes used for a guess
)

// Text decodes a document to UTF-8. It also returns the charset used, by its name in the WHATWG Encoding standard. Charsets are tried in
// this order: the charset of a byte order mark, of the Content-Type, and of a meta element or XML declaration. A charset is accepted if the
// decoded text has no replacement characters and does not look like another script that was decoded as a Latin charset. If none is
// accepted, charsets guessed from the bytes are tried in the same way. If these fail too, the named charset with the fewest flaws is used.
// Bytes that cannot be decoded become U+FFFD.
func Text(body []byte, contentType string) (text, charset string) {
	if name, n := byteOrderMark(body); name != "" {
		return decode(body[n:], name), name
	}
	if name := unmarkedUTF16(body); name != "" {
		return decode(body, name), name
	}
	declared, head := "", ""
	if _, params, err := mime.ParseMediaType(contentType); err == nil || params != nil {
		declared = canonical(params["charset"])
	}
	if declared == "" {
		declared = canonical(looseCharset(contentType))
	}
	valid, letters := validUTF8(body)
	if valid && letters == 0 && !isEscaped(declared) { // the text is only ASCII, so all remaining charsets give the same text
		head = canonical(documentCharset(body))
		if !isEscaped(head) {
			return string(body), "utf-8"
		}
		declared = head
	}
	if valid && (letters >= 4 || !multibyte(declared)) && !isEscaped(declared) {
		return decode(body, "utf-8"), "utf-8" // text in another charset is practically never valid UTF-8
	}
	if head == "" {
		head = canonical(documentCharset(body))
	}
	best, bestName, least := "", "", -1
	for _, names := range []func() []string{func() []string { return claims(declared, head) }, func() []string { return guesses(body) }} {
		for _, name := range names() {
			out := decode(body, name)
			bad := flaws(out, name)
			if bad == 0 {
				return out, name
			}
			if least < 0 || bad < least {
				best, bestName, least = out, name, bad
			}
		}
	}
	return best, bestName
}

// claims returns the charsets that the document or its headers name, each once. It adds UTF-8, since most text is UTF-8, and a single
// broken byte may be the reason why it was not recognised.
func claims(declared, head string) []string {
	var out []string
	for _, name := range []string{declared, head, "utf-8"} {
		if name != "" && (len(out) == 0 || out[0] != name) && (len(out) < 2 || out[1] != name) {
			out = append(out, name)
		}
	}
	return out
}

// guesses returns charsets that fit the bytes, the likely ones first. The last is windows-1252, in which all bytes can be decoded.
func guesses(body []byte) []string {
	sample := body[:min(len(body), maxGuess)]
	found, err := chardet.NewHtmlDetector().DetectAll(sample)
	var out []string
	if err == nil {
		for _, g := range found {
			name := canonical(g.Charset)
			if name == "" || name == "utf-16be" || name == "utf-16le" || g.Confidence < 10 {
				continue
			}
			out = append(out, name)
		}
	}
	return append(out, "windows-1252")
}

// flaws counts the signs that a text was decoded in the wrong charset: replacement characters, unusual control characters, and words of
// another script that were decoded as a Latin charset. Replacement characters are ignored if they are at most one for every hundred other
// characters beyond ASCII.
func flaws(text, name string) int {
	replaced, controls, latin, plain, other := 0, 0, 0, 0, 0
	for _, r := range text {
		switch {
		case r == utf8.RuneError:
			replaced++
		case r < 0x80:
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
				plain++
			}
		case r < 0xA0:
			controls++
		case r < 0x250:
			latin++
		default:
			other++
		}
	}
	if replaced > 0 && replaced*100 <= latin+other {
		replaced = 0
	}
	bad := replaced + controls
	if strings.HasPrefix(name, "windows-1252") || name == "iso-8859-15" || name == "macintosh" {
		// In a Latin script, words of accented letters only are rare, so more than eight of them mean another script.
		if words := foreignWords(text); words > 8 {
			bad += words
		}
	}
	return bad
}

// foreignWords counts the words of three or more letters that have only accented Latin letters and signs. Words in Cyrillic, Greek and
// other scripts look like this if they were decoded as a Latin charset.
func foreignWords(text string) int {
	words := 0
	for _, w := range strings.FieldsFunc(text[:min(len(text), maxGuess)], func(r rune) bool { return r < 0x80 && !unicode.IsLetter(r) || unicode.IsSpace(r) }) {
		if utf8.RuneCountInString(w) >= 3 && strings.IndexFunc(w, func(r rune) bool { return r < 0xA0 || r >= 0x250 }) < 0 {
			words++
		}
	}
	return words
}

// byteOrderMark returns the charset of the byte order mark that body begins with, and the mark's length in bytes.
func byteOrderMark(body []byte) (string, int) {
	switch {
	case bytes.HasPrefix(body, []byte("\xEF\xBB\xBF")):
		return "utf-8", 3
	case bytes.HasPrefix(body, []byte("\xFF\xFE")):
		return "utf-16le", 2
	case bytes.HasPrefix(body, []byte("\xFE\xFF")):
		return "utf-16be", 2
	}
	return "", 0
}

// unmarkedUTF16 recognises UTF-16 without a byte order mark by the zero bytes of ASCII characters. It returns an empty string if body is
// not UTF-16.
func unmarkedUTF16(body []byte) string {
	head := body[:min(len(body), 256)&^1]
	if len(head) < 4 {
		return ""
	}
	var zeros [2]int
	for i, c := range head {
		if c == 0 {
			zeros[i%2]++
		}
	}
	half := len(head) / 2
	switch {
	case zeros[1]*10 >= half*7 && zeros[0] == 0:
		return "utf-16le"
	case zeros[0]*10 >= half*7 && zeros[1] == 0:
		return "utf-16be"
	}
	return ""
}

// canonical returns the standard name of a charset, or an empty string if the label is unknown. As on the web, the labels of Latin-1 and
// ASCII mean windows-1252.
func canonical(label string) string {
	e, err := htmlindex.Get(strings.Trim(strings.TrimSpace(label), `"'`))
	if err != nil {
		return ""
	}
	name, err := htmlindex.Name(e)
	if err != nil || name == "replacement" || name == "x-user-defined" {
		return ""
	}
	return name
}

// looseCharset finds the charset in a malformed Content-Type, such as "text/html; charset: utf-8".
func looseCharset(contentType string) string {
	_, after, found := strings.Cut(strings.ToLower(contentType), "charset")
	if !found {
		return ""
	}
	after = strings.TrimLeft(after, " =:\"'")
	label, _, _ := strings.Cut(after, ";")
	label, _, _ = strings.Cut(label, " ")
	return strings.Trim(label, `"',`)
}

// multibyte reports whether a charset uses two or more bytes per character, so that a short text in it may be valid UTF-8.
func multibyte(name string) bool {
	switch name {
	case "gbk", "gb18030", "big5", "euc-jp", "shift_jis", "euc-kr":
		return true
	}
	return false
}

// isEscaped reports whether a charset writes all characters with ASCII bytes.
func isEscaped(name string) bool { return name == "iso-2022-jp" }

// validUTF8 reports whether body is UTF-8, and returns the number of characters beyond ASCII. An incomplete last character is ignored.
func validUTF8(body []byte) (valid bool, letters int) {
	for i := 0; i < len(body); {
		if body[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(body[i:])
		if r == utf8.RuneError && n == 1 {
			return !utf8.FullRune(body[i:]) && letters > 0, letters
		}
		letters++
		i += n
	}
	return true, letters
}

func decode(body []byte, name string) string {
	if name == "utf-8" {
		return strings.ToValidUTF8(string(body), "\uFFFD")
	}
	e, err := htmlindex.Get(name)
	if err != nil {
		e = encoding.Replacement
	}
	out, err := e.NewDecoder().Bytes(body)
	if err != nil {
		out = body
	}
	return strings.ToValidUTF8(string(out), "\uFFFD")
}

// documentCharset returns the charset that a document names, in an XML declaration or in a meta element anywhere in its head, as browsers
// do. If it names none, documentCharset returns an empty string.
func documentCharset(body []byte) string {
	if label := xmlCharset(body); label != "" {
		return label
	}
	z := html.NewTokenizer(bytes.NewReader(body[:min(len(body), maxPrescan)]))
	z.SetMaxBuf(maxPrescan)
	for {
		switch z.Next() {
		case html.ErrorToken:
			return ""
		case html.StartTagToken, html.SelfClosingTagToken:
			switch t := z.Token(); t.DataAtom {
			case atom.Meta:
				if label := metaCharset(t); canonical(label) != "" {
					if name := canonical(label); strings.HasPrefix(name, "utf-16") {
						return "utf-8" // the document cannot be UTF-16, since this ASCII text was found in it
					}
					return label
				}
			case atom.Body:
				return ""
			}
		}
	}
}

func metaCharset(t html.Token) string {
	content, isType := "", false
	for _, a := range t.Attr {
		switch a.Key {
		case "charset":
			return a.Val
		case "http-equiv":
			isType = strings.EqualFold(strings.TrimSpace(a.Val), "content-type")
		case "content":
			content = a.Val
		}
	}
	if !isType {
		return ""
	}
	return looseCharset(content)
}

// xmlCharset returns the encoding in an XML declaration, or an empty string.
func xmlCharset(body []byte) string {
	head := strings.TrimLeft(string(body[:min(len(body), 300)]), " \t\r\n")
	declaration, _, found := strings.Cut(head, "?>")
	if !found || !strings.HasPrefix(declaration, "<?xml") {
		return ""
	}
	_, value, found := strings.Cut(declaration, "encoding")
	if !found {
		return ""
	}
	value = strings.TrimLeft(value, " \t\r\n=")
	if len(value) < 2 {
		return ""
	}
	label, _, _ := strings.Cut(value[1:], value[:1])
	return label
}
