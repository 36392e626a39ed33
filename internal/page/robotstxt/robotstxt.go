// Package robotstxt reads robots.txt files (RFC 9309).
//
// Invariants:
//
//   - All groups that name our product token apply. If no group names it, the groups for "*" apply. The whole token must be equal; letter
//     case does not matter.
//   - The longest pattern that matches a path decides. If an Allow and a Disallow pattern are equally long, the Allow decides. A path that
//     no pattern matches is allowed.
//   - Paths and patterns are compared in one normal form: octets that need no percent-encoding are decoded, all others are encoded with
//     upper-case digits.
//   - Where the RFC leaves a case open, lines are read as Google's parser reads them: white space instead of a colon, and common
//     misspellings of the field names.
//   - At most MaxSize bytes are read. A line that is cut off there is ignored. Parsing takes time linear in the file. Each call of
//     Allowed takes time linear in the rules and the path.
package robotstxt

import (
	"bytes"
	"strings"
	"time"
)

// MaxSize is the number of bytes of a file that are read. RFC 9309 §2.5 requires at least this size.
const MaxSize = 500 << 10

// Rules are the rules of a file for one crawler. The zero Rules allow everything.
type Rules struct {
	// Delay is the longest Crawl-delay of the groups that apply; 0 means that there is none.
	Delay time.Duration

	rules []rule
}

// rule is one Allow or Disallow line.
type rule struct {
	allow  bool
	length int      // octets of the pattern; the longest matching pattern decides
	parts  []string // the pattern, split at its asterisks
	end    bool     // the pattern must match up to the end of the path
}

// Parse reads the rules for the crawler that is called token, such as "legwork". Any bytes are a valid file.
func Parse(file []byte, token string) Rules {
	if len(file) > MaxSize {
		file = file[:MaxSize]
		file = file[:bytes.LastIndexAny(file, "\r\n")+1]
	}
	file = bytes.TrimPrefix(file, []byte("\xEF\xBB\xBF"))
	p := parser{token: strings.ToLower(token)}
	for _, line := range bytes.FieldsFunc(file, func(r rune) bool { return r == '\r' || r == '\n' }) {
		p.line(string(line))
	}
	if p.named {
		return p.own
	}
	return p.any
}

// parser reads the lines of a file in order.
type parser struct {
	token    string
	own, any Rules // rules of the groups that name the token, and of the groups for all crawlers
	named    bool  // a group names the token
	agents   bool  // the last line was a User-agent line, so a further User-agent line belongs to the same group
	toOwn    bool  // the current group names the token
	toAny    bool  // the current group is for all crawlers
}

func (p *parser) line(line string) {
	line, _, _ = strings.Cut(line, "#")
	name, value, found := strings.Cut(line, ":")
	if !found { // white space may replace the colon if the line has two words
		words := strings.Fields(line)
		if len(words) != 2 {
			return
		}
		name, value = words[0], words[1]
	}
	value = strings.TrimSpace(value)
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "user-agent", "useragent", "user agent":
		if !p.agents {
			p.agents, p.toOwn, p.toAny = true, false, false
		}
		switch {
		case value == "*" || strings.HasPrefix(value, "* "):
			p.toAny = true
		case p.isToken(value):
			p.toOwn, p.named = true, true
		}
	case "allow":
		p.rule(true, value)
	case "disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw":
		p.rule(false, value)
	case "crawl-delay":
		if d, err := time.ParseDuration(value + "s"); err == nil && d > 0 {
			p.add(func(r *Rules) { r.Delay = max(r.Delay, d) })
		}
	}
}

// isToken reports whether the value of a User-agent line is our product token. A version or comment after the token is ignored.
func (p *parser) isToken(value string) bool {
	value = strings.ToLower(value)
	for i, r := range value {
		if !(r >= 'a' && r <= 'z' || r == '-' || r == '_') {
			name, _, _ := strings.Cut(value, "/")
			name, _, _ = strings.Cut(name, " ")
			return value[:i] == p.token || name == p.token
		}
	}
	return value == p.token
}

// rule adds a rule to the current group. A line without a path has no effect (RFC 9309 §2.2.2).
func (p *parser) rule(allow bool, pattern string) {
	p.agents = false
	if pattern == "" {
		return
	}
	rules := []rule{newRule(allow, pattern)}
	if i := strings.LastIndexByte(pattern, '/'); allow && i >= 0 && strings.HasPrefix(pattern[i:], "/index.htm") {
		rules = append(rules, newRule(true, pattern[:i+1]+"$")) // an Allow rule for index.html also applies to the address of its folder
	}
	p.add(func(r *Rules) { r.rules = append(r.rules, rules...) })
}

// add calls change for own, for any, or for both, depending on the current group.
func (p *parser) add(change func(*Rules)) {
	if p.toOwn {
		change(&p.own)
	}
	if p.toAny {
		change(&p.any)
	}
}

func newRule(allow bool, pattern string) rule {
	r := rule{allow: allow}
	pattern, r.end = strings.CutSuffix(pattern, "$")
	for i, part := range strings.Split(pattern, "*") {
		if part = normal(part); i > 0 {
			r.length++ // the asterisk before this part
		}
		r.length += len(part)
		r.parts = append(r.parts, part)
	}
	if r.end {
		r.length++
	}
	return r
}

// Allowed reports whether a path may be requested. path is the percent-encoded path of the address with its query: "/a%20b?c".
func (r Rules) Allowed(path string) bool {
	if path == "" || path[0] != '/' {
		path = "/" + path
	}
	if len(r.rules) == 0 || path == "/robots.txt" { // RFC 9309 §2.2.2
		return true
	}
	path = normal(path)
	allowed, longest := true, -1
	for _, rule := range r.rules {
		if (rule.length > longest || rule.length == longest && rule.allow) && rule.matches(path) {
			allowed, longest = rule.allow, rule.length
		}
	}
	return allowed
}

// matches reports whether the pattern matches path from its beginning. path is in normal form.
func (r rule) matches(path string) bool {
	rest, ok := strings.CutPrefix(path, r.parts[0])
	if !ok {
		return false
	}
	last := len(r.parts) - 1
	if last == 0 {
		return !r.end || rest == ""
	}
	for _, part := range r.parts[1:last] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	if r.end {
		return strings.HasSuffix(rest, r.parts[last])
	}
	return strings.Contains(rest, r.parts[last])
}

// normal returns a part of a path or pattern in the normal form for comparison (RFC 9309 §2.2.2). It decodes percent-encoded octets that
// need no encoding. It encodes octets that are not allowed in URIs. It also encodes asterisks and dollar signs, since they have a meaning
// in patterns (§2.2.3).
func normal(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		c, escaped := s[i], false
		if c == '%' && i+2 < len(s) {
			high, low := hexValue(s[i+1]), hexValue(s[i+2])
			if high >= 0 && low >= 0 {
				c, escaped = byte(high<<4|low), true
				i += 2
			}
		}
		if unreserved(c) || !escaped && strings.IndexByte("/?#[]@!&'()+,;=:", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// unreserved reports whether c needs no percent-encoding anywhere (RFC 3986 §2.3).
func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
