// Package weburl parses URLs of web pages as browsers do, by the WHATWG URL standard and not by RFC 3986.
//
// Invariants:
//
//   - For http and https, it accepts and refuses the same strings as `new URL(text)` in a browser. It also refuses other
//     schemes, and URLs with a user name or password.
//   - An accepted URL is a *url.URL in one form: scheme and host in lower case, host names in ASCII (punycode), IPv4 and IPv6
//     addresses in their usual spelling, no default port, no dot segments, a path that is never empty. Parsing its String
//     gives the same URL.
//   - Bytes that net/url cannot represent in a path, such as a bare percent sign or a vertical bar, are percent-encoded. A
//     server decodes them to the bytes that a browser would have sent.
//   - Errors are messages for the user. They never contain the URL, because it may hold a password.
//   - Input is at most MaxLength bytes long. Time and memory grow linearly with it.
package weburl

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	whatwg "github.com/nlnwa/whatwg-url/url"
	"golang.org/x/text/encoding"
)

// MaxLength is the greatest length of a URL, in bytes. Longer ones are refused.
const MaxLength = 64 << 10

// Reasons to refuse a URL. Each completes the sentence "This address cannot be opened: …".
var (
	// ErrInvalid is returned for a URL that browsers refuse, too.
	ErrInvalid = errors.New("it is not a valid URL")
	// ErrCredentials is returned for a URL with a user name or a password.
	ErrCredentials = errors.New("URLs with a user name or password are not opened")
	// ErrScheme is returned for a URL that is neither http nor https.
	ErrScheme = errors.New("only http and https URLs can be opened")
	// ErrRelative is returned for a URL without a scheme.
	ErrRelative = errors.New("it is not absolute: it must begin with http:// or https://")
	// ErrTooLong is returned for a URL of more than MaxLength bytes.
	ErrTooLong = fmt.Errorf("it is longer than %d bytes", MaxLength)
)

// IsRoute reports whether a fragment names a page of a single page application (#/ports, #!/ports) and not a position in the
// document.
func IsRoute(fragment string) bool {
	rest := strings.TrimPrefix(fragment, "!")
	return strings.HasPrefix(rest, "/") && len(rest) > 1
}

// Parse parses an absolute http or https URL. It keeps the fragment.
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

// Redact replaces the user name and password of a URL by an ellipsis, so that the URL can be shown. It returns other strings
// unchanged.
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

// Base resolves the references (hrefs) of one page. It is safe for concurrent use.
type Base struct {
	plain       *url.URL
	full        *whatwg.Url       // nil when the library cannot parse the base; then only absolute references can be resolved
	charset     encoding.Encoding // the charset in which queries are encoded; nil means UTF-8
	charsetName string
}

// NewBase returns the Base of the page at u.
func NewBase(u *url.URL) *Base {
	full, err := whatwg.Parse(u.String())
	if err != nil {
		full = nil
	}
	return &Base{plain: u, full: full}
}

// Join resolves a reference as a browser resolves the href of a link. It ignores white space around the reference, and line
// breaks and tabs inside it. It keeps the fragment. For other schemes than http and https it returns ErrScheme.
func (b *Base) Join(ref string) (*url.URL, error) {
	if len(ref) > MaxLength {
		return nil, ErrTooLong
	}
	if u := plain(ref); u != nil {
		return u, nil
	}
	if b.charset != nil {
		ref = queryIn(ref, b.charset, b.charsetName)
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

// Join resolves one reference against base. Use NewBase for several references.
func Join(base *url.URL, ref string) (*url.URL, error) { return NewBase(base).Join(ref) }

// convert converts a URL of the WHATWG library to one of net/url.
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
		return nil, ErrInvalid // cannot happen, because escapePath has encoded all bytes that are not allowed
	}
	out := &url.URL{Scheme: in.Scheme(), Host: in.Host(), Path: path, RawPath: raw, RawQuery: strings.TrimPrefix(in.Search(), "?")}
	if hash := strings.TrimPrefix(in.Hash(), "#"); hash != "" {
		setFragment(out, hash)
	}
	if out.RawPath == (&url.URL{Path: path}).EscapedPath() {
		out.RawPath = "" // url.Parse leaves RawPath empty here, too, so equal URLs are equal values
	}
	return out, nil
}

// setFragment sets the fragment of u from its percent-encoded form. If the encoding is invalid, u gets no fragment.
func setFragment(u *url.URL, raw string) {
	raw = escape(raw, "!$&'()*+,;=:@/?")
	if fragment, err := url.PathUnescape(raw); err == nil {
		u.Fragment, u.RawFragment = fragment, raw
	}
	if u.RawFragment == (&url.URL{Fragment: u.Fragment}).EscapedFragment() {
		u.RawFragment = ""
	}
}

// escapePath percent-encodes the bytes that net/url cannot represent in a path.
func escapePath(path string) string { return escape(path, "!$&'()*+,;=:@/[]") }

// escape percent-encodes each byte that is not unreserved (RFC 3986 §2.3), not in allowed, and not part of a percent-encoded
// byte.
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

// plain parses the most common kind of URL without the library, to save time: an absolute URL in lower case, with an ordinary
// host name and a path that needs no change. The result is the same as the library's. It returns nil for other URLs.
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

// plainHost reports whether host is a name of lower-case letters, digits and single inner hyphens, in which each label begins
// with a letter. Such a name is neither an IP address nor punycode.
func plainHost(host string) bool {
	label := 0 // length of the current label
	last := byte('.')
	for i := range len(host) {
		c := host[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9' && label > 0:
			label++
		case c >= '0' && c <= '9': // refused, because a label that begins with a digit may be part of an IPv4 address
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
