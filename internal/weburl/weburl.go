// Package weburl reads the addresses of web pages as browsers read them: by the WHATWG URL standard, and not by RFC 3986.
//
// Invariants:
//
//   - What `new URL(text)` of a browser accepts is accepted here, and what it refuses is refused, for http and https.
//     Other schemes, and addresses with a user name or password, are refused besides.
//   - An address that was accepted is a *url.URL in one form: scheme and host in lower case, host names in ASCII
//     (punycode), IPv4 and IPv6 addresses in their usual spelling, no default port, no dot segments, a path that is never
//     empty. Its String is accepted again and gives the same address.
//   - Bytes that net/url cannot carry in a path, such as a bare percent sign or a vertical bar, are percent-encoded.
//     Servers decode them to what a browser would have sent.
//   - Errors are sentences for the user. They never repeat the address, because it may hold a password.
//   - Input is bounded by MaxLength. Everything is linear in it.
package weburl

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	whatwg "github.com/nlnwa/whatwg-url/url"
)

// MaxLength is the greatest length of an address, in bytes. Longer ones are refused.
const MaxLength = 64 << 10

// The reasons for which an address is refused. Each completes the sentence "This address cannot be opened: …".
var (
	// ErrInvalid is an address that browsers refuse, too.
	ErrInvalid = errors.New("it is not a valid URL")
	// ErrCredentials is an address with a user name or a password.
	ErrCredentials = errors.New("URLs with a user name or password are not opened")
	// ErrScheme is an address that is neither http nor https.
	ErrScheme = errors.New("only http and https URLs can be opened")
	// ErrRelative is an address without a scheme.
	ErrRelative = errors.New("it is not absolute: it must begin with http:// or https://")
	// ErrTooLong is an address of more than MaxLength bytes.
	ErrTooLong = fmt.Errorf("it is longer than %d bytes", MaxLength)
)

// IsRoute reports whether a fragment is the address of a page inside a page, as single page applications write it (#/ports, #!/ports),
// and not a place in one.
func IsRoute(fragment string) bool {
	rest := strings.TrimPrefix(fragment, "!")
	return strings.HasPrefix(rest, "/") && len(rest) > 1
}

// Parse reads an absolute http or https address. The fragment is kept.
func Parse(raw string) (*url.URL, error) {
	if len(raw) > MaxLength {
		return nil, ErrTooLong
	}
	if u := plain(raw); u != nil {
		return u, nil
	}
	u, err := whatwg.Parse(strings.ToValidUTF8(raw, "\uFFFD"))
	if err != nil {
		if !hasScheme(raw) {
			return nil, ErrRelative
		}
		return nil, ErrInvalid
	}
	return convert(u)
}

// Redact replaces the user name and password of an address by an ellipsis, so that it can be shown. Addresses without
// them, and texts that are no addresses, stay as they are.
func Redact(raw string) string {
	start := strings.IndexByte(raw, ':') + 1
	if strings.EqualFold(raw[:start], "mailto:") {
		return raw
	}
	for start < len(raw) && (raw[start] == '/' || raw[start] == '\\') {
		start++
	}
	end := strings.IndexAny(raw[start:], `/\?#`)
	if end < 0 {
		end = len(raw) - start
	}
	if at := strings.LastIndexByte(raw[start:start+end], '@'); at >= 0 {
		return raw[:start] + "…" + raw[start+at:]
	}
	return raw
}

// Base resolves references that stand on one page. It is safe for concurrent use.
type Base struct {
	plain *url.URL
	full  *whatwg.Url // nil: base has no form that the library reads, and only absolute references can be resolved
}

// NewBase gives the Base of the page at u.
func NewBase(u *url.URL) *Base {
	full, err := whatwg.Parse(u.String())
	if err != nil {
		full = nil
	}
	return &Base{plain: u, full: full}
}

// Join resolves a reference as a browser resolves the href of a link. White space around it, and line breaks and tabs
// inside it, do not count. The fragment is kept. References to other schemes give ErrScheme.
func (b *Base) Join(ref string) (*url.URL, error) {
	if len(ref) > MaxLength {
		return nil, ErrTooLong
	}
	if u := plain(ref); u != nil {
		return u, nil
	}
	if b.full == nil {
		return Parse(ref)
	}
	u, err := b.full.Parse(strings.ToValidUTF8(ref, "\uFFFD"))
	if err != nil {
		return nil, ErrInvalid
	}
	return convert(u)
}

