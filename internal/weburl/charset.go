package weburl

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
)

// NewBaseIn gives the Base of the page at u whose text is in a charset. charset is a name of the WHATWG Encoding standard. The
// query of a reference on that page is encoded in the charset, as browsers do it; the path is always UTF-8. An unknown charset
// counts as UTF-8, and so do those that the standard only reads (UTF-16).
func NewBaseIn(u *url.URL, charset string) *Base {
	b := NewBase(u)
	e, err := htmlindex.Get(charset)
	if err != nil {
		return b
	}
	name, err := htmlindex.Name(e)
	if err == nil && name != "utf-8" && name != "replacement" && !strings.HasPrefix(name, "utf-16") {
		b.charset, b.charsetName = e, name
	}
	return b
}

// encode gives the bytes of a character in a charset, and false when the charset is not to be written with it. EUC-JP and Big5 are read
// with more characters than they are written with (WHATWG Encoding, "EUC-JP encoder" and "index Big5 pointer").
func encode(r rune, charset encoding.Encoding, name string) (string, bool) {
	s, err := charset.NewEncoder().String(string(r))
	if err != nil || s == "" {
		return "", false
	}
	return s, !(name == "euc-jp" && s[0] == 0x8F || name == "big5" && s[0] >= utf8.RuneSelf && s[0] < 0xA1)
}

// queryIn writes the characters beyond ASCII in the query of a reference as percent-encoded bytes of a charset (WHATWG URL,
// "percent-encode after encoding"). A character that the charset lacks becomes a percent-encoded HTML reference: %26%239731%3B.
func queryIn(ref string, charset encoding.Encoding, name string) string {
	whole, fragment, hasFragment := strings.Cut(ref, "#")
	start := strings.IndexByte(whole, '?') + 1
	if start == 0 || isASCII(whole[start:]) {
		return ref
	}
	var out, run strings.Builder // run: characters that the charset has
	out.WriteString(whole[:start])
	write := func() {
		encoded, err := charset.NewEncoder().String(run.String())
		if err == nil { // each of its characters was tried
			out.WriteString(escapeBytes(encoded))
		}
		run.Reset()
	}
	for _, r := range whole[start:] {
		if _, ok := encode(r, charset, name); !ok {
			write()
			fmt.Fprintf(&out, "%%26%%23%d%%3B", r)
			continue
		}
		run.WriteRune(r)
	}
	write()
	if hasFragment {
		out.WriteString("#" + fragment)
	}
	return out.String()
}

// escapeBytes percent-encodes what may not stand in a query: bytes beyond ASCII, control characters, and the sign of a fragment.
// Everything else is left to the parser of addresses.
func escapeBytes(query string) string {
	var out strings.Builder
	for i := range len(query) {
		if c := query[i]; c >= utf8.RuneSelf || c == 0x1B || c == '#' {
			fmt.Fprintf(&out, "%%%02X", c)
		} else {
			out.WriteByte(c)
		}
	}
	return out.String()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
