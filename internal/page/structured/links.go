package structured

import (
	"strings"

	"legwork/internal/research"
	"legwork/internal/weburl"
)

// Limits for the links in a text.
const (
	maxLinks   = 5_000
	maxURL     = 2_048 // bytes
	maxContext = 200   // code points
)

// Links finds the http and https addresses in plain text, each once. The context of a link is the line that it is in. more is true if the
// text has more than maxLinks addresses.
func Links(text string) (links []research.Link, more bool) {
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		rest := line
		for {
			i := strings.Index(rest, "http")
			if i < 0 {
				break
			}
			rest = rest[i:]
			raw := address(rest)
			rest = rest[max(len(raw), len("http")):]
			u, err := weburl.Parse(raw)
			if raw == "" || err != nil || len(raw) > maxURL {
				continue
			}
			l := research.Link{Frag: u.Fragment, Text: raw}
			u.Fragment, u.RawFragment = "", ""
			if l.URL = u.String(); seen[l.URL+"#"+l.Frag] || len(l.URL) > maxURL {
				continue
			}
			if len(links) == maxLinks {
				return links, true
			}
			seen[l.URL+"#"+l.Frag] = true
			l.Context = cut(strings.Join(strings.Fields(line[:min(len(line), 16*maxContext)]), " "), maxContext)
			l.Text = cut(l.Text, maxContext)
			links = append(links, l)
		}
	}
	return links, false
}

// address returns the address at the beginning of s, without the punctuation of the sentence around it. If there is no address, it returns
// an empty string.
func address(s string) string {
	if !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "https://") {
		return ""
	}
	end := strings.IndexAny(s, " \t\r\n\"<>`{}|\\^\u3000。、」）")
	if end < 0 {
		end = len(s)
	}
	raw := s[:end]
trim:
	for raw != "" {
		last := raw[len(raw)-1]
		switch {
		case strings.IndexByte(".,;:!?'*_", last) >= 0,
			last == ')' && strings.Count(raw, ")") > strings.Count(raw, "("),
			last == ']' && strings.Count(raw, "]") > strings.Count(raw, "["):
			raw = raw[:len(raw)-1]
		default:
			break trim
		}
	}
	return raw
}

// cut shortens s to at most n code points.
func cut(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
