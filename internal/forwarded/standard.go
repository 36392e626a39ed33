package forwarded

import "strings"

// hop is one element of the header Forwarded: what one proxy says about the connection that it accepted.
type hop struct {
	from  string // the parameter for: the host that has connected to the proxy; empty if the proxy does not name it
	proto string // the protocol of the connection
}

// parseForwarded parses one line of the header Forwarded (RFC 7239 §4). If the line breaks the grammar, the whole
// line is refused: otherwise a quotation mark that a client has opened could hide what a proxy has appended.
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

// cutToken splits s after the token (RFC 9110 §5.6.2) at its beginning.
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

// cutValue splits s after the token or quoted string (RFC 9110 §5.6.4) at its beginning. Addresses with colons and
// brackets must be quoted. Some proxies do not quote them, so they are also accepted without quotes.
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
