package weburl

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
)

// NewBaseIn returns the Base of the page at u, whose text is in a charset. charset is a name of the WHATWG Encoding standard. As in
// browsers, the query of a reference is encoded in this charset, and the path in UTF-8. If the charset is unknown or UTF-16, the query is
// encoded in UTF-8, too (the standard has no encoder for UTF-16).
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

// encode returns the bytes of a character in a charset, and false if the charset has no bytes for the character. For EUC-JP and Big5 the
// standard has characters that it decodes but does not encode (WHATWG Encoding, "EUC-JP encoder" and "index Big5 pointer"). encode returns
// false for them, too.
func encode(r rune, charset encoding.Encoding, name string) (string, bool) {
	s, err := charset.NewEncoder().String(string(r))
	if err != nil || s == "" {
		return "", false
	}
	return s, !(name == "euc-jp" && s[0] == 0x8F || name == "big5" && s[0] >= utf8.RuneSelf && s[0] < 0xA1)
}

// queryIn finds the characters beyond ASCII in the query of a reference. It replaces them by their percent-encoded bytes in a charset
// (WHATWG URL, "percent-encode after encoding"). A character that the charset does not have is replaced by a percent-encoded HTML character
// reference, such as %26%239731%3B.
func queryIn(ref string, charset encoding.Encoding, name string) string {
	whole, fragment, hasFragment := strings.Cut(ref, "#")
	start := strings.IndexByte(whole, '?') + 1
	if start == 0 || isASCII(whole[start:]) {
		return ref
	}
	var out, run strings.Builder // run has the characters that the charset can encode and that are not yet in out
	out.WriteString(whole[:start])
	write := func() {
		encoded, err := charset.NewEncoder().String(run.String())
		if err == nil { // err is always nil here, since each character of run was encoded before
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

// escapeBytes percent-encodes the bytes of a query that the URL parser would change or misread: bytes beyond ASCII, the escape character
// (0x1B), and the number sign. The URL parser handles all other bytes.
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
