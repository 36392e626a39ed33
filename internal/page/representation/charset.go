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

// Bounds of the search for a charset, in bytes.
const (
	maxPrescan = 512 << 10 // of a document, for its meta elements
	maxGuess   = 64 << 10  // of a document, for a guess
)

// Text gives a document in UTF-8, and the charset that it was read in, by its name in the WHATWG Encoding standard. What
// names the charset, in order: a byte order mark, the Content-Type, a meta element or XML declaration. Each is a claim, which
// is believed when the text that it gives is whole: without replacement characters, and without the letters that a wrong
// charset makes of other scripts. Otherwise the charset is guessed from the bytes, and the guess is checked in the same way.
// Where nothing fits, the claim with the fewest replacement characters wins. Bytes that are no text become U+FFFD.
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
	if valid && letters == 0 && !isEscaped(declared) { // ASCII is the same in all that are left
		head = canonical(documentCharset(body))
		if !isEscaped(head) {
			return string(body), "utf-8"
		}
		declared = head
	}
	if valid && (letters >= 4 || !multibyte(declared)) && !isEscaped(declared) {
		return decode(body, "utf-8"), "utf-8" // whatever the labels say: no other text looks like this
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

// claims are the charsets that labels name, without doubles. UTF-8 is tried even if nothing names it: most text is, and a
// single broken byte is no reason to take it for something else.
func claims(declared, head string) []string {
	var out []string
	for _, name := range []string{declared, head, "utf-8"} {
		if name != "" && (len(out) == 0 || out[0] != name) && (len(out) < 2 || out[1] != name) {
			out = append(out, name)
		}
	}
	return out
}

// guesses are charsets that the bytes look like, likely ones first, and windows-1252, which can be read into any bytes.
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

// flaws counts what is wrong with a text if it is in the charset called name: replacement characters, control characters
// that no text has, and the look of another script read in a Latin charset. A broken character in a hundred is a flaw of the
// text, and not of the charset.
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
		// Latin scripts have an accent in every third letter at most. The markup around them only lowers the share.
		if words := foreignWords(text); words > 8 {
			bad += words
		}
	}
	return bad
}

// foreignWords counts words of at least three letters that consist of nothing but accented Latin letters and signs: Cyrillic, Greek
// and other scripts look like that in a Latin charset.
func foreignWords(text string) int {
	words := 0
	for _, w := range strings.FieldsFunc(text[:min(len(text), maxGuess)], func(r rune) bool { return r < 0x80 && !unicode.IsLetter(r) || unicode.IsSpace(r) }) {
		if utf8.RuneCountInString(w) >= 3 && strings.IndexFunc(w, func(r rune) bool { return r < 0xA0 || r >= 0x250 }) < 0 {
			words++
		}
	}
	return words
}

// byteOrderMark gives the charset that a byte order mark names, and its length.
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

// unmarkedUTF16 recognises UTF-16 without a byte order mark by the zero bytes of its ASCII characters; empty: it is none.
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

// canonical is the name of a charset by one of its labels; empty: it is not known. Latin-1 and ASCII are read as
// windows-1252, as the web does.
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

// looseCharset finds a charset in a Content-Type that is not well formed, such as "text/html; charset: utf-8".
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

// multibyte reports whether characters of a charset take two bytes and more, so that short texts in it may look like UTF-8.
func multibyte(name string) bool {
	switch name {
	case "gbk", "gb18030", "big5", "euc-jp", "shift_jis", "euc-kr":
		return true
	}
	return false
}

// isEscaped reports whether a charset writes all characters with ASCII bytes.
func isEscaped(name string) bool { return name == "iso-2022-jp" }

// validUTF8 reports whether body is UTF-8, and how many characters beyond ASCII it has. A character that is cut off at the
// end does not count.
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

// documentCharset is the charset that a document names itself: by an XML declaration, or by a meta element wherever it
// stands in the head. Browsers honour a late one, too. Empty: it names none.
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
						return "utf-8" // or this element could not have been read
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

// xmlCharset is the encoding that an XML declaration names; empty: none.
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
