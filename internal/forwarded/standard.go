package forwarded

import "strings"

// hop is one element of the header Forwarded: what one proxy says of the connection that it accepted.
type hop struct {
	from  string // the parameter for: who connected to the proxy. It is empty when the proxy does not say
	proto string // the protocol of the connection
}

// parseForwarded reads one line of the header Forwarded (RFC 7239 §4). A line that breaks the grammar is refused whole:
// a quotation mark that a client left open could otherwise swallow what a proxy added behind it.
func parseForwarded(line string) (hops []hop, ok bool) {
	var h hop
	rest := strings.TrimLeft(line, " \t")
	for rest != "" {
		var name, value string
		if name, rest, ok = cutToken(rest); ok {
			if rest, ok = strings.CutPrefix(rest, "="); ok {
				value, rest, ok = cutValue(rest)
			}
			if !ok {
				return nil, false
			}
			switch strings.ToLower(name) {
			case "for":
				h.from = value
			case "proto":
				h.proto = value
			}
		}
		rest = strings.TrimLeft(rest, " \t")
		switch {
		case rest == "", rest[0] == ',':
			hops, h = append(hops, h), hop{}
		case rest[0] != ';':
			return nil, false
		}
		if rest != "" {
			rest = strings.TrimLeft(rest[1:], " \t")
		}
	}
	return hops, true
}

// cutToken takes a token (RFC 9110 §5.6.2) from the beginning of s.
func cutToken(s string) (token, rest string, ok bool) {
	n := 0
	for n < len(s) && isTokenByte(s[n]) {
		n++
	}
	return s[:n], s[n:], n > 0
}

func isTokenByte(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// cutValue takes a token or a quoted string (RFC 9110 §5.6.4) from the beginning of s. Addresses with colons and brackets
// must be quoted, but some proxies do not, so they are taken bare, too.
func cutValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		n := 0
		for n < len(s) && (isTokenByte(s[n]) || strings.IndexByte("[]:", s[n]) >= 0) {
			n++
		}
		return s[:n], s[n:], n > 0
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:], true
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}
