package reading

import (
	"strings"

	"legwork/internal/weburl"
)

// RefreshTarget reads the value of a Refresh header or of a <meta http-equiv=refresh>, by the steps that the HTML standard
// gives for both ("shared declarative refresh steps"). It returns the absolute address that the page leads on to within
// nine seconds; empty: there is none. A page that is shown for longer is there to be read.
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
		return "" // nothing follows, or the value is not one that browsers understand
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

// refreshAddress takes the address out of what follows the delay: with or without "url=", with or without quotes.
func refreshAddress(s string) string {
	if len(s) >= 3 && strings.EqualFold(s[:3], "url") {
		after := strings.TrimLeft(s[3:], htmlSpace)
		if !strings.HasPrefix(after, "=") {
			return s // an address that begins with these letters
		}
		s = strings.TrimLeft(after[1:], htmlSpace)
	}
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		quote := s[:1]
		s, _, _ = strings.Cut(s[1:], quote)
	}
	return s
}

// htmlSpace is what the HTML standard calls ASCII white space.
const htmlSpace = " \t\n\f\r"