// Join resolves one reference against base. Use a Base for many.
func Join(base *url.URL, ref string) (*url.URL, error) { return NewBase(base).Join(ref) }

// convert gives an address of the library in the form of net/url.
func convert(in *whatwg.Url) (*url.URL, error) {
	switch {
	case in.Scheme() != "http" && in.Scheme() != "https":
		return nil, ErrScheme
	case in.Username() != "" || in.Password() != "":
		return nil, ErrCredentials
	case in.Hostname() == "":
		return nil, ErrInvalid
	}
	raw := escapePath(in.Pathname())
	path, err := url.PathUnescape(raw)
	if err != nil {
		return nil, ErrInvalid // escapePath leaves nothing to complain of
	}
	out := &url.URL{Scheme: in.Scheme(), Host: in.Host(), Path: path, RawPath: raw, RawQuery: strings.TrimPrefix(in.Search(), "?")}
	if hash := strings.TrimPrefix(in.Hash(), "#"); hash != "" {
		setFragment(out, hash)
	}
	if out.RawPath == (&url.URL{Path: path}).EscapedPath() {
		out.RawPath = "" // as url.Parse does, so that equal addresses are equal values
	}
	return out, nil
}

// setFragment sets a fragment that is percent-encoded as browsers do it. One that is not well encoded stands as it is.
func setFragment(u *url.URL, raw string) {
	raw = escape(raw, "!$&'()*+,;=:@/?")
	if fragment, err := url.PathUnescape(raw); err == nil {
		u.Fragment, u.RawFragment = fragment, raw
	}
	if u.RawFragment == (&url.URL{Fragment: u.Fragment}).EscapedFragment() {
		u.RawFragment = ""
	}
}

// escapePath percent-encodes what net/url cannot carry in a path.
func escapePath(path string) string { return escape(path, "!$&'()*+,;=:@/[]") }

// escape percent-encodes each byte that is not unreserved (RFC 3986 §2.3), not in allowed and not part of an escape.
func escape(s, allowed string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case unreserved(c), strings.IndexByte(allowed, c) >= 0,
			c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

// hasScheme reports whether raw begins with a scheme.
func hasScheme(raw string) bool {
	raw = strings.TrimLeft(raw, " \t\r\n\f")
	for i, r := range raw {
		switch {
		case r == ':':
			return i > 0
		case r >= utf8.RuneSelf, !(unreserved(byte(r)) || r == '+'):
			return false
		}
	}
	return false
}

// plain reads the most common kind of address without the library: an absolute one in lower case with an ordinary host
// name, whose path has nothing in it that would have to be changed. It is a short cut and gives what the library would
// give; nil means to ask the library.
func plain(raw string) *url.URL {
	scheme, rest, found := strings.Cut(raw, "://")
	if !found || scheme != "https" && scheme != "http" {
		return nil
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, tail := rest[:end], rest[end:]
	if !plainHost(host) {
		return nil
	}
	if tail == "" {
		return &url.URL{Scheme: scheme, Host: host, Path: "/"}
	}
	for i := range len(tail) {
		c := tail[i]
		if !unreserved(c) && strings.IndexByte("/&=,;:@+", c) < 0 && (c != '?' || i == 0) {
			return nil
		}
	}
	path, query, asked := strings.Cut(tail, "?")
	if path == "" || strings.Contains(path, "/.") || asked && (query == "" || strings.Contains(query, "?")) {
		return nil
	}
	return &url.URL{Scheme: scheme, Host: host, Path: path, RawQuery: query}
}

// plainHost reports whether host is a name of lower-case letters, digits and inner hyphens whose last label begins with a
// letter, and so neither an address nor punycode.
func plainHost(host string) bool {
	label := 0 // length of the current label
	last := byte('.')
	for i := range len(host) {
		c := host[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9' && label > 0:
			label++
		case c >= '0' && c <= '9': // a label that begins with a digit may be a number
			return false
		case c == '-' && label > 0:
			label++
			if i+1 < len(host) && host[i+1] == '-' {
				return false
			}
		case c == '.' && label > 0 && last != '-':
			label = 0
		default:
			return false
		}
		if label > 63 {
			return false
		}
		last = c
	}
	return label > 0 && last != '-' && len(host) <= 253
}
