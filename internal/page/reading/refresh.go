package reading

import (
	"strings"

	"legwork/internal/weburl"
)

// RefreshTarget parses the value of a Refresh header or of <meta http-equiv=refresh>, by the "shared declarative refresh steps" of the HTML
// standard. If the delay is at most nine seconds, it returns the absolute address to load. Otherwise it returns an empty string, because a
// page that is shown for longer is meant to be read.
func RefreshTarget(base *weburl.Base, value string) string {
	rest := strings.TrimLeft(value, htmlSpace)
	digits := rest
	if i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = rest[:i]
	}
	rest = rest[len(digits):]
	if digits == "" && !strings.HasPrefix(rest, ".") {
		return ""
	}
	if len(strings.TrimLeft(digits, "0")) > len("9") {
		return ""
	}
	rest = strings.TrimLeft(rest, "0123456789.")
	if rest == "" || !strings.ContainsRune(";,"+htmlSpace, rune(rest[0])) {
		return "" // no address follows, or browsers would not understand the value
	}
	rest = strings.TrimLeft(rest, htmlSpace)
	if rest != "" && (rest[0] == ';' || rest[0] == ',') {
		rest = strings.TrimLeft(rest[1:], htmlSpace)
	}
	rest = refreshAddress(rest)
	if rest == "" {
		return "" // the page reloads itself
	}
	u, err := base.Join(rest)
	if err != nil {
		return ""
	}
	return u.String()
}

// refreshAddress returns the address after the delay. "url=" and quotes are optional.
func refreshAddress(s string) string {
	if len(s) >= 3 && strings.EqualFold(s[:3], "url") {
		after := strings.TrimLeft(s[3:], htmlSpace)
		if !strings.HasPrefix(after, "=") {
			return s // s is an address that happens to begin with "url"
		}
		s = strings.TrimLeft(after[1:], htmlSpace)
	}
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		quote := s[:1]
		s, _, _ = strings.Cut(s[1:], quote)
	}
	return s
}

// htmlSpace is ASCII whitespace as the HTML standard defines it.
const htmlSpace = " \t\n\f\r"
